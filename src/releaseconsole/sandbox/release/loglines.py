"""The words of the containers: every line follows from the run, the second, and the traffic at that time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

from releaseconsole.sandbox.release.manifests import SERVICES
from releaseconsole.sandbox.release.runs import Run
from releaseconsole.sandbox.release.traffic import Traffic, latency
from releaseconsole.sandbox.scenario import Behaviour, Start, tag_of
from releaseconsole.sandbox.store.chance import hexadecimal, unit
from releaseconsole.sandbox.store.log_source import LogLine
from releaseconsole.sandbox.store.objects import rfc3339

_MOST_A_SECOND = 2
_STEP = 0.012
_GREETING_SECONDS = 0.1
_REQUESTS: dict[str, tuple[str, ...]] = {
    "command-service": ("CreditWallet", "DebitWallet", "TransferFunds", "ActivateWallet", "IssueMedCard"),
    "query-service": ("GetBalance", "ListTransactions", "GetWallet", "GetMedCard", "SearchMerchants"),
    "api-gateway": (
        "POST /api/auth/send-otp",
        "GET /api/wallet/{n}/balance",
        "POST /api/wallet/transfer",
        "GET /api/wallet/{n}/transactions",
        "GET /api/health",
    ),
}
_FAULTS: dict[str, str] = {
    "command-service": "event store rejected append: version conflict in stream wallet-{n}",
    "query-service": "projection wallet_balance: column settled_at does not exist",
    "api-gateway": "upstream answered with an empty body",
}
_TRACE = (
    "Error: Cannot read configuration: LEDGER_SCHEMA is not set",
    "    at loadConfiguration (/app/dist/config.js:41:11)",
    "    at bootstrap (/app/dist/main.js:18:23)",
    "    at Object.<anonymous> (/app/dist/main.js:77:1)",
    "    at Module._compile (node:internal/modules/cjs/loader:1554:14)",
    "Node.js v22.14.0",
)


class LogWriter:
    """Writes the lines of any run, for any stretch of time."""

    def __init__(self, seed: int, traffic: Traffic) -> None:
        self._seed = seed
        self._traffic = traffic

    def lines(self, run: Run, start: float, end: float) -> Iterator[LogLine]:
        """The lines with ``start <= time < end``, in order, no two at the same time."""
        last = end if run.ended is None else min(end, run.ended)
        for moment, text in self._all(run, max(start, run.started), last):
            if start <= moment < end and (run.ended is None or moment <= run.ended):
                yield moment, text

    def following(self, run: Run, after: float, before: float) -> float | None:
        """When the next line may come, without writing it; None when none comes ``before`` then."""
        if after <= run.started + _GREETING_SECONDS:
            return after + _STEP
        if run.service not in SERVICES:
            return None
        for second in range(math.floor(after), math.ceil(before)):
            for moment, _ in self._moments(run, second):
                if after <= moment < before:
                    return moment
        return None

    def _all(self, run: Run, start: float, end: float) -> Iterator[LogLine]:
        quiet_until = run.started + _GREETING_SECONDS
        if start <= quiet_until:
            yield from self._greeting(run)
        if run.service in SERVICES:
            for second in range(math.floor(start), math.ceil(end)):
                for moment, number in self._moments(run, second):
                    wanted = start <= moment < end and quiet_until < moment
                    text = self._said(run, moment, number) if wanted else ""
                    if text:
                        yield moment, text
        if run.ended is not None and run.at(run.ended).behaviour.start is Start.CRASH:
            yield from self._farewell(run, run.ended)

    def _greeting(self, run: Run) -> Iterator[LogLine]:
        texts = [f"starting {run.container} {tag_of(run.image)}"]
        if run.service in SERVICES:
            texts += ["configuration read from api-config", "connected to PostgreSQL, ScyllaDB and Redis"]
            texts += ["listening on :8080"] if run.at(run.started).behaviour.start is Start.READY else []
        for index, text in enumerate(texts):
            moment = _micro(run.started + _STEP * (index + 1))
            yield moment, self._worded(run, moment, "INFO", text)

    def _farewell(self, run: Run, ended: float) -> Iterator[LogLine]:
        first = _micro(ended - _STEP * (len(_TRACE) + 1))
        yield first, self._worded(run, first, "ERROR", "cannot start: configuration is not complete")
        for index, text in enumerate(_TRACE):
            yield _micro(ended - _STEP * (len(_TRACE) - index)), text

    def _moments(self, run: Run, second: int) -> Iterator[tuple[float, int]]:
        """When something may be said within a second; whether it is, the state at that moment decides."""
        number = int(_MOST_A_SECOND * unit(self._seed, run.uid, second, "count"))
        for index in range(number):
            part = (index + unit(self._seed, run.uid, second, index, "at")) / number
            yield _micro(second + 0.999 * part), second * 8 + index

    def _said(self, run: Run, moment: float, number: int) -> str:
        mark = run.at(moment)
        if mark.ready:
            return self._request(run, mark.behaviour, moment, number)
        if mark.behaviour.start is Start.STUCK and number % 16 == 0:
            return self._worded(run, moment, "WARN", "not ready: waiting for the ledger's lock")
        return ""

    def _request(self, run: Run, behaviour: Behaviour, at: float, number: int) -> str:
        def draw(name: str) -> float:
            return unit(self._seed, run.uid, number, name)

        lost = self._traffic.lost_behind(self._traffic.timeline.at(at), run.service)
        failing = self._traffic.error_share(behaviour, at) if behaviour.logs_errors else 0.0
        taken = 1000 * latency(behaviour, draw("latency"))
        if draw("lost") < lost:
            return self._worded(run, at, "ERROR", "upstream connect error: no healthy upstream", draw, 503)
        if draw("fails") < min(0.9, 2.5 * failing):
            fault = _FAULTS[run.service].format(n=100 + int(900 * draw("wallet")))
            return self._worded(run, at, "ERROR", fault, draw, 500)
        level = "WARN" if taken > 300 else "INFO"
        requests = _REQUESTS[run.service]
        what = requests[int(len(requests) * draw("what"))].format(n=100 + int(900 * draw("wallet")))
        return self._worded(run, at, level, what, draw, 200, taken)

    def _worded(
        self,
        run: Run,
        at: float,
        level: str,
        text: str,
        draw: Callable[[str], float] | None = None,
        status: int = 0,
        taken: float = 1.5,
    ) -> str:
        trace = hexadecimal(16, run.uid, at) if draw else ""
        if run.service == "api-gateway":
            tail = f" status={status} duration={taken:.1f}ms trace={trace}" if status else ""
            return f"{rfc3339(at)[:-1]}.{int(at % 1 * 1000):03d}Z {level:<5} {text}{tail}"
        fields: dict[str, object] = {"level": level, "msg": text, "service": run.service or run.container}
        if status:
            fields |= {"status": status, "duration_ms": round(taken, 1), "trace": trace}
        return json.dumps(fields)


def _micro(moment: float) -> float:
    """Whole microseconds, as far as a float holds them."""
    return math.floor(moment * 1e6) / 1e6
