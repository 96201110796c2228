"""The line on top: where am I, is it live, is anything burning, can I go back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from releaseconsole.session.views import ArmedView, EnvironmentView, Freshness, Liveness
from releaseconsole.ui.glyphs import UNICODE, Glyphs
from releaseconsole.ui.widgets.lines import Line, LineWidget, Piece, justified, line, line_width
from releaseconsole.ui.words import age, counted, cut_end, cut_middle, plain, release_clock, whole_age

GAP = 3


@dataclass(frozen=True, slots=True)
class Status:
    """What the line tells; None for the view until the session is open."""

    title: str
    view: EnvironmentView | None = None
    read_only: bool = False
    started: float = 0.0
    """When the release began, in seconds since the epoch; 0 when it has not."""
    rolling: str = ""
    """``rolling back 2/3`` while one is under way."""
    opening: str = "opening the release…"
    practice: str = ""
    """The practice cluster's scenario; "" on real clusters."""
    ended: bool = False
    """The session is gone: nothing is fresh any more."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the line in several lengths, the longest first; ``keep`` tells which parts shrink last."""

    forms: tuple[Line, ...]
    keep: int
    right: bool = False


class StatusLine(LineWidget):
    """One line that says the most important things at any width."""

    def __init__(self, *, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id="status-line")
        self._glyphs = glyphs
        self._status = Status("")
        self._monotonic = 0.0
        self._now = 0.0

    def show(self, status: Status, now_monotonic: float, now_epoch: float) -> None:
        """Take what is to be told."""
        before = self.lines(self.size.width)
        self._status = status
        self._monotonic, self._now = now_monotonic, now_epoch
        if self.lines(self.size.width) != before:
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        parts = list(self._parts())
        chosen = _choose(parts, width - 2)
        left = _joined([form for part, form in zip(parts, chosen, strict=True) if not part.right])
        right = _joined([form for part, form in zip(parts, chosen, strict=True) if part.right])
        return [(Piece(" "), *justified(left, right, width - 2))]

    def _parts(self) -> Iterator[_Part]:
        status, view = self._status, self._status.view
        title = plain(status.title)
        if view is None:
            yield _Part((line((title, "title")),), 9)
            yield _Part((line((status.opening, "waiting")),), 9, right=True)
            return
        yield _badge(view, self.app.no_color)
        yield _Part((line(_places(view, 48)), line(_places(view, 26)), line(_places(view, 14)), ()), 4)
        if status.practice:
            practice = (f"practice: {cut_middle(plain(status.practice), 14)}", "waiting")
            yield _Part((line(practice), line(("practice", "waiting")), ()), 2)
        yield _Part((line((title, "quiet")), line((cut_middle(title, 16), "quiet")), ()), 1)
        yield _Part(_forms(self._burning(view)), 6, right=True)
        yield _Part((self._alerts(view), ()), 2, right=True)
        if status.rolling:
            yield _Part(_rolling(status.rolling), 8, right=True)
        if view.lock:
            yield _Part(_locked(view.lock), 6, right=True)
        if status.ended:
            yield _Part((line((" SESSION ENDED ", "badge-failing")),), 8, right=True)
        else:
            yield self._liveness(view.cluster)
        yield self._armed(view)
        if status.read_only:
            yield _Part(
                (line((" READ-ONLY ", "badge-waiting")), line((" R/O ", "badge-waiting"))), 7, right=True
            )
        if status.started:
            clock = release_clock(status.started, self._now)
            yield _Part(
                (line((clock, "quiet")), line((clock.partition(" · ")[2], "quiet")), ()), 0, right=True
            )

    def _liveness(self, cluster: Freshness) -> _Part:
        glyphs = self._glyphs
        seconds = self._monotonic - cluster.seen
        if cluster.liveness is Liveness.LIVE:
            short = line((glyphs.live, "good"), " live")
            return _Part((line((f"{glyphs.live} ", "good"), f"live {age(seconds)}"), short), 5, right=True)
        if cluster.liveness is Liveness.DENIED:
            return _Part((line((" DENIED ", "badge-failing")),), 6, right=True)
        if cluster.liveness is Liveness.REFUSED:
            long, short = line((" ANOTHER CLUSTER ", "badge-failing")), line((" OTHER ", "badge-failing"))
            return _Part((long, short), 8, right=True)
        if cluster.liveness is Liveness.CONNECTING or not cluster.seen:
            return _Part((line((f"{glyphs.not_live} connecting…", "waiting")),), 5, right=True)
        return _Part((line((f" STALE {whole_age(seconds)} ", "badge-stale")),), 6, right=True)

    def _armed(self, view: EnvironmentView) -> _Part:
        armed, shield = view.armed, self._glyphs.shield
        if not armed.total:
            return _Part(
                (line((f"{shield} rollback unknown yet", "quiet")), line((f"{shield} ?", "quiet"))), 3, True
            )
        count = f"{armed.ready}/{armed.total}"
        if armed.armed and armed.pinned < armed.total:
            said = (f"{shield} ", "waiting")
            return _Part(
                (
                    line(said, f"rollback {count}, not pinned · p pins"),
                    line(said, f"rollback {count}, not pinned"),
                    line((f"{shield} {count}", "waiting")),
                ),
                3,
                right=True,
            )
        if armed.armed:
            return _Part(
                (
                    line((f"{shield} ", "good"), f"rollback armed {count}"),
                    line((f"{shield} {count}", "good")),
                ),
                3,
                right=True,
            )
        long = f"{shield} rollback NOT armed {count}"
        return _Part(
            (
                line((long, "failing"), (f" · {_missing(armed)} · a tells why", "plain")),
                line((long, "failing")),
                line((f"{shield} NOT {count}", "failing")),
            ),
            6,
            right=True,
        )

    def _alerts(self, view: EnvironmentView) -> Line:
        """Beside what burns, where there is room: other rules than the plan's may know more."""
        if not view.alert_counts.firing:
            return ()
        count = f"{self._glyphs.failed} {counted(view.alert_counts.firing, 'alert')}"
        if view.alerts_freshness.liveness is Liveness.LIVE:
            return line((count, "failing"))
        return line((f"{count}, stale", "stale"))

    def _burning(self, view: EnvironmentView) -> tuple[Line, ...]:
        mark = self._glyphs.failed
        breached = [metric.title for metric in view.objectives if metric.state == "BREACH"]
        failing = sum(workload.state in ("failing", "failed") for workload in view.workloads)
        if breached:
            more = f" +{len(breached) - 1}" if len(breached) > 1 else ""
            return (
                line((f" {mark} {cut_middle(breached[0], 28)}{more} ", "badge-failing")),
                line((f" {mark} {cut_middle(breached[0], 12)}{more} ", "badge-failing")),
            )
        if failing:
            return (
                line((f"{mark} {counted(failing, 'rollout')} failing", "failing")),
                line((f"{mark} {failing}", "failing")),
            )
        return ()


