"""``shell = …``: a command ends with the expected exit code."""

from __future__ import annotations

from collections import deque

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.finding import Finding, failed, passed, unknown
from releaseconsole.outside.kubeconfig import command_environment
from releaseconsole.outside.process import run_shell
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.plan.variables import substitute_shell
from releaseconsole.text import cut, duration

NOT_RUN = (126, 127)
"""What a shell answers when the command could not be run or was not found: that tells nothing."""


async def shell_succeeds(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Run it with the environment's context as the current one; the last line of output is the evidence."""
    assert check.shell is not None
    values = context.values(placed.environment)
    targets = context.environment(placed.environment).targets if placed.environment else ()
    last: deque[str] = deque(maxlen=1)
    async with command_environment(
        context.environ,
        environment=placed.environment,
        targets=tuple(one.target for one in targets),
        version=values.get("version", ""),
        kubeconfig=context.kubeconfig,
    ) as environ:
        ended = await run_shell(
            substitute_shell(check.shell, values),
            folder=context.folder,
            environ=environ,
            timeout=check.timeout,
            emit=lambda line: last.append(line) if line.strip() else None,
        )
    evidence = f": {cut(last[0].strip(), 200)}" if last else ""
    if ended.timed_out:
        return unknown(f"not at its end after {duration(check.timeout)}{evidence}")
    wanted = check.expect if isinstance(check.expect, tuple) else (check.expect or 0,)
    if ended.code in wanted:
        return passed(f"exit code {ended.code}{evidence}")
    if ended.code in NOT_RUN or ended.code < 0:
        return unknown(f"{how_ended(ended.code)}{evidence}")
    return failed(f"exit code {ended.code}, wanted {' or '.join(map(str, wanted))}{evidence}")


def how_ended(code: int) -> str:
    """An exit code in words."""
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"
