"""`Client`: a service, spoken to by code that waits."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from liveseg.client.address import Address
from liveseg.client.calls import Calls, stream_path, video_path
from liveseg.client.live import LiveState
from liveseg.client.live_sync import Live
from liveseg.client.steps import Ask, Patience, Pause, Reply
from liveseg.client.transport import CHUNK, Line, httpx2, reply_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from os import PathLike
    from typing import IO, Self, TypeVar, Unpack

    from liveseg.client.answers import (
        Answer,
        Archive,
        ClassAreas,
        Document,
        FoundLayers,
        Health,
        MaskPicture,
        ModelInfo,
        Picture,
    )
    from liveseg.client.live import LiveMask, LivePicture
    from liveseg.client.options import LiveOptions, PictureOptions, VideoOptions
    from liveseg.client.pictures import Sendable
    from liveseg.client.steps import Steps
    from liveseg.client.streams import Streams, StreamStatus
    from liveseg.client.videos import OnProgress, VideoAreas, VideoStatus

    T = TypeVar("T")


class Client:
    """A service that `liveseg serve` runs; a context manager, and safe to use from several threads.

    Args:
        address: such as `http://127.0.0.1:8000`; by default what the environment says in `LIVESEG_SERVICE`, or that.
        token: what the service asks for, if it does.
        seconds: how long an answer may take.
        retries: how often a request is made again that the service refuses for now, after the time that it asks for; 0
            is never.
        longest_wait: seconds; where the service asks for a longer wait, there is none.
        tls: other certificates than those that the system trusts.

    Raises:
        UsageError: an address or token that is none.
        MissingExtraError: `liveseg[client]` is not installed.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        seconds: float = 60.0,
        retries: int = 3,
        longest_wait: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._line = Line(Address.of(address), token, seconds, tls)
        self._calls = Calls(Patience(retries, longest_wait))
        self._http = httpx2.Client(**self._line.options())

    def __repr__(self) -> str:
        return f"Client({str(self._line.address)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    @overload
    def segment(
        self, picture: Sendable | None = ..., output: Literal["layers"] = ..., **options: Unpack[PictureOptions]
    ) -> FoundLayers: ...
    @overload
    def segment(
        self, picture: Sendable | None, output: Literal["overlay", "cutout"], **options: Unpack[PictureOptions]
    ) -> Picture: ...
    @overload
    def segment(
        self, picture: Sendable | None, output: Literal["mask"], **options: Unpack[PictureOptions]
    ) -> MaskPicture: ...
    @overload
    def segment(
        self, picture: Sendable | None, output: Literal["areas"], **options: Unpack[PictureOptions]
    ) -> ClassAreas: ...
    @overload
    def segment(
        self, picture: Sendable | None, output: Literal["polygons", "rle"], **options: Unpack[PictureOptions]
    ) -> Document: ...
    @overload
    def segment(
        self, picture: Sendable | None, output: Literal["npz"], **options: Unpack[PictureOptions]
    ) -> Archive: ...

    def segment(
        self, picture: Sendable | None = None, output: str = "layers", **options: Unpack[PictureOptions]
    ) -> Answer:
        """Segment one picture.

        Args:
            picture: a path or bytes of a file, `(H, W, 3)` `uint8` RGB, or a PIL image; `None` with the option `url`.
            output: `layers` (mask and confidence), `overlay`, `mask` (a palette PNG), `cutout`, `areas`, `polygons`
                (GeoJSON), `rle` (COCO) or `npz`.
            **options: model, size, and how it is drawn; see `PictureOptions`.

        Raises:
            ProblemError: the service says that something is wrong.
            UnreachableError: it cannot be reached, or does not answer in time.
            SourceNotFoundError: no such file.
            UsageError: something that is no picture, or no output.
        """
        return self._run(self._calls.segment(picture, output, dict(options)))

    def models(self) -> list[ModelInfo]:
        """The models that may be asked for, the default first."""
        return self._run(self._calls.models())

    def health(self) -> Health:
        """How it stands with the service; it does not have to be ready."""
        return self._run(self._calls.health())

    def wait_until_ready(self, seconds: float = 60.0) -> Health:
        """Wait until the service takes work.

        Raises:
            NoAnswerError: it does not within that time.
            UnreachableError: there is none.
        """
        return self._run(self._calls.until_ready(seconds))

    def submit_video(self, path: str | PathLike[str], **options: Unpack[VideoOptions]) -> VideoJob:
        """Send a video to be worked on; returns when it was received.

        Args:
            path: of the file.
            **options: what is to be made of it, and how; see `VideoOptions`.

        Raises:
            SourceNotFoundError: no such file.
            MediaError: it cannot be read.
            ProblemError: as `segment`; of status 429 where the service has too many already.
            UnreachableError: as `segment`.
        """
        return VideoJob(self, self._run(self._calls.submit(path, dict(options))))

    def videos(self) -> list[VideoJob]:
        """The videos that came from this address, the newest first."""
        return [VideoJob(self, status) for status in self._run(self._calls.videos())]

    def video(self, id: str) -> VideoJob:  # noqa: A002 - what the service calls it
        """A video that was sent before, by its `id`."""
        return VideoJob(self, self._run(self._calls.video(id)))

    def streams(self) -> Streams:
        """The live sources on the service's side."""
        return self._run(self._calls.streams())

    def start_stream(
        self,
        name: str | None = None,
        *,
        address: str | None = None,
        model: str | None = None,
        size: int | None = None,
        smooth: bool | None = None,
    ) -> StreamStatus:
        """Have the service read a live source; one that it reads already stays as it is.

        Args:
            name: of a source that the service was started with; with an address, what to call it.
            address: of a source, where the service lets clients say that.
            model: the service's default by default.
            size: shorter side of the network's input, in pixels; the model's own by default.
            smooth: steady the masks over time; the service does by default.

        Raises:
            ProblemError: it does not read it; the detail says why.
        """
        options = {"name": name, "address": address, "model": model, "size": size, "smooth": smooth}
        return self._run(self._calls.start_stream(options))

    def stream(self, id: str) -> StreamStatus:  # noqa: A002 - what the service calls it
        """How it stands with a live source on the service's side."""
        return self._run(self._calls.stream(id))

    def stop_stream(self, id: str) -> None:  # noqa: A002
        """End a live source on the service's side, and forget it."""
        self._run(self._calls.stop_stream(id))

    def snapshot(self, id: str) -> bytes:  # noqa: A002
        """The newest picture of a live source on the service's side, as a JPEG."""
        return self._run(self._calls.image(stream_path(id, "/snapshot.jpg")))

    @overload
    def live(self, output: Literal["layers"] = ..., **options: Unpack[LiveOptions]) -> Live[LiveMask]: ...
    @overload
    def live(self, output: Literal["overlay"], **options: Unpack[LiveOptions]) -> Live[LivePicture]: ...

    def live(self, output: str = "layers", **options: Unpack[LiveOptions]) -> Live[Any]:
        """A connection for live pictures; a context manager, connected when it is entered.

        Args:
            output: `layers` (masks) or `overlay` (JPEGs).
            **options: see `LiveOptions`.

        Raises:
            UsageError: another output.
        """
        return Live(self._line, LiveState(output, dict(options), self._line.token))

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    done = self._do(step)
                except BaseException as error:  # noqa: BLE001 - raised again by the steps, once they have cleared up
                    step = steps.throw(error)
                else:
                    step = steps.send(done)
        except StopIteration as end:
            return cast("T", end.value)

    def _do(self, step: Ask | Pause) -> Reply | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        with ExitStack() as stack:
            content: bytes | Iterator[bytes] | None = step.body if isinstance(step.body, bytes) else None
            if isinstance(step.body, Path):
                content = _chunks(stack.enter_context(step.body.open("rb")))
            try:
                response = stack.enter_context(self._http.stream(**self._line.request(step), content=content))
                if step.into is None or not response.is_success:
                    return reply_of(response, response.read())
                with step.into.open("wb") as file:
                    for chunk in response.iter_bytes(CHUNK):
                        file.write(chunk)
                return reply_of(response)
            except httpx2.TransportError as error:
                raise self._line.failure(error) from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


