"""A list of many pages whose place is forgotten between two of them: it begins again, and holds everything."""

from __future__ import annotations

import asyncio

from aiohttp import web
from bench import Bench
from control_plane import ControlPlane
from gate import Gate
from watching import equal_to_a_fresh_list, live, watching

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import DEPLOYMENTS


async def test_a_page_that_was_compacted_away_means_a_new_list(
    bench: Bench, gate: Gate, gated: Client, control_plane: ControlPlane
) -> None:
    for number in range(7):
        bench.deploy(f"shop-{number}", replicas=1)
    answers: list[int] = []

    async def forgetting(request: web.Request) -> web.StreamResponse | None:
        if "continue" not in request.query or answers:
            return None
        bench.delete("deployment", "shop-0")
        # A fresh API server has no history of its own, so that what etcd has forgotten is gone for good.
        control_plane.compact()
        await asyncio.to_thread(control_plane.restart_api_server)
        async with gate.asking(request) as found:
            answers.append(found.status)
            return web.Response(status=found.status, body=await found.read(), content_type="application/json")

    gate.hooks.append(forgetting)
    async with watching(gated, bench, DEPLOYMENTS, page=3) as cache:
        assert answers == [410]
        await equal_to_a_fresh_list(bench, cache)
        await live(bench, cache)
        assert "shop-0" not in cache.objects
        assert len(cache.objects) == 6
