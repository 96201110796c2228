"""Commands of a step: what they see, what they tell, and how each of them ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from action_kit import STAGING, Context, eventually, placed, ran

from releaseconsole.actions.runner import Outcome, run
from releaseconsole.outside import process
from releaseconsole.outside.process import Lines
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import Target


@pytest.fixture
def here(tmp_path: Path) -> Context:
    return Context(folder=tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter patience with processes that do not end."""
    monkeypatch.setattr(process, "_GRACE", 0.3)
    monkeypatch.setattr(process, "_DRAIN", 0.2)


def pid_in(path: Path) -> int:
    return int(path.read_text())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_command_tells_both_of_its_outputs(here: Context) -> None:
    outcome, lines = await ran(here, shell="echo one; echo two >&2; printf three")
    assert lines == ["one", "two", "three"]
    assert outcome == Outcome("succeeded", "exit code 0 in 0 s")


async def test_variables_of_the_plan_are_replaced_and_those_of_the_shell_left(here: Context) -> None:
    _, lines = await ran(here, shell='for i in 1 2; do echo "$namespace $i ${version}"; done')
    assert lines == ["shop 1 1.1.0", "shop 2 1.1.0"]


@pytest.mark.parametrize(
    ("command", "options", "outcome"),
    [
        ("exit 3", {}, Outcome("failed", "exit code 3 after 0 s")),
        ("exit 3", {"expect": 3}, Outcome("succeeded", "exit code 3 in 0 s")),
        ("exit 0", {"expect": (3, 4)}, Outcome("failed", "exit code 0 after 0 s")),
        ("kill -TERM $$", {}, Outcome("failed", "ended by signal 15 after 0 s")),
        ("cat", {}, Outcome("succeeded", "exit code 0 in 0 s")),
    ],
)
async def test_how_a_command_ends(
    here: Context, command: str, options: dict[str, Any], outcome: Outcome
) -> None:
    assert (await ran(here, shell=command, **options))[0] == outcome


