"""The session's hand on the journal: intents are written before they act, and an emergency goes on without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from releaseconsole.clock import Clock
from releaseconsole.errors import ReadOnly, RecordError
from releaseconsole.record.fold import advance
from releaseconsole.record.journal import Entry, Journal
from releaseconsole.record.model import ReleaseState
from releaseconsole.session.hub import Hub


class Ledger:
    """Appends to the journal and holds the state that it folds into."""

    def __init__(
        self,
        journal: Journal,
        hub: Hub,
        clock: Clock,
        *,
        user: str,
        read_only: bool,
        known: ReleaseState | None = None,
    ) -> None:
        """``known``: a state to begin with in place of the journal's, the entries of which then fold on top of it."""
        self._journal = journal
        self._hub = hub
        self._clock = clock
        self._user = user
        self._read_only = read_only
        self._unwritten: list[Entry] = []
        self._apart = known is not None
        self._state = journal.state if known is None else known

    @property
    def state(self) -> ReleaseState:
        """The journal's fold, and on top of it what could not be written."""
        return self._state

    @property
    def read_only(self) -> bool:
        return self._read_only

    @property
    def unwritten(self) -> int:
        """How many entries exist in memory only, since the journal refused them."""
        return len(self._unwritten)

    @property
    def entries(self) -> list[Entry]:
        return [*self._journal.entries, *self._unwritten]

    def write(self, kind: str, data: Mapping[str, Any], *, by: str | None = None) -> None:
        """Append durably, then fold. Raises ReadOnly or RecordError, and then nothing has changed."""
        if self._read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")
        if self._journal.read_only:
            raise RecordError("Another hand holds the journal.", "What happens now is kept in memory only.")
        self._journal.append(kind, data, by=by)
        if self._unwritten or self._apart:
            self._fold(self._journal.entries[-1])
        else:
            self._state = self._journal.state
            self._hub.touch()

    def write_anyway(self, kind: str, data: Mapping[str, Any], *, by: str | None = None) -> None:
        """Append if the journal can be written; if not, say so loudly, keep the entry in memory, and go on.

        For what must not wait for a disk: the rollback. Raises ReadOnly.
        """
        try:
            self.write(kind, data, by=by)
        except RecordError as error:
            entry = Entry(
                seq=self._state.entries + 1,
                at=self._clock.now(),
                by=by or self._user,
                kind=kind,
                data=dict(data),
                prev="",
                hash="",
            )
            self._unwritten.append(entry)
            self._fold(entry)
            self._hub.tell(f"The journal cannot be written: {error}", "error")

    def _fold(self, entry: Entry) -> None:
        self._state = advance(self._state, entry)
        self._hub.touch()

    def refresh(self) -> None:
        """Take over what another writer has added; only a read-only journal has anything to take."""
        if self._read_only and self._journal.reload():
            self._state = self._journal.state
            self._hub.touch()

    def close(self) -> None:
        self._journal.close()
