"""The card of a trained model: what it finds, how good it is, what it was made from, and how it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg._version import __version__
from liveseg.evaluate.words import INTERVAL, WORDS, percent
from liveseg.models.registry import find_model
from liveseg.pages.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from liveseg.evaluate.result import ClassScore, Evaluation
    from liveseg.runtimes.parity import Parity
    from liveseg.train.facts import ClassFacts, DataFacts
    from liveseg.train.fit import Fitted

_FEW_MEASURED, _FEW_LEARNED, _WEAK = 30, 10, 0.3
"""Below so many photos a score says little, or a class has hardly been seen; below such an IoU it is hardly found."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a card is about.

    Args:
        path: the run's folder, as the user names it.
        fitted: the training.
        facts: what it was made from.
        origin: which weights it started from, in words.
        parity: how the exported model compares with the trained one.
        evaluation: how good it is; `None` where no photos were kept to measure on.
        picture: the file name of the card's picture, if there is one.
        command: that made it, as it was typed.
    """

    path: Path
    fitted: Fitted
    facts: DataFacts
    origin: str
    parity: Parity
    evaluation: Evaluation | None = None
    picture: str | None = None
    command: str = ""


def card(subject: Subject) -> str:
    """The card as Markdown."""
    parts = [
        f"# {subject.fitted.contract.name}",
        _opening(subject),
        _picture(subject),
        "## How good it is",
        *_quality(subject),
        "## What to keep in mind",
        _listed(limits(subject.fitted, subject.facts, subject.evaluation)),
        "## How to use it",
        _use(subject),
        "## What it was made from",
        *_data(subject.facts),
        "## How it was trained",
        _training(subject),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def limits(fitted: Fitted, facts: DataFacts, evaluation: Evaluation | None) -> list[str]:
    """What whoever uses the model should keep in mind, a sentence or two each."""
    found = []
    if evaluation is None:
        found.append("Nobody knows how good it is: no photos were kept to measure on.")
    elif _of_a_teacher(facts):
        found.append(
            "Its scores say how far it agrees with its teacher, not how right either is; labelled photos tell that"
            " (`liveseg eval`)."
        )
    if evaluation is not None and evaluation.images < _FEW_MEASURED:
        believed = (
            "are rough: believe the intervals, not the numbers" if evaluation.images > 1 else "say next to nothing"
        )
        found.append(f"It was measured on {count(evaluation.images, 'photo')} only, so its scores {believed}.")
    shown = [own for own in facts.classes if own.photos or own.measured]
    few = [f"{own.name} ({own.photos})" for own in shown if own.photos < _FEW_LEARNED]
    if few:
        found.append(f"Few photos to learn from show {_and(few)}; more of them help these classes most.")
    never = _never(facts)
    if never:
        found.append(f"No photo shows {_and(never)}, so it cannot find that.")
    if evaluation is not None:
        unmeasured = [own.name for own in facts.classes if own.photos and not own.measured]
        if unmeasured:
            found.append(f"Nothing was measured for {_and(unmeasured)}: no photo to measure on shows it.")
        weak = [own.name for own in evaluation.per_class if _weak(own)]
        if weak:
            found.append(f"It is weak at {_and(weak)}: less than a third of what is it or is taken for it is both.")
        found.append(
            "Of all rounds of its training the one that did best on these same photos was kept, so its scores are"
            " a little too good; photos that took no part at all tell the truth (`liveseg eval`)."
        )
    found.append(
        "It knows photos like those that it learned from; other places, cameras or light may need photos of their own."
    )
    found.append("It knows its own classes only, and takes whatever else there is for the nearest of them.")
    if fitted.miou is not None and fitted.steps == fitted.plan.steps and fitted.step == fitted.steps:
        found.append(
            f"Its last round was its best, so longer training may make it better: --epochs {2 * fitted.plan.epochs}."
        )
    return found


def _opening(subject: Subject) -> str:
    fitted, facts = subject.fitted, subject.facts
    labels = fitted.contract.labels
    never = _never(facts)
    names = [name for name in labels.names[int(labels.background) :] if name not in never]
    rest = "; all else is background" if labels.background else ""
    photos = [count(facts.train, "labelled photo")] if facts.train else []
    photos += [count(facts.unlabelled, "photo") + " without masks"] if facts.unlabelled else []
    taught = f", with {facts.teacher} as its teacher" if facts.teacher else ""
    return (
        f"Finds {_and([f'**{name}**' for name in names])} in pictures{rest}. It is `{fitted.model}`"
        f" ({find_model(fitted.model).network}), which began with {subject.origin} and learned from"
        f" {_and(photos)}{taught}."
    )


def _picture(subject: Subject) -> str:
    if subject.picture is None:
        return ""
    what = "photos that it did not learn from: the photo, the true mask and this model's"
    return (
        f"![{what}]({subject.picture})\n\nPhotos that it did not learn from: a good one, a middling one and its worst."
    )


def _quality(subject: Subject) -> list[str]:
    found = subject.evaluation
    if found is None:
        return ["It was not measured, since no photos were kept for that (`--validation 0`)."]
    right = round(100 * found.scores["pixel_accuracy"].value)
    said = (
        f"On {count(found.images, 'photo')} that it did not learn from, {right} of 100 pixels get"
        f" {_standard(subject.facts)}, and"
        f" its mIoU is **{percent(found.scores['miou'])} %**."
    )
    about = {own.name: own for own in subject.facts.classes}
    table = [
        "| class | IoU | recognised | right where named | photos to learn from | photos to measure on |",
        "|---|---|---|---|---|---|",
        *(_row(own, about.get(own.name)) for own in found.per_class),
    ]
    meant = (
        f"All numbers are per cent. {WORDS['miou'].meaning} *Recognised* is the share of a class's pixels that it"
        f" finds, *right where named* the share of those it names so that are. {INTERVAL}"
    )
    rate = (
        f"It segments {found.line_rate or found.rate:.0f} such photos a second on"
        f" {found.machine.get('processor', 'this machine')} ({found.runtime}, {count(found.threads, 'thread')}),"
        " reading and writing them aside. All numbers and its worst photos are in [report.html](report.html)."
    )
    return [said, "\n".join(table), meant, rate]


def _of_a_teacher(facts: DataFacts) -> bool:
    """Whether what it was measured against is what a teacher says."""
    return not facts.train and bool(facts.unlabelled)


def _standard(facts: DataFacts) -> str:
    return f"the class that {facts.teacher} gives them" if _of_a_teacher(facts) else "the right class"


def _never(facts: DataFacts) -> list[str]:
    """The classes that no photo shows."""
    return [own.name for own in facts.classes if not own.photos and not own.measured]


def _cell(name: str) -> str:
    return name.replace("|", "\\|")


def _row(own: ClassScore, facts: ClassFacts | None) -> str:
    learned, measured = ("-", str(own.images)) if facts is None else (f"{facts.photos:,}", f"{facts.measured:,}")
    cells = [_cell(own.name), percent(own.iou), percent(own.accuracy), percent(own.precision), learned, measured]
    return f"| {' | '.join(cells)} |"


def _use(subject: Subject) -> str:
    path = subject.path.as_posix()
    quoted = f"'{path}'" if " " in path else path
    return (
        f"```bash\nliveseg run video.mp4 --weights {quoted}\nliveseg run photos/ --weights {quoted} --save mask,coco\n"
        f"liveseg eval OTHER_PHOTOS --weights {quoted}\n```\n\n"
        f"```python\nfrom liveseg import Segmenter\n\nsegmenter = Segmenter(weights={json.dumps(path)})\n"
        'result = segmenter("photo.jpg")\nresult.mask, result.labels.names\n```\n\n'
        "`model.onnx` is all that this needs, without PyTorch; `model.safetensors` is the same for PyTorch, from which"
        " further training starts (`--start`). `labels.json` has the classes' names and colours; change them there."
    )


def _data(facts: DataFacts) -> list[str]:
    total = sum(own.pixels for own in facts.classes) or 1
    rows = [
        f"| {_cell(own.name)} | {own.photos:,} | {own.pixels:,} | {own.pixels / total:.2%} | {own.measured:,} |"
        for own in facts.classes
    ]
    learned = count(facts.train, "photo")
    if _of_a_teacher(facts):
        learned = f"{count(facts.unlabelled, 'photo')} without masks, on which {facts.teacher} answered,"
    parts = [
        f"{facts.name}: {learned} to learn from and {facts.validation:,} to measure on."
        + (f" {facts.split}" if facts.split else "")
    ]
    if facts.unlabelled and facts.train:
        parts.append(f"Besides, {count(facts.unlabelled, 'photo')} without masks, on which {facts.teacher} answered.")
    if rows:
        heading = (
            "| class | photos to learn from | their pixels | share | photos to measure on |\n|---|---|---|---|---|"
        )
        parts.append("\n".join([heading, *rows]))
    if facts.remarks:
        parts.append("What was found when the photos were checked:")
        parts.append(_listed(facts.remarks))
    return parts


def _training(subject: Subject) -> str:
    fitted, plan = subject.fitted, subject.fitted.plan
    early = "" if fitted.steps == plan.steps else f" of {plan.steps:,} planned, after which nothing became better"
    best = "" if fitted.miou is None else f" The weights kept are those of step {fitted.step:,} (epoch {fitted.epoch})."
    said = (
        f"{fitted.steps:,} steps{early}, {count(plan.epoch(fitted.steps), 'epoch')}, in"
        f" {_duration(fitted.seconds)}, on pieces of {plan.crop}x{plan.crop} pixels in batches of {plan.pieces}."
        f"{best} Seed {plan.seed}, {plan.precision}, liveseg {__version__}. The exported model gives the trained one's"
        f" class at {subject.parity.agreement:.3%} of the pixels."
    )
    typed = f"```\n{subject.command}\n```" if subject.command else ""
    files = "`metrics.csv` has every round, `samples/` pictures of them, `config.json` the settings."
    return "\n\n".join(part for part in (said, typed, files) if part)


def _weak(own: ClassScore) -> bool:
    return own.iou is not None and own.pixels > 0 and own.iou.value < _WEAK


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _and(words: list[str]) -> str:
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
