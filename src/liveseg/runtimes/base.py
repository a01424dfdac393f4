"""The protocol that every runtime fulfils, and the devices that a user may name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

from liveseg.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from liveseg.contract import ModelContract


class Runtime(Protocol):
    """A loaded network. Calls may come from several threads at once."""

    name: str
    """The runtime's name, such as `onnx`."""
    device: str
    """The device that the network really runs on, such as `cpu` or `cuda:0`."""
    contract: ModelContract

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network.

        Args:
            images: `(N, H, W, 3)` `uint8` RGB; H and W obey the contract's size rule.

        Returns:
            Low-resolution logits, `(N, classes, h, w)` `float32`.
        """


def parse_device(device: str) -> tuple[str, int]:
    """A device's kind (`auto`, `cpu`, `cuda`, `mps`) and index.

    Raises:
        UsageError: a name that is none of these.
    """
    match = re.fullmatch(r"(auto|cpu|mps|cuda)(?::(\d+))?", device.strip().lower())
    if match is None or (match[2] and match[1] != "cuda"):
        raise UsageError(f"no such device {device!r}; choose auto, cpu, cuda, cuda:N or mps")
    return match[1], int(match[2] or 0)


def available_cores() -> int:
    """How many processor cores this process may use (fewer than the machine's inside a container or `taskset`)."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
