"""Before a deploy the session asks whether the triggers can fire, and nothing waits for the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from session_kit import FAST, WALK, Place, allow_deploy, place_of, until

from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.sandbox import PracticeThread
from releaseconsole.session import Session
from releaseconsole.session.views import MetricView

LATENCY = """
[[objectives]]
id = "latency"
title = "Latency"
query = '''
1000 * histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="$namespace"}[1m])))'''
traffic = 'sum(rate(http_requests_total{namespace="$namespace"}[1m]))'
unit = "ms"
target = "< 50"
rollback = { when = "> 20 s", for = "1m" }

[[phases]]
id = "before"
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[PracticeThread]:
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def place(shared: PracticeThread, tmp_path: Path) -> Place:
    return place_of(shared.cluster, tmp_path)


def slow(place: Place) -> Plan:
    """A walk with a line that the practice histogram, which ends at ten seconds, never reaches."""
    overrides = endpoint_overrides(place.cluster)
    text = WALK.replace('[[phases]]\nid = "before"\n', LATENCY, 1)
    return with_overrides(
        parse_plan(text, "walk.toml"), {name: overrides[name] for name in ("staging", "production")}
    )


def row(session: Session, objective: str) -> MetricView:
    return next(one for one in session.environment("production").objectives if one.id == objective)


async def test_a_trigger_that_cannot_fire_is_told_when_the_deploy_is_decided(place: Place) -> None:
    async with place.opened("production", plan=slow(place)) as session:
        session.focus("production")
        await until(session, lambda: row(session, "latency").state == "OK")
        assert row(session, "latency").cannot_fire == ""
        allow_deploy(session)
        await until(session, lambda: row(session, "latency").cannot_fire)
        told = (
            "can never be > 20,000 ms: the largest bucket of http_request_duration_seconds_bucket ends at 10"
        )
        assert told in row(session, "latency").cannot_fire
        assert row(session, "error-rate").cannot_fire == ""
        (notice,) = (one for one in session.take_notices() if "cannot fire" in one.text)
        assert notice.severity == "warning"
        assert notice.text.startswith("production: a trigger cannot fire. “Latency” can never be")


async def test_a_second_decision_soon_after_asks_nothing_again(place: Place) -> None:
    async with place.opened("production", plan=slow(place)) as session:
        session.focus("production")
        allow_deploy(session)
        await until(session, lambda: row(session, "latency").cannot_fire)
        session.take_notices()
        session.decide("deploy", go=False)
        session.decide("deploy", go=True)
        await session.run_action("apply")
        assert [one.text for one in session.take_notices() if "cannot fire" in one.text] == []


async def test_an_apply_says_until_when_the_version_before_is_mixed_in(place: Place) -> None:
    async with place.opened("production") as session:
        allow_deploy(session)
        await session.run_action("apply")
        texts: list[str] = []
        await until(
            session,
            lambda: (
                texts.extend(one.text for one in session.take_notices())
                or any("mixed in" in one for one in texts)
            ),
        )
        (mixed,) = (one for one in texts if "mixed in" in one)
        assert mixed.startswith("production: “error-rate” looks back over 1 m: until ")
