"""How the stages of a rollback come to the disk: together while patches are under way, and every one of them."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from action_kit import FakeClock

from releaseconsole.record.journal import Journal, News
from releaseconsole.record.model import Stage
from releaseconsole.record.stores.file import FileStore
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.scribe import DELAY, Scribe

RELEASE = {"name": "shop", "version": "1"}
KEYS = ("web", "api", "worker")


class Disk:
    """The system's own write and fsync, counted; it can be full."""

    def __init__(self) -> None:
        self.full = False
        self.syncs = 0

    def write(self, fd: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        os.fsync(fd)


class Ground:
    """A rollback that has begun, with its journal on a disk."""

    def __init__(self, folder: Path) -> None:
        self.disk, self.hub, self.clock = Disk(), Hub(), FakeClock()
        store = FileStore(folder, write=self.disk.write, sync=self.disk.sync)
        journal = Journal.open(store, release=RELEASE, clock=self.clock, by="amira")
        self.path = store.path
        self.ledger = Ledger(journal, self.hub, self.clock, user="amira", read_only=False)
        begun = {"id": "r", "environment": "e", "workloads": [{"key": key} for key in KEYS]}
        self.ledger.write_all_anyway(
            [News("rollback.started", begun), News("lock.set", {"environment": "e"})]
        )
        self.scribe = Scribe(self.ledger, self.clock, "r")
        self.disk.syncs = 0

    def stages(self) -> dict[str, Stage]:
        return {key: one.stage for key, one in self.ledger.state.rollbacks[-1].workloads.items()}

    def on_disk(self) -> list[str]:
        """The workloads whose stages are in the file."""
        lines = map(json.loads, self.path.read_text("utf-8").splitlines())
        return [line["data"]["key"] for line in lines if line["kind"] == "rollback.stage"]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.ledger.close()


def test_stages_reached_while_patches_are_under_way_take_one_fsync(ground: Ground) -> None:
    scribe = ground.scribe
    with scribe.patching(), scribe.patching(), scribe.patching():
        for key in KEYS:
            scribe.note(key, Stage.PATCHED, "")
        assert ground.on_disk() == []
    assert ground.on_disk() == list(KEYS)
    assert ground.disk.syncs == 1
    assert set(ground.stages().values()) == {Stage.PATCHED}


def test_the_last_answer_writes_at_once_and_an_earlier_one_does_not(ground: Ground) -> None:
    scribe = ground.scribe
    with scribe.patching():
        with scribe.patching():
            scribe.note("web", Stage.PATCHED, "")
        assert ground.on_disk() == []
    assert ground.on_disk() == ["web"]


def test_a_stage_while_nothing_is_under_way_is_written_at_once(ground: Ground) -> None:
    ground.scribe.note("web", Stage.OBSERVED, "seen")
    assert ground.on_disk() == ["web"]
    assert ground.ledger.state.rollbacks[-1].workloads["web"].message == "seen"


def test_a_stage_keeps_the_time_at_which_it_was_reached(ground: Ground) -> None:
    with ground.scribe.patching():
        ground.scribe.note("web", Stage.PATCHED, "")
        reached = ground.clock.now()
        ground.clock.at += 7
    assert ground.ledger.state.rollbacks[-1].workloads["web"].times["patched"] == reached


async def test_a_patch_that_hangs_does_not_keep_the_others_from_the_disk(ground: Ground) -> None:
    scribe = ground.scribe
    async with asyncio.timeout(30):
        writing = asyncio.create_task(scribe.run())
        with scribe.patching():
            with scribe.patching():
                scribe.note("web", Stage.PATCHED, "")
            while not ground.on_disk():  # noqa: ASYNC110  (a file tells nobody that it was written)
                await asyncio.sleep(DELAY / 10)
            assert scribe._under_way == 1
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert ground.on_disk() == ["web"]


def test_what_was_noted_before_an_end_of_any_kind_is_written(ground: Ground) -> None:
    def broken_off() -> None:
        with ground.scribe.patching():
            ground.scribe.note("web", Stage.PATCHED, "")
            ground.scribe.note("api", Stage.FAILED, "refused")
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        broken_off()
    assert ground.on_disk() == ["web", "api"]


def test_a_full_disk_keeps_every_stage_in_memory_and_says_so_once(ground: Ground) -> None:
    ground.disk.full = True
    with ground.scribe.patching():
        for key in KEYS:
            ground.scribe.note(key, Stage.PATCHED, "")
    assert set(ground.stages().values()) == {Stage.PATCHED}
    assert ground.ledger.unwritten == len(KEYS)
    (notice,) = ground.hub.take_notices()
    assert "No space left" in notice.text
    ground.disk.full = False
    ground.scribe.note("web", Stage.AVAILABLE, "")
    assert ground.on_disk() == ["web"]
    assert ground.stages() == {"web": Stage.AVAILABLE, "api": Stage.PATCHED, "worker": Stage.PATCHED}


async def test_nobody_is_followed_before_the_patches_are_answered(ground: Ground) -> None:
    scribe, quiet = ground.scribe, asyncio.Event()

    async def follow() -> None:
        await scribe.quiet()
        quiet.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        with scribe.patching():
            group.create_task(follow())
            await asyncio.sleep(0)
            assert not quiet.is_set()
        await quiet.wait()


async def test_a_patch_that_hangs_keeps_nobody_from_being_followed(ground: Ground) -> None:
    with ground.scribe.patching():
        async with asyncio.timeout(30):
            await ground.scribe.quiet()
