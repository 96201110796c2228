"""A whole session while rights are missing, tokens end and the API server dies: it says so, and the rest goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from accounts import account_token, allow, delete_account
from aiohttp import web
from bench import Bench
from control_plane import ADMIN, READER, ControlPlane
from gate import Gate
from session_bench import equal_to_fresh_lists, is_live, opened, plan_for, refusals, row, seen, until
from watching import Impatient

from releaseconsole.record.model import Stage
from releaseconsole.session.views import Liveness

ASIDE = ("horizontalpodautoscalers", "poddisruptionbudgets", "ingresses")


async def test_kinds_that_may_not_be_listed_are_named_with_the_verb_while_the_rest_is_live(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    plan = plan_for(bench, context=READER)
    async with opened(plan, kubeconfig, tmp_path, clock=Impatient()) as session:
        refused = ("events", "endpointslices", *ASIDE)
        await until(session, lambda: set(refused) <= set(refusals(session)), "the refusals are shown")
        for kind in refused:
            assert f'cannot list resource "{kind}"' in refusals(session)[kind]
        await until(session, lambda: is_live(session), "workloads and pods are live")
        assert row(session).state == "complete"
        await equal_to_fresh_lists(bench, session)
        assert (await session.look("pods")).status == "passed"
        for item in ("ingress", "scaled", "budget"):
            found = await session.look(item)
            assert found.status == "unknown"
            assert "cannot list resource" in found.reason
        allow(bench, READER, "events", "", ["list", "watch"])
        await until(session, lambda: "events" not in refusals(session), "the right that was given is used")
        await bench.release("deployment", "shop", "shop:good-2")
        await until(session, lambda: row(session).image == "shop:good-2", "the rest has gone on")


async def test_without_the_right_to_list_pods_the_rollouts_are_still_followed(
    bench: Bench, tmp_path: Path, control_plane: ControlPlane
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    user = {"narrow": {"token": account_token(bench, "narrow", {"apps": ["deployments", "replicasets"]})}}
    path = control_plane.kubeconfig(tmp_path / "narrow", user)
    plan = plan_for(bench, context="narrow")
    async with opened(plan, path, tmp_path, clock=Impatient()) as session:
        await until(session, lambda: "pods" in refusals(session), "the refusal is shown")
        assert 'cannot list resource "pods"' in refusals(session)["pods"]
        assert seen(session).cluster.liveness is Liveness.DENIED
        await bench.release("deployment", "shop", "shop:good-2")
        await until(session, lambda: row(session).image == "shop:good-2", "the rollout is followed")
        assert (await session.look("pods")).status == "unknown"


async def test_a_server_that_lacks_a_kind_altogether_is_as_fresh_as_any(
    bench: Bench, gate: Gate, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async def no_autoscaling(request: web.Request) -> web.StreamResponse | None:
        return (
            web.Response(status=404, text="404 page not found") if "/autoscaling/" in request.path else None
        )

    gate.hooks.append(no_autoscaling)
    bench.deploy()
    await bench.settled("deployment", "shop")
    path = _through(gate, control_plane, tmp_path)
    async with opened(plan_for(bench), path, tmp_path) as session:
        await until(session, lambda: "horizontalpodautoscalers" in refusals(session), "it is said")
        assert refusals(session)["horizontalpodautoscalers"].startswith(
            "Cannot list horizontalpodautoscalers"
        )
        assert set(refusals(session)) == {"horizontalpodautoscalers"}
        assert is_live(session)
        assert any("Cannot list horizontalpodautoscalers" in note for note in row(session).notes)
        await equal_to_fresh_lists(bench, session)


async def test_a_token_revoked_in_mid_flight_is_said_and_a_new_one_in_its_file_is_taken_up(
    bench: Bench, gate: Gate, control_plane: ControlPlane, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    rights = {"": ["*"], "apps": ["*"], "discovery.k8s.io": ["*"]}
    token = tmp_path / "token"
    token.write_text(account_token(bench, "console", rights))
    user = {"console": {"tokenFile": str(token)}}
    path = control_plane.kubeconfig(tmp_path / "rotating", user, gate.server)
    async with opened(plan_for(bench, context="console"), path, tmp_path, clock=Impatient()) as session:
        await until(session, lambda: is_live(session), "it is live")
        await session.pin("real")
        bench.set_image("deployment", "shop", "shop:good-2")
        await bench.settled("deployment", "shop")
        delete_account(bench, "console")

        def refused() -> bool:
            # The server remembers a good token for ten seconds, and never looks at a watch again.
            gate.cut()
            return seen(session).cluster.liveness is Liveness.DENIED

        await bench.until(refused, "the token is refused", 20)
        assert "does not accept the credentials" in seen(session).cluster.error
        assert row(session).name == "shop", "what was known is still shown"
        token.write_text(account_token(bench, "other", rights))
        before = bench.get("deployment", "shop")["metadata"]["generation"]
        done = await session.roll_back("real")
        assert done.outcome == "complete"
        assert bench.image("deployment", "shop") == "shop:good-1"
        assert bench.get("deployment", "shop")["metadata"]["generation"] == before + 1
        await until(session, lambda: is_live(session), "it is live again")
        await equal_to_fresh_lists(bench, session)


async def test_an_api_server_killed_between_the_patches_of_a_rollback_loses_and_repeats_none(
    bench: Bench, gate: Gate, control_plane: ControlPlane, tmp_path: Path
) -> None:
    names = ("shop", "desk", "till")
    for name in names:
        bench.deploy(name)
    for name in names:
        await bench.settled("deployment", name)
    path = _through(gate, control_plane, tmp_path)
    plan = plan_for(bench, *(f"deployment/{name}" for name in names))
    async with opened(plan, path, tmp_path) as session:
        await session.pin("real")
        for name in names:
            bench.set_image("deployment", name, "shop:crash-2")
        await bench.until_replica_sets(2 * len(names))
        before = {name: bench.get("deployment", name)["metadata"]["generation"] for name in names}
        death = _DeathAfterOnePatch(control_plane)
        gate.hooks.append(death)
        async with asyncio.timeout(90):
            rollback = asyncio.create_task(session.roll_back("real"))
            await death.dead.wait()
            await until(session, lambda: seen(session).cluster.error, "the outage is shown")
            assert not rollback.done()
            control_plane.start_program("kube-apiserver")
            await asyncio.to_thread(control_plane.recover)
            done = await rollback
        assert done.outcome == "complete"
        assert {one.stage for one in done.workloads.values()} <= {Stage.AVAILABLE, Stage.RECOVERED}
        for name in names:
            assert bench.image("deployment", name) == "shop:good-1"
            assert bench.get("deployment", name)["metadata"]["generation"] == before[name] + 1
        await until(session, lambda: is_live(session), "it is live again")
        await equal_to_fresh_lists(bench, session)


@pytest.mark.parametrize("how", ["status", "event"])
async def test_a_place_that_is_gone_leads_to_a_list_whichever_way_it_is_said(
    how: str, bench: Bench, gate: Gate, control_plane: ControlPlane, tmp_path: Path
) -> None:
    said = (
        b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,'
        b'"message":"too old resource version"}'
    )
    told: list[str] = []

    async def gone(request: web.Request) -> web.StreamResponse | None:
        if request.query.get("watch") is None or request.path in told:
            return None
        told.append(request.path)
        if how == "status":
            return web.Response(status=410, body=said, content_type="application/json")
        event = b'{"type":"ERROR","object":' + said + b"}\n"
        return web.Response(body=event, content_type="application/json")

    bench.deploy()
    await bench.settled("deployment", "shop")
    path = _through(gate, control_plane, tmp_path)
    async with opened(plan_for(bench), path, tmp_path) as session:
        await until(session, lambda: is_live(session), "it is live")
        gate.hooks.append(gone)
        gate.seen.clear()
        gate.cut()
        bench.set_image("deployment", "shop", "shop:good-2")
        await bench.settled("deployment", "shop")
        await equal_to_fresh_lists(bench, session)
        await until(session, lambda: is_live(session), "it is live again")
        asked = [path for _, path in gate.seen if "/deployments" in path]
    first = next(number for number, one in enumerate(asked) if "watch=" in one)
    assert "watch=" not in asked[first + 1], "it has listed after it was told"


class _DeathAfterOnePatch:
    """Lets one PATCH through, and kills the API server before the next one gets there."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._lock = asyncio.Lock()
        self.came = 0
        self.dead = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if request.method != "PATCH" or request.query.get("dryRun"):
            return None
        async with self._lock:
            self.came += 1
            if self.came == 2:
                await asyncio.to_thread(self._plane.kill, "kube-apiserver")
                self.dead.set()
        return None


def _through(gate: Gate, plane: ControlPlane, folder: Path) -> Path:
    return plane.kubeconfig(folder / "gated", {ADMIN: {"token": plane.tokens[ADMIN]}}, gate.server)
