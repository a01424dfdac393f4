"""What a checkpoint says about its run, so that only the same run goes on from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch

from liveseg.errors import UsageError, WeightsError
from liveseg.runtimes.base import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from liveseg.datasets import Sample
    from liveseg.train.options import TrainOptions
    from liveseg.train.start import Start

_FREE = {"resume", "workers"}
"""The options that may differ from those that a run began with: they change no weights."""


def record_of(
    start: Start,
    options: TrainOptions,
    train: Iterable[Sample],
    validation: Iterable[Sample],
    unlabelled: Iterable[Path],
) -> dict[str, Any]:
    """What must be the same for a run to be gone on with."""
    parts = (
        [sample.key for sample in train],
        [sample.key for sample in validation],
        [path.name for path in unlabelled],
    )
    given = {name: value for name, value in dataclasses.asdict(options).items() if name not in _FREE}
    return {
        "model": start.model,
        "classes": list(start.contract.labels.names),
        "photos": hashlib.sha256(json.dumps(parts).encode()).hexdigest(),
        "options": given,
    }


def hold_to(record: Mapping[str, Any], before: Mapping[str, Any], path: Path) -> None:
    """See that a checkpoint is of the same run.

    Args:
        record: of the run that would go on.
        before: what the checkpoint says.
        path: of the checkpoint.

    Raises:
        UsageError: it is of another run; the message says what differs.
    """
    for name, now in record.items():
        if before.get(name) != now:
            raise UsageError(_other(path, name, before.get(name), now))


def _other(path: Path, name: str, before: Any, now: Any) -> str:
    if name == "options" and isinstance(before, dict):
        option = next(own for own in now if before.get(own) != now[own])
        then = f"--{option.replace('_', '-')}: {before.get(option)} then, {now[option]} now"
        return f"{path} is of a run with other options ({then}); give the same, or leave out --resume"
    return f"{path} is of a run with another set of {name}; leave out --resume, or choose another --out"


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, without executing anything.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise whatever its bytes happen to say
        raise WeightsError(f"{path} cannot be read as a checkpoint of a training: {first_line(error)}") from error
    return state
