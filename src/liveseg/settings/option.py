"""What declares an option, and what holds its value to its range."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Option:
    """What a field's metadata says of it.

    Args:
        help: one line for the user; of a switch that is on by default, what its `--no-…` form does.
        shown: what the help shows as the default, where that is decided later.
        flags: short forms besides `--field-name`.
        least: the smallest value allowed.
        most: the largest value allowed.
        parse: from the text of the command line to the value, raising UsageError.
        metavar: what the help shows for the value.
        group: the heading under which the help lists it.
        repeat: whether it may be given several times; its value is a tuple, one item each time.
    """

    help: str
    shown: str | None = None
    flags: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    parse: Callable[[str], Any] | None = None
    metavar: str | None = None
    group: str = "Options"
    repeat: bool = False


def option(default: Any, help: str, **about: Any) -> Any:  # noqa: A002 - the word that every such library uses
    """A dataclass field with its `Option`."""
    return field(default=default, metadata={"option": Option(help=help, **about)})


def about(settings: type[Any]) -> Sequence[tuple[dataclasses.Field[Any], Option]]:
    """The fields of a settings class that are options, each with its `Option`."""
    return [(own, own.metadata["option"]) for own in dataclasses.fields(settings) if "option" in own.metadata]


def check(settings: Any) -> None:
    """Hold every option to its range, or to the choices that its type names.

    Raises:
        UsageError: a value outside of them.
    """
    hints = get_type_hints(type(settings))
    for own, told in about(type(settings)):
        value = getattr(settings, own.name)
        flag = "--" + own.name.replace("_", "-")
        if value is None:
            continue
        choices = get_args(hints[own.name]) if get_origin(hints[own.name]) is Literal else ()
        if choices and value not in choices:
            raise UsageError(f"{flag} is one of {', '.join(choices)}, not {value!r}")
        if told.least is not None and value < told.least:
            raise UsageError(f"{flag} is at least {told.least:g}, not {value}")
        if told.most is not None and value > told.most:
            raise UsageError(f"{flag} is at most {told.most:g}, not {value}")
