"""Which failures are tried again by the next run, and how a run ends that was not to go on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liveseg.batch.manifest import Found
    from liveseg.settings.batch import FailureLimit

PASSING = frozenset(("missing", "storage", "memory", "timeout", "lost"))
"""Kinds of failure that the next run tries again by itself: what may be otherwise then, without another file.

Others (`unreadable`, `defect`) stay as they are until the file changes, or until somebody asks with `--redo failed`.
"""


class StoppedError(LivesegError, InterruptedError):
    """A run that somebody stopped, by Ctrl-C or SIGTERM; the command line ends with exit code 130."""

    exit_code = 130


class TooManyFailuresError(LivesegError, RuntimeError):
    """A run that gave up because more files failed than were allowed to; the command line ends with exit code 3."""

    exit_code = 3


def kinds_left(found: Found) -> list[str]:
    """The kinds of failure that a file had and that are not tried again, each once."""
    known = (*([found.whole] if found.whole is not None else []), *found.parts)
    kinds = {each.error_kind or "unknown" for each in known if each.status == "failed"}
    return sorted(kinds - PASSING)


def in_words(kinds: Mapping[str, int]) -> str:
    """Failures by kind, as `8 unreadable, 4 storage`."""
    return ", ".join(f"{number:,} {kind}" for kind, number in Counter(kinds).most_common())


def too_many(kinds: Mapping[str, int], finished: int, limit: FailureLimit) -> TooManyFailuresError:
    """The end of a run with more failures than `--max-failures` allows."""
    failed = sum(kinds.values())
    return TooManyFailuresError(
        f"{failed:,} of {finished:,} files failed ({in_words(kinds)}), more than --max-failures {limit} allows; the "
        "report names them; what is done is kept, and the same command goes on"
    )


def stopped(done: int, *, at_once: bool = False) -> StoppedError:
    """The end of a run that somebody stopped.

    Args:
        done: files that are done.
        at_once: whether what was under way was given up.
    """
    how = "ended at once" if at_once else "stopped"
    files = "1 file" if done == 1 else f"{done:,} files"
    return StoppedError(f"{how} after {files}; run the same command again to go on")


def merged(kinds: Iterable[str]) -> str:
    """The one kind that a file counts under whose pieces failed in several ways."""
    return Counter(kinds).most_common(1)[0][0]
