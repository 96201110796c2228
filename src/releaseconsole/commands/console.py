"""Opening the console: on a terminal, with a session, and never with a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.commands.logfile import log_to_file
from releaseconsole.commands.reach import accepted
from releaseconsole.errors import UsageError
from releaseconsole.paths import config_dir

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan


def require_terminal() -> None:
    """Raises UsageError when there is no terminal to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The console needs a terminal.",
            "Without one, use `status`, `check`, `rollback` or `journal`: they print plain text or --json.",
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(
            "This terminal cannot be drawn on (TERM is unset or “dumb”).", "Set TERM, say to xterm-256color."
        )


def run_console(
    plan: Plan,
    *,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path,
    read_only: bool,
    theme: str | None,
    environ: Mapping[str, str] | None = None,
    practice: str = "",
    accept: Collection[str] = (),
) -> None:
    """Run the console until it is left. Raises ReleaseConsoleError for what makes it pointless to start."""
    require_terminal()
    from releaseconsole.session import open_session
    from releaseconsole.ui.app import ConsoleApp
    from releaseconsole.ui.themes import DEFAULT_THEME

    session = open_session(
        plan,
        kubeconfig=kubeconfig,
        state=state,
        folder=folder,
        read_only=read_only,
        environ=environ,
        practice=practice,
        accept_clusters=accepted(plan, accept),
    )
    log_file = log_to_file()
    app = ConsoleApp(session, theme=theme or DEFAULT_THEME, config_folder=config_dir(), log_file=log_file)
    app.run()
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise SystemExit(app.return_code)
