"""Randomness that can be asked twice: every number follows from a seed and the names it is asked for."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable
from functools import lru_cache
from itertools import count

#: The letters Kubernetes uses in generated names: no vowels, nothing that reads like another.
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@lru_cache(maxsize=16384)
def unit(*parts: str | int) -> float:
    """A number in [0, 1) that depends on nothing but ``parts``."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def wander(at: float, period: float, *parts: str | int) -> float:
    """A smooth curve in [-1, 1] over time, with a new target every ``period`` seconds."""
    place = at / period
    index = math.floor(place)
    part = place - index
    part = part * part * (3 - 2 * part)
    here, there = unit(index, *parts), unit(index + 1, *parts)
    return 2 * (here + (there - here) * part) - 1


def letters(length: int, *parts: str | int) -> str:
    """A suffix as in generated names."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=length).digest()
    return "".join(SAFE_LETTERS[byte % len(SAFE_LETTERS)] for byte in digest)


def hexadecimal(length: int, *parts: str | float) -> str:
    """Hexadecimal digits, as in digests and container ids; ``length`` is even."""
    return hashlib.shake_256("\0".join(map(str, parts)).encode()).hexdigest(length // 2)


def uid_source(seed: int, context: str) -> Callable[[], str]:
    """UIDs that are the same for every run with the same seed."""
    numbers = count()

    def following() -> str:
        return str(uuid.UUID(hex=hexadecimal(32, seed, context, "uid", next(numbers)), version=4))

    return following
