"""What the networks need beyond the core install: an absence is reported with its remedy."""

from __future__ import annotations

import importlib

from liveseg.errors import MissingExtraError

_TITLES = {"torch": "PyTorch", "safetensors": "safetensors"}


def require(module: str, purpose: str) -> None:
    """Make sure that `torch` or `safetensors` can be imported for `purpose`, which begins the message.

    Raises:
        MissingExtraError: it cannot; the message names the extra that brings it.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"{purpose} needs {_TITLES[module]}: pip install 'liveseg[torch]'") from error
