"""The JSON Schema of a plan, with which an editor completes keys and explains them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from releaseconsole.plan.model import ACTION_KINDS, CHECK_FAMILIES, Plan

SCHEMA_ID = "urn:releaseconsole:plan:1"
_ONE_OF = {"Check": CHECK_FAMILIES, "Action": ACTION_KINDS}


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a plan's TOML, described by the docstrings of the models."""
    schema = _without_null(Plan.model_json_schema(by_alias=True))
    for model in _models(BaseModel):
        _describe(schema["$defs"].get(model.__name__, {}), model)
    for name, keys in _ONE_OF.items():
        schema["$defs"][name]["oneOf"] = [{"required": [key]} for key in keys]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **schema,
        "title": "Release Console plan",
        "description": "What a release is made of: environments, objectives, and phases with their steps.",
    }


def _models(base: type[BaseModel]) -> list[type[BaseModel]]:
    """The models of the plan."""
    below = [model for child in base.__subclasses__() for model in [child, *_models(child)]]
    return [model for model in below if model.__module__ == Plan.__module__]


def _describe(definition: dict[str, Any], model: type[BaseModel]) -> None:
    for name, words in _attribute_docs(model).items():
        field = model.model_fields.get(name)
        key = (field.alias or name) if field else name
        if key in definition.get("properties", {}):
            definition["properties"][key]["description"] = words


def _attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """The text below each attribute of the class, where there is one."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError):
        # Without the source the schema is complete but for these texts.
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, str] = {}
    for before, after in pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_text:
            docs[before.target.id] = inspect.cleandoc(str(ast.literal_eval(after.value)))  # type: ignore[attr-defined]
    return docs


def _without_null(node: Any) -> Any:
    """The schema without the null that TOML cannot write, and without the defaults that say it."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    clean = {
        key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)
    }
    choices = [each for each in clean.get("anyOf", ()) if each != {"type": "null"}]
    if "anyOf" not in clean or len(choices) == len(clean["anyOf"]):
        return clean
    del clean["anyOf"]
    return {**clean, **choices[0]} if len(choices) == 1 else {**clean, "anyOf": choices}
