"""Every option of liveseg, declared once: its name, default, range and help.

The command line, and later the server and the batch driver, derive their options from these fields; nobody
declares one a second time. Values are checked here too, so that a Python caller gets the same answers.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path  # noqa: TC003 - the command line reads the types of these fields while running
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Option:
    """What a field's metadata says of it.

    Args:
        help: one line for the user; of a switch that is on by default, what its `--no-…` form does.
        shown: what the help shows as the default, where that is decided later.
        flags: short forms besides `--field-name`.
        least: the smallest value allowed.
        most: the largest value allowed.
        parse: from the text of the command line to the value, raising UsageError.
        metavar: what the help shows for the value.
        group: the heading under which the help lists it.
    """

    help: str
    shown: str | None = None
    flags: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    group: str = "Options"


def option(default: Any, help: str, **about: Any) -> Any:  # noqa: A002 - the word that every such library uses
    """A dataclass field with its `Option`."""
    return field(default=default, metadata={"option": Option(help=help, **about)})


def parse_seconds(text: str) -> Fraction:
    """A time as `12`, `12.5`, `1:30` or `1:02:03.5`, in seconds, exact."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time; write seconds as 12.5, or 1:30, or 1:02:03")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def parse_size(text: str) -> int | str:
    """A number of pixels, or `native`."""
    word = text.strip().lower()
    if word == "native":
        return word
    if not word.isdecimal() or int(word) < 1:
        raise UsageError(f"size is a number of pixels or native, not {text!r}")
    return int(word)


def parse_names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no name given; write names with commas between, like person,car")
    return names


_MODEL, _CLIP, _DRAW, _OUTPUT, _REPORT = "Model", "Part of the video", "Drawing", "Output", "Report"


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which network runs, and where."""

    model: str | None = option(
        None, "Model to use, see `liveseg models`.", shown="lite", flags=("-m",), group=_MODEL, metavar="NAME"
    )
    weights: Path | None = option(
        None, "Weights of your own: a .onnx, .pth or .safetensors file.", group=_MODEL, metavar="FILE"
    )
    runtime: Literal["auto", "onnx", "torch"] = option("auto", "What runs the network.", group=_MODEL)
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps.", group=_MODEL, metavar="DEVICE")
    threads: int | None = option(
        None, "Threads on the CPU.", shown="all cores", least=1, most=1024, group=_MODEL, metavar="N"
    )
    size: int | str | None = option(
        None,
        "Shorter side of the network's input in pixels, or native.",
        shown="the model's own",
        parse=parse_size,
        group=_MODEL,
        metavar="PIXELS|native",
    )


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """Which frames of a video are wanted."""

    start: Fraction = option(
        Fraction(0), "Skip this much of the video.", parse=parse_seconds, group=_CLIP, metavar="TIME"
    )
    duration: Fraction | None = option(
        None, "Process this much of it.", parse=parse_seconds, group=_CLIP, metavar="TIME"
    )
    every: int = option(1, "Process one frame of N.", least=1, group=_CLIP, metavar="N")
    limit: int | None = option(None, "Process at most N frames.", least=1, group=_CLIP, metavar="N")


@dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """How the result is drawn."""

    alpha: float = option(
        0.6, "Opacity of the colours, from 0 to 1.", least=0.0, most=1.0, group=_DRAW, metavar="NUMBER"
    )
    classes: tuple[str, ...] | None = option(
        None, "Show only these classes, like person,car.", parse=parse_names, group=_DRAW, metavar="NAMES"
    )


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where results go, and in which form."""

    output: str | None = option(
        None,
        "A file, a folder, or a pattern with {stem}, {model} and {ext}.",
        shown="outputs/{stem}_{model}.{ext}",
        flags=("-o",),
        group=_OUTPUT,
        metavar="PATH",
    )
    mask: bool = option(False, "Also write the mask of an image, a PNG of class indices.", group=_OUTPUT)
    show: bool = option(False, "Show results in a window; q or Esc ends.", group=_OUTPUT)
    overwrite: bool = option(False, "Replace outputs that exist.", group=_OUTPUT)
    skip_existing: bool = option(False, "Leave out sources whose output exists.", group=_OUTPUT)
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


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What is said, and to whom."""

    json: bool = option(False, "Print the report as JSON.", group=_REPORT)
    verbose: bool = option(False, "Say more, and show tracebacks.", flags=("-v",), group=_REPORT)
    quiet: bool = option(False, "Say nothing but errors.", flags=("-q",), group=_REPORT)


@dataclass(frozen=True, kw_only=True)
class RunSettings(ReportSettings, OutputSettings, DrawSettings, ClipSettings, ModelSettings):
    """Every option of `liveseg run`.

    Raises:
        UsageError: a value outside its range, or two options that contradict each other.
    """

    def __post_init__(self) -> None:
        check(self)
        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing contradict each other; choose one")
        if self.verbose and self.quiet:
            raise UsageError("--verbose and --quiet contradict each other; choose one")


def about(settings: type[Any]) -> Sequence[tuple[dataclasses.Field[Any], Option]]:
    """The fields of a settings class that are options, each with its `Option`."""
    return [(own, own.metadata["option"]) for own in dataclasses.fields(settings) if "option" in own.metadata]


def check(settings: Any) -> None:
    """Hold every option to its range, or to the choices that its type names.

    Raises:
        UsageError: a value outside of them.
    """
    hints = get_type_hints(type(settings))
    for own, told in about(type(settings)):
        value = getattr(settings, own.name)
        flag = "--" + own.name.replace("_", "-")
        if value is None:
            continue
        choices = get_args(hints[own.name]) if get_origin(hints[own.name]) is Literal else ()
        if choices and value not in choices:
            raise UsageError(f"{flag} is one of {', '.join(choices)}, not {value!r}")
        if told.least is not None and value < told.least:
            raise UsageError(f"{flag} is at least {told.least:g}, not {value}")
        if told.most is not None and value > told.most:
            raise UsageError(f"{flag} is at most {told.most:g}, not {value}")
