"""From worker-seconds to hours, workers and money: what so many workers take, and how many a deadline needs.

The model is that of a queue without waiting: so many seconds until a machine works, the work shared by all workers,
and at the end the longest task, during which the others may already be idle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.batch.plan_estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

_FACTOR = 4
"""From one number of workers that is shown to the next."""

_MOST_ROWS = 7


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What the workers are, and what they cost.

    Args:
        speed: times as fast as the machine that measured.
        efficiency: share of its speed that a worker keeps beside others.
        start_up: seconds from when a machine is paid for to its first file.
        workers_per_machine: on each machine.
        price: of a machine for an hour; `None` where nobody said.
        price_gb: of a gigabyte that is read or written; likewise.
    """

    speed: float = 1.0
    efficiency: float = 1.0
    start_up: float = 0.0
    workers_per_machine: int = 1
    price: float | None = None
    price_gb: float | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be done.

    Args:
        work: worker-seconds of the machine that measured.
        longest: seconds of its longest task.
        tasks: into which it is cut; more workers than that have nothing to do.
        gigabytes: that are read and written.
    """

    work: Estimate
    longest: float
    tasks: int
    gigabytes: Estimate


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a number of workers comes to.

    Args:
        workers: how many.
        machines: that they are on.
        seconds: until all is done.
        price: of all; `None` where nothing has one.
    """

    workers: int
    machines: int
    seconds: Estimate
    price: Estimate | None


def run_of(workers: int, job: Job, rates: Rates) -> Run:
    """How long so many workers take, and what that costs."""
    low, value, high = (duration(workers, each, job, rates) for each in (job.work.low, job.work.value, job.work.high))
    seconds = Estimate(value, low, high)
    machines = math.ceil(workers / rates.workers_per_machine)
    price = None
    if rates.price is not None or rates.price_gb is not None:
        an_hour = (rates.price or 0.0) * machines
        a_gigabyte = rates.price_gb or 0.0
        pairs = zip(_ends(seconds), _ends(job.gigabytes), strict=True)
        price = Estimate(*(an_hour * time / 3600 + a_gigabyte * data for time, data in pairs))
    return Run(workers=workers, machines=machines, seconds=seconds, price=price)


def duration(workers: int, work: float, job: Job, rates: Rates) -> float:
    """Seconds until all is done.

    Args:
        workers: how many.
        work: worker-seconds of the machine that measured.
        job: the rest of what is to be done.
        rates: what the workers are.
    """
    if workers == 1:
        return rates.start_up + work / rates.speed
    shared = work / (workers * rates.speed * rates.efficiency)
    return rates.start_up + shared + job.longest / rates.speed


def needed(deadline: float, work: float, job: Job, rates: Rates) -> int | None:
    """The fewest workers that finish in time; `None` where no number does.

    Args:
        deadline: seconds.
        work: worker-seconds of the machine that measured.
        job: the rest of what is to be done.
        rates: what the workers are.
    """
    if duration(1, work, job, rates) <= deadline:
        return 1
    left = deadline - rates.start_up - job.longest / rates.speed
    if left <= 0:
        return None
    workers = max(math.ceil(work / (rates.speed * rates.efficiency * left)), 2)
    # Rounding may have lost a worker.
    workers += duration(workers, work, job, rates) > deadline
    return workers if workers <= job.tasks else None


def shown_workers(job: Job, rates: Rates, others: Sequence[int]) -> list[int]:
    """Numbers of workers that are worth showing: powers of four, while more still shorten the time much, and others."""
    numbers, workers = set(others), 1
    while len(numbers) < _MOST_ROWS + len(others) and workers <= max(job.tasks, 1):
        numbers.add(workers)
        # From here on hardly anything is left to be shared.
        if duration(workers, job.work.value, job, rates) < 2 * (rates.start_up + job.longest / rates.speed):
            break
        workers *= _FACTOR
    return sorted(numbers)


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
