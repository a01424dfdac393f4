"""The folder of a training run as `--weights`: which of its files holds the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.errors import WeightsUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

GRAPH = "model.onnx"
"""The finished model of a run, as ONNX Runtime and OpenVINO read it."""

CHECKPOINT = "model.safetensors"
"""The same weights, as PyTorch reads them."""


def weights_file(path: Path, *, checkpoint: bool = False) -> Path:
    """The weights file that a path means: the finished model of a run's folder, or the path itself.

    Args:
        path: a file, or the folder that `liveseg train --out` made.
        checkpoint: whether PyTorch is to read it.

    Raises:
        WeightsUnavailableError: a folder without a finished model.
    """
    if not path.is_dir():
        return path
    wanted, other = (CHECKPOINT, GRAPH) if checkpoint else (GRAPH, CHECKPOINT)
    for name in (wanted, other):
        if (path / name).is_file():
            return path / name
    if (path / "config.json").is_file():
        raise WeightsUnavailableError(
            f"the training run in {path} is not finished: it holds no {wanted}; go on with it by liveseg train --resume"
        )
    raise WeightsUnavailableError(
        f"{path} is a folder without {GRAPH} or {CHECKPOINT}, not a run of liveseg train; name a weights file"
    )
