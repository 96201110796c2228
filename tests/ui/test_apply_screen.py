"""The apply preview on the screen: read first, agreed to with enter, and never in the rollback's way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from frame_driver import Console, opened
from standin import StandIn, Unlucky, would_change
from textual.containers import VerticalScroll

from releaseconsole.cluster.apply_preview import Change, FieldConflict
from releaseconsole.record.model import ItemStatus
from releaseconsole.session.apply_preview import ApplyPreview, TargetPreview
from releaseconsole.ui.glyphs import ASCII, UNICODE
from releaseconsole.ui.screens.apply_lines import apply_lines
from releaseconsole.ui.widgets.lines import line_width

RAN = ("run", "production-apply")


def ready_to_deploy(**how: Any) -> StandIn:
    """A release whose production phase may start."""
    session = StandIn(**how)
    for item in session.plan.phase("uat").items():
        session.set_item(item.id, ItemStatus.DONE)
    if not session.read_only:
        session.decide("production", True, "agreed")
    return session


async def look(console: Console, key: str = "enter") -> None:
    """Go to production's apply action and press that key on it."""
    await console.press("4")
    console.main.checklist.select("a:production-apply")
    await console.press(key)
    await console.until(lambda: console.dialog == "ApplyScreen")


async def read(console: Console) -> None:
    """Wait until enter would be an answer to what is shown."""
    await console.until(lambda: getattr(console.app.screen, "_was_read", False), "time to read")


def refused(**more: Any) -> Change:
    return Change(
        "Deployment", "api-gateway", "healthpay", "refused", "k8s/api.yaml, document 1", mark="r", **more
    )


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_what_would_change_is_summed_up_listed_and_shown(size: tuple[int, int]) -> None:
    async with opened(ready_to_deploy(), size=size) as console:
        await look(console)
        await console.sees("APPLY TO PRODUCTION ══ prod-eu/healthpay")
        await console.sees("1 configured · 1 created · 2 unchanged · 0 refused")
        await console.sees(
            "~ configured  Deployment command-service  +1  -1", "+ created     ConfigMap limits"
        )
        await console.sees("= unchanged   Service command-service, Service api-gateway")
        await console.sees("spec.template.spec.containers[command-service]", "k8s/command.yaml, document 1")
        await console.sees(
            "- image: healthpay/command-service:1.0.0", "+ image: healthpay/command-service:1.1.0"
        )
        await read(console)
        await console.sees(" enter  applies 2 changes to PRODUCTION", "esc cancel")
        assert RAN not in console.session.calls


async def test_enter_applies_what_was_read_and_shows_the_output() -> None:
    async with opened(ready_to_deploy()) as console:
        await look(console)
        await read(console)
        await console.press("enter")
        await console.until(lambda: RAN in console.session.calls)
        await console.until(lambda: console.dialog == "MainScreen")
        await console.sees("running", "Output")


async def test_a_key_that_is_held_down_applies_nothing() -> None:
    async with opened(ready_to_deploy()) as console:
        await look(console)
        for _ in range(12):
            await console.press("enter")
        assert console.dialog == "ApplyScreen"
        assert RAN not in console.session.calls


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_escape_applies_nothing(key: str) -> None:
    async with opened(ready_to_deploy()) as console:
        await look(console)
        await read(console)
        await console.press(key)
        await console.until(lambda: console.dialog == "MainScreen")
        assert RAN not in console.session.calls


async def test_what_moved_since_it_was_read_has_to_be_read_again() -> None:
    async with opened(ready_to_deploy()) as console:
        await look(console)
        await read(console)
        first, *others = would_change()
        console.session.changes = (replace(first, mark="another"), *others)
        await console.press("enter")
        await console.sees("Something else would be done than what you read: Deployment command-service")
        assert RAN not in console.session.calls
        await read(console)
        await console.press("enter")
        await console.until(lambda: RAN in console.session.calls)


