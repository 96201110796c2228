"""The journal as a file: one writer at a time, and every line that was acknowledged is on the disk.

``journal.jsonl`` holds the lines, ``journal.lock`` is held by the one who writes, ``journal.holder`` says who
that is, and ``journal.torn-1`` … keep what was cut off after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.errors import JournalBusy, JournalDamaged, RecordError
from releaseconsole.paths import make_private_folder
from releaseconsole.record.texts import visible

if TYPE_CHECKING:
    from filelock import BaseFileLock

MOST_BYTES = 256 * 1024 * 1024
MOST_TORN_FILES = 1_000
_PRIVATE = 0o600
_MOST_HOLDER_BYTES = 4096
# Without O_NONBLOCK, opening a named pipe that somebody put there would never return.
_COMMON = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_READ = os.O_RDONLY | _COMMON
_WRITE = os.O_RDWR | os.O_APPEND | _COMMON

Write = Callable[[int, bytes], int]
Sync = Callable[[int], None]


class FileStore:
    """Lines in ``folder / "journal.jsonl"``, written with the system's own ``write`` and ``fsync``.

    Read-only it takes no lock, creates nothing and changes nothing.
    """

    def __init__(
        self, folder: Path, *, read_only: bool = False, write: Write = os.write, sync: Sync = os.fsync
    ) -> None:
        self.read_only = read_only
        self.path = folder / "journal.jsonl"
        self._folder = folder
        self._holder = folder / "journal.holder"
        self._write = write
        self._sync = sync
        self._lock: BaseFileLock | None = None
        self._fd = -1
        self._size = 0
        self._unsure = False

    @property
    def place(self) -> str:
        """The file's path, for messages."""
        return visible(str(self.path))

    def open(self) -> None:
        """Take the lock and open the file, creating both; nothing of the sort when read-only.

        Raises JournalBusy naming who holds it, or RecordError.
        """
        if self.read_only:
            return
        make_private_folder(self._folder)
        self._take_lock()
        try:
            with self._explained("opened for writing"):
                self._open_for_writing()
            self._refuse_strange_file(self._fd)
            self._note_holder()
        except BaseException:
            self.close()
            raise

    def read(self, start: int = 0) -> bytes:
        """Everything from byte ``start`` on. Raises RecordError, also when the file is far too large."""
        if not self.read_only:
            with self._explained("read"):
                return self._read_from(self._fd, start)
        # Opened anew each time: the writer may have put another file in its place.
        with self._explained("opened"):
            try:
                fd = os.open(self.path, _READ)
            except FileNotFoundError:
                return b""
        try:
            self._refuse_strange_file(fd)
            with self._explained("read"):
                return self._read_from(fd, start)
        finally:
            os.close(fd)

    def cut(self, size: int) -> Path | None:
        """Cut the file to ``size`` bytes and keep the rest beside it; returns where, None when it is nowhere.

        Call it once after reading, before the first append.
        """
        rest = self.read(size)
        kept = self._keep(rest) if rest else None
        with self._explained("written"):
            if rest:
                os.ftruncate(self._fd, size)
                self._sync(self._fd)
        self._size = size
        return kept

    def append(self, lines: bytes, at: int) -> None:
        """Write one or more lines at byte ``at`` and return when they are on the disk.

        Raises RecordError with the file as it was before. What could not be taken back at once, or was
        written but never acknowledged, is taken back before the next line.
        """
        if self._fd < 0 or self.read_only:
            raise RecordError(f"The journal {self.place} is not open for writing.", "Open it again.")
        with self._explained("written"):
            self._check_end(at, len(lines))
            try:
                self._write_whole(lines)
                self._sync(self._fd)
            except BaseException:
                self._take_back()
                raise
        self._size = at + len(lines)

    def close(self) -> None:
        """Give the lock back; may be called twice."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(OSError):
                self._holder.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                lock.release()

    def _open_for_writing(self) -> None:
        try:
            self._fd = os.open(self.path, _WRITE | os.O_CREAT | os.O_EXCL, _PRIVATE)
        except FileExistsError:
            self._fd = os.open(self.path, _WRITE)
        else:
            self._sync_folder()

    def _sync_folder(self) -> None:
        """So that the new file's name is on the disk, too."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            self._sync(folder)
        finally:
            os.close(folder)

    def _refuse_strange_file(self, fd: int) -> None:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise RecordError(
                f"{self.place} is not a regular file.", "Move it away, or name another folder with --state."
            )

    def _take_lock(self) -> None:
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / "journal.lock", timeout=0, mode=_PRIVATE, thread_local=False)
        with self._explained("locked"):
            try:
                lock.acquire()
            except Timeout:
                raise self._busy() from None
        self._lock = lock

    def _busy(self) -> JournalBusy:
        return JournalBusy(
            f"Another console ({self._who_holds()}) is writing the journal {self.place}.",
            "Close that one, or start this one with --read-only to look on.",
        )

    def _who_holds(self) -> str:
        """The holder's own words; it may be gone between our try and this look."""
        try:
            with self._holder.open("rb") as file:
                said = json.loads(file.read(_MOST_HOLDER_BYTES))
            return visible(f"process {int(said['pid'])} on {str(said['host'])[:100]}")
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return "of an unknown process"

    def _note_holder(self) -> None:
        """Who we are, for whoever comes second; the lock alone keeps him out, so failing here is no error."""
        said = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        with contextlib.suppress(OSError):
            self._holder.unlink(missing_ok=True)
            fd = os.open(self._holder, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON, _PRIVATE)
            with open(fd, "w", encoding="utf-8") as file:
                file.write(said)

    def _read_from(self, fd: int, start: int) -> bytes:
        size = os.fstat(fd).st_size
        if size > MOST_BYTES:
            raise RecordError(
                f"{self.place} has {size:,} bytes, and {MOST_BYTES:,} is the most.",
                "Move it away to begin the release's record anew.",
            )
        return b"".join(_chunks(fd, start, size))

    def _check_end(self, at: int, more: int) -> None:
        """Only we write this file; whatever else happened to it must not be written over."""
        status = os.fstat(self._fd)
        if status.st_nlink == 0:
            raise RecordError(
                f"{self.place} was deleted while it was being written.",
                "Close the console and start it again; it begins a new journal.",
            )
        if self._unsure or at < self._size:
            os.ftruncate(self._fd, at)
            self._size, self._unsure = at, False
        elif status.st_size != at:
            raise JournalDamaged(
                f"{self.place} was changed by another program: {status.st_size:,} bytes instead of {at:,}.",
                "Close the console, see what changed the file, and put it back from a copy.",
            )
        if at + more > MOST_BYTES:
            raise RecordError(
                f"{self.place} is full: {MOST_BYTES:,} bytes is the most.",
                "Move it away to begin the release's record anew.",
            )

    def _write_whole(self, line: bytes) -> None:
        """One write as a rule; a nearly full disk takes a part and refuses the rest."""
        while line:
            line = line[self._write(self._fd, line) :]

    def _take_back(self) -> None:
        self._unsure = True
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._size)
            self._unsure = False

    def _keep(self, rest: bytes) -> Path | None:
        """The torn bytes in a file of their own. A full disk must not keep a console from starting."""
        for number in range(1, MOST_TORN_FILES + 1):
            path = self._folder / f"journal.torn-{number}"
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _COMMON, _PRIVATE)
            except FileExistsError:
                continue
            except OSError:
                return None
            with contextlib.suppress(OSError), open(fd, "wb", buffering=0) as file:
                if file.write(rest) == len(rest):
                    self._sync(file.fileno())
                    return path
            return None
        return None

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise RecordError(f"The journal {self.place} cannot be {what}: {why}.", _remedy(error)) from error
        except ValueError as error:
            raise RecordError(f"The journal {self.place} cannot be {what}: {error}.", _ELSEWHERE) from error


def _chunks(fd: int, start: int, size: int) -> Iterator[bytes]:
    while start < size:
        chunk = os.pread(fd, min(size - start, 8 * 1024 * 1024), start)
        if not chunk:
            return
        start += len(chunk)
        yield chunk


_ELSEWHERE = "Name a folder that can be written to with --state, or look on with --read-only."


def _remedy(error: OSError) -> str:
    remedies: dict[int | None, str] = {
        errno.ENOSPC: "Free some space on that disk and try again; nothing was lost.",
        errno.EDQUOT: "Your quota on that disk is used up: free some space and try again; nothing was lost.",
        errno.EFBIG: "A limit on the size of files is in the way (ulimit -f); nothing was lost.",
        errno.EIO: "The disk reports a defect: continue on another one with --state.",
    }
    return remedies.get(error.errno, _ELSEWHERE)