def _missing(armed: ArmedView) -> str:
    """Which workload could not be brought back, and how many more."""
    names = [one.name for one in armed.details if not one.ready]
    names = names or [problem.partition(":")[0] for problem in armed.problems]
    if not names:
        return "not rehearsed"
    return cut_middle(names[0], 24) + (f" +{len(names) - 1}" if len(names) > 1 else "")


def _rolling(words: str) -> tuple[Line, ...]:
    """``rollback interrupted 2/3: ctrl+r``, or without what the person knows anyway."""
    short = words.removeprefix("rollback ").partition(":")[0]
    return line((f" {words} ", "danger")), line((f" {short} ", "danger"))


def _locked(reason: str) -> tuple[Line, ...]:
    return (
        line((f" LOCKED: {cut_end(reason, 28)} · U unlocks ", "badge-waiting")),
        line((" LOCKED · U ", "badge-waiting")),
        line((" LOCKED ", "badge-waiting")),
    )


def _forms(forms: tuple[Line, ...]) -> tuple[Line, ...]:
    return forms or ((),)


def _badge(view: EnvironmentView, bare: bool) -> _Part:
    name = plain(view.title or view.id).upper()
    tone = f"env-{view.colour}"
    if bare:
        return _Part(
            (line((f"[{cut_middle(name, 24)}]", "strong")), line((f"[{cut_middle(name, 10)}]", "strong"))), 9
        )
    return _Part((line((f" {cut_middle(name, 24)} ", tone)), line((f" {cut_middle(name, 10)} ", tone))), 9)


def _places(view: EnvironmentView, width: int) -> str:
    """``prod-eu / healthpay``, and how many more."""
    if not view.targets:
        return ""
    more = f" +{len(view.targets) - 1}" if len(view.targets) > 1 else ""
    context, _, namespace = view.targets[0].rpartition("/")
    room = width - len(more)
    return cut_middle(f"{context} / {namespace}" if context else namespace, room) + more


def _choose(parts: list[_Part], width: int) -> list[Line]:
    """Shorten the least important parts first, until all fit."""
    levels = [0] * len(parts)
    order = sorted(range(len(parts)), key=lambda index: parts[index].keep)
    while True:
        chosen = [part.forms[level] for part, level in zip(parts, levels, strict=True)]
        total = sum(line_width(form) + GAP for form in chosen if form) - GAP
        index = next((i for i in order if levels[i] < len(parts[i].forms) - 1), None)
        if total <= width or index is None:
            return chosen
        levels[index] += 1


def _joined(forms: list[Line]) -> Line:
    pieces: list[Piece] = []
    for form in forms:
        if form and pieces:
            pieces.append(Piece(" " * GAP))
        pieces.extend(form)
    return tuple(pieces)
