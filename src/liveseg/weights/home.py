"""Where liveseg keeps what it downloads and exports, and whether it may use the network."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from liveseg.errors import WeightsError

HOME_VARIABLE = "LIVESEG_HOME"
OFFLINE_VARIABLE = "LIVESEG_OFFLINE"


def home() -> Path:
    """The folder of liveseg's cache: `LIVESEG_HOME`, or the user's cache folder of this system.

    An absolute path, read from the environment at each call; the folder need not exist.
    """
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    try:
        return Path(chosen or platformdirs.user_cache_dir("liveseg")).expanduser().absolute()
    except RuntimeError as error:  # what pathlib says where there is no such user, or no home of this one
        raise WeightsError(f"there is no folder for the cache ({error}); name one by {HOME_VARIABLE}") from error


def weights_folder() -> Path:
    """The folder of the downloaded checkpoints; it need not exist."""
    return home() / "weights"


def exported_folder() -> Path:
    """The folder of the models that were exported on this machine; it need not exist."""
    return home() / "exported"


def offline() -> bool:
    """Whether `LIVESEG_OFFLINE` (`1`, `true`, `yes` or `on`) forbids the use of the network."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}
