"""A picture in a worker: read, segmented, and made into what is saved of it, as `liveseg run` does.

Each picture goes through the network by itself, in a batch of one, whatever else is in its bundle. What a network says
can differ in the last bits with the number of threads and with the shape of the batch, and a pixel whose two best
classes are level can then get the other one: with one picture a batch and a stated number of threads the outputs of a
machine are the same, byte for byte, however the files are bundled.
"""

from __future__ import annotations

import io
import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.assembly import as_drawn, make_pipeline, open_products, open_sink_for
from liveseg.batch.outputs import file_name, output_names
from liveseg.batch.totals import ClassTotals
from liveseg.batch.work import Made
from liveseg.errors import MediaError
from liveseg.maskfile.identity import Identity
from liveseg.media.hostile import refuse_costly
from liveseg.media.images import ImageSource
from liveseg.pipeline import Job
from liveseg.settings.save import OVERLAY

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.batch.work import Work
    from liveseg.media.frame import Frame, SourceInfo
    from liveseg.pipeline import Result
    from liveseg.products.base import Product
    from liveseg.segmenter import Inferred, Segmenter
    from liveseg.settings.batch import BatchSettings
    from liveseg.settings.save import Save

MOST_BYTES = 1 << 30
"""Of an image's file, which is read whole: six bytes for each of the pixels that are taken by default."""


@dataclass(frozen=True)
class Decoded:
    """A picture that was read."""

    info: SourceInfo
    frame: Frame


class Images:
    """What makes files of pictures; it holds no state between them, and its steps may run beside each other.

    Args:
        segmenter: the network.
        settings: of the batch.
    """

    def __init__(self, segmenter: Segmenter, settings: BatchSettings) -> None:
        self._settings = settings
        self._run = settings.for_run()
        self._saves = settings.saves
        self._segmenter = segmenter
        self._line = make_pipeline(segmenter, self._run, drawn=OVERLAY in self._saves)

    def infer(self, work: Work) -> None:
        """The network's part."""
        read: Decoded = work.decoded
        image = read.frame.image
        job = Job(0, read.frame, None, time.perf_counter(), Future())
        line, device = self._line, self._line.device_line
        with work.measure("network"):
            if device is not None and not self._segmenter.cuts(image.shape[1], image.shape[0]):
                work.inferred = (job, next(line.work_on_device(device, [job], ())))
            else:
                work.inferred = (job, line.infer(job))

    def finish(self, work: Work) -> None:
        """From the network's output to files in the work's slot."""
        read: Decoded = work.decoded
        job, inferred = work.inferred
        if work.slot is None:
            raise ValueError("the work has no slot for its files")
        names = output_names(work.item, self._saves, self._segmenter.model)
        paths = [work.slot.output(number, name) for number, name in enumerate(names)]
        files = tuple(zip(paths, names, strict=True))
        work.made = Made(files, 0, 0, {}, {}, self._segmenter.model)
        totals = ClassTotals(self._segmenter.labels)
        with ExitStack() as whole:
            products = [totals, *self._products(work, read.info, list(zip(self._saves, paths, strict=True)))]
            for product in products:
                whole.enter_context(product)
            result = self._result(work, job, inferred)
            with work.measure("encode"):
                self._draw(result, read.info, paths)
                for product in products:
                    product.write(result, product.prepare(result.segmentation))
        work.made = replace(work.made, frames=1, pixels=totals.pixels, areas=totals.areas)
        work.decoded = work.inferred = None

    def _result(self, work: Work, job: Job, found: Inferred | Result) -> Result:
        from liveseg.pipeline import Result

        if isinstance(found, Result):
            return found
        line = self._line.apart()
        result = line.complete(job, found, ())
        spent = line.times.seconds()
        for stage in ("postprocess", "render"):
            work.add(stage, spent.get(stage, 0.0))
        # The network's own account is finer than the clock around it: it knows what resizing took.
        resizing = spent.get("preprocess", 0.0)
        work.add("preprocess", resizing)
        work.add("network", -resizing)
        return result

    def _draw(self, result: Result, info: SourceInfo, paths: list[Path]) -> None:
        for save, path in zip(self._saves, paths, strict=True):
            if save == OVERLAY:
                with open_sink_for(str(path), as_drawn(info, self._run), self._run, sound=None) as sink:
                    sink.write(replace(result.frame, image=result.picture))

    def _products(self, work: Work, info: SourceInfo, files: list[tuple[Save, Path]]) -> list[Product]:
        name = file_name(work.item)
        return open_products(
            [(save, path) for save, path in files if save != OVERLAY],
            info,
            self._segmenter,
            self._run,
            file_name=name,
            identity=lambda: Identity(name),
        )


def decode(work: Work, settings: BatchSettings) -> None:
    """Read a picture from its file's content.

    Raises:
        MediaError: it cannot be read, costs more than its pixels do, or has more pixels than are taken.
    """
    if work.data is None:
        raise ValueError("the work has no content")
    data, work.data = work.data, None
    location = work.item.location
    with work.measure("decode"):
        if not settings.trust:
            try:
                refuse_costly(data)
            except MediaError as error:
                raise MediaError(f"{location}: {error}") from error
        with ImageSource(_Named(data, location), most_pixels=settings.max_pixels) as source:
            (frame,) = source
    work.decoded = Decoded(source.info, frame)


class _Named(io.BytesIO):
    """Bytes that know what to call them in messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name
