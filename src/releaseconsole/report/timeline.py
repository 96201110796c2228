"""The journal as sentences for people, one line an entry: when, who, what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from releaseconsole.plan.model import Plan
from releaseconsole.record.draft import Said, identifier, said, shown, words
from releaseconsole.record.entry import Entry
from releaseconsole.record.texts import visible
from releaseconsole.record.watches import WatchWord, hours

MOST_LINE = 500
"""Characters of one line."""

_Sentence = Callable[[Said, Plan], str]


def journal_lines(entries: Iterable[Entry], plan: Plan) -> list[str]:
    """A sentence for every entry, with its time in local ISO; no markup, each line bounded.

    An id that the plan does not know (any more) stands for itself.
    """
    return [_line(entry, plan) for entry in entries]


def _line(entry: Entry, plan: Plan) -> str:
    facts = said(entry.at, entry.by, entry.data)
    sentence = _SENTENCES.get(entry.kind, _unknown(entry.kind))(facts, plan)
    return visible(f"{local_iso(entry.at)}  {facts.by or 'somebody'} {sentence}", MOST_LINE)


def local_iso(at: float) -> str:
    """``at`` (seconds since the epoch) on this machine's wall clock with its offset, to the second."""
    try:
        return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return f"(an impossible time: {at:g})"


def _unknown(kind: str) -> _Sentence:
    return lambda facts, plan: f"wrote an entry of a kind that this version does not know: {kind}"


def _quoted(words: str) -> str:
    return f"“{words}”"


def _item(facts: Said, plan: Plan) -> str:
    item_id = facts.id("item")
    placed = plan.items.get(item_id)
    if placed is None:
        return _quoted(item_id or "?")
    return f"{_quoted(placed.item.text)} ({placed.phase.title})"


def _action(facts: Said, plan: Plan) -> str:
    action_id = facts.id("action")
    placed = plan.actions.get(action_id)
    return _quoted(facts.text("label") or (placed.action.label if placed else action_id or "?"))


def _environment(facts: Said, plan: Plan) -> str:
    environment_id = facts.id("environment")
    environment = plan.environments.get(environment_id)
    return (environment.title if environment else "") or environment_id or "?"


def _phase(facts: Said, plan: Plan) -> str:
    phase_id = facts.id("phase")
    return next((phase.title for phase in plan.phases if phase.id == phase_id), phase_id or "?")


def _after_colon(words: str) -> str:
    return f": {words}" if words else ""


def _opened(facts: Said, plan: Plan) -> str:
    title = facts.text("title") or facts.text("name")
    return f"opened the release {_quoted(title)}, version {facts.text('version') or '?'}"


def _session_started(facts: Said, plan: Plan) -> str:
    return (
        f"opened the console (process {facts.text('pid') or '?'} on {facts.text('host') or '?'}, "
        f"version {facts.text('version') or '?'})"
    )


def _session_ended(facts: Said, plan: Plan) -> str:
    return "closed the console"


def _item_done(facts: Said, plan: Plan) -> str:
    value, note = facts.text("value"), facts.text("note")
    given = f" with the value {value}" if value else ""
    return f"ticked {_item(facts, plan)}{given}{_after_colon(note)}"


def _item_checked(facts: Said, plan: Plan) -> str:
    outcomes = {"passed": "passed", "failed": "failed", "unknown": "could not tell"}
    outcome = outcomes.get(facts.id("status"), "has no outcome")
    return f"checked {_item(facts, plan)}: it {outcome}{_after_colon(facts.text('reason'))}"


def _item_signed(facts: Said, plan: Plan) -> str:
    evidence = facts.text("evidence")
    on = f", on this evidence: {evidence}" if evidence else ""
    return f"signed {_item(facts, plan)} for {facts.text('name') or '?'}{on}"


def _item_noted(facts: Said, plan: Plan) -> str:
    return f"noted on {_item(facts, plan)}{_after_colon(facts.text('note')) or ': (nothing)'}"


def _item_with_reason(verb: str, after: str = "") -> _Sentence:
    return lambda facts, plan: f"{verb} {_item(facts, plan)}{after}{_after_colon(facts.text('reason'))}"


