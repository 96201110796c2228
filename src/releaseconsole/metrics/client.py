"""Asking a Prometheus, without ever blocking the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from releaseconsole import imports
from releaseconsole.errors import MetricsError
from releaseconsole.metrics.answers import Answer as Answer
from releaseconsole.metrics.answers import RangeAnswer as RangeAnswer
from releaseconsole.metrics.answers import RangeSeries as RangeSeries
from releaseconsole.metrics.answers import Series as Series
from releaseconsole.metrics.answers import data_of
from releaseconsole.metrics.source import Source as Source
from releaseconsole.metrics.trouble import no_answer, too_slow, trouble
from releaseconsole.undisturbed import finish

if TYPE_CHECKING:
    import httpx

    from releaseconsole.metrics.blocking import Blocking

T = TypeVar("T")

_THREADS = 8
_MOST_BYTES = 4 * 2**20
_PATIENCE = 4
"""Times the time-out of one request that a query may wait for a thread and its answer together."""


class PrometheusClient:
    """One Prometheus. Every method raises MetricsError with a sentence when it got no usable answer."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._threads: ThreadPoolExecutor | None = None
        self._blocking: Blocking | None = None
        self._connecting = threading.Lock()
        self._http: httpx.AsyncClient | None = None
        self._closed = False

    async def instant(self, query: str, at: float | None = None) -> Answer:
        """The value of a query now, or at ``at`` (seconds since the epoch)."""
        return await self._in_thread(lambda blocking: blocking.instant(query, at))

    async def range(self, query: str, start: float, end: float, step: float) -> RangeAnswer:
        """The values from ``start`` to ``end`` (whole seconds since the epoch), every ``step`` seconds."""
        return await self._in_thread(lambda blocking: blocking.range(query, start, end, step))

    async def ready(self) -> bool:
        """Whether it says that it can answer queries; False while it starts."""
        status, _ = await self._get("/-/ready")
        if status == 404:
            # Hosted ones answer queries under a prefix and have no probes there.
            status, _ = await self._get("/api/v1/status/buildinfo")
        return status == 200

    async def alerts(self) -> tuple[Mapping[str, Any], ...]:
        """Active alerts, as Prometheus describes them."""
        return _tables((await self._data("/api/v1/alerts")).get("alerts"))

    async def rules(self) -> tuple[Mapping[str, Any], ...]:
        """The rule groups."""
        return _tables((await self._data("/api/v1/rules")).get("groups"))

    async def alerting_rules(self) -> Mapping[str, Any]:
        """The alerting rules in their groups, unread (:func:`releaseconsole.metrics.alerting.alerting_of`)."""
        return await self._data("/api/v1/rules?type=alert")

    async def targets(self) -> tuple[Mapping[str, Any], ...]:
        """The active scrape targets."""
        return _tables((await self._data("/api/v1/targets?state=active")).get("activeTargets"))

    async def label_values(
        self, label: str, selector: str = "", since: float | None = None
    ) -> tuple[str, ...]:
        """The values of a label, of the series that ``selector`` matches, lately or ``since`` (epoch seconds)."""
        fields = {"match[]": selector} if selector else {}
        if since is not None:
            fields["start"] = f"{since:.3f}"
        path = f"/api/v1/label/{quote(label, safe='')}/values?{urlencode(fields)}"
        status, body = await self._get(path)
        found = data_of(self.source, status, body)["data"]
        return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()

    async def close(self) -> None:
        """Let go of connections and threads; a request under way ends by its own time-out."""
        self._closed = True
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._blocking is not None:
            self._blocking.close()
        if self._http is not None:
            await finish(self._http.aclose())

    async def _in_thread(self, ask: Callable[[Blocking], T]) -> T:
        if self._closed:
            raise MetricsError("The connection to Prometheus was closed.", "Open the release again.")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="prometheus")
        try:
            async with asyncio.timeout(_PATIENCE * self.source.timeout):
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, lambda: ask(self._connected())
                )
        except TimeoutError:
            raise too_slow(self.source) from None

    def _connected(self) -> Blocking:
        """The library, imported and connected in the first thread that asks."""
        with self._connecting:
            if self._blocking is None:
                with imports.ONE_AT_A_TIME:
                    from releaseconsole.metrics.blocking import Blocking

                self._blocking = Blocking(self.source)
            return self._blocking

    async def _data(self, path: str) -> Mapping[str, Any]:
        status, body = await self._get(path)
        data = data_of(self.source, status, body)["data"]
        return data if isinstance(data, dict) else {}

    async def _get(self, path: str) -> tuple[int, bytes]:
        import httpx

        try:
            async with (
                asyncio.timeout(self.source.timeout),
                self._client().stream(
                    "GET", self.source.base + path, headers=self.source.all_headers()
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise MetricsError(f"{self.source.name} answered with more than 4 MB.")
                return response.status_code, bytes(body)
        except TimeoutError:
            raise too_slow(self.source) from None
        except (httpx.HTTPError, OSError) as error:
            raise trouble(self.source, error) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise no_answer(self.source, error) from error

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            self._http = httpx.AsyncClient(verify=self.source.trust(), timeout=self.source.timeout)
        return self._http


def _tables(found: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
