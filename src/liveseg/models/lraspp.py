"""Lite R-ASPP, the light segmentation head of MobileNetV3, and the network that has it.

Howard et al., "Searching for MobileNetV3", 2019, section 6.4. The deep features, gated by their global mean,
are brought to stride 8 and classified together with the features there. The parameter names are those of
torchvision's `LRASPPHead`.
"""

from __future__ import annotations

from torch import Tensor, nn

from liveseg.models.layers import conv_bn, resize_like
from liveseg.models.mobilenetv3 import MobileNetV3Large
from liveseg.models.network import Features, SegmentationNetwork


class LRASPPHead(nn.Module):
    """Logits of stride 8 from features of stride 8 and 16."""

    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128) -> None:
        super().__init__()
        self.cbr = conv_bn(high_channels, inter_channels)
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.Sigmoid()
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, features: Features) -> Tensor:
        """`(N, num_classes, h, w)`, the height and width of `features.low`."""
        high = self.cbr(features.high) * self.scale(features.high)
        high = self.high_classifier(resize_like(high, features.low))
        logits: Tensor = self.low_classifier(features.low) + high
        return logits


def lraspp_mobilenet_v3_large(num_classes: int = 21) -> SegmentationNetwork:
    """Lite R-ASPP on MobileNetV3-Large, as torchvision's model of the same name."""
    backbone = MobileNetV3Large()
    return SegmentationNetwork(backbone, LRASPPHead(backbone.low_channels, backbone.high_channels, num_classes))
