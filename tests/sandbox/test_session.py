"""The session on the practice cluster: intents in, views and a journal out, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from session_kit import (
    FAST,
    SERVICES,
    WORKLOADS,
    Place,
    allow_deploy,
    gated,
    place_of,
    practice,
    refused,
    settle,
    until,
)

from releaseconsole.errors import (
    ActionError,
    GateClosed,
    JournalBusy,
    ReadOnly,
    ReleaseConsoleError,
    UsageError,
)
from releaseconsole.record.model import ActionStatus, ItemStatus, Stage
from releaseconsole.sandbox import PracticeCluster, PracticeThread
from releaseconsole.session import Session
from releaseconsole.session.views import RollbackPreview

PRODUCTION = "production"
KEYS = {f"production/healthpay/{workload}" for workload in WORKLOADS}


@pytest.fixture(scope="module")
def shared() -> Iterator[PracticeThread]:
    """One healthy cluster for the tests that leave production as it is."""
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def place(shared: PracticeThread, tmp_path: Path) -> Place:
    return place_of(shared.cluster, tmp_path)


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Place]:
    """A cluster of the test's own."""
    async with practice(tmp_path) as place:
        yield place


class TestItems:
    async def test_a_tick_says_who_and_when_and_can_be_taken_back(self, place: Place) -> None:
        async with place.opened() as session:
            session.tick("read-code", note="twice")
            item = session.state.item("read-code")
            assert (item.status, item.by, item.note) == (ItemStatus.DONE, "amira", "twice")
            assert item.at > 1_700_000_000
            session.untick("read-code")
            assert session.state.item("read-code").status is ItemStatus.OPEN

    async def test_a_number_that_misses_its_target_is_no_tick(self, place: Place) -> None:
        async with place.opened() as session:
            for value in ("79", "many", "nan"):
                with pytest.raises(GateClosed):
                    session.tick("coverage", value=value)
            assert session.state.item("coverage").status is ItemStatus.OPEN
            session.tick("coverage", value="81 %")
            assert session.state.item("coverage").value == "81 %"

    async def test_who_settles_an_item_otherwise_gives_a_reason(self, place: Place) -> None:
        async with place.opened() as session:
            for intent, status in (
                (session.override, ItemStatus.OVERRIDDEN),
                (session.defer, ItemStatus.DEFERRED),
                (session.not_applicable, ItemStatus.NOT_APPLICABLE),
            ):
                with pytest.raises(GateClosed, match="reason"):
                    intent("read-code", "  ")
                intent("read-code", "because of the audit")
                item = session.state.item("read-code")
                assert (item.status, item.reason, item.by) == (status, "because of the audit", "amira")

    async def test_a_note_changes_nothing_else(self, place: Place) -> None:
        async with place.opened() as session:
            session.tick("read-code")
            session.note("read-code", "by two")
            assert session.state.item("read-code").status is ItemStatus.DONE
            assert session.state.item("read-code").note == "by two"

    async def test_what_the_plan_does_not_have_is_refused(self, place: Place) -> None:
        async with place.opened() as session:
            for intent in (session.tick, session.untick):
                with pytest.raises(UsageError, match="nosuch"):
                    intent("nosuch")
            with pytest.raises(UsageError, match="nosuch"):
                await session.run_action("nosuch")
            with pytest.raises(UsageError, match="nosuch"):
                session.environment("nosuch")

    async def test_a_sign_off_is_signed_and_not_ticked(self, place: Place) -> None:
        async with place.opened() as session:
            with pytest.raises(GateClosed, match="sign-off"):
                session.tick("lead")
            session.defer("read-code", "next week")
            with pytest.raises(GateClosed, match="deferred"):
                session.sign("lead", "Nour")
            session.tick("read-code")
            evidence = session.state.last_hash
            session.sign("lead", "Nour")
            assert (session.state.item("lead").by, session.state.item("lead").reason) == ("Nour", evidence)

    async def test_every_intent_wakes_whoever_looks(self, place: Place) -> None:
        async with place.opened() as session:
            async with asyncio.timeout(5):
                looking = asyncio.create_task(session.changed(session.version))
                await asyncio.sleep(0)
                session.tick("read-code")
                assert await looking == session.version

    async def test_a_second_writer_is_told_who_holds_the_journal(self, place: Place) -> None:
        async with place.opened() as session:
            with pytest.raises(JournalBusy, match="process"):
                async with place.opened():
                    pass
            session.tick("read-code")
        async with place.opened() as session:
            assert session.state.item("read-code").status is ItemStatus.DONE


