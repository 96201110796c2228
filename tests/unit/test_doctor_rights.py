"""Which rights a plan needs, and how the missing ones are said."""

from __future__ import annotations

import pytest

from releaseconsole.cluster import decode
from releaseconsole.doctor.finding import State
from releaseconsole.doctor.review import Answered, right_findings
from releaseconsole.doctor.rights import Applied, Right, merged, needed_rights
from releaseconsole.errors import Unreachable
from releaseconsole.outside.watched import around_kinds, watched_kinds
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan

HEAD = '[release]\nname = "r"\ntitle = "R"\nversion = "1"\n'
PHASE = '[[phases]]\nid = "p"\ntitle = "P"\nenvironment = "uat"\n[[phases.steps]]\nid = "s"\ntitle = "S"\n'


def plan_of(*workloads: str, items: str = "") -> Plan:
    listed = ", ".join(f'"{one}"' for one in workloads)
    target = '[environments.uat]\ntargets = [{ context = "uat", namespace = "shop" }]\n'
    return parse_plan(f"{HEAD}{target}workloads = [{listed}]\n{PHASE}{items}", "plan.toml")


def rights_of(plan: Plan, *applied: Applied) -> dict[str, Right]:
    target = plan.environments["uat"].targets[0]
    found = needed_rights(plan, "uat", target, applied)
    assert len({one.key for one in found}) == len(found)
    return {_shown(one): one for one in found}


def _shown(right: Right) -> str:
    where = "" if right.namespace else " (everywhere)"
    return f"{right.verb} {right.what}{where}{'' if right.needed else ', if possible'}"


def test_a_deployment_is_watched_read_patched_and_its_logs_are_read() -> None:
    needed = {name for name, right in rights_of(plan_of("deployment/api")).items() if right.needed}
    watched = ("pods", "events", "services", "endpointslices.discovery.k8s.io", "deployments.apps")
    assert needed == {
        *(f"{verb} {what}" for what in (*watched, "replicasets.apps") for verb in ("list", "watch")),
        "get deployments.apps",
        "patch deployments.apps",
        "get pods/log",
    }


def test_a_stateful_set_needs_its_revisions_and_to_delete_a_broken_pod() -> None:
    rights = rights_of(plan_of("statefulset/db", "daemonset/agent"))
    wanted = {
        "list controllerrevisions.apps",
        "patch statefulsets.apps",
        "patch daemonsets.apps",
        "delete pods",
    }
    assert wanted <= rights.keys()
    assert "patch deployments.apps" not in rights
    assert "delete pods" not in rights_of(plan_of("daemonset/agent"))


def test_every_kind_that_a_session_watches_is_asked_for() -> None:
    plan = plan_of("deployment/api", "statefulset/db", "daemonset/agent", "rollout/web")
    rights = rights_of(plan)
    kinds: dict[str, decode.Resource[object]] = watched_kinds(plan.environments["uat"].workloads)
    for kind in (*kinds.values(), *around_kinds(plan, "uat").values()):
        what = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        asked = {name.removesuffix(", if possible") for name in rights}
        assert {f"list {what}", f"watch {what}"} <= asked


def test_what_is_only_watched_beside_and_the_identity_are_no_more_than_remarks() -> None:
    rights = rights_of(plan_of("deployment/api"))
    assert {name for name, right in rights.items() if not right.needed} == {
        "list horizontalpodautoscalers.autoscaling, if possible",
        "watch horizontalpodautoscalers.autoscaling, if possible",
        "list poddisruptionbudgets.policy, if possible",
        "watch poddisruptionbudgets.policy, if possible",
        "get namespaces (everywhere), if possible",
    }
    assert rights["get namespaces (everywhere), if possible"].names == ("kube-system",)


def test_ingresses_are_asked_for_only_where_a_check_looks_at_them() -> None:
    items = 'items = [{ id = "i", text = "I", check = { ingress = "configured" } }]\n'
    assert "list ingresses.networking.k8s.io" in rights_of(plan_of("deployment/api", items=items))
    assert not any("ingresses" in name for name in rights_of(plan_of("deployment/api")))


