"""What the rollback rests on, workload by workload, before it is needed: what is missing, and what mends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from session_kit import Place, gated, practice, until

from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.session import Session
from releaseconsole.session.views import ArmedDetail

PRODUCTION, GATEWAY = "production", "api-gateway"
BAD = "1.0.1"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


@pytest.fixture
async def session(place: Place) -> AsyncIterator[Session]:
    """Production was pinned, and everything in it was replaced."""
    async with place.opened(PRODUCTION) as opened:
        opened.focus(PRODUCTION)
        await opened.pin(PRODUCTION)
        place.set_tag(BAD)
        await until(opened, lambda: (found := gateway(opened)) and found.pinned_at and found.tried_at)
        yield opened


def gateway(session: Session) -> ArmedDetail | None:
    found = session.environment(PRODUCTION).armed.details
    return next((one for one in found if one.name == GATEWAY), None)


def notes(session: Session) -> str:
    found = gateway(session)
    return " | ".join(found.notes) if found else ""


def change(place: Place, edit: Callable[[dict[str, Any]], object]) -> None:
    place.cluster.stores[PRODUCTION].update("deployments", NAMESPACE, GATEWAY, edit)


async def test_a_pin_is_told_with_its_age_and_the_dry_run_with_its_time(session: Session) -> None:
    one, now = gateway(session), session.setup.clock.now()
    assert one is not None
    assert now - 60 < one.pinned_at <= one.tried_at <= now
    assert (one.ready, one.source, one.problem, one.remedy) == (True, "pinned", "", "")
    assert session.environment(PRODUCTION).armed.pinned == 3


async def test_a_pinned_revision_that_is_gone_is_told_and_its_recorded_template_takes_its_place(
    session: Session, place: Place
) -> None:
    pin = session.state.pins[f"production/{NAMESPACE}/deployment/{GATEWAY}"]
    place.cluster.stores[PRODUCTION].delete("replicasets", NAMESPACE, pin.replica_set)
    change(place, lambda obj: obj["spec"].update(minReadySeconds=1))
    await until(session, lambda: "its recorded template is used" in notes(session))
    one = gateway(session)
    assert one is not None
    assert (one.ready, one.source) == (True, "pinned template")
    done = await session.roll_back(PRODUCTION)
    assert done.outcome == "complete"
    assert place.images() == {"0.9.4"}


async def test_a_paused_one_is_ready_and_the_note_names_the_key(session: Session, place: Place) -> None:
    change(place, lambda obj: obj["spec"].update(paused=True))
    await until(session, lambda: "ctrl+r resumes and rolls back in one go" in notes(session))
    one = gateway(session)
    assert one is not None
    assert (one.ready, one.paused) == (True, True)


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ({"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:a/b"}, "Argo CD"),
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, "Flux"),
        ({"meta.helm.sh/release-name": "shop"}, "Helm"),
    ],
    ids=["Argo CD", "Flux", "Helm"],
)
async def test_an_owner_who_would_undo_it_is_told_before(
    session: Session, place: Place, marks: dict[str, str], said: str
) -> None:
    def own(obj: dict[str, Any]) -> None:
        obj["metadata"].setdefault("annotations", {}).update(marks)

    change(place, own)
    await until(session, lambda: said in notes(session))
    one = gateway(session)
    assert one is not None
    assert one.ready


async def test_a_budget_that_holds_evictions_back_is_told(session: Session, place: Place) -> None:
    await until(session, lambda: session.environment(PRODUCTION).workloads[1].state == "complete")
    store = place.cluster.stores[PRODUCTION]
    (budget,) = [one for one in store.list("poddisruptionbudgets") if one["metadata"]["name"] == GATEWAY]
    store.update(
        "poddisruptionbudgets",
        NAMESPACE,
        budget["metadata"]["name"],
        lambda obj: obj["spec"].update(minAvailable="100%"),
    )
    await until(session, lambda: "PDB" in notes(session) or "PodDisruptionBudget" in notes(session))
    one = gateway(session)
    assert one is not None
    assert one.ready


async def test_a_workload_that_was_never_pinned_names_the_key_that_pins_it(place: Place) -> None:
    async with place.opened() as session:
        session.focus(PRODUCTION)
        await until(session, lambda: session.environment(PRODUCTION).armed.armed)
        one = gateway(session)
        assert one is not None
        assert (one.pinned_at, one.source) == (0.0, "previous")
        assert "press p to pin" in one.remedy


async def test_a_missing_right_names_the_verb_and_who_has_to_give_it(place: Place) -> None:
    text = place.kubeconfig.read_text("utf-8")
    token, viewer = (place.cluster.token(PRODUCTION, viewer=one) for one in (False, True))
    place.kubeconfig.write_text(text.replace(token, viewer), "utf-8")
    async with place.opened() as session:
        session.focus(PRODUCTION)
        await until(session, lambda: (found := gateway(session)) and found.problem)
        one = gateway(session)
        assert one is not None
        assert not one.ready
        assert "patch" in one.problem
        assert (
            "kubectl auth can-i patch deployment/api-gateway -n healthpay --context production" in one.remedy
        )


async def test_a_cluster_that_cannot_be_reached_is_told_as_being_tried_again(place: Place) -> None:
    async with gated(place) as gate:
        await gate.shut()
        async with place.opened() as session:
            session.focus(PRODUCTION)
            await until(session, lambda: (found := gateway(session)) and found.problem)
            one = gateway(session)
            assert one is not None
            assert (one.ready, one.remedy) == (False, "it is planned again every few seconds")
            assert session.environment(PRODUCTION).armed.ready == 0
            await gate.open()
            await until(session, lambda: session.environment(PRODUCTION).armed.armed)
