"""Opening a release: its journal first, so that what is wrong with it is said before a screen is drawn."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from releaseconsole.clock import Clock, SystemClock
from releaseconsole.errors import JournalDamaged, JournalMismatch, RecordError
from releaseconsole.paths import release_folder
from releaseconsole.plan.model import Plan
from releaseconsole.record.clusters import SeenCluster
from releaseconsole.record.fold import fold
from releaseconsole.record.journal import Entry, Journal, Store
from releaseconsole.record.model import ReleaseState
from releaseconsole.record.stores.file import FileStore
from releaseconsole.record.stores.memory import MemoryStore
from releaseconsole.session.core import Session
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.setup import Setup


def open_session(
    plan: Plan,
    *,
    kubeconfig: Path | None = None,
    state: Path | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    user: str | None = None,
    clock: Clock | None = None,
    read_only: bool = False,
    practice: str = "",
    journal: bool = True,
    emergency: bool = False,
    pins_matter: bool = True,
    accept_clusters: Collection[str] = (),
) -> Session:
    """A session that is ready to be entered.

    ``state`` is the journal's folder (default: the user's own for this release), ``folder`` where actions run.
    With ``journal=False`` nothing is kept, and nothing is read but which clusters are known, where a rollback
    goes and what was watched. ``accept_clusters`` are contexts that may lead to another cluster than before,
    once. In an ``emergency`` a journal that cannot be written (another console holds it, the disk is broken) is
    said loudly and stops nothing: its pins are read if that is possible. One of another release is refused all
    the same, and a damaged one where ``pins_matter``.
    Raises RecordError.
    """
    clock = clock or SystemClock()
    environ = os.environ if environ is None else environ
    user = user or environ.get("RELEASECONSOLE_USER") or _login_name()
    hub = Hub()
    store: Store = FileStore(journal_folder(plan, state), read_only=read_only) if journal else MemoryStore()
    try:
        opened = _open_journal(plan, store, clock, user)
    except RecordError as error:
        refused = JournalMismatch | JournalDamaged if pins_matter else JournalMismatch
        if not emergency or isinstance(error, refused):
            raise
        hub.tell(f"The journal cannot be written, and this goes on without it. {error}", "error")
        opened = _open_to_look(plan, state, clock, user)
    if opened.recovered:
        hub.tell(opened.recovered, "warning")
    if practice and len(opened.entries) > 1:
        hub.tell("The practice release goes on where it was left. `demo --fresh` begins a new one.")
    setup = Setup(
        kubeconfig=kubeconfig,
        folder=folder or Path.cwd(),
        environ=environ,
        user=user,
        clock=clock,
        read_only=read_only,
        attended=journal and not emergency,
        practice=practice,
        accept_clusters=frozenset(accept_clusters),
        known_clusters={} if journal else _known_clusters(plan, state),
    )
    known = None if journal else _known_places(plan, state, opened.state, hub)
    ledger = Ledger(opened, hub, clock, user=user, read_only=read_only, known=known)
    return Session(plan, ledger, hub, setup)


def _open_journal(plan: Plan, store: Store, clock: Clock, user: str) -> Journal:
    return Journal.open(store, release=describe_release(plan), clock=clock, by=user)


def _open_to_look(plan: Plan, state: Path | None, clock: Clock, user: str) -> Journal:
    """The journal without its lock, for the pins in it; an empty one in memory when even that fails."""
    try:
        return _open_journal(plan, FileStore(journal_folder(plan, state), read_only=True), clock, user)
    except RecordError:
        return _open_journal(plan, MemoryStore(), clock, user)


def _known_places(plan: Plan, state: Path | None, now: ReleaseState, hub: Hub) -> ReleaseState:
    """What the journal knows of the places to return to and of the observation windows, for a session that keeps
    none: by these it is judged whether the rollback would work, and whether the release was watched."""
    if not journal_folder(plan, state).exists():
        return now
    try:
        found = fold(read_journal(plan, state)[0])
    except RecordError as error:
        hub.tell(f"The journal's pins and observation windows are not counted: {error.message}", "warning")
        return now
    return replace(now, pins=found.pins, rollbacks=found.rollbacks, watches=found.watches)


def _known_clusters(plan: Plan, state: Path | None) -> Mapping[str, SeenCluster]:
    """Where the contexts led according to the journal; nothing is known when there is none that can be read."""
    try:
        return fold(read_journal(plan, state)[0]).clusters
    except RecordError:
        return {}


def journal_folder(plan: Plan, state: Path | None) -> Path:
    """Where the journal of this release is kept."""
    return state or release_folder(plan.release.name, plan.release.version)


def describe_release(plan: Plan) -> dict[str, str]:
    """What the journal's first entry says of the release; name and version bind the journal to it."""
    return {
        "name": plan.release.name,
        "version": plan.release.version,
        "title": plan.release.title,
        "plan_hash": hashlib.sha256(plan.model_dump_json().encode()).hexdigest(),
    }


def read_journal(plan: Plan, state: Path | None) -> tuple[Sequence[Entry], str]:
    """Every entry of the release's journal, verified, without taking its lock; and what was left out, in words.

    Raises RecordError.
    """
    store = FileStore(journal_folder(plan, state), read_only=True)
    journal = Journal.open(store, release=describe_release(plan), clock=SystemClock(), by="")
    try:
        return tuple(journal.entries), journal.recovered
    finally:
        journal.close()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
