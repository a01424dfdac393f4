"""Every option of liveseg, declared once: its name, default, range and help.

The command line, and later the server and the batch driver, derive their options from these fields; nobody
declares one a second time. Values are checked here too, so that a Python caller gets the same answers.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
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


def parse_frame_size(text: str) -> tuple[int, int]:
    """Width and height in pixels, as `640x480`."""
    match = re.fullmatch(r"(\d+)[xX*](\d+)", text.strip())
    if match is None or "0" in match.groups():
        raise UsageError(f"{text!r} is no frame size; write width and height in pixels, like 640x480")
    return int(match[1]), int(match[2])


def parse_fixed_size(text: str) -> tuple[int, int]:
    """Width and height in pixels, as `640x480`, or one number for both."""
    return parse_frame_size(f"{text}x{text}" if text.strip().isdecimal() else text)


def parse_rate(text: str) -> Fraction:
    """A frame rate as `25`, `29.97` or `30000/1001`, exact."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{text!r} is no frame rate; write frames a second, like 25 or 30000/1001") from error
    if rate <= 0:
        raise UsageError(f"a frame rate is above 0, not {text!r}")
    return rate


def parse_names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no name given; write names with commas between, like person,car")
    return names


def parse_sizes(text: str) -> tuple[int | str, ...]:
    """Sizes with commas between them, each a number of pixels or `native`."""
    return tuple(parse_size(name) for name in parse_names(text))


_MODEL, _CLIP, _DRAW, _OUTPUT, _REPORT = "Model", "Part of the video", "Drawing", "Output", "Report"
_LIVE = "Live sources"
_PHOTOS = "Photos to compare on"
_COMPARED, _MEASURED = "What is compared", "What is measured"

RuntimeName = Literal["auto", "onnx", "openvino", "torch"]
Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which network runs, and where."""

    model: str | None = option(
        None, "Model to use, see `liveseg models`.", shown="lite", flags=("-m",), group=_MODEL, metavar="NAME"
    )
    weights: Path | None = option(
        None, "Weights of your own: a .onnx, .xml, .pt2, .pth or .safetensors file.", group=_MODEL, metavar="FILE"
    )
    runtime: RuntimeName = option("auto", "What runs the network.", group=_MODEL)
    device: str = option(
        "auto", "auto, cpu, cuda[:N], mps, gpu[:N], npu, tensorrt[:N], coreml or directml[:N].", group=_MODEL,
        metavar="DEVICE",
    )  # fmt: skip
    precision: Precision = option("auto", "Arithmetic of the network; auto is the runtime's own choice.", group=_MODEL)
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
class LiveSettings:
    """How sources are read that come at their own pace, and how their pace is kept."""

    realtime: bool = option(
        False, "Leave frames out to keep up with the source's own pace, files too.", shown="live sources", group=_LIVE
    )
    every_frame: bool = option(False, "Process every frame, however late.", shown="files", group=_LIVE)
    target_fps: float | None = option(
        None, "Choose model, size and precision so that this rate is held, and adapt to it.", least=0.1, most=1000,
        group=_LIVE, metavar="FPS",
    )  # fmt: skip
    reconnect: Fraction = option(
        Fraction(60), "Try for so long to get back a live source that is away; 0 gives up at once.",
        parse=parse_seconds, group=_LIVE, metavar="TIME",
    )  # fmt: skip
    timeout: Fraction = option(
        Fraction(5), "Count a live source as away when it is silent for so long.", parse=parse_seconds, group=_LIVE,
        metavar="TIME",
    )  # fmt: skip
    rtsp_transport: Literal["tcp", "udp"] = option("tcp", "How RTSP carries its packets.", group=_LIVE)
    pixel_format: str = option(
        "rgb24", "Layout of raw frames on standard input, by FFmpeg's names.", group=_LIVE, metavar="NAME"
    )
    frame_size: tuple[int, int] | None = option(
        None, "Width and height of raw frames on standard input, or those to ask a camera for.",
        parse=parse_frame_size, group=_LIVE, metavar="WxH",
    )  # fmt: skip
    frame_rate: Fraction | None = option(
        None, "Rate of raw frames on standard input, or the one to ask a camera for.", shown="25 for raw frames",
        parse=parse_rate, group=_LIVE, metavar="FPS",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """How the result is drawn."""

    alpha: float = option(
        0.6, "Opacity of the colours, from 0 to 1.", least=0.0, most=1.0, group=_DRAW, metavar="NUMBER"
    )
    classes: tuple[str, ...] | None = option(
        None, "Show only these classes, like person,car.", parse=parse_names, group=_DRAW, metavar="NAMES"
    )
    caption: bool = option(True, "Draw no rate and age on frames of live sources.", group=_DRAW)
    grid: bool = option(False, "Show several live sources in one picture.", group=_DRAW)


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Where results go, and in which form."""

    output: str | None = option(
        None,
        "A file, a folder, a pattern with {stem}, {model} and {ext}, an address to stream to, or - for raw frames.",
        shown="outputs/{stem}_{model}.{ext}",
        flags=("-o",),
        group=_OUTPUT,
        metavar="PATH",
    )
    mask: bool = option(False, "Also write the mask of an image, a PNG of class indices.", group=_OUTPUT)
    show: bool = option(False, "Show results in a window; q or Esc ends, h lists the keys.", group=_OUTPUT)
    segment: Fraction | None = option(
        None, "Start a new file every so often.", parse=parse_seconds, group=_OUTPUT, metavar="TIME"
    )
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
class RunSettings(ReportSettings, OutputSettings, DrawSettings, LiveSettings, ClipSettings, ModelSettings):
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
        if self.realtime and self.every_frame:
            raise UsageError("--realtime and --every-frame contradict each other; choose one")
        if self.every_frame and self.target_fps is not None:
            raise UsageError("--every-frame and --target-fps contradict each other; choose one")
        if self.segment is not None and self.skip_existing:
            raise UsageError("--skip-existing does not know how many files --segment made; leave one of them out")
        if self.segment is not None and self.segment < 1:
            raise UsageError("--segment is at least 1 second")
        if self.timeout <= 0:
            raise UsageError("--timeout is above 0 s")


@dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """Every option of `liveseg bench`: each model is measured with each runtime, precision and size.

    Raises:
        UsageError: a value outside its range, or a runtime or precision that does not exist.
    """

    model: tuple[str, ...] | None = option(
        None, "Models, like lite,lraspp.", shown="lite", flags=("-m",), parse=parse_names, group=_COMPARED,
        metavar="NAMES",
    )  # fmt: skip
    weights: tuple[str, ...] | None = option(
        None,
        "Weights of a model: FILE for the only one, or MODEL=FILE,…; MODEL:PRECISION=FILE is for that precision only.",
        parse=parse_names,
        group=_COMPARED,
        metavar="FILES",
    )
    random_weights: bool = option(
        False, "Random weights where there are no others; they cost the same.", group=_COMPARED
    )
    runtime: tuple[str, ...] | None = option(
        None, "Runtimes, like onnx,openvino.", shown="auto", parse=parse_names, group=_COMPARED, metavar="NAMES"
    )
    precision: tuple[str, ...] | None = option(
        None, "Precisions, like float32,int8.", shown="auto", parse=parse_names, group=_COMPARED, metavar="NAMES"
    )
    size: tuple[int | str, ...] | None = option(
        None, "Sizes, like 256,384,native.", shown="the model's own; native with a baseline", parse=parse_sizes,
        group=_COMPARED, metavar="SIZES",
    )  # fmt: skip
    device: str = option("auto", "The device, as in `liveseg run`.", group=_COMPARED, metavar="DEVICE")
    threads: int | None = option(
        None, "Threads on the CPU, for the baseline too.", shown="all cores", least=1, most=1024, group=_COMPARED,
        metavar="N",
    )  # fmt: skip
    baseline: Literal["none", "tutorial"] = option(
        "none", "Also run the tutorial's loop, in turn, and print ratios.", group=_COMPARED
    )
    frames: int = option(100, "Frames of each round.", least=1, group=_MEASURED, metavar="N")
    rounds: int = option(3, "Rounds; each measures everything once, in turn.", least=1, group=_MEASURED, metavar="N")
    warmup: int = option(10, "Frames before those that count, in each round.", least=0, group=_MEASURED, metavar="N")
    sink: Literal["file", "null"] = option(
        "file", "Encode into a temporary H.264 file, or into nothing.", group=_MEASURED
    )
    network_only: bool = option(False, "Leave out all but the network.", group=_MEASURED)
    agreement: bool = option(False, "Also compare the masks with those of PyTorch in float32.", group=_MEASURED)
    streams: bool = option(False, "Also find how many streams of 30 frames a second are held.", group=_MEASURED)
    stream_seconds: Fraction = option(
        Fraction(10), "How long each number of streams is tried.", parse=parse_seconds, group=_MEASURED,
        metavar="TIME",
    )  # fmt: skip
    json: str | None = option(None, "Write the result as JSON, - for standard output.", group=_REPORT, metavar="FILE")
    markdown: bool = option(False, "Print Markdown on a terminal, too.", group=_REPORT)
    plot: Path | None = option(None, "Draw rate against quality: .png, .svg or .pdf.", group=_REPORT, metavar="FILE")
    overwrite: bool = option(False, "Replace files that exist.", group=_REPORT)
    verbose: bool = option(False, "Say more, and show tracebacks.", flags=("-v",), group=_REPORT)
    quiet: bool = option(False, "Say nothing but errors and the result.", flags=("-q",), group=_REPORT)

    def __post_init__(self) -> None:
        check(self)
        for flag, chosen, choices in (
            ("--runtime", self.runtime, get_args(RuntimeName)),
            ("--precision", self.precision, get_args(Precision)),
        ):
            wrong = [name for name in chosen or () if name not in choices]
            if wrong:
                raise UsageError(f"{flag} is some of {', '.join(choices)}, not {wrong[0]!r}")
        if self.stream_seconds < 1:
            raise UsageError("--stream-seconds is at least 1 second")
        if self.baseline != "none" and self.network_only:
            raise UsageError("--baseline and --network-only contradict each other: a baseline is a whole line")
        if self.baseline != "none" and "native" not in (self.size or ("native",)):
            raise UsageError("--baseline tutorial runs at the video's own size; add native to --size")


