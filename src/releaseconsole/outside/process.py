"""Running a shell command to its end, or ending it with everything that it started."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.errors import ActionError
from releaseconsole.text import visible
from releaseconsole.undisturbed import finish

if TYPE_CHECKING:
    import psutil

Emit = Callable[[str], None]

LONGEST_LINE = 16_384
MARK = "RELEASECONSOLE_RUN"
"""Environment variable by which a process is known as ours even after its parents have ended."""
_CHUNK = 16_384
_DRAIN = 2.0
"""Seconds that output is still read after the command has ended: a child of it may hold the pipe for ever."""
_GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: ``code`` is negative for a signal, and meaningless when the time was up."""

    code: int
    timed_out: bool = False


async def run_shell(
    command: str, *, folder: Path, environ: Mapping[str, str], timeout: float, emit: Emit
) -> Ended:
    """Run ``sh -c command`` without a terminal, telling each line of stdout and stderr to ``emit``.

    After ``timeout`` seconds, or when cancelled, the whole tree of processes is ended before this returns.
    Raises ActionError when the command cannot be started.
    """
    mark = secrets.token_hex(8)
    reader, process = await _start(command, folder, {**environ, MARK: mark})
    reading = asyncio.create_task(_pump(reader.stream, emit), name=f"output of {process.pid}")
    ended: Ended | None = None
    try:
        async with asyncio.timeout(timeout):
            ended = Ended(await process.wait())
    except TimeoutError:
        ended = Ended(-15, timed_out=True)
    finally:
        if ended is None or ended.timed_out:
            await finish(_end_tree(process, mark))
        if not await finish(_drain(reading)):
            emit("(something that it started still runs; its output is no longer shown)")
        reader.close()
    return ended


class _Output:
    """The reading end of the command's output."""

    def __init__(self) -> None:
        self.stream = asyncio.StreamReader(limit=_CHUNK)
        self._transport: asyncio.ReadTransport | None = None

    async def open(self, read_end: int) -> None:
        pipe = os.fdopen(read_end, "rb", buffering=0)
        protocol = asyncio.StreamReaderProtocol(self.stream)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(lambda: protocol, pipe)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _start(
    command: str, folder: Path, environ: Mapping[str, str]
) -> tuple[_Output, asyncio.subprocess.Process]:
    """The pipe is ours and not asyncio's, so that the command's end is seen while a child still holds it."""
    _require(folder)
    read_end, write_end = os.pipe()
    output = _Output()
    try:
        await output.open(read_end)
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", command,
            stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end,
            cwd=folder, env=dict(environ), start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        output.close()
        raise ActionError(
            f"The command cannot be started: {visible(str(error))}.", "Check the command."
        ) from None
    except BaseException:
        output.close()
        raise
    finally:
        os.close(write_end)
    return output, process


def _require(folder: Path) -> None:
    if not folder.is_dir():
        raise ActionError(
            f"There is no folder {visible(str(folder))} to run in.", "Check `folder` in the plan."
        )


async def _pump(stream: asyncio.StreamReader, emit: Emit) -> None:
    """Read until the pipe closes, resting as long as the telling took: a flood must not starve the screen."""
    lines = Lines()
    try:
        while chunk := await stream.read(_CHUNK):
            begun = time.perf_counter()
            for line in lines.feed(chunk):
                emit(line)
            await asyncio.sleep(time.perf_counter() - begun)
    finally:
        for line in lines.end():
            emit(line)


async def _drain(reading: asyncio.Task[None]) -> bool:
    """Read what is left; False when somebody still holds the pipe after a while."""
    done, _ = await asyncio.wait({reading}, timeout=_DRAIN)
    reading.cancel()
    await asyncio.wait({reading})
    if not reading.cancelled():
        reading.result()
    return bool(done)


class Lines:
    """Bytes as they come into lines fit to be shown. A line that never ends is cut into pieces."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes. A lone carriage return ends a line too: progress bars use it."""
        text = self._rest + self._decoder.decode(data)
        pieces = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = pieces.pop()
        found = [part for piece in pieces for part in _parts(piece)]
        while len(self._rest) >= LONGEST_LINE:
            found.append(visible(self._rest[:LONGEST_LINE]))
            self._rest = self._rest[LONGEST_LINE:]
        return found

    def end(self) -> list[str]:
        """The last line, which had no end."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [visible(rest)] if rest else []


def _parts(line: str) -> list[str]:
    if len(line) <= LONGEST_LINE:
        return [visible(line)]
    return [visible(line[at : at + LONGEST_LINE]) for at in range(0, len(line), LONGEST_LINE)]


async def _end_tree(process: asyncio.subprocess.Process, mark: str) -> None:
    """TERM to everything, KILL to what is left."""
    family = await asyncio.to_thread(_family, process.pid, mark)
    _signal(family, "terminate")
    await _until_gone(family)
    # Whatever was started since the first look is found now.
    family += await asyncio.to_thread(_family, process.pid, mark)
    _signal([one for one in family if _alive(one)], "kill")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE)


async def _until_gone(family: list[psutil.Process]) -> None:
    for _ in range(round(_GRACE / _LOOK)):
        if not any(_alive(one) for one in family):
            return
        await asyncio.sleep(_LOOK)


def _family(pid: int, mark: str) -> list[psutil.Process]:
    """The process, its descendants, its session, and whatever carries the mark of this run."""
    import psutil

    found = []
    for one in psutil.process_iter():
        try:
            if one.pid == pid or _session(one.pid) == pid or one.environ().get(MARK) == mark:
                found.append(one)
        except (psutil.Error, OSError):
            continue
    with contextlib.suppress(psutil.Error):
        found += psutil.Process(pid).children(recursive=True)
    return list({one.pid: one for one in found}.values())


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _signal(family: list[psutil.Process], method: str) -> None:
    import psutil

    for one in family:
        try:
            getattr(one, method)()
            if method == "terminate":
                one.resume()
        except psutil.Error:
            continue


def _alive(one: psutil.Process) -> bool:
    import psutil

    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
