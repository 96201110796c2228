from __future__ import annotations

import aiohttp
import pytest
from apikit import DEPLOYMENTS, PODS, VIEWER, Script, deployment, pod, serving

from releaseconsole.sandbox.api.faults import Fault, FlakyApi


@pytest.mark.parametrize("token", ["", "wrong", "operator-tokenx"])
async def test_without_a_known_token_there_is_nothing_to_see(token: str | None) -> None:
    async with serving() as api:
        answer = await api.get(PODS, token=token)
        assert answer.status == 401
        assert (answer.body["kind"], answer.body["reason"]) == ("Status", "Unauthorized")


async def test_health_and_version_need_no_token() -> None:
    async with serving() as api:
        for path in ("/readyz", "/livez", "/healthz"):
            assert (await api.get(path, token=None)).body == "ok"
        assert (await api.get("/version", token=None)).body["gitVersion"].startswith("v1.36")


async def test_a_viewer_reads_and_is_told_what_it_may_not() -> None:
    async with serving() as api:
        api.store.create("deployments", deployment())
        assert (await api.get(DEPLOYMENTS, token=VIEWER)).status == 200
        refused = await api.patch(f"{DEPLOYMENTS}/web", {"spec": {}}, "merge", token=VIEWER)
        assert (refused.status, refused.body["reason"]) == (403, "Forbidden")
        assert refused.body["message"] == (
            'deployments.apps "web" is forbidden: User "viewer" cannot patch resource "deployments" '
            'in API group "apps" in the namespace "shop"'
        )
        scaled = await api.patch(f"{DEPLOYMENTS}/web/scale", {"spec": {}}, "merge", token=VIEWER)
        assert 'cannot patch resource "deployments/scale"' in scaled.body["message"]
        created = await api.send("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}}, token=VIEWER)
        assert created.body["message"] == (
            'namespaces is forbidden: User "viewer" cannot create resource "namespaces" '
            'in API group "" at the cluster scope'
        )
        assert (await api.get("/api/v1/namespaces/shop/secrets", token=VIEWER)).status == 403


@pytest.mark.parametrize(
    ("token", "verb", "resource", "allowed"),
    [
        ("operator-token", "delete", "deployments", True),
        (VIEWER, "list", "pods", True),
        (VIEWER, "delete", "deployments", False),
        (VIEWER, "get", "secrets", False),
    ],
)
async def test_a_user_can_ask_what_it_may(token: str, verb: str, resource: str, allowed: bool) -> None:
    async with serving() as api:
        review = {"spec": {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "shop"}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = await api.send("POST", path, review, token=token)
        assert answer.status == 201
        assert answer.body["status"]["allowed"] is allowed
        assert answer.body["kind"] == "SelfSubjectAccessReview"


async def test_paths_methods_and_types_that_do_not_exist() -> None:
    async with serving() as api:
        assert (await api.get("/apis/nothing/v1/things")).status == 404
        assert (await api.get("/apis/apps/v1/deployments/web")).status == 404
        wrong_method = await api.send("POST", f"{PODS}/web-1", pod())
        assert (wrong_method.status, wrong_method.body["reason"]) == (405, "MethodNotAllowed")
        assert (await api.send("PUT", PODS, pod())).status == 405
        wrong_type = await api.send("POST", PODS, b"<pod/>", content_type="application/xml")
        assert (wrong_type.status, wrong_type.body["reason"]) == (415, "UnsupportedMediaType")
        picky = await api.get(PODS, headers={"Accept": "application/xml"})
        assert (picky.status, picky.body["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff\xfe",
        b'{"metadata": 5}',
        b"NaN",
        b'{"a":' * 5000,
        b'{"a":' * 90 + b"1" + b"}" * 90,
    ],
)
async def test_a_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    async with serving() as api:
        answer = await api.send("POST", PODS, body)
        assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with serving() as api:
        answer = await api.send("POST", PODS, b" " * (4 * 1024 * 1024))
        assert (answer.status, answer.body["reason"]) == (413, "RequestEntityTooLarge")


async def test_discovery_names_every_kind_in_both_forms() -> None:
    async with serving() as api:
        plain = await api.get("/apis/apps/v1")
        assert {"deployments", "deployments/scale", "replicasets"} <= {
            entry["name"] for entry in plain.body["resources"]
        }
        aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        whole = await api.get("/apis", headers={"Accept": aggregated})
        assert whole.body["kind"] == "APIGroupDiscoveryList"
        assert "as=APIGroupDiscoveryList" in whole.headers["Content-Type"]
        groups = {item["metadata"]["name"] for item in whole.body["items"]}
        listed = {group["name"] for group in (await api.get("/apis")).body["groups"]}
        assert groups == listed
        assert {"apps", "authorization.k8s.io", "events.k8s.io"} <= groups


def drawn(seed: int, count: int = 200) -> list[Fault]:
    faults = FlakyApi(seed)
    return [faults.decide(watch=number % 5 == 0) for number in range(count)]


def test_faults_follow_from_the_seed() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_faults_of_every_sort_happen_and_never_three_refusals_in_a_row() -> None:
    faults = drawn(1, 2000)
    assert {0, 429, 500} == {fault.status for fault in faults}
    assert any(fault.drop_after for fault in faults)
    assert max(fault.delay for fault in faults) <= 1.5
    refused = "".join("x" if fault.status else "." for fault in faults)
    assert "xxx" not in refused


async def test_a_throttled_client_is_told_when_to_come_back() -> None:
    async with serving(faults=Script(Fault(status=429, retry_after=2), Fault(status=500))) as api:
        throttled = await api.get(PODS)
        assert (throttled.status, throttled.body["reason"]) == (429, "TooManyRequests")
        assert throttled.headers["Retry-After"] == "2"
        assert throttled.body["details"]["retryAfterSeconds"] == 2
        failed = await api.get(PODS)
        assert (failed.status, failed.body["reason"]) == (500, "InternalError")
        assert (await api.get(PODS)).status == 200


async def test_a_server_that_fails_is_still_ready() -> None:
    async with serving(faults=Script(*[Fault(status=500)] * 3)) as api:
        assert (await api.get("/readyz")).status == 200


async def test_a_dropped_watch_breaks_off() -> None:
    async with (
        serving(faults=Script(Fault(drop_after=0.05))) as api,
        api.watch(f"{PODS}?watch=true") as events,
    ):
        with pytest.raises(aiohttp.ClientError):
            await anext(events)
