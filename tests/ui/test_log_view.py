"""The log window: it follows, it waits for its reader, it finds, and it survives any line."""

from __future__ import annotations

import re

import pytest
from panes_harness import EPOCH, MONOTONIC, PaneApp, line, lines, ring, screen_lines, screen_text, view
from textual.pilot import Pilot

from releaseconsole.cluster.logs import LogBuffer, LogLine
from releaseconsole.session.views import LogCoverage
from releaseconsole.ui.panes.logs import LogsPane
from releaseconsole.ui.widgets.cells import cell_len
from releaseconsole.ui.widgets.line_index import LineIndex
from releaseconsole.ui.widgets.log_line import source_tone, text_of

SIZE = (90, 14)
HEIGHT = 12


async def give(
    pilot: Pilot[None], pane: LogsPane, log: LogBuffer, coverage: LogCoverage | None = None
) -> None:
    """Show the buffer, as the frame does."""
    await pilot.pause()
    pane.show(view(logs=coverage or LogCoverage(3, 3)), log, MONOTONIC, EPOCH)
    await pilot.pause()


def filled(count: int, most: int = 1000) -> LogBuffer:
    return ring(most, *lines(count))


def read(pane: LogsPane) -> list[str]:
    """The messages on the screen, without time and source."""
    return [line[28:].strip() for line in screen_lines(pane.log_view)]


async def settle(pilot: Pilot[None], pane: LogsPane) -> None:
    """Wait, with a bound, until a search has seen every line."""
    for _ in range(200):
        await pilot.pause(0.02)
        at, total, complete = pane.log_view.search_state
        if complete and (at or not total):
            return
    raise AssertionError("the search did not come to its end")


async def test_it_follows_the_end() -> None:
    pane, log = LogsPane(), filled(50)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        assert read(pane)[-1] == "line 49 payment accepted"
        log.append(lines(7, 50))
        await give(pilot, pane, log)
        assert read(pane)[-1] == "line 56 payment accepted"
        assert pane.log_view.following


async def test_a_line_says_when_and_from_where() -> None:
    pane, log = LogsPane(), ring()
    log.append([line(EPOCH, "query-service-6fd4b8c9d7-x2k9p", "paid", "error"), line(0, "q", "no time")])
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        first, second = screen_lines(pane.log_view)[:2]
        assert re.match(r"\d\d:\d\d:\d\d ", first)
        assert "query-se…7-x2k9p ✘ paid" in first
        assert second.startswith("--:--:-- q ")


