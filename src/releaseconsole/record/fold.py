"""From the entries of a journal to the state of the release: pure, and defined for all that can be read.

A kind that is not known here, or data that makes no sense, changes nothing but two counters: a journal
written by a newer version still opens in an older one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from releaseconsole.record import fold_automatic, fold_clusters, fold_rollback, fold_watch
from releaseconsole.record.draft import Draft, Said, said, words
from releaseconsole.record.entry import Entry
from releaseconsole.record.model import (
    ActionState,
    ActionStatus,
    Decision,
    ItemState,
    ItemStatus,
    Lock,
    Pin,
    ReleaseState,
)

DISAGREES = "check disagrees: "
"""Begins the reason of an item that a person ticked and whose check says otherwise."""

Handler = Callable[[Draft, Said], bool]
"""Folds one entry and tells whether it could make sense of it."""

_BY_HAND = frozenset({ItemStatus.OVERRIDDEN, ItemStatus.DEFERRED, ItemStatus.NOT_APPLICABLE})
_OUTCOMES: Final[Mapping[str, ItemStatus]] = {
    "passed": ItemStatus.PASSED,
    "failed": ItemStatus.FAILED,
    "unknown": ItemStatus.UNKNOWN,
}
_ENDINGS: Final[Mapping[str, ActionStatus]] = {
    "succeeded": ActionStatus.SUCCEEDED,
    "failed": ActionStatus.FAILED,
    "cancelled": ActionStatus.CANCELLED,
}
_LOST = "the console ended while it ran; whether it finished is not known"


def fold(entries: Iterable[Entry]) -> ReleaseState:
    """The state after all of ``entries``."""
    draft = Draft(ReleaseState())
    for entry in entries:
        _take(draft, entry)
    return draft.frozen()


def advance(state: ReleaseState, entry: Entry) -> ReleaseState:
    """The state after one more entry; never raises, whatever the entry holds."""
    draft = Draft(state)
    _take(draft, entry)
    return draft.frozen()


def _take(draft: Draft, entry: Entry) -> None:
    draft.entries += 1
    draft.last_hash = entry.hash
    handler = _HANDLERS.get(entry.kind) if isinstance(entry.kind, str) else None
    if handler is None or not handler(draft, said(entry.at, entry.by, entry.data)):
        draft.ignored += 1


def _opened(draft: Draft, entry: Said) -> bool:
    draft.started = draft.started or entry.at
    return True


def _session_started(draft: Draft, entry: Said) -> bool:
    for action_id, action in draft.running_actions():
        lost = replace(action, status=ActionStatus.INTERRUPTED, ended=entry.at, summary=_LOST)
        draft.put_action(action_id, lost)
    fold_rollback.interrupt_all(draft, entry)
    fold_automatic.interrupt_all(draft, entry)
    return True


def _noticed(draft: Draft, entry: Said) -> bool:
    """Known, told in reports, and without a place in the state."""
    return True


def _item_done(draft: Draft, entry: Said) -> bool:
    item_id = entry.id("item")
    if not item_id:
        return False
    note = entry.text("note", newlines=True) or draft.item(item_id).note
    done = ItemState(ItemStatus.DONE, entry.by, entry.at, note=note, value=entry.text("value", limit=200))
    draft.items.put(item_id, done)
    return True


def _item_signed(draft: Draft, entry: Said) -> bool:
    item_id = entry.id("item")
    if not item_id:
        return False
    name = entry.text("name", limit=200) or entry.by
    note = draft.item(item_id).note
    draft.items.put(item_id, ItemState(ItemStatus.DONE, name, entry.at, entry.text("evidence"), note))
    return True


def _item_noted(draft: Draft, entry: Said) -> bool:
    item_id = entry.id("item")
    if not item_id:
        return False
    draft.items.put(item_id, replace(draft.item(item_id), note=entry.text("note", newlines=True)))
    return True


def _item_set(status: ItemStatus) -> Handler:
    """A person's word on an item, with a reason. What the item's note says stays."""

    def handle(draft: Draft, entry: Said) -> bool:
        item_id = entry.id("item")
        if not item_id:
            return False
        note = draft.item(item_id).note
        draft.items.put(item_id, ItemState(status, entry.by, entry.at, entry.text("reason"), note))
        return True

    return handle


def _item_checked(draft: Draft, entry: Said) -> bool:
    item_id, outcome = entry.id("item"), _OUTCOMES.get(entry.id("status"))
    if not item_id or outcome is None:
        return False
    before = draft.item(item_id)
    if before.status in _BY_HAND:
        return True
    if before.status is ItemStatus.DONE:
        after = _checked_by_hand(before, outcome, entry.text("reason"))
    else:
        fell_back = outcome is not ItemStatus.PASSED and (
            before.fell_back or before.status is ItemStatus.PASSED
        )
        after = ItemState(
            outcome, entry.by, entry.at, entry.text("reason"), before.note, before.value, fell_back
        )
    draft.items.put(item_id, after)
    return True


def _checked_by_hand(before: ItemState, outcome: ItemStatus, reason: str) -> ItemState:
    """A tick by hand keeps who and when; a check that fails is shown beside it until it passes."""
    if outcome is ItemStatus.FAILED:
        return replace(before, reason=DISAGREES + reason)
    if outcome is ItemStatus.PASSED and before.reason.startswith(DISAGREES):
        return replace(before, reason="")
    return before


def _action_started(draft: Draft, entry: Said) -> bool:
    action_id = entry.id("action")
    if not action_id:
        return False
    before = draft.actions.get(action_id)
    run = before.run + 1 if before else 1
    draft.put_action(action_id, ActionState(ActionStatus.RUNNING, entry.by, entry.at, run=run))
    return True


def _action_ended(draft: Draft, entry: Said) -> bool:
    action_id, ending = entry.id("action"), _ENDINGS.get(entry.id("status"))
    if not action_id or ending is None:
        return False
    before = draft.actions.get(action_id) or ActionState(by=entry.by, started=entry.at, run=1)
    draft.put_action(action_id, replace(before, status=ending, ended=entry.at, summary=entry.text("summary")))
    return True


def _pin_set(draft: Draft, entry: Said) -> bool:
    template = entry.data.get("template")
    pin = Pin(
        environment=entry.id("environment"),
        context=entry.id("context"),
        namespace=entry.id("namespace"),
        workload=entry.id("workload"),
        uid=entry.id("uid"),
        revision=entry.text("revision", limit=100),
        replica_set=entry.id("replica_set"),
        template_hash=entry.id("template_hash"),
        images=words(entry.data.get("images")),
        template=template if isinstance(template, dict) else {},
        at=entry.at,
        by=entry.by,
    )
    if not (pin.context and pin.namespace and pin.workload):
        return False
    draft.pins.put(pin.key, pin)
    return True


def _lock_set(draft: Draft, entry: Said) -> bool:
    environment = entry.id("environment")
    if environment:
        draft.locks.put(environment, Lock(environment, entry.text("reason"), entry.by, entry.at))
    return bool(environment)


def _lock_cleared(draft: Draft, entry: Said) -> bool:
    environment = entry.id("environment")
    draft.locks.drop(environment)
    return bool(environment)


def _decision(draft: Draft, entry: Said) -> bool:
    phase, go = entry.id("phase"), entry.data.get("go")
    if not phase or not isinstance(go, bool):
        return False
    against = words(entry.data.get("despite"))
    draft.decisions.put(phase, Decision(phase, go, entry.by, entry.at, entry.text("reason"), against))
    return True


def _rollback_started(draft: Draft, entry: Said) -> bool:
    fold_watch.rolled_back(draft, entry)
    return fold_rollback.started(draft, entry)


_HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "release.opened": _opened,
        "session.started": _session_started,
        "session.ended": _noticed,
        "item.done": _item_done,
        "item.reopened": _item_set(ItemStatus.OPEN),
        "item.checked": _item_checked,
        "item.overridden": _item_set(ItemStatus.OVERRIDDEN),
        "item.deferred": _item_set(ItemStatus.DEFERRED),
        "item.not_applicable": _item_set(ItemStatus.NOT_APPLICABLE),
        "item.noted": _item_noted,
        "item.signed": _item_signed,
        "action.started": _action_started,
        "action.ended": _action_ended,
        "pin.set": _pin_set,
        "cluster.seen": fold_clusters.seen,
        "cluster.accepted": fold_clusters.accepted,
        "rollback.started": _rollback_started,
        "rollback.stage": fold_rollback.stage,
        "rollback.ended": fold_rollback.ended,
        "rollback.resumed": fold_rollback.resumed,
        "rollback.hook": fold_rollback.hook,
        "rollback.reverted": fold_rollback.reverted,
        "pod.deleting": _noticed,
        "pod.deleted": _noticed,
        "automatic.started": fold_automatic.set_to(fold_automatic.COUNTING),
        "automatic.stopped": fold_automatic.set_to(fold_automatic.STOPPED),
        "automatic.ended": fold_automatic.set_to(fold_automatic.ENDED),
        "automatic.fired": fold_automatic.set_to(fold_automatic.FIRED),
        "lock.set": _lock_set,
        "lock.cleared": _lock_cleared,
        "decision": _decision,
        "trigger.changed": fold_rollback.trigger_changed,
        "watch.started": fold_watch.started,
        "watch.noted": fold_watch.noted,
        "watch.ended": fold_watch.ended,
    }
)

KINDS = frozenset(_HANDLERS)
"""Every kind of entry that is understood."""
