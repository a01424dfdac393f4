"""A feature pyramid as a head, light enough for a backbone of stride 32.

Lin et al., "Feature Pyramid Networks for Object Detection", 2017, with depthwise convolutions; the deepest features are
gated by their mean over the picture, as in the head of Howard et al., "Searching for MobileNetV3", 2019, section 6.4.
"""

from __future__ import annotations

from torch import Tensor, nn

from liveseg.models.efficientnet_lite import EfficientNetLite0
from liveseg.models.layers import conv_bn, resize_like
from liveseg.models.network import Features, SegmentationNetwork


class PyramidHead(nn.Module):
    """Logits of stride 8 from features of stride 8, 16 and 32.

    Inputs of `32k + 1` pixels give features whose corners lie on the picture's corner pixels at every stride; they are
    brought together with aligned corners.
    """

    def __init__(
        self,
        low_channels: int,
        middle_channels: int,
        high_channels: int,
        num_classes: int,
        channels: int = 88,
        narrow: int = 48,
    ) -> None:
        super().__init__()
        self.high = conv_bn(high_channels, channels)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1), nn.Sigmoid())
        self.middle = conv_bn(middle_channels, channels, activation=None)
        self.merge_middle = nn.Sequential(_depthwise(channels), conv_bn(channels, narrow))
        self.low = conv_bn(low_channels, narrow, activation=None)
        self.merge_low = nn.Sequential(_depthwise(narrow), conv_bn(narrow, narrow))
        self.classify = nn.Conv2d(narrow, num_classes, 1)

    def forward(self, features: Features) -> Tensor:
        """`(N, num_classes, h, w)`, the height and width of `features.low`."""
        if features.middle is None:
            raise ValueError("a pyramid needs a backbone with features of stride 16 and 32")
        x = self.high(features.high)
        x = x * self.gate(x)
        middle = self.middle(features.middle)
        x = self.merge_middle(middle + resize_like(x, middle, align_corners=True))
        low = self.low(features.low)
        x = self.merge_low(low + resize_like(x, low, align_corners=True))
        logits: Tensor = self.classify(x)
        return logits


def _depthwise(channels: int) -> nn.Sequential:
    return conv_bn(channels, channels, 3, groups=channels)


def pyramid_efficientnet_lite0(num_classes: int = 21) -> SegmentationNetwork:
    """A feature pyramid on EfficientNet-Lite0: `lite`, the bundled model.

    For inputs of 32k + 1 pixels, whose logits of stride 8 fall on every eighth pixel; hence the aligned corners.
    """
    backbone = EfficientNetLite0()
    head = PyramidHead(backbone.low_channels, backbone.middle_channels, backbone.high_channels, num_classes)
    return SegmentationNetwork(backbone, head, align_corners=True)
