"""``releaseconsole sandbox``: the practice cluster alone, and the child process behind ``demo``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import UsageError

if TYPE_CHECKING:
    from releaseconsole.sandbox.practice import PracticeCluster


def run_sandbox(
    *,
    scenario: str,
    seed: int,
    kubeconfig: Path,
    endpoints: Path | None,
    workspace: Path | None,
    port: int,
    speed: float,
    until_eof: bool,
    as_json: bool,
) -> None:
    """Serve until interrupted (or until stdin closes)."""
    from releaseconsole.sandbox import Options
    from releaseconsole.sandbox.scenario import SCENARIOS

    name = scenario.partition("@")[0]
    if name not in SCENARIOS:
        known = ", ".join(SCENARIOS)
        raise UsageError(f"There is no scenario “{name}”.", f"Choose one of {known}, or one with @context.")
    if speed <= 0:
        raise UsageError("--speed must be more than 0.", "1 is real time, 5 is five times as fast.")
    options = Options(scenario=scenario, seed=seed, speed=speed, port=port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options, kubeconfig, endpoints, workspace, until_eof=until_eof, as_json=as_json))


async def _serve(
    options: Any,
    kubeconfig: Path,
    endpoints: Path | None,
    workspace: Path | None,
    *,
    until_eof: bool,
    as_json: bool,
) -> None:
    from releaseconsole.sandbox import PracticeCluster

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    reader = await _stdin() if until_eof else None
    async with PracticeCluster(options) as cluster:
        overrides = endpoint_overrides(cluster)
        with _writing(kubeconfig):
            cluster.write_kubeconfig(kubeconfig)
        if endpoints is not None:
            with _writing(endpoints):
                await asyncio.to_thread(endpoints.write_text, json.dumps(overrides, indent=2), "utf-8")
        _announce(cluster, kubeconfig, overrides, as_json=as_json)
        if workspace is not None:
            from releaseconsole.sandbox.workspace import make_workspace

            # After the announcement: no action needs it in the first half second, and pods are waited for.
            await asyncio.to_thread(make_workspace, workspace, options, cluster.endpoints)
        if reader is not None:
            await _wait_for_eof(reader, stop)
        else:
            await stop.wait()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Name a file in a folder that can be written to."
        ) from error


def endpoint_overrides(cluster: PracticeCluster) -> dict[str, Any]:
    """Where the practice servers of each context are, in the form that plans are pointed with."""
    return {
        context: {"prometheus_url": places.prometheus, "variables": {"api": places.api}}
        for context, places in cluster.endpoints.items()
    }


def _announce(
    cluster: PracticeCluster, kubeconfig: Path, overrides: dict[str, Any], *, as_json: bool
) -> None:
    if as_json:
        print(json.dumps({"kubeconfig": str(kubeconfig), "endpoints": overrides}), flush=True)
        return
    for context, places in cluster.endpoints.items():
        print(f"{context:<11} {places.server}  prometheus {places.prometheus}  api {places.api}")
    print(
        f"\nexport KUBECONFIG={kubeconfig}\nkubectl --context production get pods\n\nCtrl+C ends it.",
        flush=True,
    )


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (OSError, ValueError, AttributeError):
        raise UsageError(
            "--until-eof needs a pipe or a terminal as stdin.", "Start it without, and end it with Ctrl+C."
        ) from None
    return reader


async def _wait_for_eof(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    """Until whoever holds the other end of stdin is gone, even if it was killed."""
    stopped = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(_drain(reader))
    _, pending = await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass
