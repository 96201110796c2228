"""Every key of the console, in one table; and the check of a keymap file of the user's own.

A scope is the widget that a key belongs to. A key press is looked for in the focused pane, then in the frame,
then in the application; so a pane's key may not be one of the frame's, and nobody's may be the rollback key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from textual.binding import Binding, BindingType

from releaseconsole.ui.port import FIRING_LETTERS

ROLLBACK_ID = "app.rollback"
ROLLBACK_KEY = "ctrl+r"
STOP_ID = "app.stop-automatic"
STOP_KEY = "ctrl+x"
RESERVED = {ROLLBACK_KEY: "the rollback", "ctrl+c": "copying", "ctrl+p": "the command palette"}
SHARED_SCOPES = ("app", "frame")
MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Key:
    """One key: where it holds, what it does, and how it is shown."""

    id: str
    key: str
    action: str
    description: str
    tooltip: str
    show: bool = False
    writes: bool = False
    """It changes the release; a read-only console does not offer it."""
    priority: bool = False
    display: str | None = None

    @property
    def scope(self) -> str:
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The action without its parameters."""
        return self.action.partition("(")[0]

    def binding(self) -> Binding:
        return Binding(
            self.key,
            self.action,
            self.description,
            show=self.show,
            tooltip=self.tooltip,
            id=self.id,
            priority=self.priority,
            key_display=self.display,
        )


def _phase_keys() -> tuple[Key, ...]:
    return tuple(
        Key(f"frame.phase-{n}", str(n), f"phase({n})", f"phase {n}", f"Show phase {n} of the release")
        for n in range(1, 10)
    )


PANE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "checklist": "C", "rollout": "R", "pods": "P", "alerts": "F", "events": "E", "metrics": "M", "logs": "L",
        "output": "O",
    }
)  # fmt: skip
"""Panel → its key: its initial, but F (firing) for the alerts, since A accepts a cluster."""


def _pane_keys() -> tuple[Key, ...]:
    return tuple(
        Key(f"frame.pane-{pane}", key, f"pane('{pane}')", pane, f"Bring the {pane} panel to the front")
        for pane, key in PANE_KEYS.items()
    )


