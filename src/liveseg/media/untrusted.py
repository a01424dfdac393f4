"""Files that came from somebody unknown: which formats and decoders may have to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.stream import VideoStream

FORMATS = ("mov", "matroska", "avi", "mpegts", "mpeg", "ogg", "flv", "asf", "gif")
"""Formats that hold their pictures themselves, by the first of FFmpeg's names; playlists, lists of files, manifests and
subtitles can make FFmpeg open what they name."""

_NAMES = (
    "h264 hevc libdav1d av1 vp8 libvpx vp9 libvpx-vp9 mpeg4 mpeg2video mpeg1video mjpeg theora prores dnxhd ffv1"
    " h263 flv msmpeg4v2 msmpeg4 wmv1 wmv2 wmv3 vc1 dvvideo huffyuv rawvideo png gif qtrle cinepak svq3"
    " aac aac_latm mp3float mp3 mp2float mp2 ac3 eac3 dca opus libopus vorbis libvorbis flac alac wmav1 wmav2"
    " amrnb amrwb libopencore_amrnb libopencore_amrwb pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_f32le"
    " pcm_u8 pcm_s8 pcm_mulaw pcm_alaw adpcm_ms adpcm_ima_wav adpcm_ima_qt"
)
CODECS = frozenset(_NAMES.split())
"""Decoders that may run on them, by FFmpeg's names: those of what cameras, telephones, browsers and editors write."""


@dataclass(frozen=True)
class Untrusted:
    """How far a file is trusted that came from somebody unknown.

    FFmpeg opens that file and nothing that it names, as one of few formats, and decodes it by well-known decoders.

    Args:
        max_pixels: of the largest picture that is decoded.
    """

    max_pixels: int
    kinds = "MP4, MOV, Matroska, WebM, AVI, MPEG, Ogg, FLV, WMV or GIF"

    @property
    def options(self) -> dict[str, str]:
        """What FFmpeg is told, for the container and for each of its streams."""
        return {
            "protocol_whitelist": "file",
            "format_whitelist": ",".join(FORMATS),
            "codec_whitelist": ",".join(sorted(CODECS)),
            "max_pixels": str(self.max_pixels),
            # Off by default, too; here it is a promise.
            "enable_drefs": "0",
            "use_absolute_path": "0",
        }

    def check(self, stream: VideoStream, path: Path | str) -> None:
        """Hold a stream to it, before its first picture is decoded here.

        Raises:
            MediaError: a codec that is not taken, or pictures that are too large.
        """
        context = stream.codec_context
        if context.codec.name not in CODECS:
            raise MediaError(f"the pictures of {path} are {context.codec.name}, which is not taken here; convert it")
        if not context.width or not context.height:
            # That is how FFmpeg leaves a decoder which it would not open for the size of its pictures.
            raise MediaError(
                f"the size of the pictures of {path} cannot be told, or is beyond the {self.max_pixels} pixels that are"
                " taken; scale it down"
            )
        if context.width * context.height > self.max_pixels:
            raise MediaError(
                f"{path} is {context.width}x{context.height}, and at most {self.max_pixels} pixels are taken; scale it"
                " down"
            )
        # A stream may change its size on the way.
        context.options = {**context.options, "max_pixels": str(self.max_pixels)}
