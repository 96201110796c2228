"""The alerts of an environment over time: told once, kept when Prometheus dies, joined from several."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from action_kit import FakeClock
from alert_kit import SHOP, Ruler, alert, broken, groups, healthy, rule

from releaseconsole.errors import MetricsError
from releaseconsole.session.alerts import STALE_AFTER, AlertFeed
from releaseconsole.session.focus import Focus
from releaseconsole.session.views import Liveness

DOWN = MetricsError("prometheus.example refused the connection.", "Look at it.")


class Panel:
    """A feed and what it told."""

    def __init__(self, *rulers: Ruler) -> None:
        self.clock = FakeClock()
        self.told: list[tuple[str, str]] = []
        self.touched = 0
        clients: dict[str, Any] = {str(n) if n else "": one for n, one in enumerate(rulers)}
        self.feed = AlertFeed("Production", clients, lambda: SHOP, self.clock, self._touch, self._tell)

    def _touch(self) -> None:
        self.touched += 1

    def _tell(self, text: str, severity: str) -> None:
        self.told.append((text, severity))

    def names(self) -> list[str]:
        return [row.name for row in self.feed.views()]


async def test_an_alert_that_begins_to_fire_is_told_once() -> None:
    ruler = Ruler(groups(rule(alert("pending"))))
    panel = Panel(ruler)
    await panel.feed.poll("")
    assert panel.told == []
    ruler.data = groups(rule(alert()))
    for _ in range(3):
        await panel.feed.poll("")
    assert panel.told == [
        ("Production: the alert ErrorsHigh (critical) fires. Too many errors.", "error"),
    ]
    assert [(row.state, row.severity) for row in panel.feed.views()] == [("firing", "critical")]
    assert panel.touched == 4


async def test_one_that_fires_again_is_told_again() -> None:
    ruler = Ruler(groups(rule(alert(severity="warning"))))
    panel = Panel(ruler)
    for data in (groups(rule(alert(severity="warning"))), groups(healthy())) * 2:
        ruler.data = data
        await panel.feed.poll("")
    assert [severity for _, severity in panel.told] == ["warning", "warning"]


async def test_many_at_once_are_told_in_one_sentence() -> None:
    panel = Panel(Ruler(groups(rule(*(alert(alertname=f"A{n}") for n in range(5))))))
    await panel.feed.poll("")
    assert panel.told == [
        ("Production: 5 alerts fire: A0 (critical), A1 (critical), A2 (critical) and 2 more.", "error")
    ]


async def test_a_dead_prometheus_leaves_what_was_known_and_says_that_it_is_old() -> None:
    ruler = Ruler(groups(rule(alert())))
    panel = Panel(ruler)
    assert panel.feed.freshness().liveness is Liveness.CONNECTING
    await panel.feed.poll("")
    seen = panel.clock.monotonic()
    assert panel.feed.freshness().liveness is Liveness.LIVE
    ruler.data = DOWN
    panel.clock.at += 15
    await panel.feed.poll("")
    assert panel.names() == ["ErrorsHigh"]
    fresh = panel.feed.freshness()
    assert (fresh.liveness, fresh.seen, fresh.error) == (Liveness.STALE, seen, DOWN.message)
    ruler.data = groups(rule(alert()))
    await panel.feed.poll("")
    assert panel.feed.freshness().liveness is Liveness.LIVE
    assert len(panel.told) == 1, "it fired all the time"


async def test_silence_makes_it_stale() -> None:
    panel = Panel(Ruler())
    await panel.feed.poll("")
    panel.clock.at += STALE_AFTER + 1
    assert panel.feed.freshness().liveness is Liveness.STALE


async def test_an_answer_of_another_form_is_an_error_and_no_calm() -> None:
    panel = Panel(Ruler({}))
    await panel.feed.poll("")
    assert panel.feed.freshness().liveness is Liveness.STALE
    assert "cannot be read" in panel.feed.freshness().error


async def test_a_pair_of_servers_shows_each_alert_once() -> None:
    panel = Panel(Ruler(groups(rule(alert("pending")))), Ruler(groups(rule(alert(), alert(pod="b")))))
    await panel.feed.poll("")
    assert panel.feed.freshness().liveness is Liveness.CONNECTING
    await panel.feed.poll("1")
    assert [row.state for row in panel.feed.views()] == ["firing", "firing"]
    assert len({row.key for row in panel.feed.views()}) == 2
    counts = panel.feed.counts()
    assert (counts.firing, counts.rules, counts.named) == (2, 2, 2)
    assert panel.feed.freshness().liveness is Liveness.LIVE


async def test_what_is_not_shown_is_counted() -> None:
    data = groups(rule(*(alert(pod=f"web-{n}") for n in range(250)), alert(namespace="other")), broken())
    panel = Panel(Ruler(data))
    await panel.feed.poll("")
    counts = panel.feed.counts()
    assert (counts.firing, counts.left_out, counts.elsewhere, counts.broken) == (250, 50, 1, 1)


async def test_broken_rules_of_the_release_are_rows_at_the_end() -> None:
    panel = Panel(Ruler(groups(broken(), broken("Other") | {"query": "up"}, rule(alert("pending")))))
    await panel.feed.poll("")
    assert [(row.name, row.state) for row in panel.feed.views()] == [
        ("ErrorsHigh", "pending"),
        ("Broken", "broken"),
    ]
    assert "many-to-many" in panel.feed.views()[1].summary


async def test_without_a_prometheus_there_is_nothing_to_know() -> None:
    assert Panel().feed.freshness().liveness is Liveness.DENIED


async def test_it_rests_while_nobody_looks_and_one_that_hangs_holds_up_no_other() -> None:
    class Hanging(Ruler):
        async def alerting_rules(self) -> dict[str, Any]:
            self.asked += 1
            await asyncio.Event().wait()
            raise AssertionError

    class Counting(Ruler):
        async def alerting_rules(self) -> dict[str, Any]:
            if self.asked == 5:
                enough.set()
            return await super().alerting_rules()

    enough = asyncio.Event()
    hanging, well = Hanging(), Counting()
    panel, focus = Panel(hanging, well), Focus()
    task = asyncio.create_task(panel.feed.run(focus))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (hanging.asked, well.asked) == (0, 0)
    focus.set(True)
    async with asyncio.timeout(5):
        await enough.wait()
    assert hanging.asked == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
