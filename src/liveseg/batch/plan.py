"""What a batch will take, told from a sample of its files before anyone pays for machines."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg._version import __version__
from liveseg.batch.plan_cost import Job, Rates, Run, needed, run_of, shown_workers
from liveseg.batch.plan_estimate import LEVEL, Estimate, Tried, estimate, ratio_sizes
from liveseg.batch.plan_measure import measure
from liveseg.batch.plan_remarks import assumed, remarked
from liveseg.batch.plan_survey import Survey
from liveseg.batch.scratch import Scratch, clear_abandoned
from liveseg.errors import MediaError, SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liveseg.batch.plan_measure import Cost, Does, Measured
    from liveseg.batch.plan_survey import Stratum
    from liveseg.batch.records import Item
    from liveseg.settings.batch_plan import PlanSettings

FORMAT = "liveseg-batch-plan"
VERSION = 1
"""Of the JSON; raised when a field that exists changes its meaning or goes."""

_LISTED_AT_ONCE = 1000
"""Names that an object store gives for one request."""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """What it takes to finish in time.

    Args:
        seconds: until all is to be done.
        workers: the fewest by the estimate; `None` where no number finishes in time.
        workers_to_be_sure: the fewest by the upper end of the interval, likewise.
    """

    seconds: float
    workers: int | None
    workers_to_be_sure: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a batch will take. Intervals hold the truth 9 times of 10.

    Args:
        destination: where its outputs will go; nothing is written there.
        liveseg: version that measured.
        files: in the input.
        images: of these.
        videos: of these.
        bytes: of all files whose size the listing says.
        unknown_sizes: files of which it does not.
        extensions: files by extension.
        tried: files of the sample.
        failed: of these.
        errors: why, the first few.
        failed_share: of all files that are expected to fail, from 0 to 1.
        seed: of the draw.
        measured_seconds: that trying them took.
        work: seconds of one worker of this machine, start-up aside.
        longest: seconds of the longest task, as far as is known.
        tasks: files and pieces of videos.
        stages: share of the work by stage, from 0 to 1; stages of several files may overlap.
        bytes_in: that are read.
        bytes_out: that are written.
        gets: requests to read, to an object store.
        puts: requests to write.
        lists: requests to list.
        rates: of the workers, and their price.
        deadline: what it takes to hold it; `None` where there is none.
        runs: what some numbers of workers come to.
        assumes: what all of this supposes.
        remarks: what should be known of these numbers.
    """

    destination: str
    liveseg: str
    files: int
    images: int
    videos: int
    bytes: int
    unknown_sizes: int
    extensions: Mapping[str, int]
    tried: int
    failed: int
    errors: tuple[str, ...]
    failed_share: float
    seed: int
    measured_seconds: float
    work: Estimate
    longest: float
    tasks: int
    stages: Mapping[str, float]
    bytes_in: Estimate
    bytes_out: Estimate
    gets: int
    puts: int
    lists: int
    rates: Rates
    deadline: Deadline | None
    runs: tuple[Run, ...]
    assumes: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """These fields, `format`, `version` and `level`, how often intervals hold the truth."""
        return {"format": FORMAT, "version": VERSION, "level": LEVEL, **asdict(self)}


def plan(
    settings: PlanSettings,
    inputs: Sequence[str],
    *,
    make_replica: Callable[..., Does] | None = None,
    listing: Iterable[Item] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    tell: Callable[[str], None] = lambda _step: None,
) -> Plan:
    """List the input, do a sample of it into a temporary folder, and tell what all of it takes.

    Memory does not grow with the number of files.

    Args:
        settings: of the plan, the batch's among them.
        inputs: as `liveseg batch` takes them.
        make_replica: what does files; a `Replica` if left out.
        listing: the input's files, where they are listed already.
        clock: seconds, to measure by.
        tell: called with what is being done.

    Raises:
        SourceNotFoundError: there is nothing to do.
        MediaError: no file of the sample could be done.
        LivesegError: the input cannot be listed, or the model not be loaded.
    """
    destination = settings.destination
    tell("listing the input")
    survey = Survey(settings.sample, settings.seed)
    survey.take(_listed(settings, inputs) if listing is None else listing)
    if not survey.count:
        raise SourceNotFoundError(f"no image or video in {', '.join(inputs) or 'the input'}; name some, or a folder")
    strata = [stratum for stratum in survey.strata() if stratum.sample]
    tell(f"trying {sum(len(stratum.sample) for stratum in strata)} of {survey.count:,} files")
    clear_abandoned()
    with Scratch("plan") as folder:
        found = measure(strata, settings, folder, make_replica or _replica(), clock=clock)
    costs = [cost for own in found.costs for cost in own]
    failed = [cost for cost in costs if cost.error is not None]
    if len(failed) == len(costs):
        raise MediaError(f"none of the {len(costs)} files that were tried could be done; the first: {failed[0].error}")
    return _told(settings, destination, survey, strata, found)


