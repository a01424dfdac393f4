"""Which network runs, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from liveseg.settings.option import option
from liveseg.settings.parse import parse_size, parse_tile

_MODEL = "Model"

RuntimeName = Literal["auto", "onnx", "openvino", "torch"]
Tta = Literal["off", "flip", "full"]
Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]


@dataclass(frozen=True, kw_only=True)
class NamedModelSettings:
    """Which network runs."""

    model: str | None = option(
        None, "Model to use, see `liveseg models`.", shown="lite", flags=("-m",), group=_MODEL, metavar="NAME"
    )
    weights: Path | None = option(
        None, "Weights of your own: the folder of a training run, or a .onnx, .xml, .pt2, .pth or .safetensors file.",
        group=_MODEL, metavar="PATH",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WhereSettings:
    """Where networks run."""

    runtime: RuntimeName = option("auto", "What runs the network.", group=_MODEL)
    device: str = option(
        "auto", "auto, cpu, cuda[:N], mps, gpu[:N], npu, tensorrt[:N], coreml or directml[:N].", group=_MODEL,
        metavar="DEVICE",
    )  # fmt: skip
    precision: Precision = option("auto", "Arithmetic of the network; auto is the runtime's own choice.", group=_MODEL)


@dataclass(frozen=True, kw_only=True)
class ThreadSettings:
    """How many threads run them."""

    threads: int | None = option(
        None, "Threads on the CPU.", shown="all cores", least=1, most=1024, group=_MODEL, metavar="N"
    )


@dataclass(frozen=True, kw_only=True)
class LookSettings:
    """How pictures are given to networks."""

    size: int | str | None = option(
        None,
        "Shorter side of the network's input in pixels, or native.",
        shown="the model's own",
        parse=parse_size,
        group=_MODEL,
        metavar="PIXELS|native",
    )
    tile: int | str = option(
        "auto",
        "Cut pictures into overlapping tiles: on, or a tile's side in pixels; at the picture's own scale, or that of"
        " --size. auto: only what is too large for the network in one piece.",
        parse=parse_tile,
        group=_MODEL,
        metavar="auto|on|off|PIXELS",
    )
    tta: Tta = option(
        "off",
        "Look several times and average: at the picture and its mirror image (flip), and both at three scales (full).",
        group=_MODEL,
    )


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings(LookSettings, ThreadSettings, WhereSettings):
    """Where networks run, and how pictures are given to them."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings(RuntimeSettings, NamedModelSettings):
    """Which network runs, and where."""
