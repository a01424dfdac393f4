"""Silence around PyTorch Lightning, which talks to the developers of training code; our own words are the user's."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING

from lightning_fabric.utilities.warnings import PossibleUserWarning
from pytorch_lightning import Callback

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Drop its tips and its advice; for the whole process."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            _hush()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Hushed(Callback):
    """Keeps the processes of further devices quiet: each makes it anew, before all else, when it gets the trainer."""

    def __init__(self) -> None:
        _hush()

    def __reduce__(self) -> tuple[type[Hushed], tuple[()]]:
        return Hushed, ()


def _hush() -> None:
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    # Its guesses at what the developer may have meant: few workers, modules in evaluation mode, loaders that cannot be
    # resumed. Ours are as they are on purpose, and the tests hold them to it.
    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    # It uses what newer versions of PyTorch call by another name.
    warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")
