"""Reading a short text of the user's from left to right, with errors that point at the character."""

from __future__ import annotations

import re
import unicodedata

from liveseg.errors import UsageError


class Cursor:
    """A place in a text.

    Args:
        text: what the user wrote.
        where: the option that holds it, for messages.
    """

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self.place = 0

    def skip(self) -> int:
        """Go to the next character that is no space; returns its place."""
        while self.place < len(self._text) and self._text[self.place].isspace():
            self.place += 1
        return self.place

    def take(self, pattern: str) -> re.Match[str] | None:
        """Go past what the pattern matches after any spaces; where it does not match, stay before it."""
        match = re.compile(pattern, re.IGNORECASE).match(self._text, self.skip())
        if match is not None:
            self.place = match.end()
        return match

    def need(self, pattern: str, expected: str) -> re.Match[str]:
        """As `take`, of what has to be there.

        Raises:
            UsageError: it is not; the message says what is expected.
        """
        match = self.take(pattern)
        if match is None:
            raise self.error(f"{expected} is expected")
        return match

    @property
    def done(self) -> bool:
        """Whether nothing but spaces is left."""
        return self.skip() == len(self._text)

    def error(self, problem: str, place: int | None = None) -> UsageError:
        """What is wrong at a place, by default the present one, with the text and a mark under its character."""
        place = self.skip() if place is None else place
        return pointed(self._where, self._text, place, problem)


def pointed(where: str, text: str, place: int, problem: str) -> UsageError:
    """An error whose message ends in the text and, under it, a mark at one of its characters.

    Args:
        where: the option that holds the text.
        text: what the user wrote.
        place: the character's number from 0; that of the end is the text's length.
        problem: what is wrong.
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    before = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in shown[:place])
    at = f"at character {place + 1}" if place < len(text) else "at the end"
    return UsageError(f"{where}, {at}: {problem}\n  {shown}\n  {' ' * before}^")
