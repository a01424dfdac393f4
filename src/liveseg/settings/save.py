"""What is saved of each source."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from liveseg.errors import UsageError
from liveseg.settings.option import option

_OUTPUT = "Output"

KINDS: dict[str, tuple[str, ...]] = {
    "overlay": (),
    "color": (),
    "mask": ("confidence",),
    "confidence": (),
    "cutout": ("mov", "webm"),
    "polygons": ("geojson", "coco"),
    "coco": (),
    "areas": ("csv", "jsonl"),
    "npz": (),
}
"""What can be saved, and the formats that can be asked for by name."""


@dataclass(frozen=True)
class Save:
    """One kind of thing to save, as `KIND` or `KIND:FORMAT` names it.

    Args:
        kind: one of `KINDS`.
        format: one of its formats; `None` for what the file's extension says, or the default.

    Raises:
        UsageError: no such kind or format; the message names the choices.
    """

    kind: str
    format: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = difflib.get_close_matches(self.kind, KINDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(KINDS)}"
            raise UsageError(f"nothing called {self.kind!r} can be saved; {hint}")
        formats = KINDS[self.kind]
        if self.format is not None and self.format not in formats:
            choices = f"choose {' or '.join(formats)}" if formats else f"write {self.kind} alone"
            raise UsageError(f"{self.kind} is not saved as {self.format!r}; {choices}")

    def __str__(self) -> str:
        return self.kind if self.format is None else f"{self.kind}:{self.format}"


OVERLAY = Save("overlay")


def parse_saves(text: str) -> tuple[Save, ...]:
    """What to save, with commas between, as in `overlay,cutout:webm`.

    Raises:
        UsageError: a kind or format that does not exist, or nothing at all.
    """
    saves = []
    for item in text.split(","):
        kind, colon, form = item.strip().lower().partition(":")
        if kind or colon:
            saves.append(Save(kind, form if colon else None))
    if not saves:
        raise UsageError(f"nothing to save; choose from {', '.join(KINDS)}")
    return tuple(saves)


@dataclass(frozen=True, kw_only=True)
class SaveSettings:
    """What is saved of each source."""

    save: tuple[tuple[Save, ...], ...] = option(
        (),
        f"What to save, with commas between: {', '.join(KINDS)}; a format follows a colon, as in cutout:webm.",
        shown="overlay",
        parse=parse_saves,
        repeat=True,
        group=_OUTPUT,
        metavar="KINDS",
    )
    mask: bool = option(False, "Save the mask, too, like --save overlay,mask.", group=_OUTPUT)

    @property
    def saves(self) -> tuple[Save, ...]:
        """What is saved, each once: what `--save` names or else the overlay, and the mask where `--mask` is given."""
        named = [one for group in self.save for one in group] or [OVERLAY]
        if self.mask and not any(one.kind == "mask" for one in named):
            named.append(Save("mask"))
        return tuple(dict.fromkeys(named))
