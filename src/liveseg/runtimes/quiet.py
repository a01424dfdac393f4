"""Silence around libraries that talk about their own insides; what concerns the user is the result of the check."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FAMILIES = ("torch", "onnx", "onnxscript", "onnx_ir", "onnxruntime", "openvino", "nncf")
_lock = threading.Lock()
_silence = contextlib.ExitStack()
_inside = 0


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drop warnings, the libraries' log records and what Python code prints.

    Warnings and printing are the whole process's. Others' log records, a service's of its requests for instance, are
    written as ever. Several threads may be inside at once, and leave in any order: the last one ends the silence.
    """
    global _inside, _silence  # noqa: PLW0603 - the process has one standard error
    with _lock:
        if _inside == 0:
            _silence = _begin()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _silence.close()


def _begin() -> contextlib.ExitStack:
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silent_libraries())
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - no path
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        return stack.pop_all()


@contextlib.contextmanager
def _silent_libraries() -> Iterator[None]:
    root = logging.getLogger()
    handlers = root.handlers[:]
    there = [name for name in root.manager.loggerDict if name.partition(".")[0] in _FAMILIES]
    loggers = [logging.getLogger(name) for name in sorted({*_FAMILIES, *there})]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    # Some speak through the root logger itself; a filter there holds for its own records alone.
    root.addFilter(_no)
    try:
        yield
    finally:
        root.removeFilter(_no)
        # The first record on the root logger gives it a handler, which would print all later ones.
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _no(_: logging.LogRecord) -> bool:
    return False
