"""The line index finds every key and element of a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaseconsole.plan.lines import LineIndex, Position

SAMPLES = Path(__file__).parents[2] / "sample_configs"

TRICKY = """\
a.b."c d" = 1  # not = this
text = '''
[not.a.table]
key = "nor this"
'''
more = \"\"\"
quote \\\"\"\" and "two quotes at the end\"\"\"\"\"
[outer] # comment
list = [
    1, "]", # a comment with ] and ,
    { x = 1, y = [ "}", 2 ] },

    [ 3,
      4 ],
]
last = 'it is # no comment'

[[outer.many]]
id = 1
[[outer.many.inner]]
id = 2
[[outer.many.inner]]
id = 3
[outer.many.inner.table]
id = 4
[[outer.many]]
id = 5
[[outer.many.inner]]
id = 6
["quoted.name".'other']
id = 7
when = 2025-12-17 10:00:00
"""


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every path inside ``value``, with what stands there."""
    if path:
        yield path, value
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from paths(inner, (*path, key))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("a", "b", "c d"), 1),
        (("text",), 2),
        (("more",), 6),
        (("outer",), 8),
        (("outer", "list"), 9),
        (("outer", "list", 1), 10),
        (("outer", "list", 2), 11),
        (("outer", "list", 2, "y", 1), 11),
        (("outer", "list", 3), 13),
        (("outer", "list", 3, 1), 14),
        (("outer", "last"), 16),
        (("outer", "many"), 18),
        (("outer", "many", 0, "id"), 19),
        (("outer", "many", 0, "inner", 1), 22),
        (("outer", "many", 0, "inner", 1, "table", "id"), 25),
        (("outer", "many", 1), 26),
        (("outer", "many", 1, "inner", 0, "id"), 29),
        (("quoted.name", "other", "id"), 31),
        (("quoted.name", "other", "when"), 32),
    ],
    ids=lambda value: str(value),
)
def test_it_finds_the_line_of_a_path(path: tuple[str | int, ...], line: int) -> None:
    assert LineIndex(TRICKY).find(path).line == line


def test_a_column_points_at_the_key() -> None:
    assert LineIndex(TRICKY).find(("outer", "list", 2, "y")) == Position(11, 14)


def test_what_is_missing_is_placed_at_the_nearest_thing_around_it() -> None:
    index = LineIndex(TRICKY)
    assert index.find(("outer", "many", 1, "inner", 0, "title")) == Position(28)
    assert index.find(("outer", "many", 7, "title")) == Position(18)
    assert index.find(("nothing",)) == Position(1)


def test_an_empty_text_has_one_line() -> None:
    assert LineIndex("").find(("release",)) == Position(1)


def test_no_path_of_the_tricky_text_is_lost() -> None:
    index = LineIndex(TRICKY)
    lost = [path for path, _value in paths(tomllib.loads(TRICKY)) if index.find(path).column == 0]
    assert lost == []


@pytest.mark.parametrize("name", ["healthpay.toml", "small.toml"])
def test_every_key_of_a_sample_is_found_where_it_stands(name: str) -> None:
    text = (SAMPLES / name).read_text("utf-8")
    index, lines = LineIndex(text), text.splitlines()
    checked = 0
    for path, value in paths(tomllib.loads(text)):
        position = index.find(path)
        here = lines[position.line - 1][position.column - 1 :]
        assert position.column > 0
        if isinstance(path[-1], str) and isinstance(value, str):
            assert here.startswith(
                (f'{path[-1]} = "{value}"', f"{path[-1]} = '{value}'", f"{path[-1]} = '''{value}")
            )
            checked += 1
        elif isinstance(value, str):
            assert here.startswith(f'"{value}"')
            checked += 1
    assert checked > 20


def test_hostile_depth_costs_nothing_and_breaks_nothing() -> None:
    deep = ".".join("a" * 2000) + " = 1\nb = 2"
    assert LineIndex(deep).find(("b",)).line == 2
    assert LineIndex("a = " + "[" * 5000).find(("a",)).line == 1
