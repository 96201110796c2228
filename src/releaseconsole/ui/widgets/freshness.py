"""How far a panel's data can be believed, in words."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.session.views import Freshness, Liveness
from releaseconsole.ui.styles import liveness_mark
from releaseconsole.ui.widgets.cells import safe
from releaseconsole.ui.words import whole_age


@dataclass(frozen=True, slots=True)
class Badge:
    """A few words for a corner of a panel."""

    text: str
    tone: str


def badge(freshness: Freshness, now: float) -> Badge:
    """``live``, ``connecting…``, ``stale 12 s · trying again · refused``, ``denied``; ``now`` in monotonic seconds."""
    mark = liveness_mark(freshness.liveness)
    text = mark.word
    if freshness.liveness is Liveness.STALE and freshness.seen:
        text = f"{text} {whole_age(now - freshness.seen)}"
    if freshness.trying:
        text = f"{text} · trying again"
    if freshness.error and freshness.liveness not in (Liveness.LIVE, Liveness.REFUSED):
        text = f"{text} · {safe(freshness.error, 120)}"
    return Badge(text, mark.tone)


def is_old(freshness: Freshness) -> bool:
    """Whether what was seen last may no longer be so."""
    return freshness.liveness in (Liveness.STALE, Liveness.DENIED, Liveness.REFUSED)
