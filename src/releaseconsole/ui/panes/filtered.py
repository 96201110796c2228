"""A panel of rows that can be narrowed to those with a text."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.widgets import Input

from releaseconsole.session.views import EnvironmentView
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.widgets.table import LineTable


class FilteredPane(Pane):
    """Holds what it shows and the filter; subclasses show it again when the filter has changed."""

    def __init__(self, table: LineTable[Any], *, id: str | None, classes: str | None) -> None:  # noqa: A002
        super().__init__(table, id=id, classes=classes)
        self._view: EnvironmentView | None = None
        self._now = (0.0, 0.0)
        self._filter = ""

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the clocks are for ages."""
        raise NotImplementedError

    def action_clear(self) -> None:
        """Show all rows."""
        self.prompt.value = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._filter) if action == "clear" else True

    @on(Input.Changed)
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._filter = event.value.strip()
        self.refresh_bindings()
        self.again()

    def again(self) -> None:
        """Show the same once more, by another filter or order."""
        if self._view is not None:
            self.show(self._view, *self._now)
