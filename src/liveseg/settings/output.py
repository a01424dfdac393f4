"""Where results go, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from liveseg.settings.option import option
from liveseg.settings.parse import parse_seconds

_OUTPUT = "Output"


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where results go, and in which form."""

    output: str | None = option(
        None,
        "A file, a folder, a pattern with {stem}, {kind} and {ext}, an address to stream to, or - for raw frames.",
        shown="outputs/{stem}_{model}.{ext}",
        flags=("-o",),
        group=_OUTPUT,
        metavar="PATH",
    )
    show: bool = option(False, "Show results in a window; q or Esc ends, h lists the keys.", group=_OUTPUT)
    segment: Fraction | None = option(
        None, "Start a new file every so often.", parse=parse_seconds, group=_OUTPUT, metavar="TIME"
    )
    overwrite: bool = option(False, "Replace outputs that exist.", group=_OUTPUT)
    skip_existing: bool = option(False, "Leave out sources whose output exists.", group=_OUTPUT)


@dataclass(frozen=True, kw_only=True)
class EncodeSettings:
    """How videos are written."""

    codec: str | None = option(
        None, "Video encoder.", shown="libx264; libvpx-vp9 in .webm", group=_OUTPUT, metavar="NAME"
    )
    crf: int | None = option(
        None, "Quality of the video: lower is better and larger.", shown="20", least=0, most=63, group=_OUTPUT,
        metavar="N",
    )  # fmt: skip
    preset: str | None = option(
        None, "Effort of the encoder, such as ultrafast or slow.", shown="veryfast", group=_OUTPUT, metavar="NAME"
    )
    audio: bool = option(True, "Leave the sound out.", group=_OUTPUT)
