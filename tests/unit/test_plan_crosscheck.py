"""Parts of a plan that do not fit together are told: ids, references, places, variables."""

from __future__ import annotations

import re

import pytest
from plan_texts import SAMPLE, SMALL, changed, line_of, only, problems_of

# ---------------------------------------------------------------------------------- ids and references


@pytest.mark.parametrize(
    ("old", "new", "first", "what"),
    [
        ('id = "success"', 'id = "deploy"', 'id = "deploy"', "phase"),
        ('id = "errors"', 'id = "pods"', 'id = "pods"', "item"),
        ('id = "apply"', 'id = "pin"', 'id = "pin"', "action"),
        (
            '[[phases.steps]]\nid = "figures"',
            '[[phases.steps]]\nid = "figures"\ntitle = "Earlier"\n[[phases.steps]]\nid = "figures"',
            'id = "figures"',
            "step",
        ),
        (
            "[[phases]]",
            '[[objectives]]\nid = "error-rate"\nquery = "x"\ntarget = "< 1"\n\n[[phases]]',
            'id = "error-rate"',
            "objective",
        ),
        (
            "[[phases]]",
            '[[criteria]]\nid = "bug"\ntext = "x"\n[[criteria]]\nid = "bug"\ntext = "y"\n[[phases]]',
            'id = "bug"',
            "criterion",
        ),
    ],
)
def test_an_id_that_is_there_twice_is_told_with_both_lines(old: str, new: str, first: str, what: str) -> None:
    text = changed((old, new))
    again = [problem for problem in problems_of(text) if problem.found.endswith(" again")]
    assert len(again) == 1
    word = new.splitlines()[0] if first not in new else first
    second = len(text[: text.rindex(word)].splitlines()) + (text[text.rindex(word) - 1] == "\n")
    assert again[0].line == second
    assert f"the {what}" in again[0].expected
    assert f"in line {line_of(text, first)} " in again[0].expected
    assert again[0].line > line_of(text, first)


def test_steps_of_different_phases_may_have_the_same_id() -> None:
    assert problems_of(changed(('id = "figures"', 'id = "roll-out"'))) == ()


def test_a_workload_that_is_released_twice_is_told() -> None:
    text = changed(('["deployment/web"]', '["deployment/web", "deployment/web"]'))
    assert only(text).place == "environments.production.workloads[1]"


def test_a_phase_that_needs_itself_is_told() -> None:
    text = changed(('needs = ["deploy"]', 'needs = ["deploy", "success"]'))
    problem = only(text)
    assert problem.line == line_of(text, "needs = ")
    assert (problem.path, problem.found) == ("phases[1].needs[1]", '"success", the phase itself')


def test_phases_that_need_each_other_are_told_as_a_ring() -> None:
    text = changed(('needs = ["uat"]', 'needs = ["uat", "sign-off"]'), text=SAMPLE)
    problem = only(text)
    assert problem.line == line_of(text, 'needs = ["uat", "sign-off"]')
    assert problem.found == "phases that need each other: production → sign-off → success → production"


def test_two_rings_are_both_told() -> None:
    text = changed(
        ('needs = ["pre-deployment"]', 'needs = ["pre-deployment", "uat"]'),
        ('needs = ["uat"]', 'needs = ["uat", "success"]'),
        text=SAMPLE,
    )
    rings = [problem.found.partition(": ")[2] for problem in problems_of(text)]
    assert rings == ["staging → uat → staging", "production → success → production"]


@pytest.mark.parametrize(
    ("old", "new", "what", "wrong", "meant"),
    [
        ("", 'needs = ["deploy"]', "phase", "deplyo", "deploy"),
        ("", 'environment = "production"', "environment", "producton", "production"),
        ("", 'objective = "error-rate"', "objective", "eror-rate", "error-rate"),
        (
            'pods = "ready"',
            'pods = "ready", environment = "production"',
            "environment",
            "prodction",
            "production",
        ),
        ("[[phases]]", 'environments = ["production"]\n[[phases]]', "environment", "prodction", "production"),
        (
            "[[phases]]",
            '[[criteria]]\nid = "a"\ntext = "b"\nobjective = "error-rate"\n[[phases]]',
            "objective",
            "error-rat",
            "error-rate",
        ),
    ],
)
def test_a_reference_to_nothing_is_told_with_what_exists(
    old: str, new: str, what: str, wrong: str, meant: str
) -> None:
    text = changed((old or new, new.replace(f'"{meant}"', f'"{wrong}"')))
    told = [problem for problem in problems_of(text) if problem.found == f'the unknown {what} "{wrong}"']
    assert [problem.line for problem in told] == [line_of(text, f'"{wrong}"')]
    assert (told[0].expected, told[0].hint) == (f'"{meant}"', f'did you mean "{meant}"?')


def test_open_with_an_unknown_link_is_told_with_those_that_exist() -> None:
    text = changed(('open = "Grafana"', 'open = "Grafanna"'), text=SAMPLE)
    problem = only(text)
    assert problem.line == line_of(text, "Grafanna")
    assert (problem.expected, problem.hint) == ('"Grafana"', 'did you mean "Grafana"?')


# --------------------------------------------------------------------------------- what a place offers


def without_environment(text: str) -> str:
    """The small plan with no environment for its second phase."""
    head, separator, tail = text.partition('id = "success"')
    return head + separator + tail.replace('environment = "production"\n', "", 1)


def test_an_objective_check_needs_an_environment() -> None:
    text = without_environment(SMALL)
    problem = only(text)
    assert problem.line == line_of(text, "objective = ")
    assert problem.found == '"objective" in a phase without environment'
    assert '"production"' in problem.expected


