"""From a model to a file in another format or in 8-bit integers, which counts only once it agrees with the model."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from liveseg.errors import ParityError, UsageError
from liveseg.files import atomic_write, refuse_existing
from liveseg.preprocess import input_size, resize
from liveseg.runtimes.choose import installed
from liveseg.runtimes.ir import atomic_pair, write_ir
from liveseg.runtimes.load import Request, load
from liveseg.runtimes.parity import FLOAT, INT8, Limits, Parity, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.runtimes.original import Original
    from liveseg.runtimes.parity import Pictures
    from liveseg.settings import Precision, RuntimeName

Format = Literal["onnx", "openvino", "pt2"]
Method = Literal["auto", "onnx", "nncf"]

SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml", "pt2": ".pt2"}
"""The extension of each format; OpenVINO's weights lie in a `.bin` beside its `.xml`."""

_RUN_BY: dict[Format, tuple[RuntimeName, ...]] = {
    "onnx": ("onnx", "openvino"),
    "openvino": ("openvino",),
    "pt2": ("torch",),
}


@dataclass(frozen=True)
class Wish:
    """What is to be written.

    Args:
        target: the file; its extension fits the format.
        format: see `format_of`.
        size: width and height of the only input that it takes, fitted to the size rule; `None` for any.
        int8: whether it holds 8-bit integers.
        method: how it is quantised; `auto` is the one that measured better, see `liveseg.runtimes.quantize`.
        force: write beyond the limits, too.
        overwrite: replace a file that exists.
    """

    target: Path
    format: Format
    size: tuple[int, int] | None = None
    int8: bool = False
    method: Method = "auto"
    force: bool = False
    overwrite: bool = False

    @property
    def limits(self) -> Limits:
        """How far results may differ."""
        return INT8 if self.int8 else FLOAT

    def contract_for(self, contract: ModelContract) -> ModelContract:
        """The contract of the file, made from that of the model.

        Raises:
            UsageError: a size, of a model that takes another one only.
        """
        if self.size is None:
            return contract
        width, height = (contract.fit(side) for side in self.size)
        fixed = contract.fixed_size
        if fixed is not None and fixed != (height, width):
            raise UsageError(f"{contract.name} takes inputs of {fixed[1]}x{fixed[0]} only; leave out --size")
        return replace(contract, fixed_size=(height, width), default_size=min(height, width))


@dataclass(frozen=True)
class Compared:
    """A written file in one of the runtimes that run it."""

    runtime: str
    precision: str
    parity: Parity


@dataclass(frozen=True)
class Conversion:
    """What was written, and how it compares with what it was made from.

    Args:
        model: the model's name.
        wish: what was asked for.
        files: the file, and what lies beside it.
        reference: the runtime that it was compared with: `torch`, or `onnx` where PyTorch is not installed.
        compared: one entry a runtime.
        calibrated_on: how many pictures a quantised file was calibrated on.
    """

    model: str
    wish: Wish
    files: tuple[Path, ...]
    reference: str
    compared: tuple[Compared, ...]
    calibrated_on: int = 0

    @property
    def forced(self) -> bool:
        """Whether it was written although it is beyond the limits."""
        return not all(entry.parity.within(self.wish.limits) for entry in self.compared)

    def to_json(self) -> dict[str, Any]:
        """As a record."""
        limits = self.wish.limits
        return {
            "model": self.model,
            "format": self.wish.format,
            "precision": "int8" if self.wish.int8 else "float32",
            "size": self.wish.size,
            "files": [str(file) for file in self.files],
            "bytes": sum(file.stat().st_size for file in self.files),
            "calibrated_on": self.calibrated_on,
            "reference": self.reference,
            "limits": {"pixel_agreement": limits.agreement, "largest_logit_difference": limits.difference},
            "compared": [
                {"runtime": entry.runtime, "precision": entry.precision, **entry.parity.to_json()}
                for entry in self.compared
            ],
            "forced": self.forced,
        }


def format_of(target: Path, asked: Format | Literal["auto"] = "auto") -> Format:
    """The format of a file to write: the one asked for, else by its extension.

    Raises:
        UsageError: an extension that is none of `SUFFIXES`, or not that of the format asked for.
    """
    by_suffix = {suffix: name for name, suffix in SUFFIXES.items()}
    found = by_suffix.get(target.suffix)
    if found is None or asked not in ("auto", found):
        wanted = ", ".join(by_suffix) if asked == "auto" else f"{SUFFIXES[asked]} for --format {asked}"
        raise UsageError(f"-o {target} has another extension; name a file that ends with {wanted}")
    return found


