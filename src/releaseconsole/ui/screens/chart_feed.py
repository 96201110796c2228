"""Keeps the data of one chart: what is asked, what came last, and what is shown while nothing comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.chart_data import ChartData
from releaseconsole.ui.screens.chart_ranges import RANGES

if TYPE_CHECKING:
    from releaseconsole.ui.port import ChartSource

NO_DEPLOY = "No deploy of this environment is known yet."


@dataclass(slots=True)
class ChartFeed:
    """The chosen range, the last good answer of each range, and what went wrong last."""

    source: ChartSource | None
    environment: str
    objective: str
    chosen: int = 0
    problem: str = ""
    """Why the newest question had no answer; "" when it had one."""
    last: ChartData | None = None
    """The newest answer, good or not."""
    _good: dict[int, ChartData] = field(default_factory=dict)

    @property
    def good(self) -> ChartData | None:
        """The last good answer of the chosen range."""
        return self._good.get(self.chosen)

    def choose(self, index: int) -> bool:
        """Another range; False when it is the present one, or none."""
        if index == self.chosen or not 0 <= index < len(RANGES):
            return False
        self.chosen, self.problem = index, ""
        return True

    async def ask(self, points: int) -> ChartData | None:
        """Ask for the chosen range and keep what came; None when there was nothing to ask for."""
        chosen, source = self.chosen, self.source
        if source is None:
            return None
        try:
            seconds = RANGES[chosen].seconds or source.since_deploy(self.environment)
            if seconds is None:
                self.problem = NO_DEPLOY
                return None
            data = await source.chart(self.environment, self.objective, seconds, points)
        except ReleaseConsoleError as error:
            self.problem = str(error)
            return None
        self._take(chosen, data)
        return data

    def _take(self, chosen: int, data: ChartData) -> None:
        self.last, self.problem = data, data.problem
        if data.lines or not data.problem:
            self._good[chosen] = data
