"""How the entries of a rollback fold: each workload's walk through its stages, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from releaseconsole.record.draft import Draft, Said, identifier, shown, words
from releaseconsole.record.model import HookState, RollbackState, Stage, WorkloadRollback

MOST_WORKLOADS = 1_000
MOST_HOOKS = 100
_STAGES: Final[Mapping[str, Stage]] = {stage.value: stage for stage in Stage}
INTERRUPTED = "interrupted"


def started(draft: Draft, entry: Said) -> bool:
    """A rollback begins with the workloads it will bring back."""
    rollback_id = entry.id("id")
    if not rollback_id:
        return False
    planned = (_planned(each, entry.at) for each in entry.members("workloads")[:MOST_WORKLOADS])
    workloads = {workload.key: workload for workload in planned if workload is not None}
    draft.put_rollback(
        RollbackState(
            id=rollback_id,
            environment=entry.id("environment"),
            by=entry.by,
            reason=entry.text("reason"),
            started=entry.at,
            workloads=workloads,
            to=entry.text("to", limit=100) or "pinned",
            alarm=_alarm(draft, entry.id("environment")),
            since=_first_bad(draft, entry.id("environment")),
        )
    )
    return True


def _planned(member: Any, at: float) -> WorkloadRollback | None:
    if not isinstance(member, dict) or not identifier(member.get("key")):
        return None
    return WorkloadRollback(
        key=member["key"],
        times={Stage.PLANNED.value: at},
        from_revision=shown(member.get("from_revision"), limit=100),
        to_revision=shown(member.get("to_revision"), limit=100),
        from_images=words(member.get("from_images")),
        to_images=words(member.get("to_images")),
        uid=identifier(member.get("uid")),
        template=_template(member.get("template")),
    )


def _template(found: object) -> Mapping[str, Any]:
    return MappingProxyType(found) if isinstance(found, dict) else {}


def _alarm(draft: Draft, environment: str) -> float:
    """Since when a trigger of the environment burns; 0 when none does."""
    since = [at for key, at in draft.burning.items() if key.startswith(f"{environment}/")]
    return min(since, default=0.0)


def _first_bad(draft: Draft, environment: str) -> float:
    since = [at for key, at in draft.bad_since.items() if key.startswith(f"{environment}/")]
    return min(since, default=0.0)


def trigger_changed(draft: Draft, entry: Said) -> bool:
    """A trigger begins to burn or ends; what is only unknown meanwhile changes nothing."""
    environment, objective, state = entry.id("environment"), entry.id("objective"), entry.id("state")
    if not environment or not objective or not state:
        return False
    key = f"{environment}/{objective}"
    if state == "BREACH":
        draft.burning.put(key, draft.burning.get(key) or entry.at)
        since = entry.data.get("since")
        if isinstance(since, int | float) and 0 < since <= entry.at and draft.bad_since.get(key) is None:
            draft.bad_since.put(key, float(since))
    elif state in ("OK", "PENDING"):
        draft.burning.drop(key)
        draft.bad_since.drop(key)
    return True


def hook(draft: Draft, entry: Said) -> bool:
    """A hook began, or ended; the newest entry of a hook takes the place of the one before."""
    rollback, title = draft.rollback(entry.id("id")), entry.text("title", limit=200)
    status = entry.text("status", limit=100)
    if rollback is None or not title or not status:
        return False
    now = HookState(title, entry.text("when", limit=100), status, entry.text("summary"), entry.at)
    others = [one for one in rollback.hooks if (one.title, one.when) != (now.title, now.when)]
    if len(others) >= MOST_HOOKS:
        return False
    draft.put_rollback(replace(rollback, hooks=(*others, now)))
    return True


def reverted(draft: Draft, entry: Said) -> bool:
    """Somebody has undone a rollback."""
    rollback, key = draft.rollback(entry.id("id")), entry.id("key")
    found = rollback.workloads.get(key) if rollback else None
    if rollback is None or found is None:
        return False
    now = replace(found, reverted=entry.text("message"))
    draft.put_rollback(replace(rollback, workloads={**rollback.workloads, key: now}))
    return True


def stage(draft: Draft, entry: Said) -> bool:
    """One workload reached a stage, or has news of the one it is in."""
    rollback, key = draft.rollback(entry.id("id")), entry.id("key")
    reached = _STAGES.get(entry.id("stage"))
    if rollback is None or not key or reached is None:
        return False
    before = rollback.workloads.get(key) or WorkloadRollback(key)
    times = before.times
    if before.stage is not reached or reached.value not in times:
        times = {**times, reached.value: entry.at}
    after = replace(before, stage=reached, times=times, message=entry.text("message"))
    workloads = {**rollback.workloads, key: after}
    if len(workloads) > MOST_WORKLOADS:
        return False
    draft.put_rollback(replace(rollback, workloads=workloads))
    return True


def ended(draft: Draft, entry: Said) -> bool:
    """The outcome in a word; one of a newer version's is kept as it is."""
    rollback, outcome = draft.rollback(entry.id("id")), entry.text("outcome", limit=100)
    if rollback is None or not outcome:
        return False
    draft.put_rollback(replace(rollback, ended=entry.at, outcome=outcome))
    return True


def resumed(draft: Draft, entry: Said) -> bool:
    """Takes up a rollback that was interrupted; a complete one stays complete."""
    rollback = draft.rollback(entry.id("id"))
    if rollback is None:
        return False
    if rollback.outcome != "complete":
        draft.put_rollback(replace(rollback, ended=0.0, outcome=""))
    return True


def interrupt_all(draft: Draft, entry: Said) -> None:
    """A session started: nothing that was under way before has anybody running it."""
    for rollback in draft.rollbacks:
        if rollback.under_way:
            draft.put_rollback(replace(rollback, ended=entry.at, outcome=INTERRUPTED))
