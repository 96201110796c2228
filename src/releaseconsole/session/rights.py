"""The right to patch a workload, asked for where nothing is tried (it is where it would be rolled back to, or the
console is read-only), and where a try was refused.

A dry run that was accepted proves the right by itself. An answer is good for five minutes; the server is not
asked again before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.planning import Planned

if TYPE_CHECKING:
    from releaseconsole.cluster.access import Permission

KEPT = 300.0
REMEDY = "Ask for that right, or start the console with credentials that have it."


class Rights:
    """Remembers what the API servers said of each workload of one environment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, Permission]] = {}

    async def judge(self, planned: Planned) -> Planned:
        """The plan with what is known of the right to carry it out; a server that cannot say is no problem."""
        try:
            permission = await self._permission(planned)
        except ReleaseConsoleError as error:
            return replace(planned, rights=f"whether it may be patched could not be asked: {error.message}")
        if permission:
            return replace(planned, rights=permission.sentence)
        return replace(planned, problem=f"{permission.sentence} {REMEDY}", rights=permission.sentence)

    async def explain(self, planned: Planned) -> Planned:
        """A plan that the server does not accept, with the right that is missing when that is the reason."""
        try:
            permission = await self._permission(planned)
        except ReleaseConsoleError:
            return planned
        return planned if permission else replace(planned, rights=permission.sentence)

    async def _permission(self, planned: Planned) -> Permission:
        from releaseconsole.cluster.access import may

        now = self._clock.monotonic()
        at, known = self._known.get(planned.key, (0.0, None))
        if known is not None and now - at < KEPT:
            return known
        assert planned.target is not None
        place = planned.target.place
        client = await planned.observer.connected()
        found = await may(
            client, "patch", place.resource.group, place.resource.plural, place.namespace, place.name
        )
        self._known[planned.key] = (now, found)
        return found