def convert(
    original: Original,
    wish: Wish,
    pictures: Pictures,
    *,
    calibration: Pictures = (),
    tell: Callable[[str], None] = lambda _step: None,
) -> Conversion:
    """Write a model in another format, compare it with the model, and keep the file only within the limits.

    Args:
        original: the model.
        wish: what is to be written.
        pictures: what to compare on, at the size at which the model is best.
        calibration: pictures to calibrate a quantised file on.
        tell: called with each step, in words.

    Raises:
        ParityError: the file differs from the model by more than the limits; it was not written.
        UsageError: a wish that cannot be met.
        OutputExistsError: the file is there, and overwriting was not asked for.
        SinkError: the file cannot be written.
        MissingExtraError: what reads or writes the format is not installed.
        WeightsError: weights that cannot be had or used.
    """
    if wish.int8 and wish.format == "pt2":
        raise UsageError("a .pt2 file holds floats; int8 goes into .onnx or .xml")
    if wish.int8 and not len(calibration):
        raise UsageError("an int8 model is calibrated on pictures; name a folder of them by --images")
    refuse_existing(wish.target, overwrite=wish.overwrite)
    tell(f"loading the model that {wish.target.name} is made from")
    reference = original.reference
    wish.contract_for(reference.contract)
    whole = atomic_pair if wish.format == "openvino" else atomic_write
    with whole(wish.target, overwrite=wish.overwrite) as partial:
        tell(f"quantising on {len(calibration)} pictures" if wish.int8 else f"writing {wish.target.name}")
        _write(original, wish, calibration, partial)
        tell(f"comparing on {len(pictures)} pictures")
        compared = _compare(original, wish, pictures, partial)
        _hold(reference.contract.name, wish, compared, reference.name)
    files = (wish.target, wish.target.with_suffix(".bin"))[: 2 if wish.format == "openvino" else 1]
    return Conversion(
        reference.contract.name, wish, files, reference.name, compared, len(calibration) if wish.int8 else 0
    )


def _write(original: Original, wish: Wish, calibration: Pictures, path: Path) -> None:
    contract = wish.contract_for(original.reference.contract)
    if wish.int8:
        _quantize(original, wish, calibration, path)
    elif wish.format == "openvino":
        write_ir(original.graph, contract, path)
    else:
        # First, since it says what is wrong where there is no network or no PyTorch.
        network = original.network
        from liveseg.runtimes.export import write_onnx, write_pt2

        (write_onnx if wish.format == "onnx" else write_pt2)(network, contract, path)


def _quantize(original: Original, wish: Wish, calibration: Pictures, path: Path) -> None:
    contract = wish.contract_for(original.reference.contract)

    def inputs() -> Iterator[NDArray[np.uint8]]:
        for picture in calibration:
            height, width = picture.image.shape[:2]
            yield resize(picture.image, *input_size(height, width, contract.default_size, contract))[None]

    if wish.method == "nncf":
        from liveseg.runtimes.quantize_nncf import quantize_nncf

        quantize_nncf(original.graph, contract, path, inputs())
        return
    from liveseg.runtimes.quantize import quantize_onnx

    if wish.format == "onnx":
        quantize_onnx(original.graph, contract, path, inputs(), scales="layers")
        return
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "quantized.onnx"
        quantize_onnx(original.graph, contract, graph, inputs(), scales="inputs")
        write_ir(graph, replace(contract, quantized=True), path)


def _compare(original: Original, wish: Wish, pictures: Pictures, path: Path) -> tuple[Compared, ...]:
    """The written file in each runtime that runs it, loaded as `--weights` loads it."""
    precision: Precision = "auto" if wish.int8 else "float32"
    runtimes = [
        load(Request(weights=path, runtime=name, device="cpu", precision=precision))
        for name in _RUN_BY[wish.format]
        if installed(name)
    ]
    contract = wish.contract_for(original.reference.contract)
    parities = compare(original.reference, runtimes, pictures, size=contract.default_size, contract=contract)
    return tuple(
        Compared(runtime.name, runtime.precision, parity) for runtime, parity in zip(runtimes, parities, strict=True)
    )


def _hold(name: str, wish: Wish, compared: tuple[Compared, ...], reference: str) -> None:
    if wish.force:
        return
    for entry in compared:
        if entry.parity.within(wish.limits):
            continue
        most = "" if wish.limits.difference is None else f" (at most {wish.limits.difference:.0e})"
        raise ParityError(
            f"{name} as {wish.target.name} differs from the {reference} runtime when run by {entry.runtime}:"
            f" {entry.parity.agreement:.2%} of pixels agree (at least {wish.limits.agreement:.1%}), the largest logit"
            f" difference is {entry.parity.difference:.1e} of the largest logit{most}; nothing was written, --force"
            " writes it anyway"
        )
