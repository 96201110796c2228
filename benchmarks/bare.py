"""The floor under a rollback: the same patches sent by bare asyncio, all at once, from connections that are warm."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from benchmarks.plane import ADMIN, Fleet

if TYPE_CHECKING:
    import aiohttp

LOOKS = 9
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


async def patched(fleet: Fleet, tag: str) -> tuple[float, list[float]]:
    """Seconds from the first PATCH sent to the last one answered, and those of single GETs one after the other."""
    import aiohttp

    kit = fleet.plane.kit
    headers = {"Authorization": f"Bearer {kit.tokens[ADMIN]}"}
    connector = aiohttp.TCPConnector(limit=0, ssl=kit.trust())
    async with aiohttp.ClientSession(kit.server, connector=connector, headers=headers) as session:
        found = await asyncio.gather(*(_read(session, f"{fleet.path}/{name}") for name in fleet.names))
        looks = [await _looked(session, f"{fleet.path}/{fleet.names[0]}") for _ in range(LOOKS)]
        patches = [_patch(one, tag) for one in found]
        started = time.perf_counter()
        await asyncio.gather(
            *(
                _send(session, f"{fleet.path}/{name}", patch)
                for name, patch in zip(fleet.names, patches, strict=True)
            )
        )
        return time.perf_counter() - started, looks


def _patch(found: dict[str, Any], tag: str) -> bytes:
    """What the console would send, to another image."""
    metadata, template = found["metadata"], found["spec"]["template"]
    template["spec"]["containers"][0]["image"] = f"shop:{tag}"
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": metadata["generation"]},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    return json.dumps(operations).encode()


async def _read(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with session.get(path) as answer:
        answer.raise_for_status()
        found: dict[str, Any] = await answer.json()
        return found


async def _looked(session: aiohttp.ClientSession, path: str) -> float:
    started = time.perf_counter()
    async with session.get(path) as answer:
        await answer.read()
    return time.perf_counter() - started


async def _send(session: aiohttp.ClientSession, path: str, patch: bytes) -> None:
    async with session.patch(path, data=patch, headers=JSON_PATCH) as answer:
        await answer.read()
        answer.raise_for_status()
