"""The float model that an export or a quantised model is made from and held to."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.models.extras import require
from liveseg.models.registry import find_model
from liveseg.runtimes.choose import installed
from liveseg.runtimes.load import BUNDLED, DEFAULT_MODEL, Own, Published, Request, ensure_exported, load
from liveseg.weights.locate import bundled
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from liveseg.models.network import SegmentationNetwork
    from liveseg.runtimes.base import Runtime
    from liveseg.weights.patience import Progress


class Original:
    """A model of the registry, a checkpoint of one's own, or an ONNX file of floats that keeps the contract.

    Args:
        model: a name of the registry; `lite` by default.
        weights: a file of one's own instead, or the folder of a training run.
        progress: told of downloads.

    Raises:
        UsageError: no such model, or a file that is itself made from another.
        SourceNotFoundError: no such file.
    """

    def __init__(self, model: str | None, weights: Path | None, *, progress: Progress | None = None) -> None:
        self._source: Path | Published | Own
        if weights is None:
            self._source = Published(find_model(model or DEFAULT_MODEL), progress)
            return
        file = weights_file(weights, checkpoint=True)
        if not file.is_file():
            raise SourceNotFoundError(f"no such weights file: {weights}")
        if file.suffix.lower() in (".xml", ".pt2"):
            raise UsageError(
                f"{weights} is an export itself; name the checkpoint or the .onnx file that it was made from"
            )
        self._source = file if file.suffix.lower() == ".onnx" else Own(weights, model)

    @cached_property
    def network(self) -> SegmentationNetwork:
        """The network in PyTorch.

        Raises:
            UsageError: there is only an ONNX file.
            MissingExtraError: PyTorch is not installed.
            WeightsError: weights that cannot be had or used.
        """
        if isinstance(self._source, Path):
            raise UsageError(
                f"{self._source} is an ONNX model already, which PyTorch does not read; name its checkpoint"
            )
        require("torch", "exporting a network")
        return self._source.network()

    @cached_property
    def graph(self) -> Path:
        """The float graph as an ONNX file: one's own, the bundled one, or the export in the cache, made if need be.

        Raises:
            MissingExtraError: it has to be made, and PyTorch is not installed.
            WeightsError: weights that cannot be had or used.
        """
        if isinstance(self._source, Path):
            return self._source
        if isinstance(self._source, Published) and self._source.name == BUNDLED:
            return bundled(BUNDLED, "onnx")
        return ensure_exported(self._source)

    @cached_property
    def reference(self) -> Runtime:
        """What counts as right: eager PyTorch on the CPU in float32; without PyTorch, ONNX Runtime on the graph.

        Raises:
            UsageError: an ONNX file that is quantised already.
            WeightsError: weights that cannot be had or used.
        """
        if not isinstance(self._source, Path) and installed("torch"):
            from liveseg.runtimes.torch import TorchRuntime

            return TorchRuntime(self.network, self._source.contract, device="cpu", precision="float32")
        runtime = load(Request(weights=self.graph, runtime="onnx", device="cpu"))
        if runtime.contract.quantized:
            raise UsageError(f"{self.graph} holds 8-bit integers already; name the float model that it was made from")
        return runtime
