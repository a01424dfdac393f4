"""`Segmenter`: load a model once, segment many pictures."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from liveseg import postprocess, tiling
from liveseg.errors import UsageError
from liveseg.media.picture import as_rgb
from liveseg.palettes import palette_of
from liveseg.runtimes.base import available_cores
from liveseg.runtimes.choose import choose
from liveseg.runtimes.line import LineRuntime
from liveseg.runtimes.load import Request, load
from liveseg.segmentation import Segmentation
from liveseg.tta import Looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from fractions import Fraction
    from typing import Self

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.labels import LabelSet
    from liveseg.media.frame import Frame, Selection, Source
    from liveseg.media.picture import Picture
    from liveseg.pipeline import Result
    from liveseg.preprocess import Size
    from liveseg.runtimes.base import Runtime
    from liveseg.runtimes.line import Line
    from liveseg.settings import Precision, RuntimeName, Tta
    from liveseg.tiling import Tile
    from liveseg.weights.patience import Progress


@dataclass(frozen=True, eq=False)
class Inferred:
    """A picture and what the network said of it, before that becomes a mask.

    Args:
        image: the picture, `(H, W, 3)` `uint8` RGB.
        logits: the network's low-resolution output, `(classes, h, w)` `float32`.
        align_corners: how the logits' grid lies on the picture; as in `torch.nn.functional.interpolate`.
        speed: milliseconds by stage so far.
        repeated: whether the logits are those of an earlier frame, which stand in for this one's.
    """

    image: NDArray[np.uint8]
    logits: NDArray[np.float32]
    align_corners: bool
    speed: Mapping[str, float]
    repeated: bool = False


class Segmenter:
    """A loaded model, ready to segment pictures: `Segmenter("lraspp")(image).mask`.

    It holds no state between pictures and may be called from several threads at once.

    Args:
        model: a model's name (`lite` by default, which needs no download), see `liveseg models`.
        weights: the folder of a training run, or a `.onnx`, `.xml`, `.pt2`, `.pth` or `.safetensors` file of one's own,
            instead of the model's published weights.
        runtime: `auto`, `onnx`, `openvino` or `torch`; `auto` follows the rule of `liveseg.runtimes.choose`.
        device: `auto`, `cpu`, `cuda[:N]`, `mps`, `gpu[:N]`, `npu`, `tensorrt[:N]`, `coreml` or `directml[:N]`.
        precision: `auto` (the runtime's own choice), `float32`, `bfloat16`, `float16` or `int8`.
        threads: threads to use on the CPU; all available cores by default.
        parallel: how many pictures are segmented at the same time; they share the threads. 1 answers soonest, as many
            as there are threads get most pictures done, since none of them waits for another's.
        live: whether the pictures are frames of a video or a live source, which come in few sizes; from 2 in parallel
            up they are taken for such anyway.
        size: shorter side of the network's input in pixels, or `native` for each picture's own size; by default the
            size at which the model is best, or `native` where pictures are to be cut into tiles.
        tile: cut pictures into overlapping tiles: `on` (of the model's own size), `off`, a tile's side in pixels of the
            network's input, or `auto`: only what is too large for the network in one piece.
        tta: average what the network says of several looks at a picture: `off`, `flip` (it and its mirror image) or
            `full` (those at three scales).
        unknown: makes pixels whose confidence is below it, a share between 0 and 1, a class of their own: `unknown`,
            whose index is the number of the model's classes.
        palette: the classes' colours: a name or a file, see `liveseg.palettes.palette_of`; the model's own by default.
        progress: called while weights are downloaded, with the bytes so far and, if known, in all.

    Raises:
        UsageError: a name, device, precision, size or palette that does not exist, or some that contradict each other.
        WeightsError: weights that cannot be had or used.
        MissingExtraError: PyTorch or OpenVINO is needed and not installed.
        DeviceError: a device or precision that was asked for and is not there.
    """

    events: Sequence[str] = ()
    """What it did by itself, in words; for those that adapt."""
    unknown: float | None = None
    """Below which confidence a pixel is `unknown`; see `configure`."""
    _colors: tuple[tuple[int, int, int], ...] | None = None

    def __init__(
        self,
        model: str | None = None,
        *,
        weights: str | PathLike[str] | None = None,
        runtime: RuntimeName = "auto",
        device: str = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
        parallel: int = 1,
        live: bool = False,
        size: Size | None = None,
        tile: Tile = "auto",
        tta: Tta = "off",
        unknown: float | None = None,
        palette: str | PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.threads = available_cores() if threads is None else _whole("threads", threads)
        self.parallel = _whole("parallel", parallel)
        request = Request(
            model=model,
            weights=None if weights is None else Path(weights),
            runtime=runtime,
            device=device,
            precision=precision,
            threads=self.threads,
            parallel=self.parallel,
            live=live,
            progress=progress,
        )
        choice = choose(request)
        self._adopt(load(replace(request, runtime=choice.runtime)), size, tile, tta)
        self.chosen = str(choice)
        """The runtime in use and why it was taken, in one line."""
        self.configure(unknown=unknown, palette=palette)

    @classmethod
    def from_runtime(
        cls,
        runtime: Runtime,
        *,
        size: Size | None = None,
        tile: Tile = "auto",
        tta: Tta = "off",
        parallel: int = 1,
    ) -> Self:
        """A segmenter around a runtime of one's own: anything that fulfils `liveseg.runtimes.base.Runtime`."""
        segmenter = cls.__new__(cls)
        segmenter.threads = available_cores()
        segmenter.parallel = _whole("parallel", parallel)
        segmenter._adopt(runtime, size, tile, tta)  # noqa: SLF001 - this is its own class
        segmenter.chosen = f"{runtime.name}: given"
        return segmenter

    def _adopt(self, runtime: Runtime, size: Size | None, tile: Tile = "auto", tta: Tta = "off") -> None:
        if size not in (None, "native") and (type(size) is not int or size < 1):
            raise UsageError(f"size is a number of pixels from 1 up, or native, not {size!r}")
        fixed = runtime.contract.fixed_size
        cuts = tiling.checked(tile) not in ("auto", "off")
        if fixed is not None and size is not None and not cuts:
            raise UsageError(f"{runtime.contract.name} takes inputs of {fixed[1]}x{fixed[0]} only; leave out the size")
        self._runtime = runtime
        self.size: Size = size or ("native" if cuts else runtime.contract.default_size)
        self._given = size, tile, tta
        self._looks = Looks(runtime, self.size, tile, tta)
        self._labels = self._labels_of(runtime.contract.labels)

    def configure(self, *, unknown: float | None = None, palette: str | PathLike[str] | None = None) -> None:
        """Set what is made of the network's output from now on; not while pictures are on their way.

        Args:
            unknown: as the class has it.
            palette: as the class has it.

        Raises:
            UsageError: no share between 0 and 1; no such palette; a model whose classes leave no place for `unknown`.
        """
        if unknown is not None and not 0.0 < unknown < 1.0:
            raise UsageError(f"unknown is a share between 0 and 1, not {unknown!r}")
        labels = self._runtime.contract.labels
        self.unknown, self._colors = unknown, None
        self._colors = None if palette is None else palette_of(palette, self._labels_of(labels))
        self._labels = self._labels_of(labels)

    def _labels_of(self, labels: LabelSet) -> LabelSet:
        if self.unknown is not None:
            labels = labels.with_unknown()
        return labels if self._colors is None else labels.with_palette(self._colors)

    @property
    def threads_each(self) -> int:
        """How many threads one picture gets, of those that the pictures in parallel share."""
        return max(self.threads // self.parallel, 1)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._runtime.contract.name

    @property
    def runtime(self) -> str:
        """The name of the runtime in use."""
        return self._runtime.name

    @property
    def device(self) -> str:
        """The device that the network really runs on."""
        return self._runtime.device

    @property
    def precision(self) -> str:
        """The arithmetic that the network really uses, such as `float32`."""
        return self._runtime.precision

    @property
    def labels(self) -> LabelSet:
        """The model's classes, and `unknown` where that is told apart, in the colours of the palette."""
        return self._labels

    @property
    def contract(self) -> ModelContract:
        """How the model is fed and read."""
        return self._runtime.contract

    def __call__(self, image: Picture, *, color: Literal["rgb", "bgr"] = "rgb") -> Segmentation:
        """Segment one picture.

        Args:
            image: a path, a PIL image, or an array `(H, W, 3)` `uint8`.
            color: the channel order of an array, `rgb` or, as OpenCV has it, `bgr`.

        Returns:
            The mask at the picture's size, and what can be made from it.

        Raises:
            SourceNotFoundError: no such file.
            MediaError: a file that is no image.
            UsageError: an array of another layout or type.
        """
        return self.segment(as_rgb(image, color))

    def segment(self, image: NDArray[np.uint8]) -> Segmentation:
        """Segment one picture that is already `(H, W, 3)` `uint8` RGB; what `__call__` does after reading it."""
        return self.finish(self.infer(image))

    def infer(self, image: NDArray[np.uint8]) -> Inferred:
        """The first half of `segment`, up to the network's output."""
        logits, speed = self._looks(image)
        return Inferred(image, logits, self.contract.align_corners, speed)

    def infer_frame(self, frame: Frame) -> Inferred:
        """`infer` of a frame of a video or a live source."""
        return self.infer(frame.image)

    def batched(self, height: int, width: int) -> tuple[int, int] | None:
        """The network's input `(height, width)` for a picture; pictures of equal ones can go to `infer_many` together.

        Returns:
            `None` where a picture goes alone: it is cut into tiles, or looked at several times.

        Raises:
            UsageError: an input of more pixels than memory is likely to hold.
        """
        return self._looks.batched(height, width)

    def infer_many(self, images: Sequence[NDArray[np.uint8]]) -> list[Inferred]:
        """`infer` of several pictures in one batch of the network; the masks are those that each has by itself.

        Args:
            images: `(H, W, 3)` `uint8` RGB each, whose `batched` is the same; their sizes may differ.

        Raises:
            UsageError: pictures that do not share a batch.
        """
        align_corners = self.contract.align_corners
        found = zip(images, self._looks.many(images), strict=True)
        return [Inferred(image, logits, align_corners, speed) for image, (logits, speed) in found]

    def beside(self, *, size: Size | None = None, through: Callable[[Runtime], Runtime] | None = None) -> Self:
        """Another segmenter of the same network, which is in memory once.

        Args:
            size: as the class has it; by default this segmenter's own.
            through: wraps the runtime, for instance to have its calls take turns with others.

        Raises:
            UsageError: a size that does not exist, or that the network cannot take.
        """
        other = copy.copy(self)
        runtime = self._runtime if through is None else through(self._runtime)
        given, tile, tta = self._given
        other._adopt(runtime, given if size is None else size, tile, tta)  # noqa: SLF001 - this is its own class
        return other

    def finish(self, inferred: Inferred, timestamp: Fraction | None = None) -> Segmentation:
        """The second half of `segment`: from the network's output to the mask at the picture's size.

        Args:
            inferred: the first half's result; its logits may have been filtered.
            timestamp: of a video's frame, in seconds.
        """
        height, width = inferred.image.shape[:2]
        began = time.perf_counter()
        logits, align_corners = inferred.logits, inferred.align_corners
        mask = postprocess.upsampled_argmax(logits, height, width, align_corners=align_corners)
        if self.unknown is not None:
            unsure = postprocess.upsampled_below(logits, height, width, self.unknown, align_corners=align_corners)
            mask[unsure] = len(logits)
        spent = (time.perf_counter() - began) * 1e3
        return Segmentation(
            image=inferred.image,
            mask=mask,
            labels=self.labels,
            logits=logits,
            align_corners=align_corners,
            speed={**inferred.speed, "postprocess": spent},
            timestamp=timestamp,
        )

    def dropped(self, count: int) -> None:
        """Be told of frames that were left out since the last one; for those that adapt, see `liveseg.tuning`."""
        del count

    def warm_up(self, width: int, height: int) -> None:
        """Run once on a blank picture of the size to come: a network's first run takes many times as long as others."""
        self.segment(np.zeros((height, width, 3), np.uint8))

    def cuts(self, width: int, height: int) -> bool:
        """Whether pictures of a size are cut into tiles.

        Raises:
            UsageError: they would be brought to more pixels than memory is likely to hold.
        """
        return self._looks.cut(height, width) is not None

    def notes(self, width: int, height: int) -> list[str]:
        """What the user should know of how pictures of a size are segmented, a line each; mostly nothing."""
        return self._looks.notes(height, width)

    def device_line(self, table: NDArray[np.uint8]) -> Line | None:
        """Resizing, network, mask and drawing in one call on the network's device, where that pays: on a GPU.

        Args:
            table: what drawing does to a pixel; see `Painter.table`.
        """
        runtime = self._runtime
        if not isinstance(runtime, LineRuntime) or not runtime.line_pays or not self._looks.plain:
            return None
        # On the device the mask is made without confidences.
        if self.unknown is not None:
            return None
        return runtime.line(size=self.size, table=table)

    def stream(
        self, source: str | PathLike[str] | Source, *, selection: Selection | None = None, smooth: bool = False
    ) -> Iterator[Result]:
        """Segment a video, a live source or an image, frame by frame, reading ahead in another thread.

        Args:
            source: a path, an address such as `rtsp://…` or the number of a camera, or any
                `liveseg.media.frame.Source`; it is closed at the end.
            selection: which frames of a path are wanted; all by default.
            smooth: whether the masks of a video or a live source are steadied over time, see `liveseg.temporal`.

        Yields:
            Each frame's `frame_index`, `timestamp` (exact seconds), `frame` and `segmentation`, in order; of a live
            source the newest frame each time, with its `age_ms` and how many were left out, `dropped_before`.

        Raises:
            SourceNotFoundError: no such file.
            MediaError: a file that is neither image nor video.
        """
        from liveseg.media import open_source
        from liveseg.pipeline import Pipeline
        from liveseg.temporal import Smoother

        opened = open_source(source, selection) if isinstance(source, str | PathLike) else source
        with opened:
            for result in Pipeline(self, smooth=Smoother if smooth else None).run(opened):
                if not result.frame.placeholder:
                    yield result


def parallel_for_video(threads: int | None) -> int:
    """How many frames of a video to segment at the same time: one a thread, up to four, each of which takes memory."""
    return min(threads or available_cores(), 4)


def _whole(name: str, number: int) -> int:
    if type(number) is not int or number < 1:
        raise UsageError(f"{name} is a whole number from 1 up, not {number!r}")
    return number
