"""The file under the journal: full disks, read-only folders, strange files, and who may read it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from releaseconsole.errors import JournalBusy, JournalDamaged, RecordError
from releaseconsole.record.stores.file import FileStore


class Disk:
    """The system's own write and fsync, until told to fail."""

    def __init__(self) -> None:
        self.writes = 0
        self.syncs = 0
        self.room: int | None = None
        self.refuses: int | None = None
        self.sync_fails = False
        self.interrupts = False

    def write(self, fd: int, data: bytes) -> int:
        self.writes += 1
        if self.refuses is not None:
            raise OSError(self.refuses, os.strerror(self.refuses))
        if self.room is not None:
            data, self.room = data[: self.room], max(self.room - len(data), 0)
            if not data:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        if self.interrupts:
            raise KeyboardInterrupt
        if self.sync_fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(fd)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def store(tmp_path: Path, disk: Disk) -> FileStore:
    """An open store that holds one line."""
    store = FileStore(tmp_path / "state", write=disk.write, sync=disk.sync)
    store.open()
    store.append(b"first\n", 0)
    return store


def content(store: FileStore) -> bytes:
    return store.path.read_bytes()


def test_a_line_takes_one_write_and_one_fsync(store: FileStore, disk: Disk) -> None:
    disk.writes = disk.syncs = 0
    store.append(b"second\n", 6)
    assert (disk.writes, disk.syncs) == (1, 1)
    assert content(store) == b"first\nsecond\n"


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "a" / "b")
    store.open()
    store.close()
    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a/b", store.path)
    }
    assert list(modes.values()) == [0o700, 0o700, 0o600]


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    FileStore(tmp_path).open()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("room", [0, 1, 6])
def test_a_full_disk_leaves_the_file_as_it_was_and_says_so(store: FileStore, disk: Disk, room: int) -> None:
    disk.room = room
    with pytest.raises(RecordError, match="No space left on device") as caught:
        store.append(b"second\n", 6)
    assert "Free some space" in caught.value.remedy
    assert content(store) == b"first\n"
    disk.room = None
    store.append(b"second\n", 6)
    assert content(store) == b"first\nsecond\n"


@pytest.mark.parametrize("refusal", [errno.EROFS, errno.EDQUOT, errno.EIO, errno.EBADF])
def test_any_refusal_of_the_disk_has_a_remedy(store: FileStore, disk: Disk, refusal: int) -> None:
    disk.refuses = refusal
    with pytest.raises(RecordError) as caught:
        store.append(b"second\n", 6)
    assert caught.value.remedy
    assert content(store) == b"first\n"


def test_a_line_that_cannot_be_made_durable_is_taken_back(store: FileStore, disk: Disk) -> None:
    disk.sync_fails = True
    with pytest.raises(RecordError):
        store.append(b"second\n", 6)
    assert content(store) == b"first\n"


def test_an_interrupt_between_write_and_fsync_takes_the_line_back(store: FileStore, disk: Disk) -> None:
    disk.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        store.append(b"second\n", 6)
    assert content(store) == b"first\n"


def test_a_line_that_was_written_but_never_acknowledged_gives_way_to_the_next(store: FileStore) -> None:
    store.append(b"unheard\n", 6)
    store.append(b"second\n", 6)
    assert content(store) == b"first\nsecond\n"


