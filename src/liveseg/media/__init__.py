"""Where pictures come from and where they go: images, video files, the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MediaError

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.media.frame import Selection, Source


def open_source(path: str | PathLike[str], selection: Selection | None = None, *, threads: int | None = None) -> Source:
    """Open an image or a video file, told apart by its content.

    Args:
        path: the file.
        selection: which frames of a video are wanted; an image has one frame, whatever the selection.
        threads: at most this many for decoding; `None` leaves it to the source.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a folder, an empty or damaged file, or one that is neither image nor video.
    """
    from liveseg.media.images import ImageSource, NotAnImageError
    from liveseg.media.paths import IMAGE_EXTENSIONS

    path = Path(path)
    try:
        return ImageSource(path)
    except NotAnImageError as error:
        if path.suffix.lower() in IMAGE_EXTENSIONS:
            raise MediaError(str(error)) from error
    from liveseg.media.video_source import VideoSource

    return VideoSource(path, selection, threads=threads)