def _action_started(facts: Said, plan: Plan) -> str:
    return f"started {_action(facts, plan)}"


def _action_ended(facts: Said, plan: Plan) -> str:
    outcomes = {"succeeded": "succeeded", "failed": "failed", "cancelled": "was cancelled"}
    outcome = outcomes.get(facts.id("status"), "ended")
    return f"ran {_action(facts, plan)}, which {outcome}{_after_colon(facts.text('summary'))}"


def _pin_set(facts: Said, plan: Plan) -> str:
    where = f"{facts.text('context')}/{facts.text('namespace')}"
    images = ", ".join(each for each in facts.members("images") if isinstance(each, str))
    runs = f" ({images})" if images else ""
    return (
        f"pinned {facts.text('workload') or '?'} in {where} at revision {facts.text('revision') or '?'}{runs}"
    )


def _cluster_seen(facts: Said, plan: Plan) -> str:
    return (
        f"met the cluster {facts.text('identity') or '?'} behind the context {facts.text('context') or '?'}"
    )


def _cluster_accepted(facts: Said, plan: Plan) -> str:
    context, now = facts.text("context") or "?", facts.text("identity") or "?"
    return f"confirmed that the context {context} leads to the cluster {now}, no more to {facts.text('before') or '?'}"


def _rollback_started(facts: Said, plan: Plan) -> str:
    count = len(facts.members("workloads"))
    workloads = "1 workload" if count == 1 else f"{count} workloads"
    return f"began to roll back {_environment(facts, plan)}, {workloads}{_after_colon(facts.text('reason'))}"


def _rollback_stage(facts: Said, plan: Plan) -> str:
    key, stage = facts.text("key") or "?", facts.text("stage") or "?"
    return f"rolls back {key}: {stage}{_after_colon(facts.text('message'))}"


def _rollback_ended(facts: Said, plan: Plan) -> str:
    return f"ended the rollback {facts.text('id') or '?'}: {facts.text('outcome') or '?'}"


def _rollback_resumed(facts: Said, plan: Plan) -> str:
    return f"took up the interrupted rollback {facts.text('id') or '?'} again"


def _rollback_hook(facts: Said, plan: Plan) -> str:
    hook = _quoted(facts.text("title") or "?")
    status, when = facts.text("status") or "?", facts.text("when") or "?"
    return f"ran the hook {hook} {when} the rollback: {status}{_after_colon(facts.text('summary'))}"


def _rollback_reverted(facts: Said, plan: Plan) -> str:
    return f"saw the rollback of {facts.text('key') or '?'} undone{_after_colon(facts.text('message'))}"


def _pod_deleting(facts: Said, plan: Plan) -> str:
    return f"deletes the pod {facts.text('pod') or '?'} of {facts.text('key') or '?'}{_after_colon(facts.text('why'))}"


def _pod_deleted(facts: Said, plan: Plan) -> str:
    pod, error = facts.text("pod") or "?", facts.text("error")
    return f"could not delete the pod {pod}: {error}" if error else f"deleted the pod {pod}"


def _automatic_started(facts: Said, plan: Plan) -> str:
    seconds = facts.data.get("seconds")
    left = hours(float(seconds)) if isinstance(seconds, int | float) else "?"
    return (
        f"began to count down {left} to an automatic rollback of {_environment(facts, plan)}"
        f"{_after_colon(facts.text('reason'))}"
    )


def _automatic_stopped(facts: Said, plan: Plan) -> str:
    return (
        f"stopped the automatic rollback of {_environment(facts, plan)}{_after_colon(facts.text('reason'))}"
    )


def _automatic_ended(facts: Said, plan: Plan) -> str:
    return (
        f"gave up the automatic rollback of {_environment(facts, plan)}{_after_colon(facts.text('reason'))}"
    )


def _automatic_fired(facts: Said, plan: Plan) -> str:
    return f"rolls {_environment(facts, plan)} back automatically{_after_colon(facts.text('reason'))}"


def _lock_set(facts: Said, plan: Plan) -> str:
    return f"locked {_environment(facts, plan)}{_after_colon(facts.text('reason'))}"


def _lock_cleared(facts: Said, plan: Plan) -> str:
    return f"unlocked {_environment(facts, plan)}{_after_colon(facts.text('reason'))}"


