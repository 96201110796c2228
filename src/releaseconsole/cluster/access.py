"""May I? Asked of the API server itself, so that a missing right is known before it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.text import clean

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Permission:
    """The server's answer; true when the verb is allowed."""

    allowed: bool
    sentence: str
    """What is allowed or missing, and why, as far as the server says."""

    def __bool__(self) -> bool:
        return self.allowed


class _ReviewStatus(msgspec.Struct, frozen=True):
    allowed: bool = False
    reason: str = ""


class _Review(msgspec.Struct, frozen=True):
    status: _ReviewStatus = _ReviewStatus()


async def may(
    client: Client, verb: str, group: str, resource: str, namespace: str, name: str = ""
) -> Permission:
    """Whether this user may ``verb`` the resource (``pods`` or ``pods/log``). Raises ClusterError."""
    plural, _, subresource = resource.partition("/")
    attributes = {
        "verb": verb,
        "group": group,
        "resource": plural,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    status = decode(_Review, await client.request("POST", PATH, body=body)).status
    what = f"{verb} {resource}{'.' + group if group else ''}"
    where = f" in namespace {namespace}" if namespace else ""
    told = f" ({status.reason})" if status.reason else ""
    word = "allowed" if status.allowed else "missing"
    return Permission(status.allowed, clean(f"The right to {what}{where} is {word}{told}.", 400))
