"""What an objective's words alone tell about its trigger, without asking anybody. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from releaseconsole.metrics import promql
from releaseconsole.metrics.aim import Aim, Found, Outlook, Scene, found
from releaseconsole.metrics.promql import Query
from releaseconsole.text import duration

_TO_MILLISECONDS = (1000.0, 0.001)


def remarks(aim: Aim, scene: Scene) -> Iterator[Found]:
    """Everything that is odd about it."""
    query = promql.read(aim.question.query)
    yield from _traffic(aim, query)
    yield from _hold(aim, scene)
    yield from age_remarks(aim, scene)
    yield from _milliseconds(aim, query)


def _traffic(aim: Aim, query: Query) -> Iterator[Found]:
    rates = any(one.function in promql.RATES for one in query.selectors)
    if aim.line is None or aim.question.traffic or not (query.quantiles or (query.divides and rates)):
        return
    yield found(
        aim.id, Outlook.WARNING,
        f"“{aim.name}” has no traffic query: while nobody asks anything it has no value, and a quiet service "
        "cannot be told from a broken query.",
        "Add `traffic` to the objective: a query of its requests per second.",
    )  # fmt: skip


def _hold(aim: Aim, scene: Scene) -> Iterator[Found]:
    if aim.line is None or not 0 < aim.hold < scene.poll:
        return
    yield found(
        aim.id, Outlook.WARNING,
        f"“{aim.name}” has to be beyond its line for {duration(aim.hold)}, and is read every "
        f"{duration(scene.poll)}: the second reading already decides.",
        f"Make `for` at least {duration(2 * scene.poll)}.",
    )  # fmt: skip


def age_remarks(aim: Aim, scene: Scene) -> Iterator[Found]:
    """A window longer than the release's age mixes the old version in (SRE workbook, alerting on SLOs)."""
    if scene.since is None or aim.line is None or scene.since + reach_of(aim) <= scene.now:
        return
    yield found(aim.id, Outlook.WARNING, mixed_until(aim, scene.since))


def reach_of(aim: Aim) -> float:
    """Seconds that its queries look back, at least."""
    return max(promql.read(text).longest for text in (aim.question.query, aim.question.long))


def mixed_until(aim: Aim, since: float) -> str:
    """Until when values tell of the version before as well, when the new one was brought at ``since``."""
    reach = reach_of(aim)
    clean = datetime.fromtimestamp(since + reach, UTC)
    return (
        f"“{aim.name}” looks back over {duration(reach)}: "
        f"until {clean:%H:%M:%S} UTC the version before is mixed in."
    )


def _milliseconds(aim: Aim, query: Query) -> Iterator[Found]:
    in_seconds = any(
        one.name.endswith(("_seconds", "_seconds_bucket", "_seconds_sum")) for one in query.selectors
    )
    if aim.unit != "ms" or not in_seconds or any(one in _TO_MILLISECONDS for one in query.numbers):
        return
    yield found(
        aim.id, Outlook.WARNING,
        f"“{aim.name}” is in ms, and its query seems to give seconds.",
        "Put `1000 *` before the query, or make its unit s.",
    )  # fmt: skip
