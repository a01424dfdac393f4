"""An RTSP server for the tests, a program for the system's Python: GStreamer's own, through GObject introspection.

    rtsp_server.py SECONDS CLIP

It prints its port, then takes commands (`program.py`): cut, restore and the faults of streams. Streams:
`/clock`, pictures made when they are sent, each with the time of its making painted in (`clock.py`), and `/secret`,
the same for who knows the password; both H.264, encoded without a frame of delay. `/clip`: the H.264 of an MP4 file
as it is, at its own pace, in a loop without end.
"""

from __future__ import annotations

import os
import sys
import threading

from clock import paint
from program import PASSWORD, USER, Faults, obey, say

os.environ.setdefault("G_DEBUG", "fatal-criticals")  # what GLib calls critical would be said again without end
try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: F401 - GstApp gives appsrc its methods
except (ImportError, ValueError) as error:
    say(missing=str(error))
    sys.exit(1)

APPSRC = "appsrc name=frames is-live=true format=time"
PAYLOADER = "rtph264pay name=pay0 pt=96 config-interval=-1"
# One slice a picture: the payloader would put the stream's parameters before each slice of a key picture, and
# receivers then take those for pictures of their own.
ENCODER = "x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max=10 sliced-threads=false threads=1"


class Clock:
    """Paints pictures."""

    launch = f"( {APPSRC} do-timestamp=true ! {ENCODER} ! breakmydata name=soil probability=0 ! {PAYLOADER} )"

    def feed(self, media: Gst.Bin, faults: Faults, ended: threading.Event) -> None:
        """Send pictures until ended; of those that are soiled, one byte in fifty is another."""
        source, soil = media.get_by_name("frames"), media.get_by_name("soil")
        size, soiled, clean_from = None, faults.soiled, 0
        for number in faults.ticks(ended):
            if soiled != faults.soiled:
                soiled, clean_from = faults.soiled, number + 15
            soil.set_property("probability", 0.02 if number < clean_from else 0.0)
            if size != faults.size:
                size = faults.size
                shape = f"width={size[0]},height={size[1]}"
                source.set_caps(Gst.Caps.from_string(f"video/x-raw,format=I420,framerate=25/1,{shape}"))
            source.push_buffer(Gst.Buffer.new_wrapped(paint(*size, number)))


class Clip:
    """The H.264 of an MP4 file: its pictures as `(pts, bytes)` in the order of decoding, their caps and their rate."""

    launch = f"( {APPSRC} ! {PAYLOADER} )"

    def __init__(self, path: str) -> None:
        pipeline = Gst.parse_launch("filesrc name=file ! qtdemux ! appsink name=pictures sync=false")
        pipeline.get_by_name("file").set_property("location", path)
        pipeline.set_state(Gst.State.PLAYING)
        sink = pipeline.get_by_name("pictures")
        self.pictures: list[tuple[int, bytes]] = []
        while (sample := sink.pull_sample()) is not None:
            buffer = sample.get_buffer()
            self.pictures.append((buffer.pts, buffer.extract_dup(0, buffer.get_size())))
            self.caps = sample.get_caps()
        pipeline.set_state(Gst.State.NULL)
        _, above, below = self.caps.get_structure(0).get_fraction("framerate")
        self.rate = above / below

    def feed(self, media: Gst.Bin, faults: Faults, ended: threading.Event) -> None:
        """Send the pictures again and again until ended."""
        source = media.get_by_name("frames")
        source.set_caps(self.caps)
        while (running := source.get_clock()) is None:
            if ended.wait(0.005):
                return
        begin = running.get_time() - source.get_base_time()
        for number in faults.ticks(ended, self.rate):
            loop, place = divmod(number, len(self.pictures))
            pts, data = self.pictures[place]
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.dts = begin + int(number * Gst.SECOND / self.rate)
            buffer.pts = begin + pts + int(loop * len(self.pictures) * Gst.SECOND / self.rate)
            source.push_buffer(buffer)


class Server:
    """The server, its streams, and what may be done to them; used from the main loop's thread only."""

    def __init__(self, clip: str) -> None:
        self.faults = Faults()
        self.server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
        # Clients in the main loop's thread: cut from another one, a connection's reader may go on with what is closed,
        # and then never ends.
        self.server.get_thread_pool().set_max_threads(0)
        self.server.set_auth(self._auth())
        self._mount("/clock", Clock())
        self._mount("/secret", Clock(), secret=True)
        self._mount("/clip", Clip(clip))
        self.attached = 0
        self.restore()
        self.server.set_service(str(self.server.get_bound_port()))

    def restore(self) -> None:
        """Answer again, on the same port as before."""
        if not self.attached:
            self.attached = self.server.attach(None)
            if not self.attached:
                raise OSError("the port is taken")

    def cut(self) -> None:
        """Close the port and all connections, and send no more."""
        if self.attached:
            GLib.source_remove(self.attached)
            self.attached = 0
        self.server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        self.server.get_session_pool().filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)

    def reset(self) -> None:
        """Be as at the start: no fault, no client."""
        self.faults.reset()
        self.cut()
        self.restore()

    def _mount(self, path: str, stream: Clock | Clip, *, secret: bool = False) -> None:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(stream.launch)
        permissions = GstRtspServer.RTSPPermissions()
        for role, allowed in (("anyone", not secret), ("user", True)):
            permissions.add_role(role)
            # Without the first the answer would be that there is no such stream, not that a password is needed.
            permissions.add_permission_for_role(role, "media.factory.access", True)
            permissions.add_permission_for_role(role, "media.factory.construct", allowed)
        factory.set_permissions(permissions)
        factory.connect("media-configure", self._begin, stream)
        self.server.get_mount_points().add_factory(path, factory)

    def _begin(self, _factory: object, media: GstRtspServer.RTSPMedia, stream: Clock | Clip) -> None:
        ended = threading.Event()
        media.connect("unprepared", lambda _media: ended.set())
        threading.Thread(target=stream.feed, args=(media.get_element(), self.faults, ended), daemon=True).start()

    @staticmethod
    def _auth() -> GstRtspServer.RTSPAuth:
        def token(role: str) -> GstRtspServer.RTSPToken:
            made = GstRtspServer.RTSPToken()
            made.set_string("media.factory.role", role)
            return made

        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, PASSWORD), token("user"))
        auth.set_default_token(token("anyone"))
        return auth


def in_loop(command):
    """The same command, carried out by the main loop's thread, and waited for."""

    def ask() -> None:
        done, failed = threading.Event(), []

        def run() -> bool:
            try:
                command()
            except Exception as error:  # noqa: BLE001 - raised in the thread that asked
                failed.append(error)
            done.set()
            return GLib.SOURCE_REMOVE

        GLib.idle_add(run)
        done.wait()
        for error in failed:
            raise error

    return ask


def main(seconds: str, clip: str) -> None:
    Gst.init(None)
    for element in ("appsrc", "x264enc", "breakmydata", "rtph264pay", "qtdemux"):
        if Gst.ElementFactory.find(element) is None:
            say(missing=f"GStreamer has no {element}")
            return
    server = Server(clip)
    loop_commands = {"cut": server.cut, "restore": server.restore, "reset": server.reset}
    commands = {name: in_loop(command) for name, command in loop_commands.items()}
    say(port=server.server.get_bound_port(), user=USER, password=PASSWORD)
    threading.Thread(target=obey, args=(server.faults.commands() | commands, float(seconds)), daemon=True).start()
    GLib.timeout_add_seconds(2, lambda: [server.server.get_session_pool().cleanup()] and GLib.SOURCE_CONTINUE)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
