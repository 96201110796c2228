from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml

from releaseconsole.sandbox.api import kubeconfig
from releaseconsole.sandbox.api.kubeconfig import Access


def config() -> dict[str, object]:
    accesses = [
        Access(name, f"https://127.0.0.1/{name}", b"PEM", f"t-{name}", "healthpay") for name in ("a", "b")
    ]
    return kubeconfig.build(accesses, current="a")


def test_every_context_has_its_own_cluster_user_and_namespace() -> None:
    built = config()
    assert built["current-context"] == "a"
    assert built["contexts"] == [
        {"name": name, "context": {"cluster": name, "user": name, "namespace": "healthpay"}}
        for name in ("a", "b")
    ]
    authority = base64.b64encode(b"PEM").decode()
    cluster = {"server": "https://127.0.0.1/b", "certificate-authority-data": authority}
    assert {"name": "b", "cluster": cluster} in built["clusters"]  # type: ignore[operator]
    assert {"name": "b", "user": {"token": "t-b"}} in built["users"]  # type: ignore[operator]


def test_it_is_written_for_its_owner_only_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kubeconfig"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    kubeconfig.write(config(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text()) == config()
    assert list(path.parent.iterdir()) == [path]


def test_a_failing_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.mkdir()
    with pytest.raises(OSError, match="kubeconfig"):
        kubeconfig.write(config(), path)
    assert list(tmp_path.iterdir()) == [path]
