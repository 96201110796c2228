"""Variables are filled in, and environments can be pointed elsewhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_texts import SAMPLE, SMALL

from releaseconsole.errors import PlanError
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan, Prometheus, Target
from releaseconsole.plan.variables import (
    environment_values,
    substitute,
    substitute_shell,
    variables_in,
    with_overrides,
)


@pytest.fixture(scope="module")
def healthpay() -> Plan:
    return parse_plan(SAMPLE, "healthpay.toml")


VALUES = {"api": "https://x", "namespace": "shop", "a_1": "$api"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("GET $api/health", "GET https://x/health"),
        ("GET ${api}health", "GET https://xhealth"),
        ("$api$namespace", "https://xshop"),
        ("costs $5 or $$5", "costs $5 or $5"),
        ("$$api", "$api"),
        ("$$$api", "$https://x"),
        ('pod=~"web-.*$"', 'pod=~"web-.*$"'),
        ("$a_1", "$api"),
        ("${api", "${api"),
        ("$", "$"),
        ("", ""),
    ],
)
def test_names_are_filled_in_once_and_other_dollars_stay(text: str, filled: str) -> None:
    assert substitute(text, VALUES) == filled


def test_a_name_without_a_value_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(PlanError, match=r"\$apy") as caught:
        substitute("GET $apy/", VALUES)
    assert "variables" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("curl $api/health", "curl https://x/health"),
        ('for i in 1 2; do echo "$i ${i} $HOME $1 $? $$ ${x:-y}"; done',) * 2,
        ("echo ${namespace} ${namespace:-none}", "echo shop ${namespace:-none}"),
        ("echo $namespaces", "echo $namespaces"),
        ("echo $(date) `date`",) * 2,
        ("echo $$api", "echo $$api"),
    ],
)
def test_in_a_shell_command_only_known_names_are_filled_in(text: str, filled: str) -> None:
    assert substitute_shell(text, VALUES) == filled


def test_the_names_in_a_text_are_found_once_each_in_order() -> None:
    assert variables_in("$b ${a} $b $$c $5 ${d:-e} $") == ("b", "a")


@given(st.text(alphabet="$ab{}_ 1", max_size=30))
def test_a_text_is_filled_in_exactly_when_all_its_names_have_a_value(text: str) -> None:
    names = variables_in(text)
    substitute(text, dict.fromkeys(names, "x"))
    for name in names:
        with pytest.raises(PlanError):
            substitute(text, {other: "x" for other in names if other != name})


def test_an_environment_gives_its_own_values_and_the_built_in_ones(healthpay: Plan) -> None:
    target = healthpay.environments["staging"].targets[0]
    assert environment_values(healthpay, "staging", target) == {
        "api": "https://staging-api.healthpay.com",
        "name": "healthpay",
        "version": "1.0.0",
        "environment": "staging",
        "context": "staging",
        "namespace": "healthpay",
    }


def test_without_an_environment_only_the_release_has_values(healthpay: Plan) -> None:
    assert environment_values(healthpay, None, None) == {"name": "healthpay", "version": "1.0.0"}


def test_environments_are_pointed_elsewhere_and_the_rest_stays(healthpay: Plan) -> None:
    moved = with_overrides(
        healthpay,
        {
            "staging": {
                "variables": {"api": "http://127.0.0.1:1", "more": "x"},
                "prometheus_url": "http://127.0.0.1:2",
                "targets": [{"context": "practice", "namespace": "other"}],
                "links": {"Logs": "http://127.0.0.1:3"},
            }
        },
    )
    staging, before = moved.environments["staging"], healthpay.environments["staging"]
    assert staging.variables == {"api": "http://127.0.0.1:1", "more": "x"}
    assert staging.prometheus == Prometheus(url="http://127.0.0.1:2")
    assert staging.targets == (Target(context="practice", namespace="other"),)
    assert staging.links == {**before.links, "Logs": "http://127.0.0.1:3"}
    assert staging.workloads == before.workloads
    assert moved.environments["production"] is healthpay.environments["production"]
    assert moved.phases == healthpay.phases
    assert before.variables == {"api": "https://staging-api.healthpay.com"}


def test_credentials_of_the_real_prometheus_do_not_go_to_another() -> None:
    text = SMALL.replace(
        '9090" }', '9090", token_env = "TOKEN", headers = { A = "secret" }, timeout = "2s" }'
    )
    moved = with_overrides(parse_plan(text, "p"), {"production": {"prometheus_url": "http://127.0.0.1:1"}})
    assert moved.environments["production"].prometheus == Prometheus(url="http://127.0.0.1:1", timeout=2.0)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], "a table of environments"),
        ({"stagin": {}}, 'did you mean "staging"?'),
        ({"staging": 5}, "found 5"),
        ({"staging": {"prometheus": "x"}}, 'the unknown key "prometheus"'),
        ({"staging": {"variables": ["x"]}}, "a list of 1"),
        ({"staging": {"variables": {"api": 5}}}, "staging.variables.api"),
        ({"staging": {"prometheus_url": "ftp://x"}}, "staging.prometheus.url"),
        ({"staging": {"targets": []}}, "staging.targets"),
        ({"staging": {"targets": [{"context": math.nan}]}}, "staging.targets.0.context"),
    ],
)
def test_overrides_that_do_not_fit_are_told(
    healthpay: Plan, overrides: dict[str, object], words: str
) -> None:
    with pytest.raises(PlanError) as caught:
        with_overrides(healthpay, overrides)
    assert words in "\n".join(map(str, caught.value.problems))
    assert caught.value.remedy


def test_all_overrides_that_do_not_fit_are_told_at_once(healthpay: Plan) -> None:
    with pytest.raises(PlanError) as caught:
        with_overrides(healthpay, {"nowhere": {}, "staging": {"a": 1, "b": 2}, "uat": {"targets": 1}})
    assert len(caught.value.problems) == 4
