"""The running average of a network's weights over its last steps: steadier, and mostly better, than the weights."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def average_of(network: nn.Module) -> nn.Module:
    """A copy of a network for `update` to move along; in evaluation mode and never trained."""
    average = copy.deepcopy(network).eval()
    return average.requires_grad_(False)


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move an average towards a network's weights and batch-norm statistics.

    Early on, the decay is `(1 + step) / (10 + step)` at most, so that the start is soon forgotten (as in TensorFlow's
    `ExponentialMovingAverage` with `num_updates`).

    Args:
        average: what `average_of` made.
        network: the one that learns.
        decay: how much of the average stays; with 0 it becomes the network.
        step: how many steps there were before.
    """
    share = 1 - min(decay, (1 + step) / (10 + step))
    ours, theirs = average.state_dict(), network.state_dict()
    floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], share)
    for name in ours.keys() - set(floats):
        ours[name].copy_(theirs[name])
