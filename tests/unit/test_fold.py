"""The fold: what every kind of entry does to the state, and that nothing readable can break it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseconsole.record.entry import Entry, make_entry, read_line, verify
from releaseconsole.record.fold import DISAGREES, KINDS, advance, fold
from releaseconsole.record.model import ActionStatus, ItemStatus, ReleaseState, Stage

# A busy machine is no failure: what is asked here is whether it holds, not how fast.
UNHURRIED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def chain(*happened: tuple[str, Mapping[str, Any]], by: str = "amira") -> list[Entry]:
    """Entries one second apart, the first at 1000."""
    entries: list[Entry] = []
    for number, (kind, data) in enumerate(happened, start=1):
        prev = entries[-1].hash if entries else ""
        entries.append(make_entry(number, 999.0 + number, by, kind, data, prev))
    return entries


def folded(*happened: tuple[str, Mapping[str, Any]]) -> ReleaseState:
    return fold(chain(*happened))


IDS = st.sampled_from(["a", "b", "c", ""])
STATUSES = st.sampled_from(
    ["passed", "failed", "unknown", "succeeded", "cancelled", "complete", *map(str, Stage)]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=5,
)
SENSIBLE = {
    **dict.fromkeys(["item", "action", "id", "key", "environment", "phase", "context", "workload"], IDS),
    **dict.fromkeys(["status", "stage", "outcome"], STATUSES),
    "go": st.booleans(),
    "workloads": st.lists(st.fixed_dictionaries({"key": IDS | JSON}), max_size=3),
    **dict.fromkeys(["reason", "note", "value", "namespace", "identity", "images", "template"], JSON),
}
DATA = st.fixed_dictionaries({}, optional={key: values | JSON for key, values in SENSIBLE.items()})
HAPPENED = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)) | st.text(max_size=12), DATA | st.dictionaries(st.text(), JSON)),
    max_size=12,
)


@UNHURRIED
@given(HAPPENED)
def test_folding_all_is_advancing_one_by_one(happened: list[tuple[str, dict[str, Any]]]) -> None:
    entries = chain(*happened)
    state = ReleaseState()
    for count, entry in enumerate(entries, start=1):
        state = advance(state, entry)
        assert state == fold(entries[:count])
    assert state.entries == len(entries)


@UNHURRIED
@given(HAPPENED)
def test_an_entry_never_changes_a_state_that_somebody_holds(
    happened: list[tuple[str, dict[str, Any]]],
) -> None:
    entries = chain(*happened)
    states = list(itertools.accumulate(entries, advance, initial=ReleaseState()))
    assert states == [fold(entries[:count]) for count in range(len(entries) + 1)]


@UNHURRIED
@given(HAPPENED)
def test_a_journal_that_is_read_again_folds_to_the_same_state(
    happened: list[tuple[str, dict[str, Any]]],
) -> None:
    entries, again, prev = chain(*happened), [], ""
    for number, entry in enumerate(entries, start=1):
        again.append(read_line(entry.encode().removesuffix(b"\n"), number, prev, "test"))
        prev = again[-1].hash
    verify(again)
    assert again == entries
    assert fold(again) == fold(entries)


WEIRD = st.none() | st.binary() | st.floats() | st.lists(st.floats(), max_size=2) | st.text() | st.integers()


@UNHURRIED
@given(
    st.sampled_from(sorted(KINDS)),
    WEIRD,
    WEIRD,
    WEIRD | st.dictionaries(st.sampled_from(sorted(SENSIBLE)), WEIRD | IDS | STATUSES),
)
def test_no_entry_of_whatever_types_ever_raises(kind: str, at: Any, by: Any, data: Any) -> None:
    before = folded(
        ("rollback.started", {"id": "a", "workloads": [{"key": "a"}]}),
        ("action.started", {"action": "a"}),
    )
    after = advance(before, Entry(3, at, by, kind, data, "", ""))
    assert after.entries == 3


def test_an_unknown_kind_changes_nothing_and_is_counted() -> None:
    state = folded(("item.done", {"item": "a"}), ("moon.rose", {"item": "a"}))
    assert state.item("a").status is ItemStatus.DONE
    assert (state.entries, state.ignored) == (2, 1)


def test_a_tick_keeps_who_when_value_and_note() -> None:
    item = folded(("item.done", {"item": "tps", "value": "8612", "note": "after warm-up"})).item("tps")
    assert (item.status, item.by, item.at) == (ItemStatus.DONE, "amira", 1000.0)
    assert (item.value, item.note) == ("8612", "after warm-up")


def test_a_number_given_as_a_number_is_kept_as_words() -> None:
    assert folded(("item.done", {"item": "tps", "value": 8612})).item("tps").value == "8612"


def test_an_item_that_is_reopened_is_open_and_keeps_its_note() -> None:
    item = folded(
        ("item.done", {"item": "a", "note": "n", "value": "1"}), ("item.reopened", {"item": "a"})
    ).item("a")
    assert (item.status, item.note, item.value) == (ItemStatus.OPEN, "n", "")


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_an_item_that_no_longer_passes_has_fallen_back_until_it_passes_again(outcome: str) -> None:
    happened = [
        ("item.checked", {"item": "a", "status": "passed", "reason": "3/3"}),
        ("item.checked", {"item": "a", "status": outcome, "reason": "2/3"}),
        ("item.checked", {"item": "a", "status": "unknown", "reason": "no answer"}),
        ("item.checked", {"item": "a", "status": "passed", "reason": "3/3"}),
    ]
    states = [folded(*happened[:count]).item("a") for count in range(1, 5)]
    assert [state.fell_back for state in states] == [False, True, True, False]
    assert [str(state.status) for state in states] == ["passed", outcome, "unknown", "passed"]


def test_an_item_that_never_passed_fails_without_falling_back() -> None:
    item = folded(("item.checked", {"item": "a", "status": "failed", "reason": "0/3"})).item("a")
    assert (item.status, item.fell_back, item.reason) == (ItemStatus.FAILED, False, "0/3")


def test_a_check_that_fails_is_shown_beside_a_tick_by_hand_until_it_passes() -> None:
    ticked = ("item.done", {"item": "a"})
    fails = ("item.checked", {"item": "a", "status": "failed", "reason": "1 pod crashed"})
    tells_nothing = ("item.checked", {"item": "a", "status": "unknown", "reason": "no answer"})
    passes = ("item.checked", {"item": "a", "status": "passed", "reason": "3/3"})

    disagreeing = folded(ticked, fails, tells_nothing).item("a")
    assert (disagreeing.status, disagreeing.at) == (ItemStatus.DONE, 1000.0)
    assert disagreeing.reason == f"{DISAGREES}1 pod crashed"
    assert folded(ticked, fails, passes).item("a") == folded(ticked).item("a")


@pytest.mark.parametrize("kind", ["item.overridden", "item.deferred", "item.not_applicable"])
@pytest.mark.parametrize("outcome", ["passed", "failed", "unknown"])
def test_a_check_does_not_touch_what_a_person_decided(kind: str, outcome: str) -> None:
    decided = (kind, {"item": "a", "reason": "no replica in UAT"})
    checked = ("item.checked", {"item": "a", "status": outcome, "reason": "x"})
    assert folded(decided, checked).item("a") == folded(decided).item("a")


def test_a_signature_is_a_tick_by_the_one_who_signed_on_what_was_seen() -> None:
    item = folded(("item.signed", {"item": "a", "name": "Noor", "evidence": "abc123"})).item("a")
    assert (item.status, item.by, item.reason) == (ItemStatus.DONE, "Noor", "abc123")


def test_a_note_leaves_the_status_alone() -> None:
    item = folded(
        ("item.overridden", {"item": "a", "reason": "r"}), ("item.noted", {"item": "a", "note": "x"})
    )
    assert (item.item("a").status, item.item("a").reason, item.item("a").note) == (
        ItemStatus.OVERRIDDEN,
        "r",
        "x",
    )


def test_an_action_that_was_running_when_the_console_died_is_interrupted() -> None:
    state = folded(
        ("action.started", {"action": "deploy", "label": "apply"}),
        ("action.started", {"action": "wait", "label": "wait"}),
        ("action.ended", {"action": "wait", "status": "succeeded", "summary": "3/3"}),
        ("session.started", {"pid": 2, "host": "h", "version": "1"}),
    )
    assert state.action("deploy").status is ActionStatus.INTERRUPTED
    assert (state.action("wait").status, state.action("wait").summary) == (ActionStatus.SUCCEEDED, "3/3")


def test_an_action_counts_its_runs_and_shows_the_last() -> None:
    once = [("action.started", {"action": "a"}), ("action.ended", {"action": "a", "status": "failed"})]
    state = folded(*once, ("session.started", {}), once[0])
    assert (state.action("a").status, state.action("a").run) == (ActionStatus.RUNNING, 2)
    assert (state.action("a").started, state.action("a").ended) == (1003.0, 0.0)


WORKLOADS: list[dict[str, Any]] = [
    {
        "key": "production/healthpay/deployment/api-gateway",
        "from_revision": "4",
        "to_revision": "3",
        "from_images": ["gw:2"],
        "to_images": ["gw:1"],
    },
    {"key": "production/healthpay/deployment/query-service"},
]
STARTED = (
    "rollback.started",
    {"id": "r1", "environment": "production", "reason": "5xx", "workloads": WORKLOADS},
)


def test_a_rollback_takes_each_workload_through_its_stages() -> None:
    key = WORKLOADS[0]["key"]
    state = folded(
        STARTED,
        ("rollback.stage", {"id": "r1", "key": key, "stage": "patched", "message": ""}),
        ("rollback.stage", {"id": "r1", "key": key, "stage": "replaced", "message": "1 of 3"}),
        ("rollback.stage", {"id": "r1", "key": key, "stage": "replaced", "message": "2 of 3"}),
    )
    (rollback,) = state.rollbacks
    workload = rollback.workloads[str(key)]
    assert rollback.under_way
    assert (workload.stage, workload.message) == (Stage.REPLACED, "2 of 3")
    assert dict(workload.times) == {"planned": 1000.0, "patched": 1001.0, "replaced": 1002.0}
    assert (workload.from_images, workload.to_revision) == (("gw:2",), "3")
    assert rollback.workloads[str(WORKLOADS[1]["key"])].stage is Stage.PLANNED


def test_a_rollback_under_way_is_interrupted_by_a_new_session_and_can_be_taken_up_again() -> None:
    again = ("session.started", {"pid": 2})
    assert folded(STARTED, again).rollbacks[0].outcome == "interrupted"
    resumed = folded(STARTED, again, ("rollback.resumed", {"id": "r1"})).rollbacks[0]
    assert resumed.under_way
    ended = folded(
        STARTED,
        again,
        ("rollback.resumed", {"id": "r1"}),
        ("rollback.ended", {"id": "r1", "outcome": "complete"}),
    )
    assert (ended.rollbacks[0].outcome, ended.rollbacks[0].ended) == ("complete", 1003.0)


def test_a_complete_rollback_stays_complete() -> None:
    ended = ("rollback.ended", {"id": "r1", "outcome": "complete"})
    assert (
        folded(STARTED, ended, ("session.started", {}), ("rollback.resumed", {"id": "r1"}))
        .rollbacks[0]
        .outcome
        == "complete"
    )


def test_rollbacks_are_kept_in_their_order_and_bounded() -> None:
    many = [("rollback.started", {"id": f"r{number}"}) for number in range(300)]
    ids = [rollback.id for rollback in folded(*many).rollbacks]
    assert ids == [f"r{number}" for number in range(44, 300)]


PIN = {
    "environment": "production",
    "context": "prod",
    "namespace": "healthpay",
    "workload": "deployment/api-gateway",
    "uid": "u",
    "revision": "3",
    "replica_set": "api-gateway-abc",
    "template_hash": "abc",
    "images": ["gw:1"],
    "template": {"spec": {"containers": [{"name": "gw", "args": ["\x1b[2J", "ü"]}]}},
}


def test_a_pin_keeps_its_template_exactly() -> None:
    pin = folded(("pin.set", PIN)).pins["prod/healthpay/deployment/api-gateway"]
    assert pin.template == PIN["template"]
    assert (pin.revision, pin.images, pin.at, pin.by) == ("3", ("gw:1",), 1000.0, "amira")


def test_a_new_pin_takes_the_place_of_the_old_one() -> None:
    state = folded(("pin.set", PIN), ("pin.set", {**PIN, "revision": "5"}))
    assert [pin.revision for pin in state.pins.values()] == ["5"]


def test_a_pin_of_nothing_is_ignored() -> None:
    state = folded(("pin.set", {**PIN, "workload": None}))
    assert (dict(state.pins), state.ignored) == ({}, 1)


def test_the_first_identity_of_a_cluster_stays() -> None:
    seen = [("cluster.seen", {"context": "prod", "identity": identity}) for identity in ("one", "two")]
    assert folded(*seen).clusters["prod"].identity == "one"


def test_a_person_can_confirm_another_cluster_and_then_that_one_stays() -> None:
    def entry(kind: str, identity: str) -> tuple[str, dict[str, str]]:
        return (kind, {"context": "prod", "identity": identity, "server": f"https://{identity}"})

    state = folded(
        entry("cluster.seen", "one"), entry("cluster.accepted", "two"), entry("cluster.seen", "three")
    )
    assert (state.clusters["prod"].uid, state.clusters["prod"].server) == ("two", "https://two")


def test_a_later_sighting_of_the_same_cluster_adds_what_it_knows() -> None:
    """Who could not read the UID at first, and an API server that has moved."""
    first = {"context": "prod", "identity": "https://old", "server": "https://old"}
    second = {"context": "prod", "identity": "one", "server": "https://old"}
    third = {"context": "prod", "identity": "one", "server": "https://new"}
    known = folded(*(("cluster.seen", data) for data in (first, second, third))).clusters["prod"]
    assert (known.uid, known.server) == ("one", "https://new")


@pytest.mark.parametrize("kind", ["cluster.seen", "cluster.accepted"])
@pytest.mark.parametrize("wrong", [{"context": ""}, {"context": 3}, {"identity": ""}, {"identity": ["one"]}])
def test_a_sighting_of_nothing_is_ignored(kind: str, wrong: dict[str, object]) -> None:
    state = folded((kind, {"context": "prod", "identity": "one", "server": "https://one", **wrong}))
    assert (dict(state.clusters), state.ignored) == ({}, 1)


def test_a_lock_stands_until_it_is_cleared() -> None:
    lock = ("lock.set", {"environment": "production", "reason": "rolled back"})
    assert folded(lock).locks["production"].reason == "rolled back"
    assert folded(lock, ("lock.cleared", {"environment": "production", "reason": "fixed"})).locks == {}


def test_the_last_decision_counts_and_only_a_clear_one() -> None:
    state = folded(
        ("decision", {"phase": "production", "go": True, "reason": ""}),
        ("decision", {"phase": "production", "go": "yes", "reason": ""}),
    )
    assert state.decisions["production"].go
    assert not folded(("decision", {"phase": "p", "go": False})).decisions["p"].go
    assert state.ignored == 1


def test_words_from_outside_carry_no_control_characters() -> None:
    item = folded(("item.deferred", {"item": "a", "reason": "\x1b[31mred\x1b[0m\nand\u202e \x9b2J"})).item(
        "a"
    )
    assert item.reason == "␛[31mred␛[0m⏎and\\u202e \\u009b2J"


def test_words_from_outside_are_bounded() -> None:
    assert len(folded(("item.noted", {"item": "a", "note": "x" * 1_000_000})).item("a").note) == 4000


def test_many_restarts_with_many_actions_fold_in_no_time() -> None:
    happened: list[tuple[str, dict[str, Any]]] = [
        ("action.started", {"action": f"a{n}"}) for n in range(4000)
    ]
    happened += [("session.started", {})] * 4000
    state = folded(*happened)
    assert {action.status for action in state.actions.values()} == {ActionStatus.INTERRUPTED}
