"""The checklist: what a row tells, where the cursor goes, and what each key wants of the session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from frame_driver import Console, opened
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from standin import EPOCH, StandIn, sample_plan

from releaseconsole.errors import GateClosed
from releaseconsole.plan.model import Item, Plan
from releaseconsole.record.model import ActionStatus, ItemState, ItemStatus
from releaseconsole.ui.glyphs import ASCII, UNICODE
from releaseconsole.ui.panes.checklist_rows import ItemRow, RowPainter
from releaseconsole.ui.widgets.lines import line_width


def drawn(row: ItemRow, width: int = 100, now: float = EPOCH) -> list[str]:
    painter = RowPainter(width, UNICODE)
    return ["".join(piece.text for piece in pieces).rstrip() for pieces in painter.lines(row, now)]


def item_row(status: ItemStatus, text: str = "All pods running", **more: object) -> ItemRow:
    state = ItemState(status=status, by="amira", at=EPOCH - 12, **more)  # type: ignore[arg-type]
    return ItemRow("i:x", Item(id="x", text=text), state)


@pytest.mark.parametrize(
    ("status", "glyph", "word"),
    [
        (ItemStatus.OPEN, "☐", "open"),
        (ItemStatus.DONE, "✔", "done"),
        (ItemStatus.PASSED, "✔", "passed"),
        (ItemStatus.FAILED, "✘", "failed"),
        (ItemStatus.UNKNOWN, "?", "unknown"),
        (ItemStatus.OVERRIDDEN, "≈", "overridden"),
        (ItemStatus.DEFERRED, "◷", "deferred"),
        (ItemStatus.NOT_APPLICABLE, "–", "n/a"),
    ],
)
def test_every_state_has_a_glyph_and_a_word(status: ItemStatus, glyph: str, word: str) -> None:
    assert drawn(item_row(status))[0].startswith(f" {glyph} {word}")


def test_a_check_tells_its_age_and_a_person_who_and_when() -> None:
    assert drawn(item_row(ItemStatus.PASSED))[0].endswith("auto  10 s")
    assert "amira " in drawn(item_row(ItemStatus.DONE))[0]


def test_a_failure_has_its_reason_on_a_line_of_its_own() -> None:
    lines = drawn(item_row(ItemStatus.FAILED, reason="13 of 14 ready", fell_back=True))
    assert lines[1].strip() == "└ no longer holds: 13 of 14 ready"


def test_a_note_and_a_value_stand_behind_the_text_or_below_it() -> None:
    assert "“snap-0412”" in drawn(item_row(ItemStatus.DONE, note="snap-0412"))[0]
    below = drawn(item_row(ItemStatus.DONE, note="snap-0412 and a lot more than fits"), width=70)
    assert below[1].strip().startswith("└ “snap-0412")


def test_a_disagreeing_check_is_shown_on_what_was_ticked_by_hand() -> None:
    lines = drawn(item_row(ItemStatus.DONE, reason="check disagrees: 2 pods are gone"))
    assert lines[1].strip() == "└ check disagrees: 2 pods are gone"


def test_the_evidence_of_a_pass_never_takes_a_line_of_its_own() -> None:
    assert len(drawn(item_row(ItemStatus.PASSED, reason="x" * 300))) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.text(min_size=1, max_size=300),
    st.text(max_size=200),
    st.integers(30, 200),
    st.sampled_from(ItemStatus),
)
def test_no_text_breaks_out_of_its_row(text: str, reason: str, width: int, status: ItemStatus) -> None:
    item = Item.model_construct(id="x", text=text)
    row = ItemRow("i:x", item, ItemState(status=status, by=reason[:40], at=EPOCH, reason=reason, note=text))
    for glyphs in (UNICODE, ASCII):
        painter = RowPainter(width, glyphs)
        lines = painter.lines(row, EPOCH)
        assert len(lines) <= 14
        assert all(line_width(pieces) <= width + 1 for pieces in lines)
        assert all(
            "\x1b" not in piece.text and "\n" not in piece.text for pieces in lines for piece in pieces
        )


def test_the_height_of_a_row_does_not_depend_on_the_time() -> None:
    row = item_row(
        ItemStatus.FAILED, reason="a reason that is long enough to be wrapped at this width, I hope"
    )
    heights = {len(drawn(row, 60, EPOCH + seconds)) for seconds in (0, 100, 5000, 90_000, 900_000)}
    assert len(heights) == 1


async def at_production(console: Console) -> None:
    console.session.decide("production", True, "")
    for placed in console.session.plan.phase("uat").items():
        console.session.set_item(placed.id, ItemStatus.DONE)
    await console.press("4")


async def test_space_ticks_and_space_again_unticks() -> None:
    async with opened() as console:
        await console.press("space")
        await console.sees("done", "amira")
        await console.press("space")
        await console.until(lambda: ("untick", "code-review-1") in console.session.calls)


async def test_u_takes_a_tick_back() -> None:
    async with opened() as console:
        await console.press("space")
        await console.sees("done")
        await console.press("u")
        await console.until(lambda: ("untick", "code-review-1") in console.session.calls)


async def test_the_cursor_and_the_scroll_stay_when_rows_change() -> None:
    async with opened(size=(80, 24)) as console:
        await console.press("down", "down", "down")
        checklist = console.main.checklist
        assert checklist.current_item == "code-review-4"
        console.session.set_item("code-review-1", ItemStatus.FAILED, reason="long " * 30)
        await console.sees("failed")
        assert checklist.current_item == "code-review-4"


async def test_each_phase_keeps_its_own_place() -> None:
    async with opened() as console:
        await console.press("down", "down", "6", "down", "1")
        assert console.main.checklist.current_item == "code-review-3"
        await console.press("6")
        assert console.main.checklist.current_item == "criterion-2"


async def test_the_cursor_starts_at_what_needs_somebody() -> None:
    session = StandIn()
    session.set_item("code-review-1", ItemStatus.DONE)
    async with opened(session) as console:
        assert console.main.checklist.current_item == "code-review-2"
        await console.press("]")
        assert console.main.checklist.current_item == "code-review-3"


async def test_home_end_and_pages_move_through_two_hundred_rows() -> None:
    async with opened(StandIn(_with_many_items()), size=(80, 24)) as console:
        checklist = console.main.checklist
        await console.press("end")
        assert checklist.current_item == "item-199"
        await console.sees("Item 199")
        await console.press("pageup")
        assert int(checklist.current_item.removeprefix("item-")) < 190
        await console.press("home")
        await console.sees("Item 0", "Many")
        await console.press("k", "j", "j")
        assert checklist.current_item == "item-2"


def _with_many_items() -> Plan:
    plan = sample_plan()
    items = tuple(Item(id=f"item-{n}", text=f"Item {n}") for n in range(200))
    first = plan.phases[0]
    step = first.steps[0].model_copy(update={"items": items, "title": "Many"})
    return plan.model_copy(update={"phases": (first.model_copy(update={"steps": (step,)}), *plan.phases[1:])})


async def test_a_number_is_asked_for_where_the_item_has_a_target() -> None:
    async with opened() as console:
        await at_production(console)
        console.main.checklist.select("i:tps")
        await console.press("space")
        await console.sees("Measured value", "Throughput measured")
        await console.press("enter")
        await console.sees("This cannot stay empty")
        await console.type("9100")
        await console.press("enter")
        await console.until(lambda: ("tick", "tps", "9100") in console.session.calls)


async def test_a_sign_off_asks_for_the_name() -> None:
    async with opened() as console:
        await console.press("8", "space")
        await console.sees("Sign off", "CTO")
        await console.type("Noor Haddad")
        await console.press("enter")
        await console.until(lambda: ("sign", "cto", "Noor Haddad") in console.session.calls)


@pytest.mark.parametrize(
    ("key", "call"), [("o", "override"), ("d", "defer"), ("x", "not_applicable"), ("n", "note")]
)
async def test_reasons_and_notes_are_asked_for_and_escape_changes_nothing(key: str, call: str) -> None:
    async with opened() as console:
        await console.press(key)
        await console.sees("Code review 1", "esc cancel")
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")
        assert all(one[0] != call for one in console.session.calls)
        await console.press(key)
        await console.sees("esc cancel")
        await console.type("because [b]")
        await console.press("enter")
        await console.until(lambda: (call, "code-review-1", "because [b]") in console.session.calls)
        await console.sees("because [b]")


async def test_v_runs_the_check_and_says_so_when_it_does_not_hold() -> None:
    session = StandIn()
    session.verdicts["staging-pods"] = ItemState(ItemStatus.FAILED, "auto", EPOCH, "5 of 6 [ready]")
    async with opened(session) as console:
        await console.press("2")
        console.main.checklist.select("i:staging-pods")
        await console.press("v")
        await console.until(lambda: any("5 of 6 [ready]" in toast for toast in console.toasts()))
        await console.sees("✘ failed")


async def test_a_check_that_writes_is_confirmed_first() -> None:
    async with opened() as console:
        await console.press("2")
        console.main.checklist.select("i:staging-otp")
        await console.sees("press v")
        await console.press("v")
        await console.sees("Run this check?", "POST $api/send-otp", "STAGING")
        await console.press("n")
        await console.until(lambda: console.dialog == "MainScreen")
        assert all(call[0] != "verify" for call in console.session.calls)


async def test_an_action_that_cannot_be_previewed_runs_only_after_a_yes_that_names_the_cluster() -> None:
    async with opened() as console:
        await console.press("5")
        console.main.checklist.select("a:undo")
        await console.press("enter")
        await console.sees("Run this action?", "PRODUCTION", "prod-eu / healthpay", "roll everything back")
        await console.press("enter")
        assert all(call[0] != "run" for call in console.session.calls)
        await console.press("y")
        await console.until(lambda: ("run", "undo") in console.session.calls)
        await console.sees("running", "Output")


async def test_a_harmless_action_runs_at_once() -> None:
    async with opened() as console:
        await console.press("2")
        console.main.checklist.select("a:staging-wait")
        await console.press("enter")
        await console.until(lambda: ("run", "staging-wait") in console.session.calls)


async def test_a_closed_gate_is_told_with_its_remedy() -> None:
    async with opened() as console:
        await console.press("4")
        await console.sees("UAT is not complete", "not decided yet")
        console.main.checklist.select("a:production-wait")
        await console.press("enter")
        await console.until(lambda: any("Settle it first." in toast for toast in console.toasts()))


async def test_c_stops_the_running_action_after_a_yes() -> None:
    async with opened() as console:
        console.session.set_action("staging-apply", ActionStatus.RUNNING)
        await console.press("2", "c")
        await console.sees("Stop this action?")
        await console.press("y")
        await console.until(lambda: ("cancel", "staging-apply") in console.session.calls)


async def test_g_decides_go_or_no_go_with_a_reason() -> None:
    async with opened() as console:
        await console.press("4", "g")
        await console.sees("Go/no-go: Production", "UAT is not complete")
        await console.press("g")
        await console.sees("GO", "why")
        await console.type("risk accepted")
        await console.press("enter")
        await console.until(lambda: ("decide", "production", True, "risk accepted") in console.session.calls)
        await console.sees("GO by amira", "risk accepted")


async def test_p_pins_and_says_what_was_pinned() -> None:
    async with opened() as console:
        await console.press("p")
        await console.until(
            lambda: any("command-service at revision 7" in toast for toast in console.toasts())
        )


async def test_U_lifts_a_lock_with_a_reason() -> None:  # noqa: N802
    async with opened() as console:
        console.session.lock("production")
        await console.sees("LOCKED")
        await console.press("U")
        await console.sees("Unlock", "Locked by amira: rolled back")
        await console.type("fixed")
        await console.press("enter")
        await console.until(lambda: ("unlock", "production", "fixed") in console.session.calls)


async def test_finding_moves_the_cursor_and_counts() -> None:
    async with opened() as console:
        await console.press("/")
        await console.type("review 5")
        await console.sees("1 of 1")
        assert console.main.checklist.current_item == "code-review-5"
        await console.press(*["backspace"] * 2, "enter")
        await console.sees("of 7")
        await console.press("escape")
        await console.press("space")
        await console.until(lambda: any(call[0] == "tick" for call in console.session.calls))


async def test_text_of_the_plan_is_never_markup() -> None:
    async with opened() as console:
        await console.press("4")
        await console.sees("Cache [warm] on every node [/]")


async def test_what_the_session_refuses_is_a_sentence() -> None:
    class Refusing(StandIn):
        def tick(self, item_id: str, value: str = "", note: str = "") -> None:
            raise GateClosed("The [journal] is full.", "Make room.")

    async with opened(Refusing()) as console:
        await console.press("space")
        await console.until(lambda: "The [journal] is full. Make room." in console.toasts())


async def test_the_unexpected_is_a_sentence_too() -> None:
    class Broken(StandIn):
        def tick(self, item_id: str, value: str = "", note: str = "") -> None:
            raise ZeroDivisionError("nobody [thought] of this")

    async with opened(Broken(), log_file=None) as console:
        await console.press("space")
        await console.until(lambda: any("nobody [thought] of this" in toast for toast in console.toasts()))
        await console.press("down")
        assert console.main.checklist.current_item == "code-review-2"


def widths(console: Console) -> Iterator[int]:
    for row in console.text().splitlines():
        yield cell_len(row)


async def test_names_are_cut_so_that_nothing_is_wider_than_the_terminal() -> None:
    session = StandIn()
    view = session.views["production"]
    session.views["production"] = replace(view, title="P" * 90, targets=("c" * 200 + "/" + "n" * 63,))
    for size in ((80, 24), (120, 30), (200, 50)):
        async with opened(session, size=size) as console:
            assert max(widths(console)) <= size[0]
