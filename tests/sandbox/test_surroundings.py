"""What stands around the workloads: autoscalers in both versions, disruption budgets, ingresses."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apikit import Served, serving
from numbered import Sets
from test_practice_kubectl import Kubectl
from worlds import NAMESPACE

from releaseconsole.sandbox import Options, PracticeCluster

V1 = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
SPEC = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 5}
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "30"}},
}


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    body = {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler"}
    return {**body, "metadata": {"name": "web"}, "spec": {**SPEC, **spec}}


class TestAutoscalers:
    async def test_both_versions_are_discovered_the_newer_first(self, served: Served) -> None:
        group = (await served.get("/apis/autoscaling")).body
        assert [one["version"] for one in group["versions"]] == ["v2", "v1"]
        assert group["preferredVersion"]["version"] == "v2"
        listed = (await served.get("/apis/autoscaling/v1")).body["resources"]
        assert {one["name"] for one in listed} == {
            "horizontalpodautoscalers",
            "horizontalpodautoscalers/status",
        }

    async def test_what_is_made_in_the_older_version_is_read_in_the_newer(self, served: Served) -> None:
        made = await served.send("POST", V1, autoscaler("v1", targetCPUUtilizationPercentage=70))
        assert (made.status, made.body["spec"]["targetCPUUtilizationPercentage"]) == (201, 70)
        read = (await served.get(f"{V2}/web")).body
        assert (read["apiVersion"], read["spec"]["metrics"]) == ("autoscaling/v2", [CPU])

    async def test_other_metrics_survive_a_change_through_the_older_version(self, served: Served) -> None:
        await served.send("POST", V2, autoscaler("v2", metrics=[QUEUE, CPU]))
        shown = (await served.get(f"{V1}/web")).body
        assert "metrics" not in shown["spec"]
        changed = await served.patch(f"{V1}/web", {"spec": {"maxReplicas": 9}}, "merge")
        assert (changed.status, changed.body["spec"]["maxReplicas"]) == (200, 9)
        read = (await served.get(f"{V2}/web")).body
        assert (read["spec"]["metrics"], read["metadata"].get("annotations")) == ([CPU, QUEUE], None)

    async def test_lists_and_watches_speak_the_version_that_was_asked_for(self, served: Served) -> None:
        await served.send("POST", V2, autoscaler("v2", metrics=[CPU]))
        listed = (await served.get(V1)).body
        assert listed["apiVersion"] == "autoscaling/v1"
        assert listed["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 70
        async with served.watch(f"{V1}?watch=true") as events:
            event = await anext(events)
        assert event["object"]["apiVersion"] == "autoscaling/v1"

    @pytest.mark.parametrize("share", ["many", [], {"a": 1}, True])
    async def test_a_wrong_type_is_refused(self, served: Served, share: Any) -> None:
        said = await served.send("POST", V1, autoscaler("v1", targetCPUUtilizationPercentage=share))
        assert said.status == 400

    @pytest.mark.parametrize("note", ["[", "{}", "null"])
    async def test_a_damaged_annotation_holds_no_metrics(self, served: Served, note: str) -> None:
        body = autoscaler("v1")
        body["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": note}
        assert (await served.send("POST", V1, body)).status == 201
        assert not (await served.get(f"{V2}/web")).body["spec"].get("metrics")

    def test_the_status_tells_the_size_of_a_stateful_set_and_nothing_is_scaled(self) -> None:
        sets = Sets("statefulset", "db", replicas=2)
        target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
        spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5, "metrics": [CPU]}
        wanted = {"metadata": {"name": "db", "namespace": NAMESPACE}, "spec": spec}
        sets.store.create("horizontalpodautoscalers", wanted)
        sets.run()
        status = sets.store.get("horizontalpodautoscalers", NAMESPACE, "db")["status"]
        assert (status["currentReplicas"], status["desiredReplicas"], len(sets.pods())) == (2, 2, 2)


class TestBudgets:
    def budget(self, sets: Sets, **spec: Any) -> dict[str, Any]:
        wanted = {"metadata": {"name": "db", "namespace": NAMESPACE}, "spec": spec}
        sets.store.create("poddisruptionbudgets", wanted)
        sets.run()
        status: dict[str, Any] = sets.store.get("poddisruptionbudgets", NAMESPACE, "db")["status"]
        return status

    def test_it_counts_the_pods_of_its_selector(self) -> None:
        sets = Sets("statefulset", "db", replicas=3)
        status = self.budget(sets, minAvailable=2, selector={"matchLabels": {"app": "db"}})
        counts = ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")
        assert [status[one] for one in counts] == [3, 3, 2, 1]
        assert [one["reason"] for one in status["conditions"]] == ["SufficientPods"]

    def test_a_broken_pod_uses_it_up(self) -> None:
        sets = Sets("statefulset", "db", replicas=3)
        sets.run()
        sets.set_image("store/db:2-stuck")
        status = self.budget(sets, maxUnavailable=1, selector={"matchLabels": {"app": "db"}})
        assert (status["currentHealthy"], status["disruptionsAllowed"]) == (2, 0)
        assert [one["reason"] for one in status["conditions"]] == ["InsufficientPods"]

    def test_without_a_selector_it_speaks_of_no_pod(self) -> None:
        assert self.budget(Sets("statefulset", "db"), minAvailable=1)["expectedPods"] == 0


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
async def test_kubectl_shows_them(tmp_path: Path) -> None:
    async with PracticeCluster(Options(speed=10.0, ready_seconds=0.5)) as cluster:
        kubectl = Kubectl(cluster, tmp_path, "production")
        shown = await kubectl("get", "hpa,pdb,ingress")
        assert all(word in shown for word in ("horizontalpodautoscaler", "poddisruptionbudget", "ingress"))
        older = json.loads(
            await kubectl("get", "horizontalpodautoscalers.v1.autoscaling/api-gateway", "-o", "json")
        )
        assert older["spec"]["targetCPUUtilizationPercentage"] == 60
        assert older["status"]["currentCPUUtilizationPercentage"] == 34
