"""Where training starts: a network for classes of one's own, which keeps what another network has learned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import UsageError, WeightsError, WeightsUnavailableError
from liveseg.labels import PASCAL_VOC, voc_palette
from liveseg.models.build import build
from liveseg.models.checkpoint import identify, load_into, load_state, num_classes_of
from liveseg.models.registry import find_model
from liveseg.palettes import palette_of
from liveseg.train.imagenet import imagenet_file, read_backbone
from liveseg.weights.locate import bundled, locate
from liveseg.weights.run import weights_file
from liveseg.weights.sidecar import contract_of, read_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from liveseg.contract import ModelContract
    from liveseg.labels import LabelSet
    from liveseg.models.network import SegmentationNetwork
    from liveseg.weights.patience import Progress

_NEW_STD = 0.01
"""Of the weights of a new class about which nothing is known: it says next to nothing at first."""


@dataclass(frozen=True, eq=False)
class Start:
    """What training begins with.

    Args:
        network: for the classes of the contract, on the CPU, in evaluation mode.
        contract: how the trained model will be fed and read.
        model: the network's name in the registry.
        origin: where its weights come from, in words.
        known: the classes that the weights knew by name already; their rows of the classifier were kept.
        fresh: the names of the parameters that have learned nothing of use yet.
    """

    network: SegmentationNetwork
    contract: ModelContract
    model: str
    origin: str
    known: tuple[str, ...]
    fresh: frozenset[str]


def make_start(
    model: str,
    labels: LabelSet,
    *,
    begin: str | Path = "auto",
    name: str | None = None,
    default_size: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Start:
    """A network of the registry for classes of one's own, with weights to start from.

    Args:
        model: a name of the registry.
        labels: the classes to learn, and their colours; those that data sets without colours get, which are Pascal
            VOC's, become colours that are easier to tell apart.
        begin: `auto` (the model's bundled or published weights), `imagenet` (its backbone has learned to classify
            ImageNet's photos, the rest is new), `none` (all is new); a checkpoint or the folder of a run to start from;
            or a file of an ImageNet classifier with the model's backbone.
        name: what the trained model is called; the registry's name by default.
        default_size: the shorter side of the input that it will be used at; the model's own by default.
        seed: decides what new weights are.
        progress: told of downloads.

    Raises:
        UsageError: no such model, or weights that are a finished export.
        WeightsError: weights that cannot be read, or are of another network.
        WeightsUnavailableError: weights that are not here and cannot be had; the message says what helps.
        MissingExtraError: PyTorch is not installed.
    """
    info = find_model(model)
    contract = replace(
        info.contract,
        name=name or info.name,
        labels=_coloured(labels),
        default_size=default_size or info.contract.default_size,
    )
    network = _new(model, len(labels), seed)
    every = frozenset(own for own, _ in network.named_parameters())
    word = str(begin).strip().lower()
    if word == "none":
        return Start(network, contract, model, "random weights", (), every)
    head = frozenset(own for own in every if not own.startswith("backbone."))
    if word == "imagenet":
        file = imagenet_file(model, progress)
        read_backbone(file, network.backbone)
        return Start(network, contract, model, f"ImageNet weights of the backbone ({file.name})", (), head)
    file, origin = _published(model, progress) if word == "auto" else _own(Path(begin))
    state = load_state(file)
    found = identify(state)
    if found is None and word != "auto":
        read_backbone(file, network.backbone)
        return Start(network, contract, model, f"the backbone of {file.name}", (), head)
    if found != model:
        raise WeightsError(f"{file} holds weights of {found}, not of {model}; train with --model {found}")
    known, fresh = _take_over(network, state, model, _labels_of(file, num_classes_of(state, model)), labels)
    return Start(network, contract, model, origin, known, fresh)


def _coloured(labels: LabelSet) -> LabelSet:
    """The same classes in colours that all eyes tell apart, unless they have colours of their own."""
    made = labels.palette == voc_palette(len(labels)) and labels.names != PASCAL_VOC.names
    return labels.with_palette(palette_of("safe", labels)) if made else labels


def _new(model: str, classes: int, seed: int) -> SegmentationNetwork:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(model, classes)
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for own in _class_tensors(model, classes):
                # Fan-out initialisation, right for what is inside, would shout where there are few classes.
                if parameters[own].ndim > 1:
                    parameters[own].normal_(0.0, _NEW_STD)
                else:
                    parameters[own].zero_()
    return network


def _class_tensors(model: str, classes: int) -> tuple[str, ...]:
    """The tensors that have a row for each class: those whose shape depends on how many there are."""
    import torch

    with torch.device("meta"):
        fewer, more = (build(model, number).state_dict() for number in (classes, classes % 254 + 1))
    return tuple(own for own in fewer if fewer[own].shape != more[own].shape)


def _published(model: str, progress: Progress | None) -> tuple[Path, str]:
    if model == "lite":
        return bundled("lite", "safetensors"), "the bundled weights of lite"
    try:
        return locate(model, progress=progress), f"the published weights of {model}"
    except WeightsUnavailableError as error:
        reason = str(error).partition(": get them")[0]
        raise WeightsUnavailableError(
            f"{reason}: get them with `liveseg pull {model}`, begin with --start FILE, imagenet or none, or take"
            " --model lite, which works now"
        ) from error


def _own(path: Path) -> tuple[Path, str]:
    file = weights_file(path, checkpoint=True)
    if file.suffix.lower() in (".onnx", ".xml", ".pt2"):
        raise UsageError(f"--start {path}: {file.name} is an export, which is not trained on; name its checkpoint")
    return file, f"the weights of {path.name}"


def _labels_of(file: Path, classes: int) -> LabelSet | None:
    """The classes of the weights to start from, where they are known by name."""
    contract = contract_of(file)
    labels = read_labels(file) or (contract.labels if contract else None)
    if labels is None and classes == len(PASCAL_VOC):
        labels = PASCAL_VOC
    return labels if labels is not None and len(labels) == classes else None


def _take_over(
    network: SegmentationNetwork,
    state: Mapping[str, Tensor],
    model: str,
    theirs: LabelSet | None,
    ours: LabelSet,
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Copy what fits; rows of classes that both know by name are kept.

    A new class starts as an equal share of what was background so far, since that is what the old network, which could
    not know it, has taken it for (Cermelli et al., "Modeling the Background for Incremental Learning in Semantic
    Segmentation", 2020, section 3.2): all other classes keep their probabilities at first.
    """
    import torch

    own = network.state_dict()
    tensors = _class_tensors(model, len(ours))
    merged = {name: tensor for name, tensor in state.items() if name in own and name not in tensors}
    pairs = {} if theirs is None else _matches(theirs, ours)
    new = [index for index in range(len(ours)) if index not in pairs]
    nothing = theirs.names.index("background") if theirs is not None and "background" in theirs.names else None
    for name in tensors:
        rows = own[name].clone()
        for index, row in pairs.items():
            rows[index] = state[name][row]
        if nothing is not None and new:
            rows[new] = state[name][nothing]
        merged[name] = rows
    if nothing is not None and new:
        sharing = new + [index for index, row in pairs.items() if row == nothing]
        bias = next(name for name in tensors if merged[name].ndim == 1)
        merged[bias][torch.tensor(sharing)] -= math.log(len(sharing))
    load_into(network, merged)
    return tuple(ours.names[index] for index in sorted(pairs)), frozenset(tensors) if new else frozenset()


def _matches(theirs: LabelSet, ours: LabelSet) -> dict[int, int]:
    """Of each of our classes that they know by name, their index; each of theirs serves once."""
    matches: dict[int, int] = {}
    for index, name in enumerate(ours.names):
        if name.strip().isdecimal():
            continue  # a number would be taken for an index
        try:
            found = theirs.index(name)
        except UsageError:
            continue
        if found not in matches.values():
            matches[index] = found
    return matches
