"""What went wrong on the way to a Prometheus, as an error with its remedy."""

from __future__ import annotations

from releaseconsole import network
from releaseconsole.errors import MetricsError
from releaseconsole.metrics.answers import WRONG_PLACE, short
from releaseconsole.metrics.source import Source


def too_slow(source: Source) -> MetricsError:
    """No answer in time."""
    found = network.too_slow(_name(source), source.timeout)
    return MetricsError(found.message, found.remedy)


def trouble(source: Source, error: BaseException) -> MetricsError:
    """A failed request."""
    if isinstance(error, MetricsError):
        return error
    found = network.explain(error, _name(source), source.timeout)
    return MetricsError(found.message, found.remedy)


def no_answer(source: Source, error: BaseException) -> MetricsError:
    """Something that is not an answer."""
    if isinstance(error, MetricsError):
        return error
    words = short(str(error)) or type(error).__name__
    return MetricsError(f"{_name(source)} gave no usable answer: {words}.", WRONG_PLACE)


def _name(source: Source) -> str:
    return f"Prometheus at {source.name}"
