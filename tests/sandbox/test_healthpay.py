"""The HealthPay API over real HTTP, as the document's requests meet it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from worlds import Practice

from releaseconsole.sandbox.release.healthpay import TOKEN, HealthPay, RateLimit
from releaseconsole.sandbox.release.manifests import SERVICES

OTP = "/api/auth/send-otp"
BALANCE = "/api/wallet/123/balance"
TRANSFER = "/api/wallet/transfer"
GOOD_TRANSFER = {"from": "123", "to": "456", "amount": 25.5}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Asked:
    """A client and the world behind it."""

    def __init__(self, practice: Practice, client: TestClient[Any, Any]) -> None:
        self.practice = practice
        self.client = client

    async def post(
        self, path: str, body: object, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.client.post(path, data=data, headers=headers) as response:
            return response.status, await response.json(), response.headers

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        async with self.client.get(path, headers=headers) as response:
            return response.status, await response.json()

    def release(self, tag: str) -> None:
        for service in SERVICES:
            self.practice.set_image(tag, service)
        self.practice.run(30)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    practice = Practice(context="staging")
    healthpay = HealthPay(practice.world.traffic, "staging", practice.clock, seed=1)
    async with TestClient(TestServer(healthpay.application())) as client:
        yield Asked(practice, client)


async def test_a_one_time_password_is_sent(asked: Asked) -> None:
    status, body, _ = await asked.post(OTP, {"phone": "01012345678"})
    assert status == 200
    assert body["requestId"].startswith("otp_")


async def test_curl_without_a_content_type_is_understood(asked: Asked) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, _ = await asked.post(OTP, {"phone": "01012345678"}, headers)
    assert status == 200


async def test_the_fourth_request_within_a_minute_is_refused_until_the_minute_is_over(asked: Asked) -> None:
    statuses = [(await asked.post(OTP, {"phone": "01012345678"}))[0] for _ in range(3)]
    status, _, headers = await asked.post(OTP, {"phone": "01012345678"})
    assert (statuses, status) == ([200, 200, 200], 429)
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert (await asked.post(OTP, {"phone": "01112345678"}))[0] == 200
    asked.practice.clock.at += int(headers["Retry-After"])
    assert (await asked.post(OTP, {"phone": "01012345678"}))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "12"},
        {"phone": 1012345678},
        {"phone": "01012345678\n"},
        [],
        "x",
        b"{",
        b"\xff",
        b"[" * 9000,
    ],
)
async def test_a_bad_body_is_refused(asked: Asked, body: object) -> None:
    status, answer, _ = await asked.post(OTP, body)
    assert status == 400
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [None, {"Authorization": "Bearer invalid-token"}, {"Authorization": TOKEN}, {"Authorization": "Bearer"}],
)
async def test_a_balance_needs_a_valid_token(asked: Asked, headers: dict[str, str] | None) -> None:
    status, body = await asked.get(BALANCE, headers)
    assert (status, body["error"]["code"]) == (401, "invalid_token")


async def test_a_balance_is_the_same_every_time(asked: Asked) -> None:
    first, second = await asked.get(BALANCE, BEARER), await asked.get(BALANCE, BEARER)
    assert first == second
    assert first[0] == 200
    assert (await asked.get("/api/wallet/x/balance", BEARER))[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"amount": -1},
        {"amount": 0},
        {"amount": "5"},
        {"amount": True},
        {"amount": 1e9},
        {"from": ""},
        {"to": "123"},
    ],
)
async def test_a_bad_transfer_is_refused(asked: Asked, change: dict[str, object]) -> None:
    status, _, _ = await asked.post(TRANSFER, GOOD_TRANSFER | change, BEARER)
    assert status == 400


async def test_not_a_number_is_no_amount(asked: Asked) -> None:
    assert (await asked.post(TRANSFER, b'{"from":"1","to":"2","amount":NaN}', BEARER))[0] == 400


async def test_a_good_transfer_needs_a_token_and_is_accepted(asked: Asked) -> None:
    assert (await asked.post(TRANSFER, GOOD_TRANSFER))[0] == 401
    status, body, _ = await asked.post(TRANSFER, GOOD_TRANSFER, BEARER)
    assert (status, body["status"]) == (202, "accepted")


async def test_health_follows_the_ready_pods(asked: Asked) -> None:
    assert (await asked.get("/api/health"))[0] == 200
    assert (await asked.get("/api/health/query-service"))[1]["readyPods"] == 2
    asked.practice.change("query-service", lambda obj: obj["spec"].update(replicas=0))
    asked.practice.run(5)
    assert (await asked.get("/api/health"))[0] == 503
    assert (await asked.get("/api/health/query-service"))[0] == 503
    assert (await asked.get("/api/health/api-gateway"))[0] == 200
    assert (await asked.get("/api/health/nothing"))[0] == 404


async def test_without_a_gateway_nothing_answers(asked: Asked) -> None:
    asked.practice.change("api-gateway", lambda obj: obj["spec"].update(replicas=0))
    asked.practice.run(5)
    assert (await asked.post(OTP, {"phone": "01012345678"}))[0] == 503
    assert (await asked.get(BALANCE, BEARER))[0] == 503


async def test_a_failing_version_fails_a_share_of_the_requests_until_it_is_rolled_back(asked: Asked) -> None:
    asked.release("1.0.0-error-spike")
    statuses = Counter([(await asked.get(BALANCE, BEARER))[0] for _ in range(200)])
    assert set(statuses) == {200, 500}
    assert 8 <= statuses[500] <= 60
    for service in SERVICES:
        asked.practice.undo(service)
    asked.practice.run(30)
    statuses = Counter([(await asked.get(BALANCE, BEARER))[0] for _ in range(100)])
    assert statuses[200] >= 98


async def test_a_slow_version_answers_late_but_in_bounded_time(asked: Asked) -> None:
    async def taken() -> list[float]:
        spans = []
        for _ in range(40):
            start = asked.practice.clock.now()
            await asked.get(BALANCE, BEARER)
            spans.append(asked.practice.clock.now() - start)
        return spans

    before = await taken()
    asked.release("1.0.0-slow")
    after = await taken()
    assert sum(before) / 40 < 0.05
    assert sum(after) / 40 > 0.2
    assert max(after) <= 0.701


async def test_an_unknown_path_is_told_in_json(asked: Asked) -> None:
    status, body = await asked.get("/api/nothing")
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_a_load_test_is_bounded(asked: Asked) -> None:
    assert (await asked.post("/practice/load", {"rate": 500, "seconds": 60}))[0] == 202
    assert (await asked.post("/practice/load", {"rate": 1e12, "seconds": 60}))[0] == 400
    assert asked.practice.world.traffic.under_load(asked.practice.clock.now())


def test_the_rate_limit_forgets_the_oldest_names() -> None:
    limit = RateLimit(Practice(context="staging").clock, allowed=1, most_names=2)
    assert [limit.wait(name) > 0 for name in ("a", "a", "b", "c", "a")] == [False, True, False, False, False]
