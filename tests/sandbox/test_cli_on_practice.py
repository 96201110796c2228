"""The commands that ask a cluster, as processes, against a practice cluster in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_kit import DEADLINE, HEALTHPAY, Commands, on_terminal
from session_kit import FAST, SERVICES, place_of

from releaseconsole.sandbox import PracticeThread


@pytest.fixture(scope="module")
def shared() -> Iterator[PracticeThread]:
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def commands(shared: PracticeThread, tmp_path: Path) -> Commands:
    return Commands(place_of(shared.cluster, tmp_path))


@pytest.fixture
def released(shared: PracticeThread, commands: Commands) -> Iterator[Commands]:
    """Production runs a new version on top of what was pinned; afterwards it is as it was."""
    pin(commands)
    shared.call(lambda _: commands.place.set_tag("1.0.1"))
    yield commands
    shared.call(lambda _: commands.place.set_tag("0.9.4"))


def pin(commands: Commands) -> None:
    async def run() -> None:
        async with commands.place.opened("production", plan=commands.place.healthpay) as session:
            await session.pin("production")

    asyncio.run(run())


def edit_kubeconfig(commands: Commands, **changes: Any) -> None:
    """Another context name, or another server, for production."""
    path = commands.place.kubeconfig
    config = yaml.safe_load(path.read_text("utf-8"))
    for one in config["clusters"]:
        if "server" in changes:
            one["cluster"]["server"] = changes["server"]
    for one in config["contexts"]:
        if one["name"] == "production":
            one["name"] = changes.get("context", one["name"])
    path.write_text(yaml.safe_dump(config), "utf-8")


def images(commands: Commands) -> set[str]:
    return commands.place.images()


class TestStatus:
    def test_it_tells_phases_rollouts_and_metrics_of_every_environment(self, commands: Commands) -> None:
        code, out, err = commands("status", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert [phase["total"] for phase in told["phases"]] == [81, 15, 19, 23, 4, 11, 17, 6]
        assert len(told["items"]) == 176
        for environment in told["environments"]:
            assert environment["cluster"] == "live"
            assert {one["state"] for one in environment["workloads"]} == {"complete"}
            assert {one["state"] for one in environment["objectives"]} == {"OK"}
            assert environment["rollback"] == {"ready": 3, "total": 3, "problems": []}
        code, out, err = commands("status")
        assert (code, err) == (0, "")
        for word in ("Pre-deployment", "0/81", "api-gateway", "6/6 ready", "healthpay/api-gateway:0.9.4"):
            assert word in out
        assert not commands.place.state.exists()

    def test_a_context_that_does_not_exist_is_said_with_those_that_do(self, commands: Commands) -> None:
        edit_kubeconfig(commands, context="mars")
        begun = time.monotonic()
        status, check = (
            commands.start(commands.words("status", "--json")),
            commands.start(commands.words("check", "--phase", "production", state=False)),
        )
        code, out, err = commands.ended(status)
        assert code == 2
        assert "no context “production”" in err
        assert "mars, staging, uat" in err
        assert [one["cluster"] for one in json.loads(out)["environments"]] == ["live", "live", "stale"]
        code, out, err = commands.ended(check)
        assert (code, "no context “production”" in err) == (2, True)
        assert "? unknown" in out
        code, out, err = commands("rollback", "-e", "production", "--yes")
        assert (code, out) == (2, "")
        assert "mars, staging, uat" in err
        assert time.monotonic() - begun < DEADLINE / 2

    def test_a_server_that_is_out_of_reach_is_exit_code_3_everywhere(self, commands: Commands) -> None:
        edit_kubeconfig(commands, server="https://127.0.0.1:1")
        running = {
            "status": commands.start(commands.words("status", "--json")),
            "check": commands.start(commands.words("check", "--phase", "staging", "--json", state=False)),
            "rollback": commands.start(commands.words("rollback", "-e", "production", "--yes")),
            "dry run": commands.start(commands.words("rollback", "-e", "uat", "--dry-run", "--json")),
        }
        ended = {name: commands.ended(process) for name, process in running.items()}
        assert {name: result[0] for name, result in ended.items()} == dict.fromkeys(running, 3)
        assert {one["cluster"] for one in json.loads(ended["status"][1])["environments"]} == {"stale"}
        checks = json.loads(ended["check"][1])["checks"]
        assert {one["status"] for one in checks if one["item"] == "staging-deploy-pods"} == {"unknown"}
        assert ended["rollback"][1] == ""
        assert "Nothing was changed" in ended["rollback"][2]
        assert all(line["problem"] for line in json.loads(ended["dry run"][1])["workloads"])

    def test_a_kubeconfig_that_is_none_is_wrong_use(self, commands: Commands) -> None:
        commands.place.kubeconfig.write_text("clusters: {", "utf-8")
        code, out, err = commands("rollback", "--dry-run")
        assert (code, out) == (2, "")
        assert "cannot be used" in err
        commands.place.kubeconfig.unlink()
        code, out, err = commands("rollback", "--dry-run")
        assert (code, out) == (2, "")
        assert "--kubeconfig" in err


class TestCheck:
    def test_what_holds_and_what_cannot_yet_is_told_item_by_item(self, commands: Commands) -> None:
        document, text = (
            commands.start(commands.words("check", "--phase", phase, *flags, state=False))
            for phase, flags in (("pre-deployment", ["--json"]), ("staging", []))
        )
        code, out, err = commands.ended(document)
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert told["holds"] is True
        assert {one["status"] for one in told["checks"]} == {"passed"}
        assert len(told["checks"]) == 10
        code, out, err = commands.ended(text)
        assert (code, err) == (0, "")
        assert out.startswith("staging\n")
        assert all(line.startswith("  ✔ passed") for line in out.splitlines()[1:])

    def test_a_check_that_fails_is_exit_code_1(self, commands: Commands) -> None:
        code, out, err = commands("check", "--phase", "uat", state=False)
        assert (code, err) == (1, "")
        assert "✘ failed" in out

    def test_an_unknown_phase_is_answered_with_those_there_are(self, commands: Commands) -> None:
        code, out, err = commands("check", "--phase", "nosuch", state=False)
        assert (code, out) == (2, "")
        assert "“nosuch”" in err
        assert "pre-deployment, staging" in err


class TestRollback:
    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (["-e", "mars"], "staging, uat, production"),
            (["--to", "yesterday"], "pinned, previous, or a revision number"),
            (["--json"], "--yes"),
            ([], "no terminal to ask on"),
        ],
        ids=["environment", "place", "json", "nobody to ask"],
    )
    def test_wrong_use_changes_nothing(self, commands: Commands, flags: list[str], said: str) -> None:
        code, out, err = commands("rollback", *flags)
        assert (code, out) == (2, "")
        assert said in err
        assert not commands.place.state.exists()

    def test_a_dry_run_previews_the_rollback_phases_environment(self, released: Commands) -> None:
        document, text = (
            released.start(released.words("rollback", "--dry-run", *flags)) for flags in (["--json"], [])
        )
        code, out, err = released.ended(document)
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert told["environment"] == "production"
        assert {one["source"].partition(" ")[0] for one in told["workloads"]} == {"pinned"}
        assert {one["to_image"].partition(":")[2] for one in told["workloads"]} == {"0.9.4"}
        code, out, err = released.ended(text)
        assert (code, err) == (0, "")
        assert "healthpay/api-gateway:1.0.1 → healthpay/api-gateway:0.9.4" in out
        assert "not restored" in out
        assert images(released) == {"1.0.1"}

    def test_a_revision_that_there_is_not_is_a_problem_and_no_crash(self, released: Commands) -> None:
        code, out, err = released("rollback", "--dry-run", "--to", "99")
        assert (code, err) == (1, "")
        assert "no revision 99" in out

    def test_it_brings_everything_back_and_the_second_time_finds_it_there(self, released: Commands) -> None:
        code, out, err = released("rollback", "--yes", "--json", "--reason", "errors")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert told["outcome"] == "complete"
        assert {one["stage"] for one in told["workloads"].values()} == {"recovered"}
        assert images(released) == {"0.9.4"}
        code, out, err = released("rollback", "--yes")
        assert (code, err) == (0, "")
        assert out.count("already there") >= len(SERVICES)
        code, out, err = released.ended(
            released.start([sys.executable, "-m", "releaseconsole", "journal", str(HEALTHPAY),
                            "--state", str(released.place.state)])
        )  # fmt: skip
        assert (code, err) == (0, "")
        assert "errors" in out
        assert "amira" in out

    def test_ctrl_c_stops_following_and_says_what_was_patched(self, released: Commands) -> None:
        process = released.start(released.words("rollback", "--yes"))
        assert process.stdout is not None
        shown = ""
        while "patched" not in shown:
            line = process.stdout.readline()
            assert line, "ended before anything was patched"
            shown += line
        process.send_signal(signal.SIGINT)
        code, _, err = released.ended(process)
        assert code == 130
        assert "run the same command again" in err
        code, out, _ = released("status", "--json")
        assert [one["outcome"] for one in json.loads(out)["rollbacks"]] == ["interrupted"]

    @pytest.mark.parametrize(("answer", "code"), [("no\n", 1), ("\x03", 130)], ids=["no", "ctrl+c"])
    def test_whoever_does_not_type_the_letter_changes_nothing(
        self, released: Commands, answer: str, code: int
    ) -> None:
        with on_terminal(released, released.words("rollback")) as terminal:
            terminal.read_until("Type [A-Z] to roll back now")
            terminal.type(answer)
            assert terminal.wait() == code
        assert images(released) == {"1.0.1"}

    def test_the_letter_fires(self, released: Commands) -> None:
        with on_terminal(released, released.words("rollback")) as terminal:
            letter = terminal.read_until("Type ([A-Z]) to roll back now").group(1)
            terminal.type(f"{letter.lower()}\n")
            terminal.read_until("Rollback complete after")
            assert terminal.wait() == 0
        assert images(released) == {"0.9.4"}


class TestInterrupts:
    def test_ctrl_c_while_it_waits_for_a_cluster_is_130(self, commands: Commands) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(DEADLINE)
            edit_kubeconfig(commands, server=f"https://127.0.0.1:{silent.getsockname()[1]}")
            process = commands.start(commands.words("status", "--json"))
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            connection.close()
        code, out, err = commands.ended(process)
        assert (code, out, err.strip()) == (130, "", "Interrupted.")

    def test_the_practice_cluster_ends_with_ctrl_c_and_with_its_parent(self, tmp_path: Path) -> None:
        words = [sys.executable, "-m", "releaseconsole", "sandbox", "--json", "--kubeconfig", "k"]
        alone = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE)
        words = [*words, "--until-eof", "--endpoints", "e"]
        child = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        assert alone.stdout is not None
        assert child.stdout is not None
        assert child.stdin is not None
        announced = json.loads(child.stdout.readline())
        assert json.loads((tmp_path / "e").read_text()) == announced["endpoints"]
        child.stdin.close()
        assert child.wait(DEADLINE) == 0
        assert sorted(json.loads(alone.stdout.readline())["endpoints"]) == ["production", "staging", "uat"]
        alone.send_signal(signal.SIGINT)
        assert alone.wait(DEADLINE) == 0
        for process in (alone, child):
            assert process.stdout is not None
            process.stdout.close()


class TestTheJournalOfACommand:
    def test_a_torn_line_is_cut_and_reported_by_the_command_that_writes(self, commands: Commands) -> None:
        pin(commands)
        with (commands.place.state / "journal.jsonl").open("ab") as file:
            file.write(b'{"at":17')
        code, _, err = commands("status", "--json")
        assert (code, "not complete (8 bytes)" in err) == (0, True)
        code, _, err = commands("rollback", "--yes")
        assert (code, "torn (8 bytes) and was cut off" in err) == (0, True)
        assert commands("status", "--json")[2] == ""

    def test_a_rollback_does_not_wait_for_the_console_that_holds_the_journal(
        self, released: Commands
    ) -> None:
        async def both() -> tuple[int, str, str]:
            async with released.place.opened(plan=released.place.healthpay):
                return await asyncio.to_thread(released, "rollback", "--yes", "--json")

        code, out, err = asyncio.run(both())
        assert code == 0
        assert f"process {os.getpid()}" in err
        assert json.loads(out)["outcome"] == "complete"
        assert images(released) == {"0.9.4"}

    def test_a_rollback_does_not_wait_for_a_disk(self, released: Commands) -> None:
        (released.folder / "file").write_text("in the way")
        words = released.words("rollback", "--yes", "--json", "--to", "previous", state=False)
        code, out, err = released.ended(
            released.start([*words, "--state", str(released.folder / "file" / "state")])
        )
        assert code == 0
        assert "cannot be made" in err
        assert json.loads(out)["outcome"] == "complete"
        assert images(released) == {"0.9.4"}
