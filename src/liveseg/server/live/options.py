"""What a client of live pictures may choose, in its first message and later."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from liveseg.errors import UsageError
from liveseg.palettes import PALETTES
from liveseg.render.overlay import DEFAULT_ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable

Output = Literal["layers", "overlay"]

SIZES = (32, 2048)
"""Pixels of the shorter side that a live client may choose for the network's input and for the mask."""

FASTEST = 240.0
"""Answers a second; more than any camera gives."""

LONGEST_MESSAGE = 16 * 1024
"""Characters of a text message."""


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How live pictures are answered; each may be changed between two frames.

    Args:
        model: name; the service's default by default.
        size: shorter side of the network's input, in pixels; the model's own by default.
        output: `layers`, to be painted by the client, or `overlay`, a JPEG.
        confidence: whether layers come with the confidences.
        mask: shorter side of the mask in pixels, or `frame` for the frame's own size; by default that of the network's
            input. It is never larger than the frame.
        rate: at most so many answers a second; as many as there can be by default.
        smooth: whether the masks are steadied over time, by the frames' time stamps.
        alpha: of an overlay, the opacity of the colours in [0, 1].
        palette: of an overlay, the name of a palette.
        contours: of an overlay, whether the classes' borders are drawn.
        quality: of an overlay, as JPEG counts it.
    """

    model: str | None = None
    size: int | None = None
    output: Output = "layers"
    confidence: bool = True
    mask: int | Literal["frame"] | None = None
    rate: float | None = None
    smooth: bool = False
    alpha: float = DEFAULT_ALPHA
    palette: str = "model"
    contours: bool = False
    quality: int = 85

    def changed(self, given: dict[str, Any]) -> LiveOptions:
        """These with others in place of some.

        Args:
            given: by name; null is the default again.

        Raises:
            UsageError: an option that does not exist, or a value that it does not take.
        """
        defaults: dict[str, Any] = {own.name: own.default for own in fields(self)}
        for name, value in given.items():
            if name not in defaults:
                near = difflib.get_close_matches(name, defaults, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "there is " + ", ".join(defaults)
                raise UsageError(f"no option {name!r}; {hint}")
            if value is not None:
                _CHECKS[name](name, value)
        chosen = {name: defaults[name] if value is None else value for name, value in given.items()}
        return replace(self, **chosen)


def read_message(text: str) -> dict[str, Any]:
    """The options of a text message, with whatever else it says.

    Raises:
        UsageError: no JSON object, or too long a one.
    """
    if len(text) > LONGEST_MESSAGE:
        raise UsageError(f"a text message has {LONGEST_MESSAGE} characters at most, not {len(text)}")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError('a text message is a JSON object of options, like {"size": 289}') from error
    if not isinstance(message, dict):
        raise UsageError('a text message is a JSON object of options, like {"size": 289}')
    return message


def _word(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{name} is a name, not {_shown(value)}")


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(choices)}, not {_shown(value)}")


def _switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise UsageError(f"{name} is true or false, not {_shown(value)}")


def _number(name: str, value: object, least: float, most: float, kinds: tuple[type, ...]) -> None:
    # A comparison with NaN is never true.
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:  # type: ignore[operator]
        what = "a number" if float in kinds else "a whole number"
        raise UsageError(f"{name} is {what} from {least:g} to {most:g}, not {_shown(value)}")


def _size(name: str, value: object) -> None:
    _number(name, value, *SIZES, (int,))


def _mask(name: str, value: object) -> None:
    if value != "frame":
        _size(name, value)


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        # What is nested as deeply as can be read cannot always be written.
        return "what is nested so deeply"
    return text if len(text) <= 40 else f"{text[:40]}…"


_CHECKS: dict[str, Callable[[str, object], None]] = {
    "model": _word,
    "size": _size,
    "output": partial(_choice, choices=get_args(Output)),
    "confidence": _switch,
    "mask": _mask,
    "rate": partial(_number, least=0.01, most=FASTEST, kinds=(int, float)),
    "smooth": _switch,
    "alpha": partial(_number, least=0.0, most=1.0, kinds=(int, float)),
    # By name only: what else is taken for a palette elsewhere is a file.
    "palette": partial(_choice, choices=PALETTES),
    "contours": _switch,
    "quality": partial(_number, least=1, most=100, kinds=(int,)),
}
