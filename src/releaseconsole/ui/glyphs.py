"""One glyph, one word and one tone for every state; a plain set for terminals without the symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from releaseconsole.record.model import ActionStatus, ItemStatus, Stage

ITEM_TONES: Mapping[ItemStatus, str] = {
    ItemStatus.OPEN: "quiet",
    ItemStatus.DONE: "good",
    ItemStatus.PASSED: "good",
    ItemStatus.FAILED: "failing",
    ItemStatus.UNKNOWN: "unknown",
    ItemStatus.OVERRIDDEN: "waiting",
    ItemStatus.DEFERRED: "waiting",
    ItemStatus.NOT_APPLICABLE: "quiet",
}
ITEM_WORDS: Mapping[ItemStatus, str] = {
    status: "n/a" if status is ItemStatus.NOT_APPLICABLE else status.value for status in ItemStatus
}
ACTION_TONES: Mapping[ActionStatus, str] = {
    ActionStatus.IDLE: "quiet",
    ActionStatus.RUNNING: "waiting",
    ActionStatus.SUCCEEDED: "good",
    ActionStatus.FAILED: "failing",
    ActionStatus.CANCELLED: "waiting",
    ActionStatus.INTERRUPTED: "failing",
}


def _unicode_items() -> Mapping[ItemStatus, str]:
    return dict(zip(ItemStatus, "☐✔✔✘?≈◷–", strict=True))


def _unicode_actions() -> Mapping[ActionStatus, str]:
    return dict(zip(ActionStatus, "☐▸✔✘■✘", strict=True))


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The symbols of one set."""

    items: Mapping[ItemStatus, str] = field(default_factory=_unicode_items)
    actions: Mapping[ActionStatus, str] = field(default_factory=_unicode_actions)
    live: str = "●"
    not_live: str = "○"
    shield: str = "↺"
    running: str = "▸"
    done: str = "✔"
    failed: str = "✘"
    arrow: str = "→"
    detail: str = "└"
    runnable: str = "▷"
    cursor: str = "▌"
    separator: str = "│"

    def stage(self, stage: Stage) -> str:
        """The symbol of a workload's stage in a rollback."""
        if stage is Stage.FAILED:
            return self.failed
        return self.done if stage in (Stage.RECOVERED, Stage.SKIPPED) else self.running


UNICODE = Glyphs()
ASCII = Glyphs(
    items=dict(zip(ItemStatus, ["[ ]", "[x]", "[+]", "[!]", "[?]", "[~]", "[>]", "[-]"], strict=True)),
    actions=dict(zip(ActionStatus, ["[ ]", "[>]", "[+]", "[!]", "[#]", "[!]"], strict=True)),
    live="*",
    not_live="o",
    shield="^",
    running=">",
    done="+",
    failed="!",
    arrow="->",
    detail="`",
    runnable="$",
    cursor=">",
    separator="|",
)
