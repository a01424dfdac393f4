"""Every option of `liveseg batch report`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from liveseg.settings.batch import BatchSettings, parse_storage
from liveseg.settings.option import check, option
from liveseg.settings.report import ReportSettings


@dataclass(frozen=True, kw_only=True)
class BatchReportSettings(ReportSettings):
    """Every option of `liveseg batch report`."""

    storage: tuple[tuple[str, Any], ...] = option(
        (), "An option of what opens addresses, as fsspec has it, like endpoint_url=http://127.0.0.1:9000.",
        shown="none", parse=parse_storage, repeat=True, metavar="KEY=VALUE",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check(self)

    @property
    def storage_options(self) -> dict[str, Any]:
        """What opens addresses is told.

        Raises:
            UsageError: one key is both a value and a group of others.
        """
        return BatchSettings(storage=self.storage).storage_options
