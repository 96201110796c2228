"""The words of the rollback preview, at any width."""

from __future__ import annotations

from collections.abc import Iterator

from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.widgets.lines import Line, Piece, line
from releaseconsole.ui.words import cell_len, cut_end, cut_middle, fit, plain, wrap

WIDE = 92


def preview_lines(preview: RollbackPreview, width: int, glyphs: Glyphs, *, diff: bool) -> list[Line]:
    """Each workload, what burns and what a rollback does not bring back."""
    return [
        *_workloads(preview, width, glyphs, diff=diff),
        *_sentences("Burning: ", preview.burning, width, "failing"),
        *_sentences("Not restored: ", preview.not_restored, width, "quiet"),
    ]


def _workloads(preview: RollbackPreview, width: int, glyphs: Glyphs, *, diff: bool) -> Iterator[Line]:
    several = len({one.target for one in preview.lines}) > 1
    names = [f"{one.name} ({one.target})" if several else one.name for one in preview.lines]
    longest = max((cell_len(plain(name)) for name in names), default=0)
    for one, name in zip(preview.lines, names, strict=True):
        yield from _workload(one, name, min(longest, width // 3), width, glyphs)
        if diff:
            yield from _diff(one, width)


def _workload(one: PreviewLine, name: str, name_width: int, width: int, glyphs: Glyphs) -> Iterator[Line]:
    if one.problem:
        yield line((fit(name, name_width), "strong"), "  ", (f"{glyphs.failed} cannot go back", "failing"))
        for text in wrap(one.problem, width - 2, most=3):
            yield line("  ", (text, "failing"))
        return
    revisions = f"{one.from_revision or '?'} {glyphs.arrow} {one.to_revision or '?'}"
    remark = "already there" if one.skipped else one.source
    remark = f"{remark} · {one.note}" if one.note else remark
    head = line((fit(name, name_width), "strong"), "  ", (revisions.ljust(9), "title"), " ")
    image = _images(one, glyphs)
    room = width - name_width - 12
    if width >= WIDE and cell_len(image) + cell_len(remark) + 2 <= room:
        yield (*head, Piece(image), Piece("  "), Piece(plain(remark), "quiet"))
        return
    yield (*head, Piece(cut_middle(image, max(4, room))))
    for text in wrap(remark, width - 2, most=3):
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


def foot_line(preview: RollbackPreview | None, width: int, *, trouble: str, read_only: bool) -> Line:
    """What to press. The letter comes first, so that it is there on the smallest screen."""
    if preview is None:
        return line((cut_end(trouble or "Asking the cluster what would be rolled back…", width), "waiting"))
    if read_only:
        return line((cut_end("This console is read-only: it shows, but cannot roll back.", width), "waiting"))
    if not preview.can_fire:
        return line(
            (cut_end("There is nothing that could be rolled back now.   esc close", width), "waiting")
        )
    letter = (f" {preview.letter} ", "danger")
    forms = (
        line("Press ", letter, (" to roll back now", "strong"), "        ", ("d", "key"), " template diff"),
        line("Press ", letter, (" to roll back now", "strong")),
        line(letter, (" rolls back", "strong")),
    )
    cancel = (Piece("      "), Piece("esc", "key"), Piece(" cancel"))
    for form in forms:
        if sum(piece.width for piece in (*form, *cancel)) <= width:
            return (*form, *cancel)
    return forms[-1]
