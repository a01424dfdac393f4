"""Every option of `liveseg batch plan`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from liveseg.errors import UsageError
from liveseg.settings.batch import BatchSettings
from liveseg.settings.option import option
from liveseg.settings.parse import parse_time

_SAMPLE = "Sample"
_PLAN = "Plan"

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}


def parse_duration(text: str) -> float:
    """Seconds, as `8h`, `1h30m`, `2d`, `90min`, or as other times are written: `30`, `1:30` or `8:00:00`.

    Raises:
        UsageError: anything else.
    """
    word = text.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)\s*(d|h|min|m|s)\s*", word)
    if parts and re.fullmatch(r"((\d+(\.\d*)?|\.\d+)\s*(d|h|min|m|s)\s*)+", word):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return parse_time(word)
    except UsageError as error:
        raise UsageError(f"{text!r} is no time; write it as 8h, 1h30m, 2d, or 8:00:00") from error


@dataclass(frozen=True, kw_only=True)
class PlanSettings(BatchSettings):
    """Every option of `liveseg batch plan`: those of `liveseg batch`, so that its command is planned as it stands.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    sample: int = option(50, "Files that are tried.", least=4, most=10_000, group=_SAMPLE, metavar="N")
    seed: int = option(0, "Of the draw of these files.", least=0, group=_SAMPLE, metavar="N")
    measure: float = option(
        10.0, "How much of a long video is tried, from its begin.", parse=parse_duration, least=1.0, group=_SAMPLE,
        metavar="TIME",
    )  # fmt: skip

    deadline: float | None = option(
        None, "Tell how many workers finish in this time, like 8h.", parse=parse_duration, least=1.0, group=_PLAN,
        metavar="TIME",
    )  # fmt: skip
    speed: float = option(
        1.0, "How many times as fast as here a worker is there.", least=0.001, most=1000, group=_PLAN, metavar="TIMES"
    )
    efficiency: float = option(
        0.9, "Share of its speed that a worker keeps beside others.", least=0.01, most=1.0, group=_PLAN,
        metavar="SHARE",
    )  # fmt: skip
    start_up: float | None = option(
        None, "From when a machine is paid for to its first file.", shown="loading the model, as measured",
        parse=parse_duration, least=0.0, group=_PLAN, metavar="TIME",
    )  # fmt: skip
    price: float | None = option(
        None, "Of a machine for an hour, in any currency.", least=0.0, group=_PLAN, metavar="PRICE"
    )
    workers_per_machine: int = option(
        1, "Workers on each machine that --price is of.", least=1, most=4096, group=_PLAN, metavar="N"
    )
    price_gb: float | None = option(
        None, "Of a gigabyte that is read or written.", least=0.0, group=_PLAN, metavar="PRICE"
    )
    json: bool = option(False, "Print the plan as JSON.", group="Report")

    def for_batch(self, **changes: Any) -> BatchSettings:
        """The options of the batch itself, with some changed."""
        return BatchSettings(**{own.name: getattr(self, own.name) for own in fields(BatchSettings)} | changes)
