"""Every option of `liveseg export` and `liveseg quantize`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from liveseg.errors import UsageError
from liveseg.settings.option import check, option
from liveseg.settings.parse import parse_fixed_size
from liveseg.settings.report import ReportSettings

_MODEL = "Model"
_OUTPUT = "Output"
_PHOTOS = "Photos to compare on"


@dataclass(frozen=True, kw_only=True)
class GateSettings(ReportSettings):
    """What `liveseg export` and `liveseg quantize` share: the model, the file, and the pictures to compare on."""

    weights: Path | None = option(
        None, "A training run's folder, a checkpoint of your own, or a .onnx file of floats, in place of MODEL.",
        group=_MODEL, metavar="PATH",
    )  # fmt: skip
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
