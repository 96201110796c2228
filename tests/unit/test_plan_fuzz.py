"""Whatever the text is, it is a plan or every problem is told with its own line; never anything else."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_texts import SAMPLE, SMALL, problems_of

# Keys whose spelling matters, wherever they stand outside of a text; those of free tables are not among them.
KEY = re.compile(
    r"(?<=[{,\s])(name|title|version|risk|estimate|colour|targets|context|namespace|workloads|prometheus|url|links"
    r"|variables|id|query|traffic|unit|target|rollback|when|for|objective|role|team|kind|environment|needs|gate"
    r"|actions|items|text|check|pods|services|http|body|headers|repeat|expect|logs|shell|apply|pin|wait|get|open"
    r"|folder|timeout|cluster|rollout|window)(?= = )"
)
KEYS = [
    match for match in KEY.finditer(SAMPLE) if not SAMPLE[: match.start()].rpartition("\n")[2].startswith("#")
]


def told_or_read(text: str) -> None:
    """Every problem, if there is one, can be shown and lies within the text."""
    last = text.count("\n") + 1
    for problem in problems_of(text):
        assert 0 <= problem.line <= last
        assert "\n" not in str(problem)
        assert problem.as_dict()["message"] == str(problem)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_a_plan_or_is_told_why_not(text: str) -> None:
    told_or_read(text)


VALUES = st.sampled_from(
    ['"x"', '""', "0", "-1", "1.5", "nan", "inf", "true", "[]", "{}", "[{}]", "[[]]", '["a", 1]',
     "{ a = { b = [1] } }", "2025-12-17", "10:00:00", "9" * 400, '"\\u0000"', '"< 1"', '"$x"', '"deploy"',
     "[{ id = 1 }]"]
)  # fmt: skip
ASSIGNED = list(re.finditer(r'(?<= = )("[^"\n]*"|\[[^\[\]\n]*\]|\{[^{}\n]*\})', SMALL))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(ASSIGNED), VALUES), min_size=1, max_size=4, unique_by=lambda each: each[0]
    )
)
def test_values_of_any_kind_in_any_place_are_told(changes: list[tuple[re.Match[str], str]]) -> None:
    text = SMALL
    for match, value in sorted(changes, key=lambda change: -change[0].start()):
        text = text[: match.start()] + value + text[match.end() :]
    told_or_read(text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SAMPLE) - 1), st.integers(0, 40), st.text(max_size=8))
def test_a_sample_with_any_piece_replaced_is_a_plan_or_is_told_why_not(
    start: int, length: int, piece: str
) -> None:
    told_or_read(SAMPLE[:start] + piece + SAMPLE[start + length :])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KEYS), st.sampled_from(["x", "_", "-y"]))
def test_a_key_misspelt_anywhere_in_the_sample_is_told_with_its_own_line(
    key: re.Match[str], suffix: str
) -> None:
    word = key[0] + suffix
    text = SAMPLE[: key.start()] + word + SAMPLE[key.end() :]
    unknown = [problem for problem in problems_of(text) if problem.found == f'the unknown key "{word}"']
    assert [problem.line for problem in unknown] == [SAMPLE.count("\n", 0, key.start()) + 1]
    line = text.splitlines()[unknown[0].line - 1]
    assert line[unknown[0].column - 1 :].startswith(word)


def test_the_keys_of_the_sample_are_many() -> None:
    assert len(KEYS) > 600
