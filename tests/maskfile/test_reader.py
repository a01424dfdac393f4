"""Masks found again: by their times, in files that are whole, cut off, damaged or no mask files at all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import Identity, MaskReader, MaskWriter, identity_of
from liveseg.media import open_source
from liveseg.media.frame import Frame, Selection, SourceInfo


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """400 masks at 25 a second, each of which is told by its content, in a file with many places to seek to."""
    path = tmp_path_factory.mktemp("long") / "masks.nut"
    info = SourceInfo("clip.mp4", "video", 64, 48, time_base=Fraction(1, 25))
    with MaskWriter(path, PASCAL_VOC, info, identity=Identity("clip.mp4")) as writer:
        for index in range(400):
            frame = Frame(np.zeros((48, 64, 3), np.uint8), index, 50 + index, info.time_base)
            writer.write(frame, mask_of(index))
    return path


def mask_of(index):
    return np.random.default_rng(index).integers(0, 21, (48, 64), np.uint8)


def test_the_times_of_a_real_source_come_back_exactly(clip, tmp_path):
    limit = Selection(limit=20)
    with open_source(clip, limit) as source:
        info = source.info
        frames = list(source)
        with MaskWriter(tmp_path / "m.nut", PASCAL_VOC, info, identity=identity_of(clip)) as writer:
            for frame in frames:
                writer.write(frame, np.full((info.height, info.width), frame.index % 21, np.uint8))
    with MaskReader(tmp_path / "m.nut") as masks:
        assert len(masks) == len(frames) > 1
        assert [timestamp for timestamp, _ in masks] == [frame.timestamp for frame in frames]
        assert [own.pts for own in masks.frames()] == [frame.pts for frame in frames]
        assert (masks.header.time_base, masks.header.rate) == (info.time_base, info.rate)
        for frame in frames:
            assert masks.at(frame.timestamp).mask[0, 0] == frame.index % 21


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut off"])
def test_a_mask_is_found_by_its_time(long_file, cut, tmp_path):
    path, count = long_file, 400
    if cut:
        path = tmp_path / "cut.partial.nut"
        path.write_bytes(long_file.read_bytes()[: long_file.stat().st_size * 2 // 3])
    with MaskReader(path) as masks:
        if cut:
            count = len(masks)
            assert 200 < count < 300
        for index in (count - 1, 0, 7, count // 2, 8, count // 2 + 1, count // 2):
            found = masks.at(Fraction(50 + index, 25))
            assert found.pts == 50 + index
            assert np.array_equal(found.mask, mask_of(index))
        # Between two, the one that is shown then; after the last, the last.
        assert masks.at(2 + 10.99 / 25).pts == 60
        assert masks.at(1e6).pts == 50 + count - 1
        with pytest.raises(UsageError, match=r"no mask at 1\.900 s"):
            masks.at(1.9)


def test_iterating_twice_at_once_gives_everything_twice(long_file):
    with MaskReader(long_file) as masks:
        both = list(zip(masks, masks, strict=True))
    assert len(both) == 400
    assert all(one[0] == other[0] and np.array_equal(one[1], other[1]) for one, other in both)


def test_damage_in_the_middle_costs_the_masks_there(long_file, tmp_path):
    content = bytearray(long_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = bytes(5000)
    path = tmp_path / "damaged.nut"
    path.write_bytes(content)
    with MaskReader(path) as masks:
        stored = list(masks.frames())
        notes = masks.notes
    assert 300 < len(stored) < 400
    right = [np.array_equal(own.mask, mask_of(own.pts - 50)) for own in stored]
    assert right.count(False) <= 1  # JPEG-LS has no checksum: a picture may be wrong where it was overwritten
    assert stored[-1].pts == 449
    assert notes == [] or "damaged" in notes[0]


def test_what_is_no_mask_file_is_refused_in_one_line(samples, tmp_path):
    empty = tmp_path / "empty.partial.nut"
    empty.touch()
    text = tmp_path / "text.nut"
    text.write_text("not a video", encoding="utf-8")
    for path, message in [
        (samples / "video_1.mp4", "no mask file"),
        (empty, "empty"),
        (text, "text.nut"),
        (samples, "folder"),
    ]:
        with pytest.raises(MediaError, match=message):
            MaskReader(path)
    with pytest.raises(SourceNotFoundError, match=r"none\.nut"):
        MaskReader(tmp_path / "none.nut")