KEYS: tuple[Key, ...] = (
    Key(
        ROLLBACK_ID, ROLLBACK_KEY, "rollback", "ROLLBACK",
        "Show what a rollback of this environment would do, and fire it with one more key", show=True,
        priority=True,
    ),
    Key("app.quit", "ctrl+q", "quit", "quit", "Leave the console; the release stays as it is", priority=True),
    Key(STOP_ID, STOP_KEY, "stop_automatic", "stop automatic rollback",
        "Stop the countdown to an automatic rollback; cuts text when there is none", writes=True, priority=True),
    Key("frame.accept-cluster", "A", "want('accept-cluster')", "accept cluster",
        "Confirm that a context leads to another cluster than before", True, True),
    Key("frame.next-pane", "tab", "next_pane", "next pane", "Go to the next panel", show=True),
    Key("frame.previous-pane", "shift+tab", "previous_pane", "previous pane", "Go to the panel before"),
    Key("frame.zoom", "z", "zoom", "zoom", "Let the panel fill the screen, and back", show=True),
    Key("frame.find", "/", "find", "find", "Find text in the panel", show=True),
    Key("frame.help", "?", "want('help')", "help", "Every key that works here", show=True),
    Key("frame.pin", "p", "want('pin')", "pin", "Pin what runs now; a rollback returns to it", True, True),
    Key("frame.decide", "g", "want('decide')", "go/no-go", "Decide go or no-go for this phase", True, True),
    Key("frame.unlock", "U", "want('unlock')", "unlock", "Lift the lock that a rollback has left",
        writes=True),
    Key("frame.watch-rollback", "b", "want('watch-rollback')", "rollback progress", "Show the last rollback"),
    Key("frame.armed", "a", "want('armed')", "armed?", "What the rollback of each workload rests on"),
    Key("frame.theme", "t", "want('theme')", "theme", "Switch to the next colour theme"),
    Key("frame.leave", "escape", "leave", "back", "Leave zoom or find"),
    Key("frame.quit", "q", "want('quit')", "quit", "Leave; the release stays as it is", show=True),
    *_phase_keys(),
    *_pane_keys(),
    Key("checklist.up", "up,k", "move(-1)", "up", "Move up one line"),
    Key("checklist.down", "down,j", "move(1)", "down", "Move down one line"),
    Key("checklist.page-up", "pageup", "page(-1)", "page up", "Move up one page"),
    Key("checklist.page-down", "pagedown", "page(1)", "page down", "Move down one page"),
    Key("checklist.first", "home", "edge(-1)", "first", "Go to the first line"),
    Key("checklist.last", "end", "edge(1)", "last", "Go to the last line"),
    Key("checklist.next-open", "right_square_bracket", "next_open", "next to do",
        "Go to the next line that needs somebody", display="]"),
    Key("checklist.tick", "space", "item('tick')", "tick", "Tick the item, or untick it", True, True),
    Key("checklist.run", "enter", "run", "run", "Run the action; verify or tick the item", True, True),
    Key("checklist.preview", "w", "preview", "what would change",
        "Show what the apply action would change; nothing is applied", True),
    Key("checklist.verify", "v", "item('verify')", "verify", "Run the item's check now", True, True),
    Key("checklist.note", "n", "item('note')", "note", "Write a note on the item", True, True),
    Key("checklist.override", "o", "item('override')", "override", "Let it count; asks why", True, True),
    Key("checklist.defer", "d", "item('defer')", "defer", "Leave the item for later; asks why", True, True),
    Key("checklist.not-applicable", "x", "item('not_applicable')", "n/a",
        "The item does not apply to this release, with your reason", True, True),
    Key("checklist.reopen", "u", "item('reopen')", "undo", "Take back what was said of the item", True, True),
    Key("checklist.cancel", "c", "cancel", "cancel action", "Stop the action that runs", writes=True),
    Key("output.cancel", "c", "cancel", "cancel action", "Stop the action that runs", True, True),
    Key("preview.diff", "d,ctrl+t", "toggle_diff", "template diff", "Show what changes in the pod templates", True),
    Key("preview.cancel", "escape", "dismiss_preview", "cancel", "Close; nothing is rolled back", True),
    Key("preview.up", "up,k", "scroll(-1)", "up", "Scroll up"),
    Key("preview.down", "down,j", "scroll(1)", "down", "Scroll down"),
    Key("preview.page-up", "pageup", "page(-1)", "page up", "Scroll up one page"),
    Key("preview.page-down", "pagedown", "page(1)", "page down", "Scroll down one page"),
    Key("rollback.close", "escape,q", "close", "close", "Close; the rollback goes on", True),
    Key("rollback.retry", "r", "retry", "retry failed", "Roll back again what has failed", True, True),
    Key("rollback.resume", "c", "resume", "continue", "Go on with a rollback that was interrupted", True, True),
    Key("rollback.delete-pod", "x", "delete_pod", "delete pod",
        "Delete the broken pod that a StatefulSet waits for; asks first", True, True),
    Key("rollback.unlock", "U", "unlock", "unlock", "Allow deploys again; asks why", True, True),
    Key("rollback.up", "up,k", "scroll(-1)", "up", "Scroll up"),
    Key("rollback.down", "down,j", "scroll(1)", "down", "Scroll down"),
    Key("rollback.page-up", "pageup", "page(-1)", "page up", "Scroll up one page"),
    Key("rollback.page-down", "pagedown,space", "page(1)", "page down", "Scroll down one page"),
    Key("armed.close", "escape,q,a", "close", "close", "Close", True),
    Key("armed.pin", "p", "pin", "pin", "Pin what runs now; a rollback returns to it", True, True),
    Key("armed.up", "up,k", "scroll(-1)", "up", "Scroll up"),
    Key("armed.down", "down,j", "scroll(1)", "down", "Scroll down"),
    Key("armed.page-up", "pageup", "page(-1)", "page up", "Scroll up one page"),
    Key("armed.page-down", "pagedown,space", "page(1)", "page down", "Scroll down one page"),
    Key("apply.agree", "enter", "agree", "apply", "Apply what is shown", True, True),
    Key("apply.cancel", "escape,q", "leave", "cancel", "Close; nothing is applied", True),
    Key("apply.up", "up,k", "scroll(-1)", "up", "Scroll up"),
    Key("apply.down", "down,j", "scroll(1)", "down", "Scroll down"),
    Key("apply.page-up", "pageup", "page(-1)", "page up", "Scroll up one page"),
    Key("apply.page-down", "pagedown,space", "page(1)", "page down", "Scroll down one page"),
    Key("apply.first", "home", "edge(-1)", "first", "Scroll to the beginning"),
    Key("apply.last", "end", "edge(1)", "last", "Scroll to the end"),
    Key("watch.close", "escape,q,w", "close", "close", "Close; the window goes on", True),
    Key("watch.stop", "s", "stop", "stop watching", "End the observation window now; asks first", True, True),
    Key("watch.up", "up,k", "scroll(-1)", "up", "Scroll up"),
    Key("watch.down", "down,j", "scroll(1)", "down", "Scroll down"),
    Key("help.close", "escape,q,question_mark", "dismiss", "close", "Close the help", True),
)  # fmt: skip


def keys_of(scope: str) -> tuple[Key, ...]:
    """The keys of a scope, in the order in which the footer shows them."""
    return tuple(key for key in KEYS if key.scope == scope)


