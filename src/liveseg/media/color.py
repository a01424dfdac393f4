"""Between the colours that a video stores and RGB, with matrix and range honoured in both directions.

The codes of matrix, range, transfer and primaries are those of ITU-T H.273, which FFmpeg uses as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNSPECIFIED = 2
"""The H.273 code of a matrix, transfer or primaries that a file does not state."""

BT709 = 1
"""The H.273 code of BT.709 as matrix, transfer and primaries."""

_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,  # BT.470BG: the matrix of BT.601
    6: Colorspace.ITU601,  # SMPTE 170M: the same
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,  # constant luminance; treated as the other kind, which is close
}
_CODES = {
    Colorspace.ITU709: 1,
    Colorspace.FCC: 4,
    Colorspace.ITU601: 6,
    Colorspace.SMPTE240M: 7,
    Colorspace.BT2020: 9,
}
_UNKNOWN_MATRICES = {8: "YCgCo", 11: "SMPTE 2085", 12: "chromaticity-derived", 13: "chromaticity-derived", 14: "ICtCp"}
_HDR = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
_WIDE = {ColorPrimaries.BT2020: "BT.2020", ColorPrimaries.SMPTE431: "DCI-P3", ColorPrimaries.SMPTE432: "Display P3"}

# Without FULL_CHR_H_INT swscale repeats each chroma sample over two pixels; without ACCURATE_RND it is off by one
# or two levels. The fastest way would take 0.13 ms a frame of 768x576, this one 1.5 ms, with bicubic 2.6 ms.
_EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
_SAME_SIZE = Interpolation.BILINEAR | _EXACT
_RESIZED = Interpolation.BICUBIC | _EXACT
# One thread each: swscale gains nothing from a second one in these conversions.
_THREADS = 1

_LIMITED_TO_FULL = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


def matrix_of(frame: VideoFrame) -> Colorspace:
    """The matrix to decode a frame with: what it states; otherwise what players assume.

    Unstated, it is BT.2020 where the primaries are, BT.709 from 1280 pixels wide or over 576 lines, and BT.601
    below: the rule of mpv (`mp_csp_guess_colorspace`). Stored sizes count, before rotation and aspect ratio.
    """
    stated = _MATRICES.get(frame.colorspace)
    if stated is not None:
        return stated
    if frame.color_primaries == ColorPrimaries.BT2020:
        return Colorspace.BT2020
    return Colorspace.ITU709 if frame.width >= 1280 or frame.height > 576 else Colorspace.ITU601


def range_of(frame: VideoFrame) -> ColorRange:
    """The range of a frame's samples: full for RGB, `yuvj` and what says so; otherwise limited, as players assume."""
    name = frame.format.name
    if frame.format.is_rgb or name.startswith(("yuvj", "pal")):
        return ColorRange.JPEG
    if frame.color_range in {ColorRange.MPEG, ColorRange.JPEG}:
        return ColorRange(frame.color_range)
    return ColorRange.JPEG if name.startswith("gray") else ColorRange.MPEG


def matrix_code(frame: VideoFrame) -> int:
    """The H.273 code of the matrix that a frame is decoded with."""
    return _CODES[matrix_of(frame)]


def hdr_kind(frame: VideoFrame) -> str | None:
    """`PQ` or `HLG` for a frame of high dynamic range, otherwise `None`."""
    return _HDR.get(ColorTrc(frame.color_trc)) if frame.color_trc in _HDR else None


def color_notes(frame: VideoFrame) -> list[str]:
    """What a user should know of colours that come out otherwise than in a colour-managed player."""
    notes = []
    if frame.colorspace in _UNKNOWN_MATRICES and not frame.format.is_rgb:
        notes.append(
            f"its colours are stored as {_UNKNOWN_MATRICES[frame.colorspace]}, which is not handled; they are off"
        )
    if frame.color_primaries in _WIDE and hdr_kind(frame) is None:
        gamut = _WIDE[ColorPrimaries(frame.color_primaries)]
        notes.append(f"its colours are wide-gamut ({gamut}); they come out a little less saturated")
    return notes


