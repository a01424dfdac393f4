"""Results as tables: Markdown where the output goes on to a file or a program, drawn ones on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from liveseg.cli.console import out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.bench.table import Table


def print_tables(heading: str, tables: Sequence[Table], remarks: Sequence[str], *, markdown: bool) -> None:
    """Print a result.

    Args:
        heading: the line above.
        tables: its tables.
        remarks: lines below.
        markdown: whether a terminal gets Markdown, too.
    """
    if markdown or not sys.stdout.isatty():
        typer.echo("\n\n".join([heading, *(table.markdown() for table in tables)]))
        if remarks:
            typer.echo("\n" + "\n".join(f"- {remark}" for remark in remarks))
        return
    from rich.markup import escape
    from rich.table import Table as Drawn

    out.print(heading, markup=False)
    for each in tables:
        shown = Drawn(*each.headings, title=each.title, title_justify="left")
        for cells in each.cells():
            shown.add_row(*map(escape, cells))
        out.print(shown)
    for remark in remarks:
        out.print(remark, markup=False)
