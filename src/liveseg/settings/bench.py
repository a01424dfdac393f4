"""Every option of `liveseg bench`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from liveseg.errors import UsageError
from liveseg.settings.model import Precision, RuntimeName
from liveseg.settings.option import check, option
from liveseg.settings.parse import parse_names, parse_seconds, parse_sizes

_REPORT = "Report"
_COMPARED = "What is compared"
_MEASURED = "What is measured"


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
    flicker: bool = option(
        False, "Also tell how much the masks flicker, without smoothing and with it.", group=_MEASURED
    )
    drawing: bool = option(False, "Also measure what each way of drawing costs.", group=_MEASURED)
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
