"""The Prometheus of an environment: reachable, ready, and its secrets where the plan says they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.doctor.case import Ward
from releaseconsole.doctor.finding import Finding, could_not_ask, failed, ok, warning
from releaseconsole.errors import MetricsError
from releaseconsole.plan.model import Prometheus
from releaseconsole.text import plural

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

AREA = "prometheus"
PATIENCE = 6.0
"""Seconds for the answer of a Prometheus, whatever the plan's time-out is."""
_FILES = ("token_file", "password_file", "ca_file", "cert_file", "key_file")


async def examine_prometheus(ward: Ward) -> list[Finding]:
    """Every Prometheus of the environment; that there is none matters only where there are objectives."""
    places = places_of(ward)
    each = await asyncio.gather(*(_examine(ward, name, place) for name, place in places.items()))
    found = [one for findings in each for one in findings]
    objectives = ward.case.plan.objectives_of(ward.name)
    if not places and objectives:
        sentence = f"It has no Prometheus; {plural(len(objectives), 'objective')} cannot be followed here."
        found.append(warning(AREA, ward.name, sentence, "Name one under prometheus of the environment."))
    return found


def places_of(ward: Ward) -> dict[str, Prometheus]:
    """Every Prometheus of the environment, its own by the name ""."""
    own = {"": ward.environment.prometheus} if ward.environment.prometheus else {}
    return {**own, **ward.environment.other_prometheus}


async def _examine(ward: Ward, name: str, place: Prometheus) -> list[Finding]:
    """Without its secrets it need not be asked."""
    lacking = await asyncio.to_thread(
        lambda: list(secret_findings(place, ward.case.environ, ward.case.folder))
    )
    return lacking or [await _reach(ward.case.prometheus(ward.environment)[name])]


async def _reach(client: PrometheusClient) -> Finding:
    name = client.source.name
    try:
        async with asyncio.timeout(PATIENCE):
            ready = await client.ready()
    except TimeoutError:
        error = MetricsError(
            f"Prometheus at {name} gave no answer within {PATIENCE:.0f} s.", "Check its address."
        )
        return could_not_ask(AREA, name, error)
    except MetricsError as error:
        return could_not_ask(AREA, name, error)
    finally:
        await client.close()
    if ready:
        return ok(AREA, name, f"Prometheus at {name} is ready")
    return failed(
        AREA,
        name,
        f"Prometheus at {name} answers, but does not say that it is ready.",
        "Check the address and its prefix, and its token; it may still be starting.",
    )


def secret_findings(place: Prometheus, environ: Mapping[str, str], folder: Path) -> Iterator[Finding]:
    """What the plan names and is not there: variables that are not set, files that cannot be read."""
    for name in _variables(place):
        if not environ.get(name):
            yield failed(
                AREA, name, f"The variable {name} is not set, which the plan names for Prometheus.",
                f"Set {name} before the console is started, or mend the plan.",
            )  # fmt: skip
    for named in _files(place):
        try:
            (folder / named).read_bytes()
        except OSError as error:
            yield failed(
                AREA, named, f"The file {named} for Prometheus cannot be read: {error.strerror}.",
                "Check its path in the plan, and its rights.",
            )  # fmt: skip


def _variables(place: Prometheus) -> Iterator[str]:
    yield from (name for name in (place.token_env, place.password_env) if name)
    yield from (one[4:] for one in place.secret_headers.values() if one.startswith("env:"))


def _files(place: Prometheus) -> Iterator[str]:
    yield from (str(named) for key in _FILES if (named := getattr(place, key)))
    yield from (one[5:] for one in place.secret_headers.values() if one.startswith("file:"))
