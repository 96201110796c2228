"""Values and a small application for the tests of the panels."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widget import Widget

from releaseconsole.cluster.logs import LogBuffer, LogLine
from releaseconsole.session.views import (
    EnvironmentView,
    EventView,
    Freshness,
    Liveness,
    LogCoverage,
    MetricView,
    PodView,
    WorkloadView,
)
from releaseconsole.ui import app as app_module
from releaseconsole.ui.themes import load_themes, shipped_folder

EPOCH = 1_795_000_000.0
MONOTONIC = 1000.0
LIVE = Freshness(Liveness.LIVE, MONOTONIC - 0.4)

_THEMES = load_themes((shipped_folder(),)).themes


class PaneApp(App[None]):
    """One or more panels, in the console's own colours."""

    CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))

    def __init__(self, *panes: Widget, theme: str = "dark") -> None:
        self._panes = panes
        super().__init__()
        for each in _THEMES.values():
            self.register_theme(each)
        self.theme = theme
        for pane in panes:
            pane.add_class("pane")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(_THEMES["dark"].variables)

    def compose(self) -> ComposeResult:
        yield from self._panes


def screen_lines(widget: Widget) -> list[str]:
    """What can be read on a widget, line by line."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def screen_text(widget: Widget) -> str:
    """The same in one piece."""
    return "\n".join(screen_lines(widget))


def workload(name: str = "command-service", state: str = "complete", **more: Any) -> WorkloadView:
    target = more.pop("target", "production/healthpay")
    values: dict[str, Any] = {
        "key": f"{target}/deployment/{name}",
        "name": name,
        "target": target,
        "state": state,
        "message": "",
        "revision": "8",
        "previous_revision": "7",
        "image": f"registry.example/healthpay/{name}:1.1.0",
        "previous_image": f"registry.example/healthpay/{name}:1.0.0",
        "desired": 4,
        "updated": 4,
        "ready": 4,
        "old": 0,
    }
    return WorkloadView(**(values | more))


def pod(number: int, healthy: bool = True, **more: Any) -> PodView:
    values: dict[str, Any] = {
        "uid": f"uid-{number}",
        "name": f"command-service-5d8f7c9b6d-{number:05d}",
        "target": "production/healthpay",
        "workload": "command-service",
        "revision": "new",
        "ready": "1/1" if healthy else "0/1",
        "status": "Running" if healthy else "CrashLoopBackOff",
        "healthy": healthy,
        "restarts": 0 if healthy else 4,
        "created": EPOCH - 60 - number,
        "node": "node-1",
    }
    return PodView(**(values | more))


def event(number: int, warning: bool = False, **more: Any) -> EventView:
    values: dict[str, Any] = {
        "uid": f"event-{number}",
        "at": EPOCH - number * 7,
        "warning": warning,
        "reason": "BackOff" if warning else "Scheduled",
        "object": f"pod/command-service-5d8f7c9b6d-{number:05d}",
        "message": "Back-off restarting failed container" if warning else "Successfully assigned to node-1",
        "count": 12 if warning else 1,
    }
    return EventView(**(values | more))


def metric(name: str = "error rate", **more: Any) -> MetricView:
    values: dict[str, Any] = {
        "id": name.replace(" ", "-"),
        "title": name,
        "unit": "%",
        "value": 0.42,
        "target": "< 0.1",
        "target_value": 0.1,
        "meets_target": False,
        "trigger": "> 1 for 1m",
        "trigger_value": 1.0,
        "state": "OK",
        "reason": "",
        "held": 0.0,
        "hold": 60.0,
        "history": tuple((EPOCH - 5 * (60 - at), 0.02 * at) for at in range(60)),
        "seen": MONOTONIC - 2,
    }
    return MetricView(**(values | more))


def view(**more: Any) -> EnvironmentView:
    values: dict[str, Any] = {
        "id": "production",
        "title": "Production",
        "colour": "red",
        "targets": ("production/healthpay",),
        "cluster": LIVE,
        "metrics": LIVE,
    }
    return EnvironmentView(**(values | more))


def scene() -> EnvironmentView:
    """A release in the middle of trouble: something of everything."""
    nan = math.nan
    bad = "query-service-6fd4b8c9d7-x2k9p ImagePullBackOff: manifest for query-service:1.1.0 not found"
    return view(
        workloads=(
            workload(
                "command-service",
                "progressing",
                ready=2,
                updated=3,
                old=2,
                message="1 old pod is being replaced",
            ),
            workload(
                "api-gateway", "complete", desired=6, updated=6, ready=6, revision="5", previous_revision="4"
            ),
            workload(
                "query-service",
                "failing",
                ready=1,
                updated=2,
                old=3,
                revision="4",
                previous_revision="3",
                message="1 of 2 new pods cannot start",
                problems=(bad,),
            ),
        ),
        pods=(
            *(pod(n, revision="old" if n % 3 else "new") for n in range(11)),
            pod(11, healthy=False, revision="new"),
            pod(12, healthy=False, ready="0/1", status="ContainerCreating", restarts=0),
            replace(pod(13, healthy=False), name="query-service-6fd4b8c9d7-x2k9p", status="ImagePullBackOff"),
        ),
        events=tuple(event(n, warning=n % 4 == 0) for n in range(20)),
        objectives=(
            metric("error rate", state="PENDING", held=34.0, meets_target=False),
            metric(
                "p99 latency",
                unit="ms",
                value=38.2,
                target="< 50",
                target_value=50.0,
                meets_target=True,
                trigger="> 500 for 2m",
                trigger_value=500.0,
                history=tuple((EPOCH - 5 * (60 - n), nan if 20 < n < 28 else 30 + n % 9) for n in range(60)),
            ),
            metric(
                "throughput",
                unit="/s",
                value=8512.4,
                target=">= 8,500",
                target_value=8500.0,
                meets_target=True,
                trigger="",
                trigger_value=None,
                hold=0.0,
                history=tuple((EPOCH - 5 * (60 - n), 8400 + 10 * (n % 20)) for n in range(60)),
            ),
            metric(
                "settled payments",
                unit="%",
                value=None,
                state="NO DATA",
                meets_target=None,
                target=">= 99.9",
                target_value=99.9,
                trigger="",
                trigger_value=None,
                history=(),
                reason="the query has no series, while traffic flows",
            ),
        ),
        logs=LogCoverage(11, 12, ("query-service-6fd4b8c9d7-x2k9p: ImagePullBackOff",), 2, 0),
    )


def line(at: float, source: str, text: str, level: str = "") -> LogLine:
    """A log line."""
    return LogLine(at=at, source=source, container="main", text=text, level=level)


def ring(most: int = 1000, *held: LogLine) -> LogBuffer:
    """The real buffer, keeping so many lines of any length."""
    buffer = LogBuffer(most, most_characters=1_000_000_000)
    buffer.append(held)
    return buffer


def lines(count: int, start: int = 0) -> list[LogLine]:
    """Numbered lines of three pods."""
    pods = ("command-service-5d8f-aaaaa", "api-gateway-77cd-bbbbb", "query-service-6fd4-ccccc")
    return [line(EPOCH + n, pods[n % 3], f"line {n} payment accepted") for n in range(start, start + count)]
