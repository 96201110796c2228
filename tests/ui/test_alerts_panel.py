"""The alerts panel: its rows, its words when all is quiet, hostile labels, and its place on the screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from frame_driver import opened
from panes_harness import EPOCH, LIVE, MONOTONIC, PaneApp, screen_lines, screen_text, view
from rich.cells import cell_len
from standin import StandIn
from standin_views import healthy_view
from textual.pilot import Pilot

from releaseconsole.session.views import AlertCounts, AlertView, EnvironmentView, Freshness, Liveness
from releaseconsole.ui.panes.alerts import AlertsPane
from releaseconsole.ui.screens.layout import Fronts, arrange
from releaseconsole.ui.screens.text_detail import TextDetail

HOSTILE = (
    "[bold]not bold[/bold]",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202eevil\u2066",
    "x" * 1_000_000,
    "日本語👍🏽" * 50,
)
CALM = AlertCounts(rules=12, named=2)


def row(name: str = "HealthPayErrorRateHigh", **more: Any) -> AlertView:
    values: dict[str, Any] = {
        "key": f"{name}/{more.get('state', '')}",
        "name": name,
        "state": "firing",
        "severity": "critical",
        "since": EPOCH - 120,
        "summary": "More than 1 % of the requests fail.",
        "labels": (("namespace", "healthpay"), ("service", "api-gateway")),
        "annotations": (
            ("summary", "More than 1 % of the requests fail."),
            ("runbook_url", "https://wiki.example/errors"),
        ),
        "value": 7.52,
        "group": "healthpay",
        "source": "prometheus.example:9090",
    }
    return AlertView(**(values | more))


def seen(*rows: AlertView, counts: AlertCounts | None = None, **more: Any) -> EnvironmentView:
    firing = sum(one.firing for one in rows)
    return view(
        alerts=rows, alert_counts=counts or replace(CALM, firing=firing), **{"alerts_freshness": LIVE} | more
    )


ROWS = (
    row(),
    row("SlowAnswers", severity="warning"),
    row("QueueFills", state="pending", severity="critical"),
    row("Ratio", state="broken", since=0.0, summary="cannot be evaluated: many-to-many", labels=()),
)


async def give(pilot: Pilot[None], pane: AlertsPane, shown: EnvironmentView) -> None:
    await pilot.pause()
    pane.show(shown, MONOTONIC, EPOCH)
    await pilot.pause()


async def test_a_row_says_how_grave_what_since_when_and_why() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(140, 10)) as pilot:
        counts = AlertCounts(rules=12, named=3, firing=5, left_out=3, elsewhere=7, broken=1)
        await give(pilot, pane, seen(*ROWS, counts=counts))
        lines = screen_lines(pane.body)
        assert lines[0].startswith("✘ critical HealthPayErrorRateHigh")
        assert " 2m More than 1 % of the requests fail." in lines[0]
        assert lines[0].endswith("service=api-gateway")
        assert lines[1].startswith("▲ warning  SlowAnswers")
        assert lines[2].startswith("◐ pending  QueueFills")
        assert lines[3].startswith("? broken   Ratio")
        assert "many-to-many" in lines[3]
        assert pane.title_text == (
            "Alerts · 5 firing · 1 pending · 3 not shown · 7 firing elsewhere · 1 broken rule"
        )


async def test_at_80_columns_what_matters_still_fits() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(80, 8)) as pilot:
        await give(pilot, pane, seen(row("A" * 80 + "Tail"), *ROWS))
        lines = screen_lines(pane.body)
        assert lines[0].startswith("✘ critical AAA")
        assert "…" in lines[0]
        assert "Tail" in lines[0]
        assert "More than 1 %" in lines[1]
        assert all(cell_len(line) <= 76 for line in lines)


async def test_quiet_is_said_with_what_is_watched() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        await give(pilot, pane, seen())
        assert "No alert fires for healthpay · 12 rules watched, 2 of them for it." in screen_text(pane.body)
        await give(pilot, pane, seen(counts=AlertCounts(rules=12)))
        assert "12 rules watched, none of them for it." in screen_text(pane.body)
        await give(pilot, pane, seen(counts=AlertCounts()))
        assert "has no alerting rule: nothing can fire." in screen_text(pane.body)
        assert pane.title_text == "Alerts"


@pytest.mark.parametrize(
    ("freshness", "words"),
    [
        (Freshness(), "Waiting for the first answer of Prometheus…"),
        (
            Freshness(Liveness.DENIED, 0.0, "the plan names no Prometheus"),
            "No alerts: the plan names no Prometheus.",
        ),
        (Freshness(Liveness.STALE, 0.0, "refused."), "The alerts are not known. refused."),
    ],
)
async def test_without_an_answer_it_never_says_quiet(freshness: Freshness, words: str) -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        await give(pilot, pane, seen(alerts_freshness=freshness))
        assert words in screen_text(pane.body)
        assert "No alert fires" not in screen_text(pane.body)


async def test_old_alerts_stay_and_are_marked() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        stale = Freshness(Liveness.STALE, MONOTONIC - 42, "connection refused")
        await give(pilot, pane, seen(*ROWS, alerts_freshness=stale))
        assert "HealthPayErrorRateHigh" in screen_text(pane.body)
        assert pane.has_class("-stale")
        assert pane.subtitle_text == "stale 42 s · connection refused"


async def test_enter_opens_annotations_with_the_runbook() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(100, 30)) as pilot:
        await give(pilot, pane, seen(*ROWS))
        pane.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, TextDetail)
        told = "\n".join(str(each.content) for each in pilot.app.screen.query("Static"))  # type: ignore[attr-defined]
        for words in (
            "https://wiki.example/errors",
            "namespace = healthpay",
            "7.52",
            "(2 m ago)",
            "prometheus.example",
        ):
            assert words in told


async def test_rows_can_be_found_by_label() -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(100, 8)) as pilot:
        await give(pilot, pane, seen(row(), row("Other", labels=(("service", "query-service"),))))
        pane.focus()
        await pilot.press("slash", *"query", "enter")
        await pilot.pause()
        assert "Other" in screen_text(pane.body)
        assert "HealthPayErrorRateHigh" not in screen_text(pane.body)
        assert "1 of 2 with “query”" in pane.title_text


@pytest.mark.parametrize("width", [44, 80, 200])
async def test_hostile_text_is_drawn_as_text(width: int) -> None:
    pane = AlertsPane()
    async with PaneApp(pane).run_test(size=(width, 24)) as pilot:
        for text in HOSTILE:
            evil = row(
                text, severity=text, summary=text, labels=((text, text),), annotations=((text, text),), group=text,
                source=text, key="k",
            )  # fmt: skip
            await give(pilot, pane, seen(evil, replace(evil, key="l", state=text)))
            for y in range(pane.body.size.height):
                strip = pane.body.render_line(y)
                assert strip.cell_length == cell_len(strip.text) == width - 4
                assert strip.text.isprintable()
            pane.focus()
            await pilot.press("enter")
            assert isinstance(pilot.app.screen, TextDetail)
            await pilot.press("escape")


# On the console's screen


def burning() -> StandIn:
    session = StandIn()
    session.views["production"] = replace(
        healthy_view(), alerts=ROWS, alert_counts=replace(CALM, firing=2), alerts_freshness=LIVE
    )
    return session


def calm(session: StandIn) -> None:
    session.views["production"] = replace(
        session.views["production"], alerts=(), alert_counts=CALM, alerts_freshness=LIVE
    )
    session.version += 1


async def test_at_80_by_24_it_is_a_tab_that_says_how_many_fire() -> None:
    async with opened(burning(), size=(80, 24)) as console:
        await console.press("4")
        assert "F Al" in console.text()
        await console.press("F")
        assert console.main.arrangement.visible == ("alerts",)
        await console.sees("✘ critical HealthPayErrorRateHigh", "Alerts · 2 firing")
        assert all(len(line) <= 80 for line in console.text().splitlines())


async def test_at_200_by_50_it_comes_when_something_fires_and_goes_when_it_is_over() -> None:
    session = burning()
    async with opened(session, size=(200, 50)) as console:
        await console.press("4")
        await console.sees("Alerts · 2 firing", "✘ critical HealthPayErrorRateHigh", "✘ 2 alerts")
        assert "events" in console.main.arrangement.visible
        dead = Freshness(Liveness.STALE, 900.0, "refused")
        session.views["production"] = replace(session.views["production"], alerts_freshness=dead)
        session.version += 1
        await console.sees("✘ 2 alerts, stale", "refused")
        calm(session)
        await console.until(lambda: "alerts" not in console.main.arrangement.visible, "the panel goes")
        await console.press("F")
        await console.sees("No alert fires for healthpay · 12 rules watched")


def test_its_place_follows_the_size() -> None:
    calm_, firing = Fronts(), Fronts(firing=True)
    assert arrange(200, 50, calm_, zoomed=False).visible[2:4] == ("pods", "events")
    assert arrange(200, 50, firing, zoomed=False).visible[2:5] == ("pods", "alerts", "events")
    assert arrange(160, 45, firing, zoomed=False).visible[2:4] == ("pods", "alerts")
    assert arrange(160, 45, firing.with_active("events"), zoomed=False).visible[2:4] == ("pods", "events")
    assert arrange(160, 40, calm_.with_active("alerts"), zoomed=False).visible[2:3] == ("alerts",)
    assert arrange(200, 50, calm_.with_active("alerts"), zoomed=False).visible[2:4] == ("pods", "alerts")
    assert firing.with_active("logs").showing("output").firing
