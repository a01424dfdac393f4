"""`liveseg batch plan`: what a batch will take, before anyone pays for it."""

from __future__ import annotations

import json

import typer

from liveseg.cli.batch import Inputs, require_extra
from liveseg.cli.console import passing_steps
from liveseg.cli.options import with_settings
from liveseg.cli.tables import print_tables
from liveseg.settings.batch_plan import PlanSettings


@with_settings(PlanSettings)
def plan(inputs: Inputs, settings: PlanSettings) -> None:
    """Tell what a batch will take, from a sample of its files: time, workers for a deadline, bytes, requests and price.

    It lists the input, does fifty files of it here with one worker into a temporary folder, and writes nothing to DEST.
    The options of liveseg batch hold, so that its command is planned as it stands. Every number has the interval that
    holds it 9 times of 10, and what it supposes is said.
    """
    require_extra()
    from liveseg.batch.plan import plan as make
    from liveseg.batch.plan_words import heading, remarks, tables

    with passing_steps(quiet=settings.quiet) as step:
        made = make(settings, inputs, tell=step)
    if settings.json:
        typer.echo(json.dumps(made.to_json(), allow_nan=False))
    else:
        print_tables(heading(made), tables(made), remarks(made), markdown=False)
