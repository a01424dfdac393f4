"""What stands around a training: one line in place of many, and nobody in the way of anybody."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from liveseg.errors import DataError, MediaError
from liveseg.runtimes.base import first_line
from liveseg.train.failures import TrainingFailedError, TrainingStoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liveseg.train.plan import Plan


@contextmanager
def explained(plan: Plan) -> Iterator[None]:
    """Say in one line what PyTorch says in many, and leave the process to whoever runs it."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as ended:
        # Of a Ctrl-C that comes before the first step, or of a second one, Lightning makes an exit, and hears no more.
        if not isinstance(ended.__context__, KeyboardInterrupt):
            raise
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from ended
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        if (
            isinstance(error, torch.OutOfMemoryError | MemoryError)
            or "allocate memory" in text
            or "OutOfMemory" in text
        ):
            fewer = f"--batch {plan.batch // 2} --accumulate {plan.accumulate * 2}, or with "
            raise TrainingFailedError(
                f"{plan.batch} pieces of {plan.crop} pixels a side are too much for the memory; train with"
                f" {fewer if plan.batch >= 4 else ''}a smaller --crop"
            ) from error
        if isinstance(error, ProcessRaisedException):
            raise _from_process(text) or TrainingFailedError(first_line(error)) from error
        raise


@contextmanager
def patient(devices: int) -> Iterator[None]:
    """Where other processes train, they answer to Ctrl-C, and this one waits until they have kept everything."""
    if devices == 1 or threading.current_thread() is not threading.main_thread():
        yield
        return
    # Not `SIG_IGN`, which the other processes would inherit.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _from_process(text: str) -> Exception | None:
    """The error that ended another process, from the text of its traceback."""
    last = text.strip().splitlines()[-1]
    name, _, said = last.partition(": ")
    known = {each.__name__: each for each in (TrainingFailedError, TrainingStoppedError, DataError, MediaError)}
    kind = known.get(name.rpartition(".")[2])
    return None if kind is None else kind(said)


@contextmanager
def libraries_kept() -> Iterator[None]:
    """Leave OpenCV and PyTorch, whose settings are the process's, as they were."""
    threads, benchmark = cv2.getNumThreads(), torch.backends.cudnn.benchmark
    exact = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    # Photos are prepared side by side; OpenCV would use all cores for each.
    cv2.setNumThreads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        cv2.setNumThreads(threads)
        torch.backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(exact, warn_only=only_warns)
