"""Reading what an API server sends, and what something else sends in its place."""

from __future__ import annotations

import json

import pytest
from cluster_objects import pod, waiting

from releaseconsole.cluster import objects
from releaseconsole.cluster.decode import (
    PODS,
    EventOf,
    decode,
    decode_page,
    decode_status,
    decode_watch,
    segment,
)
from releaseconsole.cluster.objects import seconds
from releaseconsole.cluster.pods import pod_phase, pod_problem, ready_containers
from releaseconsole.errors import ApiRejected


def test_an_object_with_nothing_in_it_is_readable() -> None:
    empty = decode(objects.Pod, b"{}")
    assert empty.metadata.name == ""
    assert pod_phase(empty) == "Unknown"
    assert pod_problem(empty) is None
    assert ready_containers(empty) == (0, 0)


def test_nulls_are_read_as_absent() -> None:
    body = (
        b'{"metadata":{"name":"a","labels":null,"ownerReferences":null},"spec":null,"status":{"phase":null}}'
    )
    read = decode(objects.Pod, body)
    assert read.metadata.name == "a"
    assert read.metadata.labels == {}


def test_a_template_keeps_its_nulls_because_a_rollback_sends_it_back() -> None:
    body = (
        b'{"metadata":{"labels":null},"spec":{"template":{"metadata":{"creationTimestamp":null},"spec":{}}}}'
    )
    assert decode(objects.Deployment, body).spec.template == {
        "metadata": {"creationTimestamp": None},
        "spec": {},
    }


def test_a_list_of_null_is_an_empty_page() -> None:
    page = decode_page(objects.Pod, b'{"metadata":{"resourceVersion":"7"},"items":null}')
    assert page.items == []
    assert page.resource_version == "7"


def test_one_unreadable_object_is_counted_and_hides_no_other() -> None:
    items = [
        {"metadata": {"name": "good"}},
        {"metadata": {"name": 5}},
        {"metadata": {"name": "null", "labels": None}},
    ]
    page = decode_page(objects.Pod, json.dumps({"metadata": {"continue": "more"}, "items": items}).encode())
    assert [one.metadata.name for one in page.items] == ["good", "null"]
    assert page.unreadable == 1
    assert page.next == "more"


def test_broken_utf_8_in_a_message_is_replaced_and_not_fatal() -> None:
    page = decode_page(objects.Event, b'{"items":[{"metadata":{"name":"a"},"message":"\xff\xfe"}]}')
    assert page.items[0].message == "\ufffd\ufffd"


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b"", b"null", b"[]", b'{"items": 3}', b"\xff"])
def test_what_is_no_list_is_said_not_to_be_kubernetes(body: bytes) -> None:
    with pytest.raises(ApiRejected) as caught:
        decode_page(objects.Pod, body)
    assert "Kubernetes" in caught.value.message
    assert caught.value.remedy


def test_a_change_of_a_watch_is_read_at_once() -> None:
    event = decode_watch(objects.Pod, b'{"type":"MODIFIED","object":{"metadata":{"name":"a"}}}')
    assert isinstance(event, EventOf)
    assert (event.type, event.object.metadata.name) == ("MODIFIED", "a")


def test_an_error_event_is_a_status_even_when_it_would_fit_the_object() -> None:
    said = decode_watch(
        objects.Pod, b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}'
    )
    assert isinstance(said, objects.Status)
    assert said.code == 410


def test_an_unreadable_object_in_a_watch_is_passed_over() -> None:
    assert decode_watch(objects.Pod, b'{"type":"ADDED","object":{"metadata":[]}}') is None


def test_a_refusal_that_is_no_status_is_an_empty_one() -> None:
    assert decode_status(b"<html>502 Bad Gateway</html>") == objects.Status()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("2026-01-01T01:00:00.500000+01:00", 1767225600.5),
        ("2026-01-01T00:00:00.123456789Z", 1767225600.123456),
        ("yesterday", 0.0),
        ("", 0.0),
        (None, 0.0),
    ],
)
def test_times_become_seconds_since_the_epoch(text: str | None, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected, abs=1e-6)


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    assert PODS.path("shop", "../../secrets?x") == "/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets%3Fx"
    assert segment("..") == "%2E%2E"


def test_a_pod_says_what_kubectl_says() -> None:
    assert pod_phase(pod()) == "Running"
    assert pod_phase(pod(status=waiting("ImagePullBackOff"))) == "ImagePullBackOff"
    assert pod_phase(pod(deletionTimestamp="2026-01-01T00:00:00Z")) == "Terminating"
    assert pod_phase(pod(status={"phase": "Failed", "reason": "Evicted"})) == "Evicted"


def test_a_failed_init_container_is_named_as_such() -> None:
    status = {
        "phase": "Pending",
        "initContainerStatuses": [
            {"name": "migrate", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
        ],
        "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}],
    }
    assert pod_phase(pod(status=status)) == "Init:Error"


def test_a_control_sequence_in_a_reason_stays_harmless() -> None:
    assert "\x1b" not in pod_phase(pod(status=waiting("\x1b[2J\x1b]0;x\x07")))
