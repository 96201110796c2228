"""Instant and range queries with prometheus-api-client, to be run in a thread.

The library has no time-out by default, retries for six seconds, follows redirects, takes a password from
``~/.netrc`` in place of the plan's token, reads bodies of any size and drops the ``warnings`` of an answer.
The session that it is given here mends these; the library makes the requests.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from releaseconsole.errors import MetricsError
from releaseconsole.metrics import answers
from releaseconsole.metrics.trouble import no_answer, too_slow, trouble

if TYPE_CHECKING:
    from releaseconsole.metrics.source import Source

MOST_BYTES = 16 * 2**20
_CHUNK = 65_536


class Blocking:
    """The library's client over a session of ours. May be used by several threads at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._session = _Session(source)
        self._prometheus = PrometheusConnect(
            url=source.base, session=self._session, retry=Retry(total=0), timeout=source.timeout
        )

    def instant(self, query: str, at: float | None) -> answers.Answer:
        """Raises MetricsError."""
        params = {} if at is None else {"time": repr(at)}
        result = self._ask(self._prometheus.custom_query, query, params=params)
        return answers.Answer(answers.instant_series(self._source, result), self._session.warnings())

    def range(self, query: str, start: float, end: float, step: float) -> answers.RangeAnswer:
        """Raises MetricsError. The library rounds ``start`` and ``end`` to whole seconds."""
        result = self._ask(
            self._prometheus.custom_query_range,
            query,
            start_time=datetime.fromtimestamp(start, UTC),
            end_time=datetime.fromtimestamp(end, UTC),
            step=f"{step:g}",
        )
        return answers.RangeAnswer(answers.range_series(self._source, result), self._session.warnings())

    def _ask(self, method: Any, query: str, **parameters: Any) -> object:
        try:
            return method(query, **parameters)
        except (requests.RequestException, OSError) as error:
            raise trouble(self._source, error) from error
        except (PrometheusApiClientException, LookupError, TypeError, ValueError) as error:
            raise no_answer(self._source, error) from error

    def close(self) -> None:
        """Close idle connections; requests under way end by their time-out."""
        self._session.close()


class _Reply:
    """As much of a response as the library looks at."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.status_code = 200
        self.content = b""

    def json(self) -> dict[str, Any]:
        return self._document


class _Session(requests.Session):
    """Bounded in time and size, without redirects, and it remembers each answer's warnings."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._of_thread = threading.local()
        if source.ca_file or source.cert_file:
            # Loads both once, so that a bad file is told in words and no key's password is asked for.
            source.trust()
        if source.ca_file:
            self.verify = source.ca_file
        if source.cert_file:
            self.cert = (source.cert_file, source.key_file) if source.key_file else source.cert_file

    def close(self) -> None:
        """Close idle connections at once; the libraries leave that to the garbage collector."""
        for adapter in self.adapters.values():
            managers: list[Any] = [adapter.poolmanager, *adapter.proxy_manager.values()]  # type: ignore[attr-defined]
            for pools in [manager.pools for manager in managers]:
                for key in list(pools.keys()):
                    pools[key].close()
        super().close()

    def warnings(self) -> tuple[str, ...]:
        """The warnings of the last answer that this thread got."""
        found: tuple[str, ...] = getattr(self._of_thread, "warnings", ())
        return found

    def request(self, method: Any, url: Any, **parameters: Any) -> Any:  # type: ignore[override]
        """As the library calls it; whatever is not a successful answer raises MetricsError."""
        parameters |= {"stream": True, "allow_redirects": False, "auth": self._authorise}
        deadline = time.monotonic() + self._source.timeout
        response = self._send(method, url, parameters)
        with response:
            document = answers.data_of(self._source, response.status_code, self._body(response, deadline))
        self._of_thread.warnings = answers.warnings_of(document)
        if not isinstance(document["data"], dict):
            raise MetricsError(f"{self._source.name} answered without a result.", answers.WRONG_PLACE)
        return _Reply(document)

    def _send(self, method: Any, url: Any, parameters: dict[str, Any]) -> requests.Response:
        """Send once, and once more when a connection that was kept open turns out to be closed."""
        try:
            return super().request(method, url, **parameters)
        except requests.Timeout:
            raise
        except requests.ConnectionError as error:
            if "Connection aborted" not in str(error):
                raise
            return super().request(method, url, **parameters)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the plan's headers last, so that nothing from elsewhere takes their place."""
        request.headers.update(self._source.all_headers())
        return request

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > MOST_BYTES:
                raise MetricsError(
                    f"{self._source.name} answered with more than 16 MB.", "Aggregate in the query."
                )
            if time.monotonic() > deadline:
                raise too_slow(self._source)
        return bytes(body)
