"""Results that were written as JSON, read back, whichever part of the house made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from liveseg.errors import MediaError, SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

Result = TypeVar("Result")


def load_result_file(path: str | PathLike[str], parse: Callable[[Any], Result]) -> Result:
    """Read a file of JSON into what it describes.

    Args:
        path: the file.
        parse: makes the result of the data, and raises `MediaError` where it is something else.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a file that holds something else; the message begins with its path.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as JSON: {error}") from error
    try:
        return parse(data)
    except MediaError as error:
        raise MediaError(f"{path}: {error}") from error
