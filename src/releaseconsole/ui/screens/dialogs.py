"""Small questions over the panels: a text, a yes or no, a go or no-go. None of them stops the panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from releaseconsole.ui.words import cut_end, plain

LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Question:
    """What a dialog asks."""

    title: str
    about: str = ""
    """The item or the consequences, in words."""
    hint: str = ""
    value: str = ""
    required: bool = True
    colour: str = ""
    """An environment's colour, for what changes it."""


class Dialog:
    """What the dialogs share: a box with a title."""

    question: Question

    def box(self, *children: Static | Input) -> Vertical:
        box = Vertical(*children, classes="dialog")
        box.border_title = Content(plain(cut_end(self.question.title, 70)))
        if self.question.colour:
            box.add_class(f"-env-{self.question.colour}")
        return box

    def about(self) -> Static:
        return Static(Content("\n".join(map(plain, self.question.about.split("\n")))), classes="dialog-about")


def _still(field: Input) -> Input:
    """Without a blinking cursor, which would keep the processor awake."""
    field.cursor_blink = False
    return field


class AskScreen(Dialog, ModalScreen[str | None]):
    """Asks for one line of text; None when it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="ask.cancel", tooltip="Close; nothing changes"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        yield self.box(
            self.about(),
            _still(Input(self.question.value, placeholder=self.question.hint, max_length=LONGEST_TEXT)),
            Static("enter accept    esc cancel", classes="dialog-keys", markup=False),
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if self.question.required and not text:
            self.query_one(".dialog-keys", Static).update(
                Content("This cannot stay empty.    enter accept    esc cancel")
            )
            return
        self.dismiss(text)

    def action_cancel(self) -> None:
        self.dismiss(None)


class ConfirmScreen(Dialog, ModalScreen[bool]):
    """Asks yes or no; only the letter y is a yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no", tooltip="Close; nothing happens"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        hint = self.question.hint or "y yes    n no"
        yield self.box(self.about(), Static(hint, classes="dialog-keys", markup=False))

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class DecideScreen(Dialog, ModalScreen[bool | None]):
    """Asks go or no-go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "answer(True)", "go", id="decide.go", tooltip="Decide go"),
        Binding("n", "answer(False)", "no go", id="decide.no-go", tooltip="Decide no go"),
        Binding("escape,q", "cancel", "cancel", id="decide.cancel", tooltip="Close; nothing is decided"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        yield self.box(
            self.about(), Static("g GO    n NO GO    esc cancel", classes="dialog-keys", markup=False)
        )

    def action_answer(self, go: bool) -> None:
        self.dismiss(go)

    def action_cancel(self) -> None:
        self.dismiss(None)
