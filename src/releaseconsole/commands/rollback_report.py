"""A rollback on paper: as JSON, and in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from releaseconsole.record.figures import figures_of
from releaseconsole.report.incident import incident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from releaseconsole.record.model import RollbackState

UNDER_WAY, INTERRUPTED = "under way", "interrupted"


def document(state: RollbackState, outcome: str = "") -> dict[str, Any]:
    """One rollback for ``--json``; ``outcome`` when somebody knows better than the journal."""
    return {
        "id": state.id,
        "environment": state.environment,
        "outcome": outcome or state.outcome or UNDER_WAY,
        "by": state.by,
        "reason": state.reason,
        "started": state.started,
        "seconds": round(state.ended - state.started, 3) if state.ended else None,
        "figures": figures_of(state).as_dict(),
        "workloads": {
            key: {
                "stage": str(one.stage),
                "message": one.message,
                "times": dict(one.times),
                "reverted": one.reverted,
            }
            for key, one in state.workloads.items()
        },
        "hooks": [
            {"title": one.title, "when": one.when, "status": one.status, "summary": one.summary}
            for one in state.hooks
        ],
        "timeline": [one.as_dict() for one in incident(state)],
    }


def outcome_of(state: RollbackState, *, held: bool) -> str:
    """How it ended; one that nobody can be running any more, since nobody holds the journal, was interrupted."""
    return state.outcome or (UNDER_WAY if held else INTERRUPTED)


def lines(told: dict[str, Any], figures: str) -> Iterator[str]:
    """A line on a rollback as :func:`document` describes it, and what has to be known or done besides."""
    why = f" ({told['reason']})" if told["reason"] else ""
    yield f"{told['environment']}  rollback {told['id']}: {told['outcome']}{why}"
    if figures:
        yield f"  {figures}"
    if told["outcome"] == INTERRUPTED:
        for key, one in told["workloads"].items():
            yield f"  {key}: {one['stage']}"
        yield f"  Run `rollback -e {told['environment']}` again to go on with it."
    for key, one in told["workloads"].items():
        if one["stage"] == "failed":
            yield f"  {key} failed: {one['message']}"
        if one["reverted"]:
            yield f"  {key} was undone: {one['reverted']}"
