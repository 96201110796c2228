"""The practice Prometheus held against the real one: the same release, scraped and asked the same queries.

What the pods of each scenario would have exported is recorded and asked of a real Prometheus; the practice one
is asked at the same moments. Scrapes are five seconds apart, so that while pods come and go the real one knows
of up to half a scrape less or more on either side of its window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest
from prom_practice import BEGIN, END, Exports, Play, released_and_rolled_back, scaled_to_nothing
from prom_recording import Recording
from prom_server import Keeper, Prometheus, Wanted

from releaseconsole.metrics.trigger import Reading, TriggerState
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.model import Objective
from releaseconsole.sandbox.prometheus import queries
from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.sandbox.scenario import SCENARIOS
from releaseconsole.session.objectives import Watched, watch

SAMPLE = Path(__file__).parents[2] / "sample_configs" / "healthpay.toml"
PLAN = load_plan(SAMPLE)
NOTHING = "no pods at all"
PLAYS = (*SCENARIOS, NOTHING)
POLL = 5.0
EVERY = 15.0
TOLERANCE = 0.05
LEAST = 0.1
"""What differs by less than this, in the unit of the objective, is the same."""
LATE = 10.0
"""Seconds by which the two may see a change of state one after the other: two polls."""


@dataclass(frozen=True, slots=True)
class Theatre:
    """All plays, and the Prometheus that has scraped them."""

    plays: dict[str, Play]
    prometheus: Prometheus

    def real(self, query: str, play: str) -> dict[float, float]:
        """Moment → value of the real Prometheus, at each poll."""
        result = self.prometheus.query_range(
            query.replace(f'"{NAMESPACE}"', f'"{_namespace(play)}"'), BEGIN, BEGIN + END, POLL
        )
        assert len(result) <= 1
        return {at: float(value) for one in result for at, value in one["values"]}

    def practice(self, query: str, play: str) -> dict[float, float]:
        """The same of the practice one."""
        known = queries.find(query)
        assert known is not None, query
        found = {}
        for number in range(round(END / POLL) + 1):
            at = BEGIN + POLL * number
            vector = known.at(self.plays[play].traffic, at)
            assert len(vector) <= 1
            for _, value in vector:
                found[at] = value
        return found


def _namespace(play: str) -> str:
    return f"play-{PLAYS.index(play)}"


@pytest.fixture(scope="module")
def theatre(keeper: Keeper) -> Iterator[Theatre]:
    plays = {name: released_and_rolled_back(name) for name in SCENARIOS} | {NOTHING: scaled_to_nothing()}
    recording = Recording()
    for name, play in plays.items():
        Exports(play, recording, _namespace(name)).record()
    # A block has no staleness markers: what is not scraped any more is gone after one scrape, as with them.
    made = keeper.start(Wanted(recording=recording, flags=("--query.lookback-delta=6s",)))
    yield Theatre(plays, made)
    made.close()


def watched(objective: Objective) -> Watched:
    return watch(objective, {"namespace": NAMESPACE, "pods": ".*"})


def texts() -> dict[str, str]:
    """Every query of the sample plan, with its variables filled in."""
    found = {one.id: watched(one).question.query for one in PLAN.objectives}
    traffic = {f"traffic of {one.id}": watched(one).question.traffic for one in PLAN.objectives}
    return found | {name: query for name, query in traffic.items() if query}


def same(real: dict[float, float], practice: dict[float, float], at: float) -> bool:
    """Whether both are silent, or the practice one is close to what the real one gives within one scrape."""
    if at not in real or at not in practice or math.isnan(real[at]) or math.isnan(practice[at]):
        return str(real.get(at)) == str(practice.get(at))
    near = [
        real[moment] for moment in (at - POLL, at, at + POLL) if not math.isnan(real.get(moment, math.nan))
    ]
    slack = max(LEAST, TOLERANCE * abs(real[at]))
    return min(near) - slack <= practice[at] <= max(near) + slack


@pytest.mark.parametrize("name", texts())
@pytest.mark.parametrize("play", PLAYS)
def test_both_give_the_same(play: str, name: str, theatre: Theatre) -> None:
    query = texts()[name]
    real, practice = theatre.real(query, play), theatre.practice(query, play)
    moments = [BEGIN + EVERY * number for number in range(round(END / EVERY) + 1)]
    apart = {at - BEGIN: (real.get(at), practice.get(at)) for at in moments if not same(real, practice, at)}
    assert not apart


def changes(
    objective: Objective, values: dict[float, float], traffic: dict[float, float]
) -> list[tuple[TriggerState, float]]:
    """The states of a trigger and when each began, polled every five seconds."""
    one, found = watched(objective), []
    for number in range(round(END / POLL) + 1):
        at = BEGIN + POLL * number
        one.take({"": Reading(at=at, value=values.get(at), traffic=traffic.get(at))}, at, at)
        assert one.judgement is not None
        found.append((one.judgement.state, at - BEGIN))
    return [next(run) for _, run in groupby(found, key=lambda each: each[0])]


@pytest.mark.parametrize(
    "objective", [one for one in PLAN.objectives if one.rollback], ids=lambda one: one.id
)
@pytest.mark.parametrize("play", PLAYS)
def test_both_make_a_trigger_do_the_same(play: str, objective: Objective, theatre: Theatre) -> None:
    question = watched(objective).question
    real, practice = (
        changes(objective, ask(question.query, play), ask(question.traffic, play))
        for ask in (theatre.real, theatre.practice)
    )
    assert [state for state, _ in real] == [state for state, _ in practice], (real, practice)
    for (_, one), (_, other) in zip(real, practice, strict=True):
        assert abs(one - other) <= LATE, (real, practice)


def test_the_scenarios_are_told_apart(theatre: Theatre) -> None:
    """Else two that are both silent would agree about everything."""
    errors, p99 = (
        next(one for one in PLAN.objectives if one.id == name) for name in ("error-rate", "latency-p99")
    )
    burnt = {
        (play, objective.id)
        for play in PLAYS
        for objective in (errors, p99)
        if TriggerState.BREACH
        in dict(changes(objective, theatre.real(watched(objective).question.query, play), {}))
    }
    assert burnt == {("error-spike", "error-rate"), ("slow", "latency-p99")}
