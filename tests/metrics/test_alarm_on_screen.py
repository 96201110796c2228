"""A breach in a real Prometheus comes to the screen, through the poll, the trigger and a whole session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from prom_exporter import Page
from prom_server import Prometheus

from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.session import Session, open_session
from releaseconsole.ui.app import ConsoleApp

SIZE = (200, 50)
PATIENCE = 60.0
PLAN = """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.production]
targets = [{{ context = "production", namespace = "shop" }}]
workloads = ["deployment/web"]
prometheus = {{ url = "{url}" }}
[[objectives]]
id = "level"
query = 'level{{namespace="{namespace}"}}'
target = "< 10"
rollback = {{ when = "> 10", for = "1s" }}
[[phases]]
id = "production"
title = "Production"
environment = "production"
"""


def plan_for(prometheus: Prometheus, page: Page) -> Plan:
    return parse_plan(PLAN.format(url=prometheus.url, namespace=page.namespace), "plan.toml")


def opened_in(folder: Path, plan: Plan) -> Session:
    """Of a cluster that cannot be reached: the alarm does not need it."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text("apiVersion: v1\nkind: Config\n")
    return open_session(plan, kubeconfig=kubeconfig, state=folder / "state", folder=folder, user="amira")


def on_screen(app: ConsoleApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def shows(app: ConsoleApp, holds: Callable[[str], bool]) -> None:
    """Wait until that can be read."""
    text = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds(text):
                await asyncio.sleep(0.05)
                text = on_screen(app)
    except TimeoutError:
        raise AssertionError(f"it never came to the screen:\n{text}") from None


async def test_an_alarm_comes_to_the_screen_and_into_the_journal_and_goes_again(
    live: Prometheus, page: Page, tmp_path: Path
) -> None:
    page.show("level 5\n")
    await asyncio.to_thread(live.wait_for, f'level{{namespace="{page.namespace}"}} < 10')
    session = opened_in(tmp_path, plan_for(live, page))
    app = ConsoleApp(session)
    async with app.run_test(size=SIZE, notifications=True):
        await shows(app, lambda text: row(text).count("OK") == 1)
        page.show("level 20\n")
        await shows(app, lambda text: "BREACH" in row(text))
        await shows(app, lambda text: "calls for a rollback" in text)
        told = [one.data for one in session.ledger.entries if one.kind == "trigger.changed"]
        assert [(one["objective"], one["state"]) for one in told] == [("level", "BREACH")]
        page.show("level 5\n")
        await shows(app, lambda text: "OK" in row(text))


def row(text: str) -> str:
    """The objective's row; "" while there is none."""
    return next(
        (one for one in text.splitlines() if "level" in one and "10" in one and "calls" not in one), ""
    )
