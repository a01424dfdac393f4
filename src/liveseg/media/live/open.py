"""From an address to its source: what kind it is, and in which way it is read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.media.live.camera import open_camera
from liveseg.media.live.connection import Connection
from liveseg.media.live.network import PLAYLIST_PATIENCE, is_live, open_network
from liveseg.media.live.options import LiveOptions
from liveseg.media.live.paced import Paced
from liveseg.media.live.raw import RawSource
from liveseg.media.live.source import LiveSource
from liveseg.media.live.web import WebVideo
from liveseg.media.picking import check_selection
from liveseg.media.video_open import codec_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.media.address import Address
    from liveseg.media.frame import Selection, Source

    Opened = tuple[InputContainer, VideoStream]

_LOOK = 0.05
_GOODBYE = 5.0


def open_live(
    address: Address,
    *,
    selection: Selection | None = None,
    options: LiveOptions | None = None,
    stop: threading.Event | None = None,
) -> Source:
    """Open what an address names, and wait for its first frame: for the time-out, and 15 s more for a key frame.

    Cameras, RTSP, RTMP, MJPEG, UDP, TCP, SRT and playlists without an end are live (`LiveSource`); raw frames on
    standard input are read each (`RawSource`); files over HTTP and playlists with an end are read as files are, and
    with `options.every_frame` false played at their own pace (`Paced`).

    Args:
        address: what `parse_address` made of the user's words.
        selection: which frames are wanted.
        options: how it is read.
        stop: ends the waiting, once set.

    Raises:
        UsageError: a selection, or options for raw frames, that make no sense.
        SourceNotFoundError: no such camera.
        MediaError: it cannot be had, or what it gives cannot be decoded; the message holds no password.
    """
    options = options or LiveOptions()
    if selection is not None:
        check_selection(selection)
    if address.kind == "stdin":
        return RawSource(options, selection, stop=stop)
    if address.kind == "camera":
        return _live(address, lambda ended: open_camera(address, options, ended), options, selection, stop)
    if address.kind != "http":
        return _live(address, lambda ended: open_network(address, options, ended), options, selection, stop)
    return _open_web(address, options, selection, stop)


def _open_web(
    address: Address, options: LiveOptions, selection: Selection | None, stop: threading.Event | None
) -> Source:
    """What a web server has: only once it is open is it known whether it is live."""

    def connect(ended: threading.Event) -> Opened | WebVideo:
        opened = open_network(address, options, ended)
        return opened if is_live(opened[0]) else WebVideo(address, options, selection, opened, ended)

    found = _waited_for(connect, address, stop)
    if isinstance(found, WebVideo):
        return Paced(found) if options.every_frame is False else found
    playlist = found[0].format.name == "hls"
    ready = [found]

    def dial(ended: threading.Event) -> Opened:
        return ready.pop() if ready else open_network(address, options, ended)

    return _live(address, dial, options, selection, stop, playlist=playlist)


def _live(
    address: Address,
    dial: Callable[[threading.Event], Opened],
    options: LiveOptions,
    selection: Selection | None,
    stop: threading.Event | None,
    *,
    playlist: bool = False,
) -> LiveSource:
    every_frame = options.every_frame is True
    threads = codec_threads(options.threads)
    silence = options.timeout + (PLAYLIST_PATIENCE if playlist else 0.0)

    def connect(ended: threading.Event) -> Connection | None:
        container, stream = dial(ended)
        # FFmpeg ends a playlist alike where it has its end and where it cannot be had any longer.
        if playlist and not is_live(container):
            container.close()
            return None
        keeps_up = not (every_frame or playlist)
        return Connection(container, stream, threads=threads, ended=ended, silence=silence, keeps_up=keeps_up)

    return LiveSource(
        address.shown,
        connect,
        options=options,
        selection=selection,
        every_frame=every_frame,
        paced=playlist and not every_frame,
        stop=stop,
    )


def _waited_for(
    work: Callable[[threading.Event], Opened | WebVideo], address: Address, stop: threading.Event | None
) -> Opened | WebVideo:
    """Do something in another thread, so that Ctrl-C and `stop` end it at once."""
    done: list[Opened | WebVideo] = []
    failed: list[BaseException] = []
    ended, ready = threading.Event(), threading.Event()

    def run() -> None:
        try:
            done.append(work(ended))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failed.append(error)
        ready.set()

    thread = threading.Thread(target=run, name="liveseg-connect", daemon=True)
    thread.start()
    try:
        while not ready.wait(_LOOK):
            if stop is not None and stop.is_set():
                raise MediaError(f"stopped while waiting for {address}")
    except BaseException:
        ended.set()
        thread.join(_GOODBYE)
        for found in done:
            (found if isinstance(found, WebVideo) else found[0]).close()
        raise
    thread.join()
    for error in failed:
        raise error
    return done[0]
