"""The command line's frame: its commands, and one place where every failure becomes one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from liveseg._version import __version__
from liveseg.cli import (
    batch,
    batch_plan,
    batch_report,
    bench,
    check,
    compare,
    demo,
    distil,
    doctor,
    evaluate,
    export,
    info,
    models,
    plot,
    pull,
    quantize,
    render,
    run,
    serve,
    train,
)
from liveseg.cli.console import leave_pipe, say
from liveseg.errors import LivesegError

_INTERRUPTED = 130
"""What Typer exits with when it sees a KeyboardInterrupt, as shells count it."""


class _Commands(TyperGroup):
    """Commands of which some have two words, like `batch plan`, besides one of the first word alone."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Take the second word to the first, where such a command is there."""
        two = " ".join(args[:2])
        return super().resolve_command(ctx, [two, *args[2:]] if len(args) > 1 and two in self.commands else args)


app = typer.Typer(
    name="liveseg",
    cls=_Commands,
    help="Semantic segmentation of images and videos, in real time, on the machine you have.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("render")(render.render)
app.command("batch")(batch.batch)
app.command("batch plan")(batch_plan.plan)
app.command("batch report")(batch_report.report)
app.command("serve")(serve.serve)
app.command("info")(info.info)
app.command("models")(models.models)
app.command("pull")(pull.pull)
app.command("check")(check.check)
app.command("eval")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("train")(train.train)
app.command("distil")(distil.distil)
app.command("plot")(plot.plot)
app.command("bench")(bench.bench)
app.command("export")(export.export)
app.command("quantize")(quantize.quantize)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"liveseg {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    del version  # answered by its callback


def run_app() -> int:
    """Run the command line of this process; returns the exit code and raises nothing."""
    try:
        app()
    except (SystemExit, KeyboardInterrupt) as ended:
        code = ended.code if isinstance(ended, SystemExit) else _INTERRUPTED
        if code == _INTERRUPTED:
            say("liveseg: stopped")
            return 1
        # Typer has said what was wrong with the usage, or has nothing to say.
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        leave_pipe()
        return 1
    except LivesegError as error:
        if _verbose():
            traceback.print_exc()
        say(f"liveseg: {error}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort: one line instead of a traceback
        if _verbose():
            traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        say(f"liveseg: unexpected {type(error).__name__} at {where}: {error}; this is a bug in liveseg")
        return 1
    return 0


def _verbose() -> bool:
    return "-v" in sys.argv or "--verbose" in sys.argv
