"""Where files are: nothing is made by asking, and an impossible place is told with a remedy."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseconsole import paths
from releaseconsole.errors import RecordError, ReleaseConsoleError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that does not exist yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("RELEASECONSOLE_STATE", str(folder))
    return folder


# A busy machine is no failure: what is asked here is whether it holds, not how fast.
UNHURRIED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_variable_overrides_the_state_folder(state: Path) -> None:
    assert paths.state_dir() == state
    assert paths.release_folder("healthpay", "1.0.0") == state / "releases" / "healthpay" / "1.0.0"


def test_without_it_state_config_and_cache_are_where_xdg_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("RELEASECONSOLE_STATE", " ")
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    assert paths.state_dir() == tmp_path / "XDG_STATE_HOME" / "releaseconsole"
    assert paths.config_dir() == tmp_path / "XDG_CONFIG_HOME" / "releaseconsole"
    assert paths.cache_dir() == tmp_path / "XDG_CACHE_HOME" / "releaseconsole"


def test_a_relative_state_folder_is_made_absolute_and_home_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert paths.state_dir({"RELEASECONSOLE_STATE": "here"}) == tmp_path / "here"
    assert paths.state_dir({"RELEASECONSOLE_STATE": "~/s"}) == tmp_path / "home" / "s"


def test_asking_makes_nothing(state: Path) -> None:
    paths.release_folder("healthpay", "1.0.0")
    paths.locations()
    assert not state.exists()


def test_importing_is_quick_and_makes_nothing(tmp_path: Path) -> None:
    script = "import sys, releaseconsole.paths; print('platformdirs' in sys.modules)"
    environ = {"HOME": str(tmp_path), "RELEASECONSOLE_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_practice_is_kept_apart_from_the_real_release(state: Path) -> None:
    assert paths.release_folder("healthpay", "1", demo=True) != paths.release_folder("healthpay", "1")


@UNHURRIED
@given(st.text(max_size=300), st.text(max_size=300))
def test_no_version_leads_out_of_the_state_folder(name: str, version: str) -> None:
    parent = paths.state_dir() / "releases"
    folder = paths.release_folder(name, version)
    assert folder.parent.parent == parent
    for part in (folder.parent.name, folder.name):
        assert part.isascii()
        assert 0 < len(part) <= 120
        assert not part.startswith(".")


@pytest.mark.parametrize("version", ["1.0/0", "1.0:0", "1.0 0", "1.0_0", "x" * 200, "x" * 201])
def test_versions_that_look_alike_have_folders_of_their_own(state: Path, version: str) -> None:
    others = {"1.0/0", "1.0:0", "1.0 0", "1.0_0", "x" * 200, "x" * 201} - {version}
    folder = paths.release_folder("healthpay", version)
    assert folder not in {paths.release_folder("healthpay", other) for other in others}


def test_a_dash_in_a_name_is_not_taken_for_the_versions(state: Path) -> None:
    assert paths.release_folder("a-b", "c") != paths.release_folder("a", "b-c")


def test_a_file_in_the_place_of_the_state_folder_is_an_error_with_a_remedy(state: Path) -> None:
    state.write_text("in the way")
    with pytest.raises(RecordError, match="is not a folder") as caught:
        paths.release_folder("healthpay", "1.0.0")
    assert "RELEASECONSOLE_STATE" in caught.value.remedy
    with pytest.raises(RecordError, match="cannot be made") as caught:
        paths.make_private_folder(state / "releases")
    assert "RELEASECONSOLE_STATE" in caught.value.remedy


def test_a_link_that_leads_nowhere_is_an_error_with_a_remedy(state: Path) -> None:
    state.symlink_to(state.parent / "gone")
    with pytest.raises(RecordError, match="is not a folder"):
        paths.release_folder("healthpay", "1.0.0")
    with pytest.raises(RecordError):
        paths.make_private_folder(state / "releases")


def test_a_folder_that_is_made_is_the_users_alone_and_so_is_what_was_missing_above(state: Path) -> None:
    folder = paths.make_private_folder(state / "releases" / "healthpay-1")
    assert paths.make_private_folder(folder) == folder
    for made in (state, state / "releases", folder):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_themes_and_samples_are_found_in_the_repository() -> None:
    assert paths.sample_configs_dir().is_dir()
    own, users = paths.themes_dirs()
    assert own.is_dir()
    assert users == paths.config_dir() / "themes"


def test_themes_and_samples_are_found_inside_a_wheel(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "releaseconsole"
    (package / "themes").mkdir(parents=True)
    assert paths.shipped("themes", package) == package / "themes"


def test_an_installation_without_them_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ReleaseConsoleError, match="themes") as caught:
        paths.shipped("themes", tmp_path / "a" / "b")
    assert "Install" in caught.value.remedy


def test_every_place_has_a_name(state: Path) -> None:
    places = paths.locations()
    assert places["state"] == state
    assert places["journals"] == paths.release_folder("a", "1").parent.parent
    assert {"config", "cache", "themes", "sample configs"} <= places.keys()
