"""Checkpoints into networks: read without executing anything, checked before a single tensor is copied.

A `.pth` is a pickle, and a pickle is a program. PyTorch's restricted unpickler (`weights_only=True`) refuses
every call but those that rebuild tensors, and safetensors has no code in it at all.
"""

from __future__ import annotations

import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.errors import WeightsError, WeightsUnavailableError
from liveseg.labels import IGNORE_INDEX
from liveseg.models.build import build
from liveseg.models.extras import require
from liveseg.models.registry import MODELS, find_model

if TYPE_CHECKING:
    from torch import Tensor, nn

    Shapes = Mapping[str, tuple[int, ...]]

_AUXILIARY = "aux_classifier."
_COUNTER = "num_batches_tracked"
_WRAPPERS = ("state_dict", "model", "model_state_dict")


def load_state(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a `.pth`, `.pt` or `.safetensors` file, on the CPU.

    It may lie under `state_dict`, `model` or `model_state_dict`; the names lose what `DataParallel` and
    `torch.compile` put before them. Floating-point tensors of any precision become `float32`.

    Raises:
        WeightsUnavailableError: no such file.
        WeightsError: a file that is damaged, holds no state dict, or wants to run code; none of it is run.
        MissingExtraError: PyTorch, or safetensors for such a file, is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in {".pth", ".pt", ".safetensors"}:
        raise WeightsError(f"{path} is no checkpoint by its name; those end in .pth, .pt or .safetensors")
    try:
        path.open("rb").close()
    except FileNotFoundError as error:
        raise WeightsUnavailableError(f"no such weights file: {path}") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be opened: {error.strerror}") from error
    require("torch", f"reading {path.name}")
    data = _read_safetensors(path) if suffix == ".safetensors" else _read_pickle(path)
    state = {name.replace("_orig_mod.", ""): tensor for name, tensor in _unwrap(data, path).items()}
    while all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return {name: _plain(name, tensor, path) for name, tensor in state.items()}


def load_into(module: nn.Module, state: Mapping[str, Tensor], source: str | Path = "the checkpoint") -> None:
    """Copy a state dict into a network of this registry, all of it or nothing.

    Auxiliary heads are dropped, and batch-norm counters may be missing; everything else must fit by name and
    shape.

    Args:
        module: the network; unchanged when this raises.
        state: what `load_state` returned.
        source: what to call the state in messages, such as its path.

    Raises:
        WeightsError: weights of another network or number of classes, or values that are no finite numbers.
    """
    own = module.state_dict()
    given = {name: tensor for name, tensor in state.items() if not name.startswith(_AUXILIARY)}
    problems = _misfits(_shapes(own), _shapes(given))
    if problems:
        raise WeightsError(_explain(own, given, problems, source))
    for name, tensor in given.items():
        if tensor.is_floating_point() != own[name].is_floating_point():
            raise WeightsError(
                f"{source}: {name!r} is {tensor.dtype}, not {own[name].dtype}; quantised weights do not load"
            )
        if not tensor.isfinite().all():
            raise WeightsError(f"{source} is damaged: {name!r} holds values that are no finite numbers; get it anew")
    module.load_state_dict(own | given)


def num_classes_of(state: Mapping[str, Tensor], model_name: str) -> int:
    """The number of classes that weights of that model were trained for, from the shape of its classifier.

    Raises:
        UsageError: no such model.
        WeightsError: no such tensor in it, or more classes than a mask can hold.
    """
    key = find_model(model_name).classifier_key
    if key not in state or state[key].ndim != 4:
        raise WeightsError(f"these are not weights of {model_name!r}: they hold no {key!r} of four dimensions")
    classes = state[key].shape[0]
    if not 1 <= classes <= IGNORE_INDEX:
        raise WeightsError(f"a model has 1 to {IGNORE_INDEX} classes; these weights have {classes}")
    return classes


def identify(state: Mapping[str, Tensor]) -> str | None:
    """The model of the registry that the weights' names and shapes fit, whatever their number of classes."""
    for name in MODELS:
        try:
            expected = _expected_shapes(name, num_classes_of(state, name))
        except WeightsError:
            continue
        if not _misfits(expected, _shapes(state)):
            return name
    return None


def _read_pickle(path: Path) -> object:
    import torch

    try:
        _refuse_bomb(path)
        # torchvision's training script saves its arguments beside the weights, as this harmless class.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused is None:
            raise _damaged(path) from error
        raise WeightsError(
            f"{path} holds more than tensors ({refused[1]}) and was not read, since that could run code; "
            "save the state dict alone: torch.save(model.state_dict(), …)"
        ) from error
    except Exception as error:
        # A damaged pickle can raise whatever its bytes happen to say.
        if "TorchScript" in str(error):
            raise WeightsError(
                f"{path} is a TorchScript program, which is not run; save the state dict of the model instead"
            ) from error
        raise _damaged(path) from error


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that unpacks to more than itself: PyTorch's do not, since it compresses nothing."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > path.stat().st_size:
            raise WeightsError(f"{path} was not read: it unpacks to {unpacked:,} bytes, more than it has itself")


def _read_safetensors(path: Path) -> object:
    require("safetensors", f"reading {path.name}")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} cannot be read as a checkpoint: it is damaged, cut short or something else; get it anew"
    )


