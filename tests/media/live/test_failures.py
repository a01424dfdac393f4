import errno

import pytest
from av import error as ffmpeg

from liveseg.media.address import parse_address
from liveseg.media.live.failures import failure, why

URL = "rtsp://me:s3cret@host/stream"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ffmpeg.ExitError(1, "Immediate exit requested", URL), "silent for 2.5 s"),
        (ffmpeg.TimeoutError(errno.ETIMEDOUT, "Connection timed out", URL), "silent for 2.5 s"),
        (ffmpeg.ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused", URL), "refused"),
        (ffmpeg.HTTPUnauthorizedError(1, "401", URL), "user name or password"),
        (ffmpeg.HTTPForbiddenError(1, "403", URL), "forbidden"),
        (ffmpeg.HTTPNotFoundError(1, "404", URL), "404"),
        (ffmpeg.HTTPServerError(1, "500", URL), "5xx"),
        (ffmpeg.HTTPOtherClientError(1, "418", URL), "4xx"),
        (ffmpeg.ProtocolNotFoundError(1, "Protocol not found", URL), "does not know this protocol"),
        (ffmpeg.InvalidDataError(1, "Invalid data", URL), "no video"),
        (ffmpeg.EOFError(1, "End of file", URL), "it ended"),
        (ffmpeg.OSError(errno.EIO, "Input/output error", URL), "the connection failed"),
        (ffmpeg.OSError(errno.EADDRINUSE, "Address already in use", URL), "another program listens"),
        (ffmpeg.FFmpegError(1, "Something\nelse", URL), "Something else"),
        (OSError(errno.ENETUNREACH, "Network is unreachable", URL), "no way to its host"),
    ],
)
def test_each_failure_is_one_line_without_the_address(error, said):
    line = why(error, 2.5)
    assert said in line
    assert "\n" not in line
    assert "s3cret" not in line
    told = str(failure(parse_address(URL), error, 2.5))
    assert told.startswith(f"cannot read rtsp://host/stream: {line}")
    assert "s3cret" not in told
