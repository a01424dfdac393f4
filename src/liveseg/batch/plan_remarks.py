"""What a plan supposes, and what should be known of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.batch.words import span
from liveseg.pages.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.batch.plan import Deadline
    from liveseg.batch.plan_cost import Job, Rates
    from liveseg.batch.plan_estimate import Estimate
    from liveseg.batch.plan_measure import Cost
    from liveseg.batch.plan_survey import Survey
    from liveseg.settings.batch_plan import PlanSettings

_FEW = 20
"""Files below which a sample says little."""


def assumed(settings: PlanSettings, rates: Rates, destination: str, costs: Sequence[Cost]) -> tuple[str, ...]:
    """What a plan supposes, a line each."""
    threads = settings.threads_each
    faster = "" if rates.speed == 1 else f"{rates.speed:g} times "
    lines = [
        f"a worker there has {count(threads, 'thread')} and is {faster}as fast as here (--speed)",
        f"beside others it keeps {rates.efficiency:.0%} of its speed (--efficiency)",
        f"a machine is paid for {span(rates.start_up)} before its first file (--start-up)",
        "at the end all wait for the longest task",
        "reading files takes as long there as here; writing was measured to a folder of this machine"
        + (f", not to {destination}" if "://" in destination else ""),
        "files that are done already count, too, as if there were nothing at the destination",
    ]
    if any(cost.item.kind == "video" for cost in costs):
        lines.append(f"a long video goes on as its first {span(settings.measure)} do (--measure)")
    return tuple(lines)


def remarked(
    *,
    survey: Survey,
    work: Estimate,
    bytes_out: Estimate,
    costs: Sequence[Cost],
    deadline: Deadline | None,
    job: Job,
    rates: Rates,
) -> tuple[str, ...]:
    """What should be known of a plan's numbers, a line each."""
    lines = []
    everything = len(costs) == survey.count
    if not everything:
        # The rule of three: what none of n files shows may still be true of 3/n of all.
        lines.append(
            f"what concerns fewer than one file of {max(len(costs) // 3, 1)} may not be in the sample at all, and so"
            " not in the intervals"
        )
    wide = [name for name, each in (("time", work), ("bytes written", bytes_out)) if each.wide]
    if wide:
        lines.append(f"the interval of the {' and of the '.join(wide)} is wide; a larger --sample makes it shorter")
    if len(costs) < min(_FEW, survey.count):
        lines.append(f"{count(len(costs), 'file')} say little of {survey.count:,}; try more with --sample")
    if survey.unknown_sizes:
        lines.append(
            f"of {count(survey.unknown_sizes, 'file')} the listing does not say the size: they are taken to be like"
            " those that were tried, and their bytes are not among those of the input"
        )
    failed = sum(cost.error is not None for cost in costs)
    if failed:
        lines.append(f"{failed} of the {len(costs)} files that were tried failed; they count with the time this took")
    if deadline is not None and deadline.workers is None:
        least = rates.start_up + job.longest / rates.speed
        if least >= deadline.seconds:
            lines.append(
                f"no number of workers finishes in {span(deadline.seconds)}: starting and the longest task alone take"
                f" {span(least)}; cut videos shorter with --pieces-seconds, or take faster machines"
            )
        else:
            lines.append(
                f"no number of workers finishes in {span(deadline.seconds)}: there are only {job.tasks:,} tasks"
            )
    elif deadline is not None and deadline.workers_to_be_sure is None:
        lines.append(
            f"{deadline.workers:,} workers may finish in {span(deadline.seconds)}, but if the work is as much as the"
            " interval's upper end no number does"
        )
    return tuple(lines)
