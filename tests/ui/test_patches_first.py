"""From the letter to the progress: the patches have their moment first, and no key is taken for something else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frame_driver import Console, opened
from standin import StandIn

from releaseconsole.record.model import Stage
from releaseconsole.ui import emergency

FIRED = ("rollback", "production", ("7", "7", "7"))


class Answering(StandIn):
    """Its patches are answered when the test says so."""

    def answer(self) -> None:
        last = self.state.rollbacks[-1]
        done = {
            key: replace(one, stage=Stage.PATCHED, times={**one.times, "patched": self.clock.now()})
            for key, one in last.workloads.items()
        }
        self._fold(rollbacks=(*self.state.rollbacks[:-1], replace(last, workloads=done)))


async def confirmed(console: Console, *keys: str) -> None:
    await console.press("ctrl+r")
    await console.sees("to roll back now")
    console.app.simulate_key("h")
    for key in keys:
        console.app.simulate_key(key)
    await console.pilot.pause()


async def test_the_preview_stays_until_the_patches_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emergency, "MOMENT", 60.0)
    session = Answering()
    async with opened(session) as console:
        await confirmed(console)
        await console.until(lambda: FIRED in session.calls)
        await console.pilot.pause()
        assert console.dialog == "PreviewScreen"
        session.answer()
        await console.until(lambda: console.dialog == "RollbackScreen")
        assert "PreviewScreen" not in {type(screen).__name__ for screen in console.app.screen_stack}


async def test_patches_that_are_not_answered_do_not_hide_the_progress() -> None:
    session = Answering()
    async with opened(session) as console:
        await confirmed(console)
        await console.until(lambda: console.dialog == "RollbackScreen")
        await console.sees("ROLLING BACK PRODUCTION", "0 of 3")


async def test_keys_typed_on_after_the_letter_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emergency, "MOMENT", 60.0)
    session = Answering()
    async with opened(session) as console:
        # Among them the letter itself, and keys that pin, tick, sign and quit on the screen below.
        await confirmed(console, "h", "p", "space", "s", "U", "q", "ctrl+r")
        await console.until(lambda: FIRED in session.calls)
        assert [call for call in session.calls if call[0] not in ("focus", "preview")] == [FIRED]
        assert console.dialog == "PreviewScreen"
        session.answer()
        await console.until(lambda: console.dialog == "RollbackScreen")
        assert [call for call in session.calls if call[0] not in ("focus", "preview")] == [FIRED]
