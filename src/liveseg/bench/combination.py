"""What is measured: each model with each runtime, precision and size, and the weights that belong to each."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from liveseg.errors import UsageError
from liveseg.models.registry import MODELS, find_model
from liveseg.runtimes.load import DEFAULT_MODEL
from liveseg.settings import Precision, RuntimeName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.preprocess import Size
    from liveseg.settings import BenchSettings

    Named = Mapping[frozenset[str], Path]


@dataclass(frozen=True)
class Combination:
    """One way to run one model, as it was asked for.

    Args:
        model: a name of the registry, or any name where `weights` says what it is.
        runtime: as in `Segmenter`.
        precision: likewise.
        size: likewise; `None` for the model's own.
        device: likewise.
        threads: likewise; `None` for all cores.
        weights: a file in place of the model's published weights; a path.
    """

    model: str
    runtime: RuntimeName = "auto"
    precision: Precision = "auto"
    size: Size | None = None
    device: str = "auto"
    threads: int | None = None
    weights: str | None = None

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"{self.model} at {self.size or 'its own size'} by {self.runtime}, {self.precision}"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        return asdict(self)


def expand(settings: BenchSettings, extra: Mapping[str, Path] | None = None) -> list[Combination]:
    """Every combination that the settings ask for, models slowest, precisions fastest.

    Args:
        settings: of `liveseg bench`.
        extra: weights by model, where the settings name none.

    Raises:
        UsageError: a model that does not exist, or weights for something that is not measured.
    """
    named = named_weights(settings)
    # The tutorial's loop knows no other size, and only what has the same size can be compared.
    sizes = settings.size or (("native",) if settings.baseline == "tutorial" else (None,))
    combinations = []
    for model, size, runtime, precision in itertools.product(
        models_of(settings), sizes, settings.runtime or ("auto",), settings.precision or ("auto",)
    ):
        weights = choose_weights(named, model, runtime, precision) or (extra or {}).get(model)
        if weights is None:
            find_model(model)
        combinations.append(
            Combination(
                model=model,
                runtime=cast("RuntimeName", runtime),
                precision=cast("Precision", precision),
                size=cast("Size | None", size),
                device=settings.device,
                threads=settings.threads,
                weights=None if weights is None else str(weights.absolute()),
            )
        )
    return combinations


def models_of(settings: BenchSettings) -> tuple[str, ...]:
    """The models that the settings ask for."""
    return settings.model or (DEFAULT_MODEL,)


def named_weights(settings: BenchSettings) -> Named:
    """The files of `--weights`, by the words that stand before each.

    Raises:
        UsageError: a file for something that is not measured, or one without a name where several models are.
    """
    models = models_of(settings)
    known = {*models, *get_args(RuntimeName), *get_args(Precision)}
    named: dict[frozenset[str], Path] = {}
    for text in settings.weights or ():
        key, equals, file = text.partition("=")
        if not equals:
            if len(models) > 1:
                raise UsageError(f"say which model {text} belongs to: --weights {models[0]}={text}")
            key, file = models[0], text
        words = frozenset(key.split(":"))
        if not words <= known or len(words & {*models}) != 1:
            raise UsageError(
                f"--weights {text}: {key!r} is not one of the models measured ({', '.join(models)}), with or without"
                " :RUNTIME and :PRECISION behind it"
            )
        named[words] = Path(file)
    return named


def choose_weights(named: Named, model: str, runtime: str, precision: str) -> Path | None:
    """The file whose words fit a model, runtime and precision; of several the one with the most words."""
    wanted = {model, runtime, precision}
    fitting = [words for words in named if model in words and words <= wanted]
    return named[max(fitting, key=len)] if fitting else None


def is_published(model: str) -> bool:
    """Whether a model's name is one of the registry, whose costs and quality are known."""
    return model in MODELS
