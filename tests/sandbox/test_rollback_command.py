"""The headless rollback: told as it goes, interrupted, taken up again, and what ``status`` says of it afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_kit import Commands
from numbered import numbered
from session_kit import FAST, WALK, place_of

from releaseconsole.sandbox import PracticeCluster, PracticeThread

GOOD, BAD = "0.9.4", "1.0.1"
RULES = """
[environments.production.rollback]
before = [{ title = "flag off", shell = "echo off > flag" }]
after = [{ title = "tell", shell = "echo nobody listens; exit 3" }]
"""
SLOW = """
[environments.production.rollback]
after = [{ title = "tell", shell = "test -e told || { touch told; sleep 100; }", timeout = "90s" }]
"""


@pytest.fixture
def practised() -> Iterator[PracticeThread]:
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def released(practised: PracticeThread, tmp_path: Path) -> Released:
    """Production runs a new version on top of what was there."""
    made = Released(Commands(place_of(practised.cluster, tmp_path)), practised)
    made.write(RULES)
    practised.call(lambda _: made.commands.place.set_tag(BAD))
    return made


class Released:
    """The walk as a file, and commands on it."""

    def __init__(self, commands: Commands, thread: PracticeThread) -> None:
        self.commands = commands
        self.thread = thread
        self.plan = commands.folder / "walk.toml"
        endpoints = commands.folder / "endpoints.json"
        told = json.loads(endpoints.read_text("utf-8"))
        endpoints.write_text(json.dumps({name: told[name] for name in ("staging", "production")}), "utf-8")

    def write(self, rules: str) -> None:
        self.plan.write_text(WALK.replace("[[objectives]]", f"{rules}\n[[objectives]]", 1), "utf-8")

    def words(self, command: str, *more: str) -> list[str]:
        folder = self.commands.folder
        places = ["--kubeconfig", folder / "kubeconfig", "--endpoints", folder / "endpoints.json"]
        state = ["--state", self.commands.place.state]
        words = [sys.executable, "-m", "releaseconsole", command, self.plan, *places, *state, *more]
        return [str(word) for word in words]

    def start(self, *more: str) -> subprocess.Popen[str]:
        return self.commands.start(self.words("rollback", "-e", "production", "--yes", *more))

    def __call__(self, command: str, *more: str) -> tuple[int, str, str]:
        return self.commands.ended(self.commands.start(self.words(command, *more)))

    def roll_back(self, *more: str) -> tuple[int, str, str]:
        return self.commands.ended(self.start(*more))

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self("status", "--json")[1])
        return told

    @property
    def images(self) -> set[str]:
        return self.commands.place.images()


def read_until(process: subprocess.Popen[str], *words: str) -> str:
    """What it has printed up to the line with these words."""
    assert process.stdout is not None
    shown = ""
    while not all(word in shown for word in words):
        line = process.stdout.readline()
        assert line, f"it ended before: {shown}"
        shown += line
    return shown


def test_it_is_told_line_by_line_with_hooks_figures_and_the_course_of_the_incident(
    released: Released,
) -> None:
    code, out, err = released.roll_back("--reason", "errors")
    assert (code, err) == (0, "")
    for words in (
        "api-gateway  patched",
        "api-gateway  available",
        "hook “flag off” (before): succeeded",
        "hook “tell” (after): failed  exit code 3",
        "Rollback complete after",
        "key → patched",
        "the key, by amira: errors",
        "3 workloads patched",
        "the rollback is complete",
        "production stays locked",
    ):
        assert words in out
    assert (released.commands.folder / "flag").read_text("utf-8") == "off\n"


def test_as_json_it_is_one_document_with_hooks_figures_and_timeline(released: Released) -> None:
    code, out, err = released.roll_back("--json", "--reason", "errors")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["outcome"], told["by"], told["reason"]) == ("complete", "amira", "errors")
    assert {(one["title"], one["status"]) for one in told["hooks"]} == {
        ("flag off", "succeeded"),
        ("tell", "failed"),
    }
    assert told["figures"]["key_to_patched"] >= 0
    assert told["figures"]["patched_to_recovered"] > 0
    times = [one["at"] for one in told["timeline"]]
    assert times == sorted(times)
    assert told["timeline"][0]["what"] == "the key, by amira: errors"
    assert any("3 workloads patched" in one["what"] for one in told["timeline"])


def test_who_interrupts_it_is_told_what_was_done_and_the_same_command_goes_on(released: Released) -> None:
    released.write(SLOW)
    process = released.start("--to", "previous")
    read_until(process, "available", "hook “tell” (after): running")
    wait_for((released.commands.folder / "told").exists)
    process.send_signal(signal.SIGINT)
    code, _, err = released.commands.ended(process)
    assert code == 130
    assert "production/healthpay/deployment/api-gateway: " in err
    assert "What was patched stays patched; run the same command again to go on." in err
    assert "production stays locked against deploys" in err
    code, out, _ = released("status")
    assert "rollback production-1: interrupted" in out
    assert "Run `rollback -e production` again to go on with it." in out
    assert "locked: rolled back" in out
    code, out, err = released.roll_back("--to", "previous")
    assert code == 0, err
    assert "Going on with the rollback production-1, which was interrupted" in err
    # Nothing was pinned, and what is previous by now is the bad version: it went to the place it had set out for.
    assert released.images == {GOOD}
    (last,) = released.status()["rollbacks"]
    assert (last["id"], last["outcome"]) == ("production-1", "complete")


def test_interrupted_as_json_it_is_still_one_document(released: Released) -> None:
    released.write(SLOW)
    process = released.start("--json")
    told = released.commands.folder / "told"
    wait_for(told.exists)
    process.send_signal(signal.SIGTERM)
    code, out, err = released.commands.ended(process)
    assert code == 130
    assert json.loads(out)["outcome"] == "interrupted"
    assert "run the same command again" in err


def test_a_killed_one_is_known_to_be_interrupted_and_a_running_one_to_be_under_way(
    released: Released,
) -> None:
    released.write(SLOW)
    process = released.start()
    read_until(process, "hook “tell” (after): running")
    assert [one["outcome"] for one in released.status()["rollbacks"]] == ["under way"]
    process.kill()
    released.commands.ended(process)
    assert [one["outcome"] for one in released.status()["rollbacks"]] == ["interrupted"]


def test_a_reader_who_goes_away_does_not_leave_the_rollback_half_done(released: Released) -> None:
    process = released.start()
    read_until(process, "patched")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "the rollback goes on" in err
    assert released.images == {GOOD}
    assert [one["outcome"] for one in released.status()["rollbacks"]] == ["complete"]


def test_status_tells_rollback_figures_automatic_alerts_and_lock(released: Released) -> None:
    told = released.status()
    assert (told["rollbacks"], told["automatic"]) == ([], {})
    released.roll_back("--reason", "errors")
    told = released.status()
    (last,) = told["rollbacks"]
    assert last["figures"]["patched_to_recovered"] > 0
    production = next(one for one in told["environments"] if one["id"] == "production")
    assert "rolled back: errors" in production["lock"]
    assert production["alerts"]["known"] == "live"
    assert production["alerts"]["firing"] == 0
    assert production["alerts"]["rules"] > 0
    _, out, _ = released("status")
    assert "production  rollback production-1: complete (errors)" in out
    assert "key → patched" in out


def wait_for(holds: Callable[[], object]) -> None:
    """Something outside tells nobody when it has come about."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


