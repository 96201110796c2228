"""Recorded samples: what a Prometheus would have scraped, written as OpenMetrics and made into blocks."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prom_programs import path

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where a block of two hours begins; recordings start here."""
STEP = 5.0
"""Seconds between two scrapes."""

Curve = Callable[[float], float | None]
"""A value for each second since START; None where nothing was scraped."""


class Recording:
    """Samples of many series."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, str]] = []

    def sample(self, name: str, labels: Mapping[str, str], second: float, value: float) -> None:
        """One sample; ``second`` counts from START."""
        at = START + second
        line = f"{name}{written(labels)} {_number(value)} {at:.3f}\n"
        self._samples.append((at, line))

    def series(
        self, name: str, labels: Mapping[str, str], curve: Curve, seconds: float, *, since: float = 0.0
    ) -> None:
        """A series, scraped every STEP from ``since`` to ``seconds``, both included."""
        for second in scrapes(since, seconds):
            value = curve(second)
            if value is not None:
                self.sample(name, labels, second, value)

    def text(self) -> str:
        """OpenMetrics, oldest sample first."""
        return "".join(line for _, line in sorted(self._samples, key=lambda one: one[0])) + "# EOF\n"

    def write_blocks(self, folder: Path) -> None:
        """Make blocks of a data folder. Raises RuntimeError with what promtool says."""
        folder.mkdir(parents=True, exist_ok=True)
        text = folder.parent / f"{folder.name}.om"
        text.write_text(self.text())
        command = [str(path("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stderr)


def scrapes(since: float, until: float) -> Iterable[float]:
    """The seconds at which is scraped."""
    return (since + STEP * number for number in range(round((until - since) / STEP) + 1))


def written(labels: Mapping[str, str]) -> str:
    """Labels as the text format has them."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else repr(float(value))
