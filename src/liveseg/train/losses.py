"""What training makes small: cross-entropy to masks, and the divergence from a teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence


def cross_entropy(
    logits: Tensor,
    mask: Tensor,
    *,
    align_corners: bool,
    step: int = 1,
    class_weights: Tensor | None = None,
    boundary: float = 0.0,
    smoothing: float = 0.0,
) -> Tensor:
    """The mean cross-entropy of the labelled pixels; 0 where none is labelled.

    Args:
        logits: `(N, C, h, w)`, at the network's own grid.
        mask: `(N, H, W)` integers, class indices, 255 where no answer counts.
        align_corners: how the logits are brought to the mask's size, as the model's contract says.
        step: only every so many pixels of each axis are looked at, where the grid's points then fall on pixels: with
            aligned corners where sides are `k * step + 1`, without where `step` is odd and divides them. Otherwise all.
        class_weights: `(C,)`: how much a pixel of each class counts.
        boundary: how much more a pixel counts that has another class among its eight neighbours `step` pixels away.
        smoothing: label smoothing, as in `torch.nn.functional.cross_entropy`.
    """
    mask, size = _thinned(mask, step, align_corners)
    full = functional.interpolate(logits.float(), size=size, mode="bilinear", align_corners=align_corners)
    known = mask != IGNORE_INDEX
    weight = known.float()
    if class_weights is not None:
        weight = weight * class_weights.to(weight)[torch.where(known, mask, 0).long()]
    if boundary:
        weight = weight * (1 + boundary * _edges(mask))
    losses = functional.cross_entropy(
        full, mask.long(), ignore_index=IGNORE_INDEX, reduction="none", label_smoothing=smoothing
    )
    return (losses * weight).sum() / weight.sum().clamp(min=1.0)


def divergence(logits: Tensor, teacher: Tensor, known: Tensor, temperature: float = 1.0) -> Tensor:
    """Kullback-Leibler divergence of the network from its teacher, the mean over the cells that have one.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; times the square of the temperature, as there.

    Args:
        logits: `(N, C, h, w)` of the network.
        teacher: `(N, C, h, w)` logits of the teacher, on the same grid.
        known: `(N, h, w)`: how much each cell counts, 0 where there is no teacher.
        temperature: above 1 the small probabilities count more.
    """
    ours = functional.log_softmax(logits.float() / temperature, dim=1)
    theirs = functional.log_softmax(teacher.float() / temperature, dim=1)
    apart = (theirs.exp() * (theirs - ours)).sum(dim=1)
    mean = (apart * known).sum() / known.sum().clamp(min=1.0)
    return mean * temperature**2


def _thinned(mask: Tensor, step: int, align_corners: bool) -> tuple[Tensor, Sequence[int]]:
    sides = mask.shape[-2:]
    if align_corners and all((side - 1) % step == 0 for side in sides):
        mask = mask[..., ::step, ::step]
    elif not align_corners and step % 2 and all(side % step == 0 for side in sides):
        mask = mask[..., step // 2 :: step, step // 2 :: step]
    return mask, mask.shape[-2:]


def _edges(mask: Tensor) -> Tensor:
    """1 where a pixel of `mask` `(N, H, W)` has another class beside it, 0 elsewhere; unlabelled pixels have none."""
    # Unlabelled pixels make no edge of their neighbours: they never are the greatest of them, nor the least.
    classes = mask.float()[:, None]
    known = classes != IGNORE_INDEX
    greatest = functional.max_pool2d(torch.where(known, classes, -1.0), 3, 1, 1)
    least = -functional.max_pool2d(torch.where(known, -classes, -float(IGNORE_INDEX + 1)), 3, 1, 1)
    edge: Tensor = ((greatest != least) & known).float()[:, 0]
    return edge
