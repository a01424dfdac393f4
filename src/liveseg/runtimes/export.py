"""From a PyTorch network to an ONNX file that keeps the contract, checked against eager PyTorch before it counts."""

from __future__ import annotations

import contextlib
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.errors import ParityError
from liveseg.files import atomic_write
from liveseg.postprocess import upsampled_argmax
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.torch import Contracted, TorchRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.models.network import SegmentationNetwork

OPSET = 18
LEAST_AGREEMENT = 0.999
MOST_DIFFERENCE = 1e-3
"""Of the largest logit. Float arithmetic in another order differs by about 1e-6; a wrong graph by far more."""


@dataclass(frozen=True)
class Parity:
    """How an exported model compares with eager PyTorch.

    Args:
        agreement: share of pixels with the same class, at input size.
        difference: the largest difference of a logit, as a share of the largest logit.
    """

    agreement: float
    difference: float

    @property
    def holds(self) -> bool:
        """Whether both lie within the stated limits."""
        return self.agreement >= LEAST_AGREEMENT and self.difference <= MOST_DIFFERENCE


def export_onnx(network: SegmentationNetwork, contract: ModelContract, target: Path) -> Parity:
    """Write a network as ONNX with its contract in the metadata, and check it against eager PyTorch.

    The check runs at two sizes, neither of which the graph was traced at, so a graph that took a size for a constant
    does not pass.

    Args:
        network: in evaluation mode, on the CPU.
        contract: what the file says about itself.
        target: the file; written only if the check passes.

    Raises:
        ParityError: the exported graph gives other results than PyTorch.
        SinkError: the file cannot be written.
    """
    module = Contracted(network).eval()
    height, width = contract.fit(256), contract.fit(320)
    sizes = {1: torch.export.Dim("height", min=33), 2: torch.export.Dim("width", min=33)}
    if contract.multiple > 1:
        steps = (torch.export.Dim("rows", min=3), torch.export.Dim("columns", min=3))
        sizes = {1: contract.multiple * steps[0] + contract.offset, 2: contract.multiple * steps[1] + contract.offset}
    example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    dynamic = ({0: torch.export.Dim("batch", min=1), **sizes},)
    with torch.inference_mode(), _quiet_exporter():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=dynamic,
            input_names=["images"],
            output_names=["logits"],
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise ParityError("PyTorch's ONNX exporter returned nothing")
    model = program.model_proto
    onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    _drop_trace_notes(model)
    with atomic_write(target, overwrite=True) as partial:
        onnx.save(model, str(partial))
        parity = compare(
            TorchRuntime(network, contract, device="cpu"), OnnxRuntime(partial, device="cpu"), _pictures(contract)
        )
        if not parity.holds:
            raise ParityError(
                f"the ONNX export of {contract.name} differs from PyTorch: {parity.agreement:.3%} of pixels agree (at"
                f" least {LEAST_AGREEMENT:.1%}), the largest logit difference is {parity.difference:.1e} (at most"
                f" {MOST_DIFFERENCE:.0e}); nothing was written"
            )
    return parity


def compare(reference: TorchRuntime, candidate: OnnxRuntime, pictures: Sequence[NDArray[np.uint8]]) -> Parity:
    """Compare two runtimes on pictures `(H, W, 3)` that obey the size rule."""
    agreements, differences = [], []
    for picture in pictures:
        wanted, got = reference(picture[None])[0], candidate(picture[None])[0]
        differences.append(float(np.abs(wanted - got).max() / max(float(np.abs(wanted).max()), 1e-12)))
        height, width = picture.shape[:2]
        align = reference.contract.align_corners
        same = upsampled_argmax(wanted, height, width, align_corners=align) == upsampled_argmax(
            got, height, width, align_corners=align
        )
        agreements.append(float(same.mean()))
    return Parity(min(agreements), max(differences))


def _pictures(contract: ModelContract) -> list[NDArray[np.uint8]]:
    """Smooth coloured noise with edges: as much structure as a photo, from a fixed seed."""
    rng = np.random.default_rng(0)
    pictures = []
    for shorter, longer in ((192, 272), (320, 256)):
        height, width = contract.fit(shorter), contract.fit(longer)
        coarse = rng.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
        blocks = np.kron(coarse, np.ones((16, 16, 1), np.uint8))[:height, :width]
        noise = rng.integers(-20, 21, blocks.shape)
        pictures.append(np.clip(blocks + noise, 0, 255).astype(np.uint8))
    return pictures


def _drop_trace_notes(model: onnx.ModelProto) -> None:
    """Remove the stack traces that the exporter writes into nodes and values: they name folders of the maker."""
    graph = model.graph
    for owner in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        if owner is not model:
            del owner.metadata_props[:]
        owner.doc_string = ""
    for function in model.functions:
        function.doc_string = ""


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns and logs about its own inside; what concerns the user is the parity check's result."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
