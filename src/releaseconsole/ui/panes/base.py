"""What every right-hand panel is: a titled frame round one body, and a prompt for when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from releaseconsole.session.views import EnvironmentView, Freshness, Liveness
from releaseconsole.ui.screens.text_detail import TextDetail
from releaseconsole.ui.widgets.cells import safe
from releaseconsole.ui.widgets.freshness import badge, is_old
from releaseconsole.ui.widgets.lines import TONE_CLASSES, tone_style


class Prompt(Input):
    """One line of typing at the foot of a panel; gone when it is done."""

    class Left(Message):
        """Escape: what was typed does not count."""

    DEFAULT_CSS = """
    Prompt, Prompt:focus {
        display: none;
        height: 1;
        border: none;
        padding: 0 1;
        background: $surface;
        &.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", show=True, id="prompt.cancel", tooltip="Close the prompt"),
    ]

    def action_leave(self) -> None:
        self.post_message(self.Left())


class Pane(Vertical):
    """Base of the panels. Its body has the focus; the frame tells counts and freshness."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    HEADING: ClassVar[str] = ""
    PANEL: ClassVar[str] = ""
    """Its name in `EnvironmentView.panel_errors`."""
    PROMPT: ClassVar[str] = "filter"
    DEFAULT_CSS = """
    Pane {
        border: round $foreground 25%;
        border-title-color: $foreground 80%;
        border-subtitle-color: $foreground 60%;
        padding: 0 1;
        &:focus-within { border: round $accent; }
    }
    """

    def __init__(self, body: Widget, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.body = body
        self.prompt = Prompt(placeholder=self.PROMPT, select_on_focus=True)
        self._title: str | None = None
        self._subtitle: tuple[str, str] | None = None
        self._coloured = False

    def compose(self) -> ComposeResult:
        yield self.body
        yield self.prompt

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the body."""
        self.body.focus(scroll_visible)
        return self

    def notify_style_update(self) -> None:
        super().notify_style_update()
        # The subtitle's colour is of the theme that was on when it was set.
        self._coloured = False

    @property
    def title_text(self) -> str:
        """The title as people see it."""
        return self._title or ""

    @property
    def subtitle_text(self) -> str:
        """The subtitle as people see it."""
        return self._subtitle[0] if self._subtitle else ""

    def set_title(self, *parts: str) -> None:
        """``Heading · part · part``; empty parts are left out."""
        text = " · ".join(safe(part, 200) for part in (self.HEADING, *parts) if part)
        if text != self._title:
            self._title = text
            self.border_title = Content(text)

    def set_subtitle(self, text: str, tone: str = "quiet") -> None:
        """A few words in the lower right corner."""
        if (text, tone) == self._subtitle and self._coloured:
            return
        self._subtitle, self._coloured = (text, tone), self.is_mounted
        colour = tone_style(self, tone).color if self.is_mounted else None
        plain = Content(safe(text, 200))
        self.border_subtitle = plain.stylize(colour.name) if colour and text else plain

    def set_freshness(self, freshness: Freshness, denied: str, now: float, hint: str = "") -> None:
        """Say how old the data is, and mark the panel when it is."""
        old = is_old(freshness) or bool(denied)
        self.set_class(old, "-stale")
        if denied:
            self.set_subtitle(f"denied · {denied}", "waiting")
            return
        told = badge(freshness, now)
        live = freshness.liveness is Liveness.LIVE
        self.set_subtitle(hint if live and hint else " · ".join(filter(None, (hint, told.text))), told.tone)

    def panel_error(self, view: EnvironmentView) -> str:
        """The sentence for what this user may not see; "" when all is allowed."""
        return next((sentence for panel, sentence in view.panel_errors if panel == self.PANEL), "")

    def emptiness(self, view: EnvironmentView, freshness: Freshness, nothing: str) -> str:
        """Why there is nothing to show: one calm sentence."""
        if error := self.panel_error(view):
            return f"This panel is closed to you: {error}"
        if freshness.liveness is Liveness.DENIED:
            return f"{places(view)} refuses these credentials. {freshness.error}"
        if freshness.liveness is Liveness.REFUSED:
            return freshness.error
        if freshness.liveness is Liveness.STALE:
            return f"No answer from {places(view)}. {freshness.error} {freshness.trying}".rstrip()
        if freshness.liveness is Liveness.CONNECTING:
            return f"Waiting for the first answer of {places(view)}… {freshness.error}"
        return nothing

    def action_find(self) -> None:
        """Open the prompt."""
        self.prompt.add_class("-open")
        self.prompt.focus()

    def close_prompt(self) -> None:
        """Hide the prompt and give the focus back."""
        self.prompt.remove_class("-open")
        self.body.focus()

    def open_detail(self, heading: str, facts: Sequence[tuple[str, str]]) -> None:
        """Show everything about one row over the panels."""
        self.app.push_screen(TextDetail(heading, facts))

    def on_prompt_left(self, event: Prompt.Left) -> None:
        event.stop()
        self.prompt.value = ""
        self.close_prompt()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close_prompt()


def places(view: EnvironmentView) -> str:
    """Where the environment is, in words."""
    if len(view.targets) > 2:
        return f"{view.title or view.id} ({len(view.targets)} targets)"
    return " and ".join(view.targets) or view.title or view.id
