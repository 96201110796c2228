"""What an examination found: one sentence about one subject, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.text import cut, visible

LONGEST = 1_000
"""Characters of a sentence; what comes from outside may be of any length."""


class State(StrEnum):
    """From the best to the worst."""

    OK = "ok"
    WARNING = "warning"
    """It works; somebody should know this."""
    UNKNOWN = "unknown"
    """It could not be asked."""
    FAILED = "failed"
    """The plan cannot work like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's answer."""

    area: str
    """What was looked at: ``server``, ``rights``, ``workload`` …"""
    subject: str
    """Which one: an address, ``deployment/api-gateway``, ``list events``."""
    state: State
    sentence: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """What ``--json`` prints."""
        return {
            "area": self.area,
            "subject": self.subject,
            "state": str(self.state),
            "sentence": self.sentence,
            "remedy": self.remedy,
        }


def finding(area: str, subject: str, state: State, sentence: str, remedy: str = "") -> Finding:
    """A finding whose words are fit for a terminal, wherever they come from."""
    return Finding(area, _line(subject), state, _line(sentence), _line(remedy))


def ok(area: str, subject: str, sentence: str) -> Finding:
    """Nothing to do."""
    return finding(area, subject, State.OK, sentence)


def warning(area: str, subject: str, sentence: str, remedy: str = "") -> Finding:
    """It works; somebody should know this."""
    return finding(area, subject, State.WARNING, sentence, remedy)


def failed(area: str, subject: str, sentence: str, remedy: str = "") -> Finding:
    """The plan cannot work like this."""
    return finding(area, subject, State.FAILED, sentence, remedy)


def unknown(area: str, subject: str, sentence: str, remedy: str = "") -> Finding:
    """It could not be asked."""
    return finding(area, subject, State.UNKNOWN, sentence, remedy)


def could_not_ask(area: str, subject: str, error: ReleaseConsoleError) -> Finding:
    """An error that kept the question from being answered."""
    return unknown(area, subject, error.message, error.remedy)


def broken(area: str, subject: str, error: ReleaseConsoleError) -> Finding:
    """An error that is the answer."""
    return failed(area, subject, error.message, error.remedy)


def count(findings: Iterable[Finding]) -> dict[State, int]:
    """How many there are of each state."""
    counted = dict.fromkeys(State, 0)
    for one in findings:
        counted[one.state] += 1
    return counted


def _line(text: str) -> str:
    return cut(visible(" ".join(text.split("\n"))), LONGEST)
