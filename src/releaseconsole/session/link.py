"""The connection of one target: made, held to the known cluster, and made again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster.connect import Client, connect
from releaseconsole.errors import ClusterError, KubeconfigError, OtherCluster, Unreachable
from releaseconsole.plan.model import Target
from releaseconsole.session.identity import Clusters, Doorkeeper
from releaseconsole.undisturbed import finish

if TYPE_CHECKING:
    from releaseconsole.session.setup import Setup

Work = Callable[[Client], Coroutine[Any, Any, None]]

FIRST_RETRY, SLOWEST_RETRY = 1.0, 15.0
CONNECT_PATIENCE = 10.0
"""Seconds that an intent waits for a connection which is being made."""


class Link:
    """Connects for as long as :meth:`hold` runs."""

    def __init__(self, target: Target, clusters: Clusters, setup: Setup, touch: Callable[[], None]) -> None:
        self._target = target
        self._setup = setup
        self._touch = touch
        self.door = Doorkeeper(target.context, clusters, setup.clock, touch)
        self.client: Client | None = None
        self.ready = asyncio.Event()
        """There is a client, or a refusal."""
        self.error = ""
        """Why there is no connection."""
        self.since = setup.clock.monotonic()
        """Monotonic seconds since when it has been tried."""
        self._left = asyncio.Event()

    async def hold(self, prepare: Callable[[Client], None], work: Work) -> None:
        """Connect, ``prepare``, let others use the connection, and do ``work`` until cancelled.

        A connection that cannot be made is tried again and again. While the cluster is refused nothing is done,
        and every few seconds, or when somebody has confirmed it, the kubeconfig is followed anew.
        """
        while True:
            client = await self._connect()
            try:
                await self._hold_one(client, prepare, work)
            finally:
                await self._leave(client)
            await self.door.after_refusal()

    async def _connect(self) -> Client:
        pause = FIRST_RETRY
        clock = self._setup.clock
        while True:
            try:
                return await connect(self._target.context, kubeconfig=self._setup.kubeconfig, clock=clock)
            except ClusterError as error:
                self.error = str(error)
                self._touch()
                await clock.sleep(pause)
                pause = min(SLOWEST_RETRY, pause * 2)

    async def _hold_one(self, client: Client, prepare: Callable[[Client], None], work: Work) -> None:
        """Work through ``client`` until its cluster is refused."""
        if self.door.refusal is not None and not await self.door.right_again(client):
            return
        self.door.attend(client)
        self.client, self.error, self.since = client, "", self._setup.clock.monotonic()
        prepare(client)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work(client), name=f"work on {self._target}")
            # After the task: it begins before those who wait, who would find nothing to wait for.
            self.ready.set()
            await self.door.keep(client)
            working.cancel()

    async def _leave(self, client: Client) -> None:
        self.client = None
        left, self._left = self._left, asyncio.Event()
        left.set()
        if self.door.refusal is None:
            self.ready.clear()
        self._touch()
        await finish(client.close())

    async def proven_client(self) -> Client:
        """A client once its cluster is known to be right, however long that takes."""
        while True:
            await self.ready.wait()
            client = self.client
            if client is not None:
                try:
                    await self.door.sure(client)
                    return client
                except ClusterError:
                    pass
            await self._setup.clock.sleep(FIRST_RETRY)

    async def left(self) -> None:
        """Wait until the present connection is given up."""
        await self._left.wait()

    async def connected(self) -> Client:
        """A client of the known cluster. Raises OtherCluster for another one, else the reason why there is none
        yet, after some patience."""
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await self.ready.wait()
                self.door.refuse()
                assert self.client is not None
                client = self.client
                await self.door.sure(client)
        except TimeoutError:
            message = self.error or f"{self._target} has not answered yet."
            raise Unreachable(
                message, "It is tried again and again; see that the cluster can be reached."
            ) from None
        return client

    async def proven(self) -> None:
        """For what reaches the cluster by other means, such as a shell: the kubeconfig as it is now leads to the
        known cluster. Where that does not answer, its address has to be the known one. Raises ClusterError."""
        try:
            client = await self.connected()
            await client.look_again()
            await self.door.sure(client)
        except (OtherCluster, KubeconfigError):
            raise
        except ClusterError as error:
            server = self.client.server if self.client is not None else ""
            if server and not self.door.probably_right(server):
                raise Unreachable(
                    f"The context “{self._target.context}” leads to {server}, which is not where it led before, and "
                    f"whether that is the same cluster cannot be told: {error.message}",
                    "Nothing was started. Try again when the cluster answers.",
                ) from None
