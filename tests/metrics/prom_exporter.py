"""An exporter with one page for each test, which says what is on it and how it is served."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGES = 16
_LONGEST_BODY = 1_000_000


@dataclass(slots=True)
class Page:
    """One target. Its samples get the label ``namespace``."""

    namespace: str
    text: Callable[[], str] = str
    """What the next scrape gets, asked at each scrape: ``page.text = lambda: "x 1\\n"``."""
    status: int = 404
    """404 until a test takes the page; anything but 200 is a failed scrape."""
    scrapes: int = 0

    def show(self, text: str) -> None:
        """Serve this text."""
        self.text, self.status = (lambda: text), 200

    def count(self, **rates: float) -> None:
        """Serve counters that grow by so much each second: ``count(requests_total=100)``.

        ``errors_total__code__500=3`` is ``errors_total{code="500"}``.
        """
        start = time.time()

        def text() -> str:
            age = time.time() - start
            return "".join(f"{_sample(name)} {rate * age}\n" for name, rate in rates.items())

        self.text, self.status = text, 200


def _sample(name: str) -> str:
    metric, *labels = name.split("__")
    pairs = zip(labels[::2], labels[1::2], strict=True)
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in pairs) + "}"


class Exporter:
    """Pages at ``/0/metrics``, ``/1/metrics`` …; to be listed in a configuration by ``scrape_configs``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages = [Page(f"test-{number}") for number in range(PAGES)]
        self._free = itertools.count()

    def take(self) -> Page:
        """A page that no test has had."""
        return self.pages[next(self._free)]

    def scrape_configs(self) -> list[dict[str, Any]]:
        """One job for each page."""
        return [
            {
                "job_name": page.namespace,
                "metrics_path": f"/{number}/metrics",
                "static_configs": [
                    {"targets": [f"127.0.0.1:{self.port}"], "labels": {"namespace": page.namespace}}
                ],
            }
            for number, page in enumerate(self.pages)
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exporter: Exporter

    def do_GET(self) -> None:
        page = self.exporter.pages[int(self.path.split("/")[1])]
        page.scrapes += 1
        body = page.text().encode()[:_LONGEST_BODY] if page.status == 200 else b""
        self.send_response(page.status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to tell."""


@contextmanager
def serving() -> Iterator[Exporter]:
    """An exporter on a free port."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.exporter = Exporter(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield handler.exporter  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
