"""The whole program: the console on the real session and the practice cluster, from the first tick to the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from practice import SERVICES, Ground, LiveConsole, console, practice_ground

from releaseconsole.sandbox import PracticeCluster
from releaseconsole.session.views import Liveness
from releaseconsole.ui.keymap import PANE_KEYS
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.screens.preview import PreviewScreen

OLD = {name: f"healthpay/{name}:0.9.4" for name in SERVICES}
NEW = {name: f"healthpay/{name}:1.0.0" for name in SERVICES}


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with practice_ground(tmp_path) as practice:
        yield practice


async def test_a_release_goes_from_the_first_tick_to_production_and_all_the_way_back(ground: Ground) -> None:
    async with console(ground) as at:
        await at.sees("Pre-deployment", "api-gateway-", "Running")
        await tick_the_first_item(at, ground)
        await deploy_to_production(at, ground)
        ground.thread.call(start_the_error_spike)
        await at.sees("BREACH", "✘ Error rate")
        await at.told("Error rate calls for a rollback")
        await preview_names_what_will_happen(at)
        await at.confirm()
        await at.sees("ROLLING BACK PRODUCTION", "planned", "recovered")
        await at.rolled_back()
        await at.sees("Complete: 3 workloads back")
        await at.press("escape")
        await at.sees("LOCKED", "The incident report is written")
        await nothing_can_be_deployed_now(at)
    assert await ground.images() == OLD
    assert await ground.pod_images() == set(OLD.values())
    the_journal_tells_all_of_it(ground)


async def tick_the_first_item(at: LiveConsole, ground: Ground) -> None:
    item = at.main.checklist.current_item
    await at.press("space")
    await at.sees("✔ done", "amira")
    assert [(one["data"]["item"], one["by"]) for one in ground.entries() if one["kind"] == "item.done"] == [
        (item, "amira")
    ]


async def deploy_to_production(at: LiveConsole, ground: Ground) -> None:
    await at.press("4")
    await at.sees("PRODUCTION", "production / healthpay")
    await at.live()
    await at.go_to("a:prod-apply")
    await at.press("enter")
    await at.sees("3 configured", "It may not be applied yet", "Nobody has decided go or no-go")
    await at.agree()
    await at.told("Nobody has decided go or no-go for Production")
    assert await ground.images() == OLD
    await at.decide_go("uat was signed on paper")
    await at.sees("GO by amira", "uat was signed on paper")
    await at.press("p")
    await at.until(lambda: len(at.session.state.pins) == 3, "three pins")
    await at.run("prod-apply", confirm=True)
    await at.sees("3 configured", "0.9.4 → 1.0.0")
    await at.run("prod-wait", confirm=False)
    await at.sees("3 of 3 complete", "Metrics · 9 of 9 on target")
    assert await ground.images() == NEW


def start_the_error_spike(cluster: PracticeCluster) -> None:
    cluster.set_scenario("error-spike@production")


async def preview_names_what_will_happen(at: LiveConsole) -> None:
    await at.press("ctrl+r")
    await at.sees("ROLL BACK PRODUCTION", "production/healthpay", "5 → 4", "pinned", "Burning: Error rate")
    for name in SERVICES:
        await at.sees(f"healthpay/{name}:1.0.0 → 0.9.4")
    await at.sees("Not restored: ConfigMaps and Secrets")


async def nothing_can_be_deployed_now(at: LiveConsole) -> None:
    await at.press("4")
    await at.go_to("a:prod-apply")
    await at.press("enter")
    await at.agree()
    await at.told("Production is locked by amira", "Press U to unlock it")


def the_journal_tells_all_of_it(ground: Ground) -> None:
    assert "every hash fits" in ground.journal_says("--verify")
    kinds = ground.kinds()
    story = [
        *("release.opened", "session.started", "item.done", "decision", "pin.set", "action.started"),
        *("action.ended", "trigger.changed", "rollback.started", "lock.set", "rollback.stage"),
        *("rollback.ended", "session.ended"),
    ]
    firsts = sorted(story, key=kinds.index)
    assert firsts == story
    stages = [one["data"] for one in ground.entries() if one["kind"] == "rollback.stage"]
    for name in SERVICES:
        walked = [stage["stage"] for stage in stages if stage["key"].endswith(f"/{name}")]
        assert walked == ["patched", "observed", "replaced", "available", "recovered"]


async def test_the_rollback_key_works_while_somebody_types_and_over_the_help(ground: Ground) -> None:
    async with console(ground, size=(120, 30)) as at:
        await at.press("n")
        await at.sees("Note", "what others should know")
        await at.type("see ticket")
        await at.press("ctrl+r")
        await at.sees("ROLL BACK PRODUCTION", "esc cancel")
        await at.press("escape")
        await at.sees("see ticket")
        await at.press("enter")
        await at.until(lambda: at.dialog == "MainScreen")
        assert [one["data"]["note"] for one in ground.entries() if one["kind"] == "item.noted"] == [
            "see ticket"
        ]
        await at.press("?")
        await at.sees("Every", "ctrl+r")
        await at.press("ctrl+r")
        await at.sees("ROLL BACK PRODUCTION", "esc cancel")
        await at.press("escape")
        await at.until(lambda: at.dialog == "HelpScreen")


async def test_only_the_letter_fires_and_escape_goes_back(ground: Ground) -> None:
    async with console(ground) as at:
        await at.live()
        await at.press("p")
        await at.until(lambda: len(at.session.state.pins) == 3)
        await ground.set_tag("1.0.0")
        await at.sees("0.9.4 → 1.0.0", "3 of 3 complete")
        await at.press("ctrl+r")
        await at.until(lambda: at.text().count("1.0.0 → 0.9.4") == 3, "the preview of all three")
        letter = await at.letter()
        wrong = [key for key in "abcefghmnprstuvwxyz" if key != letter]
        await at.press(*wrong, "enter", "space", "0", "tab", "ctrl+r")
        assert isinstance(at.app.screen, PreviewScreen)
        assert await at.letter() == letter
        await at.press("escape")
        await at.until(lambda: at.dialog == "MainScreen")
        assert at.session.state.rollbacks == ()
    assert "rollback.started" not in ground.kinds()
    assert await ground.images() == NEW


async def test_a_rollout_that_cannot_finish_is_rolled_back_in_its_middle(ground: Ground) -> None:
    async with console(ground) as at:
        await at.live()
        await at.press("p")
        await at.until(lambda: len(at.session.state.pins) == 3)
        await ground.set_tag("1.0.1-image-pull")
        await at.sees("FAILING", "ImagePullBackOff")
        await at.press("ctrl+r")
        await at.sees("rollout unfinished, fine", "1.0.1-image-pull → 0.9.4")
        await at.confirm()
        await at.rolled_back()
        await at.sees("Complete: 3 workloads back")
        await at.press("escape")
        await at.until(lambda: at.view.unhealthy == 0, "every pod is well again")
    assert await ground.images() == OLD


async def test_a_console_that_is_started_again_shows_the_same_ticks(ground: Ground) -> None:
    async with console(ground) as at:
        await at.press("space", "down", "space", "down", "down")
        await at.press("d")
        await at.sees("Defer")
        await at.type("next week")
        await at.press("enter")
        await at.until(lambda: at.dialog == "MainScreen")
        await at.until(lambda: sum(one.at > 0 for one in at.session.state.items.values()) >= 3)
        ticked = by_hand(at)
    async with console(ground) as at:
        await at.sees("✔ done", "next week")
        assert by_hand(at) == ticked
        assert len(ticked) == 3


def by_hand(at: LiveConsole) -> dict[str, object]:
    return {name: one for name, one in at.session.state.items.items() if one.by == "amira"}


async def test_a_cluster_that_goes_down_is_said_to_be_stale_and_the_keys_still_work(ground: Ground) -> None:
    async with console(ground) as at:
        await at.live()
        await at.sees("● live")
        pods = {pod.name for pod in at.view.pods}
        ground.thread.stop()
        await at.sees("STALE")
        assert at.view.cluster.liveness is Liveness.STALE
        assert {pod.name for pod in at.view.pods} == pods
        await at.sees(next(iter(sorted(pods)))[:20])
        await at.press("space")
        await at.until(lambda: "item.done" in ground.kinds(), "the tick is on disk")
        await at.press("ctrl+r")
        await at.sees("ROLL BACK PRODUCTION", "cannot be reached")
        await at.press("escape", "2")
        await at.sees("STAGING")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_essentials_can_be_walked_at(size: tuple[int, int], ground: Ground) -> None:
    async with console(ground, size=size) as at:
        await at.sees("Pre-deployment", "☐ open")
        await at.press("space")
        await at.sees("✔ done")
        await at.press("4")
        await at.sees("PRODUCTION")
        await at.live()
        await at.decide_go("agreed")
        await at.run("prod-prepare-pin", confirm=False)
        await at.press("P")
        await at.sees("command-service-", "Running")
        await ground.set_tag("1.0.1-crash-loop", "query-service")
        await at.press("R")
        await at.sees("query-service", "FAILING")
        for pane in PANES:
            await at.press(PANE_KEYS[pane])
            assert at.main.active_pane == pane
            assert all(len(row) <= size[0] for row in at.text().splitlines())
        await at.press("ctrl+r")
        await at.sees("query-service", "0.9.4", "already there")
        await at.confirm()
        await at.rolled_back()
        await at.sees("Complete: 3 workloads back")
    assert await ground.images() == OLD


async def test_a_tiny_terminal_says_so_and_grows_back(ground: Ground) -> None:
    async with console(ground, size=(80, 24)) as at:
        await at.sees("Pre-deployment", "☐ open")
        await at.pilot.resize_terminal(20, 5)
        await at.until(lambda: "20×5 is too small" in " ".join(at.text().split()))
        await at.press("ctrl+r")
        await at.letter()
        await at.press("escape")
        await at.pilot.resize_terminal(80, 24)
        await at.sees("Pre-deployment", "☐ open")
        await at.press("space")
        await at.sees("✔ done")
