"""Observation windows over recorded days: the verdicts are those of the recording, however the console was used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from prom_recording import START, Curve, Recording
from prom_server import Keeper, Prometheus, Wanted

from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.record.watches import Standing, WatchState, WatchVerdict, WatchWord
from releaseconsole.session import Session, open_session

HOUR = 3600.0
DAY = 24 * HOUR
STEP = 30.0
"""How often a day's window is looked at."""
LOOKBACK = 300.0
"""For so long Prometheus gives a series' last sample for the present one."""
SETTLED = 700.0
"""Seconds after its end at which a day's window is judged."""
PATIENCE = 60.0

OBJECTIVES = """
[[objectives]]
id = "calm"
query = "calm"
target = "< 1"

[[objectives]]
id = "rough"
query = "rough"
target = "< 1"

[[objectives]]
id = "bumpy"
query = "bumpy"
target = "< 1"

[[objectives]]
id = "holed"
query = "holed"
target = "< 1"

[[objectives]]
id = "quiet"
query = "quiet"
target = "< 1"

[[objectives]]
id = "peak"
query = "peak"
target = "< 1"
rollback = { when = "> 10", for = "2m" }

[[objectives]]
id = "high"
query = "high"
target = "> 90"

[[objectives]]
id = "pods"
query = "pods"
target = "< 1"
across = "each"

[[objectives]]
id = "many"
query = "pods"
target = "< 1"
"""


def during(*spans: tuple[float, float, float], other: float = 0.5) -> Curve:
    """A value from one second to another (excluded), and another value else."""

    def curve(second: float) -> float | None:
        return next((value for first, last, value in spans if first <= second < last), other)

    return curve


def recorded() -> Recording:
    """A day and a bit of every objective."""
    recording = Recording()
    curves: list[tuple[str, dict[str, str], Curve]] = [
        ("calm", {}, during()),
        ("rough", {}, during((2 * HOUR, 2 * HOUR + 300, 3), (10 * HOUR, 10 * HOUR + 600, 7))),
        ("bumpy", {}, during((20 * HOUR, 20 * HOUR + 600, 2))),
        ("holed", {}, lambda second: None if 5 * HOUR <= second < 6 * HOUR else 0.5),
        ("quiet", {}, during((3 * HOUR, 4 * HOUR, float("nan")))),
        ("peak", {}, during((HOUR, HOUR + 120, 50))),
        ("high", {}, during((7 * HOUR, 8 * HOUR, 12), other=99)),
        ("pods", {"pod": "a"}, during()),
        ("pods", {"pod": "b"}, during((9 * HOUR, 9 * HOUR + 60, 2))),
    ]
    for name, labels, curve in curves:
        recording.series(name, labels, curve, DAY + HOUR)
    return recording


@pytest.fixture(scope="module")
def day(keeper: Keeper) -> Iterator[Prometheus]:
    """A Prometheus with a recorded day, for all of these tests."""
    with ExitStack() as opened:
        made = keeper.start(Wanted(recording=recorded()))
        opened.callback(made.close)
        yield made


class SetClock:
    """Time that a test sets; pauses are short ones of the real clock."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))


def plan_for(url: str) -> Plan:
    return parse_plan(
        f"""
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.production]
targets = [{{ context = "nowhere", namespace = "shop" }}]
workloads = ["deployment/shop"]
prometheus = {{ url = "{url}" }}
{OBJECTIVES}
[[phases]]
id = "deploy"
title = "Deploy"
environment = "production"
[[phases.steps]]
id = "watch"
title = "Watch"
actions = [{{ id = "watch", watch = "24h" }}]
items = [{{ id = "watched", text = "It was watched", check = {{ watch = "complete" }} }}]
""",
        "plan.toml",
    )


@asynccontextmanager
async def opened(url: str, folder: Path, clock: SetClock) -> AsyncIterator[Session]:
    """A console that reaches no cluster, but the Prometheus."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n")
    async with open_session(
        plan_for(url),
        kubeconfig=kubeconfig,
        state=folder / "journal",
        folder=folder,
        user="amira",
        clock=clock,
    ) as session:
        yield session


def standing(session: Session) -> Standing:
    found = session.watching.standing("production")
    assert found is not None
    return found


