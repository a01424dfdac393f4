"""Random weights for a network: they cost what trained ones cost, and can be had everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.models.extras import require

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.models.network import SegmentationNetwork


def random_network(name: str) -> SegmentationNetwork:
    """The network of that name with random weights, the same ones every time.

    The scales of the normalisations vary as trained ones do. The network costs what a trained one does; its masks may
    be of a single class, and are then cheaper to make and draw than those of pictures with objects.

    Raises:
        UsageError: no such network.
        MissingExtraError: PyTorch is not installed.
    """
    require("torch", f"random weights for {name}")
    import torch

    from liveseg.models.build import build

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(name)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(module.weight, 0.5, 1.0)
                torch.nn.init.normal_(module.bias, 0.0, 0.1)
    return network


def write_random_weights(name: str, path: Path) -> Path:
    """Write the random weights of a network as a PyTorch checkpoint; see `random_network`."""
    network = random_network(name)
    import torch

    torch.save(network.state_dict(), path)
    return path
