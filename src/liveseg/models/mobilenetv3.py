"""MobileNetV3-Large as a backbone of stride 16.

Howard et al., "Searching for MobileNetV3", 2019, table 1. As in torchvision's segmentation models, whose
parameter names it has, the last stage keeps stride 16 and dilates its depthwise convolutions by 2 instead.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from liveseg.models.layers import conv_bn
from liveseg.models.network import Features

_EPS = 1e-3


class _Row(NamedTuple):
    """One row of the paper's table: a bottleneck."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    activation: type[nn.Module]
    stride: int = 1
    dilation: int = 1


_ROWS = (
    _Row(3, 16, 16, False, nn.ReLU),
    _Row(3, 64, 24, False, nn.ReLU, stride=2),
    _Row(3, 72, 24, False, nn.ReLU),
    _Row(5, 72, 40, True, nn.ReLU, stride=2),
    _Row(5, 120, 40, True, nn.ReLU),
    _Row(5, 120, 40, True, nn.ReLU),
    _Row(3, 240, 80, False, nn.Hardswish, stride=2),
    _Row(3, 200, 80, False, nn.Hardswish),
    _Row(3, 184, 80, False, nn.Hardswish),
    _Row(3, 184, 80, False, nn.Hardswish),
    _Row(3, 480, 112, True, nn.Hardswish),
    _Row(3, 672, 112, True, nn.Hardswish),
    _Row(5, 672, 160, True, nn.Hardswish, dilation=2),
    _Row(5, 960, 160, True, nn.Hardswish, dilation=2),
    _Row(5, 960, 160, True, nn.Hardswish, dilation=2),
)


class MobileNetV3Large(nn.Sequential):
    """The stem (`0`), fifteen bottlenecks (`1` to `15`) and the last convolution (`16`)."""

    low_channels = 40
    high_channels = 960
    _low_layer = 4

    def __init__(self) -> None:
        layers: list[nn.Module] = [conv_bn(3, 16, 3, stride=2, eps=_EPS, activation=nn.Hardswish)]
        channels = 16
        for row in _ROWS:
            layers.append(_Bottleneck(channels, row))
            channels = row.out
        layers.append(conv_bn(channels, self.high_channels, eps=_EPS, activation=nn.Hardswish))
        super().__init__(*layers)

    def forward(self, x: Tensor) -> Features:
        """`x` (normalised `float32` NCHW) as 40 channels of stride 8 and 960 of stride 16."""
        low = x
        for index, layer in enumerate(self):
            x = layer(x)
            if index == self._low_layer:
                low = x
        return Features(low, x)


class _Bottleneck(nn.Module):
    """Expansion, depthwise convolution, squeeze-and-excitation, projection; residual where shapes allow."""

    def __init__(self, channels: int, row: _Row) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if row.expanded != channels:
            layers.append(conv_bn(channels, row.expanded, eps=_EPS, activation=row.activation))
        layers.append(
            conv_bn(
                row.expanded,
                row.expanded,
                row.kernel,
                stride=row.stride,
                dilation=row.dilation,
                groups=row.expanded,
                eps=_EPS,
                activation=row.activation,
            )
        )
        if row.squeeze:
            layers.append(_SqueezeExcitation(row.expanded))
        layers.append(conv_bn(row.expanded, row.out, eps=_EPS, activation=None))
        self.block = nn.Sequential(*layers)
        self.residual = row.stride == 1 and channels == row.out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return x + y if self.residual else y


class _SqueezeExcitation(nn.Module):
    """Channel gates from the global mean (Hu et al., 2018), with MobileNetV3's hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _divisible(channels // 4)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.scale_activation = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
        return x * gates


def _divisible(channels: int, divisor: int = 8) -> int:
    """The nearest multiple of `divisor` that loses no more than a tenth of the channels."""
    rounded = max(divisor, (channels + divisor // 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor
