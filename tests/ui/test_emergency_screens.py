"""The rollback on the screen beyond its key: other confirmations, what went wrong, and what comes by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from frame_driver import Console, opened
from standin import EPOCH, StandIn, sample_plan
from textual.widgets import Input

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import AutomaticState, HookState, Stage
from releaseconsole.session.views import ArmedDetail, ArmedView, PreviewLine, RollbackPreview, StuckPod
from releaseconsole.ui.widgets.countdown import Countdown

FIRED = ("rollback", "production", ("7", "7", "7"))
HOSTILE = "api\x1b[2J\u202e[bold red]gateway[/]" + "x" * 200


def confirmed_by(how: str) -> Plan:
    """The sample plan, with another second key in production."""
    plan = sample_plan()
    production = plan.environments["production"]
    rules = production.rollback.model_copy(update={"confirm": how})
    changed = production.model_copy(update={"rollback": rules})
    return plan.model_copy(update={"environments": {**plan.environments, "production": changed}})


async def fired(console: Console) -> None:
    await console.press("ctrl+r")
    await console.sees("to roll back now")
    await console.press("h")
    await console.until(lambda: console.dialog == "RollbackScreen")


# The second key.


async def test_where_the_plan_asks_for_the_name_only_the_exact_name_fires() -> None:
    async with opened(StandIn(confirmed_by("name"))) as console:
        await console.press("ctrl+r")
        await console.sees("Type production and press enter")
        await console.type("Production")
        await console.press("enter")
        await console.sees("That is not it")
        await console.type("productiox")
        await console.press("backspace")
        await console.type("n")
        assert FIRED not in console.session.calls
        await console.press("enter")
        assert FIRED in console.session.calls


async def test_while_the_name_is_typed_letters_are_text_and_escape_still_cancels() -> None:
    async with opened(StandIn(confirmed_by("name"))) as console:
        await console.press("ctrl+r")
        await console.type("h d j q")
        await console.sees("h d j q")
        assert "+  image" not in console.text()
        await console.press("ctrl+t")
        await console.sees("+  image: 1.0.0")
        await console.press("ctrl+r", "escape")
        await console.until(lambda: console.dialog == "MainScreen")
        assert FIRED not in console.session.calls


async def test_where_the_plan_asks_for_nothing_enter_fires_and_the_key_itself_does_not() -> None:
    async with opened(StandIn(confirmed_by("none"))) as console:
        await console.press("ctrl+r", "ctrl+r", "ctrl+r", "h", "y")
        await console.sees("Press  enter  to roll back now")
        assert FIRED not in console.session.calls
        await console.press("enter")
        assert FIRED in console.session.calls


@pytest.mark.parametrize("how", ["name", "none"])
async def test_no_confirmation_fires_in_a_read_only_console(how: str) -> None:
    async with opened(StandIn(confirmed_by(how), read_only=True)) as console:
        await console.press("ctrl+r")
        await console.type("production")
        await console.press("enter")
        assert console.dialog == "PreviewScreen"
        assert FIRED not in console.session.calls


async def test_a_journal_that_cannot_be_written_is_said_loudly_and_stops_nothing() -> None:
    session = StandIn()
    session.ledger.unwritten = 4
    async with opened(session, size=(80, 24)) as console:
        await console.press("ctrl+r")
        await console.sees("THE JOURNAL CANNOT BE WRITTEN", "4 entries")
        await console.press("h")
        await console.until(lambda: console.dialog == "RollbackScreen")
        await console.sees("THE JOURNAL CANNOT BE WRITTEN")
        assert FIRED in session.calls


# The preview of many.


class Thirty(StandIn):
    """Thirty workloads with long and hostile names; one cannot go back."""

    def _preview(self, env_id: str) -> RollbackPreview:
        lines = tuple(_line(n) for n in range(30))
        return replace(super()._preview(env_id), lines=lines)


def _line(n: int) -> PreviewLine:
    return PreviewLine(
        key=f"prod-eu/healthpay/deployment/service-{n}",
        name=HOSTILE if n == 3 else f"a-service-with-a-rather-long-name-{n}-in-it",
        target="prod-eu/healthpay",
        from_revision="18",
        to_revision="17",
        from_image=f"registry.example/team/service-{n}:2024.11.30-deadbeef",
        to_image=f"registry.example/team/service-{n}:2024.10.01-cafecafe",
        source="pinned 00:41 ago",
        note="",
        skipped=n == 5,
        problem="revision 17 is gone" if n == 29 else "",
        diff=(),
    )


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_thirty_workloads_are_counted_first_and_can_be_scrolled(size: tuple[int, int]) -> None:
    async with opened(Thirty(), size=size) as console:
        await console.press("ctrl+r")
        await console.sees("28 of 30 workloads would be brought back", "1 already there", "1 cannot", " H ")
        await console.sees("18 → 17", "beef → ", "cafe")
        assert "\x1b" not in console.text()
        assert "\u202e" not in console.text()
        await console.press("pagedown", "pagedown", "pagedown")
        await console.sees("revision 17 is gone", " H ")


async def test_the_progress_of_thirty_always_shows_how_it_stands_and_scrolls() -> None:
    async with opened(Thirty(), size=(80, 24)) as console:
        await fired(console)
        console.session.walk(Stage.RECOVERED, 9.0)
        console.session.walk(Stage.FAILED, 3.0, key="service-29", message="Somebody changed it [b]meanwhile.")
        await console.until(lambda: console.app._seen == console.session.version)
        console.session.end_rollback("failed", 9.5)
        await console.sees("29 of 30 back", "Failed: service-29", "retry failed (1)")
        await console.press("pagedown", "pagedown", "pagedown")
        await console.sees("Somebody changed it [b]meanwhile.", "29 of 30 back")


# The progress.


async def test_the_incident_is_told_in_figures() -> None:
    async with opened() as console:
        await fired(console)
        session = console.session
        first = session.state.rollbacks[-1]
        session._fold(rollbacks=(replace(first, alarm=first.started - 41.0, since=first.started - 101.0),))
        session.walk(Stage.PATCHED, 0.2)
        await console.sees("bad → alarm 1:00", "alarm → key 41.0 s", "key → patched 0.2 s")
        assert "patched → " not in console.text()
        session.walk(Stage.RECOVERED, 12.5)
        await console.sees("patched → recovered 12.3 s")


async def test_hooks_stand_there_with_what_came_of_them() -> None:
    async with opened() as console:
        await fired(console)
        session = console.session
        hooks = (
            HookState("switch the [flag]", "before", "succeeded", "200 OK"),
            HookState("scale the worker", "after", "running"),
            HookState("down migration", "before", "failed", "not at its end after 10 s"),
        )
        session._fold(rollbacks=(replace(session.state.rollbacks[-1], hooks=hooks),))
        await console.sees("Hooks", "✔ before switch the [flag]", "▸ after  scale the worker")
        await console.sees("✘ before down migration", "not at its end after 10 s")


async def test_a_revert_by_its_owner_is_an_alarm_with_the_owner_and_the_remedy() -> None:
    async with opened() as console:
        await fired(console)
        session = console.session
        session.walk(Stage.RECOVERED, 9.0)
        await console.until(lambda: console.app._seen == session.version)
        session.end_rollback("complete", 9.0)
        await console.sees("ROLLED BACK PRODUCTION", "Complete: 3 workloads back")
        last = session.state.rollbacks[-1]
        key = "prod-eu/healthpay/deployment/api-gateway"
        undone = replace(
            last.workloads[key], reverted="Argo CD (shop) did; argocd app set shop --sync-policy none"
        )
        session._fold(rollbacks=(replace(last, workloads={**last.workloads, key: undone}),))
        await console.sees("REVERTED: Argo CD (shop)", "--sync-policy none", "Reverted since: api-gateway.")


async def test_a_stuck_pod_is_deleted_after_a_yes_and_not_before() -> None:
    session = StandIn()
    async with opened(session) as console:
        await fired(console)
        key = "prod-eu/healthpay/deployment/query-service"
        session.stuck = (StuckPod(key, "query-service-0", "u-1", "ImagePullBackOff"),)
        session.walk(Stage.OBSERVED, 1.0)
        await console.sees("pod query-service-0 (ImagePullBackOff)", "x delete pod query-service-0")
        await console.press("x")
        await console.sees("Delete this pod?", "kubernetes #67250", "y delete it")
        assert not any(call[0] == "delete pod" for call in session.calls)
        await console.press("y")
        await console.until(lambda: ("delete pod", "production", key, "query-service-0") in session.calls)
        await console.until(lambda: "x delete pod" not in console.text())


async def test_afterwards_the_lock_says_who_and_why_and_its_key_is_there() -> None:
    async with opened() as console:
        await fired(console)
        session = console.session
        session.walk(Stage.RECOVERED, 9.0)
        session.lock("production")
        await console.until(lambda: console.app._seen == session.version)
        assert "unlock deploys" not in console.text()
        session.end_rollback("complete", 9.0)
        await console.sees("Deploys are locked by amira: rolled back", "U unlock deploys")
        assert "LOCKED: rolled back · U unlocks" in console.under()
        await console.press("U")
        await console.sees("Unlock", "Locked by amira: rolled back")
        await console.type("fixed")
        await console.press("enter")
        assert ("unlock", "production", "fixed") in session.calls


# One that was cut short.


def cut_short(**more: Any) -> StandIn:
    session = StandIn(**more)
    writes, session.read_only = session.read_only, False
    session.start_rollback(session._preview("production"))
    session.read_only = writes
    session.walk(Stage.PATCHED, 0.2, key="api-gateway")
    session.walk(Stage.RECOVERED, 9.0, key="query-service")
    rollback = session.state.rollbacks[-1]
    patched = replace(
        rollback.workloads["prod-eu/healthpay/deployment/query-service"],
        times={"planned": EPOCH, "patched": EPOCH + 0.2, "recovered": EPOCH + 9.0},
    )
    workloads = {**rollback.workloads, patched.key: patched}
    session._fold(rollbacks=(replace(rollback, workloads=workloads),))
    session.end_rollback("interrupted", 20.0)
    return session


async def test_a_console_that_starts_over_an_interrupted_rollback_shows_it_and_c_continues() -> None:
    async with opened(cut_short()) as console:
        await console.sees("ROLLBACK INTERRUPTED", "2 of 3 patched, 1 back", "c continue where it stopped")
        assert "rollback interrupted 2/3" in console.under()
        await console.press("c")
        await console.until(lambda: ("resume", "production") in console.session.calls)
        await console.sees("ROLLING BACK PRODUCTION")


async def test_the_rollback_key_offers_to_continue_and_once_more_a_new_one() -> None:
    async with opened(cut_short()) as console:
        await console.sees("ROLLBACK INTERRUPTED")
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")
        await console.press("n", "ctrl+r")
        await console.sees("c continue where it stopped")
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")


async def test_a_read_only_console_shows_the_interrupted_one_and_cannot_continue_it() -> None:
    async with opened(cut_short(read_only=True)) as console:
        await console.press("b")
        await console.sees("ROLLBACK INTERRUPTED")
        await console.press("c")
        assert "continue where" not in console.text()
        assert ("resume", "production") not in console.session.calls


async def test_on_a_narrow_screen_an_interrupted_rollback_hides_nothing_that_matters() -> None:
    session = cut_short(read_only=True)
    session.practice = "crash-loop"
    session.lock("production")
    session.views["production"] = replace(session.views["production"], armed=_armed())
    async with opened(session, size=(80, 24)) as console:
        await console.until(lambda: "interrupted 2/3" in console.under())
        first = console.under().splitlines()[0]
        for words in ("PRODUCTION", "LOCKED", "live", "NOT 2/3", "R/O"):
            assert words in first, first


async def test_leaving_ends_what_goes_on_through_the_session_before_the_session_itself() -> None:
    session = cut_short()
    closed_at_the_end: list[bool] = []

    async def for_ever(environment: str) -> Any:
        session.calls.append(("resume", environment))
        try:
            await asyncio.Event().wait()
        finally:
            closed_at_the_end.append(session.closed)

    session.resume_rollback = for_ever  # type: ignore[method-assign]
    async with opened(session) as console:
        await console.press("c")
        await console.until(lambda: ("resume", "production") in session.calls)
        await console.press("escape", "q")
        await console.until(lambda: closed_at_the_end)
        await console.until(lambda: session.closed)
    assert closed_at_the_end == [False]


# One that comes by itself.


@pytest.mark.parametrize("before", [[], ["n"], ["ctrl+p"], ["?"], ["/"], ["ctrl+r"]])
async def test_a_countdown_is_seen_over_everything_and_one_key_stops_it(before: list[str]) -> None:
    async with opened(size=(80, 24)) as console:
        await console.press("4", *before)
        console.session.count_down("production", 23)
        await console.sees("AUTOMATIC ROLLBACK", "IN 23 s", "ctrl+x  stops it", "Why: error rate 1.8 % > 1 %")
        console.session.count_down("production", 22)
        await console.sees("IN 22 s")
        await console.press("ctrl+x")
        assert ("stop", "production") in console.session.calls
        await console.until(lambda: not any(screen.query(Countdown) for screen in console.app.screen_stack))


async def test_a_countdown_takes_nothing_from_somebody_who_types() -> None:
    async with opened() as console:
        await console.press("n")
        await console.type("ab")
        console.session.count_down("production", 23)
        await console.sees("IN 23 s")
        await console.type("cd")
        assert console.app.screen.query_one(Input).value == "abcd"
        assert ("stop", "production") not in console.session.calls


async def test_without_a_countdown_its_key_cuts_text() -> None:
    async with opened() as console:
        await console.press("n")
        await console.type("ab")
        await console.press("ctrl+a", "shift+end", "ctrl+x")
        assert console.app.screen.query_one(Input).value == ""


async def test_an_automatic_rollback_that_has_fired_shows_its_progress() -> None:
    async with opened() as console:
        session = console.session
        standing = AutomaticState("fired", "errors", "trigger", session.clock.now(), "error rate", True)
        session._fold(automatic={"production": standing})
        session.start_rollback(session._preview("production"))
        await console.sees("ROLLING BACK PRODUCTION", "0 of 3 back")


# Whether it is armed.


def _armed() -> ArmedView:
    def detail(name: str, **more: Any) -> ArmedDetail:
        return ArmedDetail(f"prod-eu/healthpay/deployment/{name}", name, "prod-eu/healthpay", **more)

    return ArmedView(
        ready=2,
        total=3,
        pinned=2,
        problems=("query-service: forbidden",),
        details=(
            detail("command-service", ready=True, pinned_at=EPOCH - 2460, source="pinned", to_revision="7",
                   tried_at=EPOCH - 12, notes=("Argo CD (shop) would undo it",)),
            detail("api-gateway", ready=True, source="previous", to_revision="4", paused=True,
                   remedy="nothing is pinned: press p to pin"),
            detail("query-service", ready=False, problem="patch is forbidden [here]",
                   remedy="kubectl auth can-i patch deployment/query-service"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_what_the_rollback_rests_on_is_one_key_away(size: tuple[int, int]) -> None:
    session = StandIn()
    session.views["production"] = replace(session.views["production"], armed=_armed())
    async with opened(session, size=size) as console:
        await console.press("4")
        await console.sees("NOT armed 2/3")
        await console.press("a")
        await console.sees(
            "IS IT ARMED?", "Only 2 of 3 workloads", "patch is forbidden [here]", "kubectl auth"
        )
        await console.sees(
            "pinned 41 m ago", "dry run accepted 12 s ago", "Argo CD (shop)", "paused", "press p"
        )
        rows = console.text()
        assert rows.index("query-service") < rows.index("command-service")
        await console.press("p")
        await console.until(lambda: ("pin", "production") in session.calls)
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")


async def test_the_status_line_names_what_is_missing_and_the_key_that_tells_why() -> None:
    session = StandIn()
    session.views["production"] = replace(session.views["production"], armed=_armed())
    async with opened(session, size=(200, 50)) as console:
        await console.press("4")
        await console.sees("rollback NOT armed 2/3 · query-service · a tells why")
