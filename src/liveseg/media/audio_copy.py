"""Sound copied as it is, without being encoded again."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.bitstream import BitStreamFilterContext

from liveseg.media.audio_track import Sound

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet


class CopiedSound(Sound):
    """Packets as they are, cut at packets.

    Where a packet may begin before 0 (MP4 and MOV, by their edit lists), the first ones do: the decoder needs them,
    and the player leaves out what is before 0, so that the cut is exact to the sample.

    Args:
        negative_times: whether packets may begin before 0.
    """

    def __init__(
        self,
        output: OutputContainer,
        source: InputContainer,
        stream: AudioStream,
        notes: list[str],
        negative_times: bool,
    ) -> None:
        super().__init__(output, source, stream, notes)
        self._track = output.add_stream_from_template(stream, opaque=True)
        # MP4 and Matroska want what each ADTS packet says of itself said once, in the track's header.
        is_adts = stream.codec_context.name == "aac" and not stream.codec_context.extradata
        self._unwrap = BitStreamFilterContext("aac_adtstoasc", stream) if is_adts else None
        self._early = -_opus_preskip(stream) if not negative_times else None
        self._last: int | None = None

    def _write(self, packet: Packet[AudioStream], until: Fraction | None) -> None:  # noqa: ARG002  (cut at packets)
        time = self._time_of(packet) - self._start
        length = (packet.duration or 0) * self._time_base
        if time + 2 * length <= 0 if self._early is None else time < self._early:
            return
        pts = round(time / self._time_base)
        if self._last is not None and pts <= self._last:
            pts = self._last + 1
        packet.pts = packet.dts = self._last = pts
        for piece in [packet] if self._unwrap is None else self._unwrap.filter(packet):
            piece.stream = self._track
            self._output.mux(piece)

    def _end(self, end: Fraction) -> None:
        """Nothing is held back."""


def _opus_preskip(stream: AudioStream) -> Fraction:
    """Seconds of Opus that are there for the decoder only, which begin before 0 (RFC 7845, 5.1)."""
    head = stream.codec_context.extradata
    if stream.codec_context.name not in {"opus", "libopus"} or head is None or len(head) < 12:
        return Fraction(0)
    return Fraction(int.from_bytes(head[10:12], "little"), 48000)
