"""The practice release itself, as its users meet it: a small HTTP API behind the gateway."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict, deque
from typing import Any

from aiohttp import web

from releaseconsole.clock import Clock
from releaseconsole.sandbox.release.manifests import SERVICES
from releaseconsole.sandbox.release.traffic import Traffic
from releaseconsole.sandbox.store.chance import hexadecimal, unit

TOKEN = "practice-token"
_LONGEST_WAIT = 0.7
_MOST_BYTES = 16_384
_MOST_LOAD = 50_000.0
_LONGEST_LOAD = 3600.0
_PHONE = re.compile(r"01[0125]\d{8}")
_WALLET = re.compile(r"\d{1,12}")


class RateLimit:
    """``allowed`` requests in any ``seconds``, for each name; the oldest names are forgotten."""

    def __init__(self, clock: Clock, allowed: int = 3, seconds: float = 60.0, most_names: int = 1000) -> None:
        self._clock = clock
        self._allowed = allowed
        self._seconds = seconds
        self._most_names = most_names
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """0 when the request may pass, else the seconds until one may."""
        now = self._clock.monotonic()
        times = self._seen.setdefault(name, deque())
        self._seen.move_to_end(name)
        while len(self._seen) > self._most_names:
            self._seen.popitem(last=False)
        while times and now - times[0] >= self._seconds:
            times.popleft()
        if len(times) >= self._allowed:
            return times[0] + self._seconds - now
        times.append(now)
        return 0.0


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}
        self.headers = headers or {}


class HealthPay:
    """Handlers over one context's traffic: they answer as the pods behind them would."""

    def __init__(self, traffic: Traffic, context: str, clock: Clock, seed: int) -> None:
        self._traffic = traffic
        self._context = context
        self._clock = clock
        self._seed = seed
        self._limit = RateLimit(clock)
        self._asked = 0

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[_as_json], client_max_size=_MOST_BYTES)
        app.router.add_get("/api/health", self._health)
        app.router.add_get("/api/health/{service}", self._service_health)
        app.router.add_post("/api/auth/send-otp", self._send_otp)
        app.router.add_get("/api/wallet/{id}/balance", self._balance)
        app.router.add_post("/api/wallet/transfer", self._transfer)
        app.router.add_post("/practice/load", self._load)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        ready = {service: self._traffic.timeline.latest.ready(service) for service in SERVICES}
        well = all(ready.values())
        services = {service: "up" if count else "down" for service, count in ready.items()}
        body = {"status": "ok" if well else "unavailable", "environment": self._context, "services": services}
        return web.json_response(body, status=200 if well else 503)

    async def _service_health(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in SERVICES:
            raise Refused(404, "not_found", f"There is no service {service[:60]!r}.")
        ready = self._traffic.timeline.latest.ready(service)
        body = {"status": "ok" if ready else "unavailable", "service": service, "readyPods": ready}
        return web.json_response(body, status=200 if ready else 503)

    async def _send_otp(self, request: web.Request) -> web.Response:
        await self._fare("command-service")
        body = await _json(request)
        phone = body.get("phone")
        if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
            raise Refused(400, "invalid_phone", "The phone number has to be an Egyptian mobile number.")
        wait = self._limit.wait(phone)
        if wait > 0:
            headers = {"Retry-After": str(math.ceil(wait))}
            raise Refused(429, "too_many_requests", "At most 3 codes a minute are sent.", headers)
        code = hexadecimal(16, self._seed, self._context, "otp", self._asked)
        return web.json_response({"requestId": f"otp_{code}", "expiresIn": 300})

    async def _balance(self, request: web.Request) -> web.Response:
        await self._fare("query-service")
        _need_token(request)
        wallet = request.match_info["id"]
        if not _WALLET.fullmatch(wallet):
            raise Refused(400, "invalid_wallet", "A wallet id is a number.")
        cents = int(1_000_000 * unit("balance", wallet))
        return web.json_response({"walletId": wallet, "balance": f"{cents / 100:.2f}", "currency": "EGP"})

    async def _transfer(self, request: web.Request) -> web.Response:
        await self._fare("command-service")
        body = await _json(request)
        _check_transfer(body)
        _need_token(request)
        code = hexadecimal(16, self._seed, self._context, "transfer", self._asked)
        return web.json_response({"transferId": f"tr_{code}", "status": "accepted"}, status=202)

    async def _load(self, request: web.Request) -> web.Response:
        """The door for the workspace's load test: extra traffic for a while."""
        body = await _json(request)
        rate, seconds = _positive(body.get("rate"), _MOST_LOAD), _positive(body.get("seconds"), _LONGEST_LOAD)
        self._traffic.add_load(self._clock.now(), seconds, rate)
        return web.json_response({"status": "running", "rate": rate, "seconds": seconds}, status=202)

    async def _fare(self, behind: str) -> None:
        """Goes through the gateway to the service behind it; slow and failing as they are."""
        taken = 0.0
        for service in ("api-gateway", behind):
            answer = self._traffic.answer(service, self._clock.now(), self._draw)
            taken += answer.seconds
            if answer.status != 200:
                await self._clock.sleep(min(taken, _LONGEST_WAIT))
                raise _failure(answer.status, service)
        await self._clock.sleep(min(taken, _LONGEST_WAIT))

    def _draw(self) -> float:
        self._asked += 1
        return unit(self._seed, self._context, "request", self._asked)


def _failure(status: int, service: str) -> Refused:
    if status == 503:
        return Refused(503, "unavailable", f"No healthy upstream: {service} has no ready pod.")
    return Refused(500, "internal", f"{service} could not answer.")


@web.middleware
async def _as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except Refused as refused:
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)
    except web.HTTPNotFound:
        body = {"error": {"code": "not_found", "message": "There is nothing under this path."}}
        return web.json_response(body, status=404)
    return response


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_body", "The body has to be a JSON object.")
    return body


def _need_token(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token.strip() != TOKEN:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Refused(401, "invalid_token", "The token is missing or not valid.", headers)


def _check_transfer(body: dict[str, Any]) -> None:
    for field in ("from", "to"):
        if not isinstance(body.get(field), str) or not _WALLET.fullmatch(body[field]):
            raise Refused(400, "invalid_wallet", f"`{field}` has to be a wallet id.")
    if body["from"] == body["to"]:
        raise Refused(400, "same_wallet", "A wallet cannot send money to itself.")
    _positive(body.get("amount"), 100_000.0)


def _positive(value: object, most: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not isinstance(value, int | float) or not 0 < value <= most:
        raise Refused(400, "invalid_amount", f"A number above 0 and up to {most:,.0f} is expected.")
    return float(value)
