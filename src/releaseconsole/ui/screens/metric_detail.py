"""One objective on axes over a chosen time, with its limits, the moments of the release, and its query."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from releaseconsole.session.chart_data import ChartData
from releaseconsole.session.views import MetricView
from releaseconsole.ui.screens.chart_feed import ChartFeed
from releaseconsole.ui.screens.chart_ranges import RANGES, between_words, range_words, step_words
from releaseconsole.ui.screens.raw_answer import RawAnswers
from releaseconsole.ui.styles import metric_mark
from releaseconsole.ui.widgets.cells import number, safe, safe_lines
from releaseconsole.ui.widgets.lines import TONE_CLASSES, tone_style
from releaseconsole.ui.widgets.metric_chart import MetricChart, of_history
from releaseconsole.ui.words import age, whole_age

if TYPE_CHECKING:
    from releaseconsole.ui.port import ChartSource

SETTLE = 0.15
"""Seconds that a range must be wanted before it is asked for: keys that are held down ask for nothing."""
PROGRESS = 0.3
"""Seconds after which it is said that an answer is awaited."""
SOONEST = 5.0
"""Seconds between two questions at least."""
_OLD = 15.0


class MetricDetail(ModalScreen[None]):
    """Lies over the panels, which live on; the one who opened it keeps it fresh with `show_metric`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    DEFAULT_CSS = """
    MetricDetail {
        align: center middle;
        & > Vertical {
            width: 94%;
            max-width: 190;
            height: 92%;
            max-height: 48;
            border: round $accent;
            border-title-color: $foreground;
            background: $surface;
            padding: 0 2;
        }
        & #metric-facts { height: auto; max-height: 7; }
        & #metric-query { height: auto; max-height: 2; color: $foreground 60%; margin-top: 1; }
        &.-tall #metric-query { max-height: 6; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close", id="metric.close", tooltip="Close the chart"),
        *(
            Binding(
                str(index),
                f"range({index - 1})",
                one.title,
                id=f"metric.range-{index}",
                tooltip=f"Show {one.title}" if one.seconds is None else f"Show the last {one.title}",
            )
            for index, one in enumerate(RANGES, start=1)
        ),
        Binding("left_square_bracket", "shift(-1)", "shorter", id="metric.shorter", tooltip="A shorter time"),
        Binding("right_square_bracket", "shift(1)", "longer", id="metric.longer", tooltip="A longer time"),
        Binding("r", "raw", "raw answer", id="metric.raw", tooltip="The exact query and its raw answer"),
        Binding("t", "again", "try again", id="metric.again", tooltip="Ask Prometheus again now"),
    ]

    def __init__(
        self,
        metric: MetricView,
        query: str = "",
        *,
        environment: str = "",
        charts: ChartSource | None = None,
    ) -> None:
        """Without ``charts`` it shows what the panel has gathered itself."""
        super().__init__()
        self.metric = metric
        self.environment = environment
        self.feed = ChartFeed(charts, environment, metric.id)
        self._query = query
        self._now = metric.seen
        self._awaited = False

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self.metric.title or self.metric.id, 200))
            box.border_subtitle = Content("1–5 or [ ] range · r raw answer · t again · esc close")
            yield Static(id="metric-facts")
            yield MetricChart(id="plot")
            yield Static(Content(safe_lines(self._query.strip(), 4000)), id="metric-query")

    def on_mount(self) -> None:
        self._draw()
        self._load()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= 36, "-tall")
        self.call_after_refresh(self._load)

    # What is asked.

    @work(group="metric-chart", exclusive=True, exit_on_error=False)
    async def _load(self, settle: float = SETTLE) -> None:
        """Ask, and ask again when there can be a new point; a new range or a closed screen ends it."""
        await asyncio.sleep(settle)
        while self.feed.source is not None:
            data = await self._ask()
            await asyncio.sleep(max(SOONEST, data.step if data else 0.0))

    async def _ask(self) -> ChartData | None:
        """One question; whatever goes wrong is told on the screen."""
        progress = self.set_timer(PROGRESS, self._say_awaited)
        try:
            return await self.feed.ask(self._chart.points)
        except Exception as error:  # noqa: BLE001  (the edge of a worker: it tells)
            self.feed.problem = f"A defect stopped the chart. {type(error).__name__}: {error}"
            return None
        finally:
            progress.stop()
            self._awaited = False
            if self.is_attached:
                self._draw()

    def _say_awaited(self) -> None:
        self._awaited = True
        self._tell()

    # Keys.

    def action_range(self, index: int) -> None:
        """One of the ranges."""
        if self.feed.choose(index):
            self._draw()
            self._load()

    def action_shift(self, by: int) -> None:
        """A longer or a shorter range."""
        self.action_range(self.feed.chosen + by)

    def action_again(self) -> None:
        """Ask at once."""
        self._load(0.0)

    def action_raw(self) -> None:
        """The exact question, and what came."""
        self.app.push_screen(RawAnswers(self.metric.title or self.metric.id, self.feed.last))

    # What is shown.

    def show_metric(self, metric: MetricView, now: float) -> None:
        """The same objective, later; ``now`` in monotonic seconds."""
        changed, self.metric, self._now = metric.history is not self.metric.history, metric, now
        if not self.is_mounted:
            return
        if changed and self.feed.good is None:
            self._draw()
        else:
            self._tell()

    @property
    def _chart(self) -> MetricChart:
        return self.query_one(MetricChart)

    def _draw(self) -> None:
        """The last good answer of this range; before the first one, what the panel has gathered itself."""
        data = self.feed.good
        if data is None and self.feed.chosen == 0 and self.metric.history:
            data = of_history(self.metric, self.environment)
        if data is not None and data.measured:
            self._chart.draw_chart(data, self.metric)
        elif data is not None:
            self._chart.say("Nothing was measured in this time.")
        elif self.feed.problem:
            self._chart.say(safe(self.feed.problem, 600))
        self._tell()

    def _tell(self) -> None:
        self.query_one("#metric-facts", Static).update(Content("\n").join(self._facts()))

    def _facts(self) -> list[Content]:
        facts = [
            self._state(),
            self._limits(),
            Content(f"{range_words(self.feed.chosen)}   {self._distance()}"),
        ]
        return [*facts, self._remark()]

    def _state(self) -> Content:
        metric, mark = self.metric, metric_mark(self.metric)
        value = f"{number(metric.value)} {safe(metric.unit, 20)}".strip()
        old = self._now - metric.seen
        aged = f" ({whole_age(old)} old)" if metric.seen and old > _OLD else ""
        reason = f"cannot fire: {metric.cannot_fire}" if metric.cannot_fire else metric.reason
        said = f"   {safe(reason, 300)}" if reason else ""
        return Content.assemble(
            Content(f"{value}{aged}   "), self._toned(str(mark), mark.tone), Content(said)
        )

    def _limits(self) -> Content:
        metric = self.metric
        limits = [self._toned(f"┄ target {safe(metric.target, 40)}", "waiting")] if metric.target else []
        if metric.trigger:
            limits.append(self._toned(f"┄ roll back at {safe(metric.trigger, 60)}", "failing"))
        return Content("   ").join(limits)

    def _distance(self) -> str:
        return step_words(self.feed.good) if self.feed.good else ""

    def _remark(self) -> Content:
        """What is awaited, what went wrong, or what there is to know of the lines."""
        good, problem = self.feed.good, self.feed.problem
        if self._awaited:
            return self._toned("◌ asking Prometheus…", "waiting")
        if problem and good is not None:
            words = f"◌ chart {age(self._now - good.asked)} old: {safe(problem, 400)}"
            return self._toned(f"{words} t tries again.", "stale")
        if problem:
            return self._toned(f"◌ {safe(problem, 400)} t tries again.", "stale")
        if good is None:
            return Content("")
        warned = [f"Prometheus warns: {safe(one, 200)}" for one in good.warnings[:1]]
        said = [*warned, safe(good.note, 200), between_words(good)]
        return self._toned(" · ".join(one for one in said if one), "quiet")

    def _toned(self, text: str, tone: str) -> Content:
        colour = tone_style(self, tone).color
        return Content(text).stylize(colour.name) if colour else Content(text)
