"""EfficientNet-Lite0 as a backbone of stride 32.

Tan and Le, "EfficientNet", 2019, without squeeze-and-excitation and with ReLU6, as Google's Lite variants of
2020 have it; symmetric padding. The parameter names are timm's; there is no head convolution.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from liveseg.models.network import Features

_EPS = 1e-3


class _Stage(NamedTuple):
    """One stage; the stride is that of its first block."""

    expansion: int
    out: int
    kernel: int
    stride: int
    blocks: int


_STAGES = (
    _Stage(1, 16, 3, 1, 1),
    _Stage(6, 24, 3, 2, 2),
    _Stage(6, 40, 5, 2, 2),
    _Stage(6, 80, 3, 2, 3),
    _Stage(6, 112, 5, 1, 3),
    _Stage(6, 192, 5, 2, 4),
    _Stage(6, 320, 3, 1, 1),
)


class EfficientNetLite0(nn.Module):
    """The stem (`conv_stem`, `bn1`) and seven stages of inverted residuals (`blocks.0` to `blocks.6`)."""

    low_channels = 40
    middle_channels = 112
    high_channels = 320
    _low_stage = 2
    _middle_stage = 4

    def __init__(self) -> None:
        super().__init__()
        channels = 32
        self.conv_stem = nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=_EPS)
        self.act1 = nn.ReLU6()
        stages = []
        for stage in _STAGES:
            blocks: list[nn.Module] = []
            for number in range(stage.blocks):
                kind = _SeparableConv if stage.expansion == 1 else _InvertedResidual
                blocks.append(kind(channels, stage, 1 if number else stage.stride))
                channels = stage.out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Features:
        """`x` (normalised `float32` NCHW) as 40 channels of stride 8, 112 of stride 16 and 320 of stride 32."""
        low = middle = x = self.act1(self.bn1(self.conv_stem(x)))
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index == self._low_stage:
                low = x
            if index == self._middle_stage:
                middle = x
        return Features(low, x, middle)


def _depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, stride, (kernel - 1) // 2, groups=channels, bias=False)


class _SeparableConv(nn.Module):
    """Depthwise, then pointwise convolution: an inverted residual of expansion 1."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        self.conv_dw = _depthwise(channels, stage.kernel, stride)
        self.bn1 = nn.BatchNorm2d(channels, eps=_EPS)
        self.act = nn.ReLU6()
        self.conv_pw = nn.Conv2d(channels, stage.out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(stage.out, eps=_EPS)
        self.residual = stride == 1 and channels == stage.out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn2(self.conv_pw(self.act(self.bn1(self.conv_dw(x)))))
        return x + y if self.residual else y


class _InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, linear projection (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = channels * stage.expansion
        self.conv_pw = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, eps=_EPS)
        self.conv_dw = _depthwise(wide, stage.kernel, stride)
        self.bn2 = nn.BatchNorm2d(wide, eps=_EPS)
        self.conv_pwl = nn.Conv2d(wide, stage.out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(stage.out, eps=_EPS)
        self.act = nn.ReLU6()
        self.residual = stride == 1 and channels == stage.out

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.act(self.bn2(self.conv_dw(y)))
        projected: Tensor = self.bn3(self.conv_pwl(y))
        return x + projected if self.residual else projected
