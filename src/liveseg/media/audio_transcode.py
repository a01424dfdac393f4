"""Sound decoded and encoded again, cut to the sample."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError

from liveseg.media.audio_track import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from numpy.typing import NDArray

_TRUE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
"""Sample rates, in Hz, that AAC can have."""

_BIT_RATE = 96_000
"""Bits a second for each channel of transcoded sound; at this rate AAC and Opus are transparent to most ears."""

_JITTER = Fraction(1, 25)
"""Seconds that timestamps may disagree with the count of samples, as rounded ones do, before it is a gap."""

_FILLED = 1
"""Seconds up to which a gap is filled with silence; over longer ones the track has nothing."""


class TranscodedSound(Sound):
    """Decoded, brought to mono or stereo, cut to the sample, and encoded again.

    Args:
        encoder: FFmpeg's name of the encoder.
    """

    def __init__(
        self, output: OutputContainer, source: InputContainer, stream: AudioStream, notes: list[str], encoder: str
    ) -> None:
        super().__init__(output, source, stream, notes)
        channels = 1 if stream.codec_context.channels == 1 else 2
        self._layout = "mono" if channels == 1 else "stereo"
        self._rate = 48000 if encoder == "libopus" else _nearest_rate(stream.sample_rate)
        track = output.add_stream(encoder, rate=self._rate, layout=self._layout, bit_rate=_BIT_RATE * channels)
        if not isinstance(track, AudioStream):
            raise TypeError(f"{encoder} is no encoder of sound")
        self._track = track
        self._resampler: AudioResampler | None = None
        self._resamples: tuple[object, ...] = ()
        self._position: int | None = None

    def _write(self, packet: Packet[AudioStream], until: Fraction | None) -> None:
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except FFmpegError:
            self._damaged += 1
            return
        for frame in frames:
            for piece in self._resampled(frame):
                self._place(piece, until)

    def _resampled(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._resamples:
            if self._resampler is not None:
                yield from self._resampler.resample(None)
            self._resampler = AudioResampler("fltp", self._layout, self._rate)
            self._resamples = kind
        if self._resampler is not None:
            yield from self._resampler.resample(frame)

    def _place(self, frame: AudioFrame, until: Fraction | None) -> None:
        """Put samples where their time says: over small disagreements without a seam, gaps filled, overlaps cut."""
        samples: NDArray[np.float32] = np.asarray(frame.to_ndarray(), np.float32)
        if frame.pts is not None and frame.time_base is not None:
            at = round((frame.pts * frame.time_base - self._start) * self._rate)
        else:
            at = self._position or 0
        position = 0 if self._position is None else self._position
        if self._position is not None and abs(at - position) <= _JITTER * self._rate:
            at = position
        if at < position:
            samples = samples[:, position - at :]
        elif at - position <= _FILLED * self._rate:
            samples = np.pad(samples, ((0, 0), (at - position, 0)))
        else:
            position = at
        if until is not None:
            samples = samples[:, : max(round((until - self._start) * self._rate) - position, 0)]
        if samples.shape[1]:
            self._encode(np.ascontiguousarray(samples), position)
            self._position = position + samples.shape[1]

    def _encode(self, samples: NDArray[np.float32], position: int) -> None:
        frame = AudioFrame.from_ndarray(samples, "fltp", self._layout)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = position
        self._output.mux(self._track.encode(frame))

    def _end(self, end: Fraction) -> None:
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                self._place(piece, end)
        self._output.mux(self._track.encode(None))


def _nearest_rate(rate: int) -> int:
    return min(_TRUE_RATES, key=lambda known: (abs(known - rate), -known))
