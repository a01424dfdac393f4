"""What backbones and heads are made of: convolution with batch norm, and the bilinear resize."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def conv_bn(
    channels: int,
    out_channels: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    eps: float = 1e-5,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """A convolution without bias (entry `0`), its batch norm (`1`) and its activation (`2`).

    The padding is symmetric, `(kernel - 1) / 2 * dilation`, so that stride 1 keeps the size.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels,
            out_channels,
            kernel,
            stride=stride,
            padding=(kernel - 1) // 2 * dilation,
            dilation=dilation,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(out_channels, eps=eps),
    ]
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


def resize_like(x: Tensor, reference: Tensor, *, align_corners: bool = False) -> Tensor:
    """`x` (NCHW) brought to the height and width of `reference`, bilinearly.

    The sizes stay symbolic under `torch.export`, so that an exported graph takes any size.
    """
    return functional.interpolate(x, size=reference.shape[-2:], mode="bilinear", align_corners=align_corners)
