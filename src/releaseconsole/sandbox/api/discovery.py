"""What the API says of itself: groups, versions, kinds and verbs, in the old and in the aggregated form."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.sandbox.store.kinds import SERVED, Kind, Obj, groups

VERSION: Obj = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3+practice",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "practice/cluster",
}

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


@dataclass(frozen=True, slots=True)
class Review:
    """A kind that is only ever created, and answered at once."""

    group: str
    kind: str
    plural: str


REVIEWS = (
    Review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    Review("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    Review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
)


def find_review(path: str) -> Review | None:
    """The review that is served under a path, if any."""
    for review in REVIEWS:
        if path == f"/apis/{review.group}/v1/{review.plural}":
            return review
    return None


def knows(path: str) -> bool:
    """Whether a path is below the core group or a group that is served."""
    parts = path.strip("/").split("/")
    return parts[0] == "api" or (parts[0] == "apis" and len(parts) > 1 and parts[1] in _all_groups())


def _all_groups() -> dict[str, tuple[str, ...]]:
    return {**groups(), **{review.group: ("v1",) for review in REVIEWS}}


def api_versions(address: str) -> Obj:
    """``/api``."""
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def group_list() -> Obj:
    """``/apis``."""
    named = [api_group(name) for name in _all_groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}


def api_group(name: str) -> Obj | None:
    """``/apis/<group>``, or None."""
    versions = _all_groups().get(name)
    if not name or not versions:
        return None
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": listed,
        "preferredVersion": listed[0],
    }


def resource_list(group: str, version: str) -> Obj | None:
    """``/api/v1`` and ``/apis/<group>/<version>``, or None."""
    if version not in _all_groups().get(group, ()):
        return None
    resources: list[Obj] = []
    for row in SERVED:
        if (row.group, row.version) == (group, version):
            resources.append(_resource(row))
            resources += [_subresource(row, name) for name in row.subresources]
    for review in REVIEWS:
        if review.group == group:
            entry = {"name": review.plural, "singularName": review.kind.lower(), "namespaced": False}
            resources.append({**entry, "kind": review.kind, "verbs": ["create"]})
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}


def _resource(row: Kind) -> Obj:
    entry: Obj = {
        "name": row.plural,
        "singularName": row.singular,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": _verbs(row),
    }
    return entry | _other_names(row)


def _verbs(row: Kind) -> list[str]:
    """Namespaces are deleted one by one."""
    return [verb for verb in _VERBS if row.plural != "namespaces" or verb != "deletecollection"]


def _other_names(row: Kind) -> Obj:
    """What else a kind may be called, and the groups it is listed with."""
    found = {"shortNames": list(row.short), "categories": list(row.categories)}
    return {key: names for key, names in found.items() if names}


def _subresource(row: Kind, name: str) -> Obj:
    entry: Obj = {"name": f"{row.plural}/{name}", "singularName": "", "namespaced": row.namespaced}
    entry["kind"], entry["verbs"] = _subresource_kind(row, name)
    if name == "scale":
        entry.update(group="autoscaling", version="v1")
    if name == "eviction":
        entry.update(group="policy", version="v1")
    return entry


def _subresource_kind(row: Kind, name: str) -> tuple[str, list[str]]:
    if name == "scale":
        return "Scale", ["get", "patch", "update"]
    if name == "eviction":
        return "Eviction", ["create"]
    if name == "log":
        return row.kind, ["get"]
    return row.kind, ["get", "patch", "update"]


def aggregated(*, core: bool) -> Obj:
    """The aggregated form of ``/api`` (``core``) or ``/apis``: everything in one answer."""
    names = [name for name in _all_groups() if (name == "") is core]
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [_aggregated_version(name, version) for version in _all_groups()[name]],
        }
        for name in names
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(group: str, version: str) -> Obj:
    resources = [_aggregated_resource(row) for row in SERVED if (row.group, row.version) == (group, version)]
    resources += [
        {
            "resource": review.plural,
            "responseKind": {"group": group, "version": "v1", "kind": review.kind},
            "scope": "Cluster",
            "singularResource": review.kind.lower(),
            "verbs": ["create"],
        }
        for review in REVIEWS
        if review.group == group
    ]
    return {"version": version, "freshness": "Current", "resources": resources}


def _aggregated_resource(row: Kind) -> Obj:
    entry: Obj = {
        "resource": row.plural,
        # Group and version are those of the list, and left empty.
        "responseKind": {"group": "", "version": "", "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": _verbs(row),
    }
    entry |= _other_names(row)
    if row.subresources:
        entry["subresources"] = [_aggregated_subresource(row, name) for name in row.subresources]
    return entry


def _aggregated_subresource(row: Kind, name: str) -> Obj:
    kind, verbs = _subresource_kind(row, name)
    group, version = {"Scale": ("autoscaling", "v1"), "Eviction": ("policy", "v1")}.get(
        kind, (row.group, row.version)
    )
    return {
        "subresource": name,
        "responseKind": {"group": group, "version": version, "kind": kind},
        "verbs": verbs,
    }
