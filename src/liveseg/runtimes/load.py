"""From a model's name or a weights file to a runtime that is ready to run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from liveseg.errors import LivesegError, MissingExtraError, SinkError, SourceNotFoundError, UsageError, WeightsError
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.models.extras import require
from liveseg.models.registry import ModelInfo, find_model
from liveseg.runtimes.base import available_cores
from liveseg.runtimes.choose import choose
from liveseg.weights.catalogue import find_weights
from liveseg.weights.home import exported_folder
from liveseg.weights.integrity import sha256
from liveseg.weights.locate import bundled, locate
from liveseg.weights.run import weights_file
from liveseg.weights.sidecar import contract_of, read_labels

if TYPE_CHECKING:
    from torch import Tensor

    from liveseg.contract import ModelContract
    from liveseg.models.network import SegmentationNetwork
    from liveseg.runtimes.base import Runtime
    from liveseg.runtimes.choose import RealRuntime
    from liveseg.settings import Precision, RuntimeName
    from liveseg.weights.patience import Progress

DEFAULT_MODEL = "lite"
BUNDLED: Literal["lite"] = "lite"


@dataclass(frozen=True)
class Request:
    """What the user asked for, as the loader takes it; see `load`.

    Args:
        model: a name of the registry; `lite` by default.
        weights: a file of the user's own instead: `.onnx`, `.xml`, `.pt2`, `.pth` or `.safetensors`; or the folder of
            a training run.
        runtime: `auto` (see `liveseg.runtimes.choose`), or the one to take.
        device: one of `liveseg.runtimes.base.DEVICES`.
        precision: `auto` is the runtime's own choice.
        threads: threads on the CPU, of all calls together; all available cores by default.
        parallel: how many calls to expect at the same time; they share the threads.
        live: frames come one after another in few sizes, as those of a live source or a video do.
        progress: told of downloads.
    """

    model: str | None = None
    weights: Path | None = None
    runtime: RuntimeName = "auto"
    device: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    parallel: int = 1
    live: bool = False
    progress: Progress | None = None

    @property
    def steady(self) -> bool:
        """Whether frames are to be expected, rather than pictures each of a size of its own."""
        return self.live or self.parallel > 1

    @property
    def threads_each(self) -> int:
        """How many threads one call gets, of those that the calls in parallel share."""
        return max((self.threads or available_cores()) // self.parallel, 1)


def load(request: Request) -> Runtime:
    """A runtime for a model, its weights found, downloaded or exported as needed.

    Raises:
        UsageError: a model, runtime, device or precision that does not exist, or some that contradict each other.
        WeightsError: weights that cannot be had or used.
        MissingExtraError: a runtime is needed that is not installed.
        DeviceError: a device or precision that was asked for and is not there.
    """
    runtime = choose(request).runtime
    if request.weights is not None:
        return _load_own(request, request.weights, runtime)
    info = find_model(request.model or DEFAULT_MODEL)
    if info.name == BUNDLED and runtime != "torch":
        return _load_graph(request, runtime, bundled(BUNDLED, "int8.onnx" if request.precision == "int8" else "onnx"))
    if request.precision == "int8":
        raise UsageError(
            f"{info.name} comes in floats only; make an int8 model of it by `liveseg quantize {info.name} --images DIR`"
            " and name that by --weights"
        )
    return _load_network(request, runtime, Published(info, request.progress))


def _load_graph(
    request: Request,
    runtime: Literal["onnx", "openvino"],
    path: Path,
    contract: ModelContract | None = None,
    labels: LabelSet | None = None,
) -> Runtime:
    device, precision = request.device, request.precision
    if runtime == "onnx":
        from liveseg.runtimes.onnx import OnnxRuntime

        return OnnxRuntime(
            path, contract=contract, labels=labels, device=device, threads=request.threads_each, precision=precision
        )
    try:
        from liveseg.runtimes.openvino import OpenvinoRuntime
    except ImportError as error:
        raise MissingExtraError("the openvino runtime needs OpenVINO: pip install 'liveseg[openvino]'") from error

    return OpenvinoRuntime(
        path,
        contract=contract,
        labels=labels,
        device=device,
        threads=request.threads,
        parallel=request.parallel,
        precision=precision,
        steady=request.steady,
    )


class Published:
    """A model of the registry with its published or bundled weights."""

    def __init__(self, info: ModelInfo, progress: Progress | None) -> None:
        self.name = info.name
        self.contract = info.contract
        self._progress = progress

    @cached_property
    def path(self) -> Path:
        """The file of the weights, downloaded where it has to be."""
        if self.name == BUNDLED:
            return bundled(BUNDLED, "safetensors")
        return locate(self.name, progress=self._progress)

    @property
    def identity(self) -> str:
        """What an export of them is kept under."""
        # The published hash, so that an export already made is found where the weights themselves are not.
        return f"{find_weights(self.name).sha256_prefix}\n{self.contract.to_json()}"

    def network(self) -> SegmentationNetwork:
        """The network with these weights, in evaluation mode."""
        from liveseg.models.checkpoint import load_state

        return _loaded(self.name, self.contract, load_state(self.path), self.path)


class Own:
    """A checkpoint of the user's own, or that of a training run; read only where its export is not in the cache."""

    def __init__(self, path: Path, model: str | None) -> None:
        self.path = weights_file(path, checkpoint=True)
        self._model = model
        self._labels = read_labels(self.path)
        self._stated = contract_of(self.path)
        # The files of all runs are called alike.
        self.name = self._stated.name if self._stated is not None and path.is_dir() else self.path.stem

    @property
    def identity(self) -> str:
        """What an export of them is kept under."""
        beside = [self._labels and self._labels.to_json(), self._stated and self._stated.to_json()]
        return f"{sha256(self.path)}\n{self.name}\n{self._model}\n{json.dumps(beside)}"

    @cached_property
    def _state(self) -> dict[str, Tensor]:
        require("torch", f"{self.path.name}, a PyTorch checkpoint,")
        from liveseg.models.checkpoint import load_state

        return load_state(self.path)

    @cached_property
    def _info(self) -> ModelInfo:
        from liveseg.models.checkpoint import identify

        looks_like = identify(self._state)
        name = self._model or looks_like
        if name is None:
            raise WeightsError(f"{self.path} fits none of liveseg's networks; its tensors have other names or shapes")
        if looks_like is not None and looks_like != name:
            raise WeightsError(f"{self.path} holds weights of {looks_like}, not of {name}; use --model {looks_like}")
        return find_model(name)

    @cached_property
    def contract(self) -> ModelContract:
        """What the file and what lies beside it say of the model."""
        from liveseg.models.checkpoint import num_classes_of

        classes = num_classes_of(self._state, self._info.name)
        labels = self._labels or (self._stated.labels if self._stated else None)
        if labels is None:
            labels = PASCAL_VOC if classes == len(PASCAL_VOC) else _numbered(classes)
        if len(labels) != classes:
            raise WeightsError(f"{self.path} has {classes} classes, but the labels beside it name {len(labels)}")
        return replace(self._stated or self._info.contract, name=self.name, labels=labels)

    def network(self) -> SegmentationNetwork:
        """The network with these weights, in evaluation mode."""
        return _loaded(self._info.name, self.contract, self._state, self.path)


