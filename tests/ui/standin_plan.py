"""A small plan with every kind of item, for the tests of the frame."""

from __future__ import annotations

from typing import Any

from standin_views import SERVICES

from releaseconsole.plan.model import Plan


def sample_plan() -> Plan:
    """A small HealthPay: eight phases, two environments, every kind of item."""
    workloads = [f"deployment/{name}" for name in SERVICES]
    return Plan.model_validate(
        {
            "release": {"name": "healthpay", "title": "HealthPay wallet", "version": "1.0.0"},
            "environments": {
                "staging": _environment("green", "staging", workloads),
                "production": _environment("red", "prod-eu", workloads),
            },
            "objectives": [
                {"id": "error-rate", "title": "error rate", "query": "e", "unit": "%", "target": "< 0.1"},
                {"id": "p99", "query": "p", "unit": "ms", "target": "< 50"},
            ],
            "phases": [
                _phase("pre", "Pre-deployment", [_step("code", "Code quality", _texts("Code review", 7))]),
                _phase("staging", "Staging", [_deploy_step("staging")], environment="staging", when="Day 1"),
                _phase("uat", "UAT", [_step("uat-tests", "Acceptance", _texts("UAT case", 3))]),
                _phase(
                    "production",
                    "Production",
                    [_deploy_step("production"), _manual_step()],
                    environment="production",
                    needs=["uat"],
                    gate="go/no-go",
                    kind="deploy",
                ),
                _phase(
                    "rollback",
                    "Rollback",
                    [
                        _step(
                            "after-rollback",
                            "After a rollback",
                            _texts("Rolled-back check", 4),
                            actions=[
                                {"id": "undo", "title": "roll everything back", "rollback": "workloads"}
                            ],
                        )
                    ],
                    environment="production",
                    kind="rollback",
                ),
                _phase(
                    "success", "Success criteria", [_step("success", "Technical", _texts("Criterion", 11))]
                ),
                _phase("after", "Post-deployment", [_step("after", "Day one", _texts("Afterwards", 4))]),
                _phase("sign-off", "Sign-off", [_sign_step()], kind="sign-off"),
            ],
        }
    )


def _environment(colour: str, context: str, workloads: list[str]) -> dict[str, Any]:
    return {
        "colour": colour,
        "targets": [{"context": context, "namespace": "healthpay"}],
        "workloads": workloads,
        "links": {"Grafana": "https://grafana.example"},
    }


def _phase(phase_id: str, title: str, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": phase_id, "title": title, "steps": steps, **more}


def _step(step_id: str, title: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": step_id, "title": title, "items": items, **more}


def _texts(text: str, count: int) -> list[dict[str, Any]]:
    name = text.lower().replace(" ", "-")
    return [{"id": f"{name}-{n}", "text": f"{text} {n}"} for n in range(1, count + 1)]


def _deploy_step(env_id: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {"id": f"{env_id}-pods", "text": "All pods running", "check": {"pods": "ready"}},
        {"id": f"{env_id}-errors", "text": "Error rate within target", "check": {"objective": "error-rate"}},
        {"id": f"{env_id}-otp", "text": "OTP rate limiting works", "check": {"http": "POST $api/send-otp"}},
    ]
    actions = [
        {"id": f"{env_id}-apply", "apply": "deployment/k8s/"},
        {"id": f"{env_id}-wait", "wait": "rollout"},
    ]
    return _step(f"{env_id}-deploy", "Deploy", items, actions=actions)


def _manual_step() -> dict[str, Any]:
    return _step(
        "production-watch",
        "Watch",
        [
            {"id": "support", "text": "Support team standing by"},
            {"id": "backup", "text": "Backup taken"},
            {"id": "tps", "text": "Throughput measured", "target": ">= 8500", "unit": "TPS"},
            {"id": "cache", "text": "Cache [warm] on every node [/]"},
        ],
    )


def _sign_step() -> dict[str, Any]:
    return _step(
        "approvals",
        "Approvals",
        [{"id": "cto", "text": "Release approved", "role": "CTO"}],
    )
