"""Where pictures come from and where they go: images, video files, live sources, the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.media.pyav import import_pyav

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.media.address import Address
    from liveseg.media.frame import Selection, Source


def open_source(
    path: str | PathLike[str] | Address, selection: Selection | None = None, *, threads: int | None = None
) -> Source:
    """Open an image or a video file, told apart by its content, or a live source.

    Args:
        path: the file; or an address, such as `0` or `rtsp://host/stream`, as text or parsed, where a `Path` is always
            a file. `media.live.open.open_live` opens addresses with more options.
        selection: which frames of a video are wanted; an image has one frame, whatever the selection.
        threads: at most this many for decoding; `None` leaves it to the source.

    Raises:
        UsageError: an address of a kind that is not read.
        SourceNotFoundError: no such file or camera.
        MediaError: a folder, an empty or damaged file, one that is neither image nor video; an address without one.
    """
    from liveseg.media.address import Address, parse_address

    if isinstance(path, str):
        path = parse_address(path) or path
    if isinstance(path, Address):
        import_pyav()
        from liveseg.media.live.open import open_live
        from liveseg.media.live.options import LiveOptions

        return open_live(path, selection=selection, options=LiveOptions(threads=threads))
    from liveseg.media.images import ImageSource, NotAnImageError
    from liveseg.media.paths import IMAGE_EXTENSIONS

    path = Path(path)
    try:
        return ImageSource(path)
    except NotAnImageError as error:
        if path.suffix.lower() in IMAGE_EXTENSIONS:
            raise MediaError(str(error)) from error
    import_pyav()
    from liveseg.media.video_source import VideoSource

    return VideoSource(path, selection, threads=threads)