def _listed(settings: PlanSettings, inputs: Sequence[str]) -> Iterable[Item]:
    from liveseg.batch.listing import items

    # Telling files apart by content would read all of them, and a plan has no use for it.
    return items(inputs, identify="path", options=settings.storage_options, out=settings.destination)


def _replica() -> Callable[..., Does]:
    from liveseg.batch.replica import Replica

    return Replica


def _told(settings: PlanSettings, destination: str, survey: Survey, strata: Sequence[Stratum], found: Measured) -> Plan:
    costs = [cost for own in found.costs for cost in own]

    def total(value: Callable[[Cost], float]) -> Estimate:
        return estimate([_tried(stratum, own, value) for stratum, own in zip(strata, found.costs, strict=True)])

    def counted(value: Callable[[Cost], float]) -> float:
        """The total of what has nothing to do with how large a file is."""
        pairs = zip(strata, found.costs, strict=True)
        return sum(stratum.count * sum(map(value, own)) / len(own) for stratum, own in pairs)

    # Where the listing says how large files are, only what is read besides has to be estimated.
    beyond = total(lambda cost: cost.bytes_in - (cost.item.size or 0))
    bytes_in = Estimate(*(survey.bytes + each for each in (beyond.value, beyond.low, beyond.high)))
    work, bytes_out = total(lambda cost: cost.seconds), total(lambda cost: cost.bytes_out)
    failing = counted(lambda cost: cost.error is not None)
    rates = Rates(
        speed=settings.speed,
        efficiency=settings.efficiency,
        start_up=found.start_up if settings.start_up is None else settings.start_up,
        workers_per_machine=settings.workers_per_machine,
        price=settings.price,
        price_gb=settings.price_gb,
    )
    moved = Estimate(*((getattr(bytes_in, end) + getattr(bytes_out, end)) / 1e9 for end in ("value", "low", "high")))
    job = Job(
        work=work,
        longest=_longest(survey, costs),
        tasks=round(counted(lambda cost: cost.tasks)),
        gigabytes=moved,
    )
    deadline = _deadline(settings, job, rates)
    asked = [settings.workers, deadline and deadline.workers, deadline and deadline.workers_to_be_sure]
    workers = shown_workers(job, rates, [number for number in asked if number])
    stages: Counter[str] = Counter()
    for stratum, own in zip(strata, found.costs, strict=True):
        for cost in own:
            for name, spent in cost.stages.items():
                stages[name] += spent * stratum.count / len(own)  # type: ignore[assignment]
    whole = sum(stages.values())
    return Plan(
        destination=destination,
        liveseg=__version__,
        files=survey.count,
        images=survey.kinds["image"],
        videos=survey.kinds["video"],
        bytes=survey.bytes,
        unknown_sizes=survey.unknown_sizes,
        extensions=dict(survey.extensions.most_common()),
        tried=len(costs),
        failed=sum(cost.error is not None for cost in costs),
        errors=tuple(cost.error for cost in costs if cost.error is not None)[:5],
        failed_share=min(failing / survey.count, 1.0),
        seed=settings.seed,
        measured_seconds=found.seconds,
        work=work,
        longest=job.longest,
        tasks=job.tasks,
        stages={name: spent / whole for name, spent in stages.most_common()} if whole else {},
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        gets=round(counted(lambda cost: cost.gets)),
        puts=round(counted(lambda cost: cost.puts)),
        lists=-(-survey.count // _LISTED_AT_ONCE),
        rates=rates,
        deadline=deadline,
        runs=tuple(run_of(number, job, rates) for number in workers),
        assumes=assumed(settings, rates, destination, costs),
        remarks=remarked(
            survey=survey, work=work, bytes_out=bytes_out, costs=costs, deadline=deadline, job=job, rates=rates
        ),
    )


def _tried(stratum: Stratum, costs: Sequence[Cost], value: Callable[[Cost], float]) -> Tried:
    size, sizes = ratio_sizes(stratum.count, stratum.bytes, [cost.item.size for cost in costs])
    return Tried(stratum.count, size, sizes, np.array([value(cost) for cost in costs], np.float64))


def _longest(survey: Survey, costs: Sequence[Cost]) -> float:
    """Seconds of the longest task: of those tried, or of the largest file by what the others took for their bytes."""
    longest = max(cost.longest for cost in costs)
    for kind, largest in survey.largest.items():
        whole = [cost for cost in costs if cost.item.kind == kind and cost.tasks == 1 and cost.item.size]
        size = sum(cost.item.size or 0 for cost in whole)
        cut = any(cost.tasks > 1 for cost in costs if cost.item.kind == kind)
        if size and not cut:
            longest = max(longest, sum(cost.seconds for cost in whole) / size * largest)
    return longest


def _deadline(settings: PlanSettings, job: Job, rates: Rates) -> Deadline | None:
    if settings.deadline is None:
        return None
    fewest, safe = (needed(settings.deadline, each, job, rates) for each in (job.work.value, job.work.high))
    return Deadline(seconds=settings.deadline, workers=fewest, workers_to_be_sure=safe)
