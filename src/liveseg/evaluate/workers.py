"""The work on images, in this process or shared by several, always given back in the order in which it was given."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import DataError, LivesegError, MediaError, SourceNotFoundError
from liveseg.evaluate.counts import ImageCounts, count

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from multiprocessing.process import BaseProcess
    from typing import Self

    from numpy.typing import NDArray

    from liveseg.datasets.base import Sample
    from liveseg.evaluate.masks import Masks, Recipe

_AHEAD = 3
"""Images that a worker has at hand, so that it can read one while it works on another."""

_WINDOW = 16
"""How many images for each worker may be done before their turn: one that takes long holds up the others then."""


@dataclass(frozen=True)
class Counting:
    """What is counted.

    Args:
        classes: how many the truth has.
        table: from the predicted indices to those of the truth, 256 bytes, see `masks.translation`; `None` where they
            are the same.
        boundary: whether boundaries are looked at.
        calibration: whether confidences are.
    """

    classes: int
    table: bytes | None = None
    boundary: bool = True
    calibration: bool = True

    def __call__(
        self, masks: Masks, sample: Sample, read: NDArray[np.uint8], truth: NDArray[np.uint8], reading: float
    ) -> ImageCounts:
        """Find the mask of a photo and count it; a mask of another size than the truth makes it a bad one.

        Args:
            masks: gives the mask.
            sample: the photo.
            read: what `masks` read of it.
            truth: its true mask.
            reading: milliseconds that reading took.
        """
        if read.shape[:2] != truth.shape:
            theirs, own = (f"{shape[1]} x {shape[0]}" for shape in (read.shape, truth.shape))
            what = f"{sample.image} is" if masks.network else f"the predicted mask of {sample.image} is"
            return ImageCounts(sample.key, bad=f"{what} {theirs} pixels, but its true mask {own}")
        found = masks.find(read, confident=self.calibration)
        began = time.perf_counter()
        mask = found.mask if self.table is None else np.frombuffer(self.table, np.uint8)[found.mask]
        counts = count(sample.key, truth, mask, self.classes, found.confidence, edges=self.boundary)
        spent = (time.perf_counter() - began) * 1e3
        return replace(counts, speed={"read": reading, **found.speed, "count": spent})


def counted(masks: Masks, counting: Counting, samples: Iterable[Sample]) -> Generator[ImageCounts]:
    """Count images in this process, reading the next one while one is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        waiting = None
        for sample in samples:
            reading = reader.submit(_read, masks, sample)
            if waiting is not None:
                yield _done(masks, counting, *waiting)
            waiting = sample, reading
        if waiting is not None:
            yield _done(masks, counting, *waiting)


_Read = tuple["NDArray[np.uint8]", "NDArray[np.uint8]", float]


def _read(masks: Masks, sample: Sample) -> _Read | str:
    """What is read of a photo, its true mask, and the milliseconds that took; or why it cannot be read."""
    began = time.perf_counter()
    try:
        read, truth = masks.read(sample), sample.read_mask()
    except (MediaError, DataError, SourceNotFoundError) as error:
        return str(error)
    return read, truth, (time.perf_counter() - began) * 1e3


def _done(masks: Masks, counting: Counting, sample: Sample, reading: Future[_Read | str]) -> ImageCounts:
    read = reading.result()
    return ImageCounts(sample.key, bad=read) if isinstance(read, str) else counting(masks, sample, *read)


class Workers:
    """Several processes that share the images; a context manager that ends them.

    They are started anew (`spawn`), so that they hold nothing of this process: a script that evaluates with them has to
    do so below `if __name__ == "__main__":`.

    Args:
        recipe: of the masks; each process opens them for itself.
        counting: what is counted.
        count: how many processes.
        threads: of each.
        size: height and width of photos to get ready for.
    """

    def __init__(
        self, recipe: Recipe, counting: Counting, count: int, threads: int, size: tuple[int, int] | None = None
    ) -> None:
        told = recipe, counting, threads, size
        self._team = [_Worker(f"worker {number} of {count}", told) for number in range(1, count + 1)]

    def __enter__(self) -> Self:
        try:
            with _undisturbed():
                for worker in self._team:
                    worker.start()
            while not all(worker.ready for worker in self._team):
                self._listen({})
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._team:
            worker.end()

    def counted(self, samples: Iterable[Sample]) -> Iterator[ImageCounts]:
        """Count images.

        Raises:
            LivesegError: a worker failed or died; the message names it.
        """
        given = enumerate(samples)
        done: dict[int, ImageCounts] = {}
        turn, last, room = 0, -1, _WINDOW * len(self._team)
        more = True
        while more or turn <= last:
            for worker in self._team:
                while more and worker.hungry and last - turn < room:
                    numbered = next(given, None)
                    if numbered is None:
                        more = False
                        break
                    last = numbered[0]
                    worker.give(*numbered)
            while turn in done:
                yield done.pop(turn)
                turn += 1
            if turn <= last:
                self._listen(done)

    def _listen(self, done: dict[int, ImageCounts]) -> None:
        """Wait until a worker says something, and take it."""
        heard = wait([own for worker in self._team for own in (worker.answers, worker.sentinel)])
        for worker in self._team:
            if worker.answers in heard or worker.sentinel in heard:
                answer = worker.take()
                if answer is not None:
                    done[answer[0]] = answer[1]


