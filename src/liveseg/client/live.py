"""Live pictures without the socket: numbers, stamps, ages, and which answer is the newest."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.client.errors import ProblemError, UnreachableError
from liveseg.errors import LivesegError, UsageError
from liveseg.labels import LabelSet
from liveseg.wire import Frame, Layers, Overlay, WireError, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PATH = "/v1/live"
QUALITY = 90
"""Of the JPEGs that arrays and PIL images are sent as: a network sees no difference to the pixels."""

_LONGEST_REST = 5.0
"""Seconds to leave a busy service alone at most."""

LARGEST = 64 << 20
"""Bytes of an answer; a mask of 50 million pixels has a few million at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveAnswer:
    """What every live answer tells.

    Args:
        sequence: the number of its frame, as `send` gave it.
        age_ms: from when the frame was taken to now, when the answer is handed out.
        waited_ms: how long the frame waited in the service.
        worked_ms: how long the service worked on it.
        dropped: frames that the service left out since its last answer, because a newer one came.
        labels: names and colours of the classes.
    """

    sequence: int
    age_ms: float
    waited_ms: float
    worked_ms: float
    dropped: int
    labels: LabelSet = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveMask(LiveAnswer):
    """The mask of a frame.

    Args:
        mask: `(H, W)` `uint8` class indices.
        confidence: `(h, w)` `uint8`, 255 times the probability of the winner in the middle of each of so many parts of
            the picture; `None` if it was not asked for.
    """

    mask: NDArray[np.uint8] = field(repr=False)
    confidence: NDArray[np.uint8] | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class LivePicture(LiveAnswer):
    """A frame with its classes drawn over it.

    Args:
        data: a JPEG.
    """

    data: bytes = field(repr=False)

    def array(self) -> NDArray[np.uint8]:
        """Its pixels: `(H, W, 3)` `uint8` RGB."""
        from PIL import Image

        with Image.open(io.BytesIO(self.data)) as opened:
            return np.array(opened.convert("RGB"))


@dataclass(frozen=True)
class Ready:
    """What the service says first, and after each change of the options.

    Args:
        model: in use.
        size: shorter side of the network's input, in pixels; `None` for each frame's own.
        labels: names and colours of the classes.
        about: all that it told.
    """

    model: str
    size: int | None
    labels: LabelSet = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Ready:
        """From the service's JSON."""
        labels = {"classes": told["labels"], "palette": told["palette"], "background": told.get("background", True)}
        return cls(str(told["model"]), told["size"], LabelSet.from_json(labels), dict(told))


