"""From a PyTorch network to files that keep the contract and hold no code: ONNX, and a program of `torch.export`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.errors import ParityError
from liveseg.files import atomic_write
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.parity import FLOAT, Parity, Picture, compare
from liveseg.runtimes.quiet import quietly
from liveseg.runtimes.torch import Contracted, TorchRuntime

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.models.network import SegmentationNetwork

OPSET = 18


class _Planar(Contracted):
    """The same module without the channels-last layout, which the exporter would write into the graph as gathers.

    OpenVINO computes those wrongly in a quantised graph, and no runtime needs them.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, H, W, 3)` `uint8` RGB to `(N, classes, h, w)` logits."""
        pixels = images.permute(0, 3, 1, 2).contiguous().to(self.mean.dtype)
        return self.network.low_logits((pixels - self.mean) * self.scale)


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
    with atomic_write(target, overwrite=True) as partial:
        write_onnx(network, contract, partial)
        reference = TorchRuntime(network, contract, device="cpu", precision="float32")
        (parity,) = compare(reference, [OnnxRuntime(partial, device="cpu")], _pictures(contract), size="native")
        if not parity.within(FLOAT):
            raise ParityError(
                f"the ONNX export of {contract.name} differs from PyTorch: {parity.agreement:.3%} of pixels agree (at"
                f" least {FLOAT.agreement:.1%}), the largest logit difference is {parity.difference:.1e} (at most"
                f" {FLOAT.difference:.0e}); nothing was written"
            )
    return parity


def write_onnx(network: SegmentationNetwork, contract: ModelContract, path: Path) -> None:
    """Write a network as ONNX, unchecked.

    Raises:
        ParityError: PyTorch's exporter gave nothing.
    """
    example, dynamic = _traced_at(contract)
    with torch.inference_mode(), quietly():
        program = torch.onnx.export(
            _Planar(network).eval(),
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
    onnx.save(model, str(path))


def write_pt2(network: SegmentationNetwork, contract: ModelContract, path: Path) -> None:
    """Write a network as a program of `torch.export`, unchecked; `liveseg.json` in it is the contract."""
    example, dynamic = _traced_at(contract)
    with torch.inference_mode(), quietly():
        program = torch.export.export(Contracted(network).eval(), (example,), dynamic_shapes=dynamic)
        for node in program.graph.nodes:
            # It names folders of the maker.
            node.meta.pop("stack_trace", None)
        torch.export.save(program, path, extra_files={f"{METADATA_KEY}.json": contract.to_json()})


def _traced_at(contract: ModelContract) -> tuple[torch.Tensor, Any]:
    """An example input, and which of its lengths are variables of the graph.

    Height and width are plain ones, although the contract may allow only some: the graph then computes sizes from its
    input's. Of `32k + 1` it would read them off a layer in its midst, where quantisation and OpenVINO trip over that.
    """
    names = {0: ("batch", 1), 1: ("height", 33), 2: ("width", 33)}
    size = contract.fixed_size
    if size is not None:
        names = {0: ("batch", 1)}
    example = torch.zeros((2, *(size or (contract.fit(96), contract.fit(128))), 3), dtype=torch.uint8)
    return example, ({axis: torch.export.Dim(name, min=least) for axis, (name, least) in names.items()},)


def _pictures(contract: ModelContract) -> list[Picture]:
    """Smooth coloured noise with edges: as much structure as a photo, from a fixed seed."""
    rng = np.random.default_rng(0)
    pictures = []
    for shorter, longer in ((192, 272), (320, 256)):
        height, width = contract.fit(shorter), contract.fit(longer)
        coarse = rng.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
        blocks = np.kron(coarse, np.ones((16, 16, 1), np.uint8))[:height, :width]
        noise = rng.integers(-20, 21, blocks.shape)
        pictures.append(Picture(np.clip(blocks + noise, 0, 255).astype(np.uint8)))
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