class VideoJob:
    """A video that a service works on.

    Args:
        client: of the service.
        status: as the service told it last.
    """

    def __init__(self, client: Client, status: VideoStatus) -> None:
        self._client = client
        self.status = status

    def __repr__(self) -> str:
        return f"VideoJob({self.id!r}, {self.status.state})"

    @property
    def id(self) -> str:
        """Its name."""
        return self.status.id

    def refresh(self) -> VideoStatus:
        """Ask how it stands."""
        self.status = self._run(self._calls.video(self.id))
        return self.status

    def wait(
        self, progress: OnProgress | None = None, *, seconds: float | None = None, every: float = 0.5
    ) -> VideoStatus:
        """Wait until it is done.

        Args:
            progress: called with the status each time it was asked for.
            seconds: how long to wait; for ever by default.
            every: seconds between two looks.

        Raises:
            VideoFailedError: nothing was made of it.
            NoAnswerError: it is not done in that time.
        """
        self.status = self._run(self._calls.wait(self.id, progress, seconds, every))
        return self.status

    def download(self, target: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Fetch what was made, into a file that is there when it is whole.

        Args:
            target: the file, or a folder, in which the service's name for it is taken.
            overwrite: replace a file that is there.

        Raises:
            ProblemError: it is not done yet (409), or gone (410).
            OutputExistsError: the file is there and `overwrite` is false.
            SinkError: it cannot be written.
        """
        return self._run(self._calls.download(self.id, target, self.status.file_name, overwrite=overwrite))

    def preview(self) -> bytes:
        """The newest finished frame as a small JPEG."""
        return self._run(self._calls.image(video_path(self.id, "/preview.jpg")))

    def poster(self) -> bytes:
        """The frame with most to see so far, as a JPEG."""
        return self._run(self._calls.image(video_path(self.id, "/poster")))

    def areas(self, points: int = 1000) -> VideoAreas:
        """How much of the picture each class covers over time, also while it runs."""
        return self._run(self._calls.areas(self.id, points))

    def cancel(self) -> None:
        """Stop the work on it, or forget what was made; its files are gone then. One that is gone stays so."""
        self._run(self._calls.remove(self.id))

    @property
    def _calls(self) -> Calls:
        return self._client._calls  # noqa: SLF001 - the client's own

    def _run(self, steps: Steps[T]) -> T:
        return self._client._run(steps)  # noqa: SLF001
