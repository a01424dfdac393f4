"""What is said, and to whom."""

from __future__ import annotations

from dataclasses import dataclass

from liveseg.settings.option import option

_REPORT = "Report"


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What is said, and to whom."""

    json: bool = option(False, "Print the report as JSON.", group=_REPORT)
    verbose: bool = option(False, "Say more, and show tracebacks.", flags=("-v",), group=_REPORT)
    quiet: bool = option(False, "Say nothing but errors.", flags=("-q",), group=_REPORT)
