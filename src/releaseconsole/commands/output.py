"""Where words go: documents to stdout, messages to stderr."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from releaseconsole.session import Session


def say(text: str) -> None:
    """A message to the person, on stderr."""
    click.echo(text, err=True)


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=not _speaks_utf8(), sort_keys=False))


def tell_notices(session: Session) -> None:
    """What the session has to say to a person, on stderr: a journal that was cut, a trigger in breach."""
    for notice in session.take_notices():
        say(notice.text)


def allow_any_text() -> None:
    """A terminal that knows no “✔”, or a file name that is no text, shows escapes in place of ending a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_stdout() -> None:
    """Nobody reads or nothing can be written: what is still buffered must not fail again at the very end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speaks_utf8() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False
