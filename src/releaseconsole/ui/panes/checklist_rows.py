"""The rows of the checklist: pure values from plan and state, and how each is drawn at a width.

The height of a row depends on its content and the width only, never on the time, so that nothing jumps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from releaseconsole.plan.model import Action, Item, Phase, Step
from releaseconsole.record.model import ActionState, ActionStatus, Decision, ItemState, ItemStatus
from releaseconsole.ui.glyphs import ACTION_TONES, ITEM_TONES, ITEM_WORDS, Glyphs
from releaseconsole.ui.port import ConsoleSession, Live
from releaseconsole.ui.widgets.lines import Line, Piece, justified, line
from releaseconsole.ui.words import (
    cell_len,
    cut_end,
    cut_middle,
    local_time,
    plain,
    span,
    took,
    whole_age,
    wrap,
)

WORD_WIDTH = 11


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A sentence about the whole phase: what keeps it from starting, or its go/no-go."""

    key: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """The title of a step and how far it is."""

    key: str
    title: str
    count: str
    complete: bool
    first: bool


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Something to run."""

    key: str
    id: str
    action: Action
    state: ActionState


@dataclass(frozen=True, slots=True)
class ItemRow:
    """Something that must hold."""

    key: str
    item: Item
    state: ItemState
    verifying: bool = False
    checked: float = 0.0
    """When the check last ran, in seconds since the epoch; 0 when it did not in this session."""

    @property
    def needs_somebody(self) -> bool:
        return not self.state.status.settled and self.state.status is not ItemStatus.DEFERRED


Row = NoticeRow | HeadingRow | ActionRow | ItemRow


def selectable(row: Row) -> bool:
    """Whether the cursor may stand on it."""
    return isinstance(row, ActionRow | ItemRow)


def searchable(row: Row) -> str:
    """The text that finding looks through."""
    if isinstance(row, ItemRow):
        return f"{row.item.text} {row.state.reason} {row.state.note}".casefold()
    return row.action.label.casefold() if isinstance(row, ActionRow) else ""


def rows_of(session: ConsoleSession, phase: Phase, now: float, verifying: frozenset[str]) -> tuple[Row, ...]:
    """Every row of a phase, top to bottom."""
    return (*_notices(session, phase, now), *_step_rows(session, phase, verifying))


def _notices(session: ConsoleSession, phase: Phase, now: float) -> Iterator[NoticeRow]:
    progress = session.progress(phase.id)
    if not progress.complete:
        for number, sentence in enumerate(session.start_obstacles(phase.id, decision=False)):
            yield NoticeRow(f"n:obstacle-{number}", sentence, "waiting")
    decision = session.state.decisions.get(phase.id)
    if phase.gate or decision:
        yield _gate_row(decision, now)
    elif session.unmet_needs(phase.id):
        yield NoticeRow("n:gate", "Press g to start it all the same, with your reason.", "quiet")


def _gate_row(decision: Decision | None, now: float) -> NoticeRow:
    if decision is None:
        return NoticeRow("n:gate", "Go/no-go: not decided yet. Press g to decide.", "waiting")
    word = "GO" if decision.go else "NO GO"
    because = f": {decision.reason}" if decision.reason else ""
    when = local_time(decision.at, now)
    return NoticeRow(
        "n:gate", f"{word} by {decision.by}, {when}{because}", "good" if decision.go else "failing"
    )


def _step_rows(session: ConsoleSession, phase: Phase, verifying: frozenset[str]) -> Iterator[Row]:
    state = session.state
    first = True
    for step in phase.steps:
        yield _heading(session, phase, step, first)
        first = False
        for number, action in enumerate(step.actions, start=1):
            action_id = action.id or f"{phase.id}.{step.id}.{number}"
            yield ActionRow(f"a:{action_id}", action_id, action, state.action(action_id))
        for item in step.items:
            live = session.live(item.id) if item.check else None
            known = _with_evidence(state.item(item.id), live)
            yield ItemRow(f"i:{item.id}", item, known, item.id in verifying, live.at if live else 0.0)


def _with_evidence(known: ItemState, live: Live | None) -> ItemState:
    """The state with the evidence of the last look: the journal has only that of the last change."""
    if live is None or live.status != known.status:
        return known
    return replace(known, reason=live.reason)


def _heading(session: ConsoleSession, phase: Phase, step: Step, first: bool) -> HeadingRow:
    if not step.items:
        return HeadingRow(f"h:{step.id}", step.title, "", False, first)
    progress = session.step_progress(phase.id, step.id)
    return HeadingRow(f"h:{step.id}", step.title, progress.label, progress.complete, first)


@dataclass(frozen=True, slots=True)
class _Body:
    """What a row of an action or an item consists of."""

    first: Line
    texts: list[str]
    tone: str
    extras: tuple[tuple[str, str], ...]
    """(words, tone) that have to be seen."""
    meta: Line
    evidence: str = ""
    """Shown where there is room, and cut."""


@dataclass(frozen=True, slots=True)
class RowPainter:
    """Draws rows at one width, with one set of glyphs."""

    width: int
    glyphs: Glyphs

    @property
    def meta_width(self) -> int:
        """Cells at the right for who and when."""
        return 18 if self.width >= 76 else 12 if self.width >= 46 else 0

    @property
    def indent(self) -> int:
        """Where the text starts."""
        return 2 + cell_len(self.glyphs.items[ItemStatus.OPEN]) + WORD_WIDTH + 1

    @property
    def text_width(self) -> int:
        return max(8, self.width - self.indent - self.meta_width - 2)

    def lines(self, row: Row, now: float) -> list[Line]:
        """The row's lines, without the cursor's column."""
        if isinstance(row, ItemRow):
            return self._item(row, now)
        if isinstance(row, ActionRow):
            return self._action(row, now)
        if isinstance(row, HeadingRow):
            return self._heading(row)
        return [line((" " + text, row.tone)) for text in wrap(row.text, self.width - 2, most=4)]

    def _heading(self, row: HeadingRow) -> list[Line]:
        title = cut_middle(row.title, max(4, self.width - 14))
        count = line((row.count, "good" if row.complete else "quiet"), " ")
        drawn = justified(line(" ", (title, "title")), count, self.width)
        return [drawn] if row.first else [(), drawn]

    def _action(self, row: ActionRow, now: float) -> list[Line]:
        status, tone = row.state.status, ACTION_TONES[row.state.status]
        texts = wrap(f"{self.glyphs.runnable} {row.action.label}", self.text_width, most=3)
        bright = "strong" if status is ActionStatus.RUNNING else "plain"
        extra = (row.state.summary, tone if status is ActionStatus.FAILED else "quiet")
        first = self._first(self.glyphs.actions[status], status.value, tone)
        body = _Body(first, texts, bright, (extra,), self._action_time(row.state, now))
        return self._body(body)

    def _action_time(self, state: ActionState, now: float) -> Line:
        if state.status is ActionStatus.RUNNING:
            return line((span(now - state.started), "waiting"))
        if state.status is ActionStatus.IDLE or not state.ended:
            return ()
        return line((took(state.ended - state.started), "quiet"))

    def _item(self, row: ItemRow, now: float) -> list[Line]:
        state, item = row.state, row.item
        tone = "failing" if state.fell_back else ITEM_TONES[state.status]
        word = "checking" if row.verifying else ITEM_WORDS[state.status]
        first = self._first(self.glyphs.items[state.status], word, "waiting" if row.verifying else tone)
        texts = wrap(item.text + _asked(item), self.text_width, most=6)
        text_tone = "quiet" if state.status.settled else "plain"
        if state.status is ItemStatus.FAILED or state.fell_back:
            text_tone = "strong"
        evidence = state.reason if state.status is ItemStatus.PASSED else ""
        extras = tuple(_extras(row, tone))
        return self._body(_Body(first, texts, text_tone, extras, self._meta(row, now), evidence))

    def _first(self, glyph: str, word: str, tone: str) -> Line:
        return line(" ", (f"{glyph} {word.ljust(WORD_WIDTH)}", tone))

    def _body(self, body: _Body) -> list[Line]:
        extras = [(plain(text), tone) for text, tone in body.extras if text]
        inline = self._inline(body, extras)
        left = (*body.first, Piece(body.texts[0], body.tone), *inline)
        meta = body.meta if self.meta_width else ()
        lines = [justified(left, (*meta, Piece(" ")), self.width)]
        pad = " " * (self.indent - 1)
        lines += [line(pad, (text, body.tone)) for text in body.texts[1:]]
        if not inline:
            for text, tone in extras:
                lines += self._detail(text, tone)
        return lines

    def _inline(self, body: _Body, extras: list[tuple[str, str]]) -> Line:
        """A short calm remark stands behind the text; what needs somebody has its own line."""
        room = self.text_width - cell_len(body.texts[0]) - 2
        if len(body.texts) != 1 or room < 7:
            return ()
        if not extras and body.evidence:
            return line("  ", (cut_end(body.evidence, room), "quiet"))
        calm = len(extras) == 1 and extras[0][1] == "quiet" and cell_len(extras[0][0]) <= room
        return line("  ", extras[0]) if calm else ()

    def _detail(self, text: str, tone: str) -> list[Line]:
        pad = " " * (self.indent - 1)
        room = max(8, self.width - self.indent - 3)
        first, *more = wrap(text, room, most=3)
        return [
            line(pad, (f"{self.glyphs.detail} ", "quiet"), (first, tone)),
            *(line(pad, "  ", (text, tone)) for text in more),
        ]

    def _meta(self, row: ItemRow, now: float) -> Line:
        state = row.state
        if not state.at or state.status is ItemStatus.OPEN:
            return line((cut_end(_kind(row.item), self.meta_width), "quiet"))
        if state.status in (ItemStatus.PASSED, ItemStatus.FAILED, ItemStatus.UNKNOWN):
            return line((f"auto {_checked(now - (row.checked or state.at)):>5}", "quiet"))
        when = local_time(state.at, now)
        if self.meta_width < 18 and " " in when:
            when = when.rsplit(" ", 1)[0]
        name = cut_end(state.by, max(3, self.meta_width - len(when) - 1))
        return line((f"{name} {when}", "quiet"))


def _kind(item: Item) -> str:
    if item.role:
        return "sign-off"
    if item.check is None:
        return _wanted(item)
    return "press v" if item.check.by_hand else "auto"


def _wanted(item: Item) -> str:
    """``>= 8,500 TPS``, or "" where no number is asked for."""
    return f"{item.target} {item.unit}".strip() if item.target else ""


def _asked(item: Item) -> str:
    """Whose signature it needs, unless the text says it already."""
    said = item.role is None or item.role.casefold() in item.text.casefold()
    return "" if said else f" ({item.role})"


def _extras(row: ItemRow, tone: str) -> Iterator[tuple[str, str]]:
    state = row.state
    if state.status is ItemStatus.OPEN:
        yield (f"“{state.note}”" if state.note else "", "quiet")
        return
    loud = state.status in (ItemStatus.FAILED, ItemStatus.UNKNOWN) or state.fell_back
    disagrees = state.status is ItemStatus.DONE and bool(state.reason)
    if state.reason and state.status is not ItemStatus.PASSED:
        reason = f"no longer holds: {state.reason}" if state.fell_back else state.reason
        yield reason, "failing" if disagrees else tone if loud else "quiet"
    if state.value:
        wanted = f" (wanted {row.item.target})" if row.item.target else ""
        yield f"{state.value} {row.item.unit}".strip() + wanted, "quiet"
    if state.note:
        yield f"“{state.note}”", "quiet"


def _checked(seconds: float) -> str:
    """How old a check is, in steps of five seconds: a number that counts up all the time says nothing."""
    return "now" if seconds < 5 else whole_age(seconds - seconds % 5 if seconds < 60 else seconds)
