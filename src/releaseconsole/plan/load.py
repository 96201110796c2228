"""From a TOML file to a :class:`Plan`, or to every problem of it at once, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from releaseconsole.errors import PlanError
from releaseconsole.plan import crosscheck, explain, usage, watching
from releaseconsole.plan.lines import LineIndex
from releaseconsole.plan.model import Plan
from releaseconsole.plan.problem import Finding, Problem, named_path, number_path, show

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes. The largest plan known is a hundredth of it."""
LONGEST_LINE = 20_000
"""Characters. ``tomllib`` takes quadratic time for a key of many parts."""
MOST_PROBLEMS = 1000

_AT = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)$")


def load_plan(path: Path) -> Plan:
    """The plan in the file ``path``. Raises PlanError with every problem."""
    return parse_plan(_decode(_read(path), str(path)), str(path))


def parse_plan(text: str, source: str) -> Plan:
    """The plan in ``text``; problems name ``source`` as their file. Raises PlanError with every problem."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    raw = _parse(text, source)
    plan: Plan | None = None
    found: Iterator[Finding] = iter(())
    try:
        plan = Plan.model_validate(raw)
    except ValidationError as error:
        found = explain.findings(error, raw)
    findings = list(chain(found, crosscheck.findings(raw), usage.findings(raw), watching.findings(raw)))
    if findings or plan is None:
        raise _refused(source, _placed(findings, raw, text, source))
    return plan


def _read(path: Path) -> bytes:
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise _unreadable(source, "no such file", "a plan", "Check its name.") from None
    except IsADirectoryError:
        raise _unreadable(source, "a folder", "a file", "Name the plan in it.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(source, f"a file that cannot be read ({reason})", "a readable file", "") from None
    if len(content) > LARGEST_FILE:
        raise _unreadable(source, "more than 4 MB", "a plan of at most 4 MB", "Is this the right file?")
    return content


def _decode(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} at offset {error.start}, which is not UTF-8"
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        hint = "it looks like UTF-16" if wide else ""
        problem = Problem(source, line, found=found, expected="text in UTF-8", hint=hint)
        raise PlanError(f"{source} is not UTF-8 text.", "Save it as UTF-8.", (problem,)) from None


def _parse(text: str, source: str) -> dict[str, Any]:
    problem = _too_long(text, source)
    if problem is None:
        try:
            return tomllib.loads(text)
        except RecursionError:
            problem = Problem(source, found="lists or tables nested hundreds deep", expected="a plan")
        except ValueError as error:
            problem = _broken(str(error), text, source)
    raise PlanError(f"{source} is not valid TOML.", "Mend the line named.", (problem,))


def _too_long(text: str, source: str) -> Problem | None:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            found, expected = f"a line of {len(line)} characters", f"at most {LONGEST_LINE}"
            return Problem(source, number, found=found, expected=expected)
    return None


def _broken(message: str, text: str, source: str) -> Problem:
    at = _AT.search(message)
    what = show(message[: at.start()].rstrip() if at else message).strip('"')
    if at is None:
        return Problem(source, found=what, expected="valid TOML")
    line, column = (int(at[1]), int(at[2])) if at[1] else (text.count("\n") + 1, 0)
    lines = text.split("\n")
    here = lines[line - 1].strip() if line <= len(lines) else ""
    found = f"{what} in {show(here)}" if here else what
    return Problem(source, line, column, found=found, expected="valid TOML")


def _placed(findings: list[Finding], raw: dict[str, Any], text: str, source: str) -> tuple[Problem, ...]:
    """The problems in the order of their lines; beyond :data:`MOST_PROBLEMS` only their number is told."""
    lines = LineIndex(text)
    problems = sorted(
        dict.fromkeys(_problem(finding, raw, lines, source) for finding in findings),
        key=lambda problem: (problem.line, problem.column),
    )
    if len(problems) <= MOST_PROBLEMS:
        return tuple(problems)
    rest = len(problems) - MOST_PROBLEMS
    return (*problems[:MOST_PROBLEMS], Problem(source, found=f"{rest} more problems", expected="none"))


def _problem(finding: Finding, raw: dict[str, Any], lines: LineIndex, source: str) -> Problem:
    position = lines.find(finding.path)
    expected = finding.expected
    if finding.other is not None:
        expected = expected.replace("{line}", str(lines.find(finding.other).line))
    return Problem(
        source,
        position.line,
        position.column,
        number_path(finding.path),
        named_path(finding.path, raw),
        finding.found,
        expected,
        finding.hint,
    )


def _refused(source: str, problems: tuple[Problem, ...]) -> PlanError:
    count = f"{len(problems)} problems" if len(problems) > 1 else "a problem"
    return PlanError(f"{source} has {count}.", "Mend the lines named.", problems)


def _unreadable(source: str, found: str, expected: str, remedy: str) -> PlanError:
    problem = Problem(source, found=found, expected=expected)
    return PlanError(f"{source} cannot be read as a plan.", remedy or "Look at its rights.", (problem,))
