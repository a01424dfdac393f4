"""Why a live source cannot be had, in one line: FFmpeg's own messages repeat addresses with their passwords."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from av import error as ffmpeg

from liveseg.errors import MediaError
from liveseg.media.video_open import reason

if TYPE_CHECKING:
    from liveseg.media.address import Address

_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (
        ffmpeg.HTTPUnauthorizedError,
        "it wants another user name or password; write SCHEME://USER:PASSWORD@HOST/PATH",
    ),
    (ffmpeg.HTTPForbiddenError, "it is forbidden there (403)"),
    (ffmpeg.HTTPNotFoundError, "its server knows nothing of this path (404); check it"),
    (ffmpeg.HTTPServerError, "its server fails (5xx); try again later"),
    (ffmpeg.HTTPClientError, "its server refuses the request (4xx)"),
    (ffmpeg.ProtocolNotFoundError, "the FFmpeg inside PyAV does not know this protocol"),
    (ffmpeg.InvalidDataError, "what is sent there is no video that FFmpeg knows"),
    (EOFError, "it ended"),
)
_NUMBERS = {
    errno.ECONNREFUSED: "the connection is refused; check that its server runs, and the port",
    errno.ECONNRESET: "its server broke the connection off",
    errno.EHOSTUNREACH: "there is no way to its host; check its name and the network",
    errno.ENETUNREACH: "there is no way to its host; check its name and the network",
    errno.EADDRINUSE: "another program listens at this port already; end it, or choose another port",
    errno.EIO: "the connection failed",
}


def failure(address: Address, error: Exception, timeout: float) -> MediaError:
    """What to tell the user of an address that could not be opened; to be raised outside the `except` block.

    Within it, the error with FFmpeg's words would go along as its context.
    """
    advice = "; check host and port" if getattr(error, "errno", None) == errno.EIO else ""
    return MediaError(f"cannot read {address}: {why(error, timeout)}{advice}")


def why(error: Exception, timeout: float) -> str:
    """What went wrong, without the address.

    Args:
        error: as FFmpeg or the operating system raised it.
        timeout: the seconds of silence that are allowed.
    """
    if isinstance(error, ffmpeg.ExitError | TimeoutError):
        return f"it was silent for {timeout:g} s"
    for kind, said in _KINDS:
        if isinstance(error, kind):
            return said
    return _NUMBERS.get(getattr(error, "errno", None) or 0) or reason(error)
