"""ResNet-50 as a backbone of stride 8.

He et al., "Deep Residual Learning for Image Recognition", 2015, with the stride in the 3x3 convolution. As in
torchvision's segmentation models, whose parameter names it has, the last two stages have dilations of 2 and 4
instead of their strides.
"""

from __future__ import annotations

from torch import Tensor, nn

from liveseg.models.network import Features

_EXPANSION = 4


class ResNet50(nn.Module):
    """The stem (`conv1`, `bn1`) and four stages of bottlenecks (`layer1` to `layer4`)."""

    low_channels = 512
    high_channels = 2048

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, blocks=3)
        self.layer2 = _stage(256, 128, blocks=4, stride=2)
        # A stage's first block keeps the dilation of the stage before it: its input has that spacing.
        self.layer3 = _stage(512, 256, blocks=6, first_dilation=1, dilation=2)
        self.layer4 = _stage(1024, 512, blocks=3, first_dilation=2, dilation=4)

    def forward(self, x: Tensor) -> Features:
        """`x` (normalised `float32` NCHW) as 512 and 2,048 channels, both of stride 8."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        low = self.layer2(self.layer1(x))
        return Features(low, self.layer4(self.layer3(low)))


def _stage(
    channels: int, width: int, *, blocks: int, stride: int = 1, first_dilation: int = 1, dilation: int = 1
) -> nn.Sequential:
    out = width * _EXPANSION
    rest = (_Bottleneck(out, width, dilation=dilation) for _ in range(blocks - 1))
    return nn.Sequential(_Bottleneck(channels, width, stride=stride, dilation=first_dilation), *rest)


class _Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution around a shortcut, which is projected where the shape changes."""

    def __init__(self, channels: int, width: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        out = width * _EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.relu(y + shortcut)
        return result