class _Worker:
    """One process, as the one that started it sees it."""

    def __init__(self, name: str, told: tuple[Recipe, Counting, int, tuple[int, int] | None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = name
        self.answers, self._its_answers = context.Pipe(duplex=False)
        self._its_orders, self._orders = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(
            target=_work,
            args=(self._its_orders, self._its_answers, *told),
            name=name,
            daemon=True,
        )
        self._at_hand: dict[int, str] = {}
        self.ready = False

    def start(self) -> None:
        """Start the process."""
        self._process.start()
        # It alone holds them now, so that the pipes break when it dies.
        self._its_answers.close()
        self._its_orders.close()

    @property
    def sentinel(self) -> int:
        """What `wait` is told, to hear of its end."""
        return self._process.sentinel

    @property
    def hungry(self) -> bool:
        """Whether it should be given an image."""
        return len(self._at_hand) < _AHEAD

    def give(self, number: int, sample: Sample) -> None:
        """Give it an image."""
        self._at_hand[number] = sample.key
        try:
            self._orders.send(sample)
        except (BrokenPipeError, ConnectionResetError):
            raise self._died() from None

    def take(self) -> tuple[int, ImageCounts] | None:
        """What it has to say: an image that it counted; `None` for that it is ready.

        Raises:
            LivesegError: it failed, or is dead.
        """
        try:
            # What it said before it died is heard first.
            kind, *told = self.answers.recv() if self.answers.poll() or self._process.is_alive() else ("dead",)
        except (EOFError, ConnectionResetError):
            kind, told = "dead", []
        if kind == "dead":
            raise self._died()
        if kind == "failed":
            raise told[0](told[1])
        if kind == "broke":
            raise LivesegError(f"{self._name} failed at {self._where()}: {told[0]}")
        if kind == "ready":
            self.ready = True
            return None
        number = next(iter(self._at_hand))  # it answers in the order in which it was given them
        del self._at_hand[number]
        return number, told[0]

    def _died(self) -> LivesegError:
        self._process.join(10)
        code = self._process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        if not self.ready:
            return LivesegError(
                f"{self._name} {how} before it was ready; in a script, evaluate below if __name__ == '__main__':, or"
                " take one worker"
            )
        return LivesegError(
            f"{self._name} {how} at {self._where()}; each worker loads the network anew: where memory is short,"
            " take fewer"
        )

    def _where(self) -> str:
        return next(iter(self._at_hand.values()), "no photo")

    def end(self) -> None:
        """End the process."""
        for own in (self._orders, self.answers, self._its_answers, self._its_orders):
            own.close()
        if self._process.pid is None:
            return
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _work(
    orders: Connection,
    answers: Connection,
    recipe: Recipe,
    counting: Counting,
    threads: int,
    size: tuple[int, int] | None,
) -> None:
    """What the process does: open the masks, then count what it is given until there is no more."""
    import cv2

    # Ctrl-C reaches every process of the terminal; the one that started this one ends it in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)
    with contextlib.suppress(BrokenPipeError):
        try:
            masks = recipe.open(threads)
            if size is not None:
                masks.warm_up(*size)
            answers.send(("ready",))
            for sample, reading in _received(orders, masks):
                answers.send(("counted", _done(masks, counting, sample, reading)))
        except BrokenPipeError:
            raise
        except LivesegError as error:
            answers.send(("failed", type(error), str(error)))
        except Exception as error:  # noqa: BLE001 - it is told where the answers go, and is a bug there
            answers.send(("broke", f"{type(error).__name__}: {error}"))


def _received(orders: Connection, masks: Masks) -> Iterator[tuple[Sample, Future[_Read | str]]]:
    """The images that come through a pipe, until it breaks, each being read from when it comes.

    A thread takes them off the pipe, so that the sender never waits for this process while that waits for the sender.
    """
    waiting: queue.SimpleQueue[tuple[Sample, Future[_Read | str]] | None] = queue.SimpleQueue()
    reader = ThreadPoolExecutor(1, thread_name_prefix="read")

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                sample = orders.recv()
                waiting.put((sample, reader.submit(_read, masks, sample)))
        waiting.put(None)

    threading.Thread(target=listen, name="orders", daemon=True).start()
    return iter(waiting.get, None)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes that are started in this block do not see Ctrl-C, from their first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
