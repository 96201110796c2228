"""``open = "Grafana"``: one of the environment's links."""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from urllib.parse import urlsplit

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.outside.request import shown_url
from releaseconsole.plan.model import PlacedAction
from releaseconsole.plan.variables import substitute
from releaseconsole.text import visible


async def open_link(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Print it, and open it where there is a display: a browser of the terminal would take the screen."""
    environment = environment_of(placed)
    name = placed.action.open or ""
    links = context.environment(environment).links
    if name not in links:
        return failed(visible(f"{environment} has no link {name}; it has {', '.join(links) or 'none'}"))
    url = substitute(links[name], context.values(environment))
    emit(shown_url(url))
    if urlsplit(url).scheme not in ("http", "https"):
        return failed("only http and https addresses are opened")
    opener = _opener(context.environ)
    if opener is None:
        return succeeded("printed: there is no display to open it on")
    # The shell ends at once and the browser, which may be the process it started, is left alone.
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", '"$1" "$2" >/dev/null 2>&1 &', "sh", opener, url,
        stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=dict(context.environ), start_new_session=True,
    )  # fmt: skip
    await process.wait()
    return succeeded("opened in the browser")


def _opener(environ: Mapping[str, str]) -> str | None:
    """The program that opens addresses on a desktop, when there is one."""
    if sys.platform == "darwin":
        return None if environ.get("SSH_CONNECTION") else "/usr/bin/open"
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return shutil.which("xdg-open", path=environ.get("PATH"))
    return None
