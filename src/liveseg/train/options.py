"""What `fit` is told: how a network learns, and how it listens to a teacher."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from liveseg.errors import UsageError
from liveseg.settings.train import LearnSettings


@dataclass(frozen=True, kw_only=True)
class TrainOptions(LearnSettings):
    """How a network learns: every option of `LearnSettings`, and what concerns a teacher.

    Args:
        teacher_weight: how much the divergence from the teacher counts beside the cross-entropy to the masks.
        temperature: above 1 the teacher's small probabilities count more.
        mosaic: share of the training pieces that are put together from four photos.

    Raises:
        UsageError: a value outside its range.
    """

    teacher_weight: float = 1.0
    temperature: float = 1.0
    mosaic: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.teacher_weight < 0:
            raise UsageError(f"the teacher's weight is at least 0, not {self.teacher_weight}")
        if self.temperature <= 0:
            raise UsageError(f"the temperature is above 0, not {self.temperature}")
        if self.mosaic is not None and not 0 <= self.mosaic <= 1:
            raise UsageError(f"the share of mosaics is from 0 to 1, not {self.mosaic}")

    @classmethod
    def of(cls, settings: LearnSettings, **more: Any) -> TrainOptions:
        """The options that a command's settings hold, and `more` that the command knows."""
        own = {field.name: getattr(settings, field.name) for field in dataclasses.fields(LearnSettings)}
        return cls(**(own | more))
