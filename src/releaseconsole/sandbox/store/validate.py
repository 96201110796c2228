"""The rules an object has to keep to be stored, in the API server's words (422 Invalid)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from releaseconsole.sandbox.store import defaults
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.labels import label_problems
from releaseconsole.sandbox.store.objects import clone, dig
from releaseconsole.sandbox.store.refusals import invalid
from releaseconsole.sandbox.store.selectors import of_label_selector
from releaseconsole.sandbox.store.skeletons import check_types

#: (field, reason, sentence)
Problem = tuple[str, str, str]

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_EXAMPLES = MappingProxyType({"label": "'my-name',  or '123-abc'", "subdomain": "'example.com'"})
MOST_REPLICAS = 5000
_POD_MAY_CHANGE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")


def check(row: Kind, obj: Obj, old: Obj | None = None) -> None:
    """Fills in the defaults, then raises StoreError: 400 for a wrong type, 422 with every broken rule."""
    check_types(row, obj)
    defaults.apply(row.plural, obj, old)
    problems = (_name(row, obj) if old is None else []) + label_problems(obj)
    rules = _RULES.get(row.plural)
    if rules is not None:
        problems += rules(obj, old)
    if problems:
        raise invalid(row, str(obj["metadata"].get("name") or ""), problems)


def required(field: str, what: str = "") -> Problem:
    """A field that is missing."""
    return field, "FieldValueRequired", f"Required value{': ' + what if what else ''}"


def wrong(field: str, value: Any, what: str) -> Problem:
    """A field whose value cannot be."""
    return field, "FieldValueInvalid", f"Invalid value: {_said(value)}: {what}"


def _said(value: Any) -> str:
    return f'"{value[:253]}"' if isinstance(value, str) else msgspec.json.encode(value).decode()[:500]


def _name(row: Kind, obj: Obj) -> list[Problem]:
    name = obj["metadata"].get("name")
    if not name:
        missing = not obj["metadata"].get("generateName")
        return [required("metadata.name", "name or generateName is required")] if missing else []
    if row.plural in ("services", "namespaces"):
        pattern, longest, word = _LABEL, 63, "label"
    else:
        pattern, longest, word = _SUBDOMAIN, 253, "subdomain"
    if len(name) > longest:
        return [
            ("metadata.name", "FieldValueInvalid", f"Invalid value: must be no more than {longest} bytes")
        ]
    if not re.fullmatch(pattern, name):
        what = (
            f"a lowercase RFC 1123 {word} must consist of lower case alphanumeric characters, '-'"
            f"{' or ' + chr(39) + '.' + chr(39) if word == 'subdomain' else ''}, "
            f"and must start and end with an alphanumeric character (e.g. {_EXAMPLES[word]}, "
            f"regex used for validation is '{pattern}')"
        )
        return [wrong("metadata.name", name, what)]
    return []


def _workload(obj: Obj, old: Obj | None) -> list[Problem]:
    spec = obj.get("spec") or {}
    problems = _selector(spec, old)
    problems += check_replicas("spec.replicas", spec.get("replicas"))
    template = dig(spec, "template", "spec")
    policy = dig(template, "restartPolicy")
    if policy not in (None, "Always"):
        problems.append(
            (
                "spec.template.spec.restartPolicy",
                "FieldValueNotSupported",
                f'Unsupported value: "{policy}": supported values: "Always"',
            )
        )
    return problems + _containers("spec.template.spec", template) + _strategy(spec) + _deadline(spec)


def check_replicas(field: str, count: Any) -> list[Problem]:
    """Not negative, and not more than a practice cluster can bear."""
    if not isinstance(count, int) or 0 <= count <= MOST_REPLICAS:
        return []
    if count < 0:
        return [wrong(field, count, "must be greater than or equal to 0")]
    return [wrong(field, count, f"the practice cluster runs at most {MOST_REPLICAS}")]


def _autoscaler(obj: Obj, old: Obj | None) -> list[Problem]:
    spec = obj.get("spec") or {}
    problems = [] if dig(spec, "scaleTargetRef", "name") else [required("spec.scaleTargetRef.name")]
    least, most = spec.get("minReplicas"), spec.get("maxReplicas")
    if not most or most < 1:
        problems.append(wrong("spec.maxReplicas", most, "must be greater than 0"))
    elif least is not None and most < least:
        what = "must be greater than or equal to `minReplicas`"
        problems.append(wrong("spec.maxReplicas", most, what))
    return [*problems, *check_replicas("spec.minReplicas", least), *check_replicas("spec.maxReplicas", most)]


def _deadline(spec: Obj) -> list[Problem]:
    """Only Deployments have this field."""
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if deadline is not None and deadline <= ready:
        what = "must be greater than minReadySeconds"
        return [wrong("spec.progressDeadlineSeconds", deadline, what)]
    return []


def _selector(spec: Obj, old: Obj | None) -> list[Problem]:
    selector, template = spec.get("selector"), spec.get("template") or {}
    if old is not None and selector != dig(old, "spec", "selector"):
        return [wrong("spec.selector", selector, "field is immutable")]
    labels = dig(template, "metadata", "labels") or {}
    mismatch = wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if not selector:
        return [required("spec.selector"), mismatch]
    if not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return [required("spec.selector")]
    if not of_label_selector(selector)({"metadata": {"labels": labels}}):
        return [mismatch]
    return []


def _strategy(spec: Obj) -> list[Problem]:
    """Only Deployments have this field; both limits at 0 would never move."""
    rolling = dig(spec, "strategy", "rollingUpdate")
    kind = dig(spec, "strategy", "type") or "RollingUpdate"
    problems = []
    if kind not in ("RollingUpdate", "Recreate"):
        value = _said({"Type": str(kind)[:253], "RollingUpdate": None})
        said = f'Unsupported value: {value}: supported values: "Recreate", "RollingUpdate"'
        problems.append(("spec.strategy", "FieldValueNotSupported", said))
    if kind == "Recreate" and rolling is not None:
        what = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        problems.append(("spec.strategy.rollingUpdate", "FieldValueForbidden", what))
    for field in ("maxSurge", "maxUnavailable"):
        value = dig(rolling, field)
        if isinstance(value, str) and not re.fullmatch(r"\d{1,3}%", value):
            what = "a valid percent string must be a numeric string followed by an ending '%'"
            problems.append(wrong(f"spec.strategy.rollingUpdate.{field}", value, what))
    if all(dig(rolling, field) in (0, "0%") for field in ("maxSurge", "maxUnavailable")):
        what = "may not be 0 when `maxSurge` is 0"
        problems.append(wrong("spec.strategy.rollingUpdate.maxUnavailable", 0, what))
    return problems


def _containers(path: str, spec: Any) -> list[Problem]:
    problems: list[Problem] = []
    if not dig(spec, "containers"):
        return [required(f"{path}.containers")]
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(dig(spec, field) or ()):
            problems += _container(f"{path}.{field}[{index}]", container, seen)
    return problems


def _container(place: str, container: Obj, seen: set[str]) -> list[Problem]:
    problems: list[Problem] = []
    name, image = container.get("name"), container.get("image")
    if not name:
        problems.append(required(f"{place}.name"))
    elif name in seen:
        problems.append((f"{place}.name", "FieldValueDuplicate", f"Duplicate value: {_said(name)}"))
    elif not re.fullmatch(_LABEL, name) or len(name) > 63:
        problems.append(wrong(f"{place}.name", name, "a lowercase RFC 1123 label is needed"))
    seen.add(name or "")
    if not image:
        problems.append(required(f"{place}.image"))
    elif image != image.strip():
        problems.append(wrong(f"{place}.image", image, "must not have leading or trailing whitespace"))
    for index, port in enumerate(container.get("ports") or ()):
        if not 1 <= port.get("containerPort", 0) <= 65535:
            what = "must be between 1 and 65535, inclusive"
            problems.append(wrong(f"{place}.ports[{index}].containerPort", port.get("containerPort"), what))
    return problems


def _pod(obj: Obj, old: Obj | None) -> list[Problem]:
    problems = _containers("spec", obj.get("spec"))
    if old is not None and _fixed_part(obj) != _fixed_part(old):
        what = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
            "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
            "(allow it to be set to 1 if it was previously negative)"
        )
        problems.append(("spec", "FieldValueForbidden", what))
    return problems


def _fixed_part(pod: Obj) -> Obj:
    spec = clone(pod.get("spec") or {})
    for field in _POD_MAY_CHANGE:
        spec.pop(field, None)
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            container.pop("image", None)
    return spec


def _service(obj: Obj, old: Obj | None) -> list[Problem]:
    spec = obj.get("spec") or {}
    problems: list[Problem] = []
    if spec.get("type") not in (None, "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        said = (
            f'Unsupported value: "{spec["type"]}": supported values: '
            '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
        )
        problems.append(("spec.type", "FieldValueNotSupported", said))
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        problems.append(required("spec.ports"))
    for index, port in enumerate(spec.get("ports") or ()):
        if not 1 <= port.get("port", 0) <= 65535:
            what = "must be between 1 and 65535, inclusive"
            problems.append(wrong(f"spec.ports[{index}].port", port.get("port"), what))
        if len(spec["ports"]) > 1 and not port.get("name"):
            problems.append(required(f"spec.ports[{index}].name"))
    before = dig(old, "spec", "clusterIP")
    if before and spec.get("clusterIP") not in (None, "", before):
        problems.append(wrong("spec.clusterIPs[0]", spec.get("clusterIP"), "may not change once set"))
    return problems


def _data(obj: Obj, old: Obj | None) -> list[Problem]:
    """The keys of a ConfigMap or Secret."""
    keys = [key for field in ("data", "binaryData") for key in obj.get(field) or ()]
    what = (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
        "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    )
    bad = [key for key in keys if not re.fullmatch(r"[-._a-zA-Z0-9]+", key)]
    return [wrong(f"data[{key[:253]}]", key, what) for key in bad]


def _event(obj: Obj, old: Obj | None) -> list[Problem]:
    """An event lies where the object it tells of lies."""
    about = dig(obj, "involvedObject", "namespace")
    if about and about != obj["metadata"].get("namespace"):
        return [wrong("involvedObject.namespace", about, "does not match event.namespace")]
    return []


_RULES: Mapping[str, Callable[[Obj, Obj | None], list[Problem]]] = MappingProxyType(
    {
        "deployments": _workload,
        "replicasets": _workload,
        "statefulsets": _workload,
        "daemonsets": _workload,
        "pods": _pod,
        "services": _service,
        "configmaps": _data,
        "secrets": _data,
        "events": _event,
        "horizontalpodautoscalers": _autoscaler,
    }
)
