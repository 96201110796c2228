"""A rollback that was cut short, continued from the screen with one key, on the practice cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

from practice import SERVICES, console, practice_ground


async def test_a_console_that_died_over_a_rollback_goes_on_with_one_key(tmp_path: Path) -> None:
    with practice_ground(tmp_path) as ground:
        before = await ground.images()
        session = ground.session()
        async with session:
            await session.ready({"production"}, 30)
            await session.pin("production")
            await ground.set_tag("9.9.9")
            session.start_rollback(await session.preview_rollback("production"))
            async with asyncio.timeout(30):
                while not session.state.rollbacks:
                    await session.changed(session.version)
        assert session.state.rollbacks[-1].outcome == "interrupted"
        async with console(ground, size=(80, 24)) as at:
            await at.sees("ROLLBACK INTERRUPTED", "of 3 patched", "c continue where it stopped")
            await at.press("c")
            await at.sees("ROLLED BACK PRODUCTION", "Complete: 3 workloads back")
            assert "Deploys are locked by amira" in at.text()
            assert await ground.images() == before
        assert ground.kinds().count("rollback.started") == 1
        assert set(before) == set(SERVICES)
