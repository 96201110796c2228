"""A rollback from the command line works when the journal is not to be had, and says so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from releaseconsole.cluster.connect import connect
from releaseconsole.cluster.rollback import read_pin
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.model import Plan
from releaseconsole.sandbox import Options, PracticeCluster
from releaseconsole.session import Session, open_session

PLAN = Path(__file__).parents[2] / "sample_configs" / "healthpay.toml"
WORKLOADS = ("command-service", "api-gateway", "query-service")


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(Options(speed=20, ready_seconds=1)) as started:
        yield started


@pytest.fixture
def kubeconfig(cluster: PracticeCluster, tmp_path: Path) -> Path:
    cluster.write_kubeconfig(tmp_path / "kubeconfig")
    return tmp_path / "kubeconfig"


@pytest.fixture
async def console(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[Session]:
    """A console that is open elsewhere and holds the journal."""
    session = open_session(plan(), kubeconfig=kubeconfig, state=tmp_path / "state", folder=tmp_path)
    async with session:
        yield session


def plan() -> Plan:
    return load_plan(PLAN)


async def roll_back(kubeconfig: Path, state: Path, *options: str) -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "releaseconsole", "rollback", str(PLAN), "-e", "staging", "--yes"),
        *("--kubeconfig", str(kubeconfig), "--state", str(state), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


async def running_images(kubeconfig: Path) -> list[str]:
    async with await connect("staging", kubeconfig=kubeconfig) as client:
        return [(await read_pin(client, "healthpay", f"deployment/{name}")).images[0] for name in WORKLOADS]


async def test_a_rollback_goes_to_the_pin_while_another_console_holds_the_journal(
    cluster: PracticeCluster, kubeconfig: Path, console: Session, tmp_path: Path
) -> None:
    pinned = [pin.images[0] for pin in await console.pin("staging")]
    for tag in ("1.0.0", "1.0.1"):
        for name in WORKLOADS:
            cluster.stores["staging"].update("deployments", "healthpay", name, partial(_set_tag, tag=tag))
    assert await running_images(kubeconfig) != pinned
    code, out, err = await roll_back(kubeconfig, tmp_path / "state")
    assert code == 0, err
    assert "pinned" in out
    assert "The journal cannot be written, and this goes on without it." in err
    assert await running_images(kubeconfig) == pinned


async def test_a_rollback_works_when_no_journal_can_exist_at_all(kubeconfig: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    before = await running_images(kubeconfig)
    code, out, err = await roll_back(kubeconfig, tmp_path / "a file" / "state")
    assert code == 0, err
    assert "nothing was pinned" in out
    assert "goes on without it" in err
    after = await running_images(kubeconfig)
    assert all(now != then for now, then in zip(after, before, strict=True))


def _set_tag(deployment: dict[str, Any], tag: str) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = container["image"].partition(":")[0] + f":{tag}"


async def test_a_damaged_journal_stops_a_rollback_to_its_pins_and_no_other(
    kubeconfig: Path, console: Session, tmp_path: Path
) -> None:
    await console.pin("staging")
    console.tick(next(iter(console.plan.items)))
    journal = (tmp_path / "state" / "journal.jsonl").read_text("utf-8")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "journal.jsonl").write_text(journal.replace("staging", "Staging", 1), "utf-8")
    before = await running_images(kubeconfig)
    code, _, err = await roll_back(kubeconfig, damaged)
    assert code == 2
    assert "does not fit its hash" in err
    assert "--to previous" in err
    assert await running_images(kubeconfig) == before
    code, _, err = await roll_back(kubeconfig, damaged, "--to", "previous")
    assert code == 0, err
    after = await running_images(kubeconfig)
    assert all(now != then for now, then in zip(after, before, strict=True))
