"""Frames as a camera that other programs can choose, in a call for instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import MediaError, MissingExtraError, SinkError
from liveseg.media.frame import Sink
from liveseg.media.frame_check import FrameCheck
from liveseg.media.playback import Playback

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.media.frame import Frame, SourceInfo


class VirtualCameraSink(Sink):
    """Sends frames to a virtual camera by pyvirtualcam; use as a context manager.

    On Linux it is a device of v4l2loopback, on macOS and Windows that of OBS. An odd width or height gets one more
    column or row, a copy of the last. A file is shown at its own pace.

    Args:
        info: the source's.
        device: the camera's name, such as `/dev/video2`; by default the first one that is free.
        tell: told in one line what the camera is called.

    Raises:
        MissingExtraError: pyvirtualcam is not installed.
        SinkError: there is no virtual camera, or none of that name.
    """

    def __init__(
        self, info: SourceInfo, device: str | None = None, *, tell: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.notes: list[str] = []
        self._info = info
        self._written = False
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MissingExtraError("a virtual camera needs pyvirtualcam: pip install 'liveseg[virtualcam]'") from error
        self._more = ((0, info.height % 2), (0, info.width % 2), (0, 0))
        try:
            self._camera: Any = pyvirtualcam.Camera(
                width=info.width + info.width % 2,
                height=info.height + info.height % 2,
                fps=float(info.rate or 25),
                fmt=pyvirtualcam.PixelFormat.RGB,
                device=device,
            )
        except (RuntimeError, OSError, ValueError) as error:
            named = f"the virtual camera {device} cannot be used" if device else "this machine has no virtual camera"
            raise SinkError(f"{named}: {' '.join(str(error).split())}") from error
        self._check = FrameCheck(f"the camera {self._camera.device}", info)
        self._playback = Playback(info)
        tell(f"shown by the camera {self._camera.device}")

    def write(self, frame: Frame) -> None:
        """Show a finished frame.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a camera that is closed
                or does not take it.
        """
        if self._camera is None:
            raise SinkError(f"cannot show frame {frame.index}: the camera is closed already")
        self._check(frame)
        self._playback.wait(frame)
        try:
            self._camera.send(np.ascontiguousarray(np.pad(frame.image, self._more, "edge")))
        except (RuntimeError, OSError, ValueError) as error:
            raise SinkError(
                f"the camera {self._camera.device} takes no frame: {' '.join(str(error).split())}"
            ) from error
        self._written = True

    def commit(self) -> None:
        """Close the camera; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one frame was written.
        """
        if self._camera is None:
            return
        self.abort()
        if not self._written:
            raise MediaError(f"{self._info.name} gave no frames, so the camera showed nothing")

    def abort(self) -> None:
        """Close the camera; after a commit or an abort it does nothing."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
