"""`liveseg bench`: how fast this machine is, measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from liveseg.cli.console import passing_steps
from liveseg.cli.demo import samples
from liveseg.cli.options import with_settings
from liveseg.cli.tables import print_tables
from liveseg.files import atomic_write, refuse_existing
from liveseg.settings import BenchSettings

Source = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="A video; a sample that ships with liveseg by default.")
]


@with_settings(BenchSettings)
def bench(settings: BenchSettings, source: Source = None) -> None:
    """Measure how fast this machine segments a video: models, runtimes, precisions and sizes, in turn.

    Each is measured from decoding to encoding, in a process of its own and once a round, and beside it the network
    alone and this machine's own limit. Nothing is downloaded.

    The exit code is 1 where one that should have run failed, such as for want of weights; combinations that no runtime
    offers here are named and are no failure.
    """
    video = Path(source) if source is not None else _sample()
    file = None if settings.json in (None, "-") else Path(str(settings.json))
    for target in filter(None, (file, settings.plot)):
        refuse_existing(target, overwrite=settings.overwrite)
    if settings.plot is not None:
        from liveseg.evaluate.plot import check_plot

        check_plot(settings.plot)

    from liveseg.bench.session import Session

    with passing_steps(quiet=settings.quiet) as step:
        result = Session(settings, video, command=command_as_typed(sys.argv), say=step).run()
    text = json.dumps(result.to_json(), indent=2, ensure_ascii=False)
    if file is not None:
        with atomic_write(file, overwrite=settings.overwrite) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    if settings.plot is not None:
        from liveseg.bench.plot import plot

        plot(result, settings.plot, overwrite=settings.overwrite)
    if settings.json == "-":
        typer.echo(text)
    else:
        from liveseg.bench.table import heading, remarks, tables

        print_tables(heading(result), tables(result), remarks(result), markdown=settings.markdown)
    if result.failed:
        raise typer.Exit(1)


def command_as_typed(arguments: list[str]) -> str:
    """The command line for the record; of absolute paths only the last part, as folders are nobody else's business."""
    from liveseg.bench.record import command_line

    return command_line("liveseg", arguments[1:])


def _sample() -> Path:
    return next(path for path in samples() if path.suffix == ".mp4")
