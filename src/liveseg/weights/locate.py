"""From a model's name to the file that holds its weights."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from liveseg.errors import WeightsUnavailableError
from liveseg.weights.catalogue import find_weights
from liveseg.weights.home import weights_folder
from liveseg.weights.integrity import verify
from liveseg.weights.patience import PATIENCE

if TYPE_CHECKING:
    from liveseg.weights.patience import Patience, Progress


def locate(
    name: str, *, allow_download: bool = True, progress: Progress | None = None, patience: Patience = PATIENCE
) -> Path:
    """The verified file of a published model's weights: the cached one, else a freshly downloaded one.

    Args:
        name: a name of the catalogue.
        allow_download: whether the network may be used where the cache does not serve.
        progress: called with the bytes that are here and the whole size, as far as known.
        patience: how often and how long to try.

    Raises:
        UsageError: no such name in the catalogue.
        WeightsUnavailableError: neither cache nor network has them; one sentence says why and what helps.
    """
    entry = find_weights(name)
    state = verify(entry)
    if state == "ok":
        return weights_folder() / entry.filename
    if allow_download:
        # The HTTP client takes its time to import, and is not needed where the file is here.
        from liveseg.weights.download import FailedDownloadError, download

        try:
            return download(entry, progress=progress, patience=patience)
        except WeightsUnavailableError as error:
            reason = error.reason if isinstance(error, FailedDownloadError) else str(error)
            raise WeightsUnavailableError(_sentence(name, reason)) from error
    reason = "not downloaded yet" if state == "missing" else f"{weights_folder() / entry.filename} is corrupt"
    raise WeightsUnavailableError(_sentence(name, reason))


def bundled(name: Literal["lite"], kind: Literal["onnx", "int8.onnx", "safetensors"]) -> Path:
    """The file of a model that is part of the package.

    Raises:
        WeightsUnavailableError: an installation without it.
    """
    path = Path(str(resources.files("liveseg.weights"))) / "bundled" / f"{name}.{kind}"
    if not path.is_file():
        raise WeightsUnavailableError(f"this installation of liveseg lacks {path}; install it again")
    return path


def _sentence(name: str, reason: str) -> str:
    return (
        f"the weights of {name!r} are not here ({reason}): get them with `liveseg pull {name}`,"
        " name a file of yours with `--weights FILE`, or take `--model lite`, which works now"
    )
