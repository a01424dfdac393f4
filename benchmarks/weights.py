"""The same network for both sides of a comparison: a file's weights, or random ones where none can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.weights.locate import bundled

if TYPE_CHECKING:
    from liveseg.models.network import SegmentationNetwork


def network_with_weights(name: str, weights: str | None) -> SegmentationNetwork:
    """The network `name` with the weights of a file; `lite` without a file has its own."""
    network = build(name)
    path = weights or (str(bundled("lite", "safetensors")) if name == "lite" else None)
    if path is None:
        raise SystemExit(f"{name} needs --weights; `python benchmarks/weights.py {name} FILE.pth` makes random ones")
    load_into(network, load_state(path), source=path)
    return network


def random_weights(name: str) -> SegmentationNetwork:
    """Random weights whose masks look like masks: a few classes in connected areas, as a trained network gives.

    An untrained classifier answers noise, on which no argmax is typical; one whose outputs differ little from pixel
    to pixel is. So the last layer is scaled down and a few classes get a head start.
    """
    torch.manual_seed(0)
    network = build(name)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
    return network


if __name__ == "__main__":
    import sys

    torch.save(random_weights(sys.argv[1]).state_dict(), sys.argv[2])
