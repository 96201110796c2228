"""A practice context on a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from releaseconsole.sandbox.world import World

START = 1_790_000_000.0
NAMESPACE = "healthpay"
Obj = dict[str, Any]


class ManualClock:
    """Time stands still until somebody moves it; sleeping moves it, and then whoever has work does it."""

    def __init__(self, at: float = START) -> None:
        self.at = at
        self.moved: Callable[[], object] = lambda: None

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.moved()


class Practice:
    """A planted context, and what the tests do with it."""

    def __init__(self, scenario: str = "healthy", context: str = "production", seed: int = 1) -> None:
        self.clock = ManualClock()
        self.scenario = scenario
        self.world = World(context, self.clock, lambda: self.scenario, random_seed=seed)
        self.world.plant()
        self.store = self.world.store
        self.observe: Callable[[], None] = lambda: None

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Lets time pass, due time by due time; True as soon as ``until`` holds."""
        end = self.clock.at + seconds
        for _ in range(5000):
            due = self.world.step()
            self.observe()
            if until():
                return True
            if due > end:
                self.clock.at = end
                return until()
            self.clock.at = max(self.clock.at, due)
        raise AssertionError("the controllers never come to rest")

    def deployment(self, name: str = "api-gateway") -> Obj:
        return self.store.get("deployments", NAMESPACE, name)

    def change(self, name: str, change: Callable[[Obj], None]) -> None:
        self.store.update("deployments", NAMESPACE, name, change)

    def set_image(self, tag: str, name: str = "api-gateway") -> None:
        def change(obj: Obj) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = f"healthpay/{name}:{tag}"

        self.change(name, change)

    def undo(self, name: str = "api-gateway") -> None:
        """What ``kubectl rollout undo`` does: the template of the second highest revision."""
        self.back_to(sorted(revision(rs) for rs in self.replica_sets(name))[-2], name)

    def back_to(self, number: int, name: str = "api-gateway") -> None:
        """The template of one revision, without the label that the controller adds."""
        (target,) = (rs for rs in self.replica_sets(name) if revision(rs) == number)
        template = target["spec"]["template"]

        def change(obj: Obj) -> None:
            labels = {key: text for key, text in template["metadata"]["labels"].items() if "hash" not in key}
            obj["spec"]["template"] = {**template, "metadata": {**template["metadata"], "labels": labels}}

        self.change(name, change)

    def replica_sets(self, name: str = "api-gateway") -> list[Obj]:
        return self.store.list("replicasets", NAMESPACE, lambda rs: rs["metadata"]["labels"]["app"] == name)

    def pods(self, name: str = "api-gateway") -> list[Obj]:
        return self.store.list("pods", NAMESPACE, lambda pod: pod["metadata"]["labels"].get("app") == name)

    def complete(self, name: str = "api-gateway") -> bool:
        deployment = self.deployment(name)
        wanted, status = deployment["spec"]["replicas"], deployment["status"]
        return (
            status["observedGeneration"] == deployment["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == wanted
            and status.get("replicas", 0) == wanted
            and status.get("availableReplicas", 0) == wanted
        )

    def progressing(self, name: str = "api-gateway") -> Obj:
        conditions = self.deployment(name)["status"]["conditions"]
        return next(found for found in conditions if found["type"] == "Progressing")

    def reasons(self, name: str) -> set[str]:
        """Reasons of the events about objects whose name starts so."""
        events = self.store.list("events", NAMESPACE)
        return {event["reason"] for event in events if event["involvedObject"]["name"].startswith(name)}


def revision(obj: Obj) -> int:
    return int(obj["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
