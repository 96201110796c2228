"""What changes from one state of an object to the next, as a readable YAML diff. Pure.

A unified diff whose hunks are headed by the path of what they are about, without what changes with every write.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster.text import clean
from releaseconsole.text import ELLIPSIS

if TYPE_CHECKING:
    import yaml

MOST_LINES = 400
"""Lines of one diff."""
MOST_COMPARED = 6_000
"""Lines of either state that differ, up to which they are compared one by one."""
LONGEST = 400
"""Characters of one line."""
_AROUND = 2
_LEAD = 40
_NOISE = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")

Body = Mapping[str, Any]


def comparable(body: Body | None) -> dict[str, Any]:
    """``body`` without its status and what the API server keeps in its metadata; {} for None."""
    if body is None:
        return {}
    metadata = body.get("metadata")
    kept = {key: value for key, value in body.items() if key != "status"}
    if isinstance(metadata, dict):
        kept["metadata"] = {key: value for key, value in metadata.items() if key not in _NOISE}
    return kept


def object_diff(before: Body | None, after: Body) -> tuple[str, ...]:
    """A diff of both as YAML: lines that begin with ``-``, ``+`` or a space, and ``@@ path @@`` over each part.

    At most ``MOST_LINES`` lines of bounded length; what is left out is counted in the last one.
    """
    old, new = _yaml_lines(comparable(before)), _yaml_lines(comparable(after))
    if before is None:
        return _bounded([f"+{one}" for one in new])
    start, end = _same_ends(old, new)
    if max(len(old), len(new)) - start - end > MOST_COMPARED:
        return (f"@@ too much differs to be shown: {len(old):,} lines before, {len(new):,} after @@",)
    return _bounded(list(_hunks(old, new, start, end)))


def replaced(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of ``before`` that is another one in ``after``, or none, with its path; sorted by keys."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before, key=str):
            if key not in after or before[key] != after[key]:
                yield from replaced(before[key], after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip_longest(before, after[: len(before)])):
            if old != new:
                yield from replaced(old, new, f"{path}[{number}]")
    else:
        yield path, before


def _same_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines both have in common at their beginning, and at their end."""
    most = min(len(old), len(new))
    start = next((n for n in range(most) if old[n] != new[n]), most)
    end = next((n for n in range(most - start) if old[-1 - n] != new[-1 - n]), most - start)
    return start, end


def _hunks(old: list[str], new: list[str], start: int, end: int) -> Iterator[str]:
    """The parts that differ, each under its path."""
    lead = max(0, start - _AROUND)
    tail = max(0, end - _AROUND)
    left, right = old[lead : len(old) - tail], new[lead : len(new) - tail]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=len(left) > 500)
    for group in matcher.get_grouped_opcodes(_AROUND):
        first = next(code for code in group if code[0] != "equal")
        lines, number = (old, first[1]) if first[0] == "delete" else (new, first[3])
        path = _path(lines, lead + number)
        yield f"@@ {path} @@" if path else "@@"
        for tag, i1, i2, j1, j2 in group:
            yield from _block(tag, left[i1:i2], right[j1:j2])


def _block(tag: str, old: list[str], new: list[str]) -> Iterator[str]:
    if tag == "equal":
        yield from (f" {one}" for one in old)
        return
    pairs = list(zip_longest(old, new, fillvalue=""))
    yield from ("-" + _window(one, other) for one, other in pairs[: len(old)])
    yield from ("+" + _window(one, other) for other, one in pairs[: len(new)])


def _window(text: str, other: str) -> str:
    """The part of a long line where it differs from the line that takes its place."""
    if len(text) <= LONGEST:
        return text
    same = next((n for n, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return text if same < LONGEST - _LEAD else ELLIPSIS + text[same - _LEAD :]


def _bounded(lines: list[str]) -> tuple[str, ...]:
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"@@ {len(lines) - MOST_LINES:,} more lines @@"]
    return tuple(clean(one, LONGEST) for one in lines)


def _path(lines: Sequence[str], number: int) -> str:
    """The keys around a line of YAML: ``spec.template.spec.containers[api]``."""
    found: list[str] = []
    if number >= len(lines):
        return ""
    # A line that begins an item of a list is inside of that item.
    begins = _depth(lines[number]) % 2
    depth = _depth(lines[number]) + begins
    for at in range(number - 1 + begins, -1, -1):
        here = _depth(lines[at])
        if here < depth:
            found.append(_item(lines, at) if here % 2 else "." + _key(lines[at]))
            depth = here
        if depth <= 0:
            break
    return "".join(reversed(found)).lstrip(".")


def _depth(line: str) -> int:
    """How deep a line is; the dash of a list's item lies between the list's key and the item's own keys."""
    bare = line.lstrip(" ")
    return len(line) - len(bare) + (1 if bare.startswith("- ") else 0)


def _key(line: str) -> str:
    return line.strip().partition(":")[0][:60]


def _item(lines: Sequence[str], at: int) -> str:
    """``[api]``, by the name of the list's item that begins at that line."""
    inside = len(lines[at]) - len(lines[at].lstrip(" ")) + 2
    for number in range(at, min(len(lines), at + 200)):
        line = lines[number] if number > at else " " * inside + lines[at][inside:]
        if _depth(line) < inside:
            break
        if line.startswith("name: ", inside):
            return f"[{line[inside + 6 :].strip()[:60]}]"
    return "[]"


def _yaml_lines(body: Body) -> list[str]:
    import yaml

    if not body:
        return []
    text: str = yaml.dump(dict(body), Dumper=_dumper(), sort_keys=True, allow_unicode=True, width=1_000_000)
    return text.split("\n")[:-1]


@cache
def _dumper() -> type[yaml.SafeDumper]:
    """Text of several lines is written as such, so that a line of a file in a ConfigMap can be compared."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper
