"""One workload's way through a rollback: planned → patched → observed → replaced → available → recovered.

Whatever goes wrong with one workload is told at that workload and stops no other.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.record.model import STAGES, Stage
from releaseconsole.session.guard import innermost
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.planning import Planned
from releaseconsole.session.stuck import stuck_sentence

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

_LOG = logging.getLogger("releaseconsole.session")

COMPLETION_DEADLINE = 600.0
RECOVERY_DEADLINE = 240.0
_LOOK_AGAIN = 1.0
_ALREADY = "already runs what it would be rolled back to"
_JOINED = "somebody else has brought it back; followed from here"


@dataclass(slots=True)
class Walk:
    """Where one workload is."""

    planned: Planned
    stage: Stage = Stage.PLANNED
    """Of a rollback that is taken up again, the stage it had reached."""
    generation: int = 0
    stuck: str = ""
    """The pods that it waits for in vain, in words."""


class Walker:
    """Takes the workloads of one rollback of one environment along, and journals each stage."""

    def __init__(self, ledger: Ledger, observer: Observer, rollback_id: str) -> None:
        self._ledger = ledger
        self._observer = observer
        self._rollback_id = rollback_id

    def refuse(self, walk: Walk, why: str) -> None:
        """It is not to be patched."""
        self._reach(walk, Stage.FAILED, why)

    async def bring_back(self, walk: Walk) -> None:
        """Patch it and follow it until it is available; what goes wrong is in its stage."""
        try:
            await self._patch(walk)
            if walk.stage in STAGES and walk.stage is not Stage.PLANNED:
                await self._follow(walk)
        except ReleaseConsoleError as error:
            self.refuse(walk, str(error))
        except TimeoutError:
            minutes = COMPLETION_DEADLINE / 60
            self.refuse(
                walk, f"not back after {minutes:.0f} minutes; see the pods for the reason, then retry"
            )
        except Exception as error:  # noqa: BLE001  (one workload's defect must not stop the others)
            _LOG.exception("a rollback of one workload failed")
            reason = innermost(error)
            self.refuse(walk, f"a defect stopped this: {type(reason).__name__}: {reason}"[:300])

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
        done = await planned.execute()
        if not done.patched:
            await self._join(walk, done.generation)
            return
        walk.generation = done.generation
        again = f"planned again {done.replanned} times" if done.replanned else ""
        self._reach(walk, Stage.PATCHED, again)

    async def _join(self, walk: Walk, generation: int) -> None:
        """Its template is the right one already: by us before a crash, or by somebody else just now."""
        walk.generation = generation
        if walk.stage is not Stage.PLANNED:
            return
        if await self._seen(walk) is Stage.AVAILABLE:
            self._reach(walk, Stage.SKIPPED, _ALREADY)
        else:
            self._reach(walk, Stage.PATCHED, _JOINED)

    async def _follow(self, walk: Walk) -> None:
        """Walk observed → replaced → available as the controller gets there."""
        order = list(STAGES[: STAGES.index(Stage.AVAILABLE) + 1])
        target = self._observer.target_of(walk.planned.key)
        async with asyncio.timeout(COMPLETION_DEADLINE):
            while True:
                seen = await self._seen(walk)
                for stage in order[order.index(walk.stage) + 1 : order.index(seen) + 1]:
                    self._reach(walk, stage)
                if seen is Stage.AVAILABLE:
                    return
                self._tell_stuck(walk, said=stuck_sentence(target.stuck_pods(walk.planned.workload)))
                await target.changed(timeout=_LOOK_AGAIN)

    async def _seen(self, walk: Walk) -> Stage:
        """How far the controller is."""
        planned = walk.planned
        template = planned.target.template if planned.target else {}
        target = self._observer.target_of(planned.key)
        return Stage(await target.rollback_stage(planned.workload, walk.generation, template))

    def _tell_stuck(self, walk: Walk, said: str) -> None:
        """That it waits for a pod which somebody has to delete, or no longer does."""
        if said != walk.stuck:
            walk.stuck = said
            self._reach(walk, walk.stage, said)

    def _reach(self, walk: Walk, stage: Stage, message: str = "") -> None:
        walk.stage = stage
        self._ledger.write_anyway(
            "rollback.stage",
            {"id": self._rollback_id, "key": walk.planned.key, "stage": str(stage), "message": message},
        )
