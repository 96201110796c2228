"""Everything known about one row, unshortened, so that it can be read and copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from releaseconsole.ui.widgets.cells import safe, safe_lines

_LONGEST = 20_000


class TextDetail(ModalScreen[None]):
    """A name and its facts; the panels behind it live on."""

    DEFAULT_CSS = """
    TextDetail {
        align: center middle;
        & > VerticalScroll {
            width: 90%;
            max-width: 110;
            height: auto;
            max-height: 85%;
            border: round $accent;
            border-title-color: $foreground;
            background: $surface;
            padding: 1 2;
        }
        & Static { height: auto; width: 1fr; }
        & Static.-label { color: $foreground 60%; }
        & Static.-fact { margin-bottom: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", id="detail.close", tooltip="Close this"),
    ]

    KEYS = "esc close"
    """What the lower edge says."""

    def __init__(self, heading: str, facts: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._heading = heading
        self.facts = [(label, text) for label, text in facts if text]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = Content(safe(self._heading, 200))
            box.border_subtitle = Content(self.KEYS)
            for label, text in self.facts:
                yield Static(Content(label), classes="-label")
                yield Static(Content(safe_lines(text, _LONGEST)), classes="-fact")