def bindings_of(scope: str) -> list[BindingType]:
    """The same as Textual bindings."""
    return [key.binding() for key in keys_of(scope)]


def writing_ids() -> frozenset[str]:
    """Ids of all bindings that change the release."""
    return frozenset(key.id for key in KEYS if key.writes)


def writing_actions(scope: str) -> frozenset[str]:
    """Names of the actions of a scope that change the release."""
    return frozenset(key.name for key in keys_of(scope) if key.writes)


@dataclass(frozen=True, slots=True)
class Keymap:
    """What of a user's keymap can be used, and a sentence for each line that cannot."""

    keys: Mapping[str, str]
    problems: tuple[str, ...] = ()


def load_keymap(path: Path, known: Iterable[Binding] = ()) -> Keymap:
    """``keymap.toml``: binding id = "key" or "key,key". A missing file is an empty keymap."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES)
        document = tomllib.loads(raw.decode("utf-8"))
    except FileNotFoundError:
        return Keymap({})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Keymap({}, (f"The keymap {path.name} was left out: {error}.",))
    return check_keymap(document, known)


def check_keymap(wanted: Mapping[str, object], known: Iterable[Binding] = ()) -> Keymap:
    """Take each line on its own: an unknown id, a bad key or a key that somebody has is left out and told."""
    present: dict[str, set[str]] = {}
    for binding in (*(key.binding() for key in KEYS), *known):
        if binding.id:
            present.setdefault(binding.id, set()).update(_normal(binding.key))
    accepted: dict[str, str] = {}
    problems: list[str] = []
    for binding_id, raw in wanted.items():
        problem = _problem(binding_id, raw, present)
        if problem:
            problems.append(f"Keymap: “{binding_id}” was left as it is: {problem}.")
            continue
        new = _normal(str(raw))
        present[binding_id] = new | ({ROLLBACK_KEY} if binding_id == ROLLBACK_ID else set())
        accepted[binding_id] = ",".join(sorted(present[binding_id]))
    return Keymap(accepted, tuple(problems))


def _problem(binding_id: str, raw: object, present: Mapping[str, set[str]]) -> str:
    if binding_id not in present:
        return "there is no such key id"
    if not isinstance(raw, str) or not (keys := _normal(raw)):
        return 'expected a key such as "f5" or "ctrl+k"'
    scope = binding_id.partition(".")[0]
    for key in sorted(keys):
        if not _KEY.match(key):
            return f"“{key}” is not the name of a key"
        if binding_id in (ROLLBACK_ID, STOP_ID) and not _works_while_typing(key):
            return f"“{key}” would be text in a text field; use a ctrl or function key"
        if scope == "preview" and key.upper() in FIRING_LETTERS:
            return f"{key} may be the letter that fires the rollback"
        if key in RESERVED and not (binding_id == ROLLBACK_ID and key == ROLLBACK_KEY):
            return f"{key} belongs to {RESERVED[key]}"
        owner = _owner(key, binding_id, present)
        if owner:
            return f"{key} already belongs to “{owner}”"
    return ""


def _owner(key: str, binding_id: str, present: Mapping[str, set[str]]) -> str:
    scope = binding_id.partition(".")[0]
    return next(
        (
            other
            for other, keys in present.items()
            if other != binding_id and key in keys and _meet(scope, other.partition(".")[0])
        ),
        "",
    )


def _meet(one: str, other: str) -> bool:
    return one == other or one in SHARED_SCOPES or other in SHARED_SCOPES


_KEY = re.compile(r"(?:(?:ctrl|shift|alt|super)\+)*(?:[^\W_]|[a-z_]{2,40}|f\d{1,2})\Z")
_NAMES = {"?": "question_mark", "/": "slash", "[": "left_square_bracket", "]": "right_square_bracket"}


def _normal(keys: str) -> set[str]:
    return {_NAMES.get(key.strip(), key.strip()) for key in keys.split(",") if key.strip()}


def _works_while_typing(key: str) -> bool:
    return key.startswith("ctrl+") or re.fullmatch(r"f\d{1,2}", key) is not None


def clashes(bindings: Iterable[Binding]) -> tuple[str, ...]:
    """Keys that two bindings of a scope share, or that were taken from the rollback: there should be none."""
    owners: dict[tuple[str, str], str] = {}
    found: list[str] = []
    for binding in bindings:
        scope = (binding.id or "").partition(".")[0]
        for key in _normal(binding.key):
            other = owners.setdefault((scope, key), binding.id or "")
            if other != (binding.id or ""):
                found.append(f"{key}: {other} and {binding.id}")
            if key == ROLLBACK_KEY and binding.id != ROLLBACK_ID:
                found.append(f"{key}: taken by {binding.id}")
    return tuple(found)