async def test_a_reader_who_scrolled_up_is_left_alone_and_told_what_came() -> None:
    pane, log = LogsPane(), filled(100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        await pilot.press("up", "up", "up")
        before = read(pane)
        assert before[-1] == "line 96 payment accepted"
        assert pane.subtitle_text == "paused · end to follow"
        log.append(lines(5, 100))
        await give(pilot, pane, log)
        assert read(pane) == before
        assert pane.subtitle_text == "+5 new lines · end to follow"
        await pilot.press("f")
        assert read(pane)[-1] == "line 104 payment accepted"
        assert pane.subtitle_text == "live"


async def test_scrolling_back_to_the_end_follows_again() -> None:
    pane, log = LogsPane(), filled(100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        await pilot.press("up", "up")
        assert not pane.log_view.following
        await pilot.press("down", "down")
        assert pane.log_view.following
        pane.log_view.go_to(0)
        await pilot.pause()
        assert not pane.log_view.following
        await pilot.press("end")
        await pilot.pause(0.4)
        assert pane.log_view.following


async def test_the_readers_lines_stay_in_place_while_older_ones_are_dropped() -> None:
    pane, log = LogsPane(), filled(100, most=100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.log_view.go_to(60)
        await pilot.pause()
        before = read(pane)
        assert before[0] == "line 60 payment accepted"
        log.append(lines(30, 100))
        await give(pilot, pane, log)
        assert log.first == 30
        assert read(pane) == before


async def test_a_reader_of_lines_that_are_dropped_gets_the_oldest_that_are_left() -> None:
    pane, log = LogsPane(), filled(100, most=100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.log_view.go_to(5)
        await pilot.pause()
        log.append(lines(500, 100))
        await give(pilot, pane, log)
        assert read(pane)[0] == "line 500 payment accepted"
        assert not pane.log_view.following
        assert pane.log_view.unseen == 100


async def test_lines_dropped_between_two_frames_are_never_asked_for() -> None:
    pane, log = LogsPane(), filled(100, most=100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.log_view.go_to(50)
        log.append(lines(1000, 100))
        pane.log_view.refresh()
        await pilot.pause()
        assert set(read(pane)) == {""}


async def test_only_errors_and_gaps_are_left_when_asked() -> None:
    pane, log = LogsPane(), filled(40)
    log.append([line(EPOCH, "api", "ledger refused", "error"), line(EPOCH, "api", "12 lines skipped", "gap")])
    log.append(lines(40, 40))
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        await pilot.press("e")
        shown = screen_lines(pane.log_view)
        assert "✘ ledger refused" in shown[0]
        assert shown[1].startswith("── 12 lines skipped · api ───")
        assert shown[2] == ""
        assert pane.subtitle_text == "only errors"
        log.append([line(EPOCH, "api", "again", "error"), *lines(3)])
        await give(pilot, pane, log)
        assert "✘ again" in screen_lines(pane.log_view)[2]
        await pilot.press("e")
        assert read(pane)[-1] == "line 2 payment accepted"


async def test_a_search_goes_to_the_newest_match_and_round_the_others() -> None:
    pane, log = LogsPane(), filled(300)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        await pilot.press("slash", *"ne 17", "enter")
        await settle(pilot, pane)
        assert pane.subtitle_text.startswith("“ne 17” 11/11")
        assert "line 179 payment accepted" in read(pane)
        await pilot.press("n")
        assert pane.subtitle_text.startswith("“ne 17” 1/11")
        assert "line 17 payment accepted" in read(pane)
        await pilot.press("N", "N")
        assert pane.subtitle_text.startswith("“ne 17” 10/11")
        assert not pane.log_view.following
        lit = [each.text for line in range(HEIGHT) for each in pane.log_view.render_line(line)
               if each.style and each.style.bgcolor == pane.log_view.tone("match").bgcolor]  # fmt: skip
        assert set(lit) == {"ne 17"}
        await pilot.press("escape")
        assert "17" not in pane.subtitle_text


async def test_what_is_searched_for_is_text_and_not_a_pattern() -> None:
    pane, log = LogsPane(), filled(20)
    log.append([line(EPOCH, "api", "a [bold](x.*)[/foo] b")])
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane._search("[BOLD](x.*)")
        await settle(pilot, pane)
        assert pane.log_view.search_state == (1, 1, True)
        pane._search("no such thing")
        await settle(pilot, pane)
        assert pane.subtitle_text.startswith("“no such thing” 0/0")


def test_a_search_looks_at_no_more_lines_than_a_frame_can_bear() -> None:
    log, looked = filled(50_000, most=60_000), []

    def matches(one: LogLine) -> bool:
        looked.append(one)
        return one.text.startswith("line 9999 ")

    index = LineIndex(matches)
    index.advance(log)
    assert len(looked) <= 2000
    assert not index.complete
    for _ in range(40):
        index.advance(log)
    assert index.complete
    assert len(looked) == 50_000
    assert index.numbers == [9999]
    long = ring(100)
    long.append([line(EPOCH, "a", "x" * 300_000)] * 100)
    index = LineIndex(lambda _: True)
    index.advance(long)
    assert len(index.numbers) == 2


def test_an_index_forgets_what_the_buffer_has_dropped() -> None:
    log = filled(100, most=100)
    index = LineIndex(lambda _: True)
    index.advance(log)
    log.append(lines(250, 100))
    index.advance(log)
    assert index.numbers == list(range(250, 350))
    assert index.after(349) == 250
    assert index.before(250) == 349
    assert LineIndex(lambda _: True).after(0) is None


async def test_long_lines_can_be_wrapped_and_the_end_stays_in_view() -> None:
    pane, log = LogsPane(), filled(40)
    log.append([line(EPOCH, "api", " ".join(f"word{n}" for n in range(60))), line(EPOCH, "api", "the end")])
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        assert "word59" not in screen_text(pane.log_view)
        await pilot.press("w")
        text = screen_text(pane.log_view)
        assert "word0 " in text
        assert "word59" in text
        assert [line for line in read(pane) if line][-1] == "the end"
        await pilot.press("up")
        assert not pane.log_view.following
        await pilot.press("f", "w")
        assert "word59" not in screen_text(pane.log_view)
        assert read(pane)[-1] == "the end"


async def test_long_lines_can_be_moved_sideways_under_their_time_and_source() -> None:
    pane, log = LogsPane(), ring()
    log.append([line(EPOCH, "api-gateway", "".join(f"<{n:03}>" for n in range(100)))])
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        pane.focus()
        start = screen_lines(pane.log_view)[0]
        await pilot.press("right", "right")
        moved = screen_lines(pane.log_view)[0]
        assert moved[:20] == start[:20]
        assert "<006>" not in moved[:31]
        assert "<007>" in moved
        await pilot.press("left", "left", "left")
        assert screen_lines(pane.log_view)[0] == start


HOSTILE = (
    "[bold]x[/foo]",
    "\x1b[2J\x1b]0;t\x07",
    "a\x00b",
    "\u202eevil",
    "日本語👍🏽❤️" * 40,
    "x" * 10_000_000,
    "",
)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("width", [30, 90])
async def test_no_line_moves_the_cursor_or_breaks_the_columns(width: int, wrapped: bool) -> None:
    pane, log = LogsPane(), ring()
    for text in HOSTILE:
        log.append([line(EPOCH, text[:100] or "p", text, level) for level in ("", "error", "gap", "odd")])
    async with PaneApp(pane).run_test(size=(width, 40)) as pilot:
        await give(pilot, pane, log)
        pane.log_view.set_wrapped(wrapped)
        for top in range(0, 28, 4):
            pane.log_view.go_to(top)
            await pilot.pause()
            for y in range(pane.log_view.size.height):
                strip = pane.log_view.render_line(y)
                assert cell_len(strip.text) == strip.cell_length == width - 4
                assert strip.text.isprintable()


def test_a_line_of_ten_megabytes_is_cut_and_says_so() -> None:
    told = text_of(line(EPOCH, "api", "y" * 10_000_000))
    assert len(told) < 4100
    assert told.endswith("… +9,996,000 characters")


def test_a_source_keeps_its_colour() -> None:
    assert source_tone("api-gateway-1") == source_tone("api-gateway-1")
    assert len({source_tone(f"pod-{n}") for n in range(50)}) > 3
    assert not {source_tone(f"pod-{n}") for n in range(500)} & {"good", "failing", "waiting", "stale"}


async def test_the_title_says_how_much_of_the_logs_this_is() -> None:
    pane = LogsPane()
    coverage = LogCoverage(11, 12, ("query-service-6fd4-x2k9p: ImagePullBackOff",), 2, 1204)
    async with PaneApp(pane).run_test(size=(110, 14)) as pilot:
        await give(pilot, pane, ring(), coverage)
        assert pane.title_text == (
            "Logs · 11/12 streams · 2 errors/min · 1 waiting: ImagePullBackOff · 1,204 skipped"
        )
        assert "No line yet: query-service-6fd4-x2k9p: ImagePullBackOff." in screen_text(pane.log_view)


async def test_another_environment_starts_at_its_own_end() -> None:
    pane, staging, production = LogsPane(), filled(500), ring()
    production.append([line(EPOCH + n, "p", f"other {n}") for n in range(40)])
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, staging)
        pane.log_view.go_to(3)
        await pilot.pause()
        await give(pilot, pane, production)
        assert read(pane)[-1] == "other 39"
        assert pane.log_view.following


async def test_text_can_be_marked_with_the_mouse_and_copied_without_its_prefix() -> None:
    pane, log = LogsPane(), filled(200, most=150)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        await pilot.mouse_down(pane.log_view, offset=(28, 2))
        await pilot.hover(pane.log_view, offset=(35, 4))
        await pilot.mouse_up(pane.log_view, offset=(35, 4))
        marked = pilot.app.screen.get_selected_text() or ""
        rows = marked.split("\n")
        assert len(rows) == 3
        assert rows[0] == "line 190 payment accepted"
        assert rows[1] == "line 191 payment accepted"
        assert "line 192 payment accepted".startswith(rows[2])
        assert 6 <= len(rows[2]) <= 9


async def test_a_quiet_log_repaints_nothing() -> None:
    pane, log = LogsPane(), filled(100)
    async with PaneApp(pane).run_test(size=SIZE) as pilot:
        await give(pilot, pane, log)
        asked: list[object] = []
        pane.log_view.refresh = lambda *regions, **_: asked.append(regions)  # type: ignore[method-assign,assignment]
        await give(pilot, pane, log)
        assert asked == []
