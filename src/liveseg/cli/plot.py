"""`liveseg plot`: areas over time as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liveseg.cli.console import out
from liveseg.cli.options import with_settings
from liveseg.files import refuse_existing
from liveseg.settings.plot import PlotSettings

Table = Annotated[
    Path, typer.Argument(metavar="TABLE", help="A table of areas, as `liveseg run … --areas FILE` writes it.")
]


@with_settings(PlotSettings)
def plot(table: Table, settings: PlotSettings) -> None:
    """Draw a table of areas over time: a line for each class, a panel for each source and zone."""
    from liveseg.events.chart import check_chart, draw, panels
    from liveseg.events.table import check_table, read_courses

    check_table(table)
    target = settings.output or table.with_suffix(".png")
    check_chart(target)
    refuse_existing(target, overwrite=settings.overwrite)
    chart = panels(
        read_courses(table),
        classes=settings.classes,
        sources=settings.source,
        zones=settings.zone,
        smooth=float(settings.smooth),
    )
    draw(chart, target, overwrite=settings.overwrite)
    out.print(f"{target}", markup=False)
