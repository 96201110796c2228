"""The ways into a Prometheus, each as a plan names them, on one that lets nobody else in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from prom_follow import FeedOf, feed_of, objective_text
from prom_gate import PromGate
from prom_server import Prometheus, Start

USER, PASSWORD = "console", "open sesame"
_BCRYPT = "$2b$04$GrQqE53ojY/RQVXjOV0Pe.7xTldOD5hUaTaA9EzZditVrxjLfphti"
LEVEL = objective_text("level", "vector(5)")


async def polled(watched: FeedOf) -> FeedOf:
    await watched.feed.poll()
    await watched.feed.close()
    return watched


@pytest.fixture
def with_password(start: Start) -> Prometheus:
    return start(web={"basic_auth_users": {USER: _BCRYPT}}, http={"auth": (USER, PASSWORD)}, prefix="/prom")


async def test_a_password_lets_us_in_under_a_prefix(with_password: Prometheus) -> None:
    place = f'{{ url = "{with_password.url}/", username = "{USER}", password_env = "PASSWORD" }}'
    right = await polled(feed_of(place, "any", LEVEL, environ={"PASSWORD": PASSWORD}))
    assert right.state() == "OK"
    wrong = await polled(feed_of(place, "any", LEVEL, environ={"PASSWORD": "guessed"}))
    assert (wrong.state(), "denied access" in wrong.reason()) == ("PROVIDER DOWN", True)
    unset = await polled(feed_of(place, "any", LEVEL))
    assert (unset.state(), "PASSWORD is not set" in unset.reason()) == ("PROVIDER DOWN", True)


async def test_without_its_prefix_there_is_no_prometheus(start: Start) -> None:
    prometheus = start(prefix="/prom")
    place = '{{ url = "{}" }}'
    assert (await polled(feed_of(place.format(prometheus.url), "any", LEVEL))).state() == "OK"
    bare = await polled(feed_of(place.format(prometheus.url.removesuffix("/prom")), "any", LEVEL))
    assert (bare.state(), "no Prometheus API" in bare.reason()) == ("PROVIDER DOWN", True)


@dataclass(frozen=True, slots=True)
class Certified:
    """A Prometheus that wants a certificate, and one that it takes."""

    prometheus: Prometheus
    folder: Path

    def place(self, more: str = "") -> str:
        return f'{{ url = "{self.prometheus.url}", ca_file = "ca.pem"{more} }}'


@pytest.fixture
def certified(start: Start, tmp_path: Path) -> Certified:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server, client = authority.issue_cert("localhost"), authority.issue_cert("console@example.com")
    for name, issued in (("server", server), ("client", client)):
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
    tls = {
        "cert_file": str(tmp_path / "server.pem"),
        "key_file": str(tmp_path / "server.key"),
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": str(tmp_path / "ca.pem"),
    }
    ours: Any = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    ours.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
    made = start(web={"tls_server_config": tls}, scheme="https", http={"verify": ours})
    return Certified(made, tmp_path)


async def test_a_client_certificate_lets_us_in(certified: Certified) -> None:
    ours = certified.place(', cert_file = "client.pem", key_file = "client.key"')
    watched = feed_of(ours, "any", LEVEL, folder=certified.folder)
    assert watched.feed.client is not None
    assert await watched.feed.client.ready()
    assert (await polled(watched)).state() == "OK"


async def test_without_a_certificate_or_trust_we_are_told_so(certified: Certified) -> None:
    without = await polled(feed_of(certified.place(), "any", LEVEL, folder=certified.folder))
    assert without.state() == "PROVIDER DOWN"
    assert "wants a client certificate" in without.reason()
    stranger = f'{{ url = "{certified.prometheus.url}" }}'
    distrusted = await polled(feed_of(stranger, "any", LEVEL))
    assert distrusted.state() == "PROVIDER DOWN"
    assert "signed by nobody who is trusted here" in distrusted.reason()


async def test_a_tenant_is_named_with_each_request(start: Start) -> None:
    async with PromGate(start().url) as gate:
        gate.needs = {"X-Scope-OrgID": "health"}
        place = f'{{ url = "{gate.url}", headers = {{ X-Scope-OrgID = "health" }} }}'
        assert (await polled(feed_of(place, "any", LEVEL))).state() == "OK"
        nobody = await polled(feed_of(f'{{ url = "{gate.url}" }}', "any", LEVEL))
        assert (nobody.state(), "denied access" in nobody.reason()) == ("PROVIDER DOWN", True)


async def test_a_token_that_rotates_is_read_anew(start: Start, tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with PromGate(start().url) as gate:
        watched = feed_of(f'{{ url = "{gate.url}", token_file = "token" }}', "any", LEVEL, folder=tmp_path)
        seen = []
        for rotated in ("first", "second"):
            gate.needs = {"Authorization": f"Bearer {rotated}"}
            await watched.feed.poll()
            seen.append(watched.state())
            token.write_text(f"{rotated}\n")
            await watched.feed.poll()
            seen.append(watched.state())
        await watched.feed.close()
    assert seen == ["PROVIDER DOWN", "OK", "PROVIDER DOWN", "OK"]


async def test_two_of_them_in_one_plan_and_the_death_of_one_leaves_the_other(start: Start) -> None:
    one, other = start(), start()
    watched = feed_of(
        f'{{ url = "{one.url}" }}', "any", LEVEL,
        objective_text("business", "vector(20)", more='prometheus = "business"'),
        others=f'other_prometheus = {{ business = {{ url = "{other.url}" }} }}',
    )  # fmt: skip
    await watched.feed.poll()
    assert (watched.state("level"), watched.state("business")) == ("OK", "PENDING")
    one.kill()
    await watched.feed.poll()
    assert (watched.state("level"), watched.state("business")) == ("PROVIDER DOWN", "PENDING")
    assert "refused" in watched.feed.freshness().error
    await watched.feed.close()
