"""`liveseg batch report`: what a batch came to, told again from its manifest."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from liveseg.cli.batch import require_extra
from liveseg.cli.console import passing_steps
from liveseg.cli.options import with_settings
from liveseg.cli.tables import print_tables
from liveseg.settings.batch_report import BatchReportSettings

Destination = Annotated[
    str, typer.Argument(metavar="DEST", help="Where a batch put its outputs: a folder, or an address.")
]


@with_settings(BatchReportSettings)
def report(destination: Destination, settings: BatchReportSettings) -> None:
    """Write the report of a batch again: DEST/_liveseg/report.html, report.json and failures.csv.

    It is of everything that is done there, by however many runs, and may be made while one is at work.
    """
    require_extra()
    from liveseg.batch.places import Place
    from liveseg.batch.report import remake
    from liveseg.batch.report_words import heading, remarks, tables

    with passing_steps(quiet=settings.quiet) as step:
        step("reading what is done")
        made = remake(Place.at(destination, settings.storage_options))
    if settings.json:
        typer.echo(json.dumps(made.to_json(), allow_nan=False))
    elif not settings.quiet:
        print_tables(heading(made), tables(made), remarks(made), markdown=False)