class RgbConverter:
    """Turns decoded frames into RGB of one size; keeps its scaler between frames.

    Args:
        width: of the result, in pixels.
        height: likewise; frames of another size are scaled to it (bicubic).
    """

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The frame as `(H, W, 3)` `uint8` RGB, contiguous and free to be written to; transfer as it was."""
        same_size = (frame.width, frame.height) == (self._width, self._height)
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgb24",
            src_colorspace=matrix_of(frame),
            src_color_range=range_of(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=_SAME_SIZE if same_size else _RESIZED,
            threads=_THREADS,
        )
        rgb = to_array(converted)
        # swscale takes grey for full range whatever it is told.
        if frame.format.name.startswith("gray") and range_of(frame) is ColorRange.MPEG:
            return _LIMITED_TO_FULL[rgb]
        return rgb


def to_array(frame: VideoFrame) -> NDArray[np.uint8]:
    """An `rgb24` frame as `(H, W, 3)` `uint8` RGB, contiguous; without a copy where its rows have no padding."""
    array: NDArray[np.uint8] = np.ascontiguousarray(frame.to_ndarray())
    return array


def converter_to(pixels: str, width: int, height: int) -> YuvConverter | GrayConverter:
    """What turns pictures into frames of an encoder's pixel format: grey pictures, RGBA where it has alpha, or RGB."""
    return GrayConverter(width, height) if pixels == "gray" else YuvConverter(width, height, pixels)


class GrayConverter:
    """Turns grey pictures into frames for an encoder, as they are; see `YuvConverter`."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def __call__(self, image: NDArray[np.uint8]) -> VideoFrame:
        """A frame from `(H, W)` `uint8`, 0 for black and 255 for white."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")
        frame.color_range = ColorRange.JPEG
        return frame


class YuvConverter:
    """Turns RGB or RGBA pictures into frames for an encoder: BT.709, limited range, tagged so; alpha in full range.

    An odd width or height, which 4:2:0 does not have, is made even by repeating the last column or row.

    Args:
        width: of the pictures, in pixels.
        height: likewise.
        pixels: FFmpeg's name of what comes out: `yuv420p`, or with alpha `yuva420p` or `yuva444p10le`.
    """

    def __init__(self, width: int, height: int, pixels: str = "yuv420p") -> None:
        self._reformatter = VideoReformatter()
        self._to = pixels
        self._odd_width = width % 2 == 1 and "420" in pixels
        self._odd_height = height % 2 == 1 and "420" in pixels
        self.width = width + self._odd_width
        self.height = height + self._odd_height
        channels = 4 if pixels.startswith("yuva") else 3
        # Reused for every picture, as the conversion below copies out of it. It is FFmpeg's own memory because
        # swscale reads in whole vectors, beyond the end of a row that is no multiple of them.
        self._rgb = VideoFrame(self.width, self.height, "rgba" if channels == 4 else "rgb24")
        plane = self._rgb.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        self._pixels = rows[: self.height, : self.width * channels].reshape(self.height, self.width, channels)
        if not np.shares_memory(self._pixels, rows):
            raise RuntimeError("numpy copied a view that has to be one")

    def __call__(self, image: NDArray[np.uint8]) -> VideoFrame:
        """A frame of `self.width` x `self.height` from `(H, W, 3)`, or with alpha `(H, W, 4)`, as announced."""
        height, width = image.shape[:2]
        self._pixels[:height, :width] = image
        if self._odd_width:
            self._pixels[:height, -1] = image[:, -1]
        if self._odd_height:
            self._pixels[-1] = self._pixels[-2]
        frame = self._reformatter.reformat(
            self._rgb,
            format=self._to,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SAME_SIZE,
            threads=_THREADS,
        )
        frame.color_primaries = BT709
        frame.color_trc = BT709
        return frame
