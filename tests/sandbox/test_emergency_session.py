"""What keeps a rollback at hand: duty, a rehearsal that costs little, resuming, guarding, rolling back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from numbered import numbered
from session_kit import WALK, Place, allow_deploy, practice, until

from releaseconsole.cluster.rollback_run import delete_pod
from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.errors import Conflict, GateClosed, ReadOnly
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.sandbox.api import server
from releaseconsole.session import Session
from releaseconsole.session.views import ArmedDetail, ArmedView

PRODUCTION, STAGING = "production", "staging"
BAD = "1.0.1"
GATEWAY = "production/healthpay/deployment/api-gateway"
BURNING = "1.0.1-error-spike"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


@pytest.fixture
def dry_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the workloads that the API servers dry-ran a patch of, as they came."""
    found: list[str] = []
    answer = server.answer

    async def counting(api: Any, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PATCH" and "dryRun" in request.query:
            found.append(request.path.rpartition("/")[2])
        return await answer(api, request)

    monkeypatch.setattr(server, "answer", counting)
    return found


def changed_walk(place: Place, old: str, new: str) -> Plan:
    overrides = endpoint_overrides(place.cluster)
    text = WALK.replace(old, new, 1)
    assert text != WALK
    return with_overrides(
        parse_plan(text, "walk.toml"), {name: overrides[name] for name in (STAGING, PRODUCTION)}
    )


def automatic_walk(place: Place, seconds: int) -> Plan:
    return changed_walk(place, 'for = "1s" }', f'for = "1s", auto = true, countdown = "{seconds}s" }}')


def change(place: Place, name: str, edit: Any, kind: str = "deployments") -> None:
    place.cluster.stores[PRODUCTION].update(kind, "healthpay", name, edit)


def armed(session: Session) -> ArmedView:
    return session.environment(PRODUCTION).armed


def detail(session: Session, name: str) -> ArmedDetail:
    return next(one for one in armed(session).details if one.name == name)


def told(session: Session, kind: str) -> list[dict[str, Any]]:
    return [dict(entry.data) for entry in session.ledger.entries if entry.kind == kind]


class TestDuty:
    async def test_what_is_being_released_is_observed_rehearsed_and_measured_though_nobody_looks(
        self, place: Place
    ) -> None:
        async with place.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
        async with place.opened() as session:
            session.focus(STAGING)
            observer = session.observer(PRODUCTION)
            assert observer.started
            await until(session, lambda: armed(session).armed)
            await until(session, lambda: session.environment(PRODUCTION).objectives[0].state == "OK")
            assert session.environment(PRODUCTION).logs.streams == 0
            assert not observer.focus.on

    async def test_what_is_not_being_released_rests(self, place: Place) -> None:
        async with place.opened() as session:
            session.focus(STAGING)
            await until(session, lambda: session.environment(STAGING).armed.armed)
            assert not session._observers[PRODUCTION].started


class TestArmed:
    async def test_what_the_rollback_rests_on_is_told_for_each_workload(
        self, place: Place, dry_runs: list[str]
    ) -> None:
        async with place.opened() as session:
            session.focus(PRODUCTION)
            await until(session, lambda: armed(session).armed)
            one = detail(session, "api-gateway")
            assert not one.pinned_at
            assert "press p to pin" in one.remedy
            assert one.tried_at
            await session.pin(PRODUCTION)
            await until(session, lambda: detail(session, "api-gateway").pinned_at)
            one = detail(session, "api-gateway")
            assert one.already_there
            assert "right to patch" in one.rights
            assert "allowed" in one.rights
            place.set_tag(BAD)
            await until(session, lambda: detail(session, "api-gateway").tried_at)
            assert detail(session, "api-gateway").source == "pinned"
            assert armed(session).armed

    async def test_who_may_only_look_is_told_so_before_the_key_is_needed(self, place: Place) -> None:
        place.cluster.write_kubeconfig(place.kubeconfig)
        text = place.kubeconfig.read_text("utf-8")
        token, viewer = (place.cluster.token(PRODUCTION, viewer=one) for one in (False, True))
        place.kubeconfig.write_text(text.replace(token, viewer), "utf-8")
        async with place.opened() as session:
            session.focus(PRODUCTION)
            await until(session, lambda: len(armed(session).problems) == 3)
            assert armed(session).ready == 0
            assert "patch" in detail(session, "api-gateway").problem

    async def test_one_change_costs_one_dry_run_of_that_workload_alone(
        self, place: Place, dry_runs: list[str]
    ) -> None:
        async with place.opened() as session:
            session.focus(PRODUCTION)
            await until(session, lambda: armed(session).armed)
            assert sorted(dry_runs) == ["api-gateway", "command-service", "query-service"]
            dry_runs.clear()
            place.set_tag(BAD, "api-gateway")
            await until(session, lambda: dry_runs)
            await until(session, lambda: session.environment(PRODUCTION).workloads[1].state == "complete")
            assert dry_runs == ["api-gateway"]

    async def test_the_commands_count_the_pins_of_the_journal(self, place: Place) -> None:
        async with place.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
        async with place.opened(journal=False) as session:
            await session.ready([PRODUCTION], 20)
            assert armed(session).pinned == 3
            assert all(one.already_there for one in armed(session).details)


class TestPaused:
    async def test_the_preview_says_so_and_one_patch_resumes_and_rolls_back(self, place: Place) -> None:
        (good,) = place.images()
        async with place.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            place.set_tag(BAD)
            change(place, "api-gateway", lambda obj: obj["spec"].update(paused=True))
            session.focus(PRODUCTION)
            await until(
                session,
                lambda: any(one.paused for one in armed(session).details if one.name == "api-gateway"),
            )
            preview = await session.preview_rollback(PRODUCTION)
            line = next(one for one in preview.lines if one.key == GATEWAY)
            assert not line.problem
            assert "paused: it is resumed in the same patch" in line.note
            done = await session.roll_back(PRODUCTION)
            assert done.outcome == "complete"
            assert place.images() == {good}
            obj = place.cluster.stores[PRODUCTION].get("deployments", "healthpay", "api-gateway")
            assert not obj["spec"].get("paused")


class TestStuckPods:
    PLAN = """
[release]
name = "store"
title = "Store"
version = "2"
[environments.production]
targets = [{ context = "production", namespace = "healthpay" }]
workloads = ["statefulset/db"]
[[phases]]
id = "deploy"
title = "Deploy"
environment = "production"
[[phases.steps]]
id = "roll-out"
title = "Roll out"
items = [{ id = "look", text = "Look" }]
"""
    KEY = "production/healthpay/statefulset/db"

    @pytest.fixture
    async def stuck(self, place: Place) -> AsyncIterator[Session]:
        """A rollback that has reverted the template and waits for the broken pod."""
        place.cluster.stores[PRODUCTION].create("statefulsets", numbered("statefulset", "db", replicas=2))
        async with place.opened(PRODUCTION, plan=parse_plan(self.PLAN, "store.toml")) as session:
            await until(session, lambda: session.environment(PRODUCTION).workloads[0].state == "complete")
            await session.pin(PRODUCTION)

            def break_it(obj: dict[str, Any]) -> None:
                obj["spec"]["template"]["spec"]["containers"][0]["image"] = "store/db:3-image-pull"

            change(place, "db", break_it, "statefulsets")
            await until(session, lambda: session.environment(PRODUCTION).workloads[0].state == "failing")
            assert session.stuck_pods(PRODUCTION) == ()
            session.start_rollback(await session.preview_rollback(PRODUCTION))
            await until(session, lambda: session.stuck_pods(PRODUCTION))
            yield session

    async def test_the_stage_says_which_pod_and_why_and_deleting_it_lets_the_rollback_end(
        self, stuck: Session
    ) -> None:
        (pod,) = stuck.stuck_pods(PRODUCTION)
        assert pod.key == self.KEY

        def message() -> str:
            return stuck.state.rollbacks[-1].workloads[self.KEY].message

        await until(stuck, lambda: pod.pod in message())
        assert "#67250" in message()
        with pytest.raises(GateClosed, match="Nothing waits"):
            await stuck.delete_stuck_pod(PRODUCTION, self.KEY, "db-99")
        await stuck.delete_stuck_pod(PRODUCTION, self.KEY, pod.pod)
        await until(stuck, lambda: stuck.state.rollbacks[-1].outcome == "complete")
        assert stuck.stuck_pods(PRODUCTION) == ()
        assert [one["uid"] for one in told(stuck, "pod.deleting")] == [pod.uid]
        assert [one["uid"] for one in told(stuck, "pod.deleted")] == [pod.uid]

    async def test_only_the_very_pod_is_deleted_and_not_another_that_has_its_name_by_now(
        self, stuck: Session, place: Place
    ) -> None:
        (pod,) = stuck.stuck_pods(PRODUCTION)
        client = await stuck.observer(PRODUCTION).target_observers[0].connected()
        with pytest.raises(Conflict):
            await delete_pod(client, "healthpay", pod.pod, "uid-of-the-one-before")
        found = place.cluster.stores[PRODUCTION].get("pods", "healthpay", pod.pod)
        assert found["metadata"]["uid"] == pod.uid

    async def test_a_read_only_console_deletes_nothing(self, stuck: Session, place: Place) -> None:
        (pod,) = stuck.stuck_pods(PRODUCTION)
        async with place.opened(PRODUCTION, plan=stuck.plan, read_only=True) as looking:
            with pytest.raises(ReadOnly):
                await looking.delete_stuck_pod(PRODUCTION, self.KEY, pod.pod)
        assert (
            place.cluster.stores[PRODUCTION].get("pods", "healthpay", pod.pod)["metadata"]["uid"] == pod.uid
        )


def template_of(name: str, tag: str) -> dict[str, Any]:
    """A server-side apply of nothing but the image."""
    containers = [{"name": name, "image": f"healthpay/{name}:{tag}"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def owned(obj: dict[str, Any]) -> None:
    obj["metadata"].setdefault("annotations", {})["argocd.argoproj.io/tracking-id"] = (
        "shop:apps/Deployment:a/b"
    )


class TestTheGuard:
    async def rolled_back(self, place: Place, session: Session) -> None:
        await session.pin(PRODUCTION)
        place.set_tag(BAD)
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"

    def reverted(self, session: Session) -> str:
        return session.state.rollbacks[-1].workloads[GATEWAY].reverted

    async def test_a_revert_raises_an_alarm_with_the_owner_and_how_to_suspend_it_once(
        self, place: Place
    ) -> None:
        change(place, "api-gateway", owned)
        async with place.opened(PRODUCTION) as session:
            await self.rolled_back(place, session)
            session.take_notices()
            place.set_tag(BAD, "api-gateway")
            await until(session, lambda: self.reverted(session))
            alarms = [one for one in session.take_notices() if "was undone" in one.text]
            assert [one.severity for one in alarms] == ["error"]
            assert "argocd app set shop --sync-policy none" in alarms[0].text
            assert BAD in self.reverted(session)
        async with place.opened(PRODUCTION) as session:
            await until(session, lambda: session.environment(PRODUCTION).workloads[1].image.endswith(BAD))
            await asyncio.sleep(2)
            assert len(told(session, "rollback.reverted")) == 1
            place.set_tag("1.0.7", "query-service")
            await until(session, lambda: len(told(session, "rollback.reverted")) == 2)

    async def test_without_an_owner_whoever_wrote_it_last_is_named_and_each_revert_is_an_alarm(
        self, place: Place
    ) -> None:
        def alarms() -> list[str]:
            return [one["message"] for one in told(session, "rollback.reverted")]

        async with place.opened(PRODUCTION) as session:
            await self.rolled_back(place, session)
            client = await session.observer(PRODUCTION).target_observers[0].connected()
            compared = session._emergency._reverts._compared
            for count, tag in enumerate((BAD, "1.0.2"), 1):
                await client.request(
                    "PATCH",
                    "/apis/apps/v1/namespaces/healthpay/deployments/api-gateway",
                    {"fieldManager": "night-shift", "force": "true"},
                    template_of("api-gateway", tag),
                    "application/apply-patch+yaml",
                )
                await until(session, lambda count=count: len(alarms()) == count)
                place.set_tag("0.9.4", "api-gateway")
                await until(
                    session, lambda: session.environment(PRODUCTION).workloads[1].image.endswith("0.9.4")
                )
                observer = session.observer(PRODUCTION).target_observers[0]
                seen = observer.owner("deployment/api-gateway").metadata.generation
                await until(session, lambda seen=seen: seen in {at for _, at in compared.values()})
            assert all("changed by night-shift to" in one for one in alarms())
            assert "See who runs night-shift, and stop it." in alarms()[0]
            assert "healthpay/api-gateway:1.0.2" in alarms()[1]

    async def test_what_was_reverted_while_no_console_was_open_is_an_alarm_when_one_is_opened(
        self, place: Place
    ) -> None:
        async with place.opened(PRODUCTION) as session:
            await self.rolled_back(place, session)
        place.set_tag(BAD, "api-gateway")
        async with place.opened(user="nour") as session:
            session.focus(STAGING)
            await until(session, lambda: told(session, "rollback.reverted"))
            assert [one["key"] for one in told(session, "rollback.reverted")] == [GATEWAY]

    async def test_a_new_deploy_of_this_release_is_no_revert(self, place: Place) -> None:
        place.write_manifests("1.0.2")
        async with place.opened(PRODUCTION) as session:
            await self.rolled_back(place, session)
            session.unlock(PRODUCTION, "mended")
            allow_deploy(session)
            await session.run_action("apply")
            await until(session, lambda: session.environment(PRODUCTION).workloads[1].image.endswith("1.0.2"))
            await asyncio.sleep(2)
            assert told(session, "rollback.reverted") == []


class TestAutomatic:
    async def deployed(self, session: Session) -> None:
        session.focus(STAGING)
        allow_deploy(session)
        await session.run_action("apply")

    async def test_a_breach_after_a_deploy_rolls_back_once_though_nobody_looks(self, place: Place) -> None:
        (good,) = place.images()
        place.write_manifests(BURNING)
        async with place.opened(PRODUCTION, plan=automatic_walk(place, 2)) as session:
            await self.deployed(session)
            await until(session, lambda: session.environment(PRODUCTION).automatic)
            view = session.environment(PRODUCTION).automatic
            assert view is not None
            assert view.environment == PRODUCTION
            assert 0 <= view.seconds_left <= 2
            assert "error-rate" in view.reason
            assert any("unless somebody stops" in one.text for one in session.take_notices())
            await until(session, lambda: session.state.rollbacks)
            assert session.state.automatic[PRODUCTION].fired
            assert session.state.rollbacks[-1].reason.startswith("automatic: ")
            await until(session, lambda: place.images() == {good})
            session.unlock(PRODUCTION, "again")
            assert len(told(session, "automatic.started")) == 1