async def test_a_command_runs_in_its_folder(here: Context, tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    _, lines = await ran(here, shell="pwd", folder="charts")
    assert lines == [str(tmp_path / "charts")]


async def test_a_folder_that_is_missing_is_said_to_be_missing(here: Context) -> None:
    outcome, lines = await ran(here, shell="pwd", folder="nowhere")
    assert outcome.status == "failed"
    assert "nowhere" in lines[0]
    assert "Check `folder`" in lines[0]


async def test_a_command_that_cannot_be_a_command(here: Context) -> None:
    outcome, _ = await ran(here, shell="echo \x00")
    assert outcome.status == "failed"
    assert "null byte" in outcome.summary


async def test_the_command_knows_where_it_acts(here: Context) -> None:
    _, lines = await ran(here, shell="env | grep RELEASECONSOLE_ | grep -v _RUN | sort")
    assert lines == [
        "RELEASECONSOLE_CONTEXT=staging",
        "RELEASECONSOLE_ENVIRONMENT=staging",
        "RELEASECONSOLE_NAMESPACE=shop",
        "RELEASECONSOLE_TARGETS=staging/shop",
        "RELEASECONSOLE_VERSION=1.1.0",
    ]


async def test_the_phases_context_is_the_current_one_and_the_file_is_removed(
    here: Context, tmp_path: Path
) -> None:
    real = tmp_path / "config"
    context = {"name": "staging", "context": {"cluster": "eu", "user": "amira", "namespace": "other"}}
    real.write_text(json.dumps({"contexts": [context], "current-context": "production"}))
    script = 'echo "$KUBECONFIG"; f=${KUBECONFIG%%:*}; cat "$f"; echo; stat -c %a "$f" 2>/dev/null || stat -f %Lp "$f"'
    _, lines = await ran(replace(here, kubeconfig=real), shell=script)
    first, _, rest = lines[0].partition(":")
    assert rest == str(real)
    document = json.loads(lines[1])
    assert document["current-context"] == "staging"
    assert document["contexts"][0]["context"] == {"cluster": "eu", "user": "amira", "namespace": "shop"}
    assert lines[2] == "600"
    assert not os.path.exists(os.path.dirname(first))  # noqa: ASYNC240


async def test_without_an_environment_the_kubeconfig_is_left_alone(here: Context) -> None:
    context = replace(here, environ={**here.environ, "KUBECONFIG": "as-it-was"})
    _, lines = await ran(context, None, shell='echo "$KUBECONFIG"')
    assert lines == ["as-it-was"]


async def test_with_several_targets_it_is_told_which_one_a_command_acts_on(here: Context) -> None:
    two = (TargetData(STAGING), TargetData(Target(context="eu", namespace="shop")))
    _, lines = await ran(replace(here, targets=lambda _: two), shell="echo $RELEASECONSOLE_TARGETS")
    assert "acts on staging/shop, the first of 2" in lines[0]
    assert lines[1] == "staging/shop eu/shop"


async def test_control_characters_are_shown_and_progress_bars_become_lines(here: Context) -> None:
    script = r"""printf '10%%\r20%%\r\n\033[31mred\033[0m \033]0;title\007\n\377\376 bytes\n'"""
    _, lines = await ran(here, shell=script)
    assert lines == ["10%", "20%", "red ␛]0;title␇", "�� bytes"]


async def test_a_flood_arrives_whole_and_in_order(here: Context) -> None:
    outcome, lines = await ran(here, shell="seq 1 60000")
    assert outcome.status == "succeeded"
    assert lines == [str(number) for number in range(1, 60001)]


async def test_a_line_without_end_is_cut_into_pieces(here: Context) -> None:
    _, lines = await ran(here, shell="head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert max(map(len, lines)) <= 16_384
    assert "".join(lines) == "x" * 1_000_000 + "end"


def test_lines_split_anywhere_come_out_the_same() -> None:
    data = "grün\r\n東京\rx\n\nlast".encode()
    for cut in range(len(data)):
        lines = Lines()
        pieces = [*lines.feed(data[:cut]), *lines.feed(data[cut:]), *lines.end()]
        assert [piece for piece in pieces if piece] == ["grün", "東京", "x", "last"]


@pytest.mark.usefixtures("hurried")
async def test_a_command_that_outlives_its_time_is_ended_with_its_children(
    here: Context, tmp_path: Path
) -> None:
    script = (
        "trap '' TERM; (trap '' TERM; echo $$ > parent; sleep 60) & sleep 61 & echo $! > child; wait; wait"
    )
    outcome, _ = await ran(here, shell=script, timeout=0.7)
    assert outcome == Outcome("failed", "stopped: not at its end after 0.7 s")
    assert gone(pid_in(tmp_path / "parent"))
    assert gone(pid_in(tmp_path / "child"))


@pytest.mark.usefixtures("hurried")
async def test_cancelling_ends_even_what_has_left_the_session(here: Context, tmp_path: Path) -> None:
    script = (
        "setsid sh -c 'trap \"\" TERM; echo $$ > far; while :; do sleep 0.1; done' & echo $$ > near; wait"
    )
    task = asyncio.create_task(ran(here, shell=script))
    await eventually(lambda: (tmp_path / "far").exists() and (tmp_path / "far").read_text().endswith("\n"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pid_in(tmp_path / "near"))
    assert gone(pid_in(tmp_path / "far"))


@pytest.mark.usefixtures("hurried")
async def test_cancelling_twice_still_ends_the_command(here: Context, tmp_path: Path) -> None:
    task = asyncio.create_task(ran(here, shell="trap '' TERM; echo $$ > near; while :; do sleep 0.1; done"))
    await eventually(lambda: (tmp_path / "near").exists() and (tmp_path / "near").read_text().endswith("\n"))
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pid_in(tmp_path / "near"))


@pytest.mark.usefixtures("hurried")
async def test_a_child_that_holds_the_output_does_not_hold_the_console(here: Context, tmp_path: Path) -> None:
    outcome, lines = await ran(here, shell="sleep 60 & echo $! > left; echo done")
    left = pid_in(tmp_path / "left")
    try:
        assert outcome.status == "succeeded"
        assert lines == ["done", "(something that it started still runs; its output is no longer shown)"]
        assert not gone(left), "what a command leaves running on purpose is left alone"
    finally:
        os.kill(left, signal.SIGKILL)


async def test_output_is_told_while_the_command_runs(here: Context, tmp_path: Path) -> None:
    lines: list[str] = []
    script = "echo early; while [ ! -e go ]; do sleep 0.02; done; echo late"
    task = asyncio.create_task(run(placed(shell=script), here, lines.append))
    await eventually(lambda: lines == ["early"])
    (tmp_path / "go").touch()
    assert (await task).status == "succeeded"
    assert lines == ["early", "late"]
