"""``releaseconsole journal``: what happened so far, and whether the chain of entries is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from releaseconsole.commands.output import print_json, say
from releaseconsole.errors import JournalDamaged

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan


def run_journal(plan: Plan, *, verify: bool, as_json: bool, state: Path | None) -> int:
    """Print the entries or the verdict; a damaged journal raises JournalDamaged."""
    from releaseconsole.session.opening import read_journal

    try:
        entries, recovered = read_journal(plan, state)
    except JournalDamaged as error:
        if as_json:
            print_json({"whole": False, "problem": error.message, "entries": []})
        raise
    if recovered:
        say(recovered)
    if as_json:
        listed = [] if verify else [entry.as_dict() for entry in entries]
        print_json({"whole": True, "problem": recovered, "entries": listed})
    elif verify:
        last = entries[-1].hash if entries else "–"
        click.echo(f"{len(entries)} entries, every hash fits; the last is {last[:16]}.")
    elif not entries:
        say("Nothing has happened in this release yet.")
    else:
        from releaseconsole.report.timeline import journal_lines

        for line in journal_lines(entries, plan):
            click.echo(line)
    return 0
