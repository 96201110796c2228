"""The samples, changed versions of them, and what the loader says about those."""

from __future__ import annotations

from pathlib import Path

from releaseconsole.errors import PlanError
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.problem import Problem

SAMPLES = Path(__file__).parents[2] / "sample_configs"
SAMPLE = (SAMPLES / "healthpay.toml").read_text("utf-8")
SMALL = (SAMPLES / "small.toml").read_text("utf-8")


def problems_of(text: str) -> tuple[Problem, ...]:
    """What is wrong with ``text``; nothing when it is a plan."""
    try:
        parse_plan(text, "plan.toml")
    except PlanError as error:
        refused = error
    else:
        return ()
    problems = tuple(problem for problem in refused.problems if isinstance(problem, Problem))
    assert len(problems) == len(refused.problems) > 0
    assert refused.message
    assert refused.remedy
    return problems


def changed(*changes: tuple[str, str], text: str = SMALL) -> str:
    """``text`` with the first occurrence of each old piece replaced by the new one."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, words: str) -> int:
    """The number of the first line that holds ``words``."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if words in line)


def only(text: str) -> Problem:
    """The one problem of ``text``."""
    problems = problems_of(text)
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]
