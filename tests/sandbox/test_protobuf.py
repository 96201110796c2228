from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.sandbox.api.protobuf import decode
from releaseconsole.sandbox.store.refusals import StoreError


def field(number: int, value: bytes) -> bytes:
    size, length = bytearray(), len(value)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + value


def envelope(kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind.encode())) + field(2, raw)


def test_a_review_is_read() -> None:
    attributes = field(1, b"shop") + field(2, b"delete") + field(5, b"pods")
    body = envelope("SelfSubjectAccessReview", field(1, b"") + field(2, field(1, attributes)))
    assert decode(body)["spec"] == {
        "resourceAttributes": {"namespace": "shop", "verb": "delete", "resource": "pods"}
    }


def test_secrets_keep_their_bytes() -> None:
    entry = field(1, b"key") + field(2, b"\x00\xff")
    assert decode(envelope("Secret", field(2, entry)))["data"] == {"key": "AP8="}


def test_an_unset_field_that_is_not_known_is_no_reason_to_refuse() -> None:
    assert decode(envelope("Namespace", field(2, field(1, b"")) + b"\x18\x00"))["kind"] == "Namespace"


def test_a_set_field_that_is_not_known_is() -> None:
    with pytest.raises(StoreError) as refused:
        decode(envelope("Namespace", field(2, field(1, b"finalizer"))))
    assert refused.value.status == 415
    nested = b"x"
    for _ in range(2000):
        nested = field(2, nested)
    with pytest.raises(StoreError):
        decode(envelope("Namespace", nested))


@given(st.binary(max_size=200), st.sampled_from(["Deployment", "ConfigMap", "SelfSubjectAccessReview"]))
def test_any_bytes_are_read_or_refused(raw: bytes, kind: str) -> None:
    for body in (raw, b"k8s\x00" + raw, envelope(kind, raw)):
        with contextlib.suppress(StoreError):
            assert isinstance(decode(body), dict)


@given(st.integers(1, 20))
def test_a_body_that_is_cut_short_is_refused(cut: int) -> None:
    body = envelope("ConfigMap", field(1, field(1, b"name")) + field(2, field(1, b"k") + field(2, b"v" * 20)))
    with pytest.raises(StoreError):
        decode(body[:-cut])
