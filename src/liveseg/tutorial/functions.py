"""The tutorial's three functions: the same arguments, the same results, without torchvision and without PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.labels import PASCAL_VOC
from liveseg.media.picture import as_rgb
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.render.overlay import Painter
from liveseg.segmenter import Segmenter

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import nn

OVERLAY_WEIGHT = 0.8
"""Of the colours; the image itself keeps its full weight, and sums beyond 255 saturate."""

_PAINTER = Painter(PASCAL_VOC)


def get_segment_labels(
    image: Image | NDArray[np.uint8], model: nn.Module | Segmenter, device: Any = None
) -> OrderedDict[str, Any]:
    """The logits of an image, at the image's size.

    Args:
        image: a PIL image, or an array `(H, W, 3)` `uint8` RGB.
        model: a network like torchvision's, or a `Segmenter`.
        device: where the network lies; of no meaning for a `Segmenter`, which knows its own.

    Returns:
        What the model returns: an ordered dict with `out`, `(1, classes, H, W)` `float32`; a tensor of a network, an
        array of a `Segmenter`.
    """
    pixels = as_rgb(image)
    if isinstance(model, Segmenter):
        return OrderedDict(out=model.segment(pixels).full_logits()[None])
    import torch

    # As torchvision's ToTensor and Normalize do it.
    tensor = torch.from_numpy(pixels).to(device).permute(2, 0, 1).to(torch.float32).div(255)
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    outputs: OrderedDict[str, Any] = model(((tensor - mean) / std).unsqueeze(0))
    return outputs


def draw_segmentation_map(outputs: Any) -> NDArray[np.uint8]:
    """The colours of the winning classes: `(1, 21, H, W)` logits, tensor or array, to `(H, W, 3)` `uint8` RGB."""
    if not isinstance(outputs, np.ndarray):
        outputs = outputs.detach().float().cpu().numpy()
    logits = outputs.reshape(outputs.shape[-3:])
    return _PAINTER.color(logits.argmax(axis=0).astype(np.uint8))


def image_overlay(image: Image | NDArray[np.uint8], segmented_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image with the colours added at a weight of 0.8, saturating.

    Args:
        image: a PIL image, or an array `(H, W, 3)` `uint8` RGB.
        segmented_image: `(H, W, 3)` `uint8` RGB, as `draw_segmentation_map` makes it.

    Returns:
        `(H, W, 3)` `uint8`, in BGR order, as `cv2.imwrite` takes it.
    """
    return np.asarray(cv2.cvtColor(tinted(as_rgb(image), segmented_image), cv2.COLOR_RGB2BGR), np.uint8)


def tinted(image: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same sum in RGB, for those who go on in RGB."""
    return np.asarray(cv2.addWeighted(image, 1, colors, OVERLAY_WEIGHT, 0), np.uint8)
