"""Every option of `liveseg render`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from liveseg.errors import UsageError
from liveseg.settings.background import BackgroundSettings
from liveseg.settings.clip import ClipSettings
from liveseg.settings.draw import DrawSettings
from liveseg.settings.events import EventSettings
from liveseg.settings.option import option
from liveseg.settings.output import EncodeSettings, OutputSettings
from liveseg.settings.report import ReportSettings
from liveseg.settings.run import RunSettings
from liveseg.settings.save import SaveSettings


@dataclass(frozen=True, kw_only=True)
class RenderSettings(
    ReportSettings,
    EventSettings,
    EncodeSettings,
    OutputSettings,
    SaveSettings,
    BackgroundSettings,
    DrawSettings,
    ClipSettings,
):
    """Every option of `liveseg render`: those of `liveseg run` that concern neither a network nor a live source.

    Raises:
        UsageError: as `RunSettings`.
    """

    force: bool = option(False, "Take masks that were made from another file.", group="Masks")

    def __post_init__(self) -> None:
        self.for_run()  # which checks them
        if self.grid:
            raise UsageError("--grid shows several live sources; masks belong to one file")

    def for_run(self) -> RunSettings:
        """The same options for what runs a line; those that it has besides are at their defaults."""
        shared = {own.name for own in fields(RunSettings)}
        chosen = {own.name: getattr(self, own.name) for own in fields(self) if own.name in shared}
        # Masks that were made before are taken as they are.
        return RunSettings(**chosen, smooth=False)
