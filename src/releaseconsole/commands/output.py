"""Where words go: documents to stdout, messages to stderr."""

from __future__ import annotations

import json

import click


def say(text: str) -> None:
    """A message to the person, on stderr."""
    click.echo(text, err=True)


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False))
