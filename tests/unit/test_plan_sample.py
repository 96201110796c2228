"""The sample plans hold the whole checklist: its items, its commands, its numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from releaseconsole.plan.load import load_plan
from releaseconsole.plan.model import Action, Plan

SAMPLES = Path(__file__).parents[2] / "sample_configs"

# Items of each step, as they are counted in the document.
COUNTS = """
pre-deployment   7 12 5 9 9 10 8 9 7 5
staging          4 6 5
uat              10 4 5
production       5 5 7 6
rollback         4
success          6 5
post-deployment  4 5 4 4
sign-off         3 1 2
"""

THRESHOLDS = {100, 70, 60, 8500, 50, 0.1, 1, 500, 99.9, 99, 4.5, 80, 90, 64, 2}

SERVICES = ("deployment/command-service", "deployment/api-gateway", "deployment/query-service")

OTP = "POST $api/api/auth/send-otp"
PHONE = '{"phone":"01012345678"}'

# Each command of the document: the phase, and what the action that stands for it must say.
COMMANDS = [
    ("staging", {"shell": "git checkout develop"}),
    ("staging", {"shell": "git pull origin develop"}),
    ("staging", {"shell": "docker-compose build"}),
    ("staging", {"apply": "deployment/k8s/"}),
    ("staging", {"get": "pods"}),
    ("staging", {"get": "services"}),
    ("staging", {"http": OTP, "body": PHONE, "repeat": 1}),
    ("staging", {"http": OTP, "body": PHONE, "repeat": 4, "expect": 429}),
    ("staging", {"http": "GET $api/api/wallet/123/balance", "expect": 401}),
    ("staging", {"logs": "deployment/command-service"}),
    ("staging", {"logs": "deployment/api-gateway"}),
    ("staging", {"open": "Grafana"}),
    ("uat", {"shell": "npm run load-test", "folder": "tests/load"}),
    ("uat", {"shell": "cat load-test-results.txt", "folder": "tests/load"}),
    ("production", {"apply": "deployment/k8s/"}),
    ("production", {"wait": "rollout"}),
    ("production", {"http": OTP, "body": PHONE, "repeat": 1}),
    ("production", {"open": "Grafana"}),
    ("rollback", {"rollback": "workloads"}),
    ("rollback", {"wait": "rollout"}),
    ("rollback", {"logs": "deployment/command-service"}),
]


@pytest.fixture(scope="module")
def healthpay() -> Plan:
    return load_plan(SAMPLES / "healthpay.toml")


def counted() -> dict[str, list[int]]:
    rows = (line.split() for line in COUNTS.strip().splitlines())
    return {name: [int(number) for number in numbers] for name, *numbers in rows}


def actions_of(plan: Plan, phase: str) -> list[Action]:
    return [placed.action for placed in plan.actions.values() if placed.phase.id == phase]


def matches(action: Action, wanted: dict[str, object]) -> bool:
    return all(getattr(action, key) == value for key, value in wanted.items())


def test_every_section_of_the_document_has_all_its_items(healthpay: Plan) -> None:
    found = {phase.id: [len(step.items) for step in phase.steps] for phase in healthpay.phases}
    assert found == counted()
    assert list(found) == list(counted())


def test_its_176_items_have_ids_of_their_own(healthpay: Plan) -> None:
    ids = [item.id for phase in healthpay.phases for item in phase.items()]
    assert len(ids) == len(set(ids)) == len(healthpay.items) == 176


def test_no_two_items_of_a_step_say_the_same(healthpay: Plan) -> None:
    for phase in healthpay.phases:
        for step in phase.steps:
            texts = [item.text for item in step.items]
            assert len(texts) == len(set(texts))


@pytest.mark.parametrize(("phase", "wanted"), COMMANDS, ids=lambda value: str(value))
def test_each_command_of_the_document_is_an_action(
    healthpay: Plan, phase: str, wanted: dict[str, object]
) -> None:
    assert any(matches(action, wanted) for action in actions_of(healthpay, phase))


def test_the_request_with_a_false_token_carries_it(healthpay: Plan) -> None:
    action = healthpay.actions["staging-bad-token"].action
    assert action.headers == {"Authorization": "Bearer invalid-token"}


def test_every_action_has_an_id_that_stays_when_others_are_added(healthpay: Plan) -> None:
    assert all(placed.action.id == action_id for action_id, placed in healthpay.actions.items())


def test_every_deploy_pins_before_it_applies_and_waits_afterwards(healthpay: Plan) -> None:
    for phase in healthpay.phases:
        for step in phase.steps:
            kinds = [action.kind for action in step.actions]
            if "apply" in kinds:
                assert kinds.index("pin") < kinds.index("apply") < kinds.index("wait")


def test_its_numbers_are_those_of_the_document(healthpay: Plan) -> None:
    bounds = [objective.target for objective in healthpay.objectives]
    bounds += [objective.rollback.when for objective in healthpay.objectives if objective.rollback]
    bounds += [placed.item.target for placed in healthpay.items.values() if placed.item.target]
    assert {bound.value for bound in bounds} == THRESHOLDS


@pytest.mark.parametrize(
    ("objective", "target", "rollback"),
    [
        ("error-rate", "< 0.1", "> 1"),
        ("latency-p99", "< 50", "> 500"),
        ("response-time", "< 100", None),
        ("memory", "< 70", None),
        ("cpu", "< 60", None),
        ("throughput", "> 8,500", None),
        ("uptime", "> 99.9", None),
        ("sms-delivery", "> 99", None),
        ("db-connections", "< 80", None),
    ],
)
def test_each_objective_has_its_target_and_its_rollback_line(
    healthpay: Plan, objective: str, target: str, rollback: str | None
) -> None:
    found = healthpay.objective(objective)
    assert str(found.target) == target
    assert (str(found.rollback.when) if found.rollback else None) == rollback
    assert found.rollback is None or found.rollback.hold == 60


def test_numbers_that_only_people_know_are_asked_of_whoever_ticks(healthpay: Plan) -> None:
    asked = {
        placed.item.id: f"{placed.item.target} {placed.item.unit}"
        for placed in healthpay.items.values()
        if placed.item.target
    }
    assert asked == {
        "pre-code-review": ">= 2 reviewers",
        "pre-sec-jwt-strong": ">= 64 characters",
        "pre-test-unit": "> 80 %",
        "success-satisfaction": "> 4.5 /5",
        "post-week2-coverage": "> 90 %",
    }


def test_the_three_services_run_in_three_environments(healthpay: Plan) -> None:
    assert list(healthpay.environments) == ["staging", "uat", "production"]
    for name, environment in healthpay.environments.items():
        assert [str(target) for target in environment.targets] == [f"{name}/healthpay"]
        assert environment.workloads == SERVICES
        assert environment.prometheus is not None
    assert len({environment.colour for environment in healthpay.environments.values()}) == 3
    assert healthpay.environments["production"].colour == "red"


def test_the_phases_follow_each_other_and_the_way_back_is_always_open(healthpay: Plan) -> None:
    assert {phase.id: phase.needs for phase in healthpay.phases} == {
        "pre-deployment": (),
        "staging": ("pre-deployment",),
        "uat": ("staging",),
        "production": ("uat",),
        "rollback": (),
        "success": ("production",),
        "post-deployment": ("production",),
        "sign-off": ("success",),
    }
    assert [phase.id for phase in healthpay.phases if phase.gate] == ["production"]
    assert healthpay.phase("rollback").kind == "rollback"
    assert healthpay.phase("sign-off").kind == "sign-off"


def test_it_tells_the_risk_the_time_and_whom_to_call(healthpay: Plan) -> None:
    assert healthpay.release.risk == "medium"
    assert healthpay.release.risk_note
    assert healthpay.release.estimate == 4 * 86400
    assert len(healthpay.contacts) == 8
    assert {contact.team for contact in healthpay.contacts} == {"Technical", "Business", "External"}


def test_two_of_the_five_reasons_to_go_back_are_measured(healthpay: Plan) -> None:
    assert [criterion.objective for criterion in healthpay.criteria] == [
        "error-rate", "latency-p99", None, None, None,
    ]  # fmt: skip


def test_each_signature_belongs_to_a_role(healthpay: Plan) -> None:
    roles = [item.role for item in healthpay.phase("sign-off").items()]
    assert roles == ["Backend Lead", "Frontend Lead", "DevOps Lead", "QA Lead", "Product Manager", "CTO"]


def test_the_read_me_tells_the_numbers_of_the_sample(healthpay: Plan) -> None:
    words = (SAMPLES / "README.md").read_text("utf-8")
    checks = sum(placed.item.check is not None for placed in healthpay.items.values())
    numbers = [
        int(number)
        for number in re.findall(r"\d+", next(li for li in words.splitlines() if "healthpay" in li))
    ]
    assert numbers == [len(healthpay.phases), len(healthpay.items), checks, len(healthpay.objectives)]


def test_the_small_plan_is_small() -> None:
    plan = load_plan(SAMPLES / "small.toml")
    assert len(plan.environments) == 1
    assert len(plan.phases) == 2
    assert len(plan.items) == 6