def _loaded(name: str, contract: ModelContract, state: dict[str, Tensor], path: Path) -> SegmentationNetwork:
    from liveseg.models.build import build
    from liveseg.models.checkpoint import load_into

    network = build(name, num_classes=len(contract.labels))
    load_into(network, state, source=str(path))
    return network


def _load_own(request: Request, given: Path, runtime: RealRuntime) -> Runtime:
    path = weights_file(given, checkpoint=runtime == "torch")
    if not path.is_file():
        raise SourceNotFoundError(f"no such weights file: {path}")
    suffix = path.suffix.lower()
    if suffix == ".pt2":
        require("torch", f"{path.name}, a program exported by PyTorch,")
        from liveseg.runtimes.pt2 import Pt2Runtime

        return Pt2Runtime(
            path,
            contract=contract_of(path),
            labels=read_labels(path),
            device=request.device,
            threads=request.threads_each,
            precision=request.precision,
        )
    if runtime != "torch" and suffix in (".onnx", ".xml"):
        return _load_graph(request, runtime, path, contract_of(path), read_labels(path))
    return _load_network(request, runtime, Own(given, request.model))


def _numbered(classes: int) -> LabelSet:
    names = ("background", *(f"class_{index}" for index in range(1, classes)))
    return LabelSet(names, voc_palette(classes))


def _load_network(request: Request, runtime: RealRuntime, weights: Published | Own) -> Runtime:
    if runtime != "torch":
        return _load_graph(request, runtime, ensure_exported(weights))
    require("torch", "the torch runtime")
    from liveseg.runtimes.torch import TorchRuntime

    return TorchRuntime(
        weights.network(),
        weights.contract,
        device=request.device,
        threads=request.threads_each,
        precision=request.precision,
    )


def ensure_exported(weights: Published | Own) -> Path:
    """The cached ONNX export of some weights; made by PyTorch where it is not there yet."""
    digest = hashlib.sha256(f"{weights.identity}\n{_code_version()}".encode())
    target = exported_folder() / f"{weights.name}-{digest.hexdigest()[:16]}.onnx"
    if target.is_file():
        return target
    # The weights first: who has neither them nor PyTorch is better helped by hearing how to get the weights.
    source = weights.path
    require("torch", f"the first use of {source.name}, which is exported to ONNX once,")
    from filelock import FileLock

    from liveseg.runtimes.export import export_onnx

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not target.is_file():
                export_onnx(weights.network(), weights.contract, target)
    except LivesegError:
        raise
    except OSError as error:
        raise SinkError(
            f"cannot write the cache {target.parent} ({error.strerror or error}); name another folder by LIVESEG_HOME"
        ) from error
    return target


def _code_version() -> str:
    """A hash of the code that decides what an export holds, opset included: no export outlives its maker."""
    package = Path(__file__).parent.parent
    sources = [*sorted((package / "models").glob("*.py")), package / "runtimes" / "export.py"]
    digest = hashlib.sha256()
    for source in [*sources, package / "runtimes" / "torch.py"]:
        digest.update(source.read_bytes())
    return digest.hexdigest()
