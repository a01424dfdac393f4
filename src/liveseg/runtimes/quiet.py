"""Silence around libraries that talk about their own insides; what concerns the user is the result of the check."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drop warnings, log records and what Python code prints; for the whole process, so not beside other work."""
    root = logging.getLogger()
    disabled, handlers = root.manager.disable, root.handlers[:]
    logging.disable(logging.CRITICAL)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, warnings.catch_warnings():  # noqa: PTH123 - no path
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
    finally:
        logging.disable(disabled)
        # The first record on the root logger gives it a handler, which would print all later ones.
        root.handlers[:] = handlers
