"""FCN: a fully convolutional head on the last features, and its network.

Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015, in torchvision's form: one 3x3
convolution to a quarter of the channels and a classifier, without skip connections; its parameter names.
"""

from __future__ import annotations

from torch import Tensor, nn

from liveseg.models.layers import conv_bn
from liveseg.models.network import Features, SegmentationNetwork
from liveseg.models.resnet import ResNet50


class FCNHead(nn.Sequential):
    """A 3x3 convolution (`0` to `2`), dropout (`3`) and the classifier (`4`)."""

    def __init__(self, channels: int, num_classes: int) -> None:
        inter_channels = channels // 4
        super().__init__(
            *conv_bn(channels, inter_channels, 3), nn.Dropout(0.1), nn.Conv2d(inter_channels, num_classes, 1)
        )

    def forward(self, features: Features) -> Tensor:
        """`(N, num_classes, h, w)`, the height and width of `features.high`."""
        x = features.high
        for layer in self:
            x = layer(x)
        return x


def fcn_resnet50(num_classes: int = 21) -> SegmentationNetwork:
    """FCN on ResNet-50, as torchvision's model of the same name, without its auxiliary head."""
    backbone = ResNet50()
    return SegmentationNetwork(backbone, FCNHead(backbone.high_channels, num_classes))
