"""Which of several records about the same thing holds: pure functions, whatever order the records come in.

A destination holds one result a name. So everything said about a name belongs together, and of the files and settings
it was ever made from (its *variants*) the newest one says what is there now.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from liveseg.batch.manifest.lines import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from liveseg.batch.records import Record, Status

RANKS = {"failed": 0, "part": 1, "done": 2}
"""What is done stays done: a failure of the same work, done twice, does not undo it, however late it comes."""


class Outcome(Protocol):
    """What decides between records; a `Record` has it, and so does a row of the index."""

    @property
    def identifier(self) -> str: ...  # noqa: D102
    @property
    def settings(self) -> str: ...  # noqa: D102
    @property
    def piece(self) -> int | None: ...  # noqa: D102
    @property
    def pieces(self) -> int | None: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def finished(self) -> float: ...  # noqa: D102
    @property
    def error_kind(self) -> str | None: ...  # noqa: D102


class Known(NamedTuple):
    """What is known of one file or of one of its pieces."""

    piece: int | None
    pieces: int | None
    identifier: str
    settings: str
    status: Status
    finished: float
    attempts: int
    error_kind: str | None


Told = TypeVar("Told", bound=Outcome)
Key = tuple[str, str, str, int, int]


def key(record: Record) -> Key:
    """What a record is about: its name first, so that all of a name come together when sorted."""
    piece, count = part(record)
    return (record.name, record.identifier, record.settings, piece, count)


def part(outcome: Outcome) -> tuple[int, int]:
    """Which part of a file: its index and the number of parts; (-1, 0) for the whole."""
    return (-1, 0) if outcome.piece is None else (outcome.piece, outcome.pieces or 0)


def weight(outcome: Outcome) -> tuple[int, float, int, str]:
    """The heavier of two outcomes of the same work holds."""
    return (RANKS[outcome.status], outcome.finished, outcome.attempts, outcome.error_kind or "")


def winner(records: Iterable[Record]) -> Record:
    """The one of several records with the same key that holds; never dependent on their order."""
    best, *others = records
    for other in others:
        if (weight(other), encode(other)) > (weight(best), encode(best)):
            best = other
    return best


def winners(ordered: Iterable[Record]) -> Iterator[Record]:
    """The one that holds for each key, of records sorted by it."""
    for _, same in groupby(ordered, key):
        yield winner(same)


def current(outcomes: Iterable[Told]) -> list[Told]:
    """What holds for one name, of the winners of all its keys: the whole file, or its parts.

    Of several variants the one with the newest outcome holds. Parts no longer count once the whole is done; a whole
    that failed no longer counts once a part is newer; of parts from different divisions the newest division holds.
    """
    everything = list(outcomes)
    if len(everything) < 2:
        return everything
    newest = max(everything, key=_age)
    own = [each for each in everything if (each.identifier, each.settings) == (newest.identifier, newest.settings)]
    whole = next((each for each in own if each.piece is None), None)
    parts = [each for each in own if each.piece is not None]
    if whole is not None and (whole.status == "done" or not parts):
        return [whole]
    last = max(parts, key=_age)
    parts = sorted((each for each in parts if each.pieces == last.pieces), key=part)
    return [whole, *parts] if whole is not None and _age(whole) > _age(last) else parts


def with_pieces(outcomes: Iterable[Told]) -> list[Told]:
    """What `current` gives, and after a video that was joined the pieces it was joined from."""
    everything = list(outcomes)
    now = current(everything)
    if len(now) != 1 or now[0].piece is not None or now[0].pieces is None or now[0].status != "done":
        return now
    whole = now[0]
    wanted = (whole.identifier, whole.settings, whole.pieces, "part")
    return [
        whole,
        *sorted(
            (
                each
                for each in everything
                if each.piece is not None and (each.identifier, each.settings, each.pieces, each.status) == wanted
            ),
            key=part,
        ),
    ]


def _age(outcome: Outcome) -> tuple[float, int, int, str, str, int, int]:
    piece, count = part(outcome)
    told = (outcome.finished, outcome.attempts, RANKS[outcome.status], outcome.identifier, outcome.settings)
    return (*told, count, piece)
