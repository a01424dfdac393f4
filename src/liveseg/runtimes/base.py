"""The protocol that every runtime fulfils, the devices that a user may name, and what all runtimes check alike."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from liveseg.contract import ModelContract
from liveseg.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

DEVICES = "auto, cpu, cuda[:N], mps, gpu[:N], npu, tensorrt[:N], coreml or directml[:N]"
_DEVICE = re.compile(r"(auto|cpu|mps|npu|coreml)|(cuda|gpu|tensorrt|directml)(?::(\d+))?")


class Runtime(Protocol):
    """A loaded network. Calls may come from several threads at once."""

    name: str
    """The runtime's name, such as `onnx`."""
    device: str
    """The device that the network really runs on, such as `cpu` or `cuda:0`."""
    precision: str
    """The arithmetic that it really uses: `float32`, `bfloat16`, `float16` or `int8`."""
    contract: ModelContract

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network.

        Pictures come in one batch only if they have one shape. None is ever padded to another's: the heads of these
        networks pool over the whole picture, so that a border changes the mask everywhere.

        Args:
            images: `(N, H, W, 3)` `uint8` RGB; H and W obey the contract's size rule.

        Returns:
            Low-resolution logits, `(N, classes, h, w)` `float32`.

        Raises:
            LivesegError: an array of another layout or type, or one that the network cannot take.
        """


def parse_device(device: str) -> tuple[str, int]:
    """A device's kind (such as `auto`, `cpu` or `cuda`) and index.

    Raises:
        UsageError: a name that is none of `DEVICES`.
    """
    match = _DEVICE.fullmatch(device.strip().lower())
    if match is None:
        raise UsageError(f"no such device {device!r}; choose {DEVICES}")
    return match[1] or match[2], int(match[3] or 0)


def available_cores() -> int:
    """How many processor cores this process may use (fewer than the machine's inside a container or `taskset`)."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def import_openvino() -> ModuleType:
    """The `openvino` module, imported without its telemetry.

    `import openvino` itself reports to a Google Analytics account, unless the user once declined, or the package
    `openvino_telemetry` is missing: then it takes a stub of its own. Here it is always missing, for NNCF too.

    Raises:
        ImportError: OpenVINO is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # Python's own way to say "missing"
    import openvino

    return openvino  # type: ignore[no-any-return]


def stated_contract(
    text: str | None, path: Path, *, contract: ModelContract | None, labels: LabelSet | None
) -> ModelContract:
    """The contract of a graph file.

    Args:
        text: the record that the file holds, in JSON.
        path: the file, for messages.
        contract: taken in place of the record.
        labels: the classes, in place of those of either; enough where there is neither.

    Raises:
        WeightsError: nothing says what the classes are, or the record cannot be read.
    """
    if contract is None and text is not None:
        contract = ModelContract.from_json(text)
    if contract is None and labels is None:
        raise WeightsError(
            f"{path} does not say what its classes are; put a JSON file beside it, {path.stem}.json, like"
            ' {"classes": ["background", "cat"]}'
        )
    if contract is None:
        return ModelContract(path.stem, labels)  # type: ignore[arg-type]  # not both are missing
    return contract if labels is None else replace(contract, labels=labels)


def check_quantized(path: Path, contract: ModelContract, precision: str) -> None:
    """Hold the precision that is asked for against what a graph's weights are.

    Raises:
        UsageError: they contradict each other.
    """
    if precision == "int8" and not contract.quantized:
        raise UsageError(
            f"{path} holds floats, not 8-bit integers; `liveseg quantize` makes an int8 model, which --weights takes"
        )
    if contract.quantized and precision not in ("auto", "int8"):
        raise UsageError(f"{path} holds 8-bit integers; leave out --precision {precision}, or take the float model")


def check_logits(shape: tuple[int, ...], contract: ModelContract) -> None:
    """Hold the shape of a network's output against the number of its classes.

    Raises:
        WeightsError: they do not fit.
    """
    if len(shape) != 4 or shape[1] != len(contract.labels):
        raise WeightsError(f"the model gives an output of shape {shape}, but it has {len(contract.labels)} class names")


def first_line(error: BaseException) -> str:
    """The first line of another library's message that tells something."""
    lines = (line.strip() for line in str(error).splitlines())
    # OpenVINO begins with the places in its own source that the error came through.
    telling = (line for line in lines if line and not re.match(r"Exception from |Check '.*' failed at", line))
    return next(telling, type(error).__name__)
