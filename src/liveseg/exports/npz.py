"""A mask and what is known of it as a NumPy archive, which `numpy.load` reads without pickle."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError
from liveseg.files import atomic_write

if TYPE_CHECKING:
    from fractions import Fraction
    from os import PathLike

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet


def write_npz(
    path: str | PathLike[str],
    mask: NDArray[np.uint8],
    labels: LabelSet,
    *,
    confidence: NDArray[np.uint8] | None = None,
    logits: NDArray[np.float32] | None = None,
    align_corners: bool = False,
    timestamp: Fraction | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a compressed archive of arrays.

    It holds `mask` (`(H, W)` `uint8`), `classes` (the names, `(N,)` of `str`), `palette` (`(N, 3)` `uint8` RGB),
    `background` (whether class 0 is that), and, where given, `confidence` (`(H, W)` `uint8`, 255 times the
    probability), `logits` (`(N, h, w)` `float32`) with `align_corners`, and `timestamp` (seconds, as numerator and
    denominator).

    Raises:
        UsageError: an extension other than .npz.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise UsageError(f"a NumPy archive is written as .npz, not as {path.name!r}")
    arrays = _arrays(mask, labels, confidence, logits, align_corners, timestamp)
    with atomic_write(path, overwrite=overwrite) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return path


def encode_npz(
    mask: NDArray[np.uint8],
    labels: LabelSet,
    *,
    confidence: NDArray[np.uint8] | None = None,
    logits: NDArray[np.float32] | None = None,
    align_corners: bool = False,
    timestamp: Fraction | None = None,
) -> bytes:
    """The bytes of the archive that `write_npz` writes, for those who send it somewhere."""
    target = io.BytesIO()
    arrays = _arrays(mask, labels, confidence, logits, align_corners, timestamp)
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]
    return target.getvalue()


def _arrays(
    mask: NDArray[np.uint8],
    labels: LabelSet,
    confidence: NDArray[np.uint8] | None,
    logits: NDArray[np.float32] | None,
    align_corners: bool,
    timestamp: Fraction | None,
) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {
        "mask": mask,
        "classes": np.array(labels.names),
        "palette": np.array(labels.palette, np.uint8),
        "background": np.array(labels.background),
    }
    if confidence is not None:
        arrays["confidence"] = confidence
    if logits is not None:
        arrays |= {"logits": logits, "align_corners": np.array(align_corners)}
    if timestamp is not None:
        arrays["timestamp"] = np.array(timestamp.as_integer_ratio(), np.int64)
    return arrays
