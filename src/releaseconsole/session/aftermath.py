"""What a rollback changes in the release besides the cluster."""

from __future__ import annotations

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import RollbackState
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.runs import Runs
from releaseconsole.session.verifier import Verifier


def after_rollback(plan: Plan, ledger: Ledger, verifier: Verifier, runs: Runs, done: RollbackState) -> None:
    """The checklist follows: what was verified of the new version is not known any more, and the plan's own
    rollback action has been done, whoever pressed which key."""
    verifier.undone(done.environment)
    status = "succeeded" if done.outcome == "complete" else "failed"
    for action_id, placed in plan.actions.items():
        own = placed.action.kind == "rollback" and placed.environment == done.environment
        if own and action_id not in runs.running():
            summary = f"rollback {done.id} {done.outcome}"
            ledger.write_anyway("action.started", {"action": action_id, "label": placed.action.label})
            ledger.write_anyway("action.ended", {"action": action_id, "status": status, "summary": summary})
