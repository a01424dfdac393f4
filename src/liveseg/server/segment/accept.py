"""Which of several media types a client likes best: the header `Accept`, as RFC 9110 (12.5.1) has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_RANGE = re.compile(r"([!#$%&'+.^_`|~\w-]+|\*)/([!#$%&'+.^_`|~\w-]+|\*)", re.ASCII)
_QUALITY = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


def best(accept: str, offered: Sequence[str]) -> str | None:
    """The media type that a client likes best.

    Args:
        accept: the header; empty where there is none, which takes everything. What cannot be read of it is left out.
        offered: what there is, in the order in which it is given where the client likes several equally.

    Returns:
        `None` where it takes none of them.
    """
    ranges = [found for part in accept.split(",") if (found := _parsed(part)) is not None]
    if not accept.strip():
        return offered[0]
    liked = [(_quality(kind, ranges), -place, kind) for place, kind in enumerate(offered)]
    quality, _, kind = max(liked)
    return kind if quality > 0 else None


def _parsed(part: str) -> tuple[str, str, float] | None:
    """A media range as its type, its subtype and its weight; its other parameters say nothing about ours."""
    kind, *parameters = (word.strip() for word in part.split(";"))
    match = _RANGE.fullmatch(kind.lower())
    if match is None or (match[1] == "*" and match[2] != "*"):
        return None
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            if _QUALITY.fullmatch(value.strip()) is None or float(value) > 1:
                return None
            weight = float(value)
    return match[1], match[2], weight


def _quality(offered: str, ranges: Sequence[tuple[str, str, float]]) -> float:
    """The weight of the range that names a type most exactly; 0 where none does."""
    kind, _, subtype = offered.partition("/")
    for wanted in ((kind, subtype), (kind, "*"), ("*", "*")):
        weights = [weight for *named, weight in ranges if tuple(named) == wanted]
        if weights:
            return max(weights)
    return 0.0
