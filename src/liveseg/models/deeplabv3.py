"""DeepLabV3: atrous spatial pyramid pooling, and its two networks.

Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017, with torchvision's rates
(12, 24 and 36 whatever the stride) and parameter names.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from liveseg.models.layers import conv_bn
from liveseg.models.mobilenetv3 import MobileNetV3Large
from liveseg.models.network import Features, SegmentationNetwork
from liveseg.models.resnet import ResNet50

_RATES = (12, 24, 36)


class DeepLabV3Head(nn.Sequential):
    """The pyramid (`0`), a 3x3 convolution (`1` to `3`) and the classifier (`4`)."""

    def __init__(self, channels: int, num_classes: int, inter_channels: int = 256) -> None:
        super().__init__(
            _Pyramid(channels, inter_channels),
            *conv_bn(inter_channels, inter_channels, 3),
            nn.Conv2d(inter_channels, num_classes, 1),
        )

    def forward(self, features: Features) -> Tensor:
        """`(N, num_classes, h, w)`, the height and width of `features.high`."""
        x = features.high
        for layer in self:
            x = layer(x)
        return x


class _Pyramid(nn.Module):
    """One 1x1 and three dilated 3x3 convolutions and the global mean, side by side, then projected."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        branches: list[nn.Module] = [conv_bn(channels, out)]
        branches += [conv_bn(channels, out, 3, dilation=rate) for rate in _RATES]
        branches.append(_GlobalMean(channels, out))
        self.convs = nn.ModuleList(branches)
        self.project = nn.Sequential(*conv_bn(len(branches) * out, out), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.project(torch.cat([branch(x) for branch in self.convs], dim=1))
        return projected


class _GlobalMean(nn.Sequential):
    """The mean over all positions, convolved and spread over them again."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *conv_bn(channels, out))

    def forward(self, x: Tensor) -> Tensor:
        mean = x
        for layer in self:
            mean = layer(mean)
        # Up-sampling a single pixel bilinearly repeats it, and repeating it is cheaper in every runtime.
        return mean.expand(-1, -1, x.shape[-2], x.shape[-1])


def deeplabv3_mobilenet_v3_large(num_classes: int = 21) -> SegmentationNetwork:
    """DeepLabV3 on MobileNetV3-Large, as torchvision's model of the same name, without its auxiliary head."""
    backbone = MobileNetV3Large()
    return SegmentationNetwork(backbone, DeepLabV3Head(backbone.high_channels, num_classes))


def deeplabv3_resnet50(num_classes: int = 21) -> SegmentationNetwork:
    """DeepLabV3 on ResNet-50, as torchvision's model of the same name, without its auxiliary head."""
    backbone = ResNet50()
    return SegmentationNetwork(backbone, DeepLabV3Head(backbone.high_channels, num_classes))
