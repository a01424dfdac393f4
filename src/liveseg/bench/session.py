"""A benchmark from beginning to end: what runs here, the rounds in turn, and what is measured once."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.bench import baseline as tutorial
from liveseg.bench.child import FailedMeasurementError, measure
from liveseg.bench.combination import Combination, choose_weights, expand, models_of, named_weights
from liveseg.bench.limit import THREAD_VARIABLES
from liveseg.bench.record import surroundings
from liveseg.bench.result import Baseline, BenchResult, Entry
from liveseg.bench.search import most_that_holds
from liveseg.bench.task import Task
from liveseg.errors import LivesegError, MediaError, MissingExtraError
from liveseg.media.video_source import VideoSource
from liveseg.runtimes.load import BUNDLED
from liveseg.weights.catalogue import CATALOGUE
from liveseg.weights.integrity import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.settings import BenchSettings

    Say = Callable[[str], None]

MOST_STREAMS = 256
"""Where the search for the most streams ends."""


class Session:
    """One benchmark of one video.

    Args:
        settings: what is measured, and how often.
        video: the source.
        command: the command as it was typed, for the record.
        say: told of each step as it begins.

    Raises:
        MissingExtraError: what the benchmark needs is not installed.
        LivesegError: the video cannot be read, or a setting makes no sense here.
    """

    def __init__(self, settings: BenchSettings, video: Path, *, command: str, say: Say) -> None:
        try:
            import psutil  # noqa: F401 - every measurement needs it
        except ImportError as error:
            raise MissingExtraError("liveseg bench needs psutil: pip install 'liveseg[bench]'") from error
        self._settings = settings
        self._video = video.absolute()
        self._say = say
        self._script = tutorial.find_script() if settings.baseline == "tutorial" else None
        self._references: dict[str, Combination] = {}
        self._measures_limit = True
        self._measures_drawing = settings.drawing
        self._result = BenchResult(
            command=command,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            source=_describe(self._video),
            settings=_settings(settings),
            **surroundings(),
        )

    def run(self) -> BenchResult:
        """Measure everything."""
        result, settings = self._result, self._settings
        with self._weights() as extra:
            result.entries = [Entry(each, _origin(each, extra)) for each in expand(settings, extra)]
            self._references = {model: self._reference(model, extra) for model in models_of(settings)}
            if self._script is not None:
                result.baselines = [Baseline(model) for model in models_of(settings)]
            for entry in result.entries:
                self._probe(entry)
            for number in range(1, settings.rounds + 1):
                self._round(f"round {number} of {settings.rounds}: ")
            for entry in self._running():
                if settings.agreement:
                    self._agreement(entry)
                if settings.flicker:
                    self._flicker(entry)
                if settings.streams:
                    self._streams(entry)
        return result

    def _running(self) -> list[Entry]:
        return [entry for entry in self._result.entries if entry.error is None]

    @contextmanager
    def _weights(self) -> Iterator[dict[str, Path]]:
        """Random weights for the models that have none, as far as they were asked for; gone afterwards."""
        settings = self._settings
        named = named_weights(settings)
        with tempfile.TemporaryDirectory(prefix="liveseg-bench-") as folder:
            extra: dict[str, Path] = {}
            for model in models_of(settings) if settings.random_weights else ():
                if frozenset([model]) not in named and not _is_here(model):
                    from liveseg.bench.random_weights import write_random_weights

                    self._say(f"random weights for {model}")
                    extra[model] = write_random_weights(model, Path(folder) / f"{model}_random.pth")
            yield extra

    def _reference(self, model: str, extra: dict[str, Path]) -> Combination:
        """The combination that the masks of a model are compared with, and whose weights its baseline has."""
        named = named_weights(self._settings)
        weights = choose_weights(named, model, "torch", "float32") or extra.get(model)
        return Combination(
            model=model,
            runtime="torch",
            precision="float32",
            device="cpu",
            threads=self._settings.threads,
            weights=None if weights is None else str(weights.absolute()),
        )

    def _task(self, entry: Entry, **about: Any) -> Task:
        settings = self._settings
        return Task(
            combination=entry.combination,
            video=str(self._video),
            frames=settings.frames,
            warmup=settings.warmup,
            encode=settings.sink == "file",
            **about,
        )

    def _probe(self, entry: Entry) -> None:
        self._say(f"loading {entry.combination.name}")
        try:
            entry.found = measure(self._task(entry, do="probe"))
        except FailedMeasurementError as error:
            entry.error, entry.offered = str(error), error.offered

    def _round(self, prefix: str) -> None:
        """Everything once, in turn, so that a slow minute of a shared machine hits all alike."""
        for entry in self._running():
            try:
                if not self._settings.network_only:
                    self._say(f"{prefix}{entry.combination.name}")
                    entry.rounds.append(measure(self._task(entry, do="line")))
                self._say(f"{prefix}{entry.combination.name}, network")
                entry.network_rounds.append(measure(self._task(entry, do="network")))
            except LivesegError as error:
                entry.error = str(error)
        for own in self._result.baselines:
            if own.error is None:
                self._say(f"{prefix}the tutorial's loop with {own.model}")
                self._tutorial(own)
        if self._measures_limit:
            self._say(f"{prefix}the machine's limit")
            self._limit()
        if self._measures_drawing:
            self._say(f"{prefix}drawing")
            self._drawing()

    def _tutorial(self, own: Baseline) -> None:
        if self._script is None:
            raise ValueError("no baseline was asked for")
        settings = self._settings
        try:
            reference = self._references[own.model]
            row = tutorial.measure(self._script, reference, str(self._video), settings.frames, settings.warmup)
            own.rounds.append(row)
        except LivesegError as error:
            own.error = str(error)

    def _limit(self) -> None:
        running = self._running()
        if not running:
            return
        products = dict.fromkeys(
            (entry.found["runtime"], entry.found["precision"], entry.found["device"]) for entry in running
        )
        threads = self._settings.threads
        variables = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        try:
            row = measure(self._task(running[0], do="limit", products=tuple(products)), variables)
            self._result.limits.append(row)
        except LivesegError as error:
            # Not in later rounds either: rounds and limits are paired in order.
            self._measures_limit = False
            self._result.notes.append(f"the machine's limit was not measured: {error}")

    def _drawing(self) -> None:
        # On the masks of one combination: how they are drawn does not depend on what made them.
        for entry in self._running()[:1]:
            try:
                self._result.drawing.append(measure(self._task(entry, do="drawing")))
            except LivesegError as error:
                self._measures_drawing = False
                self._result.notes.append(f"drawing was not measured: {error}")

    def _agreement(self, entry: Entry) -> None:
        self._say(f"agreement of {entry.combination.name}")
        try:
            reference = replace(self._references[entry.combination.model], size=entry.combination.size)
            tutorial.checkpoint(reference)
            told = measure(self._task(entry, do="agreement", reference=reference))
            if (other := _what_ran(told)) != (measured := _what_ran(entry.found)):
                raise FailedMeasurementError(f"{other} would be compared, and {measured} was measured")
            entry.agreement = told
        except LivesegError as error:
            entry.notes.append(f"not compared with PyTorch: {error}")

    def _flicker(self, entry: Entry) -> None:
        self._say(f"flicker of {entry.combination.name}")
        try:
            entry.flicker = measure(self._task(entry, do="flicker"))
        except LivesegError as error:
            entry.notes.append(f"flicker not measured: {error}")

    def _streams(self, entry: Entry) -> None:
        trials: dict[int, dict[str, Any]] = {}

        def holds(count: int) -> bool:
            self._say(f"{count} streams through {entry.combination.name}")
            seconds = float(self._settings.stream_seconds)
            trials[count] = measure(self._task(entry, do="streams", streams=count, seconds=seconds))
            return bool(trials[count]["held"])

        try:
            most_that_holds(holds, MOST_STREAMS)
            entry.streams = [trials[count] for count in sorted(trials)]
        except LivesegError as error:
            entry.notes.append(f"streams not measured: {error}")


def _describe(video: Path) -> dict[str, Any]:
    with VideoSource(video) as source:
        info = source.info
    if info.frame_count == 0:
        raise MediaError(f"{video} holds no frames to measure with")
    return {
        "name": video.name,
        "width": info.width,
        "height": info.height,
        "frames": info.frame_count,
        "frames_per_second": None if info.rate is None else float(info.rate),
    }


def _is_here(model: str) -> bool:
    """Whether the published weights of a model can be had without a download."""
    return model == BUNDLED or (model in CATALOGUE and verify(CATALOGUE[model]) == "ok")


def _what_ran(told: dict[str, Any]) -> str:
    return f"{told['runtime']} on {told['device']} in {told['precision']}"


def _origin(combination: Combination, extra: dict[str, Path]) -> str:
    if combination.weights is None:
        return "bundled" if combination.model == BUNDLED else "published"
    name = Path(combination.weights)
    return "random" if extra.get(combination.model) == name else name.name


_NOT_RECORDED = frozenset({"json", "markdown", "plot", "overwrite", "verbose", "quiet", "weights"})
"""Settings that change nothing of what is measured, or hold paths."""


def _settings(settings: BenchSettings) -> dict[str, Any]:
    values = {own.name: getattr(settings, own.name) for own in fields(settings) if own.name not in _NOT_RECORDED}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, str | int) else float(value)
