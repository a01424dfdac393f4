"""A segmentation network: a backbone, a head (`classifier`), and the way back to the input's size."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from torch import Tensor, nn

from liveseg.models.layers import resize_like


class Features(NamedTuple):
    """What a backbone gives to a head, all `float32` NCHW.

    Args:
        low: features of stride 8, before the deep stages.
        high: the last features; of stride 16, for ResNet-50 8, or 32 where there are `middle` ones.
        middle: features of stride 16, of a backbone whose last ones are of stride 32.
    """

    low: Tensor
    high: Tensor
    middle: Tensor | None = None


class SegmentationNetwork(nn.Module):
    """A backbone and a head; its children's names, `backbone` and `classifier`, are torchvision's.

    Args:
        backbone: maps an image to `Features`.
        classifier: maps `Features` to logits at the head's own, low, resolution.
        align_corners: how `forward` brings those to the input's size, as the model's contract says.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module, *, align_corners: bool = False) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.align_corners = align_corners
        self.apply(_initialise)

    def low_logits(self, x: Tensor) -> Tensor:
        """The logits where the network makes them, which is what an export holds.

        Args:
            x: `float32` NCHW RGB, normalised by `IMAGENET_MEAN` and `IMAGENET_STD`.

        Returns:
            `(N, classes, ceil(H / s), ceil(W / s))` `float32`, `s` being the head's stride: 8, or 16 for
            DeepLabV3 on MobileNetV3.
        """
        logits: Tensor = self.classifier(self.backbone(x))
        return logits

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """The logits at the input's size, under `out`, as torchvision's models return them.

        Args:
            x: as `low_logits` takes it.

        Returns:
            `out`: `(N, classes, H, W)` `float32`, the low-resolution logits up-sampled bilinearly.
        """
        return OrderedDict(out=resize_like(self.low_logits(x), x, align_corners=self.align_corners))


def _initialise(module: nn.Module) -> None:
    """Random weights to train from, after He et al., "Delving Deep into Rectifiers", 2015."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
