"""A cluster without Argo Rollouts: the kind is named as what is missing, and everything else works."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from argo import Argo, Shop, installed
from bench import Bench
from control_plane import ADMIN, ControlPlane
from session_bench import is_live, opened, plan_for, refusals, row, until
from watching import Impatient, watching

from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.decode import ROLLOUTS
from releaseconsole.cluster.rollback import plan_rollback
from releaseconsole.errors import NotFound

WORDS = "does not know the kind Rollout"


@pytest.fixture
def clock() -> Impatient:
    return Impatient()


@pytest.fixture
async def client(kubeconfig: Path, clock: Impatient) -> AsyncIterator[Client]:
    async with await connect(ADMIN, kubeconfig=kubeconfig, clock=clock) as connected:
        yield connected


@pytest.fixture
def argo(control_plane: ControlPlane) -> Callable[[], AbstractContextManager[Argo]]:
    """Installs Argo Rollouts for a while."""
    return partial(installed, control_plane)


async def test_a_rollback_names_the_kind_that_the_cluster_lacks(bench: Bench, client: Client) -> None:
    with pytest.raises(NotFound, match=WORDS) as caught:
        await plan_rollback(client, bench.namespace, "rollout/shop")
    assert "Install its CRD" in caught.value.remedy


async def test_a_watch_says_so_asks_rarely_and_works_once_the_kind_is_there(
    bench: Bench, client: Client, clock: Impatient, argo: Callable[[], AbstractContextManager[Argo]]
) -> None:
    async with watching(client, bench, ROLLOUTS) as cache:
        assert cache.denied
        assert not cache.synced
        assert WORDS in cache.error
        await bench.until(lambda: len(clock.asked) > 1, "it was asked for again")
        assert min(clock.asked) >= 15
        with argo():
            Shop(bench).create("shop:good-1")
            await bench.until(lambda: "shop" in cache.objects, "the Rollout is seen")
            assert not cache.denied
        await bench.until(lambda: cache.denied and WORDS in cache.error, "the kind has gone again")


async def test_the_other_workloads_of_a_plan_are_not_hurt(
    bench: Bench, kubeconfig: Path, tmp_path: Path, clock: Impatient
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    plan = plan_for(bench, "deployment/shop", "rollout/desk")
    async with opened(plan, kubeconfig, tmp_path, clock=clock) as session:
        await until(session, lambda: "rollouts" in refusals(session), "the missing kind is shown")
        assert WORDS in refusals(session)["rollouts"]
        await until(session, lambda: is_live(session), "everything else is live")
        assert row(session).state == "complete"
        assert row(session, "desk").state == "unknown"
        assert WORDS in row(session, "desk").message
        await bench.release("deployment", "shop", "shop:good-2")
        await until(session, lambda: row(session).image == "shop:good-2", "the rest goes on")