@dataclass(frozen=True, kw_only=True)
class GateSettings(ReportSettings):
    """What `liveseg export` and `liveseg quantize` share: the model, the file, and the pictures to compare on."""

    weights: Path | None = option(
        None, "A checkpoint of your own, or a .onnx file of floats, in place of MODEL.", group=_MODEL, metavar="FILE"
    )
    output: Path = option(
        Path(), "The file to write: .onnx, .xml (OpenVINO, with a .bin) or .pt2 (PyTorch).", shown="required",
        flags=("-o",), group=_OUTPUT, metavar="FILE",
    )  # fmt: skip
    overwrite: bool = option(False, "Replace a file that exists.", group=_OUTPUT)
    force: bool = option(False, "Write the file although it differs by more than the limits.", group=_OUTPUT)
    images: Path | None = option(
        None, "Folder of photos; int8 is calibrated on some and compared on others.", shown="samples of liveseg",
        group=_PHOTOS, metavar="DIR",
    )  # fmt: skip
    masks: Path | None = option(
        None, "Folder of their true masks, PNGs of class indices, for the mIoU.", group=_PHOTOS, metavar="DIR"
    )

    def __post_init__(self) -> None:
        check(self)
        if not self.output.name:
            raise UsageError("name the file to write by -o FILE, like -o model.onnx")
        if self.masks is not None and self.images is None:
            raise UsageError("--masks are those of photos; name the folder of the photos by --images")


@dataclass(frozen=True, kw_only=True)
class ExportSettings(GateSettings):
    """Every option of `liveseg export`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    format: Literal["auto", "onnx", "openvino", "pt2"] = option(
        "auto", "The format; auto goes by the extension.", group=_OUTPUT
    )
    size: tuple[int, int] | None = option(
        None, "Width and height of the only input that the file takes, or one number for both.", shown="any size",
        parse=parse_fixed_size, group=_OUTPUT, metavar="WxH",
    )  # fmt: skip
    int8: bool = option(False, "Quantise, as `liveseg quantize` does.", group=_OUTPUT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.int8 and self.images is None:
            raise UsageError("--int8 is calibrated on photos; name a folder of them by --images")


@dataclass(frozen=True, kw_only=True)
class QuantizeSettings(GateSettings):
    """Every option of `liveseg quantize`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    method: Literal["auto", "onnx", "nncf"] = option(
        "auto", "Quantiser: ONNX Runtime's or NNCF; auto is the one that measured better.", group=_OUTPUT
    )
    limit: int = option(128, "Calibrate on at most N photos.", least=1, group=_PHOTOS, metavar="N")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.images is None:
            raise UsageError("quantising is calibrated on photos; name a folder of them by --images")


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
