"""A result as tables: for a page in Markdown, for a terminal by rich, both from the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.bench.summary import median, median_by_key, summarize

if TYPE_CHECKING:
    from liveseg.bench.result import BenchResult, Entry
    from liveseg.bench.summary import Summary


@dataclass
class Table:
    """Rows under headings; a heading under which no row has anything is left out."""

    title: str
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def headings(self) -> list[str]:
        """The headings, in the order in which rows first name them."""
        named = dict.fromkeys(heading for row in self.rows for heading in row)
        return [heading for heading in named if any(row.get(heading) for row in self.rows)]

    def cells(self) -> list[list[str]]:
        """The rows' texts in the order of the headings."""
        return [[row.get(heading, "") for heading in self.headings] for row in self.rows]

    def markdown(self) -> str:
        """The table in Markdown, its title above it."""
        lines = [self.headings, ["---"] * len(self.headings), *self.cells()]
        return f"{self.title}:\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def heading(result: BenchResult) -> str:
    """One line: what was measured, how often, on what."""
    source, machine, settings = result.source, result.machine, result.settings
    threads = settings["threads"] or machine["cores_of_this_process"]
    frames = min(settings["frames"], source["frames"] or settings["frames"])
    return (
        f"{source['name']} ({source['width']}x{source['height']}), {_count(settings['rounds'], 'round')} of"
        f" {_count(frames, 'frame')}, {_count(threads, 'thread')}, {machine['processor']}"
    )


def tables(result: BenchResult) -> list[Table]:
    """Everything that a result tells, in tables that have rows."""
    made = (
        _line(result),
        _stages(result),
        _tutorial(result),
        _network(result),
        _limits(result),
        _drawing(result),
        _streams(result),
    )
    return [table for table in made if table.rows]


def remarks(result: BenchResult) -> list[str]:
    """What does not fit into a table: what cannot run here and why, and how calm the machine was."""
    lines = [f"not run: {entry.combination.name}: {entry.error}" for entry in result.entries if entry.error]
    lines += [f"{entry.combination.name}: {note}" for entry in result.entries for note in entry.notes]
    lines += [f"not run: the tutorial's loop with {own.model}: {own.error}" for own in result.baselines if own.error]
    lines += result.notes
    rows = [row for entry in result.entries for row in entry.rounds or entry.network_rounds]
    others = median([row["other_cores"] for row in rows if row["other_cores"] is not None])
    if others is not None:
        lines.append(f"other programs used {others:.2f} cores meanwhile (median)")
    if any(entry.weights == "random" for entry in result.entries):
        lines.append("random weights: the network costs what a trained one does, the masks mean nothing")
    if any(share > 1 for entry in result.entries for share in result.shares_of_limit(entry)):
        lines.append(
            "a share above 100 %: products with a convolution's padding are counted, but libraries may leave them out;"
            " and one matrix product is not all that a processor can do"
        )
    return lines


def _line(result: BenchResult) -> Table:
    ends = "file" if result.settings["sink"] == "file" else "nothing"
    table = Table(f"From file to {ends}, medians of the rounds (5th to 95th percentile)")
    for entry in result.entries:
        rate = summarize(entry.rates)
        if rate is None:
            continue
        told = result.summary(entry)
        latency = told["latency_ms"]
        table.rows.append(
            _named(entry)
            | {
                "frames/s": _spread(rate),
                "ms a frame": f"{told['milliseconds_a_frame']['median']:.1f}",
                "latency ms p50, p95": f"{latency['p50']:.0f}, {latency['p95']:.0f}",
                "first frame s": f"{told['first_frame_seconds']:.2f}",
                "peak MB": f"{told['peak_bytes'] / 1e6:.0f}",
                "times the tutorial": _ratio(told.get("ratio_to_tutorial")),
                "same pixels": _agreement(entry),
                "flicker, smoothed": _flicker(entry),
            }
        )
    for own in result.baselines:
        rate = summarize(own.rates)
        if rate is not None:
            table.rows.append(
                {
                    "model": own.model,
                    "input": f"{result.source['width']}x{result.source['height']}",
                    "runtime": "tutorial's loop",
                    "precision": "float32",
                    "frames/s": _spread(rate),
                    "ms a frame": f"{1e3 / rate.median:.1f}",
                    "peak MB": f"{max(row['peak_bytes'] for row in own.rounds) / 1e6:.0f}",
                }
            )
    return table


