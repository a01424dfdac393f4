"""The options of a request: derived from those of the command line, which are declared once, in `liveseg.settings`."""

from __future__ import annotations

import difflib
from dataclasses import Field, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

from liveseg.errors import UsageError
from liveseg.palettes import PALETTES
from liveseg.server.problems import Problem
from liveseg.settings.background import BackgroundSettings
from liveseg.settings.draw import DrawSettings
from liveseg.settings.model import NamedModelSettings, RuntimeSettings
from liveseg.settings.option import Option, about, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIZES = (32, 2048)
"""Pixels of the network's input, its shorter side, that a client may choose besides `native`."""

_TAKEN: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (NamedModelSettings, ("model",)),
    (RuntimeSettings, ("size",)),
    (DrawSettings, ("alpha", "palette", "classes", "hide", "contours", "labels", "legend", "side_by_side")),
    (BackgroundSettings, ("foreground",)),
)
"""Of which settings which options; those that name files of this machine are not for strangers."""

_WORDS = {
    "model": "Model to use, see `GET /v1/models`; the service's first one by default.",
    "size": f"Shorter side of the network's input in pixels, {SIZES[0]} to {SIZES[1]}, or native.",
    "palette": "Colours: model, voc, safe for colour-blind eyes, or vivid.",
    "foreground": "Of a cut-out: the classes that stay, like person,cat; all but the background by default.",
}
"""What a client is told where the command line's words do not fit."""

_YES, _NO = ("true", "1", "yes", "on", ""), ("false", "0", "no", "off")


@dataclass(frozen=True)
class Parameter:
    """An option as a query parameter or a field of a form.

    Args:
        settings: the class that declares it.
        own: its field there.
        told: what is declared of it.
        kind: its type.
    """

    settings: type[Any]
    own: Field[Any]
    told: Option
    kind: Any

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name

    def read(self, text: str) -> Any:
        """Its value from text.

        Raises:
            Problem: 422, where it is none; `parameter` names it.
        """
        try:
            value = self._value(text)
            check(self.settings(**{self.name: value}))
        except UsageError as error:
            raise wrong(self.name, str(error).removeprefix("--")) from error
        return value

    def _value(self, text: str) -> Any:
        if self.name == "palette" and text not in PALETTES:
            raise UsageError(f"palette is one of {', '.join(PALETTES)}, not {text[:40]!r}")
        if self.kind is bool:
            if text.lower() not in _YES + _NO:
                raise UsageError(f"{self.name} is true or false, not {text[:40]!r}")
            return text.lower() in _YES
        if self.kind is float:
            try:
                number = float(text)
            except ValueError:
                number = float("nan")
            if number != number:  # noqa: PLR0124 - which only NaN is not, and no range sees
                raise UsageError(f"{self.name} is a number, not {text[:40]!r}")
            return number
        value = text if self.told.parse is None else self.told.parse(text)
        if self.name == "size" and isinstance(value, int) and not SIZES[0] <= value <= SIZES[1]:
            raise UsageError(f"size is from {SIZES[0]} to {SIZES[1]} pixels, or native, not {value}")
        return value

    def schema(self) -> dict[str, Any]:
        """Its form, as OpenAPI describes it."""
        if self.name == "palette":
            return {"type": "string", "enum": list(PALETTES), "default": PALETTES[0]}
        if self.name == "size":
            whole = {"type": "integer", "minimum": SIZES[0], "maximum": SIZES[1]}
            return {"oneOf": [whole, {"type": "string", "const": "native"}]}
        kinds = {bool: "boolean", float: "number"}
        made: dict[str, Any] = {"type": kinds.get(self.kind, "string")}
        if self.own.default is not None:
            made["default"] = self.own.default
        limits = {"minimum": self.told.least, "maximum": self.told.most}
        return made | {name: limit for name, limit in limits.items() if limit is not None}

    def to_openapi(self) -> dict[str, Any]:
        """The parameter, as OpenAPI describes it."""
        words = _WORDS.get(self.name, self.told.help)
        return {"name": self.name, "in": "query", "description": words, "schema": self.schema()}


@cache
def parameters() -> dict[str, Parameter]:
    """All of them, by name."""
    found: dict[str, Parameter] = {}
    for settings, names in _TAKEN:
        hints = get_type_hints(settings)
        declared = {own.name: (own, told) for own, told in about(settings)}
        found |= {name: Parameter(settings, *declared[name], hints[name]) for name in names}
    return found


@dataclass(frozen=True)
class SegmentOptions:
    """What a client wants of a picture.

    Args:
        model: the model's name; `None` for the service's default.
        size: shorter side of the network's input, `native`, or `None` for the default.
        foreground: names of the classes that a cut-out keeps; `None` for all but the background.
        draw: how an overlay is drawn; its palette is that of masks, too.
        given: the names of the options that were given.
    """

    model: str | None = None
    size: Any = None
    foreground: tuple[str, ...] | None = None
    draw: DrawSettings = field(default_factory=DrawSettings)
    given: frozenset[str] = frozenset()

    @classmethod
    def of(cls, given: Iterable[tuple[str, str]]) -> SegmentOptions:
        """The options of a request.

        Args:
            given: names and texts.

        Raises:
            Problem: 422 for a name that does not exist or comes twice, and for a value that is none.
        """
        values: dict[str, Any] = {}
        for name, text in given:
            if name not in parameters():
                raise wrong(name[:64], _no_such(name[:64]))
            if name in values:
                raise wrong(name, f"{name} is given twice; leave one out")
            values[name] = parameters()[name].read(text)
        names = frozenset(values)
        own = {name: values.pop(name) for name in ("model", "size", "foreground") if name in values}
        return cls(**own, draw=_drawn(values), given=names)


def _drawn(values: Mapping[str, Any]) -> DrawSettings:
    return DrawSettings(**values)


def _no_such(name: str) -> str:
    near = difflib.get_close_matches(name, [*parameters(), "output", "url"], n=1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(parameters())}, output and url"
    return f"no option {name!r}; {hint}"


def wrong(parameter: str, detail: str) -> Problem:
    """An option that cannot be taken."""
    return Problem(422, detail, parameter=parameter)
