"""The right-hand panels, by what can be read on them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from panes_harness import (
    EPOCH,
    LIVE,
    MONOTONIC,
    PaneApp,
    event,
    metric,
    pod,
    ring,
    scene,
    screen_lines,
    screen_text,
    view,
    workload,
)
from textual.pilot import Pilot
from textual.widgets import Static

from releaseconsole.plan.model import Objective
from releaseconsole.session.views import EnvironmentView, Freshness, Liveness
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.panes.events import EventsPane
from releaseconsole.ui.panes.logs import LogsPane
from releaseconsole.ui.panes.metrics import MetricsPane
from releaseconsole.ui.panes.pods import PodsPane
from releaseconsole.ui.panes.rollout import RolloutPane
from releaseconsole.ui.screens.metric_detail import MetricDetail
from releaseconsole.ui.screens.text_detail import TextDetail
from releaseconsole.ui.widgets.cells import cell_len

HOSTILE = (
    "[bold]x[/foo]",
    "\x1b[2J\x1b]0;owned\x07",
    "nul\x00nul",
    "\u202eevil\u2066",
    "x" * 10_000_000,
    "日本語👍🏽" * 50,
)


async def give(pilot: Pilot[None], pane: Pane, seen: EnvironmentView, later: float = 0.0) -> None:
    """Show a view, as the frame does."""
    await pilot.pause()
    if isinstance(pane, LogsPane):
        pane.show(seen, ring(), MONOTONIC + later, EPOCH + later)
    else:
        pane.show(seen, MONOTONIC + later, EPOCH + later)  # type: ignore[attr-defined]
    await pilot.pause()


def read(pane: Pane) -> str:
    return screen_text(pane.body)


async def until(pilot: Pilot[None], condition: object, turns: int = 200) -> None:
    """Wait, with a bound, until a callable says yes."""
    assert callable(condition)
    for _ in range(turns):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not happen in time")


# Rollout


async def test_a_wide_rollout_has_one_line_a_workload_and_the_problem_beneath() -> None:
    pane = RolloutPane()
    async with PaneApp(pane).run_test(size=(110, 12)) as pilot:
        await give(pilot, pane, scene())
        shown = screen_lines(pane.body)
        assert "command-service  7 → 8  1.0.0 → 1.1.0" in shown[0]
        assert "2/4 new  ▸ progressing" in shown[0]
        assert "6/6 new  ✔ complete" in shown[1]
        assert "1/4 new  ✘ FAILING" in shown[2]
        assert "1 of 2 new pods cannot start" in shown[3]
        assert "x2k9p ImagePullBackOff: manifest for" in shown[4]
        assert pane.title_text == "Rollout · 1 of 3 complete · 1 failing"


@pytest.mark.parametrize("width", [38, 48, 60])
async def test_a_narrow_rollout_still_says_everything(width: int) -> None:
    pane = RolloutPane()
    async with PaneApp(pane).run_test(size=(width, 24)) as pilot:
        await give(pilot, pane, scene())
        text = read(pane)
        for word in ("query-service", "✘ FAILING", "1/4 new", "ImagePullBackOff", "1.0.0 → 1.1.0", "7"):
            assert word in text
        assert all(cell_len(line) <= width - 4 for line in screen_lines(pane.body))


STATES = {
    "complete": "✔ complete",
    "progressing": "▸ progressing",
    "failed": "✘ FAILED",
    "paused": "‖ paused",
    "scaled to zero": "○ scaled to zero",
    "SCALED_TO_ZERO": "○ scaled to zero",
    "missing": "? missing",
    "unknown": "? unknown",
    "half-baked": "? half-baked",
}


async def test_every_state_is_a_glyph_and_a_word() -> None:
    pane = RolloutPane()
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        for state, told in STATES.items():
            await give(pilot, pane, view(workloads=(workload(state=state),)))
            assert told in read(pane)


async def test_workloads_of_several_targets_stand_under_their_target() -> None:
    pane = RolloutPane()
    both = tuple(workload(target=target) for target in ("eu/healthpay", "us/healthpay"))
    async with PaneApp(pane).run_test(size=(100, 10)) as pilot:
        await give(pilot, pane, view(targets=("eu/healthpay", "us/healthpay"), workloads=both))
        shown = screen_lines(pane.body)
        assert shown[0] == "eu/healthpay"
        assert shown[2] == "us/healthpay"
        pane.focus()
        await pilot.press("down", "down", "enter")
        assert isinstance(pilot.app.screen, TextDetail)


async def test_a_way_back_that_is_shut_is_told() -> None:
    pane = RolloutPane()
    stuck = workload(rollback_problem="the pinned revision is gone and nothing else is known")
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        await give(pilot, pane, view(workloads=(stuck,)))
        assert "no way back: the pinned revision is gone" in read(pane)


async def test_a_resize_lays_the_rollout_out_again() -> None:
    pane = RolloutPane()
    async with PaneApp(pane).run_test(size=(110, 20)) as pilot:
        await give(pilot, pane, scene())
        assert "✘ FAILING" in screen_lines(pane.body)[2]
        await pilot.resize_terminal(50, 20)
        await until(pilot, lambda: "✘ FAILING" in screen_lines(pane.body)[4])


# Pods


async def test_pods_in_trouble_come_first() -> None:
    pane = PodsPane()
    async with PaneApp(pane).run_test(size=(110, 12)) as pilot:
        await give(pilot, pane, scene())
        shown = screen_lines(pane.body)
        assert shown[0].split() == ["pod", "rev", "ready", "status", "rst", "age", "node"]
        assert shown[1].split()[:5] == [
            "✘",
            "command-service-5d8f7c9b6d-00011",
            "new",
            "0/1",
            "CrashLoopBackOff",
        ]
        assert shown[2].split()[:1] == ["▸"]
        assert shown[4].split()[:6] == ["✔", "command-service-5d8f7c9b6d-00000", "new", "1/1", "Running", "0"]
        assert shown[4].split()[6:] == ["60s", "node-1"]
        assert pane.title_text == "Pods · 14 · 3 unhealthy"


async def test_typing_after_a_slash_filters_and_escape_brings_all_back() -> None:
    pane = PodsPane()
    async with PaneApp(pane).run_test(size=(110, 14)) as pilot:
        await give(pilot, pane, scene())
        pane.focus()
        await pilot.press("slash", *"llb", "enter")
        assert pane.title_text == "Pods · 1 of 14 with “llb” · 3 unhealthy"
        assert "query-service-6fd4b8c9d7-x2k9p" in read(pane)
        assert "00011" not in read(pane)
        assert pane.body.has_focus
        await pilot.press("escape")
        assert pane.title_text == "Pods · 14 · 3 unhealthy"
        await pilot.press("slash", *"zz")
        assert "No pod matches “zz”." in read(pane)
        await pilot.press("escape")
        assert "00011" in read(pane)


async def test_s_sorts_by_restarts_and_says_so() -> None:
    pane = PodsPane()
    busy = replace(pod(7), restarts=99)
    async with PaneApp(pane).run_test(size=(110, 14)) as pilot:
        await give(pilot, pane, view(pods=(*(pod(n) for n in range(5)), busy)))
        pane.focus()
        await pilot.press("s", "s")
        assert busy.name in screen_lines(pane.body)[1]
        assert pane.subtitle_text == "by restarts"


async def test_the_cursor_stays_on_its_pod_when_another_one_breaks() -> None:
    pane = PodsPane()
    pods = tuple(pod(n) for n in range(20))
    async with PaneApp(pane).run_test(size=(110, 30)) as pilot:
        await give(pilot, pane, view(pods=pods))
        pane.focus()
        await pilot.press("down", "down", "down")
        assert pane.table.cursor == "uid-2"
        await give(pilot, pane, view(pods=(*pods[:19], pod(19, healthy=False))))
        assert pane.table.cursor == "uid-2"
        assert "00019" in screen_lines(pane.body)[1]


async def test_five_thousand_pods_draw_only_what_is_seen() -> None:
    pane = PodsPane()
    drawn: list[str] = []
    draw = pane._painter.draw
    pane._painter.draw = lambda one, width: (drawn.append(one.uid), draw(one, width))[1]  # type: ignore[assignment,method-assign,func-returns-value]
    pods = tuple(pod(n, healthy=n % 100 != 0) for n in range(5000))
    async with PaneApp(pane).run_test(size=(110, 30)) as pilot:
        await give(pilot, pane, view(pods=pods))
        assert 0 < len(set(drawn)) <= 30
        drawn.clear()
        await give(pilot, pane, view(pods=(*pods[:4999], replace(pods[4999], restarts=1))))
        assert drawn == []


async def test_enter_shows_everything_about_a_pod() -> None:
    pane = PodsPane()
    sick = replace(pod(1, healthy=False), message="back-off 5m0s restarting failed container")
    async with PaneApp(pane).run_test(size=(110, 30)) as pilot:
        await give(pilot, pane, view(pods=(sick,)))
        pane.focus()
        await pilot.press("enter")
        told = "\n".join(str(each.content) for each in pilot.app.screen.query(Static))
        assert "back-off 5m0s restarting failed container" in told
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, TextDetail)


# Events


async def test_events_say_when_what_and_how_often() -> None:
    pane = EventsPane()
    async with PaneApp(pane).run_test(size=(110, 10)) as pilot:
        await give(pilot, pane, view(events=(event(0), event(1, warning=True), event(9))))
        shown = screen_lines(pane.body)
        assert "▲ Warning BackOff" in shown[1]
        assert shown[1].endswith("×12")
        assert "· Normal  Scheduled" in shown[0]
        assert pane.title_text == "Events · 3 · 1 warning"
        pane.focus()
        await pilot.press("e")
        assert "Scheduled" not in read(pane)
        assert pane.subtitle_text == "only warnings"


# Metrics


async def test_metrics_show_value_target_state_and_reason() -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(140, 8)) as pilot:
        await give(pilot, pane, scene())
        shown = screen_lines(pane.body)
        assert "0.42 %   ◐ PENDING 0:34/1:00  target < 0.1" in shown[0]
        assert "back > 1 for 1m" in shown[0]
        assert "38.2 ms" in shown[1]
        assert "✔ OK" in shown[1]
        assert "8,512 /s" in shown[2]
        assert "– %" in shown[3]
        assert "? NO DATA" in shown[3]
        assert "the query has no series" in shown[3]
        assert len({line.index("target") for line in shown if "target" in line}) == 1
        assert pane.title_text == "Metrics · 2 of 4 on target · 1 burning"


async def test_a_missed_target_is_never_called_ok() -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(140, 8)) as pilot:
        await give(pilot, pane, view(objectives=(metric(state="OK", meets_target=False),)))
        assert "▲ OFF TARGET" in read(pane)


async def test_a_trigger_that_cannot_fire_is_never_called_ok() -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(140, 8)) as pilot:
        told = "can never be > 500 ms"
        await give(pilot, pane, view(objectives=(metric(state="OK", meets_target=True, cannot_fire=told),)))
        assert "▲ CANNOT FIRE" in read(pane)
        assert f"cannot fire: {told}" in read(pane)
        assert "OK" not in read(pane)


async def test_an_old_value_says_how_old_it_is() -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(140, 8)) as pilot:
        await give(pilot, pane, view(objectives=(metric(),)))
        assert "old" not in read(pane)
        await give(pilot, pane, view(objectives=(metric(),)), later=60)
        assert "62 s old" in read(pane)


@pytest.mark.parametrize(("width", "height"), [(38, 10), (56, 10), (56, 30), (140, 30)])
async def test_metrics_fit_any_panel(width: int, height: int) -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(width, height)) as pilot:
        await give(pilot, pane, scene())
        text = read(pane)
        for word in ("error", "0.42", "PENDING 0:34/1:00", "NO DATA"):
            assert word in text
        assert all(cell_len(line) <= width - 4 for line in screen_lines(pane.body))


async def test_a_history_of_nothing_but_gaps_is_drawn_as_such() -> None:
    pane = MetricsPane()
    gaps = tuple((EPOCH + at, math.nan) for at in range(50))
    async with PaneApp(pane).run_test(size=(140, 12)) as pilot:
        await give(pilot, pane, view(objectives=(metric(history=gaps, value=math.nan, state="NO DATA"),)))
        assert "–" in read(pane)
        assert not set("▁▂▃▄▅▆▇█") & set(read(pane))


async def test_enter_opens_the_chart_and_the_chart_stays_fresh() -> None:
    query = "sum(rate(errors[1m]))\n/ sum(rate(all[1m]))"
    objective = Objective.model_validate({"id": "error-rate", "query": query, "target": "< 0.1"})
    pane = MetricsPane([objective])
    async with PaneApp(pane).run_test(size=(120, 40)) as pilot:
        await give(pilot, pane, scene())
        pane.focus()
        await pilot.press("enter")
        detail = pilot.app.screen
        assert isinstance(detail, MetricDetail)
        await until(pilot, lambda: "┄" in screen_text(detail.query_one("#plot")))
        told = "\n".join(str(each.content) for each in detail.query(Static))
        for word in ("0.42 %", "PENDING 0:34/1:00", "target < 0.1", "roll back at > 1", "[10 m]"):
            assert word in told
        assert "sum(rate(errors[1m]))" in told
        worse = replace(
            scene().objectives[0], state="BREACH", value=7.5, history=((EPOCH, 7.5), (EPOCH + 5, math.nan))
        )
        await give(pilot, pane, replace(scene(), objectives=(worse,)))
        told = "\n".join(str(each.content) for each in detail.query(Static))
        assert "✘ BREACH" in told
        await pilot.press("escape")
        assert pane.body.has_focus


# What all panels share

EMPTY = (
    (RolloutPane, "The plan names no workload here."),
    (PodsPane, "No pods here."),
    (EventsPane, "No events in the last hour."),
    (MetricsPane, "The plan has no objective here."),
    (LogsPane, "No line yet."),
)


@pytest.mark.parametrize(("kind", "nothing"), EMPTY)
async def test_an_empty_panel_says_why_it_is_empty(kind: type[Pane], nothing: str) -> None:
    pane = kind()
    waiting = Freshness()
    async with PaneApp(pane).run_test(size=(100, 10)) as pilot:
        await give(pilot, pane, view(cluster=waiting, metrics=waiting))
        assert "Waiting for the first answer of production/healthpay…" in read(pane)
        assert pane.subtitle_text == "connecting…"
        await give(pilot, pane, view())
        assert nothing in read(pane)
        closed = ((kind.PANEL, "may not list pods: forbidden"),)
        await give(pilot, pane, view(panel_errors=closed))
        assert "may not list pods: forbidden" in read(pane)
        assert pane.subtitle_text == "denied · may not list pods: forbidden"


@pytest.mark.parametrize("kind", [RolloutPane, PodsPane, EventsPane, MetricsPane])
async def test_stale_data_stays_and_is_marked(kind: type[Pane]) -> None:
    pane = kind()
    stale = Freshness(Liveness.STALE, MONOTONIC - 12, "connection refused")
    async with PaneApp(pane).run_test(size=(110, 20)) as pilot:
        await give(pilot, pane, scene())
        before = read(pane)
        assert not pane.has_class("-stale")
        await give(pilot, pane, replace(scene(), cluster=stale, metrics=stale))
        assert read(pane) == before
        assert pane.has_class("-stale")
        assert pane.subtitle_text == "stale 12 s · connection refused"
        await give(pilot, pane, replace(scene(), cluster=stale, metrics=stale), later=30)
        assert pane.subtitle_text == "stale 42 s · connection refused"
        await give(pilot, pane, scene())
        assert not pane.has_class("-stale")
        assert pane.subtitle_text == "live"


@pytest.mark.parametrize("width", [44, 120])
async def test_hostile_text_is_drawn_as_text(width: int) -> None:
    panes = (RolloutPane(), PodsPane(), EventsPane(), MetricsPane())
    async with PaneApp(*panes).run_test(size=(width, 60)) as pilot:
        for text in HOSTILE:
            for pane in panes:
                await give(pilot, pane, hostile_view(text))
                assert_harmless(pane, width - 4)
                if text.startswith("[bold]"):
                    assert "[bold]" in read(pane)
                if text.startswith("\x1b"):
                    assert "␛" in read(pane)


def hostile_view(text: str) -> EnvironmentView:
    """The same text wherever a text can be."""
    deployment = workload(
        text, text, message=text, revision=text, previous_revision=text[::-1], image=text, previous_image="a",
        problems=(text,), target=text, rollback_problem=text,
    )  # fmt: skip
    return view(
        title=text,
        targets=(text,),
        cluster=replace(LIVE, liveness=Liveness.STALE, error=text),
        workloads=(deployment,),
        pods=(pod(1, False, name=text, status=text, node=text, workload=text, ready=text, message=text),),
        events=(event(1, True, reason=text, object=text, message=text),),
        objectives=(metric(text, unit=text, target=text, trigger=text, state=text, reason=text),),
    )


def assert_harmless(pane: Pane, width: int) -> None:
    """Nothing that moves the cursor, and every line exactly as wide as the panel."""
    for y in range(pane.body.size.height):
        strip = pane.body.render_line(y)
        assert strip.cell_length == width
        assert cell_len(strip.text) == width
        assert strip.text.isprintable()


async def test_hostile_text_can_be_opened_too() -> None:
    pane = PodsPane()
    async with PaneApp(pane).run_test(size=(80, 24)) as pilot:
        for text in HOSTILE:
            await give(pilot, pane, view(pods=(pod(1, False, name=text, status=text, message=text),)))
            pane.focus()
            await pilot.press("enter")
            assert isinstance(pilot.app.screen, TextDetail)
            await pilot.press("escape")


async def test_showing_the_same_view_again_repaints_nothing() -> None:
    panes = (RolloutPane(), PodsPane(), EventsPane(), MetricsPane())
    async with PaneApp(*panes).run_test(size=(110, 60)) as pilot:
        seen = scene()
        for pane in panes:
            await give(pilot, pane, seen)
        asked: list[object] = []
        for pane in panes:
            pane.body.refresh = lambda *regions, **_: asked.append(regions)  # type: ignore[method-assign,assignment]
        for pane in panes:
            await give(pilot, pane, seen)
        assert asked == []


async def test_every_key_of_a_panel_has_an_id_and_says_what_it_does() -> None:
    ids: list[str] = []
    for kind in (RolloutPane, PodsPane, EventsPane, MetricsPane, LogsPane):
        for binding in kind.BINDINGS:
            assert binding.id  # type: ignore[union-attr]
            assert binding.tooltip  # type: ignore[union-attr]
            ids.append(binding.id)  # type: ignore[union-attr,arg-type]
    assert len(ids) == len(set(ids))


async def test_a_broad_panel_gives_the_charts_all_the_width_that_is_left() -> None:
    pane = MetricsPane()
    async with PaneApp(pane).run_test(size=(120, 12)) as pilot:
        await give(pilot, pane, scene())
        shown = screen_lines(pane.body)
        assert shown[0].index("back > 1 for 1m") > 90
        assert shown[1].endswith("target < 0.1")
        assert "┄" in shown[2]
        assert shown[7].startswith("  the query has no series")
