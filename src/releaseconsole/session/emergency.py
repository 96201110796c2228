"""What keeps the emergency rollback at hand while a release is under way, whether somebody looks or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from releaseconsole.plan.model import Plan
from releaseconsole.session.automatic import Automatic, RollBack
from releaseconsole.session.duty import Duty
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.reverts import Reverts

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.setup import Setup


class Emergency:
    """Observes what is being released, guards what was rolled back, and counts down where the plan wants it."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        setup: Setup,
        observers: Mapping[str, Observer],
        observe: Callable[[str], Observer],
        roll_back: RollBack,
    ) -> None:
        """``observers`` are all there are, ``observe`` starts one."""
        self._attended = setup.attended
        self._duty = Duty(plan, ledger, setup.clock, observers, observe)
        self._reverts = Reverts(plan, ledger, hub, setup.clock, observers)
        self.automatic = Automatic(plan, ledger, hub, setup.clock, observers, roll_back)

    def workers(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What has to run, by its name; nothing for a command that ends by itself."""
        if not self._attended:
            return {}
        return {"duty": self._duty.run, "guard": self._reverts.run, "automatic": self.automatic.run}
