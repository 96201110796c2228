"""The command line. One command a function; whatever is heavy is imported inside.

Exit codes: 0 fine · 1 something does not hold · 2 wrong use or bad plan · 3 could not tell · 130 interrupted.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from releaseconsole import __version__
from releaseconsole.commands.output import allow_any_text, drop_stdout, print_json, say
from releaseconsole.errors import PlanError, ReleaseConsoleError, UsageError

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan

Command = TypeVar("Command", bound=Callable[..., Any])

PLAN = click.argument("plan", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout and nothing else.")
KUBECONFIG = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="Use this kubeconfig (default: $KUBECONFIG, else ~/.kube/config).",
)
STATE = click.option("--state", type=click.Path(path_type=Path), help="Keep the journal in this folder.")
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where actions run and manifests are found (default: the plan's folder).",
)
OVERRIDES = click.option(
    "--endpoints",
    type=click.Path(path_type=Path),
    help="A JSON file that says where environments are, such as `sandbox --endpoints` writes.",
)
ACCEPT = click.option(
    "--accept-cluster",
    "accept",
    multiple=True,
    metavar="CONTEXT",
    help="This context may lead to another cluster than before. May be given more than once.",
)
SCENARIO = click.option("--scenario", default="healthy", show_default=True, help="What the new version does.")
SEED = click.option("--seed", default=1, show_default=True, help="The same seed gives the same cluster.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="releaseconsole")
def cli() -> None:
    """Take a release through its checklist on Kubernetes, and bring it back with one key."""


def load(path: Path, endpoints: Path | None = None) -> Plan:
    """The plan at ``path``, with its environments pointed elsewhere if ``endpoints`` says so."""
    from releaseconsole.plan.load import load_plan

    plan = load_plan(path)
    if endpoints is None:
        return plan
    from releaseconsole.plan.variables import with_overrides
    from releaseconsole.text import visible

    try:
        return with_overrides(plan, json.loads(endpoints.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{endpoints} could not be read: {visible(str(error))}", "Give the file that `sandbox` wrote."
        ) from error


@cli.command()
@PLAN
@JSON
def validate(plan: Path, as_json: bool) -> None:
    """Report every problem of PLAN: file, line, path, what was found and what is expected."""
    from releaseconsole.plan.load import load_plan

    try:
        loaded = load_plan(plan)
    except PlanError as error:
        if as_json:
            print_json({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        else:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            say(f"{error.message} {error.remedy}".strip())
        raise SystemExit(2) from None
    if as_json:
        print_json({"ok": True, "problems": []})
    else:
        checks = sum(placed.item.check is not None for placed in loaded.items.values())
        click.echo(
            f"{plan}: fine. {len(loaded.phases)} phases, {len(loaded.items)} items ({checks} verify themselves), "
            f"{len(loaded.actions)} actions, {len(loaded.objectives)} objectives."
        )


@cli.command()
def schema() -> None:
    """Print the JSON Schema of a plan, for editors."""
    from releaseconsole.plan.schema import json_schema

    print_json(json_schema())


@cli.command()
@JSON
def locate(as_json: bool) -> None:
    """Print where the files of Release Console are."""
    from releaseconsole.paths import locations

    places = {name: str(path) for name, path in locations().items()}
    if as_json:
        print_json(places)
        return
    width = max(map(len, places))
    for name, path in places.items():
        click.echo(f"{name:<{width}}  {path}")


@cli.command()
@PLAN
@click.option("--read-only", is_flag=True, help="Look, and change nothing: no key and no command writes.")
@KUBECONFIG
@STATE
@FOLDER
@OVERRIDES
@click.option("--theme", help="dark, light, colour-blind, or one of your own.")
@ACCEPT
def run(
    plan: Path,
    read_only: bool,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path | None,
    endpoints: Path | None,
    theme: str | None,
    accept: tuple[str, ...],
) -> None:
    """Open the console on PLAN and its real clusters."""
    from releaseconsole.commands.console import run_console

    loaded = load(plan, endpoints)
    run_console(
        loaded,
        kubeconfig=kubeconfig,
        state=state,
        folder=folder or plan.resolve().parent,
        read_only=read_only,
        theme=theme,
        accept=accept,
    )


@cli.command()
@SCENARIO
@SEED
@click.option("--fresh", is_flag=True, help="Forget the practice release so far.")
@click.option("--speed", default=1.0, show_default=True, help="How fast the practice cluster's time runs.")
@click.option("--theme", help="dark, light, colour-blind, or one of your own.")
@click.option("--read-only", is_flag=True, help="Look, and change nothing.")
def demo(scenario: str, seed: int, fresh: bool, speed: float, theme: str | None, read_only: bool) -> None:
    """Open the console on the embedded practice cluster."""
    from releaseconsole.commands.demo import run_demo

    run_demo(scenario=scenario, seed=seed, fresh=fresh, speed=speed, theme=theme, read_only=read_only)


@cli.command()
@SCENARIO
@SEED
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path), required=True, help="Write the kubeconfig here."
)
@click.option(
    "--endpoints", type=click.Path(path_type=Path), help="Write the addresses of all its servers here."
)
@click.option("--workspace", type=click.Path(path_type=Path), help="Make a practice working folder here.")
@click.option("--port", default=0, help="First of nine consecutive ports (default: free ones).")
@click.option("--speed", default=1.0, show_default=True, help="How fast its time runs.")
@click.option("--until-eof", is_flag=True, help="End when stdin is closed.")
@JSON
def sandbox(
    scenario: str,
    seed: int,
    kubeconfig: Path,
    endpoints: Path | None,
    workspace: Path | None,
    port: int,
    speed: float,
    until_eof: bool,
    as_json: bool,
) -> None:
    """Run the practice cluster alone, for kubectl and others."""
    from releaseconsole.commands.practice import run_sandbox

    run_sandbox(
        scenario=scenario,
        seed=seed,
        kubeconfig=kubeconfig,
        endpoints=endpoints,
        workspace=workspace,
        port=port,
        speed=speed,
        until_eof=until_eof,
        as_json=as_json,
    )


@cli.command()
@PLAN
@click.option("--phase", help="Only the items of this phase.")
@JSON
@KUBECONFIG
@FOLDER
@OVERRIDES
@STATE
@ACCEPT
def check(
    plan: Path,
    phase: str | None,
    as_json: bool,
    kubeconfig: Path | None,
    folder: Path | None,
    endpoints: Path | None,
    state: Path | None,
    accept: tuple[str, ...],
) -> None:
    """Run the automatic checks of PLAN once and say what holds."""
    from releaseconsole.commands.headless import run_check

    loaded = load(plan, endpoints)
    raise SystemExit(
        run_check(
            loaded,
            phase=phase,
            as_json=as_json,
            kubeconfig=kubeconfig,
            folder=folder or plan.resolve().parent,
            state=state,
            accept=accept,
        )
    )


@cli.command()
@PLAN
@click.option(
    "-e", "--environment", "environments", multiple=True, help="Only this one; may be given more than once."
)
@JSON
@KUBECONFIG
@STATE
@FOLDER
@OVERRIDES
@ACCEPT
def doctor(
    plan: Path,
    environments: tuple[str, ...],
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path | None,
    endpoints: Path | None,
    accept: tuple[str, ...],
) -> None:
    """Say whether PLAN can work from here: contexts, credentials, rights, workloads, metrics, manifests."""
    from releaseconsole.commands.doctor import run_doctor

    loaded = load(plan, endpoints)
    raise SystemExit(
        run_doctor(
            loaded,
            environments=environments,
            as_json=as_json,
            kubeconfig=kubeconfig,
            folder=folder or plan.resolve().parent,
            state=state,
            accept=accept,
        )
    )


@cli.command()
@PLAN
@JSON
@KUBECONFIG
@STATE
@OVERRIDES
@ACCEPT
def status(
    plan: Path,
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    endpoints: Path | None,
    accept: tuple[str, ...],
) -> None:
    """Say where the release stands: phases, rollouts and metrics now."""
    from releaseconsole.commands.headless import run_status

    loaded = load(plan, endpoints)
    raise SystemExit(
        run_status(
            loaded,
            as_json=as_json,
            kubeconfig=kubeconfig,
            state=state,
            folder=plan.resolve().parent,
            accept=accept,
        )
    )


@cli.command()
@PLAN
@click.option("-e", "--environment", help="Which one (default: the only one, or the rollback phase's).")
@click.option("--to", default="pinned", show_default=True, help="pinned, previous, or a revision number.")
@click.option("--dry-run", is_flag=True, help="Print the preview and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why; goes into the journal.")
@click.option(
    "--delete-stuck-pods",
    is_flag=True,
    help="Delete broken pods of the version rolled back that an ordered StatefulSet waits for in vain.",
)
@JSON
@KUBECONFIG
@STATE
@OVERRIDES
@ACCEPT
def rollback(
    plan: Path,
    environment: str | None,
    to: str,
    dry_run: bool,
    yes: bool,
    reason: str,
    delete_stuck_pods: bool,
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    endpoints: Path | None,
    accept: tuple[str, ...],
) -> None:
    """Bring every workload of an environment back to what ran before."""
    from releaseconsole.commands.rollback import run_rollback

    loaded = load(plan, endpoints)
    raise SystemExit(
        run_rollback(
            loaded,
            environment=environment,
            to=to,
            dry_run=dry_run,
            yes=yes,
            reason=reason,
            as_json=as_json,
            kubeconfig=kubeconfig,
            state=state,
            folder=plan.resolve().parent,
            accept=accept,
            delete_stuck=delete_stuck_pods,
        )
    )


@cli.command()
@PLAN
@click.option("--verify", is_flag=True, help="Only say whether the chain of entries is whole.")
@JSON
@STATE
def journal(plan: Path, verify: bool, as_json: bool, state: Path | None) -> None:
    """Print what happened in the release so far."""
    from releaseconsole.commands.journal import run_journal

    raise SystemExit(run_journal(load(plan), verify=verify, as_json=as_json, state=state))


def main() -> None:
    """The entry point: turns whatever goes wrong into a sentence on stderr and an exit code."""
    allow_any_text()
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.")
        sys.exit(130)
    except BrokenPipeError:
        drop_stdout()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the edge: nobody is shown a traceback
        sys.exit(_explain(_cause(error)))


def _cause(error: Exception) -> Exception:
    """What a group of tasks failed of, if it is one thing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _explain(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, ReleaseConsoleError):
        return _refuse(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        drop_stdout()
        say(f"releaseconsole: The output could not be written: {error.strerror}.")
        say("Make space where it goes, or send it elsewhere.")
        return 1
    from releaseconsole.commands.logfile import keep_defect
    from releaseconsole.text import cut, visible

    kept = keep_defect(error)
    where = f"; {kept} says where" if kept else ""
    say(f"releaseconsole: This is a defect ({type(error).__name__}: {cut(visible(str(error)), 300)}){where}.")
    say("Nothing that was ticked or recorded is lost. Please report it.")
    return 1


def _refuse(error: ReleaseConsoleError) -> int:
    for problem in getattr(error, "problems", ()):
        say(str(problem))
    say(f"releaseconsole: {error.message}")
    if error.remedy:
        say(error.remedy)
    return error.exit_code