def test_a_check_may_name_an_environment_of_its_own() -> None:
    text = without_environment(SMALL)
    assert (
        problems_of(changed(('"error-rate" }', '"error-rate", environment = "production" }'), text=text))
        == ()
    )


def test_an_action_on_a_cluster_needs_an_environment() -> None:
    text = changed(
        ('needs = ["deploy"]\n', 'needs = ["deploy"]\n'),
        ('title = "Figures"', 'title = "Figures"\nactions = [{ wait = "rollout" }]'),
    )
    assert only(without_environment(text).replace('objective = "error-rate"', 'shell = "true"')).found == (
        '"wait" in a phase without environment'
    )


def test_an_objective_check_needs_a_prometheus() -> None:
    text = changed(('prometheus = { url = "http://localhost:9090" }\n', ""))
    problem = only(text)
    assert problem.line == line_of(text, "objective = ")
    assert "has no Prometheus" in problem.found


def test_an_objective_check_needs_an_environment_in_which_it_is_watched() -> None:
    text = changed(
        ('target = "< 0.1"', 'target = "< 0.1"\nenvironments = ["test"]'),
        (
            "[[objectives]]",
            '[environments.test]\ntargets = [{ context = "t" }]\nworkloads = ["deployment/web"]\n'
            "[[objectives]]",
        ),
    )
    problem = only(text)
    assert problem.line == line_of(text, "objective = ")
    assert (problem.found, problem.expected) == (
        'an objective that is not watched in "production"',
        'an environment it is watched in: "test"',
    )


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('pods = "ready" }', 'pods = "ready", expect = 200 }', '"expect" with "pods"'),
        ('pods = "ready" }', 'pods = "ready", window = "5m" }', '"window" with "pods"'),
        ('wait = "rollout" }', 'wait = "rollout", folder = "x" }', '"folder" with "wait"'),
    ],
)
def test_an_option_that_would_be_ignored_is_told(old: str, new: str, found: str) -> None:
    text = changed((old, new))
    problem = only(text)
    assert (problem.line, problem.found) == (line_of(text, new), found)


@pytest.mark.parametrize(("target", "when"), [("< 0.1", "> 0.05"), ("< 1", "< 2"), (">= 5", "<= 5")])
def test_a_rollback_line_within_the_target_is_told(target: str, when: str) -> None:
    text = changed(('target = "< 0.1"', f'target = "{target}"'), ('when = "> 1"', f'when = "{when}"'))
    problem = only(text)
    assert problem.place == "objectives[error-rate].rollback.when"
    assert target in problem.expected


# ------------------------------------------------------------------------------------------- variables


@pytest.mark.parametrize(
    ("old", "new", "variable"),
    [
        ('"GET $site/"', '"GET $sight/"', "$sight"),
        ('"GET $site/"', '"GET ${sight}/"', "$sight"),
        ('"GET $site/" }', '"GET $site/", headers = { A = "$token" } }', "$token"),
        ('"GET $site/" }', '"POST $site/", body = "$token" }', "$token"),
        ('apply = "manifests/"', 'apply = "$folder/"', "$folder"),
        ("""traffic = 'sum(""", """traffic = '$space + sum(""", "$space"),
    ],
)
def test_a_variable_that_nothing_defines_is_told_with_those_there_are(
    old: str, new: str, variable: str
) -> None:
    text = changed((old, new))
    problem = only(text)
    assert problem.line == line_of(text, new)
    assert problem.found == f'{variable} that has no value in "production"'
    assert '"$site"' in problem.expected
    assert '"$namespace"' in problem.expected


def test_a_variable_that_only_some_environments_define_is_told_once() -> None:
    text = changed(('{ api = "https://uat-api', '{ app = "https://uat-api'), text=SAMPLE)
    found = {problem.found for problem in problems_of(text)}
    assert found == {'$api that has no value in "uat"'}
    query = changed(('code=~"5.."', 'code=~"$codes"'), text=SAMPLE)
    assert only(query).found == '$codes that has no value in "staging" and "uat" and "production"'


@pytest.mark.parametrize(
    "query", ["up{pod=~'web-.*$'}", "up{a='$window$workload$pods'}", "up{a='$$literal'}"]
)
def test_dollars_of_promql_and_the_variables_of_objectives_are_no_problem(query: str) -> None:
    assert problems_of(re.sub(r"traffic = .*", lambda _: f'traffic = "{query}"', SMALL)) == ()


def test_a_shell_command_may_use_the_variables_of_its_shell() -> None:
    text = changed(('wait = "rollout"', """shell = 'for i in 1 2; do echo "$i $HOME ${x:-}"; done'"""))
    assert problems_of(text) == ()


@pytest.mark.parametrize("name", ["namespace", "version", '"a-b"', "1st"])
def test_a_variable_that_could_never_be_used_is_told(name: str) -> None:
    text = changed(("variables = { site", f'variables = {{ {name} = "x", site'))
    problem = only(text)
    assert problem.line == line_of(text, "variables = ")
    assert problem.found == f'the variable "{name.strip(chr(34))}"'


def test_a_long_window_that_the_query_does_not_use_is_told() -> None:
    line = 'rollback = { when = "> 1", for = "1m" }'
    long = 'rollback = { when = "> 1", for = "1m", long_window = "1h" }'
    problem = only(changed((line, long)))
    assert problem.found == '"long_window", and a query without $window'
    assert problem.place == "objectives[error-rate].rollback.long_window"
    assert problems_of(changed((line, long)).replace("[1m]", "[$window]")) == ()
