"""From a model's name to its network with random weights."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.labels import IGNORE_INDEX
from liveseg.models.extras import require
from liveseg.models.registry import find_model

if TYPE_CHECKING:
    from liveseg.models.network import SegmentationNetwork


def build(name: str, num_classes: int = 21) -> SegmentationNetwork:
    """The network of that name with random weights, in evaluation mode, on PyTorch's default device.

    Raises:
        UsageError: no such model, or a number of classes that a mask cannot hold.
        MissingExtraError: PyTorch is not installed.
    """
    info = find_model(name)
    if not 1 <= num_classes <= IGNORE_INDEX:
        raise UsageError(f"a model has 1 to {IGNORE_INDEX} classes, not {num_classes}")
    require("torch", f"building {name!r}")
    module, _, function = info.builder.partition(":")
    network: SegmentationNetwork = getattr(importlib.import_module(module), function)(num_classes)
    return network.eval()
