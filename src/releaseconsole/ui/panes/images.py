"""Two images in a few characters: only what differs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """The parts of an image reference."""

    registry: str
    name: str
    version: str
    """The tag, or the beginning of the digest."""

    @classmethod
    def parse(cls, reference: str) -> Image:
        path, _, digest = reference.partition("@")
        registry, _, last = path.rpartition("/")
        name, _, tag = last.partition(":")
        short = f"{digest[:7]}{digest[7:15]}" if digest.startswith("sha256:") else digest[:15]
        return cls(registry, name, tag or short or "latest")


def image_change(previous: str, current: str) -> str:
    """``1.0.0 → 1.1.0`` for the same image, ``wallet:1.0 → purse:1.0`` for another.

    Of several images, separated by commas, the first that changes.
    """
    before, after = _split(previous), _split(current)
    if not after:
        return ""
    if not before or before == after:
        return after[0].version
    for old, new in zip(before, after, strict=False):
        if old != new:
            return _change(old, new)
    return f"{len(before)} → {len(after)} images"


def _split(references: str) -> list[Image]:
    return [Image.parse(part.strip()) for part in references.split(",") if part.strip()]


def _change(old: Image, new: Image) -> str:
    if (old.registry, old.name) == (new.registry, new.name):
        return f"{old.version} → {new.version}"
    if old.name != new.name:
        return f"{old.name}:{old.version} → {new.name}:{new.version}"
    return f"{old.registry}/…:{old.version} → {new.registry}/…:{new.version}"
