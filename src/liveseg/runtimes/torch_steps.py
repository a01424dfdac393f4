"""Steps of tensors on a device, called with arrays: prepared once a shape, and on CUDA replayed as a graph.

Networks this small spend much of their time on a GPU launching kernels one by one; CUDA graphs launch all of them at
once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). `torch.compile` would also fuse kernels, but it
needs a compiler on the user's machine and keeps the first frame waiting while it compiles, again when shapes change.
Capturing runs a step twice and needs nothing.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from liveseg.errors import LivesegError
from liveseg.runtimes.base import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    Step = Callable[[Tensor], tuple[Tensor, ...]]
    """From `uint8` images on the device to what is made of them there; it may be captured, so it must not wait."""
    Prepare = Callable[[tuple[int, ...]], Step]
    """Makes the step for images of one shape, with whatever tensors it needs."""
    Arrays = tuple[NDArray[Any], ...]

MOST_SHAPES = 4
"""Shapes whose steps are kept: each graph holds on to the memory of one call."""


class Steps(ABC):
    """Runs the step that fits its input's shape. Calls may come from several threads at once."""

    def __call__(self, images: NDArray[np.uint8]) -> Arrays:
        """What the step makes of `images`.

        Raises:
            LivesegError: an array of another layout or type, or one that PyTorch failed on.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape:
            raise LivesegError(f"the network takes (N, H, W, 3) uint8, not {images.shape} {images.dtype}")
        try:
            return self._run(images)
        except RuntimeError as error:
            remedy = "; choose a smaller --size" if isinstance(error, torch.OutOfMemoryError) else ""
            raise LivesegError(
                f"the network failed on an input of {images.shape}: {first_line(error)}{remedy}"
            ) from error

    @abstractmethod
    def _run(self, images: NDArray[np.uint8]) -> Arrays: ...


class PlainSteps(Steps):
    """Steps run as they are, on any device.

    Args:
        prepare: makes the steps.
        device: where the images go.
    """

    def __init__(self, prepare: Prepare, device: torch.device) -> None:
        self._device = device
        self._step = lru_cache(maxsize=MOST_SHAPES)(prepare)

    @torch.inference_mode()
    def _run(self, images: NDArray[np.uint8]) -> Arrays:
        # PyTorch cannot share memory that must not be written, such as an image that Pillow still owns.
        pixels = torch.from_numpy(np.require(images, requirements="W"))
        outputs = self._step(images.shape)(pixels.to(self._device))
        return tuple(output.cpu().contiguous().numpy() for output in outputs)


class Edge(Protocol):
    """What `GraphSteps` asks of its device; all but `entered` are called inside of it."""

    def entered(self) -> AbstractContextManager[None]:
        """Work on the device inside; it is done in order, while the caller goes on."""

    def upload(self, images: NDArray[np.uint8]) -> Tensor:
        """Start to copy images to the device."""

    def capture(self, step: Step, pixels: Tensor) -> Step:
        """A graph of `step` for images like `pixels`; each call overwrites what the call before it returned."""

    def download(self, outputs: tuple[Tensor, ...]) -> Callable[[], Arrays]:
        """Start to copy tensors from the device; the function returned waits for them, outside of `entered`."""


class GraphSteps(Steps):
    """Steps of which those are captured that are needed twice.

    The first call of a shape runs its step as it is, which a capture wants to have happened anyway; the rest of a
    file's last batch, or one photo among many, is thus never captured. Calls are put to the device one after the
    other, and each waits for its own results only, so one call's copies overlap the next one's work.

    Args:
        prepare: makes the steps.
        edge: the device.
    """

    # PyTorch captures one graph at a time in a process.
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, prepare: Prepare, edge: Edge) -> None:
        self._edge = edge
        self._entry = lru_cache(maxsize=MOST_SHAPES)(lambda shape: _Entry(prepare(shape), edge))

    @torch.inference_mode()
    def _run(self, images: NDArray[np.uint8]) -> Arrays:
        with self._lock, self._edge.entered():
            outputs = self._entry(images.shape)(self._edge.upload(images))
            wait = self._edge.download(outputs)
        return wait()


class _Entry:
    """The step of one shape: run as it is once, then captured."""

    def __init__(self, step: Step, edge: Edge) -> None:
        self._step = step
        self._edge = edge
        self._graph: Step | None = None
        self._ran = False

    def __call__(self, pixels: Tensor) -> tuple[Tensor, ...]:
        if not self._ran:
            outputs = self._step(pixels)
            self._ran = True
            return outputs
        if self._graph is None:
            self._graph = self._edge.capture(self._step, pixels)
        return self._graph(pixels)


class CudaEdge:
    """The only lines that need a CUDA device: a stream of its own, page-locked memory, graphs."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # PyTorch leaves it so
        # The weights and tables were copied on another stream.
        self._stream.wait_stream(torch.cuda.current_stream(device))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """See `Edge`; `float32` is not rounded to TF32, and cuDNN tries its algorithms on each new shape."""
        flags = torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)
        with torch.cuda.stream(self._stream), flags:
            yield

    def upload(self, images: NDArray[np.uint8]) -> Tensor:
        """See `Edge`."""
        locked = torch.empty(images.shape, dtype=torch.uint8, pin_memory=True)
        locked.numpy()[...] = images
        return locked.to(self._device, non_blocking=True)

    def capture(self, step: Step, pixels: Tensor) -> Step:
        """See `Edge`."""
        fixed = pixels.clone()
        step(fixed)
        graph = torch.cuda.CUDAGraph()
        # Other threads may wait for their results meanwhile, which the default mode takes for an error.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            outputs = step(fixed)

        def replay(pixels: Tensor) -> tuple[Tensor, ...]:
            fixed.copy_(pixels)
            graph.replay()
            return outputs

        return replay

    def download(self, outputs: tuple[Tensor, ...]) -> Callable[[], Arrays]:
        """See `Edge`."""
        locked = [torch.empty(output.shape, dtype=output.dtype, pin_memory=True) for output in outputs]
        for target, output in zip(locked, outputs, strict=True):
            target.copy_(output, non_blocking=True)
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record(self._stream)

        def wait() -> Arrays:
            done.synchronize()
            # Results may be kept for long, and page-locked memory is scarce.
            return tuple(target.numpy().copy() for target in locked)

        return wait


def steps_on(device: torch.device, prepare: Prepare) -> Steps:
    """The steps for a device."""
    return GraphSteps(prepare, CudaEdge(device)) if device.type == "cuda" else PlainSteps(prepare, device)
