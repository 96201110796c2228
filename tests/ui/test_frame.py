"""The frame: what is seen at which size, where the keys lead, and how it stays honest when things go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from frame_driver import opened
from standin import EPOCH, StandIn, Unlucky, burning_view, healthy_view, sample_plan

from releaseconsole.record.model import ActionStatus
from releaseconsole.session.views import ArmedView, Freshness, Liveness, Notice
from releaseconsole.ui.keymap import PANE_KEYS
from releaseconsole.ui.screens.layout import PANES, Fronts, after, arrange


async def test_a_wide_terminal_shows_everything_at_once() -> None:
    async with opened(size=(200, 50)) as console:
        await console.sees("Rollout", "Pods", "Events", "Metrics", "Logs")
        await console.sees("PRODUCTION", "prod-eu / healthpay", "● live 0.4 s", "rollback armed 3/3")
        await console.sees("1 Pre-deployment", "8 Sign-off", "ctrl+r ROLLBACK", "Code review 1")


async def test_a_middling_terminal_shows_the_checklist_beside_one_panel() -> None:
    async with opened(size=(120, 30)) as console:
        assert console.main.arrangement.visible == ("checklist", "rollout")
        await console.press("L")
        assert console.main.arrangement.visible == ("checklist", "logs")
        await console.sees("request 199", "Code review 1")


@pytest.mark.parametrize("pane", PANES)
async def test_every_panel_can_be_reached_at_80_by_24(pane: str) -> None:
    async with opened(size=(80, 24)) as console:
        await console.press(PANE_KEYS[pane])
        assert console.main.arrangement.visible == (pane,)
        assert console.main.pane(pane).has_focus_within
        for row in console.text().splitlines():
            assert len(row) <= 80


async def test_tab_goes_round_all_panels_at_80_by_24() -> None:
    async with opened(size=(80, 24)) as console:
        seen = []
        for _ in PANES:
            seen.append(console.main.active_pane)
            await console.press("tab")
        assert tuple(seen) == PANES
        assert console.main.active_pane == "checklist"
        await console.press("shift+tab")
        assert console.main.active_pane == "output"


async def test_tab_stays_with_what_is_seen_on_a_wide_terminal() -> None:
    async with opened(size=(160, 40)) as console:
        for _ in range(len(console.main.arrangement.visible)):
            await console.press("tab")
            assert console.main.active_pane in console.main.arrangement.visible
        assert console.main.active_pane == "checklist"


@pytest.mark.parametrize("size", [(40, 10), (20, 5)])
async def test_a_tiny_terminal_says_what_is_needed_and_still_rolls_back(size: tuple[int, int]) -> None:
    async with opened(size=size) as console:
        words = " ".join(console.text().split())
        assert f"{size[0]}×{size[1]} is too small; 60×15 is needed. ctrl+r still rolls back." in words
        await console.press("ctrl+r")
        await console.sees(" H ")
        await console.press("h")
        assert ("rollback", "production", ("7", "7", "7")) in console.session.calls


async def test_resizing_rearranges_without_losing_the_place() -> None:
    async with opened(size=(200, 50)) as console:
        await console.press("down", "down", "M")
        for size in ((80, 24), (20, 5), (120, 30), (200, 50)):
            await console.pilot.resize_terminal(*size)
            await console.pilot.pause()
        assert console.main.active_pane == "metrics"
        assert console.main.checklist.current_item == "code-review-3"


async def test_zoom_gives_one_panel_the_screen_and_takes_it_back() -> None:
    async with opened(size=(200, 50)) as console:
        await console.press("P", "z")
        assert console.main.arrangement.visible == ("pods",)
        await console.press("escape")
        assert len(console.main.arrangement.visible) == 6


async def test_the_number_keys_choose_phases_and_with_them_the_environment() -> None:
    async with opened() as console:
        await console.press("2")
        await console.sees("STAGING", "staging / healthpay", "Day 1")
        await console.press("4")
        await console.sees("PRODUCTION", "Support team standing by")
        assert ("focus", "staging") in console.session.calls
        await console.press("9")
        await console.sees("Support team standing by")


async def test_a_click_on_a_phase_tab_shows_the_phase() -> None:
    async with opened() as console:
        row = console.text().splitlines()[1]
        await console.pilot.click("#phase-tabs", offset=(row.index("Staging"), 0))
        await console.sees("STAGING")


async def test_the_console_opens_where_work_is_left() -> None:
    session = StandIn()
    for placed in session.plan.phase("pre").items():
        session.defer(placed.id, "later")
    async with opened(session) as console:
        assert console.main.phase.id == "staging"


async def test_the_console_appears_while_the_session_is_still_opening() -> None:
    session = StandIn()
    session.opening = asyncio.Event()
    async with opened(session) as console:
        await console.sees("HealthPay wallet 1.0.0", "opening the release…")
        await console.press("ctrl+r")
        assert any("still being opened" in toast for toast in console.toasts())
        session.opening.set()
        await console.sees("PRODUCTION")


async def test_a_session_that_cannot_be_opened_ends_the_console_with_its_reason() -> None:
    session = StandIn()
    session.failure = Unlucky("Another console writes this journal (pid 42).", "Close it first.")
    async with opened(session) as console:
        await console.until(lambda: console.app.failure is not None)
        assert console.app.failure is session.failure
        await console.until(lambda: console.app.return_code == 1)


@pytest.mark.parametrize(
    ("freshness", "words"),
    [
        (Freshness(Liveness.STALE, 988.0), "STALE 12 s"),
        (Freshness(Liveness.DENIED, 0.0), "DENIED"),
        (Freshness(Liveness.CONNECTING, 0.0), "connecting"),
    ],
)
async def test_the_status_line_tells_how_far_the_data_can_be_believed(
    freshness: Freshness, words: str
) -> None:
    session = StandIn()
    session.views["production"] = replace(healthy_view(), cluster=freshness)
    async with opened(session, size=(80, 24)) as console:
        await console.sees(words)


async def test_ages_grow_although_nothing_else_changes() -> None:
    async with opened() as console:
        await console.sees("live 0.4 s")
        console.session.clock.seconds = 3.0
        await console.sees("live 3.4 s")


async def test_what_burns_is_on_the_status_line_even_at_80_columns() -> None:
    session = StandIn()
    session.views["production"] = burning_view()
    async with opened(session, size=(80, 24)) as console:
        await console.sees("PRODUCTION", "✘ error rate", "3/3", "Pods ✘ 1", "Metrics ✘ 1")


async def test_a_rollback_that_would_not_work_is_said_loudly() -> None:
    session = StandIn()
    session.views["production"] = replace(healthy_view(), armed=ArmedView(2, 3, ("no pin",), 2))
    async with opened(session) as console:
        await console.sees("rollback NOT armed 2/3")


async def test_only_panels_whose_data_changed_are_repainted() -> None:
    async with opened(size=(200, 50)) as console:
        deck = console.main.deck
        shown: list[str] = []
        for _ in range(5):
            await console.pilot.pause()
        for name, pane in deck._panes.items():
            original = pane.show
            pane.show = lambda *given, _name=name, _show=original: (shown.append(_name), _show(*given))[1]  # type: ignore[method-assign]
        view = console.session.views["production"]
        console.session.set_view("production", replace(view, pods=view.pods[:-1]))
        await console.until(lambda: shown)
        assert shown == ["pods"]


async def test_an_idle_console_repaints_nothing() -> None:
    async with opened(size=(200, 50)) as console:
        calls: list[object] = []
        console.main.update_view = lambda *given, **more: calls.append(given)  # type: ignore[method-assign]
        for _ in range(10):
            console.app._look()
        assert calls == []


async def test_a_panel_that_fails_is_named_once_and_the_rest_lives_on() -> None:
    async with opened(size=(200, 50)) as console:

        def broken(*_: object) -> None:
            raise ValueError("[/nonsense]")

        console.main.deck._panes["pods"].show = broken  # type: ignore[method-assign]
        console.session.set_view("production", burning_view())
        await console.sees("✘ error rate")
        console.session.clock.seconds = 2.0
        await console.sees("live 2.4 s")
        told = [toast for toast in console.toasts() if "the pods panel" in toast]
        assert len(told) == 1
        assert "ValueError: [/nonsense]" in told[0]


async def test_notices_of_the_session_are_told_as_plain_text() -> None:
    async with opened() as console:
        console.session.notices.append(Notice("Journal: [b]torn[/b] line [/x] was cut.", "warning"))
        await console.sees("[b]torn[/b] line [/x]")


async def test_a_session_that_breaks_later_leaves_the_screen_standing() -> None:
    class Breaking(StandIn):
        async def __aenter__(self) -> Breaking:
            task = asyncio.current_task()
            assert task is not None
            self.task = task
            return self

        async def __aexit__(self, *_: object) -> None:
            if self.broken.is_set():
                raise ExceptionGroup("tasks", [RuntimeError("watch died")])

    session = Breaking()
    async with opened(session) as console:
        session.broken.set()
        session.task.cancel()
        await console.until(lambda: any("RuntimeError: watch died" in toast for toast in console.toasts()))
        session.touch()
        await console.sees("SESSION ENDED", "Code review 1")


async def test_read_only_is_said_and_its_keys_are_gone() -> None:
    async with opened(StandIn(read_only=True)) as console:
        await console.sees("READ-ONLY")
        footer = console.text().splitlines()[-1]
        assert "tick" not in footer
        assert "pin" not in footer
        assert "ctrl+r ROLLBACK" in footer
        for key in ("space", "n", "p"):
            await console.press(key)
        assert console.dialog == "MainScreen"
        await console.until(
            lambda: any("Start it without --read-only" in toast for toast in console.toasts())
        )
        assert console.session.calls == [("focus", "production")]


async def test_a_plan_without_environments_is_a_checklist() -> None:
    plan = sample_plan()
    phases = tuple(
        phase.model_copy(update={"environment": None, "steps": phase.steps}) for phase in plan.phases
    )
    async with opened(StandIn(plan.model_copy(update={"environments": {}, "phases": phases}))) as console:
        await console.sees("HealthPay wallet 1.0.0", "Code review 1")
        assert "opening" not in console.text()
        await console.press("space", "ctrl+r")
        await console.until(
            lambda: any("The plan has no environment." in toast for toast in console.toasts())
        )


async def test_the_output_of_a_running_action_is_seen_as_it_comes() -> None:
    async with opened() as console:
        await console.press("2")
        console.session.set_action("staging-apply", ActionStatus.RUNNING)
        await console.press("O")
        console.session.print("staging-apply", "deployment/api [/b] configured", "tab\there")
        await console.sees("deployment/api [/b] configured", "running", "0:41")
        console.session.print("staging-apply", *(f"line {n}" for n in range(200)))
        await console.sees("line 199")
        await console.press("home")
        console.session.print("staging-apply", "the newest")
        await console.sees("deployment/api")
        assert "the newest" not in console.text()


async def test_leaving_asks_while_an_action_runs() -> None:
    async with opened() as console:
        console.session.set_action("staging-apply", ActionStatus.RUNNING)
        await console.until(lambda: console.app._seen == console.session.version)
        await console.press("q")
        await console.sees("Quit now?", "1 action under way.")
        await console.press("n")
        await console.until(lambda: console.dialog == "MainScreen")
        await console.press("ctrl+q")
        await console.sees("Quit now?")
        await console.press("y")
        await console.until(lambda: console.session.closed)


async def test_leaving_closes_the_session_first() -> None:
    async with opened() as console:
        await console.press("q")
        await console.until(lambda: console.session.closed)
        await console.until(lambda: console.app.return_code == 0)


async def test_the_practice_cluster_is_named() -> None:
    session = StandIn()
    session.practice = "error-spike"
    async with opened(session) as console:
        await console.sees("practice: error-spike")


async def test_the_day_and_the_time_of_the_release_are_told() -> None:
    session = StandIn()
    session.state = replace(session.state, started=EPOCH - 3 * 86400 - 2530)
    async with opened(session, size=(200, 50)) as console:
        await console.sees("day 4 · 00:42:10")


def test_arrangements_follow_the_size() -> None:
    fronts = Fronts()
    assert arrange(59, 40, fronts, zoomed=False).mode == "tiny"
    assert arrange(80, 24, fronts, zoomed=False).visible == ("checklist",)
    assert arrange(139, 50, fronts, zoomed=False).mode == "split"
    assert arrange(200, 24, fronts, zoomed=False).mode == "split"
    assert arrange(140, 44, fronts, zoomed=False).visible == (
        "checklist",
        "rollout",
        "pods",
        "metrics",
        "logs",
    )
    assert arrange(140, 45, fronts, zoomed=False).visible[2:4] == ("pods", "events")
    assert arrange(200, 50, fronts, zoomed=True).visible == ("checklist",)
    assert after("logs", 1, arrange(80, 24, fronts, zoomed=False)) == "output"
