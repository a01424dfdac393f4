"""Why the engine does not take a picture, or does not answer: each says when to come back, where that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.errors import LivesegError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.preprocess import Size


class QueueFull(LivesegError):  # noqa: N818 - what is so, not what went wrong
    """More pictures wait than the queue holds.

    Args:
        retry_after: seconds until a place is likely to be free, from the measured rate and the depth.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the queue is full; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class NotReady(LivesegError):  # noqa: N818
    """A model is being loaded, could not be loaded, or the service is about to stop.

    Args:
        reason: which of them, in words.
        retry_after: seconds until it is worth another try.
    """

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(f"{reason}; try again in {retry_after:.0f} s")
        self.reason = reason
        self.retry_after = retry_after


def stopping() -> NotReady:
    """What is told of everything that comes after the end, or is cut off by it."""
    return NotReady("the service is stopping", 5.0)


class DeadlinePassed(LivesegError, TimeoutError):  # noqa: N818
    """The time that a request was given ended before its answer was there."""

    def __init__(self) -> None:
        super().__init__("the picture was not segmented in time; try again later, or with a smaller size")


class InputTooLarge(LivesegError):  # noqa: N818
    """A picture that grows on its way to the network: one a pixel high becomes hundreds of times larger.

    Args:
        shape: `(H, W)` of the picture.
        size: of the network's input, as it was asked for.
        pixels: that the network would have to take.
        most: that it may take.
    """

    def __init__(self, shape: tuple[int, int], size: Size, pixels: float, most: int) -> None:
        height, width = shape
        super().__init__(
            f"a picture of {width}x{height} at size {size} makes a network input of {pixels / 1e6:.3g} million pixels,"
            f" more than the {most / 1e6:.3g} million that are taken; ask for a smaller size, or send less of the"
            " picture"
        )
        self.most = most


class UnknownModel(UsageError, LookupError):  # noqa: N818
    """A model that this service does not offer.

    Args:
        name: what was asked for.
        known: those that it offers.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no model {name!r} here; choose one of {', '.join(known)}")
        self.name = name
        self.known = tuple(known)
