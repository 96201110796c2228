from __future__ import annotations

import pytest
from apikit import PODS, TOKEN, Recorded, Served, pod, serving, set_status, until

LOG = f"{PODS}/web-1/log"


def running(api: Served, **state: object) -> None:
    api.store.create("pods", pod())
    status = {"name": "web", "state": state or {"running": {}}}
    set_status(api.store, "pods", "web-1", phase="Running", containerStatuses=[status])


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "line 0\nline 1\nline 2\n"),
        ("tailLines=1", "line 2\n"),
        ("tailLines=0", ""),
        ("sinceSeconds=1", "line 2\n"),
        ("sinceTime=2027-01-15T07:59:58.9Z", "line 1\nline 2\n"),
        ("limitBytes=9", "line 0\nli"),
        ("container=web&tailLines=1&timestamps=true", "2027-01-15T07:59:59.000000000Z line 2\n"),
    ],
)
async def test_what_a_log_shows(query: str, text: str) -> None:
    async with serving(pod_logs=Recorded()) as api:
        running(api)
        answer = await api.get(f"{LOG}?{query}")
        assert (answer.status, answer.body) == (200, text)


async def test_a_followed_log_comes_as_it_is_written() -> None:
    logs = Recorded()
    async with serving(pod_logs=logs) as api:
        running(api)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with api.session.get(f"{api.server.url}{LOG}?follow=true", headers=headers) as response:
            assert [await response.content.readline() for _ in range(3)][2] == b"line 2\n"
            logs.more.set()
            assert await response.content.read() == b"line 3\n"
    assert logs.closed


async def test_a_reader_that_leaves_ends_the_following() -> None:
    logs = Recorded()
    async with serving(pod_logs=logs) as api:
        running(api)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with api.session.get(f"{api.server.url}{LOG}?follow=true", headers=headers) as response:
            await response.content.readline()
        await until(lambda: logs.closed)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"waiting": {"reason": "ContainerCreating"}}, "is waiting to start: ContainerCreating"),
        (
            {"waiting": {"reason": "ImagePullBackOff"}},
            "is waiting to start: trying and failing to pull image",
        ),
        ({"waiting": {}}, "is waiting to start: ContainerCreating"),
    ],
)
async def test_a_waiting_container_says_why(state: dict[str, object], sentence: str) -> None:
    async with serving(pod_logs=Recorded()) as api:
        running(api, **state)
        answer = await api.get(LOG)
        assert (answer.status, answer.body["message"]) == (400, f'container "web" in pod "web-1" {sentence}')


async def test_the_previous_container() -> None:
    async with serving(pod_logs=Recorded()) as api:
        running(api)
        missing = await api.get(f"{LOG}?previous=true")
        assert missing.body["message"] == 'previous terminated container "web" in pod "web-1" not found'
        status = {
            "name": "web",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
        set_status(api.store, "pods", "web-1", phase="Running", containerStatuses=[status])
        assert (await api.get(f"{LOG}?previous=true")).body == "before the crash\n"
        assert (await api.get(LOG)).status == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("container=none", 400),
        ("tailLines=x", 400),
        ("sinceTime=now", 400),
        ("tailLines=-1", 422),
        ("sinceSeconds=1&sinceTime=2027-01-01T00:00:00Z", 422),
    ],
)
async def test_options_that_make_no_sense(query: str, status: int) -> None:
    async with serving(pod_logs=Recorded()) as api:
        running(api)
        assert (await api.get(f"{LOG}?{query}")).status == status


async def test_one_of_several_containers_has_to_be_named() -> None:
    async with serving(pod_logs=Recorded()) as api:
        two = pod()
        two["spec"]["containers"].append({"name": "side", "image": "side:1"})
        api.store.create("pods", two)
        answer = await api.get(LOG)
        assert answer.body["message"] == (
            "a container name must be specified for pod web-1, choose one of: [web side]"
        )


async def test_a_pod_without_a_node_has_an_empty_log() -> None:
    async with serving(pod_logs=Recorded()) as api:
        api.store.create("pods", pod(node=""))
        assert (await api.get(LOG)).body == ""