async def until(session: Session, holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        version = session.version
        while not holds():
            version = await session.changed(version)


async def judged(session: Session) -> WatchState:
    """The window once it is judged."""
    await until(session, lambda: standing(session).watch.judged)
    return standing(session).watch


async def begun(url: str, folder: Path) -> None:
    """A window of a day that begins with the recording, and a console that is closed at once."""
    async with opened(url, folder, SetClock(START)) as session:
        await session.run_action("watch")


def by_id(verdicts: tuple[WatchVerdict, ...]) -> dict[str, WatchVerdict]:
    return {one.objective: one for one in verdicts}


@pytest.fixture(scope="module")
def after_the_fact(day: Prometheus, tmp_path_factory: pytest.TempPathFactory) -> WatchState:
    """The window as judged by a console that was closed for the whole day."""
    folder = tmp_path_factory.mktemp("closed")

    async def closed_all_day() -> WatchState:
        await begun(day.url, folder)
        async with opened(day.url, folder, SetClock(START + DAY + SETTLED)) as session:
            return await judged(session)

    return asyncio.run(closed_all_day())


@pytest.mark.parametrize(
    ("objective", "word", "out", "unknown"),
    [
        ("calm", WatchWord.ON_TARGET, 0, 0),
        ("rough", WatchWord.FAILED, 900, 0),
        ("bumpy", WatchWord.TOLERATED, 600, 0),
        ("holed", WatchWord.UNKNOWN, 0, HOUR - LOOKBACK),
        ("quiet", WatchWord.UNKNOWN, 0, HOUR),
        ("peak", WatchWord.FAILED, 120, 0),
        ("high", WatchWord.FAILED, HOUR, 0),
        ("pods", WatchWord.TOLERATED, 60, 0),
        ("many", WatchWord.UNKNOWN, 0, DAY),
    ],
)
def test_the_verdict_is_that_of_the_recording(
    after_the_fact: WatchState, objective: str, word: WatchWord, out: float, unknown: float
) -> None:
    found = by_id(after_the_fact.verdicts)[objective]
    assert found.word is word
    assert found.out == pytest.approx(out, abs=STEP)
    assert found.unknown == pytest.approx(unknown, abs=STEP)
    assert found.on + found.out + found.unknown == pytest.approx(DAY)


def test_it_knows_how_bad_it_was_and_when(after_the_fact: WatchState) -> None:
    rough, high = (by_id(after_the_fact.verdicts)[name] for name in ("rough", "high"))
    assert (rough.minimum, rough.maximum, rough.last) == (0.5, 7, 0.5)
    assert rough.longest == pytest.approx(600, abs=STEP)
    assert rough.longest_at == pytest.approx(START + 10 * HOUR, abs=STEP)
    assert rough.worst_at == pytest.approx(START + 10 * HOUR, abs=STEP)
    assert high.minimum == 12
    assert "series" in by_id(after_the_fact.verdicts)["many"].reason
    assert (after_the_fact.outcome, after_the_fact.by) == ("complete", "amira")


async def test_a_console_that_came_and_went_judges_like_one_that_was_closed_all_the_time(
    day: Prometheus, tmp_path: Path, after_the_fact: WatchState
) -> None:
    await begun(day.url, tmp_path)
    for hour in (0.01, 5.2, 5.3, 17):
        async with opened(day.url, tmp_path, SetClock(START + hour * HOUR)) as session:
            assert await session.watching.caught_up(PATIENCE)
            assert not standing(session).watch.judged
    async with opened(day.url, tmp_path, SetClock(START + DAY + SETTLED)) as session:
        assert (await judged(session)).verdicts == after_the_fact.verdicts
        found = await session.look("watched")
    assert found.status == "failed"
    assert "24 h" in found.reason
    assert "rough failed: out of target for 15 m" in found.reason


async def test_so_far_is_what_the_recording_says_until_now(day: Prometheus, tmp_path: Path) -> None:
    await begun(day.url, tmp_path)
    clock = SetClock(START + 2 * HOUR + 150)
    async with opened(day.url, tmp_path, clock) as session:
        assert await session.watching.caught_up(PATIENCE)
        found = by_id(standing(session).verdicts)
        assert found["rough"].out == pytest.approx(150, abs=STEP)
        assert found["rough"].word is WatchWord.TOLERATED
        assert found["calm"].on == pytest.approx(2 * HOUR + 150, abs=1)
        clock.at = START + 10 * HOUR + 600
        await until(session, lambda: by_id(standing(session).verdicts)["rough"].word is WatchWord.FAILED)


async def test_a_dead_prometheus_leaves_a_gap_that_is_filled_when_it_is_back(
    keeper: Keeper, tmp_path: Path, after_the_fact: WatchState
) -> None:
    prometheus = keeper.start(Wanted(recording=recorded()))
    try:
        await begun(prometheus.url, tmp_path)
        prometheus.kill()
        clock = SetClock(START + DAY + SETTLED)
        async with opened(prometheus.url, tmp_path, clock) as session:
            assert await session.watching.caught_up(PATIENCE)
            dark = standing(session)
            assert {one.word for one in dark.verdicts} == {WatchWord.UNKNOWN}
            assert {round(one.unknown) for one in dark.verdicts} == {round(DAY)}
            assert dark.problem
            assert not dark.watch.judged
            await asyncio.to_thread(prometheus.start)
            clock.at += 120
            assert (await judged(session)).verdicts == after_the_fact.verdicts
    finally:
        prometheus.close()
