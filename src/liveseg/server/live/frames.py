"""From the bytes of one live frame to the message that answers it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from liveseg import postprocess
from liveseg.media.image_write import encode_image
from liveseg.segmenter import Inferred
from liveseg.server.live.layers import layers_of
from liveseg.server.segment.reading import read_upload
from liveseg.temporal import Smoother
from liveseg.wire import Overlay, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.labels import LabelSet
    from liveseg.segmentation import Segmentation
    from liveseg.server.engine.engine import Engine
    from liveseg.server.live.options import LiveOptions
    from liveseg.server.metrics import Metrics
    from liveseg.wire import Frame


Made = TypeVar("Made")


@dataclass(frozen=True)
class Arrived:
    """A frame, and when it came, in seconds of `time.monotonic`."""

    frame: Frame
    at: float


@dataclass(frozen=True)
class Answered:
    """The message that answers a frame, but for what is known only when it is sent.

    Args:
        message: as packed.
        arrived: the frame.
        worked: seconds that were worked on it.
    """

    message: bytes
    arrived: Arrived
    worked: float

    def finished(self, dropped: int) -> tuple[bytes, float]:
        """The message as it is to be sent now, and the seconds since its frame came."""
        age = time.monotonic() - self.arrived.at
        waited = max(age - self.worked, 0.0)
        return told(self.message, waited_ms=waited * 1e3, worked_ms=self.worked * 1e3, dropped=dropped), age


@dataclass(frozen=True)
class Chosen:
    """How frames are answered: the options, and what they come to with the model.

    Args:
        options: as the client chose them.
        model: the model's name.
        size: shorter side of the network's input, in pixels; `None` if every frame's own size is taken.
        labels: the model's classes in the colours of the palette.
    """

    options: LiveOptions
    model: str
    size: int | None
    labels: LabelSet

    @property
    def shorter(self) -> int | None:
        """Pixels of the mask's shorter side; `None`: the frame's own."""
        if self.options.mask == "frame":
            return None
        return self.options.mask or self.size


class FrameWork:
    """The way of one client's frames: decoding, the network, drawing or packing; holds the memory of smoothing.

    Args:
        engine: segments them.
        metrics: told the seconds of each stage that is done here.
        max_pixels: a frame of more is refused before it is decoded.
    """

    def __init__(self, engine: Engine, metrics: Metrics, max_pixels: int) -> None:
        self._engine = engine
        self._metrics = metrics
        self._max_pixels = max_pixels
        self._smoother: Smoother | None = None

    def restart(self, *, smooth: bool) -> None:
        """Forget earlier frames."""
        self._smoother = Smoother() if smooth else None

    async def answer(self, arrived: Arrived, chosen: Chosen) -> Answered:
        """Work on one frame.

        Raises:
            Problem: a picture that cannot be taken.
            QueueFull: too many pictures wait in the service.
            NotReady: the model is not there (yet).
        """
        codecs = self._engine.codecs
        image, decoding = await codecs(_timed, partial(read_upload, arrived.frame.picture, max_pixels=self._max_pixels))
        found = await self._engine.segment(image, model=chosen.options.model, size=chosen.options.size)
        message, drawing = await codecs(_timed, partial(self._message, found, arrived.frame, chosen))
        self._metrics.stage("decode", decoding)
        network = sum(spent for stage, spent in found.speed.items() if stage != "wait") / 1e3
        return Answered(message, arrived, decoding + network + drawing)

    def _message(self, found: Segmentation, frame: Frame, chosen: Chosen) -> bytes:
        if self._smoother is not None:
            found = _steadied(found, self._smoother, frame.stamp / 1e3)
        options = chosen.options
        began = time.perf_counter()
        if options.output == "layers":
            layers = layers_of(found, shorter=chosen.shorter, confidence=options.confidence)
            drawn = time.perf_counter()
            message = replace(layers, sequence=frame.sequence, stamp=frame.stamp).pack()
        else:
            picture = found.overlay(options.alpha, palette=options.palette, contours=options.contours)
            drawn = time.perf_counter()
            jpeg = encode_image(picture, "jpeg", quality=options.quality)
            height, width = picture.shape[:2]
            message = Overlay(jpeg, width, height, sequence=frame.sequence, stamp=frame.stamp).pack()
        self._metrics.stage("render", drawn - began)
        self._metrics.stage("encode", time.perf_counter() - drawn)
        return message


def _steadied(found: Segmentation, smoother: Smoother, seconds: float) -> Segmentation:
    """The same with logits averaged over the frames before it, and the mask that they make."""
    if found.logits is None:
        return found
    logits = smoother(Inferred(found.image, found.logits, found.align_corners, found.speed), seconds).logits
    height, width = found.mask.shape
    mask = postprocess.upsampled_argmax(logits, height, width, align_corners=found.align_corners)
    return replace(found, logits=logits, mask=mask)


def _timed(function: Callable[[], Made]) -> tuple[Made, float]:
    began = time.perf_counter()
    made = function()
    return made, time.perf_counter() - began
