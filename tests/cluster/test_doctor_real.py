"""The doctor on a real API server: exactly the missing rights, near names, and one dead cluster among live ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from bench import Bench
from control_plane import ADMIN, READER, STRANGER

from releaseconsole.clock import SystemClock
from releaseconsole.doctor.case import Case
from releaseconsole.doctor.examine import Report, examine
from releaseconsole.doctor.finding import Finding, State
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan

HEAD = '[release]\nname = "r"\ntitle = "R"\nversion = "1"\n'
STEP = '[[phases]]\nid = "p"\ntitle = "P"\nenvironment = "uat"\n[[phases.steps]]\nid = "s"\ntitle = "S"\n'


def plan_of(targets: Mapping[str, str], *workloads: str, step: str = "") -> Plan:
    """One environment; ``targets`` are contexts with their namespace."""
    places = ", ".join(f'{{ context = "{one}", namespace = "{where}" }}' for one, where in targets.items())
    listed = ", ".join(f'"{one}"' for one in workloads)
    return parse_plan(
        f"{HEAD}[environments.uat]\ntargets = [{places}]\nworkloads = [{listed}]\n{STEP}{step}", "plan.toml"
    )


async def examined(plan: Plan, kubeconfig: Path, folder: Path | None = None) -> Report:
    folder = folder or kubeconfig.parent
    case = Case(plan, kubeconfig, folder, dict(os.environ), SystemClock(), ("uat",), lambda _: {})
    return await examine(case)


def bad(report: Report) -> list[Finding]:
    return [one for one in report.findings() if one.state in (State.FAILED, State.UNKNOWN)]


def missing(report: Report) -> dict[str, set[str]]:
    """Resource → verbs that are needed and missing."""
    found = (one.subject.split(" ", 1) for one in bad(report) if one.area == "rights")
    return {what: set(verbs.split(",")) for verbs, what in found}


async def test_an_administrator_lacks_nothing(bench: Bench, kubeconfig: Path) -> None:
    bench.deploy()
    report = await examined(plan_of({ADMIN: bench.namespace}, "deployment/shop"), kubeconfig)
    assert bad(report) == []
    assert report.exit_code == 0
    assert any("Kubernetes v1." in one.sentence for one in report.findings())


async def test_a_user_with_some_rights_is_told_exactly_those_that_are_missing(
    bench: Bench, kubeconfig: Path
) -> None:
    bench.deploy()
    report = await examined(plan_of({READER: bench.namespace}, "deployment/shop"), kubeconfig)
    assert missing(report) == {
        "events": {"list", "watch"},
        "endpointslices.discovery.k8s.io": {"list", "watch"},
        "deployments.apps": {"patch"},
    }
    remarks = {
        one.subject for one in report.findings() if one.state is State.WARNING and one.area == "rights"
    }
    assert "get namespaces" in remarks
    assert report.exit_code == 1
    for verb, what in (("patch", "deployments.apps"), ("list", "events"), ("list", "replicasets.apps")):
        said = await bench.kubectl(f"--context={READER}", "auth", "can-i", verb, what)
        assert (said.out.strip() == "no") == (verb in missing(report).get(what, set()))


async def test_a_stateful_set_and_manifests_ask_for_more(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "k8s"
    folder.mkdir()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(body))
    plan = plan_of({READER: bench.namespace}, "statefulset/db", step='actions = [{ apply = "k8s/" }]\n')
    found = missing(await examined(plan, kubeconfig, tmp_path))
    assert found["configmaps"] == {"get", "patch", "create"}
    assert found["statefulsets.apps"] == {"get", "list", "watch", "patch"}
    assert found["controllerrevisions.apps"] == {"list", "watch"}
    assert found["pods"] == {"delete"}


async def test_a_right_to_the_named_workload_alone_is_enough(bench: Bench, kubeconfig: Path) -> None:
    _grant(
        bench,
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["shop"], "verbs": ["patch"]},
    )
    bench.deploy()
    bench.deploy("cart")
    one = await examined(plan_of({READER: bench.namespace}, "deployment/shop"), kubeconfig)
    assert "deployments.apps" not in missing(one)
    both = await examined(
        plan_of({READER: bench.namespace}, "deployment/shop", "deployment/cart"), kubeconfig
    )
    (found,) = (one for one in bad(both) if one.subject == "patch deployments.apps")
    assert "deployments.apps cart in namespace" in found.sentence


async def test_somebody_without_any_right_is_told_all_of_them_and_not_an_error(
    bench: Bench, kubeconfig: Path
) -> None:
    report = await examined(plan_of({STRANGER: bench.namespace}, "deployment/shop"), kubeconfig)
    assert {"pods", "events", "services", "deployments.apps", "replicasets.apps"} <= missing(report).keys()
    assert missing(report)["deployments.apps"] == {"get", "list", "watch", "patch"}
    assert not any(one.state is State.UNKNOWN for one in report.findings())


async def test_a_workload_that_does_not_exist_is_answered_with_what_may_be_meant(
    bench: Bench, kubeconfig: Path
) -> None:
    bench.deploy("api-gateway")
    _job(bench, "migrate")
    wanted = ("deployment/api-gatway", "statefulset/api-gateway", "deployment/migrate", "daemonset/agent")
    report = await examined(plan_of({ADMIN: bench.namespace}, *wanted), kubeconfig)
    near, other, job, nothing = (one for one in bad(report) if one.area == "workload")
    assert "Did you mean deployment/api-gateway?" in near.remedy
    assert "There is a deployment of that name." in other.sentence
    assert "deployment/api-gateway" in other.remedy
    assert "There is a job of that name." in job.sentence
    assert "cannot be rolled back" in job.remedy
    assert "no daemonset in this namespace" in nothing.remedy


async def test_a_namespace_that_does_not_exist_is_the_one_thing_that_is_said(
    bench: Bench, kubeconfig: Path
) -> None:
    report = await examined(plan_of({ADMIN: f"{bench.namespace}-x"}, "deployment/shop"), kubeconfig)
    (found,) = bad(report)
    assert (found.area, found.state) == ("namespace", State.FAILED)


async def test_remarks_on_a_workload_do_not_fail_the_plan(bench: Bench, kubeconfig: Path) -> None:
    bench.deploy(paused=True, revisionHistoryLimit=0)
    report = await examined(plan_of({ADMIN: bench.namespace}, "deployment/shop"), kubeconfig)
    words = " ".join(one.sentence for one in report.findings() if one.state is State.WARNING)
    assert "is paused" in words
    assert "keeps no old revision" in words
    assert report.exit_code == 0


async def test_a_trigger_that_looks_back_beyond_the_age_of_the_release_is_told(
    bench: Bench, kubeconfig: Path
) -> None:
    bench.deploy()
    objectives = "".join(
        f'[[objectives]]\nid = "{name}"\nquery = "{query}"\ntarget = "< 1"\n{rollback}\n'
        for name, query, rollback in (
            ("long", "max_over_time(x[1h])", 'rollback = { when = "> 2" }'),
            ("of-now", "x", 'rollback = { when = "> 2" }'),
            ("only-watched", "max_over_time(x[1h])", ""),
        )
    )
    text = (
        f'{HEAD}[environments.uat]\ntargets = [{{ context = "{ADMIN}", namespace = "{bench.namespace}" }}]\n'
        f'workloads = ["deployment/shop"]\n{objectives}{STEP}'
    )

    report = await examined(parse_plan(text, "plan.toml"), kubeconfig)
    mixed = [one.subject for one in report.findings() if "the version before is mixed in" in one.sentence]
    assert (mixed, report.exit_code) == (["long"], 0)


async def test_a_manifest_of_a_kind_that_the_cluster_does_not_know_is_named(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    (tmp_path / "widget.yaml").write_text(yaml.safe_dump(body))
    plan = plan_of(
        {ADMIN: bench.namespace}, "deployment/shop", step='actions = [{ apply = "widget.yaml" }]\n'
    )
    (found,) = bad(await examined(plan, kubeconfig, tmp_path))
    assert (found.area, found.subject) == ("manifests", "Widget")


async def test_one_dead_cluster_hides_nothing_of_the_other(bench: Bench, kubeconfig: Path) -> None:
    bench.deploy()
    _add_dead_context(kubeconfig)
    plan = plan_of({"dead": "shop", "absent": "shop", ADMIN: bench.namespace}, "deployment/shop")
    report = await examined(plan, kubeconfig)
    dead, absent, alive = report.groups[:3]
    assert [(one.area, one.state) for one in dead.findings] == [("server", State.UNKNOWN)]
    assert "https://127.0.0.1:1" in dead.findings[0].sentence
    assert [(one.area, one.state) for one in absent.findings] == [("context", State.UNKNOWN)]
    assert f"{ADMIN}, dead, {READER}" in absent.findings[0].remedy
    assert {one.state for one in alive.findings} == {State.OK}
    assert report.exit_code == 3


def _add_dead_context(kubeconfig: Path) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"].append({"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"].append({"name": "dead", "context": {"cluster": "dead", "user": ADMIN}})
    kubeconfig.write_text(yaml.safe_dump(config))


def _job(bench: Bench, name: str) -> None:
    container = {"name": "first", "image": "shop:1"}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    path = f"/apis/batch/v1/namespaces/{bench.namespace}/jobs"
    bench.plane.api.post(path, json=body).raise_for_status()


def _grant(bench: Bench, rule: dict[str, Any]) -> None:
    """One more rule for the readers, in the bench's namespace."""
    access = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{bench.namespace}"
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    role = {**kind, "kind": "Role", "metadata": {"name": "more"}, "rules": [rule]}
    bench.plane.api.post(f"{access}/roles", json=role).raise_for_status()
    subject = {"kind": "User", "name": READER, "apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        **kind,
        "kind": "RoleBinding",
        "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "more"},
        "subjects": [subject],
    }
    bench.plane.api.post(f"{access}/rolebindings", json=binding).raise_for_status()