class LiveState:
    """One live connection's memory, without the connection. Not for several threads at the same time.

    Args:
        output: `layers` or `overlay`.
        options: of the service, by name.
        token: sent with the first message; never shown.

    Raises:
        UsageError: another output.
    """

    def __init__(self, output: str, options: Mapping[str, Any], token: str | None) -> None:
        if output not in ("layers", "overlay"):
            raise UsageError(f"live pictures are answered by layers or overlay, not {output!r}")
        self._hello = {"output": output, **options} | ({} if token is None else {"token": token})
        self._sequence = 0
        self._agreed: Ready | None = None
        self._asking = True
        self._newest: tuple[Layers | Overlay, Ready] | None = None
        self._dropped = 0
        self._refused: ProblemError | None = None
        self._problem: ProblemError | None = None
        self._end: LivesegError | None = None

    def hello(self) -> str:
        """The first message."""
        return json.dumps(self._hello)

    def change(self, options: Mapping[str, Any]) -> str:
        """The message that changes options; `agreed` tells when the service has taken them."""
        if "output" in options:
            raise UsageError("the output of a live connection stays; open another one for another output")
        self._asking, self._refused = True, None
        return json.dumps(dict(options))

    def frame(self, data: bytes, taken: float) -> tuple[int, bytes]:
        """A frame's number, and its message.

        Args:
            data: the encoded picture.
            taken: when it was taken, in seconds of `time.monotonic`.
        """
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        return self._sequence, Frame(data, self._sequence, taken * 1e3).pack()

    def take(self, message: str | bytes) -> None:
        """Take what the service sent.

        Raises:
            WireError: it is nothing that a service sends.
        """
        if isinstance(message, bytes):
            self._take_answer(unpack(message))
            return
        try:
            told = json.loads(message)
            if told["type"] == "ready":
                self._agreed, self._asking = Ready.of(told), False
            elif told["type"] == "problem":
                self._take_problem(told)
        except (ValueError, KeyError, TypeError, LivesegError) as error:
            raise WireError("a text message that no liveseg service sends") from error

    def _take_answer(self, answer: Frame | Layers | Overlay) -> None:
        if isinstance(answer, Frame) or self._agreed is None:
            raise WireError("an answer that no liveseg service sends")
        self._dropped += answer.dropped
        if self._newest is not None:
            # Nobody has asked for it in time; the newer one takes its place.
            self._dropped += 1
        self._newest = answer, self._agreed

    def _take_problem(self, told: Mapping[str, Any]) -> None:
        members = {name: value for name, value in told.items() if name not in ("problem", "retry_after")}
        problem = ProblemError.told(
            members | {"type": told.get("problem", "about:blank")}, retry_after=told.get("retry_after")
        )
        if "sequence" in told:
            self._problem = problem
        else:
            self._refused = problem

    def close(self, code: int, reason: str, address: object) -> None:
        """The connection has ended; whoever asks from now on is told why."""
        last = self._refused or self._problem
        if code >= 4000 and last is not None:
            self._end = last
        else:
            why = reason or ("" if last is None else last.detail) or "it was lost"
            self.fail(UnreachableError(f"the live connection to {address} has ended: {why} ({code})"))

    def fail(self, error: LivesegError) -> None:
        """The connection is of no use any more."""
        self._end = self._end or error

    def ended(self) -> bool:
        """Whether the connection is of no use any more."""
        return self._end is not None

    def check(self) -> None:
        """See that it is of use.

        Raises:
            ProblemError: the service ended it, for this reason.
            UnreachableError: it has ended.
        """
        if self._end is not None:
            raise self._end

    def agreed(self) -> Ready | None:
        """What the service has agreed to; `None` while it has not yet.

        Raises:
            ProblemError: it has not taken the options; those before go on.
            UnreachableError: the connection has ended.
        """
        if self._asking and self._refused is not None:
            self._asking, problem, self._refused = False, self._refused, None
            raise problem
        if self._asking and self._end is not None:
            raise self._end
        return None if self._asking else self._agreed

    def hand_out(self) -> LiveAnswer | None:
        """The newest answer, once; `None` where there is none yet.

        Raises:
            ProblemError: a frame was not answered; the next one may be.
            UnreachableError: the connection has ended.
        """
        if self._problem is not None:
            problem, self._problem = self._problem, None
            raise problem
        if self._newest is None:
            if self._end is not None:
                raise self._end
            return None
        (answer, ready), self._newest = self._newest, None
        dropped, self._dropped = self._dropped, 0
        about: dict[str, Any] = {
            "sequence": answer.sequence,
            "age_ms": time.monotonic() * 1e3 - answer.stamp,
            "waited_ms": answer.waited_ms,
            "worked_ms": answer.worked_ms,
            "dropped": dropped,
            "labels": ready.labels,
        }
        if isinstance(answer, Layers):
            return LiveMask(mask=answer.mask, confidence=answer.confidence, **about)
        return LivePicture(data=answer.picture, **about)


def rest_after(problem: ProblemError) -> float | None:
    """Seconds to wait before the next frame where the service is only busy; `None` where something is wrong."""
    return min(problem.retry_after or 0.1, _LONGEST_REST) if problem.status in (429, 503) else None
