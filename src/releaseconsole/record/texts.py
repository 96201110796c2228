"""Words from outside, made safe to show: bounded, and with every control character visible.

A reason may carry a pod's message and a note whatever was pasted: escape sequences and characters that turn
the direction of writing are shown as what they are, never passed on to a terminal.
"""

from __future__ import annotations

import re

MOST_TEXT = 4_000
"""Characters of one free text that anybody is shown; the journal keeps all of it."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_BUT_NEWLINE = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_PICTURES = 0x2400
_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str, limit: int = MOST_TEXT, *, newlines: bool = False) -> str:
    """``text`` cut to ``limit`` characters, control characters shown as pictures (``ESC`` as ``␛``).

    A line break becomes ``⏎``, or stays where ``newlines`` is true.
    """
    # Cut before, so that a huge text is not searched; and after, since a picture can be longer.
    text = _cut(text, limit)
    if text.isascii() and text.isprintable():
        return text
    return _cut((_UNSAFE_BUT_NEWLINE if newlines else _UNSAFE).sub(_picture, text), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def _picture(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character == "\n":
        return "⏎"
    if character == "\t":
        return " "
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\u{code:04x}"


def encodable(text: str) -> str:
    """``text`` without lone surrogates, which no UTF-8 can hold (they come from undecodable file names)."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