def _decision(facts: Said, plan: Plan) -> str:
    go = facts.data.get("go")
    word = ("go" if go else "no-go") if isinstance(go, bool) else "nothing readable"
    despite = " ".join(words(facts.data.get("despite")))
    against = f", although: {despite.rstrip('.')}" if despite else ""
    return f"decided {word} for {_phase(facts, plan)}{_after_colon(facts.text('reason'))}{against}"


def _trigger_changed(facts: Said, plan: Plan) -> str:
    objective_id = facts.id("objective")
    name = next((each.name for each in plan.objectives if each.id == objective_id), objective_id or "?")
    value = facts.text("value")
    now = f" at {value}" if value else ""
    since = facts.data.get("since")
    first = f" (first bad sample at {local_iso(float(since))})" if isinstance(since, int | float) else ""
    became = f"{facts.text('state') or '?'}{now}{first}{_after_colon(facts.text('reason'))}"
    return f"saw {_quoted(name)} in {_environment(facts, plan)} become {became}"


def _watch_started(facts: Said, plan: Plan) -> str:
    seconds, count = facts.data.get("seconds"), len(facts.members("objectives"))
    span = hours(float(seconds)) if isinstance(seconds, int | float) else "?"
    objectives = "1 objective" if count == 1 else f"{count} objectives"
    return f"began to watch {_environment(facts, plan)} for {span}, {objectives}"


def _watch_verdicts(facts: Said, plan: Plan) -> str:
    """How many objectives fared how: ``7 on target, 1 failed (p99 latency)``."""
    found: dict[str, list[str]] = {}
    for each in facts.members("verdicts"):
        if isinstance(each, dict):
            name = identifier(each.get("objective"))
            title = next((one.name for one in plan.objectives if one.id == name), name)
            found.setdefault(shown(each.get("word"), limit=50) or "?", []).append(title)
    told = [
        f"{len(names)} {word}" + ("" if word == WatchWord.ON_TARGET else f" ({', '.join(names[:5])})")
        for word, names in sorted(found.items())
    ]
    return ", ".join(told) or "nothing known"


def _watch_noted(facts: Said, plan: Plan) -> str:
    return f"noted on the window {facts.text('id') or '?'}: {_watch_verdicts(facts, plan)}"


def _watch_ended(facts: Said, plan: Plan) -> str:
    how = f"{facts.text('outcome') or '?'}{_after_colon(facts.text('reason'))}"
    return f"ended the window {facts.text('id') or '?'} as {how}; {_watch_verdicts(facts, plan)}"


_SENTENCES: Final[Mapping[str, _Sentence]] = {
    "release.opened": _opened,
    "session.started": _session_started,
    "session.ended": _session_ended,
    "item.done": _item_done,
    "item.reopened": _item_with_reason("reopened"),
    "item.checked": _item_checked,
    "item.overridden": _item_with_reason("overrode"),
    "item.deferred": _item_with_reason("deferred"),
    "item.not_applicable": _item_with_reason("marked", " as not applicable"),
    "item.noted": _item_noted,
    "item.signed": _item_signed,
    "action.started": _action_started,
    "action.ended": _action_ended,
    "pin.set": _pin_set,
    "cluster.seen": _cluster_seen,
    "cluster.accepted": _cluster_accepted,
    "rollback.started": _rollback_started,
    "rollback.stage": _rollback_stage,
    "rollback.ended": _rollback_ended,
    "rollback.resumed": _rollback_resumed,
    "rollback.hook": _rollback_hook,
    "rollback.reverted": _rollback_reverted,
    "pod.deleting": _pod_deleting,
    "pod.deleted": _pod_deleted,
    "automatic.started": _automatic_started,
    "automatic.stopped": _automatic_stopped,
    "automatic.ended": _automatic_ended,
    "automatic.fired": _automatic_fired,
    "lock.set": _lock_set,
    "lock.cleared": _lock_cleared,
    "decision": _decision,
    "trigger.changed": _trigger_changed,
    "watch.started": _watch_started,
    "watch.noted": _watch_noted,
    "watch.ended": _watch_ended,
}