@pytest.mark.parametrize(
    ("check", "what"),
    [
        ('{ workloads = "autoscaled" }', "horizontalpodautoscalers.autoscaling"),
        ('{ workloads = "disruption-budget" }', "poddisruptionbudgets.policy"),
        ('{ ingress = "configured" }', "ingresses.networking.k8s.io"),
    ],
    ids=["autoscalers", "budgets", "ingresses"],
)
def test_a_kind_that_a_check_looks_at_is_needed_and_not_only_nice_to_have(check: str, what: str) -> None:
    items = f'items = [{{ id = "i", text = "I", check = {check} }}]\n'
    rights = rights_of(plan_of("deployment/api", items=items))
    for verb in ("list", "watch"):
        assert rights[f"{verb} {what}"].why == ("to verify an item of the plan",)
        assert f"{verb} {what}, if possible" not in rights


def test_what_is_applied_is_read_patched_and_created_where_the_manifest_says() -> None:
    applied = (
        Applied("", "configmaps", "shop", "settings", "k8s/"),
        Applied("apps", "deployments", "shop", "api", "k8s/"),
        Applied("", "namespaces", "", "shop", "k8s/"),
    )
    rights = rights_of(plan_of("deployment/api"), *applied)
    for verb in ("get", "patch", "create"):
        assert rights[f"{verb} configmaps"].why == ("to apply k8s/",)
        assert f"{verb} namespaces (everywhere)" in rights
    assert rights["patch deployments.apps"].why == ("to roll back", "to apply k8s/")
    assert rights["patch deployments.apps"].names == ("api",)
    assert rights["get namespaces (everywhere)"].names == ("shop",)
    assert rights["get namespaces (everywhere), if possible"].names == ("kube-system",)


def test_a_right_that_one_reason_needs_for_all_objects_is_asked_for_all() -> None:
    named, whole = (
        Right("get", "", "pods", "shop", (why,), names) for why, names in (("a", ("x",)), ("b", ()))
    )
    assert merged([named, whole])[0].names == ()
    assert merged([named, named])[0].names == ("x",)


def answered(
    verb: str, resource: str, *, allowed: bool, needed: bool = True, names: tuple[str, ...] = ()
) -> Answered:
    return Answered(Right(verb, "apps", resource, "shop", ("to roll back",), names, needed), allowed)


def test_the_missing_verbs_of_one_resource_are_one_sentence() -> None:
    found = right_findings(
        [
            answered("list", "deployments", allowed=False),
            answered("patch", "deployments", allowed=False),
            answered("list", "replicasets", allowed=True),
        ]
    )
    missing, granted = found
    assert (missing.state, missing.subject) == (State.FAILED, "list,patch deployments.apps")
    assert missing.sentence == (
        "May not list and patch deployments.apps in namespace shop; it is needed to roll back."
    )
    assert missing.remedy
    assert (granted.state, granted.sentence) == (State.OK, "1 of 3 rights granted")


@pytest.mark.parametrize(("needed", "state"), [(True, State.FAILED), (False, State.WARNING)])
def test_a_right_that_the_plan_can_do_without_is_a_remark(needed: bool, state: State) -> None:
    (found,) = right_findings([answered("list", "deployments", allowed=False, needed=needed)])
    assert found.state is state


def test_rights_to_some_objects_only_are_missing_for_the_others_by_name() -> None:
    (found,) = right_findings([answered("patch", "deployments", allowed=False, names=("api", "web"))])
    assert "deployments.apps api, web in namespace shop" in found.sentence


def test_what_could_not_be_asked_is_said_once() -> None:
    error = Unreachable("No answer.", "Wait.")
    lost = [
        Answered(one.right, False, error)
        for one in [answered("get", str(n), allowed=False) for n in range(9)]
    ]
    assert [(one.state, one.sentence) for one in right_findings(lost)] == [(State.UNKNOWN, "No answer.")]
