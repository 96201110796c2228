"""Which wishes make sense just now: a key that could do nothing is not offered."""

from __future__ import annotations

from releaseconsole.plan.model import Phase
from releaseconsole.record.model import ReleaseState
from releaseconsole.session.views import EnvironmentView


def possible(
    wish: str, phase: Phase, environment_id: str, state: ReleaseState, view: EnvironmentView | None
) -> bool:
    """Whether the wish can be granted in this phase and environment."""
    if wish == "decide":
        return phase.gate is not None
    if wish == "unlock":
        return environment_id in state.locks
    if wish == "watch-rollback":
        return bool(state.rollbacks)
    if wish == "accept-cluster":
        return view is not None and bool(view.refusals)
    return True
