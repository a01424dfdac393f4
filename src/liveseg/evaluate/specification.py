"""What `liveseg compare` compares, in a word each: `lite`, `lite@385`, `lite:int8/openvino`, `runs/leaves@289`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.models.registry import MODELS, find_model
from liveseg.settings.model import Precision, RuntimeName, Tta
from liveseg.settings.parse import parse_size
from liveseg.weights.run import CHECKPOINT, GRAPH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.preprocess import Size

GRAMMAR = "WHAT[@SIZE][:PRECISION][/RUNTIME][+LOOKS]"

_WEIGHTS = frozenset((".onnx", ".xml", ".pt2", ".pth", ".pt", ".safetensors"))
_RESULTS = frozenset((".json", ".jsonl"))

_OF_A_RUN = ("config.json", GRAPH, CHECKPOINT)
"""What the folder of a training run has, and one of masks has not."""

_PRECISIONS = get_args(Precision)
_RUNTIMES = get_args(RuntimeName)
_LOOKS = get_args(Tta)
_CHOICES = {":": ("precision", _PRECISIONS), "/": ("runtime", _RUNTIMES), "+": ("way to look", _LOOKS)}
_LAST = re.compile(r"(?P<rest>.+)(?P<sign>[@:/+])(?P<word>[A-Za-z0-9]+)", re.DOTALL)


@dataclass(frozen=True)
class Specification:
    """One of the things to compare: a model and how it runs, or a result that is there already.

    Args:
        text: as it was typed.
        model: a name of the registry.
        weights: a file of weights, or the folder of a training run, in place of `model`.
        masks: a folder of masks that something else made, in place of either.
        result: what `liveseg eval` wrote, in place of all of them.
        size: as in `Segmenter`.
        precision: likewise.
        runtime: likewise.
        tta: likewise.
    """

    text: str
    model: str | None = None
    weights: Path | None = None
    masks: Path | None = None
    result: Path | None = None
    size: Size | None = None
    precision: Precision = "auto"
    runtime: RuntimeName = "auto"
    tta: Tta = "off"

    @property
    def name(self) -> str:
        """What tables call it: as it was typed, but for the folders of an absolute path."""
        path = self.weights or self.masks or self.result
        if path is None or not path.is_absolute():
            return self.text
        return self.text.replace(str(path), path.name)


def parse_specification(text: str) -> Specification:
    """Read `WHAT[@SIZE][:PRECISION][/RUNTIME][+LOOKS]`; what follows WHAT may come in any order.

    WHAT is a model's name, a file of weights, the folder of a training run, another folder, which is one of masks, or a
    file that `liveseg eval` wrote. A text that is the name of a file or folder as it stands is that file, whatever
    signs are in it.

    Raises:
        UsageError: no such model, size, precision or runtime, or one of them twice or behind a result.
        SourceNotFoundError: a file that is not there.
    """
    what, given = text.strip(), dict[str, str]()
    if not what:
        raise UsageError(f"nothing to compare; write it as {GRAMMAR}")
    while not _exists(what) and (match := _LAST.fullmatch(what)) is not None and _is_suffix(match, text):
        sign, word = match["sign"], match["word"].lower()
        if sign in given:
            raise UsageError(f"{text!r} says {_title(sign)} twice; leave one out")
        given[sign] = word
        what = match["rest"]
    path, ending = Path(what).expanduser(), Path(what).suffix.lower()
    about = {
        "size": cast("Size | None", _size(given.get("@"), text)),
        "precision": cast("Precision", given.get(":", "auto")),
        "runtime": cast("RuntimeName", given.get("/", "auto")),
        "tta": cast("Tta", given.get("+", "off")),
    }
    if ending in _RESULTS:
        _check_alone(what, given, text, "a result, which is as it was measured")
        return Specification(text, result=_existing(path))
    if ending in _WEIGHTS:
        return Specification(text, weights=_existing(path), **about)  # type: ignore[arg-type]  # each as its key says
    if what not in MODELS and path.exists():
        if not path.is_dir():
            raise UsageError(
                f"{what} is no model: weights end in {', '.join(sorted(_WEIGHTS))}, results in .json or .jsonl"
            )
        if any((path / name).is_file() for name in _OF_A_RUN):
            return Specification(text, weights=path, **about)  # type: ignore[arg-type]  # each as its key says
        _check_alone(what, given, text, "a folder of masks, which are as they were made")
        return Specification(text, masks=path)
    if what not in MODELS and len(Path(what).parts) > 1:
        raise SourceNotFoundError(f"no such file or folder: {what}; write what to compare as {GRAMMAR}")
    return Specification(text, model=_model(what), **about)  # type: ignore[arg-type]  # each as its key says


def _exists(what: str) -> bool:
    # The name of a model comes before a folder that happens to be called so.
    return what in MODELS or Path(what).expanduser().exists()


def _is_suffix(match: re.Match[str], text: str) -> bool:
    """Whether a sign and its word say how to run; a `/` before any other word is a folder's.

    Raises:
        UsageError: they say it in a word that does not exist.
    """
    sign, word = match["sign"], match["word"].lower()
    if sign == "@":
        return True
    what, choices = _CHOICES[sign]
    if word in choices:
        return True
    if sign == "/" and match["rest"] not in MODELS:
        return False
    raise UsageError(f"no {what} {word!r} in {text!r}; behind {sign} stands one of {', '.join(choices)}")


def _check_alone(what: str, given: Mapping[str, str], text: str, meaning: str) -> None:
    if given:
        raise UsageError(f"{what} is {meaning}; leave out what follows it in {text!r}")


def _title(sign: str) -> str:
    return "the size" if sign == "@" else f"the {_CHOICES[sign][0]}"


def _size(word: str | None, text: str) -> int | str | None:
    if word is None:
        return None
    try:
        return parse_size(word)
    except UsageError as error:
        raise UsageError(f"no size {word!r} in {text!r}; behind @ stands a number of pixels, or native") from error


def _existing(path: Path) -> Path:
    if not path.exists():
        raise SourceNotFoundError(f"no such file: {path}")
    return path


def _model(name: str) -> str:
    try:
        return find_model(name).name
    except UsageError as error:
        raise UsageError(f"{error}; or name a file of weights or the folder of a run ({GRAMMAR})") from error
