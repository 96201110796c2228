"""A chart source in memory: it answers with a wave, with a sentence, late, or never."""

from __future__ import annotations

import asyncio
import math

from standin_views import EPOCH

from releaseconsole.metrics.answers import RangeSeries
from releaseconsole.session.chart_data import ChartData, ChartLine, ChartMark, RawAnswer
from releaseconsole.session.chart_lines import grid


class StandInCharts:
    """``asked`` lists what was wanted; ``gate`` holds answers back; ``problem`` stands in for them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float, int]] = []
        self.gate: asyncio.Event | None = None
        self.problem = ""
        self.deployed: float | None = 840.0
        self.given_up = 0
        self.labels = {"pod": "api-1"}
        self.note = ""
        self.marks = (
            ChartMark(EPOCH - 300, "deploy", "deploy"),
            ChartMark(EPOCH - 100, "rollback", "rollback"),
        )

    def since_deploy(self, env_id: str) -> float | None:
        return self.deployed

    async def chart(self, env_id: str, objective_id: str, seconds: float, points: int) -> ChartData:
        self.asked.append((env_id, objective_id, seconds, points))
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.given_up += 1
                raise
        at = grid(EPOCH, seconds, points)
        half = at.count // 2
        wave = at.samples(0.4 + 0.3 * math.sin(index / 5) for index in range(at.count))
        old = tuple(
            (moment, value if index < half else math.nan) for index, (moment, value) in enumerate(wave)
        )
        new = tuple(
            (moment, 2 * value if index >= half else math.nan) for index, (moment, value) in enumerate(wave)
        )
        lines = (
            () if self.problem else (ChartLine("old 1.0.0", "old", old), ChartLine("new 1.1.0", "new", new))
        )
        raw = RawAnswer(
            name="new 1.1.0",
            query='sum(rate(errors{pod=~"(api-5d8f-).*"}[1m]))',
            prometheus="prometheus.example:9090",
            at=EPOCH,
            took=0.042,
            start=at.start,
            end=at.end,
            step=at.step,
            series=() if self.problem else (RangeSeries(self.labels, wave[-3:]),),
            count=0 if self.problem else 1,
            warnings=("one [/store] did not answer",),
            problem=self.problem,
        )
        return ChartData(
            environment=env_id,
            objective=objective_id,
            start=at.start,
            end=at.end,
            step=at.step,
            asked=1000.0,
            lines=lines,
            marks=tuple(mark for mark in self.marks if mark.at >= at.start),
            note=self.note,
            problem=self.problem,
            answers=(raw,),
        )
