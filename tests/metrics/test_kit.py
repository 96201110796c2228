"""The kit itself: a Prometheus that is started on recorded samples, scrapes, dies and comes back."""

from __future__ import annotations

import pytest
from prom_exporter import Page
from prom_recording import START, Recording
from prom_server import Connect, Prometheus, Start


async def test_recorded_samples_are_answered_at_their_times(start: Start, connect: Connect) -> None:
    recording = Recording()
    recording.series("load", {"pod": 'a"\\\n[b]'}, lambda second: second / 10, 60)
    prometheus = start(recording=recording)
    answer = await connect(prometheus.url).instant("load * 2", START + 50)
    assert [(one.at, one.value) for one in answer.series] == [(START + 50, 10.0)]


def test_a_page_is_scraped_soon_after_it_is_written(live: Prometheus, page: Page) -> None:
    page.show("answer 42\n")
    found = live.wait_for(f'answer{{namespace="{page.namespace}"}}')
    assert found[0]["value"][1] == "42"


@pytest.mark.parametrize("times", [1, 2])
def test_a_killed_one_comes_back_with_its_data(start: Start, times: int) -> None:
    recording = Recording()
    recording.sample("kept", {}, 0, 7)
    prometheus = start(recording=recording)
    for _ in range(times):
        prometheus.kill()
        assert not prometheus.ready()
        prometheus.start()
    assert prometheus.query("kept", START)[0]["value"][1] == "7"


def test_rules_can_be_added_while_it_runs(live: Prometheus) -> None:
    live.add_rules("kit", "groups: [{name: kit, rules: [{record: added, expr: vector(3)}]}]")
    assert live.wait_for("added")[0]["value"][1] == "3"
