"""What a mask file holds: the same masks, the same times, for every size, clock and number of classes."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from liveseg.errors import MediaError, OutputExistsError, SinkError, UsageError
from liveseg.files import partial_path
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.maskfile import Identity, MaskReader, MaskWriter
from liveseg.media.frame import Frame, SourceInfo

CLIP = Identity("clip.mp4", 12_345, "0" * 64)
SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path, masks, times, time_base, confidences=None, labels=PASCAL_VOC, **options):
    height, width = masks[0].shape
    info = SourceInfo("clip.mp4", "video", width, height, rate=Fraction(25), time_base=time_base)
    with MaskWriter(path, labels, info, identity=CLIP, confidence=confidences is not None, **options) as writer:
        for index, (mask, pts) in enumerate(zip(masks, times, strict=True)):
            frame = Frame(np.zeros((height, width, 3), np.uint8), index, pts, time_base)
            writer.write(frame, mask, None if confidences is None else confidences[index])


def same(stored, masks):
    return len(stored) == len(masks) and all(np.array_equal(own, mask) for own, mask in zip(stored, masks, strict=True))


pictures = st.tuples(st.integers(1, 4), st.integers(1, 41), st.integers(1, 41)).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


@SLOWLY
@given(masks=pictures, confident=st.booleans(), data=st.data())
def test_any_bytes_of_any_size_come_back_as_they_were(masks, confident, data, tmp_path):
    confidences = data.draw(hnp.arrays(np.uint8, masks.shape)) if confident else None
    path = tmp_path / "masks.nut"
    write(path, masks, range(len(masks)), Fraction(1, 25), confidences, overwrite=True)
    with MaskReader(path) as reader:
        stored = list(reader.frames())
    assert same([own.mask for own in stored], masks)
    if confident:
        assert same([own.confidence for own in stored], confidences)
    else:
        assert all(own.confidence is None for own in stored)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (7, 1023), (576, 768), (17, 3841)])
def test_noise_of_all_256_values_comes_back_as_it_was(shape, tmp_path):
    random = np.random.default_rng(5)
    masks = [random.integers(0, 256, shape, np.uint8) for _ in range(3)] + [np.full(shape, 255, np.uint8)]
    write(tmp_path / "noise.nut", masks, range(4), Fraction(1, 10))
    with MaskReader(tmp_path / "noise.nut") as reader:
        assert same([mask for _, mask in reader], masks)


time_bases = st.one_of(
    st.sampled_from([Fraction(1001, 30000), Fraction(1, 90000), Fraction(1, 10), Fraction(1, 10**9), Fraction(1)]),
    st.builds(Fraction, st.integers(1, 5000), st.integers(1, 2**31 - 1)),
)


@SLOWLY
@given(
    time_base=time_bases,
    first=st.integers(-(2**31), 2**33),
    steps=st.lists(st.one_of(st.integers(1, 4), st.integers(1, 2**24)), max_size=5),
)
def test_times_are_exact_whatever_the_clock_and_its_begin(time_base, first, steps, tmp_path):
    times = [first]
    for step in steps:
        times.append(times[-1] + step)
    masks = [np.full((3, 5), number, np.uint8) for number in range(len(times))]
    path = tmp_path / "times.nut"
    write(path, masks, times, time_base, overwrite=True)
    with MaskReader(path) as reader:
        assert [timestamp for timestamp, _ in reader] == [pts * time_base for pts in times]
        assert [stored.pts for stored in reader.frames()] == times
        assert reader.timestamps == [pts * time_base for pts in times]
        for before, after in pairwise(range(len(times))):
            moment = (times[before] + times[after]) * time_base / 2
            assert reader.at(moment).pts == times[before]


def test_the_file_says_what_it_is(tmp_path):
    labels = LabelSet(("sky", "Straße"), ((1, 2, 3), (4, 5, 6)), background=False)
    ran = {"model": "own", "size": "native", "runtime": "onnx", "precision": "float32"}
    write(tmp_path / "masks.nut", [np.zeros((4, 6), np.uint8)], [7], Fraction(1, 50), labels=labels, ran=ran)
    with MaskReader(tmp_path / "masks.nut") as reader:
        header = reader.header
    assert (header.labels, header.source, header.ran) == (labels, CLIP, ran)
    assert (header.width, header.height, header.time_base, header.rate) == (6, 4, Fraction(1, 50), 25)


def test_the_longest_label_set_fits(tmp_path):
    names = tuple(f"a class with quite a long name, number {number} (ünïcödé)" for number in range(255))
    labels = LabelSet(names, voc_palette(255))
    masks = [np.array([[0, 1, 254, 255]], np.uint8)]
    write(tmp_path / "masks.nut", masks, [0], Fraction(1, 25), labels=labels)
    with MaskReader(tmp_path / "masks.nut") as reader:
        assert reader.labels == labels
        assert same([mask for _, mask in reader], masks)


def test_ffprobe_and_ffmpeg_read_it(require, tmp_path):
    random = np.random.default_rng(1)
    masks = [np.repeat(np.repeat(random.integers(0, 21, (9, 7), np.uint8), 8, 0), 9, 1) for _ in range(5)]
    times = [0, 2, 3, 7, 11]
    path = tmp_path / "masks.nut"
    write(path, masks, times, Fraction(1001, 30000))
    probe = [
        require("ffprobe", "ffmpeg"),
        "-v",
        "error",
        "-of",
        "json",
        "-show_format",
        "-show_streams",
        "-show_frames",
    ]
    told = json.loads(subprocess.run([*probe, path], check=True, capture_output=True).stdout)
    assert told["streams"][0]["codec_name"] == "jpegls"
    assert "clip.mp4" in told["format"]["tags"]["title"]
    base = Fraction(told["streams"][0]["time_base"])
    assert [frame["pts"] * base for frame in told["frames"]] == [pts * Fraction(1001, 30000) for pts in times]
    raw = [require("ffmpeg", "ffmpeg"), "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo"]
    done = subprocess.run([*raw, "-pix_fmt", "gray", "-"], check=True, capture_output=True)
    assert done.stderr == b""
    assert done.stdout == b"".join(mask.tobytes() for mask in masks)
    with av.open(str(path)) as container:
        assert same([frame.to_ndarray() for frame in container.decode(video=0)], masks)


WRITER = """
    import sys, time
    from fractions import Fraction
    import numpy as np
    from liveseg.labels import PASCAL_VOC
    from liveseg.maskfile import Identity, MaskWriter
    from liveseg.media.frame import Frame, SourceInfo

    confident = sys.argv[2] == "confident"
    info = SourceInfo("clip.mp4", "video", 200, 120, rate=Fraction(25), time_base=Fraction(1, 25))
    writer = MaskWriter(sys.argv[1], PASCAL_VOC, info, identity=Identity("clip.mp4"), confidence=confident)
    image = np.zeros((120, 200, 3), np.uint8)
    for index in range(100_000):
        mask = np.random.default_rng(index).integers(0, 21, (120, 200), np.uint8)
        writer.write(Frame(image, index, index, info.time_base), mask, 255 - mask if confident else None)
        print(index, flush=True)
