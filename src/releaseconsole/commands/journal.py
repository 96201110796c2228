"""``releaseconsole journal``: what happened so far, and whether the chain of entries is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from releaseconsole.commands.output import print_json

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan


def run_journal(plan: Plan, *, verify: bool, as_json: bool, state: Path | None) -> int:
    """Print the entries or the verdict; a damaged journal raises JournalDamaged."""
    from releaseconsole.report.timeline import journal_lines
    from releaseconsole.session.opening import read_entries

    entries = read_entries(plan, state)
    if as_json:
        print_json({"whole": True, "entries": [] if verify else [entry.as_dict() for entry in entries]})
    elif verify:
        last = entries[-1].hash if entries else "–"
        click.echo(f"{len(entries)} entries, every hash fits; the last is {last[:16]}.")
    else:
        for line in journal_lines(entries, plan):
            click.echo(line)
    return 0
