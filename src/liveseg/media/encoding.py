"""Which encoders write which kind of video file, and what their quality and effort are called."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from os import PathLike

_X264_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip


_LEAST_TIMESCALE, _MOST_TIMESCALE = 1000, 1_000_000
"""Units a second of a track's clock: MP4 has 32 bits for them and for a frame's length."""

_PIECE_SECONDS = 1
"""What a killed run may lose of what was encoded: the fragment or cluster that it was writing."""


def usable_time_base(time_base: Fraction) -> Fraction:
    """A time base that encoders and MP4 can hold: the one given, or else one that is fine enough."""
    if time_base > 0 and time_base.denominator <= _MOST_TIMESCALE:
        return time_base
    return Fraction(1, 90000)


def _clocks(time_base: Fraction) -> dict[str, str]:
    """The clocks of an MP4's video track and of its edit lists, such that no time has to be rounded."""
    units = time_base.denominator
    while units < _LEAST_TIMESCALE:
        units *= 2
    return {"video_track_timescale": str(units), "movie_timescale": str(units)}


@dataclass(frozen=True)
class Container:
    """A kind of video file.

    Args:
        format: FFmpeg's name for it.
        codecs: the video encoders that go into it, the default one first.
        sound: the audio codecs that are copied into it as they are: those that browsers play in it.
        sound_encoder: what other sound is made into.
        fragments: whether it has an index that has to be written last, so that it grows in fragments instead.
        negative_times: whether a packet may start before 0, its beginning then not being played.
    """

    format: str
    codecs: tuple[str, ...]
    sound: frozenset[str]
    sound_encoder: str
    fragments: bool
    negative_times: bool

    def growing(self, time_base: Fraction) -> dict[str, str]:
        """Options of the muxer for a file that plays as far as it got, at any moment of its growth."""
        always = {"flush_packets": "1", "max_interleave_delta": str(_PIECE_SECONDS * 1_000_000)}
        if not self.fragments:
            # Matroska's random numbers are of no use here; without them the same frames make the same file.
            return always | {"cluster_time_limit": str(_PIECE_SECONDS * 1000), "fflags": "+bitexact"}
        return (
            always
            | _clocks(time_base)
            | {
                "movflags": "frag_keyframe+delay_moov+default_base_moof",
                "frag_duration": str(_PIECE_SECONDS * 1_000_000),
            }
        )

    def finished(self, time_base: Fraction) -> dict[str, str]:
        """Options of the muxer for the whole file, its index in front."""
        return _clocks(time_base) | {"movflags": "faststart"}


_X = ("libx264", "libx265")
_OPEN = ("libvpx-vp9", "libsvtav1")
_MP3 = ("mp3", "mp3float")
_PCM = ("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be")

# FLAC and MP3 in MP4 play in Chromium, Firefox and Safari; Opus in MP4 not in all of the Safaris in use. QuickTime
# and Safari also play ALAC and PCM in MOV. Matroska is for desktop players, which play anything that fits into it.
_MP4 = Container("mp4", (*_X, *_OPEN), frozenset({"aac", *_MP3, "flac"}), "aac", fragments=True, negative_times=True)
_MOV = Container("mov", _X, frozenset({"aac", *_MP3, "alac", *_PCM}), "aac", fragments=True, negative_times=True)
_MKV = Container(
    "matroska",
    (*_X, *_OPEN),
    frozenset({"aac", *_MP3, "mp2", "mp2float", "ac3", "eac3", "dca", "flac", "alac", "opus", "vorbis", *_PCM}),
    "aac",
    fragments=False,
    negative_times=False,
)
_WEBM = Container("webm", _OPEN, frozenset({"opus", "vorbis"}), "libopus", fragments=False, negative_times=False)
CONTAINERS = {".mp4": _MP4, ".m4v": _MP4, ".mov": _MOV, ".mkv": _MKV, ".webm": _WEBM}
"""The kinds of video file that can be written, by extension."""


@dataclass(frozen=True)
class Encoder:
    """A video encoder and the names of its settings.

    Args:
        most_crf: the largest value of `crf`, which is the worst quality; the smallest is 0.
        crf: the value unless told otherwise.
        presets: the efforts it knows, from the fastest to the slowest.
        preset: the one unless told otherwise.
        options: what FFmpeg has to be told besides; `{threads}` in it stands for their number.
    """

    most_crf: int
    crf: int
    presets: tuple[str, ...]
    preset: str
    options: dict[str, str] = field(default_factory=dict)


