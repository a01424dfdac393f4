"""The small parts that pages are written with: tables, lists of meanings, cells that carry their number."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def head(columns: Sequence[str | None]) -> str:
    """The head of a table whose rows the reader may sort by a column; one without a name cannot be sorted by."""
    cells = "".join(
        '<th scope="col"><span hidden>chart</span></th>'
        if name is None
        else f'<th scope="col"><button type="button">{escape(name)}</button></th>'
        for name in columns
    )
    return f"<thead><tr>{cells}</tr></thead>"


def cell(text: str, value: float | None) -> str:
    """A cell of such a table, with the number that it is sorted by."""
    return f'<td data-value="{value:.6f}">{escape(text)}</td>' if value is not None else f"<td>{escape(text)}</td>"


def listed(columns: Sequence[str], rows: Sequence[Sequence[str]], summary: str | None = None) -> str:
    """A plain table; folded away behind its summary where it has one."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    lines = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    table = f'<table class="rows"><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>'
    return table if summary is None else f"<details><summary>{escape(summary)}</summary>{table}</details>"


def described(meanings: Mapping[str, str]) -> str:
    """What words mean."""
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in meanings.items()) + "</dl>"
    )


def pairs(values: Mapping[str, str]) -> str:
    """Names and values, those that are there."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="text">{escape(value)}</td></tr>'
        for name, value in values.items()
        if value
    )
    return f'<table class="rows"><tbody>{rows}</tbody></table>'


def swatch(color: Sequence[int]) -> str:
    """A small square of a colour."""
    return '<span class="swatch" style="background:#{:02x}{:02x}{:02x}"></span>'.format(*color)


def count(number: int, what: str) -> str:
    """A number of things, as `1 photo`, `1,200 files` or `2 classes`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}{'es' if what.endswith('s') else 's'}"
