"""Users of a namespace with just some rights, and taking them away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import Bench

_RBAC = "rbac.authorization.k8s.io"


def account_token(bench: Bench, name: str, rights: Mapping[str, Sequence[str]]) -> str:
    """The token of a new service account that may do anything to ``rights``: API group → plurals."""
    accounts = f"/api/v1/namespaces/{bench.namespace}/serviceaccounts"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    bench.plane.api.post(accounts, json=account).raise_for_status()
    rules = [
        {"apiGroups": [group], "resources": list(kinds), "verbs": ["*"]} for group, kinds in rights.items()
    ]
    subject = {"kind": "ServiceAccount", "name": name, "namespace": bench.namespace}
    _bind(bench, name, rules, subject)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    given = bench.plane.api.post(f"{accounts}/{name}/token", json=asked).raise_for_status()
    return str(given.json()["status"]["token"])


def delete_account(bench: Bench, name: str) -> None:
    """Revoke every token of the account."""
    path = f"/api/v1/namespaces/{bench.namespace}/serviceaccounts/{name}"
    bench.plane.api.delete(path).raise_for_status()


def allow(bench: Bench, user: str, plural: str, group: str, verbs: Sequence[str]) -> None:
    """Give a user more rights in the namespace."""
    rules = [{"apiGroups": [group], "resources": [plural], "verbs": list(verbs)}]
    _bind(bench, f"more-{plural}", rules, {"kind": "User", "name": user, "apiGroup": _RBAC})


def _bind(bench: Bench, name: str, rules: list[dict[str, Any]], subject: dict[str, str]) -> None:
    access = f"/apis/{_RBAC}/v1/namespaces/{bench.namespace}"
    head = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": name}}
    role = {**head, "kind": "Role", "rules": rules}
    bench.plane.api.post(f"{access}/roles", json=role).raise_for_status()
    reference = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    binding = {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    bench.plane.api.post(f"{access}/rolebindings", json=binding).raise_for_status()