async def test_a_refused_manifest_says_why_and_cannot_be_agreed_to() -> None:
    session = ready_to_deploy()
    owned = (FieldConflict(".spec.replicas", "autoscaler"), FieldConflict(".spec.paused", "argo"))
    session.changes = (*would_change(), refused(conflicts=owned, problem="Apply failed with 2 conflicts."))
    async with opened(session) as console:
        await look(console)
        await console.sees("1 refused", "✘ refused     Deployment api-gateway")
        await console.sees(".spec.replicas is owned by autoscaler", ".spec.paused is owned by argo")
        await console.sees("1 manifest refused: nothing is applied.", "enter looks again")
        await read(console)
        await console.press("enter")
        await console.until(lambda: console.session.calls.count(("preview", "production-apply")) == 2)
        session.changes = would_change()
        await read(console)
        await console.press("enter")
        await console.sees(
            "0 refused", "Something else would be done than what you read: Deployment api-gateway"
        )
        assert RAN not in console.session.calls


async def test_fields_that_are_taken_over_are_named_with_whom_they_are_taken_from() -> None:
    session = ready_to_deploy()
    first, *others = would_change()
    taken = replace(
        first, conflicts=(FieldConflict(".spec.replicas", "kubectl-edit"),), taken_over_from=("kubectl-edit",)
    )
    session.changes = (taken, *others)
    async with opened(session) as console:
        await look(console)
        await console.sees(".spec.replicas is taken over from kubectl-edit")
        await read(console)
        await console.sees(" enter  applies 2 changes")


async def test_nothing_to_change_is_said_and_can_still_be_applied() -> None:
    session = ready_to_deploy()
    session.changes = would_change()[2:]
    async with opened(session) as console:
        await look(console)
        await console.sees("0 configured · 0 created · 2 unchanged · 0 refused", "Nothing would change")
        await read(console)
        await console.sees("applies it all the same")
        await console.press("enter")
        await console.until(lambda: RAN in console.session.calls)


async def test_a_slow_cluster_is_said_to_be_asked_and_enter_waits_for_it() -> None:
    session = ready_to_deploy()
    session.preview_gate = asyncio.Event()
    async with opened(session) as console:
        await look(console)
        await console.sees("Trying each manifest on the API server, without writing anything… 2 of 7 tried.")
        await console.press("enter")
        session.preview_gate.set()
        await console.sees("1 configured · 1 created")
        assert RAN not in console.session.calls


async def test_a_cluster_that_does_not_answer_is_told_and_asked_again_with_enter() -> None:
    session = ready_to_deploy()
    async with opened(session) as console:
        session.failure = Unlucky("No answer from prod-eu.", "Check the network.")
        await look(console)
        await console.sees("No answer from prod-eu. Check the network.", "enter looks again")
        session.failure = None
        await read(console)
        await console.press("enter")
        await console.sees("1 configured · 1 created")
        assert RAN not in console.session.calls


async def test_a_defect_in_the_preview_is_told_as_well() -> None:
    session = ready_to_deploy()
    async with opened(session) as console:
        session.failure = RuntimeError("a [bug] in it")
        await look(console)
        await console.sees("A defect stopped the preview. RuntimeError: a [bug] in it")
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")


async def test_a_closed_gate_is_seen_in_the_preview_and_told_on_enter() -> None:
    async with opened() as console:
        await look(console)
        await console.sees("It may not be applied yet", "UAT is not complete", "1 configured · 1 created")
        await read(console)
        await console.press("enter")
        await console.until(lambda: any("Settle it first." in toast for toast in console.toasts()))
        assert not console.session.running()


async def test_a_look_needs_no_wish_and_applies_nothing() -> None:
    async with opened(ready_to_deploy()) as console:
        await look(console, "w")
        await console.sees(
            "1 configured · 1 created", "Only a look: nothing is applied from here.", "esc close"
        )
        await asyncio.sleep(0.5)
        await console.press("enter", "enter")
        assert console.dialog == "ApplyScreen"
        assert RAN not in console.session.calls


