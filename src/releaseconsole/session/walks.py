"""One workload's way through a rollback: planned → patched → observed → replaced → available → recovered.

Whatever goes wrong with one workload is told at that workload and stops no other. A cluster that is away is waited
for: before the patch for a short while, after it, when the controller goes on by itself, until the deadline.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.errors import ClusterError, ReleaseConsoleError, Unreachable
from releaseconsole.record.model import STAGES, Stage
from releaseconsole.session.guard import innermost
from releaseconsole.session.planning import Planned
from releaseconsole.session.scribe import Scribe
from releaseconsole.session.stuck import stuck_sentence
from releaseconsole.undisturbed import apart

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.session.observer import Observer

_LOG = logging.getLogger("releaseconsole.session")

COMPLETION_DEADLINE = 600.0
RECOVERY_DEADLINE = 240.0
AWAY = 15.0
"""Seconds for which a cluster that is away when the key is pressed is waited for."""
_LOOK_AGAIN = 1.0
_WAITS = f"its cluster does not answer; it is waited for, {AWAY:.0f} s at most"
_UNSEEN = "patched, and out of sight since: its cluster does not answer; followed again when it does"
_HELPS = "see the pods for the reason, then retry"
_ALREADY = "already runs what it would be rolled back to"
_JOINED = "somebody else has brought it back; followed from here"


@dataclass(slots=True)
class Walk:
    """Where one workload is."""

    planned: Planned
    stage: Stage = Stage.PLANNED
    """Of a rollback that is taken up again, the stage it had reached."""
    generation: int = 0
    said: str = ""
    """What it waits for in vain, in words."""
    note: str = ""
    """What is told at every stage that has nothing else to tell."""


class Walker:
    """Takes the workloads of one rollback of one environment along, and journals each stage."""

    def __init__(self, scribe: Scribe, observer: Observer) -> None:
        self._scribe = scribe
        self._observer = observer

    def refuse(self, walk: Walk, why: str) -> None:
        """It is not to be patched."""
        self._reach(walk, Stage.FAILED, why)

    async def bring_back(self, walk: Walk) -> None:
        """Patch it and follow it until it is available; what goes wrong is in its stage."""
        try:
            await apart(self._patch_and_follow(walk))
        except ReleaseConsoleError as error:
            self.refuse(walk, str(error))
        except TimeoutError:
            minutes = COMPLETION_DEADLINE / 60
            self.refuse(walk, f"not back after {minutes:.0f} minutes; {walk.said or _HELPS}")
        except Exception as error:  # noqa: BLE001  (one workload's defect must not stop the others)
            _LOG.exception("a rollback of one workload failed")
            reason = innermost(error)
            self.refuse(walk, f"a defect stopped this: {type(reason).__name__}: {reason}"[:300])

    async def _patch_and_follow(self, walk: Walk) -> None:
        await self._patch(walk)
        if walk.stage in STAGES and walk.stage is not Stage.PLANNED:
            await self._follow(walk)

    async def recover(self, walk: Walk) -> None:
        """Wait until the triggers are quiet; without metrics, say that nobody can tell."""
        if walk.stage is not Stage.AVAILABLE:
            return
        try:
            async with asyncio.timeout(RECOVERY_DEADLINE):
                verdict = await self._observer.recovered()
        except TimeoutError:
            verdict = f"the metrics have not recovered after {RECOVERY_DEADLINE / 60:.0f} minutes"
        self._reach(walk, Stage.AVAILABLE if verdict else Stage.RECOVERED, verdict)

    async def _patch(self, walk: Walk) -> None:
        planned = walk.planned
        if planned.problem or planned.target is None:
            self.refuse(walk, planned.problem or "could not be planned")
            return
        if planned.target.skipped:
            await self._join(walk, planned.target.generation)
            return
        client = await self._connected(walk)
        with self._scribe.patching():
            done = await planned.execute(client)
            if done.patched:
                walk.generation = done.generation
                again = f"planned again {done.replanned} times" if done.replanned else ""
                self._reach(walk, Stage.PATCHED, again)
        # Not before the others are answered: to look where a workload is costs more than to take an answer.
        await self._scribe.quiet()
        if not done.patched:
            await self._join(walk, done.generation)

    async def _connected(self, walk: Walk) -> Client:
        """The connection to patch through. Raises ClusterError; Unreachable when it stays away."""
        clock = self._observer.clock
        give_up = clock.monotonic() + AWAY
        while True:
            try:
                return await walk.planned.observer.connected()
            except Unreachable:
                if clock.monotonic() > give_up:
                    raise
            self._tell(walk, _WAITS)
            await clock.sleep(_LOOK_AGAIN)

    async def _join(self, walk: Walk, generation: int) -> None:
        """Its template is the right one already: by us before a crash, or by somebody else just now."""
        walk.generation = generation
        if walk.stage is not Stage.PLANNED:
            return
        seen, _ = await self._seen(walk)
        if seen is Stage.AVAILABLE:
            self._reach(walk, Stage.SKIPPED, _ALREADY)
        else:
            walk.note = _JOINED
            self._reach(walk, Stage.PATCHED)

    async def _follow(self, walk: Walk) -> None:
        """Walk observed → replaced → available as the controller gets there."""
        order = list(STAGES[: STAGES.index(Stage.AVAILABLE) + 1])
        target = self._observer.target_of(walk.planned.key)
        async with asyncio.timeout(COMPLETION_DEADLINE):
            while True:
                seen, unseen = await self._seen(walk)
                for stage in order[order.index(walk.stage) + 1 : order.index(seen) + 1]:
                    self._reach(walk, stage)
                if seen is Stage.AVAILABLE:
                    return
                self._tell(walk, unseen or stuck_sentence(target.stuck_pods(walk.planned.workload)))
                await target.changed(timeout=_LOOK_AGAIN)

    async def _seen(self, walk: Walk) -> tuple[Stage, str]:
        """How far the controller is; where that cannot be seen now, the stage as it was and why, in words."""
        from releaseconsole.cluster.rollback_run import is_down

        planned = walk.planned
        template = planned.target.template if planned.target else {}
        target = self._observer.target_of(planned.key)
        try:
            return Stage(await target.rollback_stage(planned.workload, walk.generation, template)), ""
        except ClusterError as error:
            if not is_down(error):
                raise
            return walk.stage, _UNSEEN

    def _tell(self, walk: Walk, said: str) -> None:
        """What it waits for, such as a pod that somebody has to delete; "" when it no longer does."""
        if said != walk.said:
            self._reach(walk, walk.stage, said)
            walk.said = said

    def _reach(self, walk: Walk, stage: Stage, message: str = "") -> None:
        walk.stage, walk.said = stage, ""
        self._scribe.note(walk.planned.key, stage, message or walk.note)
