"""Rules such as `person > 5% for 2s in door`: what they are made of, how they are read, and how they are written.

The grammar, in EBNF; between any two parts there may be spaces:

    rule       = [ name ":" ] condition { "for" duration | "in" name } ;   each of the two at most once
    condition  = term { "or" term } ;
    term       = factor { "and" factor } ;
    factor     = "not" factor | "(" condition ")" | comparison ;
    comparison = ( "any" | name ) ( ">" | ">=" | "<" | "<=" ) number ( "%" | "px" ) ;
    duration   = number ( "ms" | "s" | "min" | "h" ) ;
    number     = digits [ "." digits ] ;
    name       = word | '"' text '"' | "'" text "'" ;
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from liveseg.events.cursor import Cursor, pointed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.errors import UsageError

NAME = r"""(?P<word>\w[\w/-]*)|(?P<quote>["'])(?P<text>(?:(?!(?P=quote)).)*)(?P=quote)"""
"""A name: a word, or anything in quotes."""

NUMBER = r"\d+(?:\.\d+)?(?![\d.])"

_KEYWORDS = frozenset({"and", "or", "not", "for", "in", "any"})
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_UNITS = {"ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60), "h": Fraction(3600)}
_DEEPEST = 50
"""How deeply conditions may be nested: far beyond any use, and within what Python's stack holds."""


@dataclass(frozen=True)
class Comparison:
    """How much of a picture or zone a class covers, compared with a limit.

    Args:
        name: the class as the user calls it; `None` for all classes but the background.
        sign: `>`, `>=`, `<` or `<=`.
        limit: in per cent of the picture or zone, or in pixels.
        unit: `%` or `px`.
        place: where the name stands in the rule's text.
    """

    name: str | None
    sign: str
    limit: Decimal
    unit: str
    place: int = field(default=0, compare=False)

    def holds(self, pixels: int, of: int) -> bool:
        """Whether it holds for so many pixels of a picture or zone of `of` pixels; in whole numbers, so exactly."""
        numerator, denominator = self.limit.as_integer_ratio()
        if self.unit == "%":
            return _OPERATORS[self.sign](pixels * 100 * denominator, numerator * of)
        return _OPERATORS[self.sign](pixels * denominator, numerator)

    def __str__(self) -> str:
        name = "any" if self.name is None else quoted(self.name)
        return f"{name} {self.sign} {self.limit:f}{'%' if self.unit == '%' else ' px'}"


@dataclass(frozen=True)
class Not:
    """Holds where its part does not."""

    part: Condition

    def __str__(self) -> str:
        inner = f"({self.part})" if isinstance(self.part, And | Or) else str(self.part)
        return f"not {inner}"


@dataclass(frozen=True)
class And:
    """Holds where all of its parts do, two or more."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, And | Or) else str(part) for part in self.parts)


@dataclass(frozen=True)
class Or:
    """Holds where one of its parts does, of two or more."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


Condition = Comparison | Not | And | Or


@dataclass(frozen=True)
class Duration:
    """A time: a number of `ms`, `s`, `min` or `h`."""

    number: Decimal
    unit: str

    @property
    def seconds(self) -> Fraction:
        """The same in seconds, exact."""
        return Fraction(self.number) * _UNITS[self.unit]

    def __str__(self) -> str:
        return f"{self.number:f}{self.unit}"


@dataclass(frozen=True)
class Rule:
    """What has to hold, for how long, and where.

    Args:
        condition: what has to hold.
        duration: for how long, without a pause; `None` for one frame.
        zone: the name of the zone that the areas are those of; `None` for the whole picture.
        given: the name that the user gave it.
        text: as the user wrote it.
    """

    condition: Condition
    duration: Duration | None = None
    zone: str | None = None
    given: str | None = None
    text: str = field(default="", compare=False)
    zone_place: int = field(default=0, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name that the user gave it, or else the rule itself."""
        return self.given or self.without_name

    @property
    def without_name(self) -> str:
        """The rule in its usual form, without its name."""
        duration = "" if self.duration is None else f" for {self.duration}"
        return f"{self.condition}{duration}{'' if self.zone is None else f' in {quoted(self.zone)}'}"

    @property
    def seconds(self) -> Fraction:
        """For how long the condition has to hold."""
        return Fraction(0) if self.duration is None else self.duration.seconds

    def comparisons(self) -> Iterator[Comparison]:
        """All comparisons of the condition, from left to right."""
        return _comparisons(self.condition)

    def __str__(self) -> str:
        return self.without_name if self.given is None else f"{quoted(self.given)}: {self.without_name}"


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        UsageError: it is none; the message points at the character.
    """
    cursor = Cursor(text, "--when")
    # Quotes that begin a name, but no colon after it, are those of a class.
    labelled = cursor.take(rf"(?:{NAME})\s*:")
    given = None if labelled is None else _name_of(cursor, labelled)
    condition = _condition(cursor, 0)
    duration: Duration | None = None
    zone: str | None = None
    zone_place = 0
    while not cursor.done:
        place = cursor.place
        word = cursor.take(r"(for|in)\b")
        if word is None:
            raise cursor.error("and, or, for, in or the end is expected")
        kind = word[1].lower()
        if (duration if kind == "for" else zone) is not None:
            raise cursor.error(f"{kind!r} stands here for the second time; one is enough", place)
        if kind == "for":
            duration = _duration(cursor)
        else:
            zone_place = cursor.skip()
            zone = _name(cursor, "the name of a zone")
    return Rule(condition, duration, zone, given, text, zone_place)


def quoted(name: str) -> str:
    """A name as it is written in a rule: in quotes unless it is a plain word."""
    if re.fullmatch(r"\w[\w/-]*", name) and name.lower() not in _KEYWORDS:
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'


def unknown_zone(rule: Rule, known: list[str]) -> UsageError:
    """That a rule names a zone that is not declared."""
    remedy = f"there is {', '.join(known)}" if known else f"declare it by --zone {rule.zone}=POLYGON"
    return pointed("--when", rule.text, rule.zone_place, f"no zone named {rule.zone!r}; {remedy}")


def unknown_class(rule: Rule, comparison: Comparison, error: UsageError) -> UsageError:
    """That a rule names a class that the model does not know."""
    return pointed("--when", rule.text, comparison.place, str(error))


def _condition(cursor: Cursor, depth: int) -> Condition:
    parts = [_term(cursor, depth)]
    while cursor.take(r"or\b"):
        parts.append(_term(cursor, depth))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _term(cursor: Cursor, depth: int) -> Condition:
    parts = [_factor(cursor, depth)]
    while cursor.take(r"and\b"):
        parts.append(_factor(cursor, depth))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _factor(cursor: Cursor, depth: int) -> Condition:
    if depth > _DEEPEST:
        raise cursor.error(f"the condition is nested more than {_DEEPEST} deep")
    if cursor.take(r"not\b"):
        return Not(_factor(cursor, depth + 1))
    if cursor.take(r"\("):
        inner = _condition(cursor, depth + 1)
        cursor.need(r"\)", "and, or, or a closing bracket")
        return inner
    return _comparison(cursor)


def _comparison(cursor: Cursor) -> Comparison:
    place = cursor.skip()
    name = None if cursor.take(r"any\b(?![/-])") else _name(cursor, "the name of a class, any, not or (")
    sign = cursor.need(r">=|<=|>|<", ">, >=, < or <=")[0]
    number_place = cursor.skip()
    limit = Decimal(cursor.need(NUMBER, "a number")[0])
    unit = cursor.need(r"%|px\b", "% or px")[0].lower()
    if unit == "%" and limit > 100:
        raise cursor.error("a share is at most 100%", number_place)
    return Comparison(name, sign, limit, unit, place)


def _duration(cursor: Cursor) -> Duration:
    number = Decimal(cursor.need(NUMBER, "a time such as 2s")[0])
    return Duration(number, cursor.need(r"(?:ms|s|min|h)\b", "ms, s, min or h")[0].lower())


def _name(cursor: Cursor, expected: str) -> str:
    place = cursor.skip()
    match = cursor.take(NAME)
    if match is None:
        unclosed = cursor.take("[\"']")
        raise cursor.error("this quote is not closed" if unclosed else f"{expected} is expected", place)
    if match["word"] is not None and match["word"].lower() in _KEYWORDS:
        raise cursor.error(f"{expected} is expected; a name that is such a word stands in quotes", place)
    return _name_of(cursor, match)


def _name_of(cursor: Cursor, match: re.Match[str]) -> str:
    name: str = match["word"] if match["word"] is not None else match["text"].strip()
    if not name:
        raise cursor.error("this name is empty", match.start())
    return name


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, Not):
        yield from _comparisons(condition.part)
    else:
        for part in condition.parts:
            yield from _comparisons(part)
