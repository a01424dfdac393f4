"""What becomes of tasks whose worker died, and of failures that may pass: tried again, alone, so often and no more."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.batch.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.batch.records import Task

_PAUSES = {"storage": 2.0, "memory": 0.0}
"""Kinds of failure that are tried again within a run, and the seconds before that; twice as many each time."""


@dataclass(frozen=True)
class Loss:
    """Why a worker is no more.

    Args:
        kind: as `Record.error_kind` lists them.
        why: what happened to it, as it follows "its worker".
    """

    kind: str
    why: str


def key_of(record: Record) -> str:
    """The `Task.key` of the task that a record is of."""
    if record.piece is not None:
        return f"{record.identifier}/{record.piece}-{record.pieces}"
    return f"{record.identifier}/join-{record.pieces}" if record.pieces else str(record.identifier)


def pause_before_again(task: Task, record: Record, attempts: int) -> float | None:
    """Seconds until a task that failed is tried again; `None` where its record is the last word.

    Places try again by themselves, so that a failure of storage has lasted a while already when it is told here.
    """
    if record.status != "failed" or task.attempt >= attempts:
        return None
    pause = _PAUSES.get(record.error_kind or "")
    return None if pause is None else pause * 2 ** (task.attempt - 1)


def judged(unfinished: Sequence[Task], attempts: int, *, alone: bool) -> tuple[list[Task], list[Task]]:
    """Of tasks that were under way when their worker died, those that are tried again, and those that are not.

    Args:
        unfinished: the tasks.
        attempts: how often each may be tried.
        alone: whether the worker had nothing else: only then is it known which task it was, so that one that shared its
            worker is always tried once more.
    """
    given_up = [task for task in unfinished if alone and task.attempt >= attempts]
    again = [replace(task, attempt=task.attempt + 1) for task in unfinished if task not in given_up]
    return again, given_up


def lost(task: Task, loss: Loss, *, settings: str, worker: str) -> Record:
    """The record of a task that nobody could finish."""
    item, piece = task.item, task.piece
    times = "" if task.attempt == 1 else f" ({task.attempt} times tried)"
    return Record(
        identifier=item.identifier,
        location=item.location,
        name=item.name,
        kind=item.kind,
        version=item.version,
        piece=None if piece is None else piece.index,
        pieces=task.join or None if piece is None else piece.count,
        status="failed",
        attempts=task.attempt,
        error=f"{item.location}: its worker {loss.why}{times}",
        error_kind=loss.kind,
        settings=settings,
        worker=worker,
        finished=time.time(),
    )
