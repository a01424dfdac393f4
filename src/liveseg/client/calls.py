"""The calls of a client, each as steps: see `liveseg.client.steps`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from liveseg.client.answers import Answer, Health, ModelInfo, parse
from liveseg.client.errors import NoAnswerError, ProblemError
from liveseg.client.pictures import checked, encoded
from liveseg.client.steps import Ask, Patience, Pause, asked
from liveseg.client.streams import Streams, StreamStatus
from liveseg.client.videos import VideoAreas, VideoStatus
from liveseg.errors import LivesegError, MediaError, UsageError
from liveseg.files import commit, discard, prepare, sink_error

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.client.pictures import Sendable
    from liveseg.client.steps import Query, Reply, Steps
    from liveseg.client.videos import OnProgress
    from liveseg.labels import LabelSet

OUTPUTS = {
    "layers": "application/vnd.liveseg.layers",
    "overlay": "image/jpeg",
    "mask": "image/png",
    "cutout": "image/png",
    "areas": "application/json",
    "polygons": "application/geo+json",
    "rle": "application/json",
    "npz": "application/x-npz",
}
"""What may be asked of a picture, and the media type that is asked for."""

_FORMATS = ("jpeg", "png", "webp")
_ONCE = Patience(retries=0)


class Calls:
    """The calls of one client.

    Args:
        patience: with a service that is busy.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._labels: dict[str | None, LabelSet] = {}

    def segment(self, picture: Sendable | None, output: str, options: dict[str, Any]) -> Steps[Answer]:
        """Ask for what the network finds in a picture."""
        form = options.pop("format", None)
        if output not in OUTPUTS:
            raise UsageError(f"no output {output!r}; choose one of {', '.join(OUTPUTS)}")
        if form is not None and (output != "overlay" or form not in _FORMATS):
            raise UsageError(f"the format of an overlay is one of {', '.join(_FORMATS)}; other outputs have one only")
        if (picture is None) == (options.get("url") is None):
            raise UsageError("give a picture, or the url of one")
        reply: Reply = yield from asked(
            Ask(
                "POST",
                "/v1/segment",
                query={**options, "output": output},
                headers={
                    "accept": OUTPUTS[output] if form is None else f"image/{form}",
                    "content-type": "application/octet-stream",
                },
                body=b"" if picture is None else encoded(picture),
            ),
            self._patience,
        )
        labels = None
        if output == "layers":
            labels = yield from self._labels_of(options.get("model"))
        return parse(output, reply, labels)

    def _labels_of(self, model: str | None) -> Steps[LabelSet]:
        """The classes of a model that has just answered; asked for once."""
        if model not in self._labels:
            for info in (yield from self.models()):
                if info.labels is not None:
                    self._labels[info.name] = info.labels
                    if info.default:
                        self._labels[None] = info.labels
        return self._labels[model]

    def models(self) -> Steps[list[ModelInfo]]:
        """Ask which models there are."""
        reply: Reply = yield from asked(Ask("GET", "/v1/models"), self._patience)
        return reply.told(lambda told: [ModelInfo.of(one) for one in told["models"]])

    def health(self) -> Steps[Health]:
        """Ask how it stands with the service."""
        alive: Reply = yield from asked(Ask("GET", "/healthz", seconds=5.0), _ONCE)
        version = alive.told(lambda told: str(told["version"]))
        try:
            yield from asked(Ask("GET", "/readyz", seconds=5.0), _ONCE)
        except ProblemError as problem:
            if problem.status != 503:
                raise
            return Health(version, ready=False, reason=problem.detail)
        return Health(version, ready=True)

    def until_ready(self, seconds: float) -> Steps[Health]:
        """Wait until the service takes work."""
        end = time.monotonic() + seconds
        while True:
            health: Health = yield from self.health()
            if health.ready:
                return health
            if time.monotonic() >= end:
                raise NoAnswerError(f"the service is not ready after {seconds:g} s: {health.reason}")
            yield Pause(0.1)

    def submit(self, path: str | PathLike[str], options: Query) -> Steps[VideoStatus]:
        """Send a video."""
        found = checked(path)
        ask = Ask(
            "POST",
            "/v1/videos",
            query={"name": found.name, **options},
            headers={"content-type": "application/octet-stream"},
            body=found,
        )
        try:
            reply: Reply = yield from asked(ask, self._patience)
        except LivesegError:
            raise
        except OSError as error:
            raise MediaError(f"cannot read {found}: {error.strerror or error}") from error
        return reply.told(VideoStatus.of)

    def videos(self) -> Steps[list[VideoStatus]]:
        """Ask for the videos of this client."""
        reply: Reply = yield from asked(Ask("GET", "/v1/videos"), self._patience)
        return reply.told(lambda told: [VideoStatus.of(one) for one in told["videos"]])

    def video(self, name: str) -> Steps[VideoStatus]:
        """Ask how it stands with a video."""
        reply: Reply = yield from asked(Ask("GET", video_path(name)), self._patience)
        return reply.told(VideoStatus.of)

    def wait(self, name: str, progress: OnProgress | None, seconds: float | None, every: float) -> Steps[VideoStatus]:
        """Wait for a video."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            status: VideoStatus = yield from self.video(name)
            if progress is not None:
                progress(status)
            if status.ended:
                status.check()
                return status
            if end is not None and time.monotonic() >= end:
                raise NoAnswerError(f"the video is still {status.state} after {seconds:g} s; wait again, or cancel it")
            yield Pause(every)

    def remove(self, name: str) -> Steps[None]:
        """Cancel or forget a video; one that is gone already is no error."""
        yield from self._delete(video_path(name))

    def areas(self, name: str, points: int) -> Steps[VideoAreas]:
        """Ask for the areas of a video over time."""
        reply: Reply = yield from asked(
            Ask("GET", video_path(name, "/areas"), query={"points": points}), self._patience
        )
        return reply.told(VideoAreas.of)

    def image(self, path: str) -> Steps[bytes]:
        """Ask for a picture."""
        reply: Reply = yield from asked(Ask("GET", path), self._patience)
        return reply.body

    def download(
        self, name: str, target: str | PathLike[str], file_name: str | None, *, overwrite: bool
    ) -> Steps[Path]:
        """Fetch a result into a file, which is there when it is whole."""
        target = Path(target)
        if target.is_dir():
            if file_name is None:
                file_name = (yield from self.wait(name, None, None, 0.5)).file_name
            # A service chooses a name, never a folder.
            target /= Path(file_name or f"{name}.bin").name
        partial = prepare(target, overwrite=overwrite)
        try:
            yield from asked(Ask("GET", video_path(name, "/result"), into=partial), self._patience)
            commit(partial, target, overwrite=overwrite)
        except BaseException as error:
            discard(partial)
            if isinstance(error, OSError) and not isinstance(error, LivesegError):
                raise sink_error(target, error) from error
            raise
        return target

    def streams(self) -> Steps[Streams]:
        """Ask for the live sources on the service's side."""
        reply: Reply = yield from asked(Ask("GET", "/v1/streams"), self._patience)
        return reply.told(Streams.of)

    def start_stream(self, options: Query) -> Steps[StreamStatus]:
        """Have a live source read."""
        body = json.dumps({name: value for name, value in options.items() if value is not None}).encode()
        headers = {"content-type": "application/json"}
        reply: Reply = yield from asked(Ask("POST", "/v1/streams", headers=headers, body=body), self._patience)
        return reply.told(StreamStatus.of)

    def stream(self, name: str) -> Steps[StreamStatus]:
        """Ask how it stands with a live source."""
        reply: Reply = yield from asked(Ask("GET", stream_path(name)), self._patience)
        return reply.told(StreamStatus.of)

    def stop_stream(self, name: str) -> Steps[None]:
        """End a live source; one that is gone already is no error."""
        yield from self._delete(stream_path(name))

    def _delete(self, path: str) -> Steps[None]:
        try:
            yield from asked(Ask("DELETE", path), self._patience)
        except ProblemError as problem:
            if problem.status != 404:
                raise


def video_path(name: str, of: str = "") -> str:
    """The route of a video, or of something of it."""
    return f"/v1/videos/{quote(name, safe='')}{of}"


def stream_path(name: str, of: str = "") -> str:
    """The route of a live source on the service's side, or of something of it."""
    return f"/v1/streams/{quote(name, safe='')}{of}"
