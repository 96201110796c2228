"""``doctor`` as a process on the practice cluster: the whole HealthPay plan, and what it says when parts are wrong."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_kit import DEADLINE, HEALTHPAY, Commands, on_terminal
from session_kit import FAST, place_of

from releaseconsole.commands.doctor import GLYPHS
from releaseconsole.sandbox import PracticeThread


@pytest.fixture(scope="module")
def shared() -> Iterator[PracticeThread]:
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def commands(shared: PracticeThread, tmp_path: Path) -> Commands:
    made = Commands(place_of(shared.cluster, tmp_path))
    made.place.write_manifests("1.0.0")
    folder = tmp_path / "deployment" / "k8s"
    folder.parent.mkdir()
    (tmp_path / "manifests").rename(folder)
    return made


def doctor(commands: Commands, *more: str) -> tuple[int, str, str]:
    return commands("doctor", "--folder", str(commands.folder), *more, state=False)


def groups(text: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """(environment, target) → findings."""
    found = json.loads(text)["groups"]
    return {(one["environment"], one["target"]): one["findings"] for one in found}


def edit(commands: Commands, environment: str, **changes: Any) -> None:
    """Change what the endpoints' file says of an environment."""
    path = commands.folder / "endpoints.json"
    told = json.loads(path.read_text("utf-8"))
    told[environment] |= changes
    path.write_text(json.dumps(told), "utf-8")


def send_elsewhere(commands: Commands, context: str, server: str) -> None:
    path = commands.place.kubeconfig
    config = yaml.safe_load(path.read_text("utf-8"))
    config["clusters"].append({"name": "elsewhere", "cluster": {"server": server}})
    for one in config["contexts"]:
        if one["name"] == context:
            one["context"]["cluster"] = "elsewhere"
    path.write_text(yaml.safe_dump(config), "utf-8")


def sign_in_with(commands: Commands, context: str, script: str) -> None:
    """An exec plugin in place of the context's credentials."""
    path = commands.place.kubeconfig
    config = yaml.safe_load(path.read_text("utf-8"))
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}
    config["users"].append({"name": "plugged", "user": {"exec": plugin}})
    for one in config["contexts"]:
        if one["name"] == context:
            one["context"]["user"] = "plugged"
    path.write_text(yaml.safe_dump(config), "utf-8")


def test_the_healthpay_plan_works_on_the_practice_cluster(commands: Commands) -> None:
    code, out, err = doctor(commands)
    assert (code, err) == (0, "")
    for title in ("Staging (staging)", "UAT (uat)", "Production (production)", "This machine"):
        assert title in out
    for words in (
        "deployment/api-gateway exists",
        "namespace healthpay exists",
        "is ready",
        "rights granted",
    ):
        assert out.count(words) == 3
    assert "0 failed, 0 could not be asked" in out


def test_the_document_and_the_lines_tell_the_same(commands: Commands) -> None:
    code, out, _ = doctor(commands, "--json")
    document = json.loads(out)
    assert (code, document["ok"], document["release"]) == (0, True, "healthpay")
    told = groups(out)
    for name in ("staging", "uat", "production"):
        areas = [one["area"] for one in told[name, f"{name}/healthpay"]]
        assert areas == ["server", "namespace", "workload", "workload", "workload", "rights"]
    _, lines, _ = doctor(commands)
    for findings in told.values():
        for one in findings:
            if one["area"] not in ("server", "triggers"):  # Their sentences hold what was measured.
                assert (
                    f"{GLYPHS[one['state']]} {one['state']:<7}  {one['area']:<11}  {one['sentence']}" in lines
                )


def test_every_trigger_of_the_plan_can_fire_and_nothing_is_made_up_against_it(commands: Commands) -> None:
    _, out, _ = doctor(commands, "--json", "-e", "production")
    triggers = [one for one in groups(out)["production", ""] if one["area"] == "triggers"]
    assert {one["state"] for one in triggers} == {"ok"}
    told = {one["subject"]: one["sentence"] for one in triggers}
    assert "it can be > 500 ms" in told["latency-p99"]
    assert any(re.search(r"scrapes \d+ targets of the release every 5 s", one) for one in told.values())


def test_a_query_that_the_practice_prometheus_does_not_know_is_not_called_wrong(
    commands: Commands, tmp_path: Path
) -> None:
    text = HEALTHPAY.read_text("utf-8").replace("histogram_quantile(0.99", "histogram_quantile(0.98")
    (tmp_path / "plan.toml").write_text(text, "utf-8")
    words = [
        str(tmp_path / "plan.toml") if one == str(HEALTHPAY) else one
        for one in commands.words("doctor", "--folder", commands.folder, "--json", "-e", "uat", state=False)
    ]
    code, out, _ = commands.ended(commands.start(words))
    (told,) = (one for one in groups(out)["uat", ""] if one["subject"] == "latency-p99")
    assert (code, told["state"]) == (3, "unknown")
    assert "knows only the sample plan" in told["sentence"]


