"""What a session says of an apply before it is done, on the practice cluster."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from session_kit import Place, allow_deploy, gated, practice

from releaseconsole.errors import ActionError, ReadOnly, UsageError
from releaseconsole.record.model import ActionStatus
from releaseconsole.sandbox.release.manifests import NAMESPACE, SERVICES
from releaseconsole.session.apply_preview import ApplyPreview

PRODUCTION = "production"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


def versions(place: Place) -> dict[str, str]:
    """The version of each object that an apply could write."""
    store = place.cluster.stores[PRODUCTION]
    kinds = ("deployments", "services", "configmaps", "replicasets")
    found = [one for kind in kinds for one in store.list(kind, NAMESPACE)]
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}


def outcomes(preview: ApplyPreview) -> dict[str, str]:
    return {one.name: one.change for target in preview.targets for one in target.changes}


def image_lines(preview: ApplyPreview) -> set[str]:
    lines = [line for target in preview.targets for one in target.changes for line in one.diff]
    return {re.sub(r"\s+", " ", line) for line in lines if line[:1] in "+-"}


async def test_a_session_says_what_would_change_and_then_just_that_changes(place: Place) -> None:
    async with place.opened(PRODUCTION) as session:
        before = versions(place)
        preview = await session.preview_action("apply")
        assert versions(place) == before
        assert (preview.environment, preview.can_apply, preview.changes_nothing) == (PRODUCTION, True, False)
        assert [one.target for one in preview.targets] == ["production/healthpay"]
        assert outcomes(preview) == dict.fromkeys(SERVICES, "configured")
        sources = [one.source for one in preview.targets[0].changes]
        assert sources == [f"manifests/{name}.yaml, document 1" for name in sorted(SERVICES)]
        assert {f"+ image: healthpay/{name}:1.0.0" for name in SERVICES} <= image_lines(preview)
        allow_deploy(session)
        assert (await session.run_action("apply")).summary == "3 configured"
        assert place.images() == {"1.0.0"}
        again = await session.preview_action("apply")
        assert again.changes_nothing
        assert again.can_apply


async def test_progress_is_told_up_to_the_last_manifest(place: Place) -> None:
    told: list[tuple[int, int]] = []
    async with place.opened(PRODUCTION) as session:
        await session.preview_action("apply", lambda tried, of: told.append((tried, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_a_preview_that_was_overtaken_is_known_by_its_mark(place: Place) -> None:
    async with place.opened(PRODUCTION) as session:
        first = await session.preview_action("apply")
        assert (await session.preview_action("apply")).mark == first.mark
        place.set_tag("0.9.5", "api-gateway")
        moved = await session.preview_action("apply")
        assert moved.mark != first.mark
        assert moved.differs(first) == ("Deployment api-gateway",)
        place.write_manifests("1.0.1")
        assert len((await session.preview_action("apply")).differs(moved)) == 3


async def test_one_refused_manifest_is_named_and_stops_all_of_them(place: Place) -> None:
    bad = {"apiVersion": "v1", "kind": "Trolley", "metadata": {"name": "one"}}
    (place.folder / "manifests" / "bad.yaml").write_text(yaml.safe_dump(bad), "utf-8")
    async with place.opened(PRODUCTION) as session:
        preview = await session.preview_action("apply")
        assert not preview.can_apply
        assert outcomes(preview)["one"] == "refused"
        before = versions(place)
        allow_deploy(session)
        done = await session.run_action("apply")
        assert done.status is ActionStatus.FAILED
        assert "does not know the kind Trolley" in done.summary
        (place.folder / "manifests" / "worse.yaml").write_text(
            yaml.safe_dump(bad | {"kind": "Cart"}), "utf-8"
        )
        done = await session.run_action("apply")
        assert done.summary == "2 of 5 manifests are refused."
        assert [("Trolley" in line, "Cart" in line) for line in session.output("apply")] == [
            (True, False), (False, True), (False, False),
        ]  # fmt: skip
        assert versions(place) == before


async def test_a_new_namespace_and_what_lives_in_it_are_announced(place: Place) -> None:
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "annex"}}
    inside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "annex"}}
    text = yaml.safe_dump_all([inside, home])
    (place.folder / "manifests" / "a-annex.yaml").write_text(text, "utf-8")
    async with place.opened(PRODUCTION) as session:
        preview = await session.preview_action("apply")
        assert outcomes(preview) | {"annex": "created", "a": "untried"} == outcomes(preview)
        assert preview.can_apply
        waiting = next(one for one in preview.targets[0].changes if one.change == "untried")
        assert waiting.problem == "It cannot be tried until Namespace annex exists."


async def test_a_read_only_session_may_look_but_not_apply(place: Place) -> None:
    async with place.opened(PRODUCTION, read_only=True) as session:
        assert outcomes(await session.preview_action("apply")) == dict.fromkeys(SERVICES, "configured")
        with pytest.raises(ReadOnly):
            session.start_action("apply")


async def test_only_an_apply_has_a_preview(place: Place) -> None:
    async with place.opened() as session:
        with pytest.raises(UsageError, match="applies nothing"):
            await session.preview_action("health")
        with pytest.raises(UsageError, match="no action"):
            await session.preview_action("nosuch")


async def test_a_file_that_cannot_be_used_is_said_before_anything_is_asked(place: Place) -> None:
    (place.folder / "manifests" / "bad.yaml").write_text("kind: [", "utf-8")
    async with place.opened() as session:
        with pytest.raises(ActionError, match=r"bad\.yaml"):
            await session.preview_action("apply")


async def test_a_cluster_out_of_reach_is_a_problem_of_that_target(place: Place) -> None:
    async with gated(place) as gate, place.opened(PRODUCTION) as session:
        await gate.shut()
        preview = await session.preview_action("apply")
        assert not preview.can_apply
        assert "cannot be reached" in preview.targets[0].problem
        assert preview.targets[0].changes == ()
