"""The start of a long answer: how long it may take, and that it is never asked for twice behind one's back."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web
from api_stub import connected, streaming

from releaseconsole.errors import Unreachable


async def test_a_stream_whose_connection_breaks_before_its_answer_is_not_asked_for_again(
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with connected(tmp_path, answer) as client, aclosing(client.stream("/log")) as chunks:
        with pytest.raises(Unreachable, match="broke off"):
            await anext(chunks)
    assert asked == ["/log"]


async def test_a_stream_may_be_given_more_time_to_begin_than_others(tmp_path: Path) -> None:
    begin = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await begin.wait()
        return await streaming(request)

    async with connected(tmp_path, answer) as client:
        async with aclosing(client.stream("/log", head=0.05)) as hasty:
            with pytest.raises(Unreachable, match="no answer"):
                await anext(hasty)
        async with aclosing(client.stream("/log", head=5.0)) as patient:
            first = asyncio.ensure_future(anext(patient))
            begin.set()
            assert await first == b""
