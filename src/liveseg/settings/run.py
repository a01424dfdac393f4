"""Every option of `liveseg run`."""

from __future__ import annotations

from dataclasses import dataclass

from liveseg.errors import UsageError
from liveseg.settings.background import BackgroundSettings
from liveseg.settings.clip import ClipSettings
from liveseg.settings.draw import DrawSettings
from liveseg.settings.events import EventSettings
from liveseg.settings.live import LiveSettings
from liveseg.settings.model import ModelSettings
from liveseg.settings.option import check
from liveseg.settings.output import EncodeSettings, OutputSettings
from liveseg.settings.report import ReportSettings
from liveseg.settings.save import SaveSettings
from liveseg.settings.steady import SteadySettings


@dataclass(frozen=True, kw_only=True)
class RunSettings(
    ReportSettings,
    EventSettings,
    EncodeSettings,
    OutputSettings,
    SaveSettings,
    BackgroundSettings,
    DrawSettings,
    LiveSettings,
    ClipSettings,
    SteadySettings,
    ModelSettings,
):
    """Every option of `liveseg run`.

    Raises:
        UsageError: a value outside its range, or two options that contradict each other.
    """

    def __post_init__(self) -> None:
        check(self)
        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing contradict each other; choose one")
        if self.verbose and self.quiet:
            raise UsageError("--verbose and --quiet contradict each other; choose one")
        if self.realtime and self.every_frame:
            raise UsageError("--realtime and --every-frame contradict each other; choose one")
        if self.foreground is not None and self.background is None and all(o.kind != "cutout" for o in self.saves):
            raise UsageError("--foreground says what stays of --background or --save cutout; add one, or leave it out")
        if self.every_frame and self.target_fps is not None:
            raise UsageError("--every-frame and --target-fps contradict each other; choose one")
        if self.target_fps is not None and (self.tile not in ("auto", "off") or self.tta != "off"):
            raise UsageError("--target-fps chooses the size itself; leave out --tile and --tta, or --target-fps")
        if self.segment is not None and self.skip_existing:
            raise UsageError("--skip-existing does not know how many files --segment made; leave one of them out")
        if self.segment is not None and self.segment < 1:
            raise UsageError("--segment is at least 1 second")
        if self.timeout <= 0:
            raise UsageError("--timeout is above 0 s")
