"""The session's hand on the journal: what happens when the disk does not take it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from action_kit import FakeClock

from releaseconsole.errors import ReadOnly, RecordError
from releaseconsole.record.journal import Journal, News
from releaseconsole.record.model import ItemStatus, Stage
from releaseconsole.record.stores.file import FileStore
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger

RELEASE = {"name": "shop", "version": "1"}


class Disk:
    """A disk that can be full."""

    def __init__(self) -> None:
        self.full = False

    def write(self, fd: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)


def opened(folder: Path, hub: Hub, disk: Disk | None = None, *, read_only: bool = False) -> Ledger:
    store = FileStore(folder, read_only=read_only, write=(disk or Disk()).write)
    journal = Journal.open(store, release=RELEASE, clock=FakeClock(), by="amira")
    return Ledger(journal, hub, FakeClock(), user="amira", read_only=read_only)


def test_what_is_written_is_folded_and_seen(tmp_path: Path) -> None:
    hub = Hub()
    ledger = opened(tmp_path, hub)
    ledger.write("item.done", {"item": "a"})
    assert ledger.state.item("a").status is ItemStatus.DONE
    assert ledger.state.item("a").by == "amira"
    assert hub.version == 1
    ledger.close()


def test_what_the_disk_refuses_has_not_happened(tmp_path: Path) -> None:
    hub, disk = Hub(), Disk()
    ledger = opened(tmp_path, hub, disk)
    disk.full = True
    with pytest.raises(RecordError, match="No space left"):
        ledger.write("item.done", {"item": "a"})
    assert ledger.state.item("a").status is ItemStatus.OPEN
    assert hub.version == 0
    disk.full = False
    ledger.write("item.done", {"item": "a"})
    assert ledger.state.item("a").status is ItemStatus.DONE
    ledger.close()


def test_an_emergency_goes_on_in_memory_and_says_so(tmp_path: Path) -> None:
    hub, disk = Hub(), Disk()
    ledger = opened(tmp_path, hub, disk)
    disk.full = True
    ledger.write_anyway("rollback.started", {"id": "r", "environment": "e", "workloads": [{"key": "k"}]})
    ledger.write_anyway("rollback.stage", {"id": "r", "key": "k", "stage": "patched"})
    assert ledger.state.rollbacks[-1].workloads["k"].stage is Stage.PATCHED
    assert ledger.unwritten == 2
    assert [entry.kind for entry in ledger.entries] == [
        "release.opened",
        "rollback.started",
        "rollback.stage",
    ]
    (notice,) = hub.take_notices()
    assert (notice.severity, "No space left" in notice.text) == ("error", True)
    disk.full = False
    # What can be written again is, and what is only in memory stays visible beside it.
    ledger.write("item.done", {"item": "a"})
    assert ledger.state.item("a").status is ItemStatus.DONE
    assert ledger.state.rollbacks[-1].workloads["k"].stage is Stage.PATCHED
    ledger.close()


def test_read_only_refuses_even_an_emergency(tmp_path: Path) -> None:
    opened(tmp_path, Hub()).close()
    ledger = opened(tmp_path, Hub(), read_only=True)
    for write in (ledger.write, ledger.write_anyway):
        with pytest.raises(ReadOnly):
            write("item.done", {"item": "a"})
    ledger.close()


def test_a_reader_takes_over_what_the_writer_adds(tmp_path: Path) -> None:
    writer, hub = opened(tmp_path, Hub()), Hub()
    reader = opened(tmp_path, hub, read_only=True)
    reader.refresh()
    assert hub.version == 0
    writer.write("item.done", {"item": "a"})
    reader.refresh()
    assert reader.state.item("a").status is ItemStatus.DONE
    assert hub.version == 1
    writer.refresh()
    for ledger in (reader, writer):
        ledger.close()


def test_what_no_entry_can_hold_does_not_take_the_others_along(tmp_path: Path) -> None:
    hub = Hub()
    ledger = opened(tmp_path, hub)
    huge = News("rollback.started", {"id": "r", "environment": "e", "reason": "x" * 5_000_000})
    ledger.write_all_anyway([huge, News("lock.set", {"environment": "e", "reason": "rolled back"})])
    assert ledger.unwritten == 1
    assert ledger.state.rollbacks[-1].id == "r"
    assert "e" in ledger.state.locks
    assert "lock.set" in (tmp_path / "journal.jsonl").read_text("utf-8")
    (notice,) = hub.take_notices()
    assert "4,194,304 is the most" in notice.text
    ledger.close()
