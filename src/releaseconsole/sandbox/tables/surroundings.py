"""The rows of namespaces, nodes, services, events and other objects around the workloads."""

from __future__ import annotations

from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig
from releaseconsole.sandbox.tables.cells import (
    NONE,
    UNKNOWN,
    UNSET,
    Printer,
    age,
    columns,
    label_text,
    name,
    number,
    since,
)

_ROLE = "node-role.kubernetes.io/"


def _namespace(obj: Obj, now: float) -> list[Any]:
    phase = "Terminating" if deleted(obj) else dig(obj, "status", "phase")
    return [name(obj), phase or UNKNOWN, age(obj, now)]


def _node(obj: Obj, now: float) -> list[Any]:
    info = dig(obj, "status", "nodeInfo") or {}
    addresses = {item.get("type"): item.get("address") for item in dig(obj, "status", "addresses") or ()}
    labels = obj["metadata"].get("labels") or {}
    roles = ",".join(sorted(key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)))
    return [
        name(obj),
        _node_status(obj),
        roles or NONE,
        age(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", UNKNOWN),
        info.get("kernelVersion", UNKNOWN),
        info.get("containerRuntimeVersion", UNKNOWN),
    ]


def _node_status(obj: Obj) -> str:
    ready = [item for item in dig(obj, "status", "conditions") or () if item.get("type") == "Ready"]
    word = "Unknown" if not ready else ("Ready" if ready[0].get("status") == "True" else "NotReady")
    return f"{word},SchedulingDisabled" if dig(obj, "spec", "unschedulable") else word


def _service(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec", {})
    return [
        name(obj),
        spec.get("type", ""),
        spec.get("clusterIP") or NONE,
        _external(obj),
        _ports(spec.get("ports")),
        age(obj, now),
        label_text(spec.get("selector")),
    ]


def _external(obj: Obj) -> str:
    spec = obj.get("spec", {})
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", NONE))
    fixed = ",".join(spec.get("externalIPs") or ())
    if spec.get("type") != "LoadBalancer":
        return fixed or NONE
    return ",".join(part for part in (_balanced(obj), fixed) if part) or "<pending>"


def _balanced(obj: Obj) -> str:
    """Where the load balancer listens."""
    entries = dig(obj, "status", "loadBalancer", "ingress") or ()
    return ",".join(str(entry.get("ip") or entry.get("hostname") or "") for entry in entries)


def _ports(ports: Any) -> str:
    said = []
    for port in ports or ():
        outside = f":{port['nodePort']}" if port.get("nodePort") else ""
        said.append(f"{port.get('port')}{outside}/{port.get('protocol', 'TCP')}")
    return ",".join(said) or NONE


def _event(obj: Obj, now: float) -> list[Any]:
    about = obj.get("involvedObject", {})
    source = obj.get("source") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = dig(obj, "series", "lastObservedTime") or obj.get("lastTimestamp") or first
    origin = source.get("component") or obj.get("reportingComponent") or ""
    return [
        since(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        f"{origin}, {source['host']}" if source.get("host") else origin,
        str(obj.get("message", "")).strip(),
        since(first, now),
        dig(obj, "series", "count") or obj.get("count") or 1,
        name(obj),
    ]


def _configmap(obj: Obj, now: float) -> list[Any]:
    return [name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age(obj, now)]


def _secret(obj: Obj, now: float) -> list[Any]:
    return [name(obj), obj.get("type", ""), len(obj.get("data") or ()), age(obj, now)]


def _account(obj: Obj, now: float) -> list[Any]:
    return [name(obj), len(obj.get("secrets") or ()), age(obj, now)]


def _endpoints(obj: Obj, now: float) -> list[Any]:
    pairs = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return [name(obj), _some(pairs), age(obj, now)]


def _slice(obj: Obj, now: float) -> list[Any]:
    addresses = [address for entry in obj.get("endpoints") or () for address in entry.get("addresses") or ()]
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    kind = obj.get("addressType", "")
    return [name(obj), kind, _some(ports, UNSET), _some(addresses, UNSET), age(obj, now)]


def _some(parts: list[str], empty: str = NONE) -> str:
    """The first three, and how many more."""
    if not parts:
        return empty
    more = f" + {len(parts) - 3} more..." if len(parts) > 3 else ""
    return ",".join(parts[:3]) + more


def _ingress(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec", {})
    hosts = [str(rule["host"]) for rule in spec.get("rules") or () if rule.get("host")]
    ports = "80, 443" if spec.get("tls") else "80"
    return [
        name(obj),
        spec.get("ingressClassName") or NONE,
        _some(hosts, "*"),
        _balanced(obj),
        ports,
        age(obj, now),
    ]


def _lease(obj: Obj, now: float) -> list[Any]:
    return [name(obj), dig(obj, "spec", "holderIdentity") or "", age(obj, now)]


def _job(obj: Obj, now: float) -> list[Any]:
    done, wanted = number(obj, "status", "succeeded"), dig(obj, "spec", "completions") or 1
    status = "Complete" if done >= wanted else "Running"
    return [name(obj), status, f"{done}/{wanted}", age(obj, now)]


CORE: dict[str, Printer] = {
    "namespaces": (columns("Name Status Age"), _namespace),
    "nodes": (
        columns(
            "Name Status Roles Age Version "
            "+Internal-IP +External-IP +OS-Image +Kernel-Version +Container-Runtime"
        ),
        _node,
    ),
    "services": (columns("Name Type Cluster-IP External-IP Port(s) Age +Selector"), _service),
    "events": (
        columns(
            "Last_Seen Type Reason Object +Subobject +Source Message +First_Seen +Count +Name",
        ),
        _event,
    ),
    "configmaps": (columns("Name Data Age"), _configmap),
    "secrets": (columns("Name Type #Data Age"), _secret),
    "serviceaccounts": (columns("Name #Secrets Age"), _account),
    "endpoints": (columns("Name Endpoints Age"), _endpoints),
    "endpointslices": (columns("Name AddressType Ports Endpoints Age"), _slice),
    "ingresses": (columns("Name Class Hosts Address Ports Age"), _ingress),
    "leases": (columns("Name Holder Age"), _lease),
    "jobs": (columns("Name Status Completions Age"), _job),
}
