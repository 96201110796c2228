"""The headless watch of one namespace, in a process of its own: what ``real_scale`` measures.

It takes views as often as the screen does, and prints a line of JSON for each thing that it saw, with the
monotonic time of the machine: the first full view, and each version of the marker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.plane import ENVIRONMENT

if TYPE_CHECKING:
    from releaseconsole.session import Session

VIEW_EVERY = 0.1
LOOK_EVERY = 0.05
MARKER = "marker"


def main() -> None:
    """Watch until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=Path)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--pods", type=int, required=True)
    asked = parser.parse_args()
    asyncio.run(_watch(asked))


async def _watch(asked: argparse.Namespace) -> None:
    from releaseconsole.plan.load import load_plan
    from releaseconsole.session import open_session

    plan = load_plan(asked.plan)
    opened = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(
            plan, kubeconfig=asked.kubeconfig, folder=Path(folder), journal=False, user="bench"
        )
        async with session, asyncio.TaskGroup() as group:
            session.observer(ENVIRONMENT)
            tasks = [
                group.create_task(_views(session, asked.pods, opened)),
                group.create_task(_marks(session)),
            ]
            await asyncio.to_thread(sys.stdin.read)
            for task in tasks:
                task.cancel()


async def _views(session: Session, pods: int, opened: float) -> None:
    """Take the views as a screen does: after a change, at most ten times a second."""
    version, full = -1, False
    while True:
        version = await session.changed(version)
        view = session.environment(ENVIRONMENT)
        if not full and len(view.pods) >= pods:
            full = True
            _say(full=len(view.pods), opened=opened)
        await asyncio.sleep(VIEW_EVERY if full else VIEW_EVERY / 4)


async def _marks(session: Session) -> None:
    """Say each new version of the marker as soon as the cache holds it."""
    from releaseconsole.cluster.decode import PODS

    target = session.observer(ENVIRONMENT).target_observers[0]
    seen = ""
    while True:
        pod = target.held(PODS).get(MARKER)
        if pod is not None and pod.metadata.resource_version != seen:
            seen = pod.metadata.resource_version
            _say(marker=seen)
        await asyncio.sleep(LOOK_EVERY)


def _say(**words: Any) -> None:
    print(json.dumps({**words, "at": time.monotonic()}), flush=True)


if __name__ == "__main__":
    main()
