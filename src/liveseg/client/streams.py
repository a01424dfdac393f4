"""Live sources on the service's side, as Python sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class StreamStatus:
    """How it stands with a stream.

    Args:
        id: what to ask for it by.
        state: `connecting`, `live`, `away` (the connection broke and is tried again), `failed` or `stopped`.
        rate: frames a second that are segmented.
        age_ms: from the arrival of a frame at the service to its mask, the median of late; `None` before the first.
        frames: segmented so far.
        dropped: left out to keep up.
        failure: why it failed.
        about: all that the service told.
    """

    id: str
    state: str
    rate: float
    age_ms: float | None
    frames: int
    dropped: int
    failure: str | None
    about: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> StreamStatus:
        """From the service's JSON."""
        own = ("id", "state", "rate", "age_ms", "frames", "dropped", "failure")
        return cls(**{name: told[name] for name in own}, about=dict(told))


@dataclass(frozen=True)
class Streams:
    """The live sources of a service.

    Args:
        streams: that run or have ended.
        available: names of those that could be started.
        any_address: whether others may be started by their address.
    """

    streams: tuple[StreamStatus, ...]
    available: tuple[str, ...]
    any_address: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Streams:
        """From the service's JSON."""
        streams = tuple(StreamStatus.of(one) for one in told["streams"])
        return cls(streams, tuple(told["available"]), bool(told["any_address"]))