class TestGates:
    async def test_a_phase_waits_for_what_it_needs_and_for_a_go(self, place: Place) -> None:
        async with place.opened() as session:
            assert "Before is not complete" in refused(session, "apply")
            settle(session, "before")
            assert "Nobody has decided" in refused(session, "apply")
            session.decide("deploy", go=False, reason="freeze")
            assert "no-go" in refused(session, "apply")
            session.decide("deploy", go=True)
            assert session.start_obstacles("deploy") == ()

    async def test_a_go_against_obstacles_takes_a_reason_that_is_kept(self, place: Place) -> None:
        async with place.opened() as session:
            with pytest.raises(GateClosed, match="not complete"):
                session.decide("deploy", go=True)
            session.decide("deploy", go=True, reason="hotfix")
            decision = session.state.decisions["deploy"]
            assert (decision.by, decision.reason, len(decision.despite)) == ("amira", "hotfix", 1)
            assert session.start_obstacles("deploy") == ()

    async def test_the_whole_checklist_counts_its_176_items(self, place: Place) -> None:
        async with place.opened(plan=place.healthpay) as session:
            totals = [session.progress(phase.id).total for phase in session.plan.phases]
            assert totals == [81, 15, 19, 23, 4, 11, 17, 6]
            session.tick("pre-code-fixes")
            assert session.progress("pre-deployment").label == "1/81"
            assert session.step_progress("pre-deployment", "code").label == "1/7"


