"""The session's hand on the journal: intents are written before they act, and an emergency goes on without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from releaseconsole.clock import Clock
from releaseconsole.errors import ReadOnly, RecordError
from releaseconsole.record.fold import advance
from releaseconsole.record.journal import Entry, Journal, News
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
    def is_shut_out(self) -> bool:
        """Whether this would write, and could only read the journal: another hand holds it, as a rule."""
        return self._journal.read_only and not self._read_only

    @property
    def unwritten(self) -> int:
        """How many entries exist in memory only, since the journal refused them."""
        return len(self._unwritten)

    @property
    def entries(self) -> list[Entry]:
        return [*self._journal.entries, *self._unwritten]

    def write(self, kind: str, data: Mapping[str, Any], *, by: str | None = None) -> None:
        """Append durably, then fold. Raises ReadOnly or RecordError, and then nothing has changed."""
        self._write((News(kind, data),), by)

    def write_anyway(self, kind: str, data: Mapping[str, Any], *, by: str | None = None) -> None:
        """Append if the journal can be written; if not, say so loudly, keep the entry in memory, and go on.

        For what must not wait for a disk: the rollback. Raises ReadOnly.
        """
        self.write_all_anyway((News(kind, data),), by=by)

    def write_all_anyway(self, news: Sequence[News], *, by: str | None = None) -> None:
        """Like ``write_anyway`` for several entries, which come to the disk together. Raises ReadOnly."""
        try:
            self._write(news, by)
        except RecordError as error:
            if len(news) > 1:
                # One of them may be what cannot be written; it must not take the others along.
                for one in news:
                    self.write_all_anyway((one,), by=by)
                return
            for one in news:
                self._keep(one, by or self._user)
            self._hub.tell(f"The journal cannot be written: {error}", "error")

    def _write(self, news: Sequence[News], by: str | None) -> None:
        if self._read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")
        if self.is_shut_out:
            raise RecordError("Another hand holds the journal.", "What happens now is kept in memory only.")
        written = self._journal.append_all(news, by=by)
        if self._unwritten or self._apart:
            for entry in written:
                self._fold(entry)
        else:
            self._state = self._journal.state
            self._hub.touch()

    def _keep(self, news: News, by: str) -> None:
        """In memory only."""
        at = self._clock.now() if news.at is None else news.at
        entry = Entry(self._state.entries + 1, at, by, news.kind, dict(news.data), prev="", hash="")
        self._unwritten.append(entry)
        self._fold(entry)

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
