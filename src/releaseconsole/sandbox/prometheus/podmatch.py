"""``pod=~"…"`` in a query: taken out of its text, and made to pick pods by name.

Only what names pods is understood: names, ``|``, groups, ``.*`` and ``[.]``. Such a pattern takes no more than a
moment to match, whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_IN_TEXT = re.compile(r'(,?)pod=~"([^"]*)"(,?)')
_UNDERSTOOD = re.compile(r"(?:[a-z0-9-]|\[\.\]|\.\*|\.|\||\(|\))*")
_LONGEST = 4000
_MOST_STARS = 40


def without_pods(text: str) -> tuple[str, Callable[[str], bool] | None]:
    """A query (without white space) less its pattern, and what the pattern picks; None where there is none.

    Raises ValueError with a sentence when the pattern is not understood, or not the same everywhere.
    """
    patterns = {found[2] for found in _IN_TEXT.finditer(text)}
    if not patterns:
        return text, None
    if len(patterns) > 1:
        raise ValueError("the practice cluster wants the same pattern of pods throughout a query")
    return _IN_TEXT.sub(lambda found: "," if found[1] and found[3] else "", text), _picker(patterns.pop())


@lru_cache(maxsize=64)
def _picker(pattern: str) -> Callable[[str], bool]:
    if len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS or not _UNDERSTOOD.fullmatch(pattern):
        raise ValueError("the practice cluster understands names, | and .* in a pattern of pods, and no more")
    try:
        compiled = re.compile(pattern)
    except re.error:
        raise ValueError(f"the pattern of pods cannot be read: {pattern[:80]}") from None
    return lru_cache(maxsize=1024)(lambda name: compiled.fullmatch(name) is not None)
