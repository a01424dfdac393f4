"""Codecs and containers for mask files: size, cost, exact times, and what is left of a file whose writer was killed.

    python benchmarks/mask_containers.py VIDEO... [--frames 100] [--rounds 5] > benchmarks/results/mask_containers.json

The masks and confidences of `lite` on the first frames of each video are written and read back by each candidate with
one thread, in turn so that all of them see the same machine, after a round that does not count. Medians over the rounds
of milliseconds of processor time a frame, copying in and out included, and bytes a frame. Every candidate is checked
for whether it gives back the same bytes, and the same times of frames that last 1 to 7 units of 1001/30000 s; and is
killed with SIGKILL after 40 frames to see how many are left. It prints one JSON record.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.frame import VideoFrame

from liveseg import Segmenter
from liveseg.bench.machine import commit, describe_machine
from liveseg.bench.record import command_line, write_record
from liveseg.media import open_source
from liveseg.media.frame import Selection
from liveseg.tuning.machine import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Planes = Sequence[NDArray[np.uint8]]

TICK = Fraction(1001, 30000)
FLUSHED = {"flush_packets": "1"}
FRAGMENTS = "delay_moov+default_base_moof+frag_"
EACH = FLUSHED | {"movflags": FRAGMENTS + "every_frame", "video_track_timescale": str(TICK.denominator)}
GROUPS = FLUSHED | {"movflags": FRAGMENTS + "keyframe", "video_track_timescale": str(TICK.denominator)}
KILLED_AFTER = 40


@dataclass(frozen=True)
class Candidate:
    """A way to write masks.

    Args:
        name: what it is called in the record.
        container: FFmpeg's name of the format.
        codec: and of the encoder.
        pixels: the pixel format that holds the class indices.
        options: of the encoder.
        muxer: options of the container.
        group: pictures from one key picture to the next.
    """

    name: str
    container: str
    codec: str
    pixels: str = "gray"
    options: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=lambda: FLUSHED)
    group: int = 1


GOLOMB = {"level": "3", "coder": "0", "context": "0", "slices": "4", "slicecrc": "1"}
RANGE = GOLOMB | {"coder": "1"}
VP9 = {"lossless": "1", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
CLUSTERS = FLUSHED | {"cluster_time_limit": "1000"}

CANDIDATES = (
    Candidate("JPEG-LS in NUT", "nut", "jpegls"),
    Candidate("FFV1 (Golomb) in NUT", "nut", "ffv1", options=GOLOMB),
    Candidate("FFV1 (range coder) in NUT", "nut", "ffv1", options=RANGE),
    Candidate("FFV1 (Golomb) in Matroska", "matroska", "ffv1", options=GOLOMB, muxer=CLUSTERS),
    Candidate("H.264 lossless ultrafast in MP4, fragment a frame", "mp4", "libx264",
              options={"qp": "0", "preset": "ultrafast"}, muxer=EACH, group=50),
    Candidate("H.264 lossless superfast in MP4, fragment a frame", "mp4", "libx264",
              options={"qp": "0", "preset": "superfast", "bf": "0", "rc-lookahead": "0"}, muxer=EACH, group=50),
    Candidate("H.264 lossless superfast in MP4, fragment a group", "mp4", "libx264",
              options={"qp": "0", "preset": "superfast", "bf": "0", "rc-lookahead": "0"}, muxer=GROUPS, group=50),
    Candidate("VP9 lossless in Matroska", "matroska", "libvpx-vp9", "yuv420p", VP9, CLUSTERS, 50),
    Candidate("PNG (level 1, palette) in NUT", "nut", "png", "pal8", {"compression_level": "1", "pred": "none"}),
    Candidate("PNG (level 6, palette) in NUT", "nut", "png", "pal8", {"compression_level": "6", "pred": "none"}),
    Candidate("ZMBV (palette) in NUT", "nut", "zmbv", "pal8", {"compression_level": "6"}, group=50),
    Candidate("FFVHuff in NUT", "nut", "ffvhuff"),
    Candidate("MagicYUV in NUT", "nut", "magicyuv", options={"pred": "median"}),
)  # fmt: skip


class Writer:
    """A file that a candidate writes; frames last 1 to 7 ticks."""

    def __init__(self, candidate: Candidate, path: Path, size: tuple[int, int]) -> None:
        height, width = size
        self._pixels = candidate.pixels
        self._output = av.open(str(path), "w", format=candidate.container, container_options=candidate.muxer)
        self._track = self._output.add_stream(
            candidate.codec, rate=30, options=candidate.options, width=width, height=height, pix_fmt=candidate.pixels,
            time_base=TICK,
        )  # fmt: skip
        self._track.codec_context.thread_count = 1
        self._track.codec_context.gop_size = candidate.group

    def write(self, plane: NDArray[np.uint8], pts: int) -> None:
        """Take a frame."""
        picture = self._picture(plane)
        picture.pts, picture.time_base = pts, TICK
        self._output.mux(self._track.encode(picture))

    def close(self) -> None:
        """Finish the file."""
        self._output.mux(self._track.encode(None))
        self._output.close()

    def _picture(self, plane: NDArray[np.uint8]) -> VideoFrame:
        if self._pixels == "gray":
            return VideoFrame.from_ndarray(plane, "gray")
        picture = VideoFrame(plane.shape[1], plane.shape[0], self._pixels)
        rows(picture)[...] = plane
        if self._pixels == "pal8":
            picture.planes[1].update(bytes(1024))
        else:
            for chroma in picture.planes[1:]:
                np.frombuffer(chroma, np.uint8)[:] = 128
        return picture


def rows(picture: VideoFrame) -> NDArray[np.uint8]:
    """The class indices in a picture, whatever its format."""
    plane = picture.planes[0]
    padded = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return padded[: picture.height, : picture.width]


def times(count: int) -> list[int]:
    """When frames begin, in ticks: unevenly."""
    return [0, *np.cumsum([1 + 3 * number % 7 for number in range(count - 1)]).tolist()]


def once(candidate: Candidate, planes: Planes, path: Path) -> dict[str, float | bool]:
    """Write and read one file."""
    moments = times(len(planes))
    began = time.process_time()
    writer = Writer(candidate, path, planes[0].shape)
    for plane, moment in zip(planes, moments, strict=True):
        writer.write(plane, moment)
    writer.close()
    written = time.process_time()
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1
        found = [((own.pts or 0) * own.time_base, rows(own).copy()) for own in container.decode(track)]
    read = time.process_time()
    whole = len(found) == len(planes)
    return {
        "encode_ms": (written - began) * 1e3 / len(planes),
        "decode_ms": (read - written) * 1e3 / len(planes),
        "bytes": path.stat().st_size / len(planes),
        "same_bytes": whole and all(np.array_equal(own, plane) for (_, own), plane in zip(found, planes, strict=True)),
        "same_times": whole and [moment for moment, _ in found] == [moment * TICK for moment in moments],
    }


def measure(planes: Planes, rounds: int, folder: Path) -> list[dict[str, object]]:
    """Every candidate in turn, round after round; the first round does not count."""
    results: list[list[dict[str, float | bool]]] = [[] for _ in CANDIDATES]
    for number in range(rounds + 1):
        for candidate, own in zip(CANDIDATES, results, strict=True):
            result = once(candidate, planes, folder / "masks")
            if number:
                own.append(result)
    return [
        {
            "name": candidate.name,
            **{
                name: round(statistics.median(float(result[name]) for result in own), digits)
                for name, digits in (("encode_ms", 3), ("decode_ms", 3), ("bytes", 0))
            },
            "same_bytes": all(result["same_bytes"] for result in own),
            "same_times": all(result["same_times"] for result in own),
        }
        for candidate, own in zip(CANDIDATES, results, strict=True)
    ]


def left_after_kill(number: int, planes: Planes, folder: Path) -> int:
    """Of a file whose writer was killed after so many frames, how many can be read."""
    np.save(folder / "planes.npy", np.stack(planes))
    path = folder / "killed"
    command = [sys.executable, __file__, "--write", str(number), str(folder / "planes.npy"), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()
        process.kill()
    count = 0
    try:
        with av.open(str(path)) as container:
            for picture in container.decode(video=0):
                count += np.array_equal(rows(picture), planes[count % len(planes)])
    except (av.FFmpegError, OSError):
        pass  # what came before counts
    return count


def write_and_wait(number: int, planes: Path, path: Path) -> None:
    """Write some frames, say so, and wait for the end."""
    stored = np.load(planes)
    writer = Writer(CANDIDATES[number], path, stored[0].shape)
    for moment, index in zip(times(KILLED_AFTER), range(KILLED_AFTER), strict=True):
        writer.write(stored[index % len(stored)], moment)
    print("written", flush=True)
    time.sleep(600)


def segment(video: str, frames: int) -> tuple[Planes, Planes]:
    """The masks and the confidences of a video's first frames."""
    segmenter = Segmenter()
    found = [result.segmentation for result in segmenter.stream(video, selection=Selection(limit=frames))]
    return [own.mask for own in found], [own.confidence_image() for own in found]


def main() -> None:
    """Measure, and print the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_and_wait(int(options.write[0]), Path(options.write[1]), Path(options.write[2]))
        return
    record = {
        "command": command_line("python benchmarks/mask_containers.py", sys.argv[1:]),
        "machine": describe_machine(),
        "versions": versions(),
        "ffmpeg": {name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
        "commit": commit(),
        "frames": options.frames,
        "rounds": options.rounds,
        "killed_after_frames": KILLED_AFTER,
        "clips": [],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for video in options.videos:
            with open_source(video) as source:
                size = [source.info.width, source.info.height]
            masks, confidences = segment(video, options.frames)
            own = measure(masks, options.rounds, folder)
            for number, entry in enumerate(own):
                entry["left_after_kill"] = left_after_kill(number, masks, folder)
            confident = measure(confidences, max(options.rounds // 2, 1), folder)
            record["clips"].append({"clip": Path(video).name, "size": size, "masks": own, "confidences": confident})
    write_record(record)


if __name__ == "__main__":
    main()
