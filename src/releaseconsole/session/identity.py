"""The identity of clusters: a context that leads elsewhere than before is refused until a person confirms it.

At its first use in a release the cluster behind a context is journalled (``cluster.seen``); from then on every
connection is compared with that. Reading the identity and the first lists go side by side, so that the screen is
filled no later; whatever writes waits for it, and so does whatever plans a rollback. It is read again whenever
another cluster may be there: credentials were read anew, or a connection was lost. An identity that cannot be
read is unknown and not refused: it is tried again, and nothing is written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.cluster.identity import Identity
from releaseconsole.errors import ClusterError, OtherCluster, ReadOnly, Unreachable
from releaseconsole.record.clusters import SeenCluster
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.patience import within
from releaseconsole.session.views import Refusal

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.session.setup import Setup

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between two looks at an identity."""
MOST_LOOKS = 5


class Clusters:
    """What is known of the clusters behind the plan's contexts: the journal's word, or this session's alone."""

    def __init__(self, ledger: Ledger, setup: Setup) -> None:
        self._ledger = ledger
        self._practice = bool(setup.practice)
        self._known = dict(setup.known_clusters)
        self._accepted_before = set(setup.accept_clusters)
        self._confirmed = asyncio.Event()

    def judge(self, context: str, found: Identity) -> Refusal | None:
        """None when ``context`` leads where it may. The practice clusters are new at every start."""
        now = SeenCluster(found.uid, found.server)
        known = [one for one in (self._known.get(context), self._ledger.state.clusters.get(context)) if one]
        if self._practice:
            return None
        same = next((one for one in known if one.is_same(now)), None)
        if same is not None and same.knows_as_much_as(now):
            return None
        if same is not None or not known:
            self._remember("cluster.seen", context, now, same.learning(now) if same else now)
            return None
        refusal = Refusal(context, known[0], now)
        if context not in self._accepted_before:
            return refusal
        # For one change of cluster: a second one in the same session is not what was accepted.
        self._accepted_before.discard(context)
        self._accept(refusal)
        return None

    def same_address(self, context: str, server: str) -> bool:
        """Whether ``server`` is where the context led before; also when nothing is known of it."""
        known = self._known.get(context) or self._ledger.state.clusters.get(context)
        return known is None or known.is_same(SeenCluster("", server))

    def confirm(self, refusal: Refusal) -> None:
        """A person says that the cluster they were shown is right. Raises ReadOnly."""
        if self._ledger.read_only:
            raise ReadOnly(
                "This console is read-only.",
                f"Start it with --accept-cluster {refusal.context} to look at the new cluster.",
            )
        self._accept(refusal)
        confirmed, self._confirmed = self._confirmed, asyncio.Event()
        confirmed.set()

    async def confirmed(self, timeout: float) -> None:
        """Wait until a person has confirmed some cluster, but no longer than ``timeout`` seconds."""
        await within(timeout, self._confirmed.wait())

    def _accept(self, refusal: Refusal) -> None:
        self._remember("cluster.accepted", refusal.context, refusal.now, refusal.now, refusal.before.identity)

    def _remember(
        self, kind: str, context: str, now: SeenCluster, known: SeenCluster, before: str = ""
    ) -> None:
        """In the journal where it may be written, for this session in any case."""
        self._known[context] = known
        if not self._ledger.read_only:
            data = {"context": context, "identity": now.identity, "server": now.server}
            self._ledger.write_anyway(kind, {**data, "before": before} if before else data)


class Doorkeeper:
    """Lets nobody through one connection to a cluster that is not the known one."""

    def __init__(self, context: str, clusters: Clusters, clock: Clock, touch: Callable[[], None]) -> None:
        self.refusal: Refusal | None = None
        self.sure_of = ""
        """Address of the server that was found to be the known cluster's; "" before."""
        self._context = context
        self._clusters = clusters
        self._clock = clock
        self._touch = touch
        self._looking = asyncio.Lock()

    def attend(self, client: Client) -> None:
        """From now on nothing is written through ``client`` before its cluster is known to be right."""
        client.before_writing = partial(self.sure, client)

    async def sure(self, client: Client) -> None:
        """Return when the cluster behind ``client`` is known to be right; at once while nothing casts a doubt.

        Raises OtherCluster when it is another one, else a ClusterError when that cannot be told now.
        """
        # Whoever looks has taken the doubt away before the answer is there.
        if self.refusal is None and not client.in_doubt.is_set() and not self._looking.locked():
            return
        async with self._looking:
            self.refuse()
            for _ in range(MOST_LOOKS):
                if not client.in_doubt.is_set():
                    return
                await self._look(client)
        raise Unreachable(
            f"The connection to {client.server} breaks off again and again.", "It may work at the next try."
        )

    def refuse(self) -> None:
        """Raises OtherCluster while the cluster is refused."""
        if self.refusal is not None:
            raise OtherCluster(self.refusal.message, self.refusal.remedy)

    async def right_again(self, client: Client) -> bool:
        """Whether a new connection leads to the known cluster after one that did not."""
        try:
            await self._look(client)
        except ClusterError:
            return False
        return True

    async def keep(self, client: Client) -> None:
        """Look whenever there is doubt; returns when the cluster is refused."""
        pause = FIRST_PAUSE
        while True:
            await client.in_doubt.wait()
            try:
                await self.sure(client)
                pause = FIRST_PAUSE
            except OtherCluster:
                return
            except ClusterError:
                pause = min(LONGEST_PAUSE, pause * 2)
            await self._clock.sleep(pause)

    async def after_refusal(self) -> None:
        """The time to look again has come: somebody has confirmed, or may have mended the kubeconfig."""
        await self._clusters.confirmed(LONGEST_PAUSE)

    def probably_right(self, server: str) -> bool:
        """By the address alone, for a cluster that does not answer."""
        return self._clusters.same_address(self._context, server)

    async def _look(self, client: Client) -> None:
        client.in_doubt.clear()
        try:
            found = await client.identity()
        except BaseException:
            client.in_doubt.set()
            raise
        before, self.refusal = self.refusal, self._clusters.judge(self._context, found)
        if self.refusal != before:
            self._touch()
        if self.refusal is not None:
            client.in_doubt.set()
            self.sure_of = ""
            self.refuse()
        self.sure_of = found.server