def test_a_limit_of_the_system_on_files_is_survived(tmp_path: Path) -> None:
    """The kernel itself writes a part of the line and refuses the rest, also to root."""
    script = """
import resource, signal, sys
from pathlib import Path
from releaseconsole.errors import RecordError
from releaseconsole.record.stores.file import FileStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = FileStore(Path(sys.argv[1]))
store.open()
store.append(b"first\\n", 0)
store.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
store.open()
store.cut(6)
try:
    store.append(b"x" * 100, 6)
except RecordError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "File too large" in done.stdout
    assert "ulimit" in done.stdout
    assert (tmp_path / "journal.jsonl").read_bytes() == b"first\n"


@pytest.mark.parametrize("below", ["file", "file/deeper/still"])
def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match="cannot be made") as caught:
        FileStore(tmp_path / below).open()
    assert "--state" in caught.value.remedy


def test_a_folder_name_no_system_takes_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    for name in ("x" * 5000, "nul\0l"):
        with pytest.raises(RecordError) as caught:
            FileStore(tmp_path / name).open()
        assert caught.value.remedy


def test_a_read_only_file_system_is_an_error_with_a_remedy(tmp_path: Path, disk: Disk) -> None:
    def refuse(fd: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(RecordError, match="Read-only file system") as caught:
        FileStore(tmp_path, write=disk.write, sync=refuse).open()
    assert "--read-only" in caught.value.remedy
    FileStore(tmp_path).open()


def read_all(store: FileStore) -> bytes:
    store.open()
    return store.read()


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [make_folder, make_pipe, make_loop])
@pytest.mark.parametrize("read_only", [False, True])
def test_something_else_in_the_journals_place_is_an_error_and_never_hangs(
    tmp_path: Path, make: Callable[[Path], None], read_only: bool
) -> None:
    make(tmp_path / "journal.jsonl")
    with pytest.raises(RecordError) as caught:
        read_all(FileStore(tmp_path, read_only=read_only))
    assert caught.value.remedy


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_far_too_large_is_refused_before_it_is_read(tmp_path: Path, read_only: bool) -> None:
    with (tmp_path / "journal.jsonl").open("wb") as file:
        file.truncate(10**12)
    store = FileStore(tmp_path, read_only=read_only)
    store.open()
    with pytest.raises(RecordError, match="1,000,000,000,000 bytes"):
        store.read()
    store.close()


def test_a_file_that_another_program_changed_is_not_written_over(store: FileStore) -> None:
    with store.path.open("ab") as file:
        file.write(b"stranger\n")
    with pytest.raises(JournalDamaged, match="another program"):
        store.append(b"second\n", 6)
    assert content(store) == b"first\nstranger\n"


def test_a_file_that_was_deleted_is_told_and_not_written_into_the_void(store: FileStore) -> None:
    store.path.unlink()
    with pytest.raises(RecordError, match="was deleted"):
        store.append(b"second\n", 6)


def test_what_is_cut_off_is_kept_and_no_older_piece_is_lost(tmp_path: Path) -> None:
    (tmp_path / "journal.torn-1").write_bytes(b"older")
    (tmp_path / "journal.jsonl").write_bytes(b"first\nsec")
    store = FileStore(tmp_path)
    store.open()
    assert store.cut(6) == tmp_path / "journal.torn-2"
    store.append(b"second\n", 6)
    store.close()
    assert content(store) == b"first\nsecond\n"
    assert (tmp_path / "journal.torn-1").read_bytes() == b"older"
    assert (tmp_path / "journal.torn-2").read_bytes() == b"sec"


def test_looking_on_changes_nothing_in_the_folder(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "nothing", read_only=True)
    store.open()
    assert store.read() == b""
    store.close()
    assert not (tmp_path / "nothing").exists()

    (tmp_path / "journal.jsonl").write_bytes(b"first\n")
    onlooker = FileStore(tmp_path, read_only=True)
    onlooker.open()
    assert onlooker.read() == b"first\n"
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]
    with pytest.raises(RecordError):
        onlooker.append(b"second\n", 6)


def test_a_second_writer_is_refused_until_the_first_closes(store: FileStore) -> None:
    second = FileStore(store.path.parent)
    with pytest.raises(JournalBusy, match=str(os.getpid())):
        second.open()
    store.append(b"second\n", 6)
    store.close()
    store.close()
    second.open()
    assert second.read() == b"first\nsecond\n"
    second.close()


@pytest.mark.parametrize("words", [b"", b"\xff", b"[]", b'{"pid":{}}', b"[" * 5000])
def test_a_holder_who_left_nonsense_is_an_unknown_process(store: FileStore, words: bytes) -> None:
    store.path.with_name("journal.holder").write_bytes(words)
    with pytest.raises(JournalBusy, match="unknown process"):
        FileStore(store.path.parent).open()


def test_a_writer_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from releaseconsole.record.stores.file import FileStore
FileStore(Path(sys.argv[1])).open()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=60, check=False)
    assert (tmp_path / "journal.holder").exists()
    store = FileStore(tmp_path)
    store.open()
    store.close()


def test_a_closed_store_takes_no_line(store: FileStore) -> None:
    store.close()
    with pytest.raises(RecordError, match="not open"):
        store.append(b"second\n", 6)