def test_it_can_be_narrowed_to_an_environment(commands: Commands) -> None:
    code, out, _ = doctor(commands, "--json", "-e", "uat")
    assert code == 0
    assert {environment for environment, _ in groups(out)} == {"uat", ""}


def test_manifests_that_are_not_there_are_found_before_they_are_needed(commands: Commands) -> None:
    (commands.folder / "deployment").rename(commands.folder / "elsewhere")
    code, out, _ = doctor(commands, "--json", "-e", "uat")
    assert code == 1
    (found,) = (one for one in groups(out)["uat", ""] if one["state"] == "failed")
    assert (found["area"], found["subject"]) == ("manifests", "deployment/k8s/")
    assert "There is no file or folder" in found["sentence"]


def test_a_namespace_that_is_misspelt_and_a_context_that_is_missing_are_told_apart(
    commands: Commands,
) -> None:
    edit(commands, "uat", targets=[{"context": "uat", "namespace": "healthpai"}])
    edit(commands, "staging", targets=[{"context": "mars", "namespace": "healthpay"}])
    code, out, _ = doctor(commands, "--json")
    assert code == 1
    told = groups(out)
    (namespace,) = (one for one in told["uat", "uat/healthpai"] if one["state"] != "ok")
    assert (namespace["state"], namespace["area"]) == ("failed", "namespace")
    (context,) = told["staging", "mars/healthpay"]
    assert (context["state"], context["area"]) == ("unknown", "context")
    assert "production, staging, uat" in context["remedy"]
    assert all(one["state"] == "ok" for one in told["production", "production/healthpay"])


def test_a_cluster_out_of_reach_is_3_and_hides_nothing_of_the_others(commands: Commands) -> None:
    send_elsewhere(commands, "uat", "https://127.0.0.1:1")
    begun = time.monotonic()
    code, out, _ = doctor(commands, "--json")
    assert time.monotonic() - begun < DEADLINE / 2
    assert code == 3
    told = groups(out)
    (server,) = told["uat", "uat/healthpay"]
    assert (server["state"], server["area"]) == ("unknown", "server")
    assert "https://127.0.0.1:1" in server["sentence"]
    for name in ("staging", "production"):
        assert all(one["state"] == "ok" for one in told[name, f"{name}/healthpay"])


def test_an_exec_plugin_that_fails_is_quoted(commands: Commands) -> None:
    sign_in_with(commands, "uat", "echo 'the session has expired' >&2; exit 3")
    code, out, _ = doctor(commands, "--json", "-e", "uat")
    assert code == 3
    (found,) = groups(out)["uat", "uat/healthpay"]
    assert found["area"] == "credentials"
    assert "the session has expired" in found["sentence"]


def test_a_prometheus_out_of_reach_and_a_broken_link_are_told(commands: Commands) -> None:
    edit(commands, "uat", prometheus_url="http://127.0.0.1:1", links={"Grafana": "grafana"})
    code, out, _ = doctor(commands, "--json", "-e", "uat")
    assert code == 1
    told = {one["area"]: one for one in groups(out)["uat", ""]}
    assert told["prometheus"]["state"] == "unknown"
    assert told["link"]["state"] == "failed"


def test_on_a_terminal_it_says_whom_it_waits_for(commands: Commands) -> None:
    sign_in_with(commands, "uat", "sleep 2; exit 1")
    words = commands.words("doctor", "--folder", commands.folder, "-e", "uat", state=False)
    with on_terminal(commands, words) as terminal:
        terminal.read_until("Waiting for uat/healthpay …")
        terminal.read_until("1 could not be asked")
        assert terminal.wait() == 3


def test_a_workload_that_is_misspelt_names_the_near_ones_everywhere(
    commands: Commands, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[release]\nname = "r"\ntitle = "R"\nversion = "1"\n'
        '[environments.uat]\ntargets = [{ context = "uat", namespace = "healthpay" }]\n'
        'workloads = ["deployment/api-gatway"]\n'
        '[[phases]]\nid = "p"\ntitle = "P"\nenvironment = "uat"\n[[phases.steps]]\nid = "s"\ntitle = "S"\n'
        'items = [{ id = "i", text = "I", check = { workloads = "exist" } }]\n',
        "utf-8",
    )
    asked = {
        "doctor": (1, "Did you mean deployment/api-gateway?"),
        "check": (1, "is api-gateway meant?"),
        "status": (1, "is api-gateway meant?"),
        "rollback": (1, "Did you mean deployment/api-gateway?"),
    }
    for command, (code, words) in asked.items():
        more = ("--dry-run",) if command == "rollback" else ()
        place = [*commands.words(command, state=False)]
        place[place.index(command) + 1] = str(plan)
        at = place.index("--endpoints")
        found = commands.ended(commands.start([*place[:at], *place[at + 2 :], *more]))
        assert words in found[1], (command, found)
        assert found[0] == code, (command, found)


