"""The words of the apply preview, at any width: what would become of each object, and the diff of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from releaseconsole.session.apply_preview import ApplyPreview, TargetPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.widgets.lines import Line, Piece, justified, line, line_width
from releaseconsole.ui.words import cell_len, counted, cut_end, cut_middle, fit, plain, wrap

if TYPE_CHECKING:
    from releaseconsole.cluster.apply_preview import Change

MOST_CONFLICTS = 6
"""Fields in dispute that are listed of one object."""
MOST_LISTED = 200
"""Objects that are listed of one target, unchanged ones aside."""
_ORDER = ("refused", "untried", "configured", "created", "unchanged")
_SUMMARY = ("configured", "created", "unchanged", "refused", "untried")
_TONES: Mapping[str, str] = {
    "refused": "failing",
    "untried": "waiting",
    "configured": "waiting",
    "created": "good",
    "unchanged": "quiet",
}
_WORDS: Mapping[str, str] = {"untried": "not tried"}
_WORD = 10


def apply_lines(preview: ApplyPreview, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """The summary, each target's objects, and their diffs."""
    yield _summary(preview, width)
    if preview.changes_nothing:
        yield ()
        said = "Nothing would change: the cluster already holds what the manifests say."
        yield from (line((text, "good")) for text in wrap(said, width))
    several = len(preview.targets) > 1
    for target in preview.targets:
        yield ()
        if several:
            yield line((cut_middle(target.target, width), "title"))
        yield from _objects(target, width, glyphs)
    for target in preview.targets:
        for change in _sorted(target.changes):
            if change.diff:
                yield from _diff(change, target.target if several else "", width)


def _summary(preview: ApplyPreview, width: int) -> Line:
    """``2 configured · 1 created · 5 unchanged · 0 refused``, beside the action where there is room."""
    pieces: list[Piece] = []
    for what in _SUMMARY:
        number = preview.count(what)
        if number or what != "untried":
            pieces += [
                Piece(" · " if pieces else "", "quiet"),
                Piece(f"{number} {_WORDS.get(what, what)}", _TONES[what] if number else "quiet"),
            ]
    left = line(*pieces)
    if line_width(left) > width:
        return line((cut_end("".join(piece.text for piece in left), width), "plain"))
    label = Piece(plain(preview.label), "quiet")
    return justified(left, (label,), width) if line_width(left) + label.width + 3 <= width else left


def _objects(target: TargetPreview, width: int, glyphs: Glyphs) -> Iterator[Line]:
    if target.problem:
        yield from _sentence(target.problem, width, "failing", head=f"{glyphs.failed} ")
        return
    changes = _sorted(target.changes)
    listed = [one for one in changes if one.change != "unchanged"]
    names = [_name(one, target) for one in listed]
    column = min(max(map(cell_len, names), default=0), max(12, width - _WORD - 14))
    for one, name in list(zip(listed, names, strict=True))[:MOST_LISTED]:
        yield line(
            (
                f"{_glyph(one.change, glyphs)} {_WORDS.get(one.change, one.change):{_WORD}}  ",
                _TONES[one.change],
            ),
            (fit(name, column), "strong"),
            *_counts(one),
        )
        yield from _remarks(one, width)
    if len(listed) > MOST_LISTED:
        yield line((f"… and {counted(len(listed) - MOST_LISTED, 'object')} more", "waiting"))
    same = [_name(one, target) for one in changes if one.change == "unchanged"]
    if same:
        yield from _sentence(", ".join(same), width, "quiet", head=f"= {'unchanged':{_WORD}}  ")
    if target.left_out:
        text = f"{counted(target.left_out, 'further manifest')} not looked at here; the action tries them all"
        yield from _sentence(f"{text}.", width, "waiting", head="… ")


def _sorted(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda one: _ORDER.index(one.change))


def _name(change: Change, target: TargetPreview) -> str:
    """Kind and name, and the namespace where it is another one than the target's."""
    own = target.target.rpartition("/")[2]
    elsewhere = f" in {change.namespace}" if change.namespace not in ("", own) else ""
    return plain(f"{change.kind} {change.name}{elsewhere}")


def _glyph(what: str, glyphs: Glyphs) -> str:
    return {"refused": glyphs.failed, "untried": "?", "configured": "~", "created": "+"}[what]


def _counts(change: Change) -> Iterator[Piece]:
    for sign, tone in (("+", "added"), ("-", "removed")):
        number = sum(text.startswith(sign) for text in change.diff)
        if number:
            yield Piece(f"  {sign}{number}", tone)


def _remarks(change: Change, width: int) -> Iterator[Line]:
    """Why it is refused or cannot be tried, and who owns which field."""
    refused = change.change == "refused"
    if change.problem and not (refused and change.conflicts):
        yield from _sentence(change.problem, width, "failing" if refused else "waiting", head="    ", most=8)
    for one in change.conflicts[:MOST_CONFLICTS]:
        said = "is owned by" if refused else "is taken over from"
        tone = "failing" if refused else "waiting"
        yield from _sentence(f"{one.field} {said} {one.manager}", width, tone, head="    ", most=3)
    if (more := len(change.conflicts) - MOST_CONFLICTS) > 0:
        yield line("    ", (f"… and {counted(more, 'field')} more", "waiting"))
    if refused and change.conflicts:
        remedy = "Let the owner give it up, or take it out of the manifest."
        yield from _sentence(remedy, width, "quiet", head="    ")


def _sentence(text: str, width: int, tone: str, *, head: str = "", most: int = 4) -> Iterator[Line]:
    """Wrapped beside ``head``, which stands before its first line."""
    indent = cell_len(head)
    for number, part in enumerate(wrap(text, max(10, width - indent), most=most)):
        yield line((" " * indent if number else head, tone), (part, tone))


def _diff(change: Change, target: str, width: int) -> Iterator[Line]:
    yield ()
    name = (cut_middle(f"{change.kind} {change.name}", width - 2), "title")
    about = " · ".join(filter(None, (target, change.source)))
    title = line(name, "  ")
    room = width - line_width(title)
    yield (*title, Piece(cut_middle(about, room), "quiet")) if room > 12 else title
    for part in _parts(change.diff):
        yield from (_diff_line(text, width) for text in _flush_left(part))


def _parts(diff: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each part of the diff, its heading first."""
    part: list[str] = []
    for text in diff:
        if text.startswith("@") and part:
            yield part
            part = []
        part.append(text)
    yield part


def _flush_left(part: list[str]) -> list[str]:
    """Without the indentation that all lines have in common: the heading says where they belong."""
    lines = [text for text in part if not text.startswith("@") and text[1:].strip()]
    deep = min((len(text) - 1 - len(text[1:].lstrip(" ")) for text in lines), default=0)
    return [text if text.startswith("@") else text[:1] + text[1 + deep :] for text in part]


def _diff_line(text: str, width: int) -> Line:
    sign = text[:1]
    if sign == "@":
        return line(("  " + cut_middle(text.strip("@ ") or "…", width - 2), "key"))
    tone = {"+": "added", "-": "removed"}.get(sign, "quiet")
    return line((cut_end(f"  {sign} {text[1:]}", width), tone))


def foot_line(forms: Sequence[Line], width: int) -> Line:
    """The longest form that fits; the last one, which holds the keys alone, in any case."""
    return next((form for form in forms if line_width(form) <= width), forms[-1])
