"""EfficientNet-Lite0 as a backbone of stride 16 or 32.

Tan and Le, "EfficientNet", 2019, without squeeze-and-excitation and with ReLU6, as Google's Lite variants of
2020 have it; symmetric padding. With stride 16 the first block of stage 5 has stride 1, and all later blocks dilate
their depthwise convolution by 2. The parameter names are timm's; there is no head convolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from torch import Tensor, nn

from liveseg.models.network import Features

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPS = 1e-3


class _Stage(NamedTuple):
    """One stage: the dilation holds for its blocks, `first_dilation` for the first of them."""

    expansion: int
    out: int
    kernel: int
    stride: int
    blocks: int
    first_dilation: int = 1
    dilation: int = 1


_STAGES = (
    _Stage(1, 16, 3, 1, 1),
    _Stage(6, 24, 3, 2, 2),
    _Stage(6, 40, 5, 2, 2),
    _Stage(6, 80, 3, 2, 3),
    _Stage(6, 112, 5, 1, 3),
    _Stage(6, 192, 5, 1, 4, dilation=2),
    _Stage(6, 320, 3, 1, 1, first_dilation=2, dilation=2),
)


class EfficientNetLite0(nn.Module):
    """The stem (`conv_stem`, `bn1`) and seven stages of inverted residuals (`blocks.0` to `blocks.6`)."""

    low_channels = 40
    middle_channels = 112
    high_channels = 320
    _low_stage = 2
    _middle_stage = 4

    def __init__(self, output_stride: Literal[16, 32] = 16) -> None:
        super().__init__()
        self.output_stride = output_stride
        channels = 32
        self.conv_stem = nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=_EPS)
        self.act1 = nn.ReLU6()
        stages = []
        for stage in _STAGES if output_stride == 16 else _undilated():
            blocks: list[nn.Module] = []
            for number in range(stage.blocks):
                stride = 1 if number else stage.stride
                dilation = stage.dilation if number else stage.first_dilation
                separable = stage.expansion == 1
                block = (_SeparableConv if separable else _InvertedResidual)(channels, stage, stride, dilation)
                blocks.append(block)
                channels = stage.out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Features:
        """`x` (normalised `float32` NCHW) as 40 channels of stride 8 and 320 of stride 16.

        With stride 32: 40 channels of stride 8, 112 of stride 16 and 320 of stride 32.
        """
        low = middle = x = self.act1(self.bn1(self.conv_stem(x)))
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index == self._low_stage:
                low = x
            if index == self._middle_stage:
                middle = x
        return Features(low, x, middle if self.output_stride == 32 else None)


def _undilated() -> Iterator[_Stage]:
    """The stages as they classify ImageNet's photos: stage 5 goes on to stride 32."""
    for number, stage in enumerate(_STAGES):
        yield stage._replace(stride=2 if number == 5 else stage.stride, first_dilation=1, dilation=1)


def _depthwise(channels: int, kernel: int, stride: int, dilation: int) -> nn.Conv2d:
    padding = (kernel - 1) // 2 * dilation
    return nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)


class _SeparableConv(nn.Module):
    """Depthwise, then pointwise convolution: an inverted residual of expansion 1."""

    def __init__(self, channels: int, stage: _Stage, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv_dw = _depthwise(channels, stage.kernel, stride, dilation)
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

    def __init__(self, channels: int, stage: _Stage, stride: int, dilation: int) -> None:
        super().__init__()
        wide = channels * stage.expansion
        self.conv_pw = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, eps=_EPS)
        self.conv_dw = _depthwise(wide, stage.kernel, stride, dilation)
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