def _stages(result: BenchResult) -> Table:
    table = Table("Stages, ms a frame (they overlap), and the wall time in times of that of the busiest thread")
    for entry in result.entries:
        if entry.rounds:
            told = result.summary(entry)
            stages = _milliseconds([row["stages_ms"] for row in entry.rounds])
            table.rows.append(_named(entry) | stages | {"wall to busiest": f"{told['wall_to_busiest_thread']:.2f}"})
    return table


def _tutorial(result: BenchResult) -> Table:
    table = Table("The tutorial's loop, ms a frame (one after the other)")
    for own in result.baselines:
        if own.rounds:
            table.rows.append({"model": own.model} | _milliseconds([row["stages_ms"] for row in own.rounds]))
    return table


def _network(result: BenchResult) -> Table:
    table = Table("The network alone, and its share of this machine's limit in that precision")
    for entry in result.entries:
        rate = summarize(entry.network_rates)
        if rate is None:
            continue
        told = result.summary(entry)
        row = _named(entry) | {
            "frames/s": _spread(rate),
            "ms a call": f"{told['network_call_ms']['p50']:.1f}",
            "at a time": str(entry.found["parallel"]),
            "GMACs": f"{told['gmacs']:.2f}" if "gmacs" in told else "",
            "share of limit": f"{told['share_of_limit']:.0%}" if "share_of_limit" in told else "",
        }
        if not entry.rounds:
            row |= {"peak MB": f"{told['peak_bytes'] / 1e6:.0f}", "same pixels": _agreement(entry)}
            row["flicker, smoothed"] = _flicker(entry)
        table.rows.append(row)
    return table


def _limits(result: BenchResult) -> Table:
    table = Table("This machine's limit: giga-operations a second in a large matrix product")
    rates: dict[tuple[str, str], list[float]] = {}
    for each in result.limits:
        for row in each["products"]:
            name = f"numpy, {each['blas']}" if row["library"] == "numpy" else _by(row["library"], row["device"])
            rates.setdefault((name, row["precision"]), []).append(row["gops"])
    for (name, precision), values in rates.items():
        table.rows.append({"by": name, "precision": precision, "Gop/s": f"{median(values):.0f}"})
    return table


def _drawing(result: BenchResult) -> Table:
    table = Table("Drawing, ms a frame on one thread, medians of the rounds")
    spent = median_by_key([row["ms"] for row in result.drawing])
    added = median_by_key([row["added_ms"] for row in result.drawing])
    for name, value in spent.items():
        more = f"{added[name]:+.2f}" if name in added else ""
        table.rows.append({"drawing": name, "ms": f"{value:.2f}", "more than the overlay": more})
    return table


def _streams(result: BenchResult) -> Table:
    table = Table("Streams of 30 frames a second, all through one model")
    for entry in result.entries:
        for trial in entry.streams or ():
            table.rows.append(
                _named(entry)
                | {
                    "streams": str(trial["streams"]),
                    "frames/s": f"{trial['frames_per_second']:.1f}",
                    "left out": f"{trial['dropped_share']:.1%}",
                    "age ms p50, p95": f"{trial['age_ms']['p50']:.0f}, {trial['age_ms']['p95']:.0f}",
                    "held": "yes" if trial["held"] else "no",
                }
            )
    return table


def _named(entry: Entry) -> dict[str, str]:
    found = entry.found
    width, height = found["network_input"]
    return {
        "model": entry.combination.model,
        "input": f"{width}x{height}",
        "runtime": _by(found["runtime"], found["device"]),
        "precision": found["precision"],
    }


def _by(runtime: str, device: str) -> str:
    return runtime if device == "cpu" else f"{runtime} on {device}"


def _milliseconds(rows: list[dict[str, float]]) -> dict[str, str]:
    return {stage: f"{spent:.1f}" for stage, spent in median_by_key(rows).items()}


def _spread(summary: Summary) -> str:
    alone = f"{summary.median:.1f}"
    return alone if summary.count == 1 else f"{alone} ({summary.p5:.1f} to {summary.p95:.1f})"


def _ratio(ratio: dict[str, Any] | None) -> str:
    if ratio is None:
        return ""
    rounds = ", ".join(f"{value:.2f}" for value in ratio["by_round"])
    return f"{ratio['median']:.2f} ({rounds})"


def _agreement(entry: Entry) -> str:
    if entry.agreement is None:
        return ""
    alone = " of 1 class" if len(entry.agreement["classes"]) == 1 else ""
    return f"{entry.agreement['share']:.2%}{alone}"


def _flicker(entry: Entry) -> str:
    if entry.flicker is None:
        return ""
    if not entry.flicker["pairs"]:
        return "no two frames alike"
    return f"{entry.flicker['share']:.2%}, {entry.flicker['smoothed']:.2%}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
