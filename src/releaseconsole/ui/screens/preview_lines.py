"""The words of the rollback preview, at any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.widgets.lines import Line, Piece, line, line_width
from releaseconsole.ui.words import cell_len, counted, cut_end, cut_middle, fit, plain, wrap

REVISIONS = 7
FEW = 8
"""So many workloads are taken in at a glance; more are counted first."""
NARROWEST = 30
"""Below so many cells only names and revisions are said."""


def preview_lines(preview: RollbackPreview, width: int, glyphs: Glyphs, *, diff: bool) -> list[Line]:
    """Each workload, what burns and what a rollback does not bring back."""
    return [
        *_summary(preview, width),
        *_workloads(preview, width, glyphs, diff=diff),
        *_sentences("Burning: ", preview.burning, width, "failing"),
        *_sentences("Not restored: ", preview.not_restored, width, "quiet"),
    ]


def _summary(preview: RollbackPreview, width: int) -> Iterator[Line]:
    """Counts first, where the list is too long to be taken in, or where something cannot go back."""
    stuck = [one.name for one in preview.lines if one.problem]
    there = sum(one.skipped and not one.problem for one in preview.lines)
    goes = len(preview.lines) - len(stuck) - there
    if len(preview.lines) <= FEW and not (stuck and goes):
        return
    parts = [f"{goes} of {counted(len(preview.lines), 'workload')} would be brought back"]
    if there:
        parts.append(f"{there} already there")
    if stuck:
        more = f" and {len(stuck) - 3} more" if len(stuck) > 3 else ""
        parts.append(f"{len(stuck)} cannot: {', '.join(cut_middle(one, 24) for one in stuck[:3])}{more}")
    for text in wrap(" · ".join(parts), width, most=3):
        yield line((text, "failing" if stuck else "strong"))


def _workloads(preview: RollbackPreview, width: int, glyphs: Glyphs, *, diff: bool) -> Iterator[Line]:
    several = len({one.target for one in preview.lines}) > 1
    names = [f"{one.name} ({one.target})" if several else one.name for one in preview.lines]
    columns = _Columns.of(names, [_images(one, glyphs) for one in preview.lines], width)
    for one, name in zip(preview.lines, names, strict=True):
        yield from _workload(one, name, columns, glyphs)
        if diff:
            yield from _diff(one, width)


@dataclass(frozen=True, slots=True)
class _Columns:
    """How wide the names and the images are, so that all lines stand in columns."""

    name: int
    image: int
    width: int

    @classmethod
    def of(cls, names: list[str], images: list[str], width: int) -> _Columns:
        name = min(max(map(cell_len, map(plain, names)), default=0), width // 3)
        image = min(max(map(cell_len, images), default=0), max(4, width - name - REVISIONS - 4))
        return cls(name, image, width)

    @property
    def remark(self) -> int:
        """What is left for where the old revision is known from."""
        return self.width - self.name - self.image - REVISIONS - 6


def _workload(one: PreviewLine, name: str, columns: _Columns, glyphs: Glyphs) -> Iterator[Line]:
    width = columns.width
    if one.problem:
        yield line((fit(name, columns.name), "strong"), "  ", (f"{glyphs.failed} cannot go back", "failing"))
        for text in wrap(one.problem, width - 2, most=3):
            yield line("  ", (text, "failing"))
        return
    revisions = f"{one.from_revision or '?'} {glyphs.arrow} {one.to_revision or '?'}"
    remark = plain(" · ".join(filter(None, ("already there" if one.skipped else one.source, one.note))))
    image = _images(one, glyphs)
    if cell_len(image) > columns.image:
        image = _tags(one, glyphs, columns.image)
    head = line((fit(name, columns.name), "strong"), "  ", (revisions.ljust(REVISIONS), "title"), "  ")
    if cell_len(remark) <= columns.remark:
        yield (*head, Piece(fit(image, columns.image)), Piece("  "), Piece(remark, "quiet"))
        return
    yield (*head, Piece(cut_middle(image, columns.image)))
    for text in wrap(remark, width - 2, most=3) if width >= NARROWEST else ():
        yield line("  ", (text, "quiet"))


def _images(one: PreviewLine, glyphs: Glyphs) -> str:
    """``healthpay/api:1.1.0 → 1.0.0``: the part that stays the same is said once."""
    before, after = plain(one.from_image), plain(one.to_image)
    if before == after:
        return f"{before} (same image)" if before else ""
    repository, colon, _ = before.rpartition(":")
    if colon and "," not in before and after.startswith(repository + ":"):
        after = after[len(repository) + 1 :]
    return f"{before} {glyphs.arrow} {after}"


def _tags(one: PreviewLine, glyphs: Glyphs, width: int) -> str:
    """``1.1.0 → 1.0.0``, for narrow screens; each tag is cut by itself, so that both are told."""
    half = max(4, (width - len(glyphs.arrow) - 2) // 2)
    before, after = (plain(image).rpartition(":")[2] for image in (one.from_image, one.to_image))
    if cell_len(before) + cell_len(after) > 2 * half:
        before, after = cut_middle(before, half), cut_middle(after, half)
    return f"{before} {glyphs.arrow} {after}"


def _diff(one: PreviewLine, width: int) -> Iterator[Line]:
    if not one.diff:
        yield line(("    the pod template stays the same", "quiet"))
    for text in one.diff[:200]:
        tone = "added" if text.startswith("+") else "removed" if text.startswith("-") else "quiet"
        yield line("    ", (cut_end(text, width - 4), tone))


def _sentences(label: str, sentences: tuple[str, ...], width: int, tone: str) -> Iterator[Line]:
    if not sentences:
        return
    text = label + ", ".join(sentences) if tone == "quiet" else label + " · ".join(sentences)
    for number, part in enumerate(wrap(text, width - 2, most=4)):
        yield line("" if number == 0 else "  ", (part, tone))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How the second key is asked for, and what has been typed so far."""

    how: str = "letter"
    """``letter``, ``name`` or ``none``, as the plan has it."""
    name: str = ""
    typed: str = ""
    wrong: bool = False
    """What was typed before was not the name."""


