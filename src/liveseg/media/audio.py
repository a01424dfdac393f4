"""The sound of a source beside the new pictures: copied where browsers play it so, transcoded where not.

Packets are read as the video advances, so that memory does not grow with its length, and are moved in time by the
same amount as the pictures, so that lips and voices stay together. Broken sound never ends the video: a note says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.audio.stream import AudioStream
from av.error import FFmpegError

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.media.audio_copy import CopiedSound
from liveseg.media.audio_transcode import TranscodedSound
from liveseg.media.untrusted import CODECS
from liveseg.media.video_open import has_decoder, open_container, reason

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer, OutputContainer

    from liveseg.media.audio_track import Sound
    from liveseg.media.encoding import Container
    from liveseg.media.untrusted import Untrusted

_AAC_PROFILES = frozenset({None, "LC", "HE-AAC", "HE-AACv2"})
"""Kinds of AAC that browsers play."""


def open_sound(
    output: OutputContainer, kind: Container, path: Path, notes: list[str], untrusted: Untrusted | None = None
) -> Sound | None:
    """Add a track to a container that is not begun yet, for the sound of a file.

    Args:
        output: where the track goes.
        kind: what `output` is.
        path: the file whose sound is wanted; FFmpeg's best stream is taken.
        notes: takes a line where the sound is transcoded, broken or left out.
        untrusted: for a file that came from somebody unknown, how far it is trusted.

    Returns:
        The track; `None` where the file has no sound, or none that can be used.
    """
    try:
        source = open_container(path, untrusted)
    except (MediaError, SourceNotFoundError) as error:
        notes.append(f"the sound is left out: {error}")
        return None
    try:
        sound = _choose(output, kind, source, notes, trusted=untrusted is None)
    except (FFmpegError, ValueError) as error:
        notes.append(f"the sound is left out: {reason(error)}")
        sound = None
    if sound is None:
        source.close()
    return sound


def _choose(
    output: OutputContainer, kind: Container, source: InputContainer, notes: list[str], *, trusted: bool
) -> Sound | None:
    stream = source.streams.best("audio")
    if not isinstance(stream, AudioStream):
        return None
    if not has_decoder(stream):
        notes.append("the sound is left out: this FFmpeg cannot decode it")
        return None
    name = stream.codec_context.name
    if not trusted and name not in CODECS:
        notes.append(f"the sound is left out: it is {name}, which is not taken here")
        return None
    if name in kind.sound and (name != "aac" or stream.profile in _AAC_PROFILES):
        return CopiedSound(output, source, stream, notes, kind.negative_times)
    encoder = "AAC" if kind.sound_encoder == "aac" else "Opus"
    before = stream.codec_context.codec.canonical_name
    notes.append(f"the sound is transcoded from {before} to {encoder}, which more players play in {kind.format}")
    return TranscodedSound(output, source, stream, notes, kind.sound_encoder)
