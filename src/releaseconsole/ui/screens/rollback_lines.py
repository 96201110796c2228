"""The words of a rollback's progress, at any width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from releaseconsole.record.figures import figures_of
from releaseconsole.record.model import (
    STAGES,
    HookState,
    Lock,
    RollbackState,
    Stage,
    WorkloadRollback,
)
from releaseconsole.session.views import StuckPod
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.widgets.lines import Line, Piece, line, line_width
from releaseconsole.ui.words import cell_len, counted, cut_end, cut_middle, fit, plain, span, took, wrap

COLUMN = 11
NARROW_COLUMN = 10
SHORT_NAME = 12
"""A name may be cut to so many cells before the table gives way to one line per workload."""
_STEPS = len(STAGES)
_HOOKS = {"running": "waiting", "succeeded": "good"}


def rollback_lines(
    rollback: RollbackState,
    width: int,
    now: float,
    glyphs: Glyphs,
    stuck: Iterable[StuckPod] = (),
    lock: Lock | None = None,
) -> Iterator[Line]:
    """Each workload's walk, then the hooks and the lock; ``now`` in seconds since the epoch."""
    names = short_names(rollback.workloads)
    longest = max(map(cell_len, names.values()), default=8)
    room = width - 2 - (NARROW_COLUMN * _STEPS - 1)
    table = room >= min(longest, SHORT_NAME)
    longest = min(longest, room if table else max(10, width // 3))
    column = COLUMN if width >= longest + 2 + COLUMN * _STEPS else NARROW_COLUMN
    if table:
        yield (Piece(" " * (longest + 2)), *(Piece(stage.value.ljust(column), "quiet") for stage in STAGES))
    pods = {one.key: one for one in stuck}
    for key, workload in rollback.workloads.items():
        walk = (
            _columns(workload, rollback, now, glyphs, column) if table else _walk(workload, rollback, glyphs)
        )
        yield line((fit(names[key], longest), "strong"), "  ", *walk)
        yield from _remarks(workload, pods.get(key), width, glyphs)
    yield from _hooks(rollback.hooks, width, glyphs)
    if lock is not None and not rollback.under_way:
        yield ()
        yield from _wrapped(f"Deploys are locked by {lock.by}: {lock.reason}", width, "waiting", indent="")


def short_names(workloads: Mapping[str, object]) -> dict[str, str]:
    """Key → ``api-gateway``; the target too when the same name exists in several."""
    times = Counter(key.rsplit("/", 1)[-1] for key in workloads)
    return {key: _short(key, times) for key in workloads}


def _short(key: str, times: Mapping[str, int]) -> str:
    name = key.rsplit("/", 1)[-1]
    return plain(name if times[name] == 1 else f"{name} ({key.rsplit('/', 2)[0]})")


def _columns(
    workload: WorkloadRollback, rollback: RollbackState, now: float, glyphs: Glyphs, column: int
) -> Iterator[Piece]:
    if workload.stage is Stage.SKIPPED:
        yield Piece(f"{glyphs.done} already there", "good")
        return
    reached = [number for number, stage in enumerate(STAGES) if stage.value in workload.times]
    last = STAGES[-1] if workload.stage is Stage.FAILED else None
    waiting = (*STAGES[max(reached, default=-1) + 1 :], last)[0]
    for stage in STAGES:
        if stage is waiting:
            text, tone = _awaited(workload, rollback, now, glyphs)
            yield Piece(text.ljust(column), tone)
        elif (at := workload.times.get(stage.value)) is not None:
            yield Piece(f"{glyphs.done} {took(at - rollback.started)}".ljust(column), "good")
        else:
            yield Piece("·".ljust(column), "quiet")


def _awaited(
    workload: WorkloadRollback, rollback: RollbackState, now: float, glyphs: Glyphs
) -> tuple[str, str]:
    """What stands in the column of the stage that comes next."""
    if workload.stage is Stage.FAILED:
        return f"{glyphs.failed} failed", "failing"
    if rollback.under_way:
        return f"{glyphs.running} {span(now - rollback.started)}", "waiting"
    return ("? unproven", "unknown") if rollback.outcome == "complete" else ("? stopped", "waiting")


def _walk(workload: WorkloadRollback, rollback: RollbackState, glyphs: Glyphs) -> Iterator[Piece]:
    mark = glyphs.stage(workload.stage)
    at = workload.times.get(workload.stage.value)
    seconds = f" {took(at - rollback.started)}" if at is not None else ""
    done = sum(stage.value in workload.times for stage in STAGES)
    tone = "failing" if workload.stage is Stage.FAILED else "good" if mark == glyphs.done else "waiting"
    yield Piece(f"{mark} {workload.stage.value}{seconds}", tone)
    if workload.stage is not Stage.SKIPPED:
        yield Piece(f"  {done}/{_STEPS}", "quiet")


def _remarks(
    workload: WorkloadRollback, stuck: StuckPod | None, width: int, glyphs: Glyphs
) -> Iterator[Line]:
    if workload.reverted:
        yield from _wrapped(f"{glyphs.failed} REVERTED: {workload.reverted}", width, "failing", most=6)
    if workload.message:
        tone = "failing" if workload.stage is Stage.FAILED else "quiet"
        yield from _wrapped(workload.message, width, tone)
    if stuck is not None:
        why = f" ({stuck.why})" if stuck.why else ""
        said = f"pod {stuck.pod}{why} stands in its way; press x to delete it"
        yield from _wrapped(said, width, "waiting")


def _wrapped(text: str, width: int, tone: str, most: int = 4, indent: str = "    ") -> Iterator[Line]:
    for part in wrap(text, width - len(indent), most=most):
        yield line(indent, (part, tone))


def _hooks(hooks: tuple[HookState, ...], width: int, glyphs: Glyphs) -> Iterator[Line]:
    if not hooks:
        return
    yield ()
    yield line(("Hooks", "title"))
    longest = min(max(cell_len(plain(one.title)) for one in hooks), max(8, width // 3))
    for one in hooks:
        tone = _HOOKS.get(one.status, "failing")
        mark = {"waiting": glyphs.running, "good": glyphs.done}.get(tone, glyphs.failed)
        head = line((f" {mark} ", tone), (f"{one.when:<7}", "quiet"), fit(one.title, longest), "  ")
        said = plain(" · ".join(filter(None, (one.status, one.summary))))
        yield (*head, Piece(cut_end(said, max(1, width - line_width(head))), tone))


# How it stands as a whole.


def back(rollback: RollbackState) -> tuple[int, int]:
    """How many workloads are back, of how many."""
    done = sum(one.stage in (Stage.RECOVERED, Stage.SKIPPED) for one in rollback.workloads.values())
    return done, len(rollback.workloads)


def patched(rollback: RollbackState) -> int:
    """How many workloads have been told to go back, or needed nothing."""
    return sum(
        one.stage is Stage.SKIPPED or Stage.PATCHED.value in one.times for one in rollback.workloads.values()
    )


def outcome_line(rollback: RollbackState, now: float, glyphs: Glyphs) -> Line:
    """How it stands as a whole, in a sentence."""
    done, total = back(rollback)
    reverted = [key for key, one in rollback.workloads.items() if one.reverted]
    if rollback.under_way:
        return line(
            (f"{glyphs.running} {done} of {total} back after {span(now - rollback.started)}", "waiting")
        )
    if reverted:
        return line((f"{glyphs.failed} Reverted since: {_named(rollback, reverted)}.", "failing"))
    if rollback.outcome == "interrupted":
        text = f"Interrupted: {patched(rollback)} of {total} patched, {done} back."
        return line((f"{glyphs.failed} {text}", "failing"))
    seconds = took(rollback.ended - rollback.started)
    if rollback.outcome == "complete":
        return line((f"{glyphs.done} Complete: {counted(total, 'workload')} back in {seconds}.", "good"))
    failed = [key for key, one in rollback.workloads.items() if one.stage is Stage.FAILED]
    which = f" Failed: {_named(rollback, failed)}." if failed else ""
    outcome = plain(rollback.outcome).capitalize()
    return line((f"{glyphs.failed} {outcome} after {seconds}: {done} of {total} back.{which}", "failing"))


def _named(rollback: RollbackState, keys: list[str]) -> str:
    names = short_names(rollback.workloads)
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(cut_middle(names[key], 24) for key in keys[:3]) + more


def figures_line(rollback: RollbackState, width: int) -> Line:
    """``alarm → key 0:41 · key → patched 0.2 s · patched → recovered 12.3 s``, as far as they are known."""
    proven = any(one.stage is Stage.RECOVERED for one in rollback.workloads.values())
    known = figures_of(rollback)
    named = (
        ("bad → alarm", known.first_bad_sample_to_alarm),
        ("alarm → key", known.alarm_to_key),
        ("key → patched", known.key_to_patched),
        ("patched → recovered" if proven else "patched → available", known.patched_to_recovered),
    )
    figures = [(name, took(seconds)) for name, seconds in named if seconds is not None]
    for skip in range(len(figures)):
        made = _figures(figures[skip:])
        if line_width(made) <= width:
            return made
    return ()


def _figures(figures: list[tuple[str, str]]) -> Line:
    pieces: list[Piece] = []
    for name, seconds in figures:
        gap = [Piece("  ·  ", "quiet")] if pieces else []
        pieces += [*gap, Piece(f"{name} ", "quiet"), Piece(seconds, "strong")]
    return tuple(pieces)


def progress_words(session: ConsoleSession, environment: str) -> str:
    """For the status line: ``rolling back 2/3``, how one was cut short, or "" when there is nothing to say."""
    last = next((one for one in reversed(session.state.rollbacks) if one.environment == environment), None)
    if last is not None and last.under_way:
        done, total = back(last)
        return f"rolling back {done}/{total}"
    if (cut_short := interrupted_rollback(session, environment)) is not None:
        return f"rollback interrupted {patched(cut_short)}/{len(cut_short.workloads)}: ctrl+r"
    return ""


def interrupted_rollback(session: ConsoleSession, environment: str) -> RollbackState | None:
    """The environment's rollback that waits for somebody to continue it; a deploy since then settles it."""
    last = next((one for one in reversed(session.state.rollbacks) if one.environment == environment), None)
    if last is None or last.outcome != "interrupted":
        return None
    deployed = any(
        placed.environment == environment
        and placed.action.kind == "apply"
        and session.state.action(action_id).started > last.started
        for action_id, placed in session.plan.actions.items()
    )
    return None if deployed else session.interrupted_rollback(environment)


def journal_lines(unwritten: int, width: int) -> list[Line]:
    """The loud warning when the journal cannot be written; nothing while it can."""
    if not unwritten:
        return []
    said = (
        f"What is done now is in this console's memory only ({counted(unwritten, 'entry', 'entries')} so far). "
        "A rollback works all the same; keep the console open, and see to the journal's disk."
    )
    badge = line((cut_end(" THE JOURNAL CANNOT BE WRITTEN ", width), "badge-failing"))
    return [badge, *_wrapped(said, width, "failing", indent=""), ()]