def runs(process: psutil.Process) -> bool:
    """Whether it still does anything; one that was ended may wait for its parent to notice."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class TestActions:
    async def test_a_command_runs_with_the_plans_values_and_its_output_is_seen(self, place: Place) -> None:
        async with place.opened() as session:
            done = await session.run_action("hello")
            assert (done.status, done.by, done.run) == (ActionStatus.SUCCEEDED, "amira", 1)
            assert sorted(session.output("hello")) == ["hello 1", "oops"]

    async def test_a_command_that_fails_says_how(self, place: Place) -> None:
        async with place.opened() as session:
            done = await session.run_action("fails")
            assert done.status is ActionStatus.FAILED
            assert "exit code 3" in done.summary

    async def test_cancelling_ends_the_whole_tree_of_processes(self, place: Place) -> None:
        async with place.opened() as session:
            session.start_action("long")
            await until(session, lambda: "begun" in session.output("long"))
            shell = psutil.Process(int((place.folder / "long.pid").read_text()))
            async with asyncio.timeout(10):
                # Between fork and exec the child still looks like the shell.
                while [child.cmdline() for child in shell.children()] != [["sleep", "321"]]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            tree = shell.children(recursive=True)
            with pytest.raises(ActionError, match="already running"):
                await session.run_action("long")
            await session.cancel_action("long")
            assert not any(runs(child) for child in tree)
            state = session.state.action("long")
            assert (state.status, state.summary) == (ActionStatus.CANCELLED, "stopped by amira")

    async def test_leaving_ends_what_runs_and_journals_it(self, place: Place) -> None:
        async with place.opened() as session:
            session.start_action("long")
            await until(session, lambda: "begun" in session.output("long"))
        async with place.opened() as session:
            assert session.state.action("long").status is ActionStatus.CANCELLED

    async def test_looking_at_the_cluster_needs_no_gate(self, place: Place) -> None:
        async with place.opened(PRODUCTION) as session:
            listed = await session.run_action("pods")
            assert listed.status is ActionStatus.SUCCEEDED
            assert sum("Running" in line for line in session.output("pods")) == 14
            with pytest.raises(GateClosed):
                await session.run_action("health")

    async def test_a_request_is_sent_and_its_answer_shown(self, place: Place) -> None:
        async with place.opened() as session:
            allow_deploy(session)
            assert (await session.run_action("health")).status is ActionStatus.SUCCEEDED

    async def test_a_manifest_that_cannot_be_is_a_failed_action_and_no_crash(self, place: Place) -> None:
        (place.folder / "manifests" / "bad.yaml").write_text("kind: [", "utf-8")
        async with place.opened() as session:
            allow_deploy(session)
            done = await session.run_action("apply")
            assert done.status is ActionStatus.FAILED
            assert any("bad.yaml" in line for line in session.output("apply"))

    async def test_a_deploy_is_applied_waited_for_and_verified(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            allow_deploy(session)
            assert (await session.run_action("apply")).status is ActionStatus.SUCCEEDED
            assert set(session.state.pins) == KEYS
            assert (await session.run_action("wait")).status is ActionStatus.SUCCEEDED
            assert own.images() == {"1.0.0"}
            for item in ("ready", "complete"):
                assert (await session.verify(item)).status is ItemStatus.PASSED
            with pytest.raises(GateClosed, match="no check"):
                await session.verify("report")


class TestPins:
    async def test_the_first_pin_of_a_deploy_stays_until_somebody_pins_anew(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            allow_deploy(session)
            first = {pin.key: pin for pin in await session.pin(PRODUCTION)}
            assert set(first) == KEYS
            assert {pin.images for pin in first.values()} == {
                (f"healthpay/{name}:0.9.4",) for name in SERVICES
            }
            own.set_tag("1.0.1-crash-loop")
            await session.run_action("apply")
            await session.run_action("pin")
            assert dict(session.state.pins) == first
            again = {pin.key: pin for pin in await session.pin(PRODUCTION)}
            assert {pin.images for pin in again.values()} == {
                (f"healthpay/{name}:1.0.0",) for name in SERVICES
            }


def stages(session: Session) -> set[tuple[str, ...]]:
    """The stages that the workloads of the last rollback went through, in the order of their times."""
    workloads = session.state.rollbacks[-1].workloads.values()
    return {tuple(sorted(one.times, key=lambda stage: one.times[stage])) for one in workloads}


def no_letter(preview: RollbackPreview) -> RollbackPreview:
    """Without what is drawn afresh or counts seconds."""
    lines = tuple(replace(line, source=line.source.partition(" ")[0]) for line in preview.lines)
    return replace(preview, letter="", lines=lines)


BACK = ("planned", "patched", "observed", "replaced", "available", "recovered")


class TestRollback:
    async def test_a_bad_version_burns_until_it_is_gone(self, own: Place) -> None:
        own.write_manifests("1.0.1-error-spike")
        async with own.opened(PRODUCTION) as session:
            session.focus(PRODUCTION)
            allow_deploy(session)
            await session.run_action("apply")
            assert (await session.run_action("wait")).status is ActionStatus.SUCCEEDED
            await until(session, lambda: session.environment(PRODUCTION).objectives[0].state == "BREACH")
            assert any("calls for a rollback" in notice.text for notice in session.take_notices())
            preview = await session.preview_rollback(PRODUCTION)
            assert "error-rate" in preview.burning[0]
            session.start_rollback(preview, "errors")
            await until(session, lambda: session.state.rollbacks and stages(session) == {BACK[:-1]})
            assert own.images() == {"0.9.4"}
            # The metrics still burn: nobody may call it recovered before they are quiet.
            assert session.state.rollbacks[-1].under_way
            assert session.environment(PRODUCTION).objectives[0].state == "BREACH"
            journal = [(entry.kind, entry.data.get("state")) for entry in session.ledger.entries]
            assert ("trigger.changed", "BREACH") in journal
        async with own.opened(read_only=True) as session:
            assert session.state.rollbacks[-1].outcome == "interrupted"

    async def test_a_rollback_locks_the_environment_until_somebody_unlocks_it(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            allow_deploy(session)
            await session.run_action("apply")
            done = await session.roll_back(PRODUCTION, "errors")
            assert (done.outcome, done.reason, set(done.workloads)) == ("complete", "errors", KEYS)
            assert stages(session) == {BACK}
            assert own.images() == {"0.9.4"}
            assert "rolled back: errors" in session.environment(PRODUCTION).lock
            assert "locked" in refused(session, "apply")
            assert session.state.action("undo").status is ActionStatus.SUCCEEDED
            with pytest.raises(GateClosed, match="reason"):
                session.unlock(PRODUCTION, "")
            session.unlock(PRODUCTION, "fixed")
            assert session.environment(PRODUCTION).lock == ""
            assert session.start_obstacles("deploy") == ()

    async def test_a_rollout_that_hangs_is_brought_back_from_its_middle(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1-crash-loop")
            await until(
                session, lambda: any(one.problems for one in session.environment(PRODUCTION).workloads)
            )
            preview = await session.preview_rollback(PRODUCTION)
            assert all("unfinished" in line.note for line in preview.lines)
            async with asyncio.timeout(60):
                done = await session.roll_back(PRODUCTION)
            assert done.outcome == "complete"
            assert done.reason == "asked for by amira"
            assert own.images() == {"0.9.4"}
            await until(
                session,
                lambda: {one.state for one in session.environment(PRODUCTION).workloads} == {"complete"},
            )

    async def test_what_is_there_already_is_not_rolled_back_again(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1", "api-gateway")
            first, second = "production/healthpay/deployment/api-gateway", "deployment/query-service"
            done = await session.roll_back(PRODUCTION, "first")
            assert done.workloads[first].stage in (Stage.AVAILABLE, Stage.RECOVERED)
            assert done.workloads[f"production/healthpay/{second}"].stage is Stage.SKIPPED
            generation = own.cluster.stores[PRODUCTION].get("deployments", "healthpay", "api-gateway")
            again = await session.roll_back(PRODUCTION, "second")
            assert {one.stage for one in again.workloads.values()} == {Stage.SKIPPED}
            assert again.outcome == "complete"
            assert own.images() == {"0.9.4"}
            now = own.cluster.stores[PRODUCTION].get("deployments", "healthpay", "api-gateway")
            assert now["metadata"]["generation"] == generation["metadata"]["generation"]

    async def test_one_rollback_at_a_time(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1")
            preview = await session.preview_rollback(PRODUCTION)
            session.start_rollback(preview, "one")
            await until(session, lambda: session.state.rollbacks)
            with pytest.raises(GateClosed, match="already under way"):
                await session.roll_back(PRODUCTION, "two")
            assert len(session.state.rollbacks) == 1

    async def test_a_version_that_comes_back_after_the_patch_is_no_success(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1")
            session.start_rollback(await session.preview_rollback(PRODUCTION), "errors")
            key = "production/healthpay/deployment/api-gateway"

            def stage() -> Stage:
                return session.state.rollbacks[-1].workloads[key].stage

            await until(session, lambda: session.state.rollbacks and stage() is not Stage.PLANNED)
            own.set_tag("1.0.2", "api-gateway")
            await until(session, lambda: stage() is Stage.FAILED)
            assert "healthpay/api-gateway:1.0.2" in session.state.rollbacks[-1].workloads[key].message
            await until(session, lambda: session.state.rollbacks[-1].outcome == "failed")
            session.retry_rollback(PRODUCTION)
            await until(session, lambda: session.state.rollbacks[-1].outcome == "complete")
            assert own.images() == {"0.9.4"}

    async def test_the_rehearsed_preview_is_the_same_as_a_fresh_one(self, own: Place) -> None:
        async with own.opened(PRODUCTION) as session:
            session.focus(PRODUCTION)
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1-stuck")

            def rehearsed() -> bool:
                prepared = session.prepared_preview(PRODUCTION)
                return prepared is not None and all("1.0.1" in line.from_image for line in prepared.lines)

            await until(session, rehearsed)
            prepared = session.prepared_preview(PRODUCTION)
            fresh = await session.preview_rollback(PRODUCTION)
            assert prepared is not None
            assert no_letter(prepared) == no_letter(fresh)
            assert {line.source.partition(" ")[0] for line in fresh.lines} == {"pinned"}
            assert fresh.can_fire
            assert fresh.lines[0].diff

    async def test_a_rollback_stops_the_deploy_that_still_runs(self, own: Place) -> None:
        own.write_manifests("1.0.1-stuck")
        async with own.opened(PRODUCTION) as session:
            allow_deploy(session)
            await session.run_action("apply")
            for action in ("wait", "script"):
                session.start_action(action)
            await until(session, lambda: set(session.running()) == {"wait", "script"})
            async with asyncio.timeout(60):
                done = await session.roll_back(PRODUCTION, "stuck")
            assert done.outcome == "complete"
            await until(session, lambda: not session.running())
            for action in ("wait", "script"):
                state = session.state.action(action)
                assert (state.status, state.summary) == (ActionStatus.CANCELLED, "stopped by the rollback")


class TestAClusterThatGoesAway:
    async def test_its_data_is_stale_and_checks_cannot_tell_until_it_is_back(self, place: Place) -> None:
        def liveness() -> str:
            return session.environment(PRODUCTION).cluster.liveness

        async with gated(place) as gate, place.opened(PRODUCTION) as session:
            assert liveness() == "live"
            assert (await session.verify("ready")).status is ItemStatus.PASSED
            pods = len(session.environment(PRODUCTION).pods)
            await gate.shut()
            await until(session, lambda: liveness() == "stale")
            view = session.environment(PRODUCTION)
            assert view.cluster.error
            assert "tried again at least every 30 s for as long as the console is open" in view.cluster.trying
            assert len(view.pods) == pods
            item = await session.verify("ready")
            assert (item.status, item.fell_back) == (ItemStatus.UNKNOWN, True)
            await gate.open()
            await until(session, lambda: liveness() == "live")
            assert (await session.verify("ready")).status is ItemStatus.PASSED

    async def test_a_rollback_that_could_not_reach_it_is_tried_again_when_it_is_back(
        self, own: Place
    ) -> None:
        async with gated(own) as gate, own.opened(PRODUCTION) as session:
            await session.pin(PRODUCTION)
            own.set_tag("1.0.1")
            await until(session, lambda: session.environment(PRODUCTION).workloads[0].image.endswith("1.0.1"))
            await gate.shut()
            preview = await session.preview_rollback(PRODUCTION)
            assert not preview.can_fire
            assert all(line.problem for line in preview.lines)
            failed = await session.roll_back(PRODUCTION, "errors")
            assert (failed.outcome, {one.stage for one in failed.workloads.values()}) == (
                "failed",
                {Stage.FAILED},
            )
            assert all(one.message for one in failed.workloads.values())
            assert own.images() == {"1.0.1"}
            await gate.open()
            session.retry_rollback(PRODUCTION)
            await until(session, lambda: session.state.rollbacks[-1].outcome == "complete")
            assert own.images() == {"0.9.4"}


WRITING: dict[str, Callable[[Session], object]] = {
    "tick": lambda session: session.tick("read-code"),
    "untick": lambda session: session.untick("read-code"),
    "note": lambda session: session.note("read-code", "a note"),
    "override": lambda session: session.override("read-code", "a reason"),
    "defer": lambda session: session.defer("read-code", "a reason"),
    "not applicable": lambda session: session.not_applicable("read-code", "a reason"),
    "sign": lambda session: session.sign("lead", "Nour"),
    "decide": lambda session: session.decide("deploy", go=True, reason="a reason"),
    "unlock": lambda session: session.unlock(PRODUCTION, "a reason"),
    "run an action": lambda session: session.run_action("hello"),
    "look by an action": lambda session: session.run_action("pods"),
    "start an action": lambda session: session.start_action("hello"),
    "cancel an action": lambda session: session.cancel_action("hello"),
    "pin": lambda session: session.pin(PRODUCTION),
    "roll back": lambda session: session.roll_back(PRODUCTION, "a reason"),
    "retry a rollback": lambda session: session.retry_rollback(PRODUCTION),
}


async def refuses(session: Session, intent: Callable[[Session], object]) -> bool:
    """Whether a read-only session says that it is one."""
    try:
        result = intent(session)
        if asyncio.iscoroutine(result):
            await result
    except ReadOnly:
        return True
    return False


def resource_versions(cluster: PracticeCluster) -> list[str]:
    """They move with the smallest change of a Deployment."""
    store = cluster.stores[PRODUCTION]
    return [store.get("deployments", "healthpay", name)["metadata"]["resourceVersion"] for name in SERVICES]


class TestReadOnly:
    async def test_no_intent_writes_or_changes_anything(self, place: Place, shared: PracticeThread) -> None:
        async with place.opened() as session:
            session.tick("read-code")
        before = (place.state / "journal.jsonl").read_bytes()
        files = sorted(path.name for path in place.state.iterdir())
        versions = shared.call(resource_versions)
        async with place.opened(PRODUCTION, read_only=True) as session:
            assert [name for name, intent in WRITING.items() if not await refuses(session, intent)] == []
            with pytest.raises(ReadOnly):
                session.start_rollback(await session.preview_rollback(PRODUCTION))
            await session.verify("ready")
            assert session.state.item("read-code").status is ItemStatus.DONE
        assert (place.state / "journal.jsonl").read_bytes() == before
        assert sorted(path.name for path in place.state.iterdir()) == files
        assert shared.call(resource_versions) == versions

    async def test_it_follows_what_another_console_writes(self, place: Place) -> None:
        async with place.opened() as writer, place.opened(read_only=True, user="nour") as reader:
            writer.tick("read-code")
            await until(reader, lambda: reader.state.item("read-code").status is ItemStatus.DONE)
            assert reader.state.item("read-code").by == "amira"
            writer.untick("read-code")
            await until(reader, lambda: reader.state.item("read-code").status is ItemStatus.OPEN)

    async def test_it_opens_where_nothing_was_ever_written_and_makes_nothing(self, place: Place) -> None:
        async with place.opened(read_only=True) as session:
            assert session.progress("before").label == "0/2"
        assert not place.state.exists()


class TestTheJournalsFolder:
    async def test_a_folder_that_cannot_be_made_is_said_before_anything_starts(self, place: Place) -> None:
        (place.folder / "file").write_text("in the way")
        with pytest.raises(ReleaseConsoleError, match="cannot be made"):
            async with place.opened(state=place.folder / "file" / "state"):
                pass

    async def test_a_torn_line_is_cut_and_told_once(self, place: Place) -> None:
        async with place.opened() as session:
            session.tick("read-code")
        with (place.state / "journal.jsonl").open("ab") as file:
            file.write(b'{"at":17')
        async with place.opened() as session:
            assert [notice.text for notice in session.take_notices() if "torn" in notice.text]
            assert session.state.item("read-code").status is ItemStatus.DONE
        async with place.opened() as session:
            assert session.take_notices() == ()