STORE = """
[release]
name = "store"
title = "Store"
version = "2"
[environments.production]
targets = [{ context = "production", namespace = "healthpay" }]
workloads = ["statefulset/db"]
[[phases]]
id = "deploy"
title = "Deploy"
environment = "production"
"""


def test_with_the_option_it_deletes_the_pod_that_an_ordered_set_waits_for_in_vain(released: Released) -> None:
    def make(cluster: PracticeCluster) -> None:
        cluster.stores["production"].create("statefulsets", numbered("statefulset", "db", replicas=2))

    def spoil(cluster: PracticeCluster) -> None:
        def image(obj: dict[str, Any]) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = "store/db:3-image-pull"

        cluster.stores["production"].update("statefulsets", "healthpay", "db", image)

    def status(cluster: PracticeCluster) -> dict[str, Any]:
        found: dict[str, Any] = cluster.stores["production"].get("statefulsets", "healthpay", "db")["status"]
        return found

    def pod(cluster: PracticeCluster) -> dict[str, Any]:
        found: dict[str, Any] = cluster.stores["production"].get("pods", "healthpay", "db-1")
        return found

    def broken(cluster: PracticeCluster) -> bool:
        statuses = pod(cluster)["status"].get("containerStatuses") or [{}]
        return "ImagePull" in str(statuses[0].get("state")) or "ErrImage" in str(statuses[0].get("state"))

    released.plan.write_text(STORE, "utf-8")
    (released.commands.folder / "endpoints.json").write_text("{}", "utf-8")
    released.thread.call(make)
    wait_for(lambda: released.thread.call(status).get("readyReplicas") == 2)
    released.thread.call(spoil)
    wait_for(lambda: released.thread.call(broken))
    stuck = released.thread.call(pod)["metadata"]["uid"]
    code, _, err = released.roll_back("--delete-stuck-pods")
    assert code == 0, err
    assert "deletes the pod db-1, which production/healthpay/statefulset/db waits for in vain" in err
    assert released.thread.call(pod)["metadata"]["uid"] != stuck
    journal = (released.commands.place.state / "journal.jsonl").read_text("utf-8")
    assert journal.index('"pod.deleting"') < journal.index('"pod.deleted"')
    assert stuck in journal
