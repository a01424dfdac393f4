"""`liveseg distil`: from photos without masks, and a teacher, to a model."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli.console import download_progress, passing_steps, photo_progress, say
from liveseg.cli.options import with_settings
from liveseg.cli.train import begin, complete, looked_through, out_of, settings_of, tell_finished, write_config
from liveseg.errors import DataError, UsageError
from liveseg.labels import LabelSet
from liveseg.settings.distil import DistilSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.datasets import Dataset
    from liveseg.evaluate.specification import Specification
    from liveseg.segmenter import Segmenter
    from liveseg.train.lessons import Lessons
    from liveseg.train.prepare import Prepared
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import Start
    from liveseg.train.teacher import TeacherLogits

    Teacher = Segmenter | TeacherLogits | Dataset
    """A model, what one said before, or masks that something else has made."""

Photos = Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photos; they need no masks.")]

_LOGITS = "teacher.json"
_TOLD = 3
"""How many photos that cannot be read are named."""


@with_settings(DistilSettings)
def distil(photos: Photos, settings: DistilSettings) -> None:
    """Train a network on photos without masks, by what a teacher says of them: another model, or masks that it made.

    The student learns the teacher's classes, and its errors. Everything else
    is as `liveseg train` has it, the options, the folder and the card; a run
    that was stopped while the teacher was asked goes on as well.
    """
    from liveseg.datasets import Dataset
    from liveseg.evaluate.specification import parse_specification
    from liveseg.train.fit import fit, require_trainer
    from liveseg.train.options import TrainOptions
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.taught import taught
    from liveseg.train.teacher import merged_classes
    from liveseg.train.teaching import keyed, photos_below

    require_trainer()
    path = out_of(settings, photos)
    RunFolder.check(path, resume=settings.resume, overwrite=settings.overwrite)
    with RunFolder(path).held():
        folder = RunFolder(path)
        if settings.resume and folder.finished:
            tell_finished(folder, settings)
            return
        if settings.resume:
            folder.hold_to(settings_of(settings))
        below = photos_below(photos)
        named = parse_specification(str(settings.teacher))
        teacher = _teacher(named, settings, photos)
        labelled = _labelled(settings, folder)
        labels = _labels(settings, teacher.labels) if labelled is None else labelled.train.labels
        merged_classes(labels, teacher.labels)
        start = begin(settings, labels, folder)
        folder = RunFolder.create(path, resume=settings.resume, overwrite=settings.overwrite)
        if not settings.resume:
            write_config(folder, settings)
        found = keyed(below, photos, () if labelled is None else (sample.key for sample in labelled.train))
        if isinstance(teacher, Dataset):
            names = dict(zip(below, found, strict=True))
            teacher = replace(teacher, samples=tuple(replace(own, key=names[own.key]) for own in teacher))
        logits = _logits(teacher, named, found, labelled, settings, folder).for_labels(labels)
        del teacher  # a large network is not kept in memory while a small one learns
        lessons = _lessons(taught(photos.resolve().name, photos, found, logits), logits, labelled, settings, folder)
        _announce(lessons, start, settings)
        fitted = fit(
            start,
            lessons.labelled.train.samples,
            lessons.labelled.validation,
            TrainOptions.of(settings, teacher_weight=settings.teacher_weight, temperature=settings.temperature),
            folder,
            teacher=logits,
            unlabelled=lessons.paths,
            quiet=settings.quiet,
        )
        about = lessons.labelled
        others = lessons.photos.samples
        complete(fitted, folder, about.validation, about.facts, settings, origin=start.origin, others=others)


def _teacher(named: Specification, settings: DistilSettings, photos: Path) -> Teacher:
    from liveseg.datasets import open_dataset
    from liveseg.datasets.labels_file import labels_of
    from liveseg.segmenter import Segmenter
    from liveseg.train.teacher import TeacherLogits

    if named.result is not None:
        return TeacherLogits.open(named.result, None if settings.labels is None else labels_of(settings.labels))
    if named.masks is not None:
        images, masks = photos.resolve(), named.masks.resolve()
        dataset = open_dataset(photos, layout="folder", images=images, masks=masks, labels=settings.labels)
        return replace(dataset, name=masks.name)
    with download_progress(quiet=settings.quiet) as progress:
        return Segmenter(
            named.model,
            weights=named.weights,
            runtime=named.runtime,
            device=settings.device,
            precision=named.precision,
            size=named.size,
            tta="full" if named.tta == "full" else "flip",
            progress=progress,
        )


def _labelled(settings: DistilSettings, folder: RunFolder) -> Prepared | None:
    if settings.labelled is None:
        return None
    # A run that was stopped while the teacher was asked has not divided its photos yet.
    divided = settings.resume and folder.data.is_file()
    return looked_through(settings.labelled, replace(settings, resume=divided), folder)


def _labels(settings: DistilSettings, theirs: LabelSet) -> LabelSet:
    """The classes to learn where no masks say it."""
    if settings.classes is None:
        return theirs
    chosen = theirs.indices(settings.classes)
    if theirs.background:
        chosen = (0, *(index for index in chosen if index))
    if len(chosen) < 2:
        raise UsageError("--classes names no class besides the background")
    names = tuple(theirs.names[index] for index in chosen)
    return LabelSet(names, tuple(theirs.palette[index] for index in chosen), theirs.background)


def _logits(
    teacher: Teacher,
    named: Specification,
    found: Mapping[str, Path],
    labelled: Prepared | None,
    settings: DistilSettings,
    folder: RunFolder,
) -> TeacherLogits:
    """What the teacher says of all photos to learn from, those with masks too; asked, where that is not known yet."""
    from liveseg.segmenter import Segmenter
    from liveseg.train.teacher import TeacherLogits
    from liveseg.train.teaching import ask, from_masks
    from liveseg.weights.integrity import sha256
    from liveseg.weights.run import weights_file

    if isinstance(teacher, TeacherLogits):
        return teacher
    target = folder.path / _LOGITS
    with photo_progress("asking the teacher", len(found), quiet=settings.quiet or settings.json) as advance:
        if not isinstance(teacher, Segmenter):
            return from_masks(
                teacher, target, softness=settings.softness, told=lambda done, all_: advance(done, all_, math.nan)
            )
        asked = dict(found)
        if labelled is not None:
            asked = {sample.key: sample.image for sample in labelled.train} | asked
        # What tells apart the answers of one model, run in different ways, and of weights that have one name.
        digest = None if named.weights is None else sha256(weights_file(named.weights))
        made = {"asked_as": named.text, "weights": digest}
        logits, unread = ask(teacher, asked, target, made=made, told=lambda done, all_: advance(done, all_, math.nan))
    for line in unread[:_TOLD]:
        say(f"warning: left out: {line}")
    if len(unread) > _TOLD:
        say(f"warning: and {len(unread) - _TOLD} more photos that cannot be read")
    return logits


def _lessons(
    photos: Dataset, logits: TeacherLogits, labelled: Prepared | None, settings: DistilSettings, folder: RunFolder
) -> Lessons:
    from liveseg.train.facts import DataFacts
    from liveseg.train.lessons import lessons_before, with_labelled, without_labelled
    from liveseg.train.prepare import Prepared

    if not len(photos):
        raise DataError(f"{logits.path} says nothing of the photos in {photos.root}: none of its keys is one of theirs")
    if settings.resume and folder.data.is_file():
        stored = folder.read_json(folder.data)
        keys = stored["keys"]
        about = labelled or Prepared(
            photos.limit(0), photos.subset(keys["validation"]), DataFacts.from_json(stored["facts"])
        )
        return lessons_before(photos, about, keys["unlabelled"])
    said = str(logits.made.get("teacher", logits.path.stem))
    with passing_steps(quiet=settings.quiet) as tell:

        def progress(done: int, whole: int) -> None:
            tell(f"looking at photo {done:,} of {whole:,}")

        if labelled is not None:
            lessons = with_labelled(photos, labelled, said, progress=progress)
        else:
            lessons = without_labelled(photos, said, share=settings.validation, seed=settings.seed, progress=progress)
    lessons.write(folder)
    return lessons


def _announce(lessons: Lessons, start: Start, settings: DistilSettings) -> None:
    if settings.quiet or settings.json:
        return
    facts = lessons.labelled.facts
    labelled = f" and {facts.train} with masks" if facts.train else ""
    say(
        f"{lessons.photos.name}: {facts.unlabelled} photos without masks{labelled} to learn from, {facts.validation} to"
        f" measure on; {', '.join(start.contract.labels.names)}"
    )
    if not facts.train:
        for note in lessons.photos.notes:
            say(f"note: {note}")
    say(f"{facts.teacher} teaches {start.model}, which starts with {start.origin}; Ctrl-C keeps what there is")
