"""A context that leads to another cluster than before: the console says so, shows both, and asks once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frame_driver import Console, opened
from standin import StandIn

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.session.views import EnvironmentView, Freshness, Liveness, Refusal

BEFORE = SeenCluster("5f1c-before", "https://prod.example", "bilal", 1.0)
NOW = SeenCluster("9a7e-now", "https://staging.example")
REFUSAL = Refusal("prod-eu", BEFORE, NOW)
ACCEPTED = ("accept", "prod-eu", "9a7e-now")


def refused(view: EnvironmentView) -> EnvironmentView:
    return replace(
        view,
        cluster=Freshness(Liveness.REFUSED, 0.0, str(REFUSAL)),
        workloads=(),
        pods=(),
        refusals=(REFUSAL,),
    )


def session(**how: bool) -> StandIn:
    made = StandIn(**how)
    made.views["production"] = refused(made.views["production"])
    return made


async def at_production(console: Console) -> None:
    await console.press("4")
    await console.sees("ANOTHER CLUSTER")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_refusal_is_seen_at_a_glance_and_names_both_clusters(size: tuple[int, int]) -> None:
    async with opened(session(), size=size) as console:
        await at_production(console)
        await console.press("R")
        shown = " ".join(console.text().split())
        assert "pointed to another cluster before" in shown
        assert "https://prod.example" in shown


async def test_the_key_asks_with_both_clusters_and_a_yes_confirms() -> None:
    async with opened(session()) as console:
        await at_production(console)
        await console.sees("A accept cluster")
        await console.press("A")
        await console.sees(
            "Another cluster behind prod-eu?",
            "https://prod.example",
            "kube-system 5f1c-before",
            "https://staging.example",
            "kube-system 9a7e-now",
        )
        assert ACCEPTED not in console.session.calls
        await console.press("y")
        await console.until(lambda: ACCEPTED in console.session.calls)


@pytest.mark.parametrize("key", ["n", "escape", "q"])
async def test_anything_but_yes_keeps_refusing_it(key: str) -> None:
    async with opened(session()) as console:
        await at_production(console)
        await console.press("A")
        await console.sees("Another cluster behind prod-eu?")
        await console.press("enter", "space", key)
        await console.until(lambda: console.dialog == "MainScreen")
        assert ACCEPTED not in console.session.calls


async def test_where_nothing_is_refused_there_is_nothing_to_accept() -> None:
    async with opened(StandIn()) as console:
        await console.press("4", "A")
        assert console.dialog == "MainScreen"
        assert "accept cluster" not in console.text()


async def test_a_read_only_console_does_not_ask() -> None:
    async with opened(session(read_only=True)) as console:
        await at_production(console)
        console.app.want("accept-cluster")  # type: ignore[attr-defined]
        await console.pilot.pause()
        assert console.dialog == "MainScreen"
        assert any("read-only" in toast for toast in console.toasts())


async def test_a_server_that_does_not_answer_is_said_to_be_tried_again() -> None:
    down = StandIn()
    trying = "It is tried again at least every 30 s for as long as the console is open (for 3 m by now)."
    cluster = Freshness(Liveness.STALE, 0.0, "https://prod.example cannot be reached: refused.", trying)
    down.views["production"] = replace(down.views["production"], cluster=cluster, workloads=(), pods=())
    async with opened(down) as console:
        await console.press("4", "R", "z")
        await console.sees(
            "cannot be reached: refused.", "It is tried again at least every 30 s", "3 m by now"
        )
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen", "the console is usable")
