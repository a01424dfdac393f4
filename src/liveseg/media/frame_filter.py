"""FFmpeg's filters over decoded frames: deinterlacing, and HDR to SDR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.error import BlockingIOError as TryAgain
from av.error import EOFError as EndOfStream
from av.filter import Graph

from liveseg.media.color import matrix_code, range_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from av.video.frame import VideoFrame


class FrameFilter:
    """A chain of filters, built for the first frame and anew where the frames' size or format changes.

    Args:
        filters: pairs of a filter's name and its arguments, as FFmpeg writes them.
        time_base: seconds a unit of the timestamps that go in and come out.
        threads: at most this many for the filters.
    """

    def __init__(self, filters: Sequence[tuple[str, str]], time_base: Fraction, threads: int) -> None:
        self._filters = filters
        self._time_base = time_base
        self._threads = threads
        self._graph: Graph | None = None
        self._built_for: tuple[object, ...] = ()

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Put a frame in; yields those that come out, in order."""
        built_for = (frame.width, frame.height, frame.format.name)
        if self._graph is None or built_for != self._built_for:
            yield from self.flush()
            self._graph = self._build(frame)
            self._built_for = built_for
        # The graph was told these, so the frame has to agree.
        frame.colorspace = 0 if frame.format.is_rgb else matrix_code(frame)
        frame.color_range = range_of(frame)
        self._graph.push(frame)
        yield from self._pull(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """End the chain: yields the frames that it still holds."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.push(None)
            yield from self._pull(graph)

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = self._threads
        time_base = self._time_base
        matrix = 0 if frame.format.is_rgb else matrix_code(frame)
        source = graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:pixel_aspect=1/1"
            f":time_base={time_base.numerator}/{time_base.denominator}"
            f":colorspace={matrix}:range={int(range_of(frame))}",
        )
        chain = [graph.add(name, arguments) for name, arguments in self._filters]
        graph.link_nodes(source, *chain, graph.add("buffersink")).configure()
        return graph

    def _pull(self, graph: Graph) -> Iterator[VideoFrame]:
        while True:
            try:
                frame = graph.vpull()
            except (TryAgain, EndOfStream):
                return
            if frame.pts is not None and frame.time_base is not None and frame.time_base != self._time_base:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)
            yield frame


def deinterlacer(time_base: Fraction, threads: int) -> FrameFilter:
    """One progressive frame for each interlaced one, the others as they are; `bwdif`, as FFmpeg has it."""
    return FrameFilter([("bwdif", "mode=send_frame:parity=auto:deint=interlaced")], time_base, threads)


def tone_mapper(width: int, height: int, time_base: Fraction, threads: int) -> FrameFilter:
    """HDR (PQ or HLG) to `rgb24` in sRGB of the given size, by swscale's perceptual tone and gamut mapping.

    It makes a table for the first frame, which takes a few seconds, and then about 6 ms a frame of 768x576.
    """
    scale = (
        f"w={width}:h={height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:out_range=pc"
        ":out_primaries=bt709:out_transfer=iec61966-2-1:intent=perceptual"
    )
    return FrameFilter([("scale", scale), ("format", "pix_fmts=rgb24")], time_base, threads)
