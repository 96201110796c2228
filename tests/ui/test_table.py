"""The list of rows: the cursor stays on its row, and only what is seen is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from panes_harness import PaneApp, screen_lines
from textual.pilot import Pilot

from releaseconsole.ui.widgets.lines import Line, Piece
from releaseconsole.ui.widgets.table import LineTable


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    text: str


class Counting:
    """A painter that counts what it draws."""

    def __init__(self, head: str = "") -> None:
        self.drawn: list[str] = []
        self._head = head

    def key(self, row: Row, /) -> str:
        return row.key

    def head(self, _width: int, /) -> Line:
        return (Piece(self._head),) if self._head else ()

    def draw(self, row: Row, _width: int, /) -> Line:
        self.drawn.append(row.key)
        return (Piece(row.text),)


def rows(*numbers: int) -> list[Row]:
    return [Row(f"k{number}", f"row {number}") for number in numbers]


async def started(pilot: Pilot[None], table: LineTable[Row], given: list[Row]) -> None:
    await pilot.pause()
    table.set_rows(given)
    table.focus()
    await pilot.pause()


def lit(table: LineTable[Row]) -> str:
    """The text of the line under the cursor, as it is drawn."""
    background = table.tone("cursor").bgcolor
    lines = (table.render_line(y) for y in range(table.size.height))
    return next(
        (
            line.text.strip()
            for line in lines
            if any(each.style and each.style.bgcolor == background for each in line)
        ),
        "",
    )


async def test_of_five_thousand_rows_only_the_visible_ones_are_drawn() -> None:
    painter = Counting()
    table = LineTable(painter)
    async with PaneApp(table).run_test(size=(60, 20)) as pilot:
        await started(pilot, table, rows(*range(5000)))
        assert len(set(painter.drawn)) <= 20
        painter.drawn.clear()
        await pilot.press("end")
        assert set(painter.drawn) <= {f"k{number}" for number in range(4980, 5000)}
        assert screen_lines(table)[-1] == "row 4999"


async def test_rows_that_did_not_change_are_not_drawn_again() -> None:
    painter = Counting()
    table = LineTable(painter)
    async with PaneApp(table).run_test(size=(60, 20)) as pilot:
        await started(pilot, table, rows(*range(50)))
        painter.drawn.clear()
        table.set_rows([*rows(0, 1), Row("k2", "row 2 is new"), *rows(*range(3, 50))])
        await pilot.pause()
        assert painter.drawn == ["k2"]
        assert screen_lines(table)[2] == "row 2 is new"


async def test_the_cursor_stays_on_its_row_when_others_come_before_it() -> None:
    table = LineTable(Counting())
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(20)))
        await pilot.press("down", "down", "down")
        assert lit(table) == "row 2"
        table.set_rows(rows(*range(-5, 20)))
        await pilot.pause()
        assert table.cursor == "k2"
        assert lit(table) == "row 2"


async def test_a_scrolled_view_does_not_jump_when_rows_come_and_go_above_it() -> None:
    table = LineTable(Counting())
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(100)))
        table.go_to(40)
        await pilot.pause()
        before = screen_lines(table)
        table.set_rows(rows(*range(-7, 100)))
        await pilot.pause()
        assert screen_lines(table) == before
        table.set_rows(rows(*range(10, 100)))
        await pilot.pause()
        assert screen_lines(table) == before


async def test_a_row_that_is_gone_takes_the_cursor_with_it_but_not_the_view() -> None:
    table = LineTable(Counting())
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(30)))
        await pilot.press("down")
        table.set_rows(rows(*range(1, 30)))
        await pilot.pause()
        assert table.cursor == ""
        await pilot.press("down")
        assert table.cursor == "k1"


async def test_fewer_rows_than_before_bring_the_view_back_to_them() -> None:
    table = LineTable(Counting())
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(100)))
        await pilot.press("end")
        table.set_rows(rows(1, 2, 3))
        await pilot.pause()
        assert screen_lines(table)[:4] == ["row 1", "row 2", "row 3", ""]


async def test_the_head_stays_while_the_rows_scroll() -> None:
    table = LineTable(Counting(head="NAME"))
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(100)))
        await pilot.press("pagedown", "pagedown", "pagedown")
        shown = screen_lines(table)
        assert shown[0] == "NAME"
        assert shown[1] != "row 0"
        await pilot.press("end")
        assert screen_lines(table)[-1] == "row 99"
        await pilot.press("home")
        assert screen_lines(table)[:2] == ["NAME", "row 0"]


async def test_lines_of_one_entry_are_one_step_and_lines_without_key_are_none() -> None:
    table = LineTable(Counting())
    given = [
        Row("", "heading"),
        Row("a", "a1"),
        Row("a", "a2"),
        Row("", "heading 2"),
        Row("b", "b1"),
        Row("b", "b2"),
    ]
    async with PaneApp(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, given)
        await pilot.press("down")
        assert table.cursor == "a"
        await pilot.press("down")
        assert table.cursor == "b"
        await pilot.press("down")
        assert table.cursor == "b"
        await pilot.press("up")
        assert table.cursor == "a"


async def test_a_click_moves_the_cursor_and_a_double_click_chooses() -> None:
    table = LineTable(Counting(head="NAME"))
    chosen: list[str] = []

    class App(PaneApp):
        def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
            chosen.append(event.key)

    async with App(table).run_test(size=(60, 10)) as pilot:
        await started(pilot, table, rows(*range(30)))
        await pilot.click(table, offset=(3, 4))
        assert table.cursor == "k3"
        await pilot.click(table, offset=(3, 5), times=2)
        assert chosen == ["k4"]
        await pilot.click(table, offset=(3, 0))
        assert table.cursor == "k4"


async def test_an_empty_list_says_why() -> None:
    table = LineTable(Counting(head="NAME"))
    async with PaneApp(table).run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        table.set_rows([], empty="Waiting for the first answer of production/healthpay [bold]…")
        await pilot.pause()
        shown = " ".join(line.strip() for line in screen_lines(table)).strip()
        assert shown == "Waiting for the first answer of production/healthpay [bold]…"
        await pilot.press("down", "up", "pagedown", "end", "home")
        assert table.cursor == ""
