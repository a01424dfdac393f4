"""Every option of `liveseg batch`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from liveseg.errors import UsageError
from liveseg.settings.background import BackgroundSettings, Scene
from liveseg.settings.draw import StyleSettings
from liveseg.settings.model import LookSettings, NamedModelSettings, WhereSettings
from liveseg.settings.option import check, option
from liveseg.settings.output import EncodeSettings
from liveseg.settings.parse import parse_pixels, parse_time
from liveseg.settings.report import ReportSettings
from liveseg.settings.run import RunSettings
from liveseg.settings.save import SaveSettings
from liveseg.settings.shard import Shard, parse_shard
from liveseg.settings.steady import SteadySettings

_PLACE = "Destination"
_WORKERS = "Workers"
_RAY = "Ray"
_VIDEOS = "Long videos"
_FAILURES = "Failures"
_INPUT = "Input"

_LEAST_JUDGED = 100
"""Files that must be finished before a share of them means something."""

NO_LIMIT = "none"


@dataclass(frozen=True)
class FailureLimit:
    """How many files may fail before a batch gives up: a number, or a share of those that are finished.

    Args:
        count: this many may; `None` where a share is meant.
        share: between 0 and 1; `None` where a number is meant.
    """

    count: int | None = None
    share: float | None = None

    def passed(self, failed: int, finished: int, *, ended: bool = False) -> bool:
        """Whether more have failed than may.

        Args:
            failed: files that failed.
            finished: files that are done or failed.
            ended: whether there are no more to come; until then a share is judged from 100 files on.
        """
        if self.count is not None:
            return failed > self.count
        if self.share is None or (finished < _LEAST_JUDGED and not ended):
            return False
        return failed > self.share * finished

    def __str__(self) -> str:
        if self.count is not None:
            return str(self.count)
        return NO_LIMIT if self.share is None else f"{self.share * 100:g}%"


def parse_failures(text: str) -> FailureLimit:
    """A number of files, a share of them like `5%`, or `none`.

    Raises:
        UsageError: anything else.
    """
    word = text.strip().lower()
    if word == NO_LIMIT:
        return FailureLimit()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", word)
    if match is not None and match[2] and float(match[1]) <= 100:
        return FailureLimit(share=float(match[1]) / 100)
    if match is not None and not match[2] and match[1].isdecimal():
        return FailureLimit(count=int(match[1]))
    raise UsageError(f"{text!r} is no number of failures; write a number like 100, a share like 5%, or none")


def parse_storage(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` for what opens addresses; dots in the key lead into nested options, the value is JSON or else text.

    Raises:
        UsageError: anything else; the message does not repeat the value, which may be a secret.
    """
    key, given, value = text.partition("=")
    key = key.strip()
    if not given or not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", key):
        raise UsageError("--storage takes KEY=VALUE, like endpoint_url=http://127.0.0.1:9000 or anon=true")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