async def test_a_read_only_console_may_look() -> None:
    async with opened(ready_to_deploy(read_only=True)) as console:
        await look(console, "w")
        await console.sees(
            "1 configured · 1 created", "This console is read-only: it shows, but cannot apply."
        )
        await console.press("enter", "escape", "enter")
        await console.until(lambda: any("read-only" in toast for toast in console.toasts()))
        assert RAN not in console.session.calls


async def test_the_key_is_offered_on_an_apply_alone() -> None:
    async with opened(ready_to_deploy()) as console:
        await console.press("4")
        console.main.checklist.select("a:production-apply")
        await console.sees("w what would change")
        console.main.checklist.select("a:production-wait")
        await console.until(lambda: "what would change" not in console.text())


async def test_the_rollback_key_works_over_the_preview_and_a_rollback_stays_on_top() -> None:
    session = ready_to_deploy()
    async with opened(session) as console:
        await look(console)
        await read(console)
        session.preview_gate = asyncio.Event()
        await console.press("enter")
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")
        session.preview_gate.set()
        await console.until(lambda: session.calls.count(("preview", "production-apply")) == 2)
        await console.sees("to roll back now")
        await console.press("h")
        await console.until(lambda: console.dialog == "RollbackScreen")
        assert RAN not in session.calls
        assert any(call[0] == "rollback" for call in session.calls)


async def test_a_long_diff_is_scrolled_with_the_keys() -> None:
    session = ready_to_deploy()
    first, *others = would_change()
    session.changes = (replace(first, diff=tuple(f"+line {n}" for n in range(300))), *others)
    async with opened(session, size=(80, 24)) as console:
        await look(console)
        await console.sees("+ line 0")
        body = console.app.screen.query_one(".overlay-body", VerticalScroll)
        await console.press("end")
        await console.sees("+ line 299")
        await console.press("home", "pagedown")
        await console.until(lambda: body.scroll_offset.y > 10)
        before = body.scroll_offset.y
        await console.press("down", "k", "k")
        await console.until(lambda: body.scroll_offset.y == before - 3)
        assert " enter " in console.text()


HOSTILE = "evil [/b] \x1b[31m\u202e\x07 名前" + "x" * 400


@pytest.mark.parametrize("width", [12, 40, 76, 112])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_line_is_wider_than_the_screen_whatever_is_in_it(width: int, glyphs: Any) -> None:
    conflicts = tuple(FieldConflict(HOSTILE, HOSTILE) for _ in range(20))
    changes = tuple(
        Change(
            HOSTILE,
            HOSTILE,
            HOSTILE,
            what,
            HOSTILE,
            (f"@@ {HOSTILE} @@", "+" + HOSTILE),
            conflicts,
            (),
            HOSTILE,
        )
        for what in ("refused", "untried", "configured", "created", "unchanged")
    )
    targets = (TargetPreview(HOSTILE, changes * 100, left_out=7), TargetPreview("b/c", problem=HOSTILE))
    preview = ApplyPreview("a", HOSTILE, "production", HOSTILE, "red", targets)
    lines = list(apply_lines(preview, width, glyphs))
    text = "\n".join("".join(piece.text for piece in line) for line in lines)
    assert not set(text) & set("\x1b\x07\u202e")
    if width >= 40:
        assert all(line_width(line) <= width for line in lines)
    if width >= 76:
        assert "and 200 objects more" in text
        assert "7 further manifests not looked at here" in text


def test_each_target_says_for_itself_what_would_change() -> None:
    targets = tuple(TargetPreview(name, would_change()) for name in ("eu/healthpay", "us/healthpay"))
    preview = ApplyPreview("a", "apply k8s/", "production", "", "red", targets)
    text = ["".join(piece.text for piece in line) for line in apply_lines(preview, 100, UNICODE)]
    assert text[0].startswith("2 configured · 2 created · 4 unchanged · 0 refused")
    assert {"eu/healthpay", "us/healthpay"} <= set(text)
    assert sum("k8s/command.yaml" in line for line in text) == 2