class TestWhatTheJournalRemembers:
    """The pins and clusters of a console that was open before."""

    @pytest.fixture
    def pinned(self, shared: PracticeThread, commands: Commands) -> Iterator[Commands]:
        async def pin() -> None:
            place = commands.place
            async with place.opened("production", plan=place.healthpay) as session:
                await session.pin("production")

        asyncio.run(pin())
        yield commands
        shared.call(lambda _: commands.place.set_tag("0.9.4"))

    def examined(self, commands: Commands, *more: str) -> tuple[int, list[dict[str, str]]]:
        state = ("--state", str(commands.place.state))
        code, out, _ = doctor(commands, "-e", "production", "--json", *state, *more)
        return code, groups(out)["production", "production/healthpay"]

    def test_a_rollback_to_the_pins_is_tried_without_changing_anything(
        self, shared: PracticeThread, pinned: Commands
    ) -> None:
        code, found = self.examined(pinned)
        said = [one["sentence"] for one in found if one["area"] == "rollback"]
        assert code == 0
        assert len([one for one in said if "runs what it would be brought back to (pinned" in one]) == 3
        shared.call(lambda _: pinned.place.set_tag("1.0.1"))
        journal = (pinned.place.state / "journal.jsonl").read_bytes()
        code, found = self.examined(pinned)
        said = [one["sentence"] for one in found if one["area"] == "rollback"]
        assert code == 0
        assert len([one for one in said if "could be brought back to revision" in one]) == 3
        assert all("the patch is accepted" in one for one in said if "could be" in one)
        assert pinned.place.images() == {"1.0.1"}
        assert (pinned.place.state / "journal.jsonl").read_bytes() == journal

    def test_a_revision_that_is_gone_is_told(self, shared: PracticeThread, pinned: Commands) -> None:
        shared.call(lambda _: pinned.place.set_tag("1.0.1"))
        lines = (pinned.place.state / "journal.jsonl").read_text("utf-8").splitlines()
        pins = [one["data"] for one in map(json.loads, lines) if one["kind"] == "pin.set"]
        gateway = next(one for one in pins if one["workload"] == "deployment/api-gateway")
        shared.call(
            lambda cluster: cluster.stores["production"].delete(
                "replicasets", "healthpay", gateway["replica_set"]
            )
        )
        code, found = self.examined(pinned)
        assert code == 0
        told = [one for one in found if "its recorded template is used" in one["sentence"]]
        assert [(one["subject"], one["state"]) for one in told] == [("deployment/api-gateway", "warning")]

    def test_who_may_not_patch_is_told_that_it_could_not_be_brought_back(
        self, shared: PracticeThread, pinned: Commands
    ) -> None:
        shared.call(lambda _: pinned.place.set_tag("1.0.1"))
        path = pinned.place.kubeconfig
        token, viewer = (pinned.place.cluster.token("production", viewer=one) for one in (False, True))
        path.write_text(path.read_text("utf-8").replace(token, viewer), "utf-8")
        code, found = self.examined(pinned)
        assert code == 1
        failed = [one for one in found if one["area"] == "rollback" and one["state"] == "failed"]
        assert len(failed) == 3
        assert all("could not be brought back" in one["sentence"] for one in failed)

    def test_another_cluster_behind_the_context_is_told_before_anything_is_asked_of_it(
        self, pinned: Commands
    ) -> None:
        code, found = self.examined(pinned)
        assert (code, [one["state"] for one in found if one["area"] == "cluster"]) == (0, ["ok"])
        path = pinned.place.kubeconfig
        config = yaml.safe_load(path.read_text("utf-8"))
        (entry,) = [one for one in config["contexts"] if one["name"] == "production"]
        entry["context"] |= {"cluster": "uat", "user": "uat"}
        path.write_text(yaml.safe_dump(config), "utf-8")
        code, found = self.examined(pinned)
        assert code == 1
        assert [one["area"] for one in found] == ["server", "cluster"]
        assert "led to another cluster before" in found[1]["sentence"]
        assert "--accept-cluster production" in found[1]["remedy"]
        _, found = self.examined(pinned, "--accept-cluster", "production")
        assert [one["state"] for one in found if one["area"] == "cluster"] == ["warning"]
        assert "workload" in {one["area"] for one in found}

    def test_a_journal_that_is_damaged_is_a_finding_and_hides_nothing(self, pinned: Commands) -> None:
        path = pinned.place.state / "journal.jsonl"
        path.write_text(path.read_text("utf-8").replace("healthpay", "Healthpay", 1), "utf-8")
        code, out, _ = doctor(pinned, "-e", "production", "--json", "--state", str(pinned.place.state))
        assert code == 1
        found = groups(out)
        assert [one["area"] for one in found["", ""] if one["state"] == "failed"] == ["journal"]
        assert "rights" in {one["area"] for one in found["production", "production/healthpay"]}