"""


@pytest.mark.parametrize("confident", ["confident", "classes"])
@pytest.mark.parametrize("after", [1, 2, 17, 60])
def test_a_file_whose_writer_was_killed_is_read_to_its_last_frame(after, confident, tmp_path):
    target = tmp_path / "masks.nut"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(target), confident]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(after):
            process.stdout.readline()
        process.kill()  # SIGKILL: no time to finish anything
        said = process.stdout.read().split()
    written = int(said[-1]) + 1 if said and said[-1].isdecimal() else after
    assert not target.exists()
    with MaskReader(partial_path(target)) as reader:
        assert not reader.complete
        stored = list(reader.frames())
        assert len(reader) == len(stored)
        # With two tracks, the last frame's second half may still have been on its way.
        assert written - (confident == "confident") <= len(stored) <= written + 1
        for index, own in enumerate(stored):
            expected = np.random.default_rng(index).integers(0, 21, (120, 200), np.uint8)
            assert own.pts == index
            assert np.array_equal(own.mask, expected)
            if confident == "confident":
                assert np.array_equal(own.confidence, 255 - expected)


def test_a_file_cut_anywhere_is_read_to_the_last_frame_before_the_cut(tmp_path):
    random = np.random.default_rng(3)
    masks = [random.integers(0, 21, (40, 50), np.uint8) for _ in range(6)]
    write(tmp_path / "whole.nut", masks, range(6), Fraction(1, 25))
    whole = (tmp_path / "whole.nut").read_bytes()
    counts = []
    for end in range(len(whole), 1500, -97):
        cut = tmp_path / "cut.nut"
        cut.write_bytes(whole[:end])
        with MaskReader(cut) as reader:
            stored = [mask for _, mask in reader]
            assert reader.complete == (end == len(whole))
        assert same(stored, masks[: len(stored)])
        counts.append(len(stored))
    assert counts == sorted(counts, reverse=True)
    assert {0, 1, 5, 6} <= set(counts)


def test_a_file_appears_under_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "masks.nut"
    info = SourceInfo("clip.mp4", "video", 3, 2, time_base=Fraction(1, 25))
    frame = Frame(np.zeros((2, 3, 3), np.uint8), time_base=info.time_base)
    writer = MaskWriter(target, PASCAL_VOC, info, identity=CLIP)
    writer.write(frame, frame.image[:, :, 0])
    assert partial_path(target).stat().st_size > 0
    writer.abort()
    assert list(tmp_path.iterdir()) == []
    with MaskWriter(target, PASCAL_VOC, info, identity=CLIP) as writer:
        writer.write(frame, frame.image[:, :, 0])
        assert not target.exists()
    assert list(tmp_path.iterdir()) == [target]
    writer.commit()
    writer.abort()
    with pytest.raises(SinkError, match="closed already"):
        writer.write(frame, frame.image[:, :, 0])
    with pytest.raises(OutputExistsError, match="--overwrite"):
        MaskWriter(target, PASCAL_VOC, info, identity=CLIP)


def test_a_video_without_frames_leaves_no_file(tmp_path):
    info = SourceInfo("empty.mp4", "video", 3, 2)
    writer = MaskWriter(tmp_path / "m.nut", PASCAL_VOC, info, identity=CLIP)
    with pytest.raises(MediaError, match="gave no frames"):
        writer.commit()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused(tmp_path):
    info = SourceInfo("clip.mp4", "video", 3, 2, time_base=Fraction(1, 25))
    with pytest.raises(UsageError, match=r"\.nut"):
        MaskWriter(tmp_path / "masks.mp4", PASCAL_VOC, info, identity=CLIP)
    image, mask = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.uint8)
    with MaskWriter(tmp_path / "masks.nut", PASCAL_VOC, info, identity=CLIP, confidence=True) as writer:
        with pytest.raises(UsageError, match="needs the confidences"):
            writer.write(Frame(image), mask)
        for wrong in (mask[:1], mask.astype(np.int64), mask[None]):
            with pytest.raises(UsageError, match="uint8 as its frame"):
                writer.write(Frame(image), wrong, mask)
        writer.write(Frame(image, 0, 5, info.time_base), mask, mask)
        with pytest.raises(SinkError, match="not later"):
            writer.write(Frame(image, 1, 5, info.time_base), mask, mask)
        wide = np.zeros((2, 4), np.uint8)
        with pytest.raises(SinkError, match="4x2, but 3x2 was announced"):
            writer.write(Frame(np.zeros((2, 4, 3), np.uint8), 1, 6, info.time_base), wide, wide)
