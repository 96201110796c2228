"""Rights that are missing, tokens that end and files that rotate: the rest goes on, and it says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench
from control_plane import ADMIN, READER, STRANGER, ControlPlane
from gate import Gate
from watching import Impatient, equal_to_a_fresh_list, live, watching

from releaseconsole.cluster.access import may
from releaseconsole.cluster.connect import connect
from releaseconsole.cluster.decode import DEPLOYMENTS, EVENTS, PODS
from releaseconsole.cluster.rollback import plan_rollback
from releaseconsole.cluster.rollback_run import dry_run
from releaseconsole.errors import Denied


async def test_a_kind_that_may_not_be_listed_says_so_while_the_others_work(
    bench: Bench, kubeconfig: Path
) -> None:
    bench.deploy()
    async with (
        await connect(READER, kubeconfig=kubeconfig, clock=Impatient()) as reader,
        watching(reader, bench, EVENTS) as events,
        watching(reader, bench, PODS) as pods,
    ):
        await live(bench, pods)
        await equal_to_a_fresh_list(bench, pods, "pod")
        assert events.denied
        assert 'cannot list resource "events"' in events.error
        assert not pods.error
        _grant(bench, "events")
        await live(bench, events)
        assert not events.denied


async def test_a_rollback_without_the_right_to_patch_is_refused_before_anything_is_sent(
    bench: Bench, kubeconfig: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    await bench.release("deployment", "shop", "shop:good-2")
    async with await connect(READER, kubeconfig=kubeconfig) as reader:
        target = await plan_rollback(reader, bench.namespace, "deployment/shop", to="1")
        assert 'cannot patch resource "deployments"' in await dry_run(reader, target)
        assert not await may(reader, "patch", "apps", "deployments", bench.namespace)


async def test_somebody_without_any_right_is_told_which_one_is_missing(
    bench: Bench, kubeconfig: Path
) -> None:
    async with await connect(STRANGER, kubeconfig=kubeconfig) as stranger:
        with pytest.raises(Denied, match='cannot get resource "deployments"'):
            await plan_rollback(stranger, bench.namespace, "deployment/shop")


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("list", "", "pods"),
        ("get", "", "pods/log"),
        ("watch", "apps", "deployments"),
        ("patch", "apps", "deployments"),
        ("list", "", "events"),
        ("delete", "", "pods"),
    ],
)
async def test_the_answer_to_may_i_is_that_of_kubectl(
    verb: str, group: str, resource: str, bench: Bench, kubeconfig: Path
) -> None:
    plural, _, sub = resource.partition("/")
    words = (
        "auth",
        "can-i",
        verb,
        f"{plural}.{group}" if group else plural,
        *([f"--subresource={sub}"] if sub else []),
    )
    for user in (ADMIN, READER, STRANGER):
        async with await connect(user, kubeconfig=kubeconfig) as client:
            ours = await may(client, verb, group, resource, bench.namespace)
        theirs = await bench.kubectl(f"--context={user}", *words)
        assert bool(ours) == (theirs.out.strip() == "yes"), (user, ours, theirs)


async def test_a_token_that_was_revoked_is_said_and_a_new_one_in_its_file_is_taken_up(
    bench: Bench, gate: Gate, tmp_path: Path, control_plane: ControlPlane
) -> None:
    bench.deploy()
    token = tmp_path / "token"
    token.write_text(_account_token(bench, "console"))
    path = control_plane.kubeconfig(
        tmp_path / "rotating", {"console": {"tokenFile": str(token)}}, gate.server
    )
    async with (
        await connect("console", kubeconfig=path, clock=Impatient()) as client,
        watching(client, bench, DEPLOYMENTS) as cache,
    ):
        await live(bench, cache)
        _delete_account(bench, "console")

        def refused() -> bool:
            # The server remembers a good token for ten seconds, and never looks at a watch again.
            gate.cut()
            return cache.denied

        await bench.until(refused, "the token is refused", 20)
        assert "does not accept the credentials" in cache.error
        assert cache.objects
        bench.set_image("deployment", "shop", "shop:good-2")
        token.write_text(_account_token(bench, "other"))
        await live(bench, cache)
        await equal_to_a_fresh_list(bench, cache)


def _grant(bench: Bench, resource: str) -> None:
    access = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{bench.namespace}"
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": ["list", "watch"]}]
    role = {"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "more"}}
    bench.plane.api.post(f"{access}/roles", json={**role, "rules": rules}).raise_for_status()
    subject = {"kind": "User", "name": READER, "apiGroup": "rbac.authorization.k8s.io"}
    _bind(bench, {"kind": "Role", "name": "more"}, subject)


def _bind(bench: Bench, role: dict[str, str], subject: dict[str, str]) -> None:
    access = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{bench.namespace}"
    body = {
        "kind": "RoleBinding",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": f"for-{subject['name']}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", **role},
        "subjects": [subject],
    }
    bench.plane.api.post(f"{access}/rolebindings", json=body).raise_for_status()


def _account_token(bench: Bench, name: str) -> str:
    """A token of a new service account that may read what readers may."""
    accounts = f"/api/v1/namespaces/{bench.namespace}/serviceaccounts"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    bench.plane.api.post(accounts, json=account).raise_for_status()
    subject = {"kind": "ServiceAccount", "name": name, "namespace": bench.namespace}
    _bind(bench, {"kind": "ClusterRole", "name": "reader"}, subject)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    given = bench.plane.api.post(f"{accounts}/{name}/token", json=asked).raise_for_status()
    return str(given.json()["status"]["token"])


def _delete_account(bench: Bench, name: str) -> None:
    path = f"/api/v1/namespaces/{bench.namespace}/serviceaccounts/{name}"
    bench.plane.api.delete(path).raise_for_status()
