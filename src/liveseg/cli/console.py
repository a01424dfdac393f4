"""What the command line prints, and where: results to standard output, progress and errors to standard error."""

from __future__ import annotations

import math
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.pipeline import Result

out = Console(
    highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout is not None and sys.stdout.isatty() else 160
)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def _on_terminal() -> bool:
    # A process may be started without the stream.
    return sys.stderr is not None and sys.stderr.isatty()


def leave_pipe() -> None:
    """Whoever read our output has gone; say nothing more to them, at exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(line: str) -> None:
    """Print one line to standard error, as it is: brackets in file names are no markup."""
    err.print(line, markup=False)


@contextmanager
def frame_progress(name: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[Result], None]]:
    """A progress bar with remaining time and rate on a terminal; nothing in a pipe."""
    if quiet or not _on_terminal() or total == 1:
        yield lambda _result: None
        return
    with _bar(name, total) as move:
        yield lambda _result: move(None, lambda speed: f"{speed:.1f} fps")


@contextmanager
def photo_progress(name: str, total: int, *, quiet: bool) -> Iterator[Callable[[int, int, float], None]]:
    """The same for labelled photos: told how many are done, of how many, and the mIoU so far, which it shows."""
    if quiet or not _on_terminal():
        yield lambda _done, _total, _miou: None
        return
    with _bar(name, total) as move:

        def advance(done: int, _total: int, miou: float) -> None:
            told = "" if math.isnan(miou) else f", mIoU {100 * miou:.1f}"
            move(done, lambda speed: f"{speed:.1f}/s{told}")

        yield advance


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int | None, Callable[[float], str]], None]]:
    """A bar that moves to a number, or by one, and shows what is made of its speed."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(name, total=total, rate="")

        def move(done: int | None, rate: Callable[[float], str]) -> None:
            if done is None:
                progress.advance(task)
            else:
                progress.update(task, completed=done)
            speed = progress.tasks[0].speed
            progress.update(task, rate=rate(speed) if speed else "")

        yield move


@contextmanager
def download_progress(*, quiet: bool = False) -> Iterator[Callable[[int, int | None], None]]:
    """A bar with size, rate and remaining time while weights are downloaded; one line in a pipe."""
    if quiet:
        yield lambda _done, _total: None
        return
    if not _on_terminal():
        told = False

        def once(_done: int, total: int | None) -> None:
            nonlocal told
            if not told:
                say(f"downloading weights ({f'{total / 1e6:.1f} MB' if total else 'size unknown'})")
                told = True

        yield once
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = ("weights", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("weights", total=None, visible=False)

        def update(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        yield update


@contextmanager
def passing_steps(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, in one line that is gone afterwards; nothing in a pipe."""
    if quiet or not err.is_terminal:
        yield lambda _step: None
        return
    from rich.markup import escape

    with err.status("") as status:
        yield lambda step: status.update(escape(step))
