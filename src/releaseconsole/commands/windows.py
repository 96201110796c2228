"""An observation window on paper: as a part of ``status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from releaseconsole.record.watches import Standing, progress
from releaseconsole.text import duration


def describe_window(standing: Standing, now: float) -> dict[str, Any]:
    """The window as JSON; times in seconds, moments in seconds since the epoch."""
    watch = standing.watch
    return {
        "id": watch.id,
        "environment": watch.environment,
        "by": watch.by,
        "started": watch.started,
        "ends": watch.ends,
        "seconds": watch.seconds,
        "elapsed": watch.elapsed(now),
        "allow": watch.allow,
        "outcome": watch.outcome or "under way",
        "reason": watch.reason,
        "judged": watch.judged,
        "problem": standing.problem,
        "summary": progress(standing, now),
        "verdicts": [{**asdict(one), "word": str(one.word)} for one in standing.verdicts],
    }


def print_window(window: dict[str, Any]) -> None:
    """A line on the window, and one on each objective that is not on target."""
    click.echo(f"{window['environment']}  watched: {window['summary']}")
    for one in window["verdicts"]:
        if one["word"] != "on target":
            times = f"out {duration(one['out'])}, unknown {duration(one['unknown'])}"
            click.echo(f"  {one['objective']:<24} {one['word']:<14} {times}  {one['reason']}".rstrip())
