"""One repaint of the pods panel while every row changes, at 50, 500 and 5,000 pods, beside Textual's own DataTable."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import DataTable

from benchmarks.measure import line
from releaseconsole.session.views import EnvironmentView, Freshness, Liveness, PodView
from releaseconsole.ui import app as app_module
from releaseconsole.ui.panes.pods import PodsPane
from releaseconsole.ui.themes import load_themes, shipped_folder

SIZES = (50, 500, 5000)
FRAMES = 20
SIZE = (200, 50)
STATES = ("Running", "Terminating", "Pending")
COLUMNS = ("name", "revision", "ready", "status", "restarts", "node")


class _PanelApp(App[None]):
    """One widget in the console's colours."""

    CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._themes = load_themes((shipped_folder(),)).themes
        super().__init__()
        for theme in self._themes.values():
            self.register_theme(theme)
        self.theme = "dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(self._themes["dark"].variables)

    def compose(self) -> ComposeResult:
        yield self._widget


def main() -> None:
    """Print milliseconds of CPU a frame."""
    for size in SIZES:
        ours, theirs = asyncio.run(_pane(size)), asyncio.run(_data_table(size))
        line(
            f"pods panel, {size:,} rows changing: CPU of a frame",
            f"{ours * 1000:.1f} ms",
            "25 ms",
            f"Textual's DataTable: {theirs * 1000:.1f} ms (ratio {ours / theirs:.2f})",
        )


async def _pane(size: int) -> float:
    pane = PodsPane(classes="pane")

    def show(view: EnvironmentView, frame: int) -> None:
        pane.show(view, 1000.0 + frame / 10, 1_795_000_000.0 + frame / 10)
        if not pane.table.cursor:
            # Far down: the panel has to find it again in every frame.
            pane.table.focus()
            pane.table.action_last()

    return await _frames(pane, size, show)


async def _data_table(size: int) -> float:
    table: DataTable[str] = DataTable()

    def show(view: EnvironmentView, _frame: int) -> None:
        if not table.columns:
            for name in COLUMNS:
                table.add_column(name, key=name)
            for pod in view.pods:
                table.add_row(*_cells(pod), key=pod.uid)
            return
        for pod in view.pods:
            table.update_cell(pod.uid, "status", pod.status)
            table.update_cell(pod.uid, "restarts", str(pod.restarts))

    return await _frames(table, size, show)


async def _frames(widget: Widget, size: int, show: Callable[[EnvironmentView, int], None]) -> float:
    """Median CPU seconds of a frame, from the new values to the lines drawn."""
    spent = []
    async with _PanelApp(widget).run_test(size=SIZE) as pilot:
        for frame in range(FRAMES + 2):
            view = _view(size, frame)
            started = time.process_time()
            show(view, frame)
            await pilot.pause()
            spent.append(time.process_time() - started)
    return statistics.median(spent[2:])


def _view(size: int, frame: int) -> EnvironmentView:
    live = Freshness(Liveness.LIVE, 1000.0)
    pods = tuple(_pod(number, frame) for number in range(size))
    return EnvironmentView("bench", "Bench", "", ("bench/shop",), live, live, pods=pods)


def _pod(number: int, frame: int) -> PodView:
    status = STATES[(number + frame) % len(STATES)]
    return replace(
        _PLAIN,
        uid=f"uid-{number}",
        name=f"service-{number // 100:02}-5d9c7b-{number:05}",
        status=status,
        healthy=status != "Pending",
        restarts=frame,
        created=1_795_000_000.0 - number,
    )


_PLAIN = PodView("", "", "bench/shop", "service", "new", "1/1", "Running", True, 0, 0.0, "node-1")


def _cells(pod: PodView) -> tuple[str, ...]:
    return pod.name, pod.revision, pod.ready, pod.status, str(pod.restarts), pod.node


if __name__ == "__main__":
    main()
