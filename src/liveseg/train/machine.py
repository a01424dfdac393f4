"""Where a training runs, and in which arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import torch

from liveseg.errors import DeviceError, UsageError
from liveseg.runtimes.base import available_cores

if TYPE_CHECKING:
    from liveseg.train.options import TrainOptions

Device = Literal["cpu", "cuda", "mps"]
Arithmetic = Literal["float32", "bfloat16", "float16"]

IN_LIGHTNING: dict[Arithmetic, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
"""What Lightning calls it."""

_MOST_WORKERS = 16


def device_of(options: TrainOptions) -> Device:
    """The kind of device to train on; `auto` is CUDA, else MPS, else the CPU.

    Raises:
        DeviceError: it is not there, or not so often.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if options.device == "auto":
        device = cast("Device", next(name for name, is_there in there.items() if is_there))
    elif not there[options.device]:
        raise DeviceError(f"there is no {options.device} here for PyTorch {torch.__version__}; use --device cpu")
    else:
        device = options.device
    if device == "cuda" and options.devices > torch.cuda.device_count():
        raise DeviceError(f"--devices {options.devices}, but PyTorch sees {torch.cuda.device_count()} GPUs here")
    if device == "mps" and options.devices > 1:
        raise DeviceError("a Mac has one GPU; leave out --devices")
    return device


def precision_of(options: TrainOptions, device: Device) -> Arithmetic:
    """The arithmetic; `auto` is 16 bits on CUDA and `float32` elsewhere.

    On a CPU with AVX512-BF16 a step of `lite` on channels-last layers took 25 % longer in `bfloat16`, one of `lraspp`
    as long as in `float32`.

    Raises:
        UsageError: the device cannot train so.
    """
    if options.precision != "auto":
        if options.precision == "float16" and device == "cpu":
            raise UsageError("a CPU trains in float32 or bfloat16; leave out --precision")
        return options.precision
    if device != "cuda":
        return "float32"
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def workers_of(options: TrainOptions) -> int:
    """How many threads read and prepare photos."""
    return options.workers or min(max(available_cores(), 2), _MOST_WORKERS)
