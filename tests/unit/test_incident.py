"""The course of an incident, whether anybody writes a journal, and what is kept out of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from releaseconsole.plan.load import parse_plan
from releaseconsole.record.model import HookState, RollbackState, Stage, WorkloadRollback
from releaseconsole.record.stores.presence import is_held
from releaseconsole.report.incident import incident, incident_lines
from releaseconsole.session.masking import MASK, masked

T = 1_790_000_000.0


def walked(key: str, **times: float) -> WorkloadRollback:
    stage = Stage(list(times)[-1])
    return WorkloadRollback(key, stage, {name: T + at for name, at in times.items()})


ROLLBACK = RollbackState(
    id="prod-1",
    environment="prod",
    by="amira",
    reason="errors",
    started=T + 60,
    workloads={
        "a": walked("a", planned=60, patched=61, available=70, recovered=90),
        "b": walked("b", planned=60, patched=63, available=75, recovered=95),
    },
    ended=T + 95,
    outcome="complete",
    alarm=T + 20,
    since=T,
    hooks=(HookState("flag", "before", "succeeded", at=T + 62),),
)


def test_it_goes_from_the_first_bad_sample_to_the_proof() -> None:
    assert [(one.at - T, one.what) for one in incident(ROLLBACK)] == [
        (0, "first bad sample"),
        (20, "alarm"),
        (60, "the key, by amira: errors"),
        (62, "hook “flag” (before) succeeded"),
        (63, "2 workloads patched"),
        (75, "2 workloads available"),
        (95, "2 workloads proven back"),
        (95, "the rollback is complete"),
    ]
    lines = incident_lines(ROLLBACK)
    assert "+0 s  first bad sample" in lines[0]
    assert "+1 m 35 s  the rollback is complete" in lines[-1]


def test_what_is_not_known_or_did_not_happen_is_left_out_and_what_failed_is_named() -> None:
    failed = replace(walked("b", planned=60, failed=62), message="no right to patch")
    found = incident(
        replace(ROLLBACK, alarm=0.0, since=0.0, ended=0.0, outcome="", hooks=(), workloads={"b": failed})
    )
    assert [one.what for one in found] == ["the key, by amira: errors", "b failed: no right to patch"]
    assert (
        incident_lines(replace(ROLLBACK, started=0.0, alarm=0.0, since=0.0, workloads={}, hooks=(), ended=0))
        == []
    )


class TestPresence:
    def note(self, folder: Path, said: object) -> Path:
        (folder / "journal.holder").write_text(said if isinstance(said, str) else json.dumps(said), "utf-8")
        return folder

    def test_a_live_process_holds_it_and_one_elsewhere_is_believed(self, tmp_path: Path) -> None:
        assert not is_held(tmp_path)
        assert is_held(self.note(tmp_path, {"pid": os.getpid(), "host": socket.gethostname()}))
        assert is_held(self.note(tmp_path, {"pid": 1, "host": "another-machine"}))

    def test_a_process_that_is_no_more_does_not(self, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            ended.wait(30)
        assert not is_held(self.note(tmp_path, {"pid": ended.pid, "host": socket.gethostname()}))

    @pytest.mark.parametrize(
        "said",
        ["", "{", "[]", '{"pid": "x", "host": 1}', '{"pid": 0}', "[" * 4000, {"pid": 10**30, "host": ""}],
        ids=["empty", "cut", "list", "words", "no host", "deep", "huge"],
    )
    def test_a_note_that_is_none_holds_nothing(self, tmp_path: Path, said: object) -> None:
        if isinstance(said, dict):
            said = {**said, "host": socket.gethostname()}
        assert not is_held(self.note(tmp_path, said))


PLAN = parse_plan(
    """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.prod]
targets = [{ context = "prod", namespace = "shop" }]
workloads = ["deployment/web"]
prometheus = { url = "http://localhost:1", token_env = "PROM", secret_headers = { X-Key = "file:key" } }
[[phases]]
id = "p"
title = "P"
environment = "prod"
""",
    "plan.toml",
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("curl: (22) tok-from-the-plan refused", f"curl: (22) {MASK} refused"),
        ("the key in-the-file was wrong", f"the key {MASK} was wrong"),
        ("login of hunter2hunter2 failed", f"login of {MASK} failed"),
        ("DB_PASSWORD=short1", f"DB_PASSWORD={MASK}"),
        ('{"access_token": "eyJhbGci"}', f'{{"access_token": {MASK}"}}'),
        ("Authorization: Basic dXNlcg==", f"Authorization: Basic {MASK}"),
        ("bearer eyJhbGci.x", f"bearer {MASK}"),
        ("postgres://app:pw@db/shop is down", f"postgres://{MASK}@db/shop is down"),
        ("no such flag: checkout-v2", "no such flag: checkout-v2"),
        ("path is /srv/a and mode on", "path is /srv/a and mode on"),
    ],
)
def test_a_secret_is_left_out_wherever_it_is_known_from(said: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("in-the-file\n", "utf-8")
    environ = {
        "PROM": "tok-from-the-plan",
        "ADMIN_PASSWORD": "hunter2hunter2",
        "TOKEN_MODE": "on",
        "HOME": "/srv/a",
    }
    assert masked(said, PLAN, environ, tmp_path) == shown
