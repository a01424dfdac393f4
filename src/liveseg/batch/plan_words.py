"""A plan as tables and lines, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.batch.words import shown, size, span
from liveseg.bench.table import Table
from liveseg.pages.text import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.batch.plan import Plan
    from liveseg.batch.plan_estimate import Estimate

_MOST_EXTENSIONS = 6


def heading(plan: Plan) -> str:
    """One line: what was seen, and what was tried of it."""
    kinds = [count(number, what) for number, what in ((plan.images, "image"), (plan.videos, "video")) if number]
    tried = "all of them" if plan.tried == plan.files else f"{plan.tried:,} of them, drawn with seed {plan.seed},"
    return f"{' and '.join(kinds)}, {size(plan.bytes)}; tried {tried} in {span(plan.measured_seconds)}"


def tables(plan: Plan) -> list[Table]:
    """What there is to do, and what numbers of workers make of it."""
    level = "90 % interval"
    whole = Table(f"What all {plan.files:,} files take", [])
    each = plan.work.value / plan.files
    rows: list[tuple[str, str, str]] = [
        ("work of one worker", span(plan.work.value), _range(plan.work, span)),
        ("a file", span(each), ""),
        ("longest task", span(plan.longest), ""),
        ("read", size(plan.bytes_in.value), _range(plan.bytes_in, size)),
        ("written", size(plan.bytes_out.value), _range(plan.bytes_out, size)),
        ("requests", f"{plan.gets:,} GET, {plan.puts:,} PUT, {plan.lists:,} LIST", "of an object store"),
        ("expected to fail", count(round(plan.failed_share * plan.files), "file") if plan.failed else "", ""),
        ("most of the work", _stages(plan), ""),
        ("extensions", _extensions(plan), ""),
    ]
    whole.rows += [{"what": what, "about": value, level: spread} for what, value, spread in rows if value]
    runs = Table("What numbers of workers come to")
    deadline = plan.deadline
    for run in plan.runs:
        notes = []
        if deadline is not None and run.workers == deadline.workers:
            notes.append(f"the fewest for {span(deadline.seconds)}")
        if deadline is not None and run.workers == deadline.workers_to_be_sure:
            notes.append("the fewest to be sure" if notes else f"the fewest to be sure of {span(deadline.seconds)}")
        runs.rows.append(
            {
                "workers": f"{run.workers:,}",
                "machines": f"{run.machines:,}" if plan.rates.workers_per_machine > 1 else "",
                "time": span(run.seconds.value),
                f"time, {level}": _range(run.seconds, span),
                "price": "" if run.price is None else _price(run.price.value),
                f"price, {level}": "" if run.price is None else _range(run.price, _price),
                "": ", ".join(notes),
            }
        )
    return [whole, runs]


def remarks(plan: Plan) -> list[str]:
    """What should be known of the numbers, and what they suppose."""
    errors = [f"failed: {shown(error)}" for error in plan.errors]
    return [*plan.remarks, *errors, *(f"supposed: {line}" for line in plan.assumes)]


def _range(estimate: Estimate, words: Callable[[float], str]) -> str:
    low, high = words(estimate.low), words(estimate.high)
    return "" if estimate.low == estimate.high else f"{low} to {high}"


def _price(value: float) -> str:
    return "<0.01" if 0 < value < 0.005 else f"{value:,.2f}"


def _stages(plan: Plan) -> str:
    return ", ".join(f"{shown(name)} {part:.0%}" for name, part in list(plan.stages.items())[:3])


def _extensions(plan: Plan) -> str:
    named = list(plan.extensions.items())
    words = [f"{shown(name, 20)} {number:,}" for name, number in named[:_MOST_EXTENSIONS]]
    more = sum(number for _, number in named[_MOST_EXTENSIONS:])
    return ", ".join([*words, *([f"others {more:,}"] if more else [])])
