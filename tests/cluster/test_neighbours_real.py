"""Autoscalers, disruption budgets and Ingresses on a real API server: what is said of them is what happens."""

from __future__ import annotations

from pathlib import Path

from bench import Bench, Obj
from session_bench import create, opened, plan_for, row, set_status, until

_SELECTOR = {"matchLabels": {"app": "shop"}}


def _service(bench: Bench) -> None:
    ports = [{"name": "http", "port": 80}]
    body: Obj = {"metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}, "ports": ports}}
    bench.create("service", {"apiVersion": "v1", "kind": "Service", **body})


def _ingress(bench: Bench, port: str) -> None:
    backend = {"service": {"name": "shop", "port": {"name": port}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    create(bench, "ingresses", "front", {"rules": [{"http": {"paths": paths}}]})


async def test_a_used_up_budget_stops_evictions_and_not_the_rollback_and_the_row_says_so(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    create(bench, "poddisruptionbudgets", "shop", {"minAvailable": 2, "selector": _SELECTOR})
    counts = {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2}
    set_status(bench, "poddisruptionbudgets", "shop", {**counts, "observedGeneration": 1})
    async with opened(plan_for(bench), kubeconfig, tmp_path) as session:
        await until(session, lambda: row(session).notes, "the budget is shown")
        (note,) = row(session).notes
        assert "PodDisruptionBudget shop allows no eviction now (2 healthy, 2 needed)" in note
        assert "rollouts and rollbacks do not" in note
        assert (await session.look("budget")).status == "failed"
        assert _evict(bench) == 429
        await session.pin("real")
        assert note in (await session.preview_rollback("real")).lines[0].note
        await bench.release("deployment", "shop", "shop:good-2")
        assert (await session.roll_back("real")).outcome == "complete"
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_the_replicas_that_an_autoscaler_has_set_stay_and_the_preview_names_it(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    create(
        bench,
        "horizontalpodautoscalers",
        "shop",
        {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6},
    )
    async with opened(plan_for(bench), kubeconfig, tmp_path) as session:
        await until(session, lambda: row(session).autoscaler, "the autoscaler is shown")
        assert row(session).autoscaler == "replicas are set by HPA shop (2–6)"
        assert (await session.look("scaled")).status == "passed"
        await session.pin("real")
        bench.set_image("deployment", "shop", "shop:good-2")
        bench.patch("deployment", "shop", {"spec": {"replicas": 5}})
        await bench.settled("deployment", "shop")
        preview = await session.preview_rollback("real")
        assert "replica counts (shop: HPA shop 2–6)" in preview.not_restored
        assert (await session.roll_back("real")).outcome == "complete"
        bench.patch("deployment", "shop", {"spec": {"replicas": 0}})
        await until(session, lambda: row(session).state == "scaled to zero", "nothing runs")
        assert "rests while there are 0 replicas" in row(session).autoscaler
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_the_way_in_is_checked_from_no_ingress_to_one_with_an_address(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    _service(bench)
    async with opened(plan_for(bench), kubeconfig, tmp_path) as session:

        async def said(words: str) -> None:
            found = await session.look("ingress")
            while words not in found.reason:
                version = session.version
                await session.changed(version)
                found = await session.look("ingress")

        await said(f"no Ingress in admin/{bench.namespace} sends to shop")
        _ingress(bench, "http")
        await said("has no address")
        address = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
        set_status(bench, "ingresses", "front", address)
        await said("1 Ingress with an address, every port exists")
        bench.patch("service", "shop", {"spec": {"ports": [{"port": 80, "name": "web"}]}})
        await said("sends to shop:http, but the Service has 80 (web)")


def _evict(bench: Bench) -> int:
    pod = str(bench.list("pod")[0]["metadata"]["name"])
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    return bench.plane.api.post(f"{bench.path('pod', pod)}/eviction", json=body).status_code
