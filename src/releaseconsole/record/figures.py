"""How long a rollback took: from the alarm to the key, to the last patch, to the proof that it worked. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from releaseconsole.record.model import RollbackState
from releaseconsole.text import duration


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds; None for what did not happen (yet), or is not known."""

    first_bad_sample_to_alarm: float | None = None
    alarm_to_key: float | None = None
    key_to_patched: float | None = None
    patched_to_recovered: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """What ``--json`` prints."""
        return asdict(self)

    def __str__(self) -> str:
        """``alarm → key 12 s, key → patched 0.1 s``; "" when nothing is known."""
        named = {
            "first bad sample → alarm": self.first_bad_sample_to_alarm,
            "alarm → key": self.alarm_to_key,
            "key → patched": self.key_to_patched,
            "patched → recovered": self.patched_to_recovered,
        }
        return ", ".join(f"{name} {duration(value)}" for name, value in named.items() if value is not None)


def figures_of(rollback: RollbackState) -> Figures:
    """Those of one rollback. A step counts when both of its ends are known and in their order."""
    return Figures(
        first_bad_sample_to_alarm=_between(rollback.since, rollback.alarm),
        alarm_to_key=_between(rollback.alarm, rollback.started),
        key_to_patched=_between(rollback.started, rollback.patched),
        patched_to_recovered=_between(rollback.patched, rollback.recovered),
    )


def _between(start: float, end: float) -> float | None:
    return round(end - start, 3) if 0 < start <= end else None
