"""Every option of `liveseg distil`: those of `liveseg train`, and which teacher there is and how it is listened to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liveseg.errors import UsageError
from liveseg.settings.option import option
from liveseg.settings.parse import parse_names
from liveseg.settings.train import TrainSettings

_TEACHER = "Teacher"


@dataclass(frozen=True, kw_only=True)
class DistilSettings(TrainSettings):
    """Every option of `liveseg distil`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    teacher: str | None = option(
        None, "Who teaches: a model, weights file or run, as in `liveseg compare` (lite@385+full); the .json of logits"
        " that were kept; or a folder of masks.", shown="required", flags=("-t",), group=_TEACHER,
        metavar="MODEL|PATH",
    )  # fmt: skip
    teacher_weight: float = option(
        1.0, "How much the teacher counts beside the masks of --labelled.", least=0.0, most=100.0, group=_TEACHER,
        metavar="N",
    )  # fmt: skip
    temperature: float = option(
        1.0, "Above 1 the teacher's small probabilities count more.", least=0.1, most=20.0, group=_TEACHER, metavar="N"
    )
    softness: float = option(
        0.1, "Of a teacher that is a folder of masks, the share of certainty that goes to all classes alike.",
        least=0.0, most=0.99, group=_TEACHER, metavar="SHARE",
    )  # fmt: skip
    labelled: Path | None = option(
        None, "Photos with masks to learn from as well, and to measure on; as `liveseg train` takes them.",
        group="Data", metavar="DATA",
    )  # fmt: skip
    classes: tuple[str, ...] | None = option(
        None, "Learn only these of the teacher's classes, like person,car; the others become background.",
        shown="those of --labelled, or all of the teacher's", parse=parse_names, group="Data", metavar="NAMES",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.teacher:
            raise UsageError("name the teacher by --teacher, like --teacher lite or --teacher runs/big")
        if self.classes is not None and self.labelled is not None:
            raise UsageError("--labelled says which classes are learned; leave out --classes")
