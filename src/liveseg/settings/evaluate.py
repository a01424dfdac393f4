"""Every option of `liveseg eval` and `liveseg compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liveseg.errors import UsageError
from liveseg.settings.data import DataSettings
from liveseg.settings.draw import parse_share
from liveseg.settings.model import ModelSettings
from liveseg.settings.option import about, check, option

_DATA = "Data"
_MODEL = "Model"
_MEASURED = "What is measured"
_REPORT = "Report"


@dataclass(frozen=True, kw_only=True)
class ScoreSettings(DataSettings):
    """What `liveseg eval` and `liveseg compare` share: the photos, the scores and the report."""

    every: int = option(1, "Take one photo of N.", least=1, group=_DATA, metavar="N")
    limit: int | None = option(None, "Take at most N photos.", least=1, group=_DATA, metavar="N")
    unknown: float | None = option(
        None, "Count pixels of which the network is less sure than this as unknown, which is wrong, like 60%.",
        parse=parse_share, group=_MODEL, metavar="SHARE",
    )  # fmt: skip
    boundary: bool = option(True, "Leave out the boundary F-score.", group=_MEASURED)
    skip_bad: bool = option(False, "Leave out photos that cannot be read, and say so.", group=_DATA)
    worst: int = option(12, "How many photos the page shows.", least=0, most=100, group=_MEASURED, metavar="N")
    seed: int = option(0, "Of the draws that the intervals are made by.", least=0, group=_MEASURED, metavar="N")
    json: str | None = option(None, "Write the result as JSON, - for standard output.", group=_REPORT, metavar="FILE")
    html: Path | None = option(None, "Write a page with charts and photos; it needs no network.", group=_REPORT,
        metavar="FILE",
    )  # fmt: skip
    markdown: bool = option(False, "Print Markdown on a terminal, too.", group=_REPORT)
    overwrite: bool = option(False, "Replace files that exist.", group=_REPORT)
    verbose: bool = option(False, "Show tracebacks.", flags=("-v",), group=_REPORT)
    quiet: bool = option(False, "Say nothing but errors and the result.", flags=("-q",), group=_REPORT)

    def __post_init__(self) -> None:
        check(self)
        if self.verbose and self.quiet:
            raise UsageError("--verbose and --quiet contradict each other; choose one")
        if self.html is not None and self.html.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"--html writes a page; end its name in .html, unlike {self.html}")


@dataclass(frozen=True, kw_only=True)
class EvalSettings(ScoreSettings, ModelSettings):
    """Every option of `liveseg eval`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    workers: int = option(
        1, "Processes that share the photos; each has its part of the threads.", least=1, most=256, group=_MEASURED,
        metavar="N",
    )  # fmt: skip
    record: Path | None = option(
        None, "Keep the counts of each photo in this file; a run that was cut off goes on where it was.", group=_REPORT,
        metavar="FILE",
    )  # fmt: skip
    predictions: Path | None = option(
        None, "Score the masks in this folder, PNGs named as the photos, instead of running a model.", group=_MODEL,
        metavar="FOLDER",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.predictions is None:
            return
        given = [own.name for own, _ in about(ModelSettings) if getattr(self, own.name) != own.default]
        if given:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise UsageError(f"--predictions scores masks that are there already; leave out {names}")


@dataclass(frozen=True, kw_only=True)
class CompareSettings(ScoreSettings):
    """Every option of `liveseg compare`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    data: Path | None = option(
        None, "The labelled photos, as for `liveseg eval`.", shown="needed unless only results are compared",
        group=_DATA, metavar="DATA",
    )  # fmt: skip
    device: str = option("auto", "The device, as in `liveseg run`.", group=_MODEL, metavar="DEVICE")
    threads: int | None = option(
        None, "Threads on the CPU.", shown="all cores", least=1, most=1024, group=_MODEL, metavar="N"
    )
    plot: Path | None = option(None, "Draw mIoU against rate: .png, .svg or .pdf.", group=_REPORT, metavar="FILE")