LETTER = Confirmation()
_ANEW = {"letter": " The letter is a new one.", "name": " Type the name anew."}


def changed_lines(changed: str, confirm: Confirmation, width: int) -> list[Line]:
    """That something else would be done than when the preview was opened; nothing when that is not so."""
    if not changed:
        return []
    said = f"{changed}.{_ANEW.get(confirm.how, '')}"
    badge = line((cut_end(" THIS HAS CHANGED WHILE YOU READ IT ", width), "badge-waiting"))
    return [badge, *(line((text, "waiting")) for text in wrap(said, width, most=4)), ()]


def foot_line(
    preview: RollbackPreview | None,
    width: int,
    *,
    trouble: str,
    read_only: bool,
    confirm: Confirmation = LETTER,
) -> Line:
    """What to press. What fires comes first, so that it is there on the smallest screen."""
    if preview is None:
        return line((cut_end(trouble or "Asking the cluster what would be rolled back…", width), "waiting"))
    if read_only:
        return line((cut_end("This console is read-only: it shows, but cannot roll back.", width), "waiting"))
    if not preview.can_fire:
        return line(
            (cut_end("There is nothing that could be rolled back now.   esc close", width), "waiting")
        )
    forms = _fires(preview.letter, confirm)
    cancel = (Piece("      "), Piece("esc", "key"), Piece(" cancel"))
    for form in forms:
        if line_width((*form, *cancel)) <= width:
            return (*form, *cancel)
    return forms[-1]


def _fires(letter: str, confirm: Confirmation) -> tuple[Line, ...]:
    """What fires, the longest form first."""
    if confirm.how == "name":
        return _typed_name(confirm)
    key = " enter " if confirm.how == "none" else f" {letter} "
    press = line("Press ", (key, "danger"), (" to roll back now", "strong"))
    diff = line("        ", ("d", "key"), " template diff")
    return line(*press, *diff), press, line((key, "danger"), (" rolls back", "strong"))


def _typed_name(confirm: Confirmation) -> tuple[Line, ...]:
    """The name that is asked for, and a field for it; it is drawn here, so that it fits the smallest screen."""
    right = confirm.typed == confirm.name
    field = (f" {cut_end(confirm.typed, 40)}▏", "env-red" if right else "cursor")
    asked = "That is not it. Type " if confirm.wrong else "Type "
    name = (cut_middle(confirm.name, 40), "strong")
    full = line(asked, name, " and press enter: ", field)
    return (
        line(*full, "      ", ("ctrl+t", "key"), " template diff"),
        full,
        line(name, " ", ("enter", "key"), " ", field),
    )
