"""What can go wrong between a client and its service."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEMBERS = ("type", "title", "status", "detail")


class ProblemError(LivesegError):
    """The service's own word for what is wrong: problem details (RFC 9457).

    Args:
        type: which kind of problem, as a URN such as `urn:liveseg:problem:queue-full`.
        title: what is wrong, in words.
        status: as HTTP counts it.
        detail: what is wrong with this request, and what to do.
        retry_after: seconds after which it is worth another try, where the service said so.
        extra: what else it told, such as `parameter`.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        type: str = "about:blank",  # noqa: A002 - RFC 9457's word
        retry_after: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{detail or title} ({status})")
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
        self.extra = dict(extra or {})

    @classmethod
    def of(cls, status: int, media_type: str, body: bytes, retry_after: float | None) -> ProblemError:
        """The problem that an answer tells, or what can be said of one that tells none."""
        if media_type.partition(";")[0].strip() == "application/problem+json":
            try:
                told = json.loads(body)
            except ValueError:
                told = None
            if isinstance(told, dict):
                return cls.told(told, status, retry_after)
        title = HTTPStatus(status).phrase if status in set(HTTPStatus) else f"status {status}"
        detail = f"{title}: the answer is not that of a liveseg service; look at the address"
        return cls(status, title, detail, retry_after=retry_after)

    @classmethod
    def told(cls, members: Mapping[str, Any], status: int = 0, retry_after: float | None = None) -> ProblemError:
        """The problem with these members."""
        own = members.get("status")
        return cls(
            own if isinstance(own, int) else status,
            str(members.get("title", "")),
            str(members.get("detail", "")),
            type=str(members.get("type", "about:blank")),
            retry_after=retry_after,
            extra={name: value for name, value in members.items() if name not in _MEMBERS},
        )


class UnreachableError(LivesegError, ConnectionError):
    """The service cannot be reached, or the connection to it was lost."""


class NoAnswerError(UnreachableError, TimeoutError):
    """The service did not answer in time."""


class VideoFailedError(LivesegError, RuntimeError):
    """A video of which nothing was made: the service could not read it, or it was cancelled or has expired."""