ENCODERS = {
    "libx264": Encoder(51, 20, _X264_PRESETS, "veryfast"),
    "libx265": Encoder(51, 22, _X264_PRESETS, "veryfast", {"x265-params": "log-level=error:pools={threads}"}),
    "libsvtav1": Encoder(63, 30, tuple(str(n) for n in range(13, -1, -1)), "9", {"svtav1-params": "lp={threads}"}),
    "libvpx-vp9": Encoder(
        63, 28, tuple(str(n) for n in range(8, -1, -1)), "7", {"deadline": "realtime", "row-mt": "1", "b": "0"}
    ),
}
"""The video encoders that can be asked for."""

_PRESET_OPTION = {"libvpx-vp9": "cpu-used"}


@dataclass(frozen=True)
class Encoding:
    """How a file is to be encoded: its kind, the video encoder, the encoder's own options and what pixels it takes."""

    container: Container
    codec: str
    options: dict[str, str]
    pixels: str = "yuv420p"

    def options_for(self, threads: int) -> dict[str, str]:
        """All options of the encoder, as FFmpeg takes them; to some, their threads have to be told in this way."""
        own = ENCODERS[self.codec].options if self.codec in ENCODERS else {}
        told = {name: value.format(threads=threads) for name, value in own.items()}
        return self.options | told | (_repeatable_x264() if self.codec == "libx264" else {})


_CPU_AVX_512F = 13
"""OpenCV's number of this set of instructions (`cv::CpuFeatures`), which Python has no name for."""


def _repeatable_x264() -> dict[str, str]:
    """What makes x264 give the same bytes for the same pictures: no AVX-512, which costs it a twentieth of its speed.

    With it x264 (core 165) reads memory that nobody has written, in its look-ahead (`mbtree`), and decides by that.
    """
    import cv2

    return {"x264-params": "asm=avx2,bmi2,lzcnt,fma3"} if cv2.checkHardwareSupport(_CPU_AVX_512F) else {}


def choose_encoding(
    path: str | PathLike[str], codec: str | None = None, crf: float | None = None, preset: str | None = None
) -> Encoding:
    """How to encode a file of this name.

    Args:
        path: its extension says the kind: `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`.
        codec: an encoder of FFmpeg; by default `libx264`, in WebM `libvpx-vp9`.
        crf: the quality, lower is better, on the encoder's own scale; `None` for its default.
        preset: the effort, by the encoder's own name or number; `None` for its default.

    Raises:
        UsageError: an extension, encoder, quality or effort that is not known; the message names the choices.
    """
    extension = Path(path).suffix.lower()
    container = CONTAINERS.get(extension)
    if container is None:
        raise UsageError(f"{path} is no name for a video that can be written; end it in {', '.join(CONTAINERS)}")
    codec = container.codecs[0] if codec is None else codec
    present = [name for name in container.codecs if name in av.codecs_available]
    if codec not in present:
        known = "" if codec in ENCODERS else "no such video encoder here: "
        raise UsageError(f"{known}{codec!r} does not go into {extension}; choose one of {', '.join(present)}")
    return Encoding(container, codec, encoder_options(codec, crf, preset))


def encoder_options(codec: str, crf: float | None = None, preset: str | None = None) -> dict[str, str]:
    """Quality and effort as one of the `ENCODERS` takes them.

    Args:
        codec: the encoder.
        crf: the quality, lower is better, on the encoder's own scale; `None` for its default.
        preset: the effort, by the encoder's own name or number; `None` for its default.

    Raises:
        UsageError: a quality or effort that it does not know; the message names the choices.
    """
    encoder = ENCODERS[codec]
    crf = encoder.crf if crf is None else crf
    if not 0 <= crf <= encoder.most_crf:
        raise UsageError(f"the quality (crf) of {codec} is 0 (best) to {encoder.most_crf}, not {crf:g}")
    preset = encoder.preset if preset is None else str(preset)
    if preset not in encoder.presets:
        raise UsageError(f"no preset {preset!r} in {codec}; choose one of {', '.join(encoder.presets)}")
    return {"crf": f"{crf:g}", _PRESET_OPTION.get(codec, "preset"): preset}
