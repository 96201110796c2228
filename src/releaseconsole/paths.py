"""Where files are: a user's config, state and cache by the system's custom, and what the program ships.

Nothing is created by asking. ``RELEASECONSOLE_STATE`` overrides the state folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from releaseconsole.errors import RecordError, ReleaseConsoleError

STATE_VARIABLE = "RELEASECONSOLE_STATE"
PRIVATE = 0o700
_APP = "releaseconsole"
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_NAME = 100
_STATE_REMEDY = f"Name a folder that can be written to with --state or ${STATE_VARIABLE}."


def config_dir() -> Path:
    """Where a user's settings and own themes are."""
    import platformdirs

    return Path(platformdirs.user_config_dir(_APP, appauthor=False))


def cache_dir() -> Path:
    """What may be deleted at any time."""
    import platformdirs

    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the journals are: ``$RELEASECONSOLE_STATE``, else the system's place for state."""
    given = environ.get(STATE_VARIABLE, "").strip()
    if given:
        return Path(os.path.abspath(os.path.expanduser(given)))
    import platformdirs

    return Path(platformdirs.user_state_dir(_APP, appauthor=False))


def release_folder(name: str, version: str, demo: bool = False) -> Path:
    """The folder of one release's journal; practice releases are kept apart from real ones.

    Raises RecordError when no such folder can exist, because a file stands in its way.
    """
    folder = state_dir() / ("demo" if demo else "releases") / _folder_name(name) / _folder_name(version)
    _refuse_impossible(folder)
    return folder


def _folder_name(words: str) -> str:
    """``words`` as one harmless folder name; what had to be changed is told apart by a hash."""
    safe = _UNSAFE_IN_NAME.sub("_", words)[:_LONGEST_NAME]
    if safe == words and safe and not safe.startswith("."):
        return safe
    mark = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe.lstrip('.') or 'release'}-{mark}"


def _refuse_impossible(folder: Path) -> None:
    for ancestor in (folder, *folder.parents):
        try:
            if ancestor.is_dir():
                return
            # A link that leads nowhere stands in the way just as a file does.
            in_the_way = os.path.lexists(ancestor)
        except (OSError, ValueError) as error:
            raise RecordError(
                f"The folder {folder} cannot be reached: {_why(error)}.", _STATE_REMEDY
            ) from error
        if in_the_way:
            raise RecordError(
                f"The folder {folder} cannot be made: {ancestor} is not a folder.", _STATE_REMEDY
            )


def make_private_folder(folder: Path) -> Path:
    """Make ``folder`` and what is missing above it, for this user alone (0700); what exists stays as it is.

    Raises RecordError when it cannot be made or is not a folder.
    """
    try:
        missing = [ancestor for ancestor in (folder, *folder.parents) if not ancestor.is_dir()]
        for ancestor in reversed(missing):
            ancestor.mkdir(mode=PRIVATE, exist_ok=True)
    except (OSError, ValueError) as error:
        raise RecordError(f"The folder {folder} cannot be made: {_why(error)}.", _STATE_REMEDY) from error
    return folder


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def themes_dirs() -> tuple[Path, ...]:
    """Folders of colour themes, the program's own first; the user's may not exist."""
    return (shipped("themes"), config_dir() / "themes")


def sample_configs_dir() -> Path:
    """The folder of the plans that the program ships."""
    return shipped("sample_configs")


def shipped(name: str, package: Path = Path(__file__).parent) -> Path:
    """The folder ``name`` of the program itself: inside the package, or at the top of the repository.

    Raises ReleaseConsoleError when the installation has neither.
    """
    for folder in (package / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise ReleaseConsoleError(
        f"The folder {name} that belongs to Release Console is missing.", "Install releaseconsole again."
    )


def locations() -> dict[str, Path]:
    """Every place by its name, for ``releaseconsole locate``."""
    state = state_dir()
    return {
        "config": config_dir(),
        "state": state,
        "journals": state / "releases",
        "practice": state / "demo",
        "cache": cache_dir(),
        "themes": shipped("themes"),
        "own themes": config_dir() / "themes",
        "sample configs": sample_configs_dir(),
    }
