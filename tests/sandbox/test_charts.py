"""Charts of the real session on the practice cluster: split by revision, marked, and honest about silence."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from session_kit import Gate, Place, allow_deploy, practice, until

from releaseconsole.errors import UsageError
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.session import Session
from releaseconsole.session.chart_data import ChartData, ChartLine

PRODUCTION = "production"
TEN_MINUTES = 600.0


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as found:
        yield found


def values(line: ChartLine) -> list[float]:
    return [value for _, value in line.samples if not math.isnan(value)]


def named(data: ChartData) -> dict[str, ChartLine]:
    return {line.kind: line for line in data.lines}


async def chart(session: Session, objective: str = "error-rate", points: int = 120) -> ChartData:
    return await session.charts.chart(PRODUCTION, objective, TEN_MINUTES, points)


async def released(session: Session, place: Place, tag: str) -> None:
    """Somebody changes the images, and the rollout ends."""
    place.set_tag(tag)
    await until(
        session,
        lambda: all(
            one.image.endswith(tag) and one.state == "complete"
            for one in session.environment(PRODUCTION).workloads
        ),
    )


async def test_old_and_new_revision_are_two_lines_that_the_images_name(place: Place) -> None:
    async with place.opened(PRODUCTION, plan=place.healthpay) as session:
        await released(session, place, "1.0.1-error-spike")
        async with asyncio.timeout(30):
            while set(named(data := await chart(session))) != {"old", "new"}:
                await session.changed(session.version)
        lines = named(data)
        assert data.problem == ""
        assert set(lines) == {"old", "new"}
        assert lines["new"].name == "new 1.0.1-error-spike"
        assert lines["old"].name.startswith("old 0.9.4")
        assert len(values(lines["old"])) > len(values(lines["new"])) > 0
        assert max(values(lines["new"])) > 10 * max(values(lines["old"]))
        assert {len(line.samples) for line in data.lines} == {121}


async def test_the_raw_answers_name_the_pods_that_were_asked_for(place: Place) -> None:
    async with place.opened(PRODUCTION, plan=place.healthpay) as session:
        data = await chart(session)
        assert data.answers
        for answer in data.answers:
            assert 'namespace="healthpay"' in answer.query
            assert "$" not in answer.query
            assert answer.prometheus.startswith("127.0.0.1:")
        newest = next(one for one in data.answers if one.name.startswith("new"))
        for name in (pod.name for pod in session.environment(PRODUCTION).pods):
            assert name.rpartition("-")[0] in newest.query


async def test_a_query_that_does_not_name_pods_has_one_line_and_the_chart_says_why(place: Place) -> None:
    async with place.opened(PRODUCTION, plan=place.healthpay) as session:
        data = await chart(session, "throughput")
        assert list(named(data)) == ["all"]
        assert data.note == "one line: the query does not name $pods"
        assert min(values(named(data)["all"])) > 8000


async def test_deploy_and_rollback_are_marked_where_they_happened(place: Place) -> None:
    async with place.opened(PRODUCTION) as session:
        allow_deploy(session)
        await session.run_action("apply")
        await session.run_action("wait")
        deployed = session.state.action("apply").started
        since = session.charts.since_deploy(PRODUCTION)
        assert since is not None
        assert since >= 60.0
        await session.roll_back(PRODUCTION, "errors")
        marks = (await chart(session)).marks
        assert [mark.text for mark in marks] == ["deploy", "rollback", "rolled back"]
        assert marks[0].at == deployed


async def test_a_revision_that_came_without_the_console_is_marked_too(place: Place) -> None:
    async with place.opened(PRODUCTION, plan=place.healthpay) as session:
        assert (await chart(session)).marks == ()
        await released(session, place, "1.0.0")
        assert [mark.text for mark in (await chart(session)).marks] == ["new 1.0.0"]


async def test_each_series_has_a_line_beside_the_worst(place: Place) -> None:
    up = {"id": "up", "query": 'up{namespace="$namespace"}', "target": "> 0.5", "across": "each"}
    plan = _with_objective(place.healthpay, up)
    async with place.opened(PRODUCTION, plan=plan) as session:
        data = await chart(session, "up", 30)
        assert [line.kind for line in data.lines] == ["all", *["series"] * 5]
        assert data.lines[0].name == "the worst"
        assert "pod=" in data.lines[1].name


async def test_several_series_that_the_plan_says_nothing_about_are_told(place: Place) -> None:
    plan = _with_objective(
        place.healthpay, {"id": "up", "query": 'up{namespace="$namespace"}', "target": "> 0.5"}
    )
    async with place.opened(PRODUCTION, plan=plan) as session:
        assert "aggregate in the query, or set across" in (await chart(session, "up", 30)).note


async def test_what_the_plan_does_not_have_is_refused_with_a_sentence(place: Place) -> None:
    async with place.opened(PRODUCTION, plan=place.healthpay) as session:
        with pytest.raises(UsageError, match="is not watched"):
            await chart(session, "no-such")


async def test_a_dead_prometheus_is_the_charts_problem_and_the_row_keeps_its_value(place: Place) -> None:
    port = int(place.cluster.endpoints[PRODUCTION].prometheus.rpartition(":")[2])
    async with Gate("127.0.0.1", port) as gate:
        url = f"http://127.0.0.1:{gate.port}"
        plan = with_overrides(place.healthpay, {PRODUCTION: {"prometheus_url": url}})
        async with place.opened(PRODUCTION, plan=plan) as session:
            session.focus(PRODUCTION)
            await until(session, lambda: _row(session).value is not None)
            await gate.shut()
            await until(session, lambda: _row(session).state == "PROVIDER DOWN")
            row = _row(session)
            assert row.value is not None
            assert 0 < row.seen < session.setup.clock.monotonic()
            data = await chart(session)
            assert data.lines == ()
            assert data.problem
            assert {one.problem for one in data.answers} == {data.problem}
            await gate.open()
            assert (await chart(session)).problem == ""


def _row(session: Session):  # type: ignore[no-untyped-def]
    return session.environment(PRODUCTION).objectives[0]


def _with_objective(plan: Plan, objective: dict[str, object]) -> Plan:
    kind = type(plan.objectives[0])
    return plan.model_copy(update={"objectives": (*plan.objectives, kind.model_validate(objective))})
