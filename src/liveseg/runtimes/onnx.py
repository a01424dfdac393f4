"""The default runtime: ONNX Runtime, on the CPU everywhere and on CUDA where its provider is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.errors import DeviceError, LivesegError, WeightsError
from liveseg.runtimes.base import available_cores, parse_device

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


class OnnxRuntime:
    """A network in an ONNX file that keeps liveseg's contract.

    Args:
        path: the file; its metadata may hold the contract.
        contract: the contract, in place of the one that the file holds.
        labels: the classes, in place of those of the contract.
        device: `auto` (CUDA where its provider works, else the CPU), `cpu`, `cuda` or `cuda:N`.
        threads: threads of one call on the CPU; all available cores by default.

    Raises:
        WeightsError: a file that is no ONNX model, or one whose input or output breaks the contract.
        DeviceError: a device that was asked for and is not there.
    """

    name = "onnx"

    def __init__(
        self,
        path: Path,
        *,
        contract: ModelContract | None = None,
        labels: LabelSet | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        kind, index = parse_device(device)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or available_cores()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from decoding and encoding beside them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(kind, index)
        try:
            self._session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # ONNX Runtime's own exceptions share no base class
            raise WeightsError(f"{path} cannot be loaded as an ONNX model: {_first_line(error)}") from error
        # ONNX Runtime falls back to the CPU in silence when a provider's libraries do not load.
        got = self._session.get_providers()[0]
        if kind == "cuda" and got != _CUDA:
            raise DeviceError(
                "CUDA was asked for, but ONNX Runtime fell back to the CPU; check the CUDA and cuDNN libraries with"
                " `liveseg doctor`, or use --device cpu"
            )
        self.device = f"cuda:{index}" if got == _CUDA else "cpu"
        self.contract = contract or read_contract(self._session, path, labels)
        if labels is not None:
            self.contract = replace(self.contract, labels=labels)
        self._input = _checked_input(self._session, path)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`."""
        try:
            logits = self._session.run(None, {self._input: images})[0]
        except Exception as error:  # ONNX Runtime's own exceptions share no base class
            raise LivesegError(f"the network failed on an input of {images.shape}: {_first_line(error)}") from error
        if logits.ndim != 4 or logits.shape[1] != len(self.contract.labels):
            raise WeightsError(
                f"the model gives an output of shape {logits.shape}, but it has {len(self.contract.labels)} class names"
            )
        return np.asarray(logits, np.float32)


def read_contract(session: ort.InferenceSession, path: Path, labels: LabelSet | None = None) -> ModelContract:
    """The contract in an ONNX file's metadata; without one, the simplest for its `labels`.

    Raises:
        WeightsError: there is none, or it cannot be read.
    """
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None and labels is not None:
        return ModelContract(path.stem, labels)
    if text is None:
        raise WeightsError(
            f"{path} does not say what its classes are; put a JSON file beside it, {path.stem}.json, like"
            ' {"classes": ["background", "cat"]}'
        )
    return ModelContract.from_json(text)


def _providers(kind: str, index: int) -> list[str | tuple[str, dict[str, int]]]:
    there = ort.get_available_providers()
    if kind == "mps":
        raise DeviceError("the onnx runtime has no MPS; use --runtime torch, or --device cpu")
    if kind == "cuda" and _CUDA not in there:
        raise DeviceError(
            "CUDA was asked for, but the installed ONNX Runtime has no CUDA provider; replace onnxruntime by"
            " onnxruntime-gpu, or use --runtime torch or --device cpu"
        )
    if kind != "cpu" and _CUDA in there:
        return [(_CUDA, {"device_id": index}), _CPU]
    return [_CPU]


def _checked_input(session: ort.InferenceSession, path: Path) -> str:
    inputs = session.get_inputs()
    first = inputs[0]
    if len(inputs) != 1 or first.type != "tensor(uint8)" or len(first.shape) != 4 or first.shape[3] != 3:
        raise WeightsError(
            f"{path} takes {first.type} {first.shape}; liveseg's models take one uint8 input (N, H, W, 3) with the"
            " normalisation inside"
        )
    return str(first.name)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
