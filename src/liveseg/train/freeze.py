"""Which parts of a backbone stay as they are while a network learns from few photos."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from liveseg.models.network import SegmentationNetwork
    from liveseg.train.plan import Frozen

_EARLY_STRIDE = 4
_PROBE = 64


def freeze(network: SegmentationNetwork, what: Frozen) -> tuple[nn.Module, ...]:
    """Stop the parameters that are not to learn from doing so.

    Args:
        network: changed in place.
        what: `none`; `statistics`: the mean and variance of the backbone's batch norms, whose weights learn; `early`:
            these and the layers up to stride 4; `backbone`: all of it.

    Returns:
        The modules that have to be kept in evaluation mode, whatever mode the network is in.
    """
    if what == "none":
        return ()
    layers = early_layers(network.backbone) if what == "early" else ()
    for module in (network.backbone,) if what == "backbone" else layers:
        module.requires_grad_(False)
    return tuple(module for module in network.backbone.modules() if isinstance(module, nn.BatchNorm2d))


def early_layers(backbone: nn.Module) -> tuple[nn.Module, ...]:
    """The first layers with parameters, up to the first whose output is coarser than stride 4; of any backbone."""
    seen: list[tuple[nn.Module, int]] = []

    def note(module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append((module, output.shape[-1]))

    leaves = [module for module in backbone.modules() if not any(module.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves if any(True for _ in leaf.parameters())]
    trained = {module: module.training for module in backbone.modules()}
    device = next(backbone.parameters()).device
    try:
        with torch.no_grad():
            backbone.eval()(torch.zeros(1, 3, _PROBE, _PROBE, device=device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in trained.items():
            module.training = mode
    return tuple(module for module, _ in takewhile(lambda each: each[1] * _EARLY_STRIDE >= _PROBE, seen))
