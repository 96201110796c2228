"""Rows of the events panel. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from operator import itemgetter

from releaseconsole.cluster.objects import Event
from releaseconsole.session.views import EventView
from releaseconsole.text import visible

MOST_EVENTS = 200
"""Rows of the panel."""
MOST_HELD = 500
"""Events that are kept of one namespace: during a release there may be tens of thousands an hour."""


class EventRows:
    """The newest events, the newest first; one that did not change is not read again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Event]] = {}
        self._rows: dict[str, tuple[Event, EventView]] = {}
        self._shown: tuple[EventView, ...] = ()

    def of(self, events: Iterable[Event]) -> tuple[EventView, ...]:
        """The rows; the same tuple as before when nothing has changed."""
        known = {event.metadata.uid: self._dated(event) for event in events}
        if known != self._known:
            self._known = known
            newest = heapq.nlargest(MOST_EVENTS, known.values(), key=itemgetter(0))
            self._rows = {event.metadata.uid: self._row(at, event) for at, event in newest}
            self._shown = tuple(row for _, row in self._rows.values())
        return self._shown

    def _dated(self, event: Event) -> tuple[float, Event]:
        known = self._known.get(event.metadata.uid)
        return known if known is not None and known[1] is event else (event.at(), event)

    def _row(self, at: float, event: Event) -> tuple[Event, EventView]:
        known = self._rows.get(event.metadata.uid)
        return known if known is not None and known[0] is event else (event, _view(at, event))


def event_views(events: Iterable[Event]) -> tuple[EventView, ...]:
    """The rows of these events."""
    return EventRows().of(events)


def _view(at: float, event: Event) -> EventView:
    return EventView(
        uid=event.metadata.uid,
        at=at,
        warning=event.type == "Warning",
        reason=visible(event.reason),
        object=visible(f"{event.involved_object.kind.lower()}/{event.involved_object.name}"),
        message=visible(event.message),
        count=event.times(),
    )
