"""What ``docker-compose`` and ``npm`` do in the practice workspace: they say what the real ones would do.

Run as ``python -m releaseconsole.sandbox.standins NAME SETTINGS ARGUMENT…`` by the scripts in its ``bin/``.
Nothing of the practice cluster but its names, so that they start at once.
"""

from __future__ import annotations

import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from releaseconsole.sandbox.prometheus.expressions import ERROR_RATE, LATENCY_P99
from releaseconsole.sandbox.release.manifests import NEW_TAG, SERVICES, image

_RATE = 8900
_LOAD_SECONDS = 1800
_TEST_SECONDS = 60.0
_TELL_EVERY = 5.0
_RESULTS = "load-test-results.txt"


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command."""
    if len(arguments) < 2:
        print("practice stand-in: give a command's name and its settings", file=sys.stderr)
        return 2
    name, settings, *rest = arguments
    if name == "docker-compose":
        return _compose(rest)
    return _npm(rest, _read(Path(settings)))


def _compose(arguments: Sequence[str]) -> int:
    if list(arguments[:1]) != ["build"]:
        print("practice stand-in for docker-compose: only `build` is known here", file=sys.stderr)
        return 2
    _say("practice stand-in for docker-compose: nothing is built")
    for service in SERVICES:
        _say(f"[+] {service}: image {image(service, NEW_TAG)} would be built and tagged")
        time.sleep(0.15)
    _say("practice build finished")
    return 0


def _npm(arguments: Sequence[str], settings: Mapping[str, Any]) -> int:
    if list(arguments[:2]) == ["run", "load-test"]:
        return _load_test(settings)
    if list(arguments[:1]) == ["audit"]:
        _say("practice stand-in for npm: nothing was looked up")
        _say("found 0 vulnerabilities")
        return 0
    print("practice stand-in for npm: only `run load-test` and `audit` are known here", file=sys.stderr)
    return 2


def _load_test(settings: Mapping[str, Any]) -> int:
    _say("practice stand-in for npm: the load is simulated inside the practice cluster")
    places = settings.get("endpoints", {}).get("uat", {})
    started = _start_load(str(places.get("api", "")))
    made_up = "the practice cluster is out of reach, so the figures are made up"
    _say(f"load on uat: {'started' if started else made_up}")
    if started:
        _wait_for_load(float(settings.get("speed", 1.0)))
    figures = _figures(str(places.get("prometheus", "")) if started else "")
    Path(_RESULTS).write_text(_report(*figures), encoding="utf-8")
    _say(f"results are in {_RESULTS}")
    return 0


def _wait_for_load(speed: float) -> None:
    """Until a rate over one minute has seen nothing but the load."""
    steps = int(_TEST_SECONDS / _TELL_EVERY)
    for step in range(1, steps + 1):
        time.sleep(_TELL_EVERY / speed)
        _say(f"{_TELL_EVERY * step:3.0f} s of {_TEST_SECONDS:.0f} s: {_RATE:,} requests a second")


def _start_load(api: str) -> bool:
    body = json.dumps({"rate": _RATE, "seconds": _LOAD_SECONDS}).encode()
    return _fetch(f"{api}/practice/load", body) is not None


def _figures(prometheus: str) -> tuple[float, float]:
    """(p99 in milliseconds, errors in percent) as the practice Prometheus sees them."""
    p99, errors = _ask(prometheus, LATENCY_P99), _ask(prometheus, ERROR_RATE)
    return p99 if p99 is not None else 38.0, errors if errors is not None else 0.03


def _ask(prometheus: str, query: str) -> float | None:
    answer = _fetch(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    try:
        value = float(json.loads(answer or "")["data"]["result"][0]["value"][1])
    except (ValueError, LookupError, TypeError):
        return None
    return None if math.isnan(value) else value


def _fetch(url: str, body: bytes | None = None) -> str | None:
    if not url.startswith("http://127.0.0.1:"):
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, data=body, timeout=4) as response:
            return str(response.read(1_000_000).decode("utf-8", "replace"))
    except (OSError, urllib.error.URLError):
        return None


def _report(p99: float, errors: float) -> str:
    return (
        "HealthPay load test (practice stand-in)\n"
        f"throughput  {_RATE:,} TPS  (target 8,500)\n"
        f"p99         {p99:.1f} ms  (target < 50 ms)\n"
        f"errors      {errors:.3f} %  (target none beyond 0.1 %)\n"
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
