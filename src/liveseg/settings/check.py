"""Every option of `liveseg check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liveseg.settings.data import DataSettings
from liveseg.settings.option import check, option

_DATA = "Data"
_REPORT = "Report"


@dataclass(frozen=True, kw_only=True)
class CheckSettings(DataSettings):
    """Every option of `liveseg check`.

    Raises:
        UsageError: a value outside its range.
    """

    validation: Path | None = option(
        None, "Another data set that is kept to judge by: look for its photos in this one, too.", group=_DATA,
        metavar="DATA",
    )  # fmt: skip
    workers: int | None = option(
        None, "Photos that are read at the same time.", shown="all cores", least=1, most=256, group=_DATA, metavar="N"
    )
    all: bool = option(False, "List every file, not the first few of each kind.", group=_REPORT)
    json: bool = option(False, "Print what was found as JSON.", group=_REPORT)
    verbose: bool = option(False, "Show tracebacks.", flags=("-v",), group=_REPORT)
    quiet: bool = option(False, "Show no progress.", flags=("-q",), group=_REPORT)

    def __post_init__(self) -> None:
        check(self)
