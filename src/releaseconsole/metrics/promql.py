"""What can be said of a PromQL query by its words alone: its selectors, ranges, quantiles and numbers. Pure.

This is no parser: whether a query is valid only Prometheus can say. Servers of the age that is supported (2.42)
have no API for the parts of a query. Grammar: https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap, zip_longest

LONGEST = 10_000
"""Characters that are looked at; a query has a few hundred."""
RATES = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv"})
"""Functions that give nothing with fewer than two samples in their range."""
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*\\?(?:"|\Z)|'(?:[^'\\]|\\.)*\\?(?:'|\Z)|`[^`]*(?:`|\Z))
    |(?P<range>\[[^\]]*(?:\]|\Z))
    |(?P<span>(?:\d+(?:ms|[smhdwy]))+(?![A-Za-z0-9_:]))
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<mark>=~|!~|!=|==|>=|<=|.)""",
    re.VERBOSE | re.DOTALL,
)
_LABELS_FOLLOW = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = _LABELS_FOLLOW | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}
_STEP = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


@dataclass(frozen=True, slots=True)
class Selector:
    """``http_requests_total{code="500"}[1m]`` in a query."""

    name: str
    """"" when it selects by labels alone."""
    text: str
    """The selector without its range."""
    matchers: int
    """How many labels it asks for."""
    start: int
    span: float | None = None
    """Seconds of its range; None for an instant."""
    function: str = ""
    """The function that it stands in alone: ``rate``."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function call, as a stretch of the query."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """The parts of a query."""

    text: str
    selectors: tuple[Selector, ...]
    spans: tuple[float, ...]
    """Seconds of every range, subqueries included."""
    numbers: tuple[float, ...]
    quantiles: tuple[Call, ...]
    """Calls of ``histogram_quantile``."""
    divides: bool
    compares: bool
    """Whether a comparison filters it, as in the expression of an alert: then it is empty on the safe side."""
    falls_back: bool
    """Whether ``or`` gives a value where there is none."""

    @property
    def longest(self) -> float:
        """Seconds that it looks back, as far as one range tells."""
        return max(self.spans, default=0.0)

    @property
    def is_share(self) -> bool:
        """Whether it divides a part of some series by more of the same: an error ratio."""
        fewest: dict[str, int] = {}
        for one in self.selectors:
            fewest[one.name] = min(fewest.get(one.name, one.matchers), one.matchers)
        return self.divides and any(one.name and one.matchers > fewest[one.name] for one in self.selectors)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read(text: str) -> Query:
    """The parts of a query. Never raises: of nonsense, whatever looks like parts."""
    text = text[:LONGEST]
    tokens = [
        _Token(match.lastgroup or "", match[0], match.start())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    ranges = [span for token in tokens if token.kind == "range" and (span := _span_of(token.text))]
    return Query(
        text=text,
        selectors=tuple(_selectors(tokens, text)),
        spans=tuple(ranges),
        numbers=tuple(_number(token.text) for token in tokens if token.kind == "number"),
        quantiles=tuple(_calls(tokens, "histogram_quantile")),
        divides=any(token.text == "/" for token in tokens if token.kind == "mark"),
        compares=any(starmap(_filters, zip_longest(tokens, tokens[1:]))),
        falls_back=any(token.text.lower() == "or" for token in tokens if token.kind == "word"),
    )


def _filters(token: _Token, after: _Token | None) -> bool:
    """A comparison; with ``bool`` it would give 0 or 1. Only matchers have ``=`` and ``!=`` with a text."""
    if token.kind != "mark" or token.text not in (">", "<", ">=", "<=", "==", "!=") or after is None:
        return False
    return after.kind != "string" and after.text.lower() != "bool"


def seconds(text: str) -> float | None:
    """``1h30m`` or ``90`` in seconds; None for anything else."""
    text = text.strip()[:40]
    if re.fullmatch(r"\d{1,15}(?:\.\d{1,15})?", text):
        return float(text)
    parts = _STEP.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def _span_of(text: str) -> float | None:
    """Of ``[5m]`` and ``[1h:1m]``."""
    return seconds(text.strip("[]").partition(":")[0])


def _number(text: str) -> float:
    return float(int(text, 16)) if text[:2].lower() == "0x" else float(text)


def _selectors(tokens: Sequence[_Token], text: str) -> Iterator[Selector]:
    place = 0
    while place < len(tokens):
        token, after = tokens[place], tokens[place + 1].text if place + 1 < len(tokens) else ""
        if token.kind == "word" and token.text.lower() in _LABELS_FOLLOW and after == "(":
            place = _closing(tokens, place + 1, "(", ")") + 1
        elif token.text == "{" or (token.kind == "word" and _is_metric(token, after)):
            last = _last(tokens, place)
            yield _selector(tokens, place, last, text)
            place = last + 1
        else:
            place += 1


def _is_metric(token: _Token, after: str) -> bool:
    return token.text.lower() not in _WORDS and after != "(" and after.lower() not in ("by", "without")


def _last(tokens: Sequence[_Token], first: int) -> int:
    """Where a selector ends that begins with the token ``first``."""
    opening = first if tokens[first].text == "{" else first + 1
    if opening < len(tokens) and tokens[opening].text == "{":
        return _closing(tokens, opening, "{", "}")
    return first


def _closing(tokens: Sequence[_Token], opening: int, left: str, right: str) -> int:
    """The token that closes the bracket ``opening``; the last one when none does."""
    depth = 0
    for place in range(opening, len(tokens)):
        if tokens[place].kind == "mark":
            depth += (tokens[place].text == left) - (tokens[place].text == right)
            if depth == 0:
                return place
    return len(tokens) - 1


def _selector(tokens: Sequence[_Token], first: int, last: int, text: str) -> Selector:
    inside = [one for one in tokens[first : last + 1] if one.kind == "mark"]
    following = tokens[last + 1] if last + 1 < len(tokens) else None
    span = _span_of(following.text) if following is not None and following.kind == "range" else None
    alone = first >= 2 and tokens[first - 1].text == "(" and tokens[first - 2].kind == "word"
    return Selector(
        name=tokens[first].text if tokens[first].kind == "word" else "",
        text=text[tokens[first].start : tokens[last].end],
        matchers=sum(one.text in ("=", "!=", "=~", "!~") for one in inside),
        start=tokens[first].start,
        span=span,
        function=tokens[first - 2].text if alone else "",
    )


def _calls(tokens: Sequence[_Token], function: str) -> Iterator[Call]:
    for place, token in enumerate(tokens[:-1]):
        if token.kind == "word" and token.text == function and tokens[place + 1].text == "(":
            yield Call(token.start, tokens[_closing(tokens, place + 1, "(", ")")].end)
