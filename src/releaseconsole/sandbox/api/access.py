"""Who asks, and what they may do: one operator who may everything, one viewer who may read."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from releaseconsole.sandbox.api.route import Target
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.refusals import StoreError, details, invalid

_READING = ("get", "list", "watch")
_REVIEWS = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")


@dataclass(frozen=True, slots=True)
class User:
    """Who a token stands for."""

    name: str
    groups: tuple[str, ...]
    writes: bool
    reads: bool = True


#: Who sends no token at all.
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",), writes=False, reads=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The two tokens of a context; without ``viewer`` there is only the operator."""

    operator: str
    viewer: str | None = None

    def user(self, authorization: str) -> User:
        """The user of an ``Authorization`` header. Raises StoreError (401)."""
        if not authorization:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode("utf-8", "replace")
        if scheme.lower() == "bearer" and given:
            if hmac.compare_digest(given, self.operator.encode()):
                return User("operator", ("practice:operators", "system:authenticated"), True)
            if self.viewer and hmac.compare_digest(given, self.viewer.encode()):
                return User("viewer", ("practice:viewers", "system:authenticated"), False)
        raise StoreError(401, "Unauthorized", "Unauthorized")


def may(user: User, verb: str, resource: str) -> bool:
    """Whether a user may; a viewer reads everything but secrets, and who is nobody nothing."""
    if not user.reads:
        return False
    if user.writes or (resource in _REVIEWS and verb == "create"):
        return True
    return verb in _READING and resource.partition("/")[0] != "secrets"


def require_path(user: User, path: str) -> None:
    """Raises StoreError (403) for one who may not read a path that is no resource."""
    if not user.reads:
        message = f'forbidden: User "{user.name}" cannot get path "{path[:253]}"'
        raise StoreError(403, "Forbidden", message, {})


def require(user: User, verb: str, target: Target) -> None:
    """Raises StoreError (403) in the API server's own words."""
    resource = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
    if not may(user, verb, resource):
        raise _forbidden(user, verb, resource, target)


def _forbidden(user: User, verb: str, resource: str, target: Target) -> StoreError:
    row = target.row
    named = f'{row.group_resource} "{target.name}"' if target.name else row.group_resource
    namespace = target.namespace or (target.name if target.plural == "namespaces" else "")
    place = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = (
        f'{named} is forbidden: User "{user.name}" cannot {verb} resource "{resource}" '
        f'in API group "{row.group}" {place}'
    )
    return StoreError(403, "Forbidden", message, details(row, target.name))


def review(user: User, resource: str, body: Obj) -> Obj:
    """The answer to one of the three reviews a user can ask of itself."""
    if resource == "selfsubjectaccessreviews":
        return _access_review(user, body)
    if resource == "selfsubjectrulesreviews":
        return {**body, "status": _rules(user)}
    info = {"username": user.name, "groups": list(user.groups)}
    return {**body, "status": {"userInfo": info}}


def _access_review(user: User, body: Obj) -> Obj:
    spec = body.get("spec")
    attributes = spec.get("resourceAttributes") if isinstance(spec, dict) else None
    if isinstance(attributes, dict):
        resource = str(attributes.get("resource", ""))
        if attributes.get("subresource"):
            resource += f"/{attributes['subresource']}"
        allowed = may(user, str(attributes.get("verb", "")), resource)
    else:
        plain = spec.get("nonResourceAttributes") if isinstance(spec, dict) else None
        if not isinstance(plain, dict):
            said = (
                "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            )
            row = Kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "", "")
            raise invalid(row, "", [("spec.resourceAttributes", "FieldValueInvalid", said)])
        allowed = user.writes or plain.get("verb") == "get"
    return {**body, "status": {"allowed": allowed}}


def _rules(user: User) -> Obj:
    if user.writes:
        resources: list[Obj] = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        plain: list[Obj] = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    else:
        readable = ["pods", "pods/log", "services", "endpoints", "events", "configmaps", "namespaces"]
        resources = [
            {"verbs": list(_READING), "apiGroups": [""], "resources": readable},
            {"verbs": list(_READING), "apiGroups": ["apps", "autoscaling"], "resources": ["*"]},
            {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": list(_REVIEWS[:2])},
        ]
        plain = [{"verbs": ["get"], "nonResourceURLs": ["/api", "/apis", "/healthz", "/readyz", "/version"]}]
    return {"resourceRules": resources, "nonResourceRules": plain, "incomplete": False}
