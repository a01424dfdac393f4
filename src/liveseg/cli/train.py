"""`liveseg train`: from a folder of labelled photos to a model."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liveseg._version import __version__
from liveseg.cli.bench import command_as_typed
from liveseg.cli.console import download_progress, out, passing_steps, say
from liveseg.cli.options import with_settings
from liveseg.settings.train import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.datasets import Dataset, Sample
    from liveseg.datasets.check import Problem
    from liveseg.labels import LabelSet
    from liveseg.train.facts import DataFacts
    from liveseg.train.finish import Finished
    from liveseg.train.fit import Fitted
    from liveseg.train.prepare import Prepared
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import Start


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Labelled photos: a folder with images/, masks/ and labels.json, or laid out as Pascal VOC, Cityscapes,"
        " Roboflow or CVAT have it; or the file of COCO, CVAT or Label Studio that lists them.",
    ),
]

_CHANGE_NOTHING = frozenset({"resume", "overwrite", "workers", "out", "json", "verbose", "quiet"})
"""Options that a run may be gone on with otherwise."""

_SHOWN = {"error": 20, "warning": 3}
"""How many problems of one kind are told."""


@with_settings(TrainSettings)
def train(data: Data, settings: TrainSettings) -> None:
    """Train a network for classes of your own, from labelled photos to a model that `--weights` takes.

    Everything goes into one folder: the model, its scores on photos that were
    kept aside, and a card that says what it can do. Ctrl-C keeps what there
    is; the same command with --resume goes on.
    """
    from liveseg.models.registry import find_model
    from liveseg.train.run_folder import RunFolder

    # What can be told at once, before PyTorch takes its time to start.
    find_model(settings.model)
    path = out_of(settings, data)
    RunFolder.check(path, resume=settings.resume, overwrite=settings.overwrite)
    from liveseg.train.fit import fit, require_trainer
    from liveseg.train.options import TrainOptions

    require_trainer()
    with RunFolder(path).held():
        folder = RunFolder(path)
        if settings.resume and folder.finished:
            tell_finished(folder, settings)
            return
        prepared = looked_through(data, settings, folder)
        start = begin(settings, prepared.train.labels, folder)
        folder = RunFolder.create(path, resume=settings.resume, overwrite=settings.overwrite)
        if not settings.resume:
            write_config(folder, settings)
            prepared.write(folder)
        _announce(prepared, start, settings)
        fitted = fit(
            start,
            prepared.train.samples,
            prepared.validation,
            TrainOptions.of(settings),
            folder,
            quiet=settings.quiet,
        )
        others = prepared.train.samples
        complete(fitted, folder, prepared.validation, prepared.facts, settings, origin=start.origin, others=others)


def out_of(settings: TrainSettings, data: Path) -> Path:
    """The folder of the run: the one named, or one named after the data and the model."""
    name = data.resolve().name if data.is_dir() else data.stem
    return settings.out or Path("runs") / f"{name}-{settings.model}"


def begin(settings: TrainSettings, labels: LabelSet, folder: RunFolder) -> Start:
    """The network that is trained.

    Raises:
        LivesegError: weights that cannot be had or do not fit; the message says what helps.
    """
    from liveseg.models.registry import find_model
    from liveseg.train.start import make_start

    size = None if settings.size is None else find_model(settings.model).contract.fit(settings.size)
    with download_progress(quiet=settings.quiet) as progress:
        return make_start(
            settings.model,
            labels,
            begin=settings.start,
            name=folder.name,
            default_size=size,
            seed=settings.seed,
            progress=progress,
        )


def write_config(folder: RunFolder, settings: TrainSettings) -> None:
    """Keep what was asked for; see `settings_of`."""
    config = {"liveseg": __version__, "command": command_as_typed(sys.argv), "settings": settings_of(settings)}
    folder.write_json(folder.config, config)


def settings_of(settings: TrainSettings) -> dict[str, Any]:
    """The options that a run must be gone on with as it began."""
    given = {own.name: getattr(settings, own.name) for own in fields(settings) if own.name not in _CHANGE_NOTHING}
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def complete(
    fitted: Fitted,
    folder: RunFolder,
    validation: Dataset,
    facts: DataFacts,
    settings: TrainSettings,
    *,
    origin: str,
    others: Sequence[Sample] = (),
) -> None:
    """Finish the run, and say where everything lies and what to type next.

    Raises:
        LivesegError: it cannot be finished; `--resume` tries again.
    """
    from liveseg.train.finish import finish

    command = str(folder.read_json(folder.config).get("command", ""))
    with passing_steps(quiet=settings.quiet) as tell:
        finished = finish(fitted, folder, validation, facts, origin=origin, others=others, command=command, tell=tell)
    record = _record(finished, fitted)
    folder.write_json(folder.summary, record)
    if settings.json:
        typer.echo(json.dumps(record, indent=2))
    elif not settings.quiet:
        _print(finished)


def tell_finished(folder: RunFolder, settings: TrainSettings) -> None:
    """Say that there is nothing left to do, and what became of the run where that is asked for."""
    say(f"{folder.path} is finished already; --overwrite trains anew")
    if settings.json:
        typer.echo(json.dumps(folder.read_json(folder.summary), indent=2))


def looked_through(data: Path, settings: TrainSettings, folder: RunFolder) -> Prepared:
    """The photos to learn from and to measure on; of a run that is gone on with, those that it began with.

    Raises:
        LivesegError: photos that cannot be learned from, or another run.
    """
    from liveseg.train.prepare import prepare, prepared_before

    if settings.resume:
        folder.hold_to(settings_of(settings))
        return prepared_before(data, settings, folder)
    with passing_steps(quiet=settings.quiet) as tell:
        return prepare(
            data,
            settings,
            share=settings.validation,
            seed=settings.seed,
            found=lambda problems: tell_problems(problems, quiet=settings.quiet),
            progress=lambda done, whole: tell(f"looking at photo {done:,} of {whole:,}"),
        )


def tell_problems(problems: Sequence[Problem], *, quiet: bool) -> None:
    """Say what is wrong with a data set, a line each; where nothing else is wanted, errors only."""
    from liveseg.train.prepare import in_short

    for severity in ("error",) if quiet else ("error", "warning"):
        for line in in_short([one for one in problems if one.severity == severity], each=_SHOWN[severity]):
            say(f"{severity}: {line}")


def _announce(prepared: Prepared, start: Start, settings: TrainSettings) -> None:
    if settings.quiet or settings.json:
        return
    facts = prepared.facts
    for note in prepared.train.notes:
        say(f"note: {note}")
    names = ", ".join(start.contract.labels.names)
    say(f"{facts.name}: {facts.train} photos to learn from, {facts.validation} to measure on; {names}")
    known = f", which know {', '.join(start.known)}" if start.known else ""
    say(f"training {start.model}, starting with {start.origin}{known}; Ctrl-C keeps what there is")


def _record(finished: Finished, fitted: Fitted) -> dict[str, Any]:
    found = finished.evaluation
    scores = None if found is None else {name: asdict(score) for name, score in found.scores.items()}
    return {
        "run": str(finished.folder.path),
        "model": finished.folder.graph.name,
        "classes": list(finished.contract.labels.names),
        "steps": fitted.steps,
        "epoch": fitted.epoch,
        "seconds": round(fitted.seconds, 1),
        "scores": scores,
        "limits": list(finished.limits),
    }


def _print(finished: Finished) -> None:
    from liveseg.evaluate.words import percent
    from liveseg.pages.text import count

    folder, found = finished.folder, finished.evaluation
    if found is not None:
        out.print(f"mIoU {percent(found.scores['miou'])} % on {count(found.images, 'photo')}", markup=False)
        width = max(len(own.name) for own in found.per_class)
        for own in found.per_class:
            out.print(f"  {own.name:<{width}}  {percent(own.iou)}", markup=False)
    for limit in finished.limits:
        out.print(f"- {limit}", markup=False)
    out.print(f"the model: {folder.graph} (and {folder.checkpoint.name} for PyTorch)", markup=False)
    shown = folder.page if found is not None else folder.metrics
    out.print(f"read: {folder.card}, {shown}", markup=False)
    out.print(f"run it: liveseg run SOURCE --weights {shlex.quote(str(folder.path))}", markup=False)
