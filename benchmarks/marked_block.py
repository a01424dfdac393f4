"""Put figures between two marks of a Markdown page, in the place of those that stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(made: str, begin: str, end: str, pages: Sequence[str]) -> None:
    """Write what was made between the marks of each page; print it where none is named.

    Raises:
        SystemExit: a page has no such marks.
    """
    if not pages:
        print(made)
    for name in pages:
        replace_block(Path(name), begin, end, made)


def replace_block(page: Path, begin: str, end: str, made: str) -> None:
    """Write what was made between the marks of a page.

    Raises:
        SystemExit: the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"{page} has no place for it: {begin} … {end}")
    page.write_text(between.sub(lambda _: f"{begin}\n\n{made}\n\n{end}", text), encoding="utf-8")
