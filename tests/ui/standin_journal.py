"""A journal's keeper in memory: as many entries are unwritten as a test says."""

from __future__ import annotations


class StandInLedger:
    """What `ui.port.JournalKeeper` asks for."""

    def __init__(self) -> None:
        self.unwritten = 0
