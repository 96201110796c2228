"""What a row stands on: a namespace of its own on one of the two servers, and plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Obj = dict[str, Any]

#: Who asks: one who may do everything, and one who may read pods and workloads, and write nothing.
ADMIN, READER = "admin", "reader"
_PATIENCE = 20.0
_PATCHES = {
    "json-patch": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
    "json": "application/json",
}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two servers: where it is, who may ask, and how its containers come to say something."""

    http: httpx.AsyncClient
    tokens: Mapping[str, str]
    names: Mapping[str, str]
    """What the server calls the users."""
    write_log: Callable[[int], None]
    """Lets every container named ``first`` write that many lines, where they do not do so by themselves."""
    forget: Callable[[], Awaitable[None]]
    """Makes the server forget its history."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str]
    tidy: Callable[[str], str]

    @property
    def said(self) -> str:
        """``409 Conflict: <sentence>`` of a refusal, else the status code alone."""
        if not isinstance(self.body, dict) or self.body.get("kind") != "Status":
            return str(self.status)
        reason, message = self.body.get("reason", ""), self.body.get("message")
        head = f"{self.status} {reason or self.body.get('status', '')}"
        return self.tidy(f"{head}: {message}" if message else head)

    @property
    def reason(self) -> str:
        """Status code and reason, without the sentence."""
        return self.said.partition(":")[0]

    @property
    def details(self) -> Any:
        """The details of a ``Status``, tidied."""
        return json.loads(self.tidy(json.dumps(self.body.get("details"))))

    @property
    def meta(self) -> Obj:
        return dict(self.body["metadata"])

    @property
    def version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])


@dataclass(frozen=True, slots=True)
class Ground:
    """A namespace of one server; ``{ns}`` in a path stands for it."""

    server: Server
    namespace: str

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "json",
        who: str | None = ADMIN,
        accept: str = "application/json",
        **query: Any,
    ) -> Said:
        """One request; ``body`` is sent as JSON unless it is bytes, ``kind`` names its media type."""
        headers = {"Accept": accept, "User-Agent": "conformance/1"}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.server.tokens.get(who, who)}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = _PATCHES.get(kind, kind)
        url = self.path(path)
        answer = await self.server.http.request(
            method, url, content=content, headers=headers, params=query or None
        )
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Said(answer.status_code, answer.json() if is_json else answer.text, answer.headers, self.tidy)

    def path(self, path: str) -> str:
        return path.replace("{ns}", self.namespace)

    def tidy(self, text: str) -> str:
        """Without what differs from run to run."""
        text = text.replace(self.namespace, "NS")
        for role, name in self.server.names.items():
            text = text.replace(f'User "{name}"', f'User "{role}"')
        return _UID.sub("UID", text)

    async def get(self, path: str, **options: Any) -> Said:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Said:
        return await self.ask("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Said:
        return await self.ask("PUT", path, body, **options)

    async def patch(self, path: str, body: Any, kind: str = "merge", **options: Any) -> Said:
        return await self.ask("PATCH", path, body, kind=kind, **options)

    async def delete(self, path: str, body: Any = None, **options: Any) -> Said:
        return await self.ask("DELETE", path, body, **options)

    async def apply(self, path: str, body: Obj, manager: str = "first", **options: Any) -> Said:
        return await self.ask("PATCH", path, body, kind="apply", fieldManager=manager, **options)

    async def made(self, path: str, body: Obj, **options: Any) -> Obj:
        """A new object; fails when it is refused."""
        said = await self.post(path, body, **options)
        assert said.status == 201, said.body
        return dict(said.body)

    async def found(self, path: str) -> Obj:
        """An object or list that is there."""
        said = await self.get(path)
        assert said.status == 200, said.body
        return dict(said.body)

    @contextlib.asynccontextmanager
    async def watch(self, path: str, **query: Any) -> AsyncIterator[Events]:
        """A watch that is open until the block ends."""
        headers = {
            "Authorization": f"Bearer {self.server.tokens[ADMIN]}",
            "Accept": query.pop("accept", "*/*"),
        }
        params = {"watch": "true", **query}
        request = self.server.http.stream("GET", self.path(path), headers=headers, params=params)
        async with request as answer:
            yield Events(self, answer, answer.aiter_lines())

    async def until(
        self, path: str, holds: Callable[[Obj], Any], what: str, seconds: float = _PATIENCE
    ) -> Obj:
        """Asks again and again until ``holds(body)``; the body. Fails after ``seconds``."""
        return dict(
            await self._until(path, lambda body: isinstance(body, dict) and holds(body), what, seconds)
        )

    async def until_text(self, path: str, holds: Callable[[str], bool], what: str) -> None:
        """The same of an answer that is text."""
        await self._until(path, lambda body: isinstance(body, str) and holds(body), what, _PATIENCE)

    async def _until(self, path: str, holds: Callable[[Any], Any], what: str, seconds: float) -> Any:
        end = time.monotonic() + seconds
        while not holds(body := (await self.get(path)).body):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}: {body}"
            await asyncio.sleep(0.03)
        return body


@dataclass(frozen=True, slots=True)
class Events:
    """What a watch says."""

    ground: Ground
    answer: httpx.Response
    lines: AsyncIterator[str]

    async def take(self, count: int) -> list[Obj]:
        """The next events, bookmarks included."""
        async with asyncio.timeout(_PATIENCE):
            return [json.loads(await anext(self.lines)) for _ in range(count)]

    async def rest(self) -> list[Obj]:
        """All events until the server ends the watch."""
        async with asyncio.timeout(_PATIENCE):
            return [json.loads(line) async for line in self.lines]

    async def names(self, count: int) -> list[str]:
        """``TYPE name`` of the next events."""
        return [brief(event) for event in await self.take(count)]


def brief(event: Obj) -> str:
    """``ADDED shop``; of an ERROR its code and reason."""
    thing = event["object"]
    if event["type"] == "ERROR":
        return f"ERROR {thing['code']} {thing['reason']}"
    return f"{event['type']} {thing['metadata'].get('name', '')}".strip()
