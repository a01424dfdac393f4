"""The record of a benchmark: raw numbers of every round, and what is derived from them, to be written and read back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.bench.combination import Combination, is_published
from liveseg.bench.summary import Summary, median, median_by_key, ratios, rounded, summarize
from liveseg.errors import MediaError
from liveseg.models.registry import find_model
from liveseg.results import load_result_file

if TYPE_CHECKING:
    from os import PathLike

SCHEMA = 1

Round = dict[str, Any]


@dataclass
class Baseline:
    """The tutorial's loop with one model.

    Args:
        model: the model's name.
        rounds: what each round measured; see `baseline.measure`.
        error: why it does not run here.
    """

    model: str
    rounds: list[Round] = field(default_factory=list)
    error: str | None = None

    @property
    def rates(self) -> list[float]:
        """Frames a second of each round."""
        return _rates(self.rounds)


@dataclass
class Entry:
    """One combination and what was measured of it.

    Args:
        combination: as it was asked for.
        weights: where they come from: `published`, `bundled`, `random`, or the name of the file.
        found: what really runs; see `line.probe`. Empty where it does not.
        rounds: the whole line in each round; see `line.measure`.
        network_rounds: the network alone in each round; see `network.measure`.
        agreement: with PyTorch in float32; see `agreement.measure`.
        flicker: of the masks, without smoothing and with it; see `flicker.measure`.
        streams: each number of streams that was tried, ascending; see `streams.measure`.
        error: why it does not run here, or did not go on.
        notes: what of it could not be measured, and why.
        offered: whether some runtime here does what was asked for, so that an error is a failure.
    """

    combination: Combination
    weights: str = "published"
    found: dict[str, Any] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    network_rounds: list[Round] = field(default_factory=list)
    agreement: dict[str, Any] | None = None
    flicker: dict[str, Any] | None = None
    streams: list[dict[str, Any]] | None = None
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    offered: bool = True

    @property
    def rates(self) -> list[float]:
        """Frames a second of each round, of the whole line."""
        return _rates(self.rounds)

    @property
    def network_rates(self) -> list[float]:
        """Frames a second of each round, of the network alone."""
        return _rates(self.network_rounds)

    @property
    def rate(self) -> Summary | None:
        """Frames a second of what was asked for: the whole line, or where that was left out the network."""
        return summarize(self.rates) or summarize(self.network_rates)

    @property
    def peak_bytes(self) -> int | None:
        """The most memory that it held in any round."""
        return max((row["peak_bytes"] for row in self.rounds or self.network_rounds), default=None)

    @property
    def held_streams(self) -> int | None:
        """The most streams that were held; `None` where none were tried."""
        if self.streams is None:
            return None
        return max((trial["streams"] for trial in self.streams if trial["held"]), default=0)

    @property
    def gmacs(self) -> float | None:
        """Multiply-adds of one frame in units of 1e9, in proportion to its pixels; `None` of an unknown network."""
        if not self.found or not is_published(self.combination.model):
            return None
        info = find_model(self.combination.model)
        width, height = self.found["network_input"]
        return info.gmacs * int(width) * int(height) / (info.gmacs_size[0] * info.gmacs_size[1])

    @property
    def quality(self) -> tuple[float, str] | None:
        """Its mIoU in per cent, and whether it is `published` or `measured` as it ran here, or `assumed` from that.

        See `liveseg.tuning.choose`; `None` of weights of which nothing is known, or where nothing ran.
        """
        known = self.weights in ("published", "bundled") and is_published(self.combination.model)
        if not self.found or not known:
            return None
        from liveseg.tuning.choose import PRECISION_SHARE, quality_of

        info = find_model(self.combination.model)
        size, precision = min(self.found["network_input"]), self.found["precision"]
        value = quality_of(info.contract, size, precision)
        kind, sizes = ("measured", dict(info.quality)) if info.quality else ("published", [info.contract.default_size])
        return value, kind if size in sizes and precision not in PRECISION_SHARE else "assumed"


@dataclass
class BenchResult:
    """A whole benchmark; `to_json` and `from_json` keep all of it.

    Args:
        command: as it was typed, but for the folders of absolute paths.
        date: when it began, UTC, ISO 8601.
        machine: see `machine.describe_machine`.
        versions: of Python and packages.
        commit: of git, with `+` where files differed; `None` outside a checkout.
        source: name, width, height, rate and number of frames of the video.
        settings: the options in force.
        entries: the combinations.
        baselines: the tutorial's loop, for each model.
        limits: matrix products a second in each round; see `limit.measure`.
        drawing: what each way of drawing costs, in each round; see `drawing.measure`.
        notes: what could not be measured, and why.
    """

    command: str
    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    commit: str | None
    source: dict[str, Any]
    settings: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)
    baselines: list[Baseline] = field(default_factory=list)
    limits: list[Round] = field(default_factory=list)
    drawing: list[Round] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether something that should have run did not, or nothing ran."""
        broken = any(entry.error is not None and entry.offered for entry in self.entries)
        return broken or any(own.error for own in self.baselines) or not any(entry.rate for entry in self.entries)

    def limit(self, precision: str, device: str = "cpu") -> list[float]:
        """Giga-operations a second of each round in a precision on a device: the best of all libraries."""
        asked = (precision, device)
        found = [
            [row["gops"] for row in each["products"] if (row["precision"], row["device"]) == asked]
            for each in self.limits
        ]
        return [max(each) for each in found if each]

    def shares_of_limit(self, entry: Entry) -> list[float]:
        """What share of the machine's limit in its precision the network alone reached, in each round."""
        gmacs = entry.gmacs
        if gmacs is None:
            return []
        limit = self.limit(entry.found["precision"], entry.found["device"])
        return ratios([2 * gmacs * rate for rate in entry.network_rates], limit)

    def ratios_to_baseline(self, entry: Entry) -> list[float]:
        """How many times as fast as the tutorial's loop, in each round; of combinations at the same, native size."""
        same = [each for each in self.baselines if each.model == entry.combination.model]
        if not same or entry.combination.size != "native":
            return []
        return ratios(entry.rates, same[0].rates)

    def summary(self, entry: Entry) -> dict[str, Any]:
        """What is said of a combination, from its raw rounds; only what was measured.

        Of a quantity that has percentiles within each round, such as the latency, the medians over the rounds are
        given: a median of p95 is a typical round's p95.
        """
        ratio, share = self.ratios_to_baseline(entry), self.shares_of_limit(entry)
        told: dict[str, Any] = {
            "frames_per_second": _asdict(summarize(entry.rates)),
            "milliseconds_a_frame": _asdict(summarize([1e3 / rate for rate in entry.rates])),
            "latency_ms": median_by_key([row["latency_ms"] for row in entry.rounds]),
            "stages_ms": median_by_key([row["stages_ms"] for row in entry.rounds]),
            "wall_to_busiest_thread": median([_wall_to_busiest(row) for row in entry.rounds]),
            "threads_explained": min((_least_explained(row) for row in entry.rounds), default=None),
            "first_frame_seconds": median([row["first_frame_seconds"] for row in entry.rounds]),
            "network_frames_per_second": _asdict(summarize(entry.network_rates)),
            "network_call_ms": median_by_key([row["call_ms"] for row in entry.network_rounds]),
            "peak_bytes": entry.peak_bytes,
            "gmacs": entry.gmacs,
            "share_of_limit": median(share),
            "ratio_to_tutorial": {"by_round": ratio, "median": median(ratio)} if ratio else None,
            "agreement": entry.agreement["share"] if entry.agreement else None,
            "flicker": {name: entry.flicker[name] for name in ("share", "smoothed")} if entry.flicker else None,
            "streams": entry.held_streams,
        }
        return {name: value for name, value in told.items() if value not in (None, {})}

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data; `summary` in it is derived and not read back."""
        record = asdict(self)
        for own, entry in zip(record["entries"], self.entries, strict=True):
            if entry.combination.weights is not None:
                own["combination"]["weights"] = Path(entry.combination.weights).name
            own["summary"] = rounded(self.summary(entry))
        for own, baseline in zip(record["baselines"], self.baselines, strict=True):
            own["summary"] = rounded({"frames_per_second": _asdict(summarize(baseline.rates))})
        return {"schema": SCHEMA, **record}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> BenchResult:
        """Read the record.

        Raises:
            MediaError: one of a newer schema, or none.
        """
        try:
            own = dict(record)
            schema = own.pop("schema")
            if schema > SCHEMA:
                raise MediaError(f"this result was made by a newer liveseg (schema {schema}); upgrade liveseg")
            own["entries"] = [_entry(each) for each in own["entries"]]
            own["baselines"] = [Baseline(**_without_summary(each)) for each in own["baselines"]]
            return cls(**own)
        except (KeyError, TypeError, AttributeError) as error:
            raise MediaError(f"this is no result of liveseg bench: {error!r}") from error


def load_result(path: str | PathLike[str]) -> BenchResult:
    """Read a result that `liveseg bench --json FILE` wrote.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a file that holds something else.
    """
    return load_result_file(path, BenchResult.from_json)


def _entry(record: dict[str, Any]) -> Entry:
    own = _without_summary(record)
    return Entry(Combination(**own.pop("combination")), **own)


def _without_summary(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "summary"}


def _rates(rounds: list[Round]) -> list[float]:
    return [row["frames_per_second"] for row in rounds]


def _wall_to_busiest(row: Round) -> float:
    """How many times as long as its busiest thread worked a round took: 1 where nothing better can be had."""
    return float(row["seconds"] / max(thread["busy_seconds"] for thread in row["thread_times"]))


def _least_explained(row: Round) -> float:
    """The share of its wall time that the least accounted thread was busy or waiting."""
    return float(min(thread["explained"] for thread in row["thread_times"]))


def _asdict(summary: Summary | None) -> dict[str, Any] | None:
    return None if summary is None else asdict(summary)