@dataclass(frozen=True, kw_only=True)
class BatchSettings(
    ReportSettings,
    EncodeSettings,
    SaveSettings,
    BackgroundSettings,
    StyleSettings,
    SteadySettings,
    LookSettings,
    WhereSettings,
    NamedModelSettings,
):
    """Every option of `liveseg batch`: those of `liveseg run` that concern files, and what a batch is besides.

    `liveseg.batch.identity` says of each whether it decides the outputs.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    out: str | None = option(
        None, "Where outputs go: a folder, or an address like s3://bucket/folder. What is done is kept track of there.",
        flags=("-o",), group=_PLACE, metavar="DEST",
    )  # fmt: skip
    redo: Literal["changed", "failed", "all", "none"] = option(
        "changed", "Which of the files that are known there are done again: those that changed; failed: those that"
        " failed, too; all; none.", group=_PLACE,
    )  # fmt: skip
    on_changed: Literal["refuse", "redo"] = option(
        "refuse", "Where the destination was made with other settings: stop, or do its files again.", group=_PLACE
    )
    storage: tuple[tuple[str, Any], ...] = option(
        (), "An option of what opens addresses, as fsspec has it, like endpoint_url=http://127.0.0.1:9000.",
        shown="none", parse=parse_storage, repeat=True, group=_PLACE, metavar="KEY=VALUE",
    )  # fmt: skip

    identify: Literal["path", "content"] = option(
        "path", "Tell files apart by path and version, or by content, for which each is read once more.", group=_INPUT
    )
    shard: Shard | None = option(
        None, "Take one share of the files only, I of N, from 0: for machines that know nothing of each other.",
        shown="all", parse=parse_shard, group=_INPUT, metavar="I/N",
    )  # fmt: skip
    max_pixels: int = option(
        178_000_000, "Refuse pictures, and frames, of more pixels.", shown="178M", parse=parse_pixels, least=1,
        group=_INPUT, metavar="PIXELS",
    )  # fmt: skip
    trust: bool = option(
        False, "Read files of every format and codec that FFmpeg knows, not only the usual ones.", group=_INPUT
    )

    workers: int | None = option(
        None, "Worker processes on this machine.", shown="one for each --threads-each cores", least=1, most=1024,
        group=_WORKERS, metavar="N",
    )  # fmt: skip
    threads_each: int = option(
        1, "Threads of each worker. The bytes of a video depend on their number.", least=1, most=1024, group=_WORKERS,
        metavar="N",
    )  # fmt: skip
    bundle: int | None = option(
        None, "Files that go to a worker together.", shown="by the time they take", least=1, most=100_000,
        group=_WORKERS, metavar="N",
    )  # fmt: skip

    ray: str | None = option(
        None, "Run on Ray: a cluster's address, auto for the one of this machine, local to start one here.",
        group=_RAY, metavar="ADDRESS",
    )  # fmt: skip
    min_workers: int = option(1, "Workers that Ray keeps.", least=1, most=100_000, group=_RAY, metavar="N")
    max_workers: int | None = option(
        None, "Workers that Ray may start.", shown="as many as the cluster holds", least=1, most=100_000, group=_RAY,
        metavar="N",
    )  # fmt: skip
    cpus_each: float | None = option(
        None, "CPUs that Ray sets aside for each worker.", shown="--threads-each", least=0.01, most=1024, group=_RAY,
        metavar="N",
    )  # fmt: skip
    gpus_each: float = option(
        0.0, "GPUs that Ray sets aside for each worker, like 0.25.", least=0.0, most=64, group=_RAY, metavar="N"
    )

    pieces_seconds: float = option(
        60.0, "Cut videos of twice this length or more into pieces for several workers; 0 never does.",
        parse=parse_time, least=0.0, group=_VIDEOS, metavar="TIME",
    )  # fmt: skip
    warm_up_frames: int = option(
        60, "Frames before a piece that steady its first masks, where they are steadied over time.", least=0,
        most=10_000, group=_VIDEOS, metavar="N",
    )  # fmt: skip

    attempts: int = option(
        3, "How often a file is tried whose worker dies or whose storage fails.", least=1, most=100, group=_FAILURES,
        metavar="N",
    )  # fmt: skip
    max_failures: FailureLimit = option(
        FailureLimit(), "Give up once more files than this have failed: a number, a share like 5%, or none.",
        shown=NO_LIMIT, parse=parse_failures, group=_FAILURES, metavar="N|SHARE",
    )  # fmt: skip
    timeout_each: float = option(
        3600.0, "Time for one file, or a piece of a long video; its worker is ended then.", shown="1:00:00",
        parse=parse_time, least=1.0, group=_FAILURES, metavar="TIME",
    )  # fmt: skip

    json: bool = option(False, "Print what happens as JSON, an event a line, the report at last.", group="Report")

    def __post_init__(self) -> None:
        check(self)
        self.for_run()  # which refuses what contradicts itself
        if self.workers is not None and self.ray is not None:
            raise UsageError("--workers are those of this machine; with --ray say --min-workers and --max-workers")
        if self.max_workers is not None and self.max_workers < self.min_workers:
            raise UsageError(f"--max-workers {self.max_workers} is less than --min-workers {self.min_workers}")

    @property
    def destination(self) -> str:
        """Where outputs go.

        Raises:
            UsageError: nobody said.
        """
        if not self.out:
            raise UsageError("say where the outputs go: --out FOLDER, or an address like s3://bucket/folder")
        return self.out

    @property
    def storage_options(self) -> dict[str, Any]:
        """What opens addresses is told: `--storage a.b=c` is `{"a": {"b": "c"}}`.

        Raises:
            UsageError: one key is both a value and a group of others.
        """
        found: dict[str, Any] = {}
        for key, value in self.storage:
            *groups, last = key.split(".")
            place = found
            for group in groups:
                place = place.setdefault(group, {})
                if not isinstance(place, dict):
                    raise UsageError(f"--storage {key} contradicts --storage {group}; leave one of them out")
            place[last] = value
        return found

    def for_run(self) -> RunSettings:
        """The same options for what runs a line; `liveseg run` with these writes the same files."""
        shared = {own.name for own in fields(RunSettings)}
        return RunSettings(
            **{own.name: getattr(self, own.name) for own in fields(self) if own.name in shared},
            threads=self.threads_each,
            overwrite=True,
        )

    def absolute(self) -> BatchSettings:
        """The same with absolute paths, for processes that work in other folders."""
        background = self.background
        if isinstance(background, Scene):
            background = Scene(background.path.absolute())
        palette = self.palette
        if palette is not None and Path(palette).is_file():
            palette = str(Path(palette).absolute())
        weights = None if self.weights is None else self.weights.absolute()
        out = self.out if self.out is None or "://" in self.out else str(Path(self.out).absolute())
        return replace(self, background=background, palette=palette, weights=weights, out=out)
