"""A replica: a loaded model and what turns files into outputs; each worker process has one.

Reading the next files, decoding, the network, encoding and committing the last ones overlap, since remote storage is
slow: several files are fetched and committed at a time, one is decoded, one is in the network and one is encoded. What
comes of a file depends on nothing but the file and the settings.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from liveseg.assembly import make_segmenter
from liveseg.batch import images, videos
from liveseg.batch.arriving import Arriving
from liveseg.batch.identity import settings_hash
from liveseg.batch.outputs import Scratch, output_names
from liveseg.batch.places import Place
from liveseg.batch.reading import fetch
from liveseg.batch.stages import AT_A_TIME, Stages
from liveseg.media.encoding import choose_encoding
from liveseg.render import style_of
from liveseg.segmenter import parallel_for_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from liveseg.batch.records import Record, Task
    from liveseg.batch.work import Made, Work
    from liveseg.segmenter import Segmenter
    from liveseg.settings.batch import BatchSettings

_log = logging.getLogger(__name__)


class Replica:
    """A model and what turns files into outputs.

    Args:
        settings: of the batch.
        worker: what the records call it.

    Raises:
        LivesegError: the settings name a model, a file or an encoder that does not exist.
    """

    def __init__(self, settings: BatchSettings, *, worker: str) -> None:
        self.settings = settings
        self.worker = worker
        self.hash = settings_hash(settings)
        choose_encoding("any.mp4", settings.codec, settings.crf, settings.preset)  # which refuses what is not known
        self._place = Place.at(settings.destination, settings.storage_options)
        self._scratch = Scratch(AT_A_TIME)
        self._images: images.Images | None = None
        self._videos: Segmenter | None = None
        self._stages = Stages(self)

    def run(self, tasks: Iterable[Task], done: Callable[[Record], None] | None = None) -> list[Record]:
        """Do tasks: outputs are committed when their records are told.

        Args:
            tasks: in any number, drawn as there is room for them; of `Arriving` ones more may come while the last are
                under way.
            done: told of each record as soon as it is there, in the calling thread.

        Returns:
            A record for each task, in their order; a file's failure is one, too. None where `done` was told of them:
            they may be millions.

        Raises:
            LivesegError: the model cannot be loaded, or lacks a class that the settings name: no file's fault.
            DeviceLostError: the device is lost or out of memory: this process has to end.
        """
        records: list[Record] = []
        told = records.append if done is None else done
        draw = tasks.draw if isinstance(tasks, Arriving) else partial(next, iter(tasks), None)
        for work in self._stages.through(draw):
            told(work.record(worker=self.worker, settings=self.hash))
        return records

    def close(self) -> None:
        """Release the model and the folder."""
        self._stages.close()
        self._images = self._videos = None
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def images(self) -> images.Images:
        """What makes pictures, loaded when the first one comes; like `liveseg run` with pictures only."""
        if self._images is None:
            self._images = images.Images(self._segmenter(parallel=1, live=False), self.settings)
        return self._images

    @property
    def videos(self) -> Segmenter:
        """What segments videos, loaded when the first one comes; like `liveseg run` with videos only."""
        if self._videos is None:
            self._videos = self._segmenter(parallel=parallel_for_video(self.settings.threads_each), live=True)
        return self._videos

    def _segmenter(self, *, parallel: int, live: bool) -> Segmenter:
        """A network that knows the classes which the settings name: that it does not is no file's fault."""
        run = self.settings.for_run()
        segmenter = make_segmenter(run, parallel=parallel, live=live)
        style_of(run, segmenter.labels)
        if run.foreground is not None:
            segmenter.labels.indices(run.foreground)
        return segmenter

    # The steps of a task; `Stages` says in which threads.

    def place(self, work: Work) -> None:
        """Give it a slot for its files."""
        work.slot = self._scratch.take()

    def ready(self, work: Work) -> None:
        """Load the model, where that was not done yet."""
        _ = self.images if work.item.kind == "image" else self.videos

    def fetch(self, work: Work) -> None:
        """Bring the file here, unless it is here."""
        fetch(work, self.settings)

    def decode(self, work: Work) -> None:
        """Read a picture; videos are read while they are segmented."""
        if work.item.kind == "image":
            images.decode(work, self.settings)

    def infer(self, work: Work) -> None:
        """The network's part, and of a video all but committing."""
        if work.item.kind == "image":
            self.images.infer(work)
            return
        make = self._join if work.task.join else self._whole if work.task.piece is None else self._piece
        work.made = make(work)
        for stage, seconds in work.made.seconds.items():
            work.add(stage, seconds)

    def finish(self, work: Work) -> None:
        """From the network's output to files here."""
        if work.item.kind == "image":
            self.images.finish(work)

    def commit(self, work: Work) -> None:
        """Bring the files to the destination."""
        if work.made is None:
            return
        with work.measure("commit"):
            for path, name in work.made.files:
                work.bytes_out += self._place.commit(path, name)
                work.outputs.append(name)
            if work.task.join:
                from liveseg.batch.pieces.making import end_joining

                end_joining(work, self._place, self.hash)

    def end(self, work: Work) -> None:
        """Let go of what the work holds here."""
        work.data = work.decoded = work.inferred = None
        if work.slot is not None:
            self._scratch.give_back(work.slot)

    def _whole(self, work: Work) -> Made:
        path, slot = work.here()
        names = output_names(work.item, self.settings.saves, self.videos.model)
        files = [(slot.output(number, name), name) for number, name in enumerate(names)]
        source = videos.open_whole(path, self.settings)
        source.info = replace(source.info, name=work.item.location)
        made = videos.convert_video(source, path, work.item, self.videos, self.settings, files)
        for note in source.notes:
            _log.warning("%s: %s", work.item.location, note)
        return made

    def _piece(self, work: Work) -> Made:
        from liveseg.batch.pieces.making import make_piece

        if work.task.piece is None:
            raise ValueError(f"{work.item.location} is no piece")
        return make_piece(work, work.task.piece, self._place, self.videos, self.settings, self.hash)

    def _join(self, work: Work) -> Made:
        from liveseg.batch.pieces.making import make_joined
        from liveseg.batch.pieces.part import SeamError

        try:
            return make_joined(work, self._place, self.videos.model, self.settings, self.hash)
        except SeamError as error:
            _log.warning("%s: taken whole, as its pieces cannot be joined: %s", work.item.location, error)
            return self._whole(work)
