"""A preview that is open while the world goes on: nobody fires what they did not read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from frame_driver import Console, opened
from standin import StandIn, sample_plan

from releaseconsole.plan.model import Plan
from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.ui.keymap import keys_of
from releaseconsole.ui.screens.preview import READ
from releaseconsole.ui.screens.preview_course import changes, doing


def fired(console: Console) -> bool:
    return any(call[0] == "rollback" for call in console.session.calls)


def letter(console: Console) -> str:
    return console.text().split("Press  ")[1][0]


def line(name: str = "api-gateway", **more: Any) -> PreviewLine:
    one = PreviewLine(
        key=f"prod-eu/healthpay/deployment/{name}",
        name=name,
        target="prod-eu/healthpay",
        from_revision="8",
        to_revision="7",
        from_image=f"healthpay/{name}:1.1.0",
        to_image=f"healthpay/{name}:1.0.0",
        source="pinned 00:41 ago",
        note="",
        skipped=False,
        problem="",
        diff=(),
    )
    return replace(one, **more)


def rehearse(session: StandIn, *lines: PreviewLine) -> None:
    """From now on the session has this rehearsed, and the cluster says the same; time enough to read has passed."""
    session.clock.seconds += READ + 0.1
    session.planned = lines
    session.touch()


def confirmed_by(how: str) -> Plan:
    plan = sample_plan()
    production = plan.environments["production"]
    changed = production.model_copy(
        update={"rollback": production.rollback.model_copy(update={"confirm": how})}
    )
    return plan.model_copy(update={"environments": {**plan.environments, "production": changed}})


async def test_the_letter_stays_while_firing_would_do_the_same() -> None:
    session = StandIn()
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  H  to roll back now")
        rehearse(session, line(source="pinned 00:59 ago", from_revision="9", note="rollout unfinished, fine"))
        for _ in range(3):
            session.touch()
            await console.until(lambda: console.app._seen == session.version)
        assert letter(console) == "H"
        assert "CHANGED" not in console.text()
        await console.press("h")
        assert fired(console)


async def test_another_target_is_said_and_gets_another_letter() -> None:
    session = StandIn()
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  H  to roll back now")
        rehearse(session, line(to_revision="5", to_image="healthpay/api-gateway:0.9.0"))
        await console.sees("THIS HAS CHANGED WHILE YOU READ IT", "8 → 5", "The letter is a new one.")
        await console.sees("api-gateway would go to revision 5 and no longer to 7")
        console.session.clock.seconds += READ + 0.1
        await console.press("h")
        assert not fired(console)
        assert letter(console) != "H"
        await console.press(letter(console).lower())
        assert fired(console)


async def test_a_key_that_was_under_way_does_not_fire_what_nobody_has_read() -> None:
    session = StandIn()
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  H  to roll back now")
        rehearse(session, line(to_revision="5"))
        await console.sees("THIS HAS CHANGED")
        new = letter(console).lower()
        await console.press(new, new, new)
        assert console.dialog == "PreviewScreen"
        assert not fired(console)
        console.session.clock.seconds += READ + 0.1
        await console.press(new)
        assert fired(console)


async def test_the_answer_of_the_cluster_that_differs_from_the_rehearsal_is_such_a_change() -> None:
    session = StandIn()
    rehearse(session, line())
    session.preview_gate = asyncio.Event()
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("8 → 7", "Press  H  to roll back now")
        session.clock.seconds += READ + 0.1
        session.planned = (line(), line("extra"))
        session.preview_gate.set()
        await console.sees("THIS HAS CHANGED", "extra would be rolled back too")
        await console.press("h")
        assert not fired(console)


async def test_an_answer_that_comes_before_anybody_has_read_alarms_nobody_and_fires_nothing() -> None:
    session = StandIn()
    rehearse(session, line())
    session.preview_gate = asyncio.Event()
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("8 → 7", "Press  H  to roll back now")
        session.planned = (line(), line("extra"))
        session.preview_gate.set()
        await console.sees("extra")
        assert "CHANGED" not in console.text()
        new = letter(console).lower()
        await console.press("h", new)
        assert not fired(console)
        session.clock.seconds += READ + 0.1
        await console.press(new)
        assert fired(console)


async def test_a_name_has_to_be_typed_anew_after_a_change() -> None:
    session = StandIn(confirmed_by("name"))
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.type("production")
        await console.sees("production▏")
        rehearse(session, line(to_revision="5"))
        await console.sees("THIS HAS CHANGED", "Type the name anew.")
        await console.press("enter")
        assert not fired(console)
        await console.type("production")
        await console.press("enter")
        assert not fired(console)
        console.session.clock.seconds += READ + 0.1
        await console.press("enter")
        assert fired(console)


async def test_enter_alone_waits_a_moment_after_a_change() -> None:
    session = StandIn(confirmed_by("none"))
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  enter  to roll back now")
        rehearse(session, line(to_revision="5"))
        await console.sees("THIS HAS CHANGED")
        await console.press("enter")
        assert not fired(console)
        console.session.clock.seconds += READ + 0.1
        await console.press("enter")
        assert fired(console)


async def test_what_burns_is_followed_while_the_preview_is_open() -> None:
    class Burning(StandIn):
        burns = "error rate 1.8 % > 1 % for 1:04"

        def _preview(self, env_id: str) -> RollbackPreview:
            return replace(super()._preview(env_id), burning=(self.burns,))

    session = Burning()
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Burning: error rate 1.8 %", "Press  H  to roll back now")
        session.burns = "error rate 2.9 % > 1 % for 1:30"
        session.touch()
        await console.sees("Burning: error rate 2.9 %", "Press  H  to roll back now")


async def test_a_cluster_that_stops_answering_takes_the_letter_from_nobody() -> None:
    session = StandIn()
    rehearse(session, line())
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  H  to roll back now")
        rehearse(session, line(to_revision="", problem="prod-eu cannot be reached."))
        await console.sees("This is the last rehearsal", "prod-eu cannot be reached.")
        await console.sees("8 → 7", "Press  H  to roll back now")
        await console.press("h")
        assert fired(console)


async def test_a_letter_typed_twice_means_nothing_to_the_screens_below() -> None:
    """Every firing letter; some are keys of the panels and would pin or put away an item."""
    for key in ("p", "x"):
        session = StandIn()
        session.letters = iter(key.upper() * 50)  # type: ignore[assignment]
        async with opened(session) as console:
            await console.press("4", "ctrl+r")
            await console.sees("to roll back now")
            console.app.screen.post_message(_key(key))
            console.app.screen.post_message(_key(key))
            await console.until(lambda: console.dialog == "RollbackScreen")
            assert [call[0] for call in console.session.calls if call[0] != "focus"] == ["rollback"]


def _key(key: str) -> Any:
    from textual import events

    return events.Key(key, key)


def previews(*lines: PreviewLine) -> RollbackPreview:
    return RollbackPreview("production", "", "red", ("prod-eu/healthpay",), lines, (), (), "H")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((line(),), (line(problem="gone"),), "api-gateway cannot go back any more"),
        ((line(problem="gone"),), (line(),), "api-gateway could be rolled back by now"),
        ((line(),), (line(skipped=True),), "api-gateway is already there"),
        ((line(),), (line(to_image="healthpay/api-gateway:0.1"),), "would go to healthpay/api-gateway:0.1"),
        ((line(), line("b")), (line(),), "b is left out"),
        (tuple(line(f"s{n}") for n in range(9)), (), "s0 is left out; s1 is left out; s2 is left out; and 6 more"),
        ((line(),), (line(source="pinned 01:00 ago"),), ""),
    ],
    ids=["lost", "found", "there", "image", "fewer", "many", "same"],
)  # fmt: skip
def test_a_change_is_told_in_a_sentence(
    before: tuple[PreviewLine, ...], after: tuple[PreviewLine, ...], said: str
) -> None:
    told = changes(previews(*before), previews(*after))
    assert told == said or (said and told.endswith(said))
    assert (doing(previews(*before)) == doing(previews(*after))) == (not said)


def test_no_key_of_the_preview_could_be_a_letter_that_fires() -> None:
    from releaseconsole.ui.port import FIRING_LETTERS

    keys = {key for one in keys_of("preview") for key in one.key.split(",")}
    assert not {key.upper() for key in keys} & set(FIRING_LETTERS)
