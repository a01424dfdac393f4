"""What decides the bytes of a batch's outputs, as one hash: by it a run that is taken up again knows its own files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.errors import SourceNotFoundError
from liveseg.runtimes.load import BUNDLED, DEFAULT_MODEL
from liveseg.settings.background import Scene
from liveseg.weights.catalogue import find_weights
from liveseg.weights.integrity import sha256
from liveseg.weights.locate import bundled
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liveseg.settings.batch import BatchSettings

OUTPUT_VERSION = 1
"""Raised with every change of liveseg that makes other files of the same settings."""

NOT_DECIDING = frozenset(
    (
        "out", "redo", "on_changed", "storage", "identify", "shard", "max_pixels", "trust", "workers", "bundle", "ray",
        "min_workers", "max_workers", "cpus_each", "gpus_each", "attempts", "max_failures", "timeout_each", "json",
        "verbose", "quiet",
    )
)  # fmt: skip
"""The options that say where, when and by whom the work is done, or whether: not what comes of it."""


def deciding(settings: BatchSettings) -> dict[str, Any]:
    """What decides the outputs' bytes, by name; files are read for it, of which the content counts.

    Raises:
        LivesegError: a model that does not exist; a file that is not there.
    """
    return {name: value(settings) for name, value in DECIDING.items()}


def hash_of(decided: Mapping[str, Any]) -> str:
    """The `settings_hash` of what `deciding` gave."""
    text = json.dumps({"version": OUTPUT_VERSION, **decided}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def settings_hash(settings: BatchSettings) -> str:
    """64 hexadecimal digits of everything that decides the outputs' bytes, and of nothing else.

    Of weights, palettes and backgrounds the content counts, not the name. What is left to liveseg (`auto`) counts as
    that: machines of one cluster may differ. The number of threads counts, since video encoders write other bytes with
    another one; so does the length of pieces, each of which an encoder begins anew.

    Raises:
        LivesegError: a model that does not exist; a file that is not there.
    """
    return hash_of(deciding(settings))


def _plain(name: str) -> Callable[[BatchSettings], Any]:
    return lambda settings: getattr(settings, name)


def _model(settings: BatchSettings) -> str | None:
    return settings.model if settings.weights is not None else settings.model or DEFAULT_MODEL


def _weights(settings: BatchSettings) -> Any:
    given, by_torch = settings.weights, settings.runtime == "torch"
    if given is None:
        name = settings.model or DEFAULT_MODEL
        if name != BUNDLED:
            return find_weights(name).sha256_prefix
        if by_torch:
            return sha256(bundled(BUNDLED, "safetensors"))
        return sha256(bundled(BUNDLED, "int8.onnx" if settings.precision == "int8" else "onnx"))
    path = weights_file(given, checkpoint=by_torch)
    if not path.is_file():
        raise SourceNotFoundError(f"no such weights file: {path}")
    # The names and colours of the classes may stand beside it, and so do the numbers of an .xml file.
    beside = (path.with_name(path.name + ".json"), path.with_suffix(".json"), path.with_name("labels.json"))
    numbers = (path.with_suffix(".bin"),) if path.suffix.lower() == ".xml" else ()
    # Without a contract of its own a model is called like its file, and so are its outputs.
    return [path.stem, *(sha256(file) if file.is_file() else None for file in (path, *beside, *numbers))]


def _palette(settings: BatchSettings) -> str | None:
    if settings.palette is None or not Path(settings.palette).is_file():
        return settings.palette
    return sha256(Path(settings.palette))


def _background(settings: BatchSettings) -> Any:
    background = settings.background
    if isinstance(background, Scene):
        if not background.path.is_file():
            raise SourceNotFoundError(f"no such file for the background: {background.path}")
        return ["Scene", sha256(background.path)]
    return [type(background).__name__, asdict(background)] if is_dataclass(background) else None


def _saves(settings: BatchSettings) -> list[str]:
    return sorted(str(save) for save in settings.saves)


DECIDING: Mapping[str, Callable[[BatchSettings], Any]] = {
    "model": _model,
    "weights": _weights,
    "runtime": _plain("runtime"),
    "device": lambda settings: settings.device.lower().partition(":")[0],  # which of several alike does not count
    "precision": _plain("precision"),
    "size": _plain("size"),
    "tile": _plain("tile"),
    "tta": _plain("tta"),
    "smooth": _plain("smooth"),
    "alpha": _plain("alpha"),
    "palette": _palette,
    "classes": _plain("classes"),
    "hide": _plain("hide"),
    "unknown": _plain("unknown"),
    "contours": _plain("contours"),
    "labels": _plain("labels"),
    "legend": _plain("legend"),
    "side_by_side": _plain("side_by_side"),
    "background": _background,
    "foreground": _plain("foreground"),
    "save": _saves,
    "mask": _saves,
    "codec": _plain("codec"),
    "crf": _plain("crf"),
    "preset": _plain("preset"),
    "audio": _plain("audio"),
    "threads_each": _plain("threads_each"),
    "pieces_seconds": _plain("pieces_seconds"),
    "warm_up_frames": _plain("warm_up_frames"),
}
"""By option what of it decides."""
