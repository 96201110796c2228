"""Recording what runs now, so that a rollback has a place to return to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from releaseconsole.record.model import Pin
from releaseconsole.session.ledger import Ledger

if TYPE_CHECKING:
    from releaseconsole.cluster.rollback import PinnedRevision
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.target import TargetObserver


async def pin_environment(observer: Observer, ledger: Ledger, *, keep: bool) -> tuple[Pin, ...]:
    """Pin every workload of the environment. With ``keep``, a workload that has a pin keeps it.

    Keeping matters: a second deploy after a bad one must not make the bad one the place to return to.
    Raises ClusterError when a workload cannot be read; the others are pinned all the same.
    """
    wanted = [
        (target, workload)
        for target in observer.target_observers
        for workload in observer.environment.workloads
        if not (keep and _kept(ledger, target, workload))
    ]
    read: list[PinnedRevision | BaseException] = await asyncio.gather(
        *(_read(target, workload) for target, workload in wanted), return_exceptions=True
    )
    failures = []
    for (target, workload), found in zip(wanted, read, strict=True):
        if isinstance(found, BaseException):
            failures.append(found)
        else:
            _write(ledger, observer.name, target, workload, found)
    if failures:
        raise failures[0]
    return tuple(pin for pin in ledger.state.pins.values() if pin.environment == observer.name)


async def _read(target: TargetObserver, workload: str) -> PinnedRevision:
    from releaseconsole.cluster.rollback import read_pin

    return await read_pin(await target.connected(), target.namespace, workload)


def _write(
    ledger: Ledger, environment: str, target: TargetObserver, workload: str, found: PinnedRevision
) -> None:
    ledger.write(
        "pin.set",
        {
            "environment": environment,
            "context": target.target.context,
            "namespace": target.namespace,
            "workload": workload,
            "uid": found.uid,
            "revision": found.revision,
            "replica_set": found.replica_set,
            "template_hash": found.template_hash,
            "images": list(found.images),
            "template": dict(found.template),
        },
    )


def _kept(ledger: Ledger, target: TargetObserver, workload: str) -> bool:
    """Whether there is a pin of this very object; one of a deleted and recreated workload is worth nothing."""
    pin = ledger.state.pins.get(f"{target.name}/{workload}")
    return pin is not None and target.uid_of(workload) in ("", pin.uid)