def _unwrap(data: object, path: Path) -> Mapping[str, Tensor]:
    import torch

    # A pickle can hold itself, so the descent has an end.
    for _ in range(len(_WRAPPERS)):
        if not isinstance(data, Mapping):
            break
        if data and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in data.items()):
            return data
        data = next((data[key] for key in _WRAPPERS if isinstance(data.get(key), Mapping)), None)
    raise WeightsError(
        f"{path} holds no state dict: no named tensors, neither at its top nor under {' or '.join(_WRAPPERS)}"
    )


def _plain(name: str, tensor: Tensor, path: Path) -> Tensor:
    """The tensor as a dense one of its own, in `float32` if it is of floating point."""
    import torch

    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_meta or tensor.is_quantized:
        raise WeightsError(f"{path}: {name!r} is no dense tensor with values; save the model in float32 or float16")
    # A few bytes can claim, by repeating themselves, to be a tensor of terabytes; a copy would make it true.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise WeightsError(f"{path} is damaged: {name!r} is larger than its data")
    tensor = tensor.detach()
    return tensor.float() if tensor.is_floating_point() else tensor


@cache
def _expected_shapes(name: str, num_classes: int) -> Shapes:
    import torch

    with torch.device("meta"):
        return _shapes(build(name, num_classes).state_dict())


def _shapes(state: Mapping[str, Any]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not name.startswith(_AUXILIARY)}


def _misfits(expected: Shapes, given: Shapes) -> list[str]:
    """What keeps `given` from fitting `expected`: tensors that are missing, unknown or misshapen."""
    missing = [name for name in expected if name not in given and not name.endswith(_COUNTER)]
    unknown = [name for name in given if name not in expected]
    misshapen = [name for name in given if name in expected and given[name] != expected[name]]
    problems = []
    if missing:
        problems.append(f"{len(missing)} tensors missing (such as {missing[0]!r})")
    if unknown:
        problems.append(f"{len(unknown)} not known (such as {unknown[0]!r})")
    if misshapen:
        name = misshapen[0]
        shapes = f"{list(given[name])} for {list(expected[name])}"
        problems.append(f"{len(misshapen)} of another shape (such as {name!r}: {shapes})")
    return problems


def _explain(own: Mapping[str, Tensor], given: Mapping[str, Tensor], problems: list[str], source: str | Path) -> str:
    wanted, found = identify(own), identify(given)
    this = "this network" if wanted is None else repr(wanted)
    if found is None:
        return f"{source} does not fit {this}: {', '.join(problems)}; it is of no network that liveseg knows"
    if found != wanted:
        other = f"{found!r} ({MODELS[found].network})"
        return f"{source} holds weights of {other}, not of {this}; choose the model {found!r} for it"
    theirs, ours = num_classes_of(given, found), num_classes_of(own, found)
    return f"{source} holds {found!r} for {theirs} classes, not {ours}; build it with num_classes={theirs}"
