"""The observation window on the screen: a line over the metrics, a table of verdicts, and an end by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frame_driver import Console, opened
from standin import EPOCH, StandIn, healthy_view

from releaseconsole.record.watches import Standing, WatchedObjective, WatchState, WatchVerdict, WatchWord
from releaseconsole.ui.panes.watch_rows import strip, window_lines
from releaseconsole.ui.widgets.lines import line_width

HOUR = 3600.0
SIZES = [(80, 24), (200, 50)]


def verdict(objective: str, word: WatchWord = WatchWord.ON_TARGET, **more: float) -> WatchVerdict:
    return WatchVerdict(objective=objective, word=word, **{"minimum": 0.01, "maximum": 0.05, **more})  # type: ignore[arg-type]


def window(*verdicts: WatchVerdict, after: float = 3.2 * HOUR, **more: object) -> Standing:
    """A day's window that began ``after`` seconds ago."""
    watch = WatchState(
        id="production-watch-1",
        environment="production",
        by="amira",
        started=EPOCH - after,
        seconds=24 * HOUR,
        allow=864.0,
        objectives=(
            WatchedObjective("error-rate", "Error rate", "%", "< 0.1", "> 1", 60),
            WatchedObjective("latency-p99", "p99 latency", "ms", "< 50"),
        ),
    )
    return Standing(replace(watch, **more), verdicts)


GOOD = (verdict("error-rate"), verdict("latency-p99"))
BAD = (
    verdict("error-rate"),
    verdict("latency-p99", WatchWord.FAILED, maximum=321, out=31 * 60, worst_at=EPOCH - 600, longest=1200),
)


class Watched(StandIn):
    """A stand-in whose production is being watched."""

    charts = None

    def __init__(self, standing: Standing | None, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.watching = self
        self.set_view("production", replace(healthy_view(), watch=standing))

    def stop(self, env_id: str, reason: str = "") -> None:
        self._want("stop watching", env_id)


def words(*lines: object) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)  # type: ignore[attr-defined]


async def to_metrics(console: Console) -> None:
    await console.press("4", "M")


@pytest.mark.parametrize("size", SIZES)
async def test_the_metrics_panel_says_how_far_the_window_is(size: tuple[int, int]) -> None:
    async with opened(Watched(window(*GOOD)), size=size) as console:
        await to_metrics(console)
        await console.sees("Watching 3 h 12 m of 24 h", "██", "░░")


@pytest.mark.parametrize("size", SIZES)
async def test_w_shows_the_verdict_of_each_objective(size: tuple[int, int]) -> None:
    async with opened(Watched(window(*BAD)), size=size) as console:
        await to_metrics(console)
        await console.press("w")
        await console.sees("WATCHING", "✔ on target", "Error rate", "✘ FAILED", "p99 latency", "31 m", "321")
        await console.sees("stop watching", "begun by amira")
        await console.press("w")
        await console.until(lambda: console.dialog == "MainScreen")


async def test_what_changes_is_seen_in_the_open_table() -> None:
    session = Watched(window(*GOOD))
    async with opened(session) as console:
        await to_metrics(console)
        await console.press("w")
        await console.sees("all 2 on target")
        session.set_view("production", replace(session.views["production"], watch=window(*BAD)))
        await console.sees("p99 latency failed: out of target for 31 m")


async def test_enter_on_the_line_opens_it_too() -> None:
    async with opened(Watched(window(*GOOD))) as console:
        await to_metrics(console)
        await console.press("home", "enter")
        await console.sees("WATCHING")


async def test_stopping_asks_first() -> None:
    session = Watched(window(*GOOD))
    async with opened(session) as console:
        await to_metrics(console)
        await console.press("w", "s")
        await console.sees("Stop watching?", "all 2 on target")
        await console.press("n")
        assert ("stop watching", "production") not in session.calls
        await console.until(lambda: console.dialog == "WatchScreen")
        await console.press("s")
        await console.sees("Stop watching?")
        await console.press("y")
        await console.until(lambda: ("stop watching", "production") in session.calls)


async def test_a_read_only_console_shows_it_and_offers_no_end() -> None:
    session = Watched(window(*GOOD), read_only=True)
    async with opened(session) as console:
        await to_metrics(console)
        await console.press("w")
        await console.sees("WATCHING", "close")
        assert "stop watching" not in console.text()
        await console.press("s")
        assert session.calls == [call for call in session.calls if call[0] == "focus"]


async def test_without_a_window_the_key_says_how_one_begins() -> None:
    async with opened(Watched(None)) as console:
        await to_metrics(console)
        await console.press("w")
        await console.sees("No observation window was begun here")


@pytest.mark.parametrize("width", [30, 54, 76, 110, 190])
@pytest.mark.parametrize(
    "standing",
    [
        window(),
        window(*GOOD),
        window(*BAD, after=25 * HOUR),
        window(*BAD, after=25 * HOUR, outcome="complete", judged=True),
        window(*BAD, outcome="stopped", ended=EPOCH - 60, reason="stopped by the rollback"),
        replace(window(verdict("latency-p99", WatchWord.UNKNOWN, unknown=9000.0)), problem="no answer " * 30),
    ],
    ids=["empty", "good", "over", "judged", "stopped", "dark"],
)
def test_no_line_is_wider_than_its_place(standing: Standing, width: int) -> None:
    for line in (strip(standing, width, EPOCH), *window_lines(standing, width, EPOCH)):
        assert line_width(line) <= width, words(line)


def test_a_narrow_line_names_what_is_wrong_first() -> None:
    assert words(strip(window(*BAD), 78, EPOCH)).endswith("· 1 good · ✘ p99 latency 31 m")


def test_the_line_says_what_came_of_it() -> None:
    over = window(*GOOD, after=25 * HOUR, outcome="complete", judged=True)
    stopped = window(*GOOD, outcome="stopped", ended=EPOCH, reason="stopped by the rollback")
    assert words(strip(over, 80, EPOCH)) == "Watched 24 h, all 2 on target"
    assert words(strip(stopped, 80, EPOCH)).startswith("Watch stopped after 3 h 12 m of 24 h: stopped by the")
    waiting = window(*GOOD, after=24 * HOUR + 5)
    assert "waiting for the last values" in words(strip(waiting, 80, EPOCH))
