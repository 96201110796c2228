"""The JSON Schema says what the loader takes."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from plan_texts import SAMPLE, SMALL, changed

from releaseconsole.plan.model import ACTION_KINDS, CHECK_FAMILIES
from releaseconsole.plan.schema import json_schema

TYPES: dict[str, Any] = {
    "string": str, "object": dict, "array": list, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def misfits(value: Any, rule: dict[str, Any], root: dict[str, Any], path: str = "") -> list[str]:
    """Where ``value`` breaks the parts of JSON Schema that this schema is made of."""
    if "$ref" in rule:
        return misfits(value, root["$defs"][rule["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in rule:
        choices = [misfits(value, choice, root, path) for choice in rule["anyOf"]]
        return [] if any(not choice for choice in choices) else choices[0]
    if "type" in rule and not isinstance(value, TYPES[rule["type"]]):
        return [f"{path}: {rule['type']}"]
    return [*_plain(value, rule, path), *_inside(value, rule, root, path)]


def _plain(value: Any, rule: dict[str, Any], path: str) -> list[str]:
    broken = [
        "enum" in rule and value not in rule["enum"],
        "const" in rule and value != rule["const"],
        "pattern" in rule and not re.search(rule["pattern"], value),
        "minLength" in rule and len(value) < rule["minLength"],
        "minItems" in rule and len(value) < rule["minItems"],
        "maximum" in rule and value > rule["maximum"],
        "required" in rule and not set(rule["required"]) <= set(value),
        "oneOf" in rule and sum(set(choice["required"]) <= set(value) for choice in rule["oneOf"]) != 1,
    ]
    return [f"{path}: breaks {rule.get('title', rule)}"] if any(broken) else []


def _inside(value: Any, rule: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    if isinstance(value, list):
        rules = [(rule.get("items", {}), each, f"{path}[{number}]") for number, each in enumerate(value)]
        return [found for inner, each, place in rules for found in misfits(each, inner, root, place)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for key, each in value.items():
        known = rule.get("properties", {}).get(key, rule.get("additionalProperties", {}))
        for pattern, inner in rule.get("patternProperties", {}).items():
            known = inner if re.search(pattern, key) else known
        found += [f"{path}.{key}: unknown"] if known is False else misfits(each, known, root, f"{path}.{key}")
    return found


@pytest.mark.parametrize("text", [SAMPLE, SMALL], ids=["healthpay", "small"])
def test_the_samples_fit_the_schema(schema: dict[str, Any], text: str) -> None:
    assert misfits(tomllib.loads(text), schema, schema) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('pods = "ready"', 'pods = "redy"', ".phases[0].steps[0].items[0].check.pods"),
        ('pods = "ready"', 'pod = "ready"', ".phases[0].steps[0].items[0].check.pod"),
        ('{ pods = "ready" }', "{}", ".phases[0].steps[0].items[0].check"),
        ('target = "< 0.1"', 'target = "0.1"', ".objectives[0].target"),
        ('for = "1m"', 'for = "1 minute"', ".objectives[0].rollback.for"),
        ('title = "Shop"\n', "", ".release"),
        ('"deployment/web"', '"web"', ".environments.production.workloads[0]"),
        ('colour = "red"', 'colour = "pink"', ".environments.production.colour"),
        ('wait = "rollout"', 'wait = "rollout", apply = "x"', ".phases[0].steps[0].actions[2]"),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses_too(
    schema: dict[str, Any], old: str, new: str, path: str
) -> None:
    found = misfits(tomllib.loads(changed((old, new))), schema, schema)
    assert any(each.startswith(path) for each in found), found


def test_it_is_named_for_editors(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("urn:releaseconsole:plan:")
    assert schema["title"] == "Release Console plan"


def test_it_offers_every_check_and_every_action(schema: dict[str, Any]) -> None:
    assert set(CHECK_FAMILIES) < set(schema["$defs"]["Check"]["properties"])
    assert set(ACTION_KINDS) < set(schema["$defs"]["Action"]["properties"])


def test_it_names_keys_as_the_file_does(schema: dict[str, Any]) -> None:
    assert {"when", "for"} < set(schema["$defs"]["Rollback"]["properties"])
    assert "hold" not in schema["$defs"]["Rollback"]["properties"]


def test_it_explains_tables_and_keys(schema: dict[str, Any]) -> None:
    assert all(definition.get("description") for definition in schema["$defs"].values())
    assert "sh -c" in schema["$defs"]["Action"]["properties"]["shell"]["description"]


def test_it_offers_no_null_which_toml_cannot_write(schema: dict[str, Any]) -> None:
    assert "null" not in json.dumps(schema)
