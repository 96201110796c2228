"""``shell = …``: a command in the plan's folder, with the phase's context as the current one."""

from __future__ import annotations

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.outside.kubeconfig import command_environment
from releaseconsole.outside.process import run_shell
from releaseconsole.plan.model import PlacedAction
from releaseconsole.plan.variables import substitute_shell
from releaseconsole.text import duration


async def shell(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Run it; when cancelled or out of time, everything that it started is ended."""
    action = placed.action
    assert action.shell is not None
    values = context.values(placed.environment)
    targets = context.environment(placed.environment).targets if placed.environment else ()
    if len(targets) > 1:
        emit(f"(acts on {targets[0].target}, the first of {len(targets)}; RELEASECONSOLE_TARGETS names all)")
    begun = context.clock.monotonic()
    async with command_environment(
        context.environ,
        environment=placed.environment,
        targets=tuple(one.target for one in targets),
        version=values.get("version", ""),
        kubeconfig=context.kubeconfig,
    ) as environ:
        ended = await run_shell(
            substitute_shell(action.shell, values),
            folder=context.folder / (action.folder or ""),
            environ=environ,
            timeout=action.timeout,
            emit=emit,
        )
    took = duration(context.clock.monotonic() - begun)
    if ended.timed_out:
        return failed(f"stopped: not at its end after {duration(action.timeout)}")
    if ended.code < 0:
        return failed(f"ended by signal {-ended.code} after {took}")
    wanted = action.expect if isinstance(action.expect, tuple) else (action.expect or 0,)
    if ended.code in wanted:
        return succeeded(f"exit code {ended.code} in {took}")
    return failed(f"exit code {ended.code} after {took}")
