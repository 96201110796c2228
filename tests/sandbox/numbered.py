"""StatefulSets and DaemonSets in a practice context whose clock only moves when told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from worlds import NAMESPACE, Obj, Practice

PLURALS = {"statefulset": "statefulsets", "daemonset": "daemonsets"}


def numbered(kind: str, name: str, image: str = "store/db:1", **spec: Any) -> Obj:
    """The manifest of a StatefulSet or DaemonSet with one container."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": 2, "containers": [{"name": "first", "image": image}]},
    }
    body: Obj = {"selector": {"matchLabels": labels}, "template": template, **spec}
    if kind == "statefulset":
        body.setdefault("serviceName", name)
    return {"metadata": {"name": name, "namespace": NAMESPACE, "labels": labels}, "spec": body}


class Sets:
    """One set, and everything that happened to it in the order it happened."""

    def __init__(self, kind: str, name: str, image: str = "store/db:1", **spec: Any) -> None:
        self.practice = Practice()
        self.kind, self.name = kind, name
        self.plural = PLURALS[kind]
        self.store = self.practice.store
        self.store.create(self.plural, numbered(kind, name, image, **spec))
        self.statuses: list[Obj] = []
        self.running: list[dict[str, str]] = []
        """What stood at each moment: image tag by pod."""
        self.practice.observe = self._observe

    def _observe(self) -> None:
        found = self.store.find(self.plural, NAMESPACE, self.name)
        if found is not None and found["status"] not in self.statuses[-1:]:
            self.statuses.append(found["status"])
        tags = self.tags()
        if tags not in self.running[-1:]:
            self.running.append(tags)

    def run(self, seconds: float = 60.0, until: Callable[[], bool] = lambda: False) -> bool:
        return self.practice.run(seconds, until)

    @property
    def object(self) -> Obj:
        return self.store.get(self.plural, NAMESPACE, self.name)

    @property
    def status(self) -> Obj:
        found: Obj = self.object["status"]
        return found

    def change(self, change: Callable[[Obj], None]) -> None:
        self.store.update(self.plural, NAMESPACE, self.name, change)

    def set(self, **spec: Any) -> None:
        self.change(lambda obj: obj["spec"].update(spec))

    def set_image(self, image: str) -> None:
        def change(obj: Obj) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

        self.change(change)

    def pods(self) -> dict[str, Obj]:
        return {pod["metadata"]["name"]: pod for pod in self.practice.pods(self.name)}

    def tags(self) -> dict[str, str]:
        """The tag that each pod runs; a pod on its way out has a minus before it."""
        return {
            name: ("-" if "deletionTimestamp" in pod["metadata"] else "")
            + pod["spec"]["containers"][0]["image"].partition(":")[2]
            for name, pod in self.pods().items()
        }

    def delete_pod(self, name: str) -> None:
        self.store.delete("pods", NAMESPACE, name, grace=None)

    def revisions(self) -> dict[str, int]:
        """Number of the ControllerRevision of each tag."""
        found = self.store.list("controllerrevisions", NAMESPACE, self._owned)
        return {_tag(one): one["revision"] for one in found}

    def revision_names(self) -> set[str]:
        found = self.store.list("controllerrevisions", NAMESPACE, self._owned)
        return {str(one["metadata"]["name"]) for one in found}

    def _owned(self, revision: Obj) -> bool:
        return bool(revision["metadata"]["labels"].get("app") == self.name)

    def messages(self, reason: str) -> list[str]:
        events = self.store.list("events", NAMESPACE)
        return [
            event["message"]
            for event in events
            if event["involvedObject"]["name"] == self.name and event["reason"] == reason
        ]


def _tag(revision: Obj) -> str:
    image: str = revision["data"]["spec"]["template"]["spec"]["containers"][0]["image"]
    return image.partition(":")[2]
