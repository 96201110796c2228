"""The practice cluster's Ingress, autoscaler and disruption budget, as a session sees them."""

from __future__ import annotations

from pathlib import Path

from session_kit import PATIENCE, practice, until

from releaseconsole.sandbox.release.manifests import NAMESPACE


async def test_the_sample_plan_finds_the_ingress_configured_until_it_loses_its_address(
    tmp_path: Path,
) -> None:
    async with practice(tmp_path) as place, place.opened("production", plan=place.healthpay) as session:
        await until(session, lambda: "ingresses" not in _unread(session), PATIENCE)
        found = await session.look("pre-infra-ingress")
        assert (found.status, found.reason) == ("passed", "1 Ingress with an address, every port exists")
        place.cluster.stores["production"].update(
            "ingresses", NAMESPACE, "api", lambda obj: obj.update(status={}), subresource="status"
        )
        await until(session, lambda: not _address(session), PATIENCE)
        found = await session.look("pre-infra-ingress")
        assert found.status == "failed"
        assert "Ingress api in production/healthpay has no address" in found.reason


async def test_the_row_and_the_preview_name_the_autoscaler(tmp_path: Path) -> None:
    async with practice(tmp_path) as place, place.opened("production", plan=place.healthpay) as session:

        def gateway() -> str:
            rows = session.environment("production").workloads
            return next((one.autoscaler for one in rows if one.name == "api-gateway"), "")

        await until(session, gateway, PATIENCE)
        assert gateway() == "replicas are set by HPA api-gateway (6–18)"
        preview = await session.preview_rollback("production")
        assert "replica counts (api-gateway: HPA api-gateway 6–18)" in preview.not_restored


def _unread(session: object) -> dict[str, str]:
    (target,) = session.observer("production").data().targets  # type: ignore[attr-defined]
    return dict(target.missing)


def _address(session: object) -> bool:
    (target,) = session.observer("production").data().targets  # type: ignore[attr-defined]
    return any(one.has_address for one in target.ingresses)
