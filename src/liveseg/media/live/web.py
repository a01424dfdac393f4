"""A video file on a web server, or a playlist that has an end: read as files are, only over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.media.live.interrupt import interruptible
from liveseg.media.live.network import open_network
from liveseg.media.video_source import VideoSource

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from fractions import Fraction

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.media.address import Address
    from liveseg.media.frame import Frame, Selection
    from liveseg.media.live.options import LiveOptions


class WebVideo(VideoSource):
    """The frames of a video over HTTP, all of them, as `VideoSource` gives those of a file.

    Args:
        address: where it is.
        options: how it is read.
        selection: which frames are wanted.
        opened: what `open_network` has opened already.
        ended: ends the waiting for the server, once set.

    Raises:
        UsageError: a selection that makes no sense.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(
        self,
        address: Address,
        options: LiveOptions,
        selection: Selection | None,
        opened: tuple[InputContainer, VideoStream],
        ended: threading.Event,
    ) -> None:
        self._ended = ended
        ready = [opened]

        def opener() -> tuple[InputContainer, VideoStream]:
            return ready.pop() if ready else open_network(address, options, ended)

        try:
            with interruptible(ended):
                super().__init__(address.shown, selection, threads=options.threads, opener=opener)
        except BaseException:
            opened[0].close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        frames = super().__iter__()
        while True:
            with interruptible(self._ended):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def end(self) -> None:
        """End the waiting for the server, from any thread."""
        self._ended.set()

    def _note_damage(self, first: Fraction) -> None:
        if not self._ended.is_set():
            super()._note_damage(first)
