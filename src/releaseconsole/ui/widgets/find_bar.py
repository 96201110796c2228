"""One line to type what is to be found in the panel."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from releaseconsole.ui.messages import FindClosed, FindTyped


class FindInput(Input):
    """Enter goes to the next match, escape closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="find.close", tooltip="Stop finding"),
    ]

    def on_mount(self) -> None:
        self.cursor_blink = False

    def action_close(self) -> None:
        self.post_message(FindClosed())


class FindBar(Horizontal):
    """Sits over the key bar while somebody finds."""

    def __init__(self) -> None:
        super().__init__(id="find-bar")

    def compose(self) -> ComposeResult:
        yield Static(" Find: ", markup=False)
        yield FindInput(
            id="find-input", placeholder="text, enter for the next, escape to close", max_length=200
        )
        yield Static("", id="find-result", markup=False)

    def open(self) -> None:
        """Show the bar and type into it."""
        self.add_class("-open")
        self.input.focus()

    def close(self) -> None:
        """Hide the bar."""
        self.remove_class("-open")

    @property
    def input(self) -> Input:
        return self.query_one(FindInput)

    def tell(self, result: str) -> None:
        """How many there are."""
        self.query_one("#find-result", Static).update(f" {result} ")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FindTyped(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(FindTyped(event.value, again=True))
