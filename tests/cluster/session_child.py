"""A console without a screen in a process of its own: it rolls back, and goes on until somebody ends it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from releaseconsole.plan.load import load_plan
from releaseconsole.session import open_session


async def main(plan: Path, kubeconfig: Path, state: Path, folder: Path) -> None:
    """Press the key and its confirmation as soon as there is something to see."""
    async with open_session(
        load_plan(plan), kubeconfig=kubeconfig, state=state, folder=folder, user="amira"
    ) as session:
        session.focus("real")
        await session.ready(("real",), 30, metrics=False)
        session.start_rollback(await session.preview_rollback("real"))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
