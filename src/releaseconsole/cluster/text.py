"""Sentences of the cluster made fit for one line of the console."""

from __future__ import annotations

from releaseconsole.text import ELLIPSIS, visible

LONGEST = 2_000


def clean(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line, without control sequences, and cut at ``longest`` characters."""
    cut = text[:longest] + ELLIPSIS if len(text) > longest else text
    return visible(" ".join(cut.split("\n")))
