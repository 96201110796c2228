"""A plan that cannot be read or holds a wrong value is refused, each problem with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from plan_texts import SMALL, changed, line_of, only, problems_of

from releaseconsole.errors import PlanError
from releaseconsole.plan.load import LARGEST_FILE, LONGEST_LINE, MOST_PROBLEMS, load_plan, parse_plan
from releaseconsole.plan.problem import Problem

ENVIRONMENT = "environments.production"
ERRORS = "objectives[error-rate]"
STEP = "phases[deploy].steps[roll-out]"
CHECK = f"{STEP}.items[pods].check"
PAGE = f"{STEP}.items[home-page].check"


def refused(path: Path) -> Problem:
    with pytest.raises(PlanError) as caught:
        load_plan(path)
    assert caught.value.exit_code == 2
    (problem,) = caught.value.problems
    assert isinstance(problem, Problem)
    assert str(path) in str(problem)
    return problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.toml").found == "no such file"


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    assert refused(tmp_path).found == "a folder"


def test_a_file_behind_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Not a directory" in refused(tmp_path / "file" / "plan.toml").found


def test_a_name_that_no_system_takes_cannot_be_read() -> None:
    assert "cannot be read" in refused(Path("a\0b")).found


def test_bytes_that_are_not_utf8_are_placed(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b'[release]\nname = "caf\xe9"\n')
    problem = refused(path)
    assert problem.line == 2
    assert problem.found == "byte 0xe9 at offset 21, which is not UTF-8"


def test_utf16_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(SMALL.encode("utf-16"))
    assert refused(path).hint == "it looks like UTF-16"


def test_a_file_of_more_than_4_megabytes_is_not_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"#" * (LARGEST_FILE + 1))
    assert refused(path).found == "more than 4 MB"


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_plan(path) == parse_plan(SMALL, "small.toml")


def test_windows_line_ends_do_not_move_the_lines() -> None:
    text = changed(('pods = "ready"', 'pods = "redy"'))
    assert only(text.replace("\n", "\r\n")).line == only(text).line == line_of(text, "redy")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a = 1\nb = = 2\n", 2, 5, "Invalid value"),
        ("a = 1\na = 2\n", 2, 6, "Cannot overwrite a value"),
        ('[release]\nname = "x', 2, 0, "Unterminated string"),
        ("[release\n", 1, 9, "Expected ']'"),
        ("a = [1,\n[b", 2, 2, "Invalid value"),
        ("[[a]]\n[a]\n", 2, 3, "twice"),
    ],
)
def test_broken_toml_is_told_with_line_column_and_cause(
    text: str, line: int, column: int, words: str
) -> None:
    problem = only(text)
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.found
    assert str(problem).startswith(f"plan.toml:{line}:{column}: " if column else f"plan.toml:{line}: ")


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 5000, "a = " + "9" * 5000, "#" + "x" * LONGEST_LINE, "a" + ".a" * 60_000 + " = 1"],
    ids=["nested", "number", "line", "dotted"],
)
def test_toml_that_is_out_of_all_bounds_is_refused(text: str) -> None:
    only(text)


def test_an_empty_file_lacks_the_release_and_the_phases() -> None:
    assert {problem.path for problem in problems_of("")} == {"release", "phases"}


@pytest.mark.parametrize(
    ("old", "new", "place", "found", "expected"),
    [
        ('pods = "ready"', 'pods = "redy"', f"{CHECK}.pods", '"redy"', '"ready"'),
        ('version = "2.1.0"', "version = 2.1", "release.version", "2.1", "a text in quotes"),
        ('name = "shop"', 'name = "My Shop"', "release.name", '"My Shop"', "an id of"),
        ('title = "Shop"', 'title = ""', "release.title", '""', "not empty"),
        ('colour = "red"', 'colour = "pink"', f"{ENVIRONMENT}.colour", '"pink"', '"green", "blue"'),
        ('"deployment/web"]', '"web"]', f"{ENVIRONMENT}.workloads[0]", '"web"', "a kind and a name"),
        ('"deployment/web"]', "7]", f"{ENVIRONMENT}.workloads[0]", "7", "a text in quotes"),
        ('workloads = ["deployment/web"]', "workloads = []", f"{ENVIRONMENT}.workloads", "an empty list",
         "at least one"),
        ('url = "http:', 'url = "ftp:', f"{ENVIRONMENT}.prometheus.url", '"ftp://', "starts with http://"),
        ('"GET $site/"', '"FETCH $site/"', f"{PAGE}.http",
         '"FETCH $site/"', "a verb and an address"),
        ('target = "< 0.1"', 'target = "< "', f"{ERRORS}.target", '"< "', "a comparison and a number"),
        ('target = "< 0.1"', "target = 0.1", f"{ERRORS}.target", "0.1", "a comparison and a number"),
        ('when = "> 1"', 'when = "> many"', f"{ERRORS}.rollback.when", '"> many"', "a comparison and"),
        ('for = "1m"', 'for = "1 minute"', f"{ERRORS}.rollback.for", '"1 minute"', "a time span"),
        ('for = "1m"', "for = -5", f"{ERRORS}.rollback.for", "-5", "a time span"),
        ('for = "1m"', "for = nan", f"{ERRORS}.rollback.for", "nan", "a time span"),
        ('for = "1m"', "for = inf", f"{ERRORS}.rollback.for", "inf", "a time span"),
        ('for = "1m"', 'for = "0s"', f"{ERRORS}.rollback.for", '"0s"', "greater than 0"),
        ('for = "1m"', 'for = "999999d"', f"{ERRORS}.rollback.for", '"999999d"', "at most"),
        ('for = "1m"', f"for = {'9' * 400}", f"{ERRORS}.rollback.for", "a huge number", "a time span"),
        ('needs = ["deploy"]', 'needs = "deploy"', "phases[success].needs", '"deploy"', "a list"),
        ('check = { pods = "ready" }', 'check = "pods"', CHECK,
         '"pods"', "a table"),
        ('check = { pods = "ready" }', "check = {}", CHECK,
         "an empty table", "exactly one of pods, rollout"),
        ('pods = "ready" }', 'pods = "ready", rollout = "complete" }',
         CHECK, '"pods", "rollout"', "this check has pods and rollout"),
        ('wait = "rollout" }', 'title = "nothing" }', f"{STEP}.actions[wait]",
         '"id", "title"', "exactly one of shell, apply"),
        ('http = "GET $site/"', 'http = "GET $site/", expect = "200"',
         f"{PAGE}.expect", '"200"', "a whole number from 0 to 599"),
        ('http = "GET $site/"', 'http = "GET $site/", expect = [200, 700]',
         f"{PAGE}.expect", "a list of 2", "a whole number from 0 to 599"),
        ('http = "GET $site/"', 'http = "GET $site/", repeat = 101',
         f"{PAGE}.repeat", "101", "at most 100"),
        ('http = "GET $site/"', 'http = "GET $site/", repeat = true',
         f"{PAGE}.repeat", "true", "a whole number"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_told_with_what_would(
    old: str, new: str, place: str, found: str, expected: str
) -> None:
    text = changed((old, new))
    problem = only(text)
    assert problem.line == line_of(text, new)
    assert problem.place == place
    assert found in problem.found
    assert expected in problem.expected


def test_a_problem_reads_as_one_line_with_its_place() -> None:
    text = changed(('pods = "ready"', 'pods = "redy"'))
    line = line_of(text, "redy")
    assert str(only(text)) == (
        f"plan.toml:{line}: phases[deploy].steps[roll-out].items[pods].check.pods: "
        'found "redy", expected "ready"'
    )


def test_a_problem_as_json_has_numbers_in_its_path_and_a_column() -> None:
    text = changed(('pods = "ready"', 'pods = "redy"'))
    told = only(text).as_dict()
    column = text.splitlines()[line_of(text, "redy") - 1].index("pods = ") + 1
    assert told["path"] == "phases[0].steps[0].items[0].check.pods"
    assert (told["line"], told["column"]) == (line_of(text, "redy"), column)
    assert (told["found"], told["expected"]) == ('"redy"', '"ready"')


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ('title = "Shop"', 'title = "Shop"\nrisc = "low"', '"risk"'),
        ('colour = "red"', 'color = "red"', '"colour"'),
        ("targets = [{ context", "targets = [{ contxt", '"context"'),
        ('needs = ["deploy"]', 'need = ["deploy"]', '"needs"'),
        ('{ pods = "ready" }', '{ pod = "ready" }', '"pods"'),
        ('for = "1m"', 'fort = "1m"', '"for"'),
        ("[[objectives]]", "[[objectifs]]", '"objectives"'),
    ],
)
def test_an_unknown_key_is_told_with_the_one_that_was_meant(old: str, new: str, meant: str) -> None:
    text = changed((old, new))
    unknown = [problem for problem in problems_of(text) if "unknown key" in problem.found]
    assert len(unknown) == 1
    assert unknown[0].line == line_of(text, new.splitlines()[-1])
    assert unknown[0].hint == f"did you mean {meant}?"
    assert meant in unknown[0].expected


def test_an_unknown_check_is_told_with_all_that_exist() -> None:
    text = changed(('{ pods = "ready" }', '{ moon = "full" }'))
    problem = only(text)
    assert problem.found == 'the unknown key "moon"'
    assert all(f'"{family}"' in problem.expected for family in ("pods", "rollout", "http", "objective"))
    assert problem.hint == ""


def test_a_missing_key_is_placed_at_the_table_that_lacks_it() -> None:
    text = changed(('id = "pods", text = "Every pod is ready", ', 'id = "pods", '))
    problem = only(text)
    assert (problem.line, problem.column) == (line_of(text, 'id = "pods"'), 0)
    assert (problem.place, problem.found) == ("phases[deploy].steps[roll-out].items[pods].text", "nothing")


def test_an_environment_needs_a_usable_name() -> None:
    text = changed(("[environments.production]", '[environments."Pre Prod"]'))
    named = [problem for problem in problems_of(text) if problem.line == line_of(text, "Pre Prod")]
    assert [problem.found for problem in named] == ['the name "Pre Prod"']


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = changed(
        ('version = "2.1.0"', "version = 2"),
        ('colour = "red"', 'colour = "pink"'),
        ('target = "< 0.1"', 'target = "<"'),
        ('pods = "ready"', 'pods = "redy"'),
        ('id = "errors"', 'id = "pods"'),
        ('needs = ["deploy"]', 'needs = ["deplo"]'),
        ('"GET $site/"', '"GET $sight/"'),
    )
    problems = problems_of(text)
    assert [problem.found for problem in problems] == [
        "2", '"pink"', '"<"', '"redy"', '$sight that has no value in "production"',
        'the unknown phase "deplo"', '"pods" again',
    ]  # fmt: skip
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    text = SMALL + "\n[release.x]\n" + "\n".join(f'[[phases]]\nid = "deploy"\nx{n} = 1' for n in range(600))
    problems = problems_of(text)
    assert len(problems) == MOST_PROBLEMS + 1
    assert "more problems" in problems[-1].found


def test_control_characters_never_reach_the_terminal() -> None:
    text = changed(('pods = "ready"', r'pods = "\u001b[31mred\u0007"'))
    assert only(text).found == r'"\x1b[31mred\x07"'
    assert "\x1b" not in "".join(map(str, problems_of(changed(("[release]", '["\\u001b[2J"]\n[release]')))))
