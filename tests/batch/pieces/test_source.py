"""All pieces of a video together are the video: each frame once, with its pixels and its time."""

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liveseg.batch.pieces.source import open_piece
from liveseg.batch.pieces.split import divide
from liveseg.media.video_source import VideoSource

KINDS = (
    "closed", "open", "open in Matroska", "HEVC", "intra refresh", "VP9", "MPEG-4", "MPEG-4 in AVI", "B-frames in AVI",
    "MPEG-2", "intra only", "interlaced", "uneven", "edit list", "later", "rotated", "one key frame",
)  # fmt: skip
CAN_BE_SPREAD = set(KINDS) - {"B-frames in AVI", "one key frame"}
"""Of these, more than one piece has frames."""


def told(frames):
    return [(frame.timestamp, hashlib.sha256(frame.image.tobytes()).hexdigest()) for frame in frames]


def read(source):
    with source:
        return told(source)


@pytest.fixture(scope="module")
def whole(clip):
    """`whole(kind)`: what the file gives in one piece."""
    found = {}

    def of(kind):
        if kind not in found:
            found[kind] = read(VideoSource(clip(kind), threads=1))
        return found[kind]

    return of


def lasts(frames):
    return frames[-1][0] - frames[0][0] + Fraction(1, 12)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(share=st.floats(0.12, 0.49), warm=st.integers(0, 30))
def test_the_pieces_are_the_whole(clip, whole, kind, share, warm):
    expected = whole(kind)
    pieces = divide(lasts(expected), float(lasts(expected)) * share)
    assert pieces is not None
    given = []
    for piece in pieces:
        source = open_piece(clip(kind), piece, warm_up_frames=warm, threads=1)
        given.append(read(source))
        assert [moment / source.info.time_base for moment, _ in given[-1]] == source.pts
        assert source.empty == (not given[-1])
    assert [frame for own in given for frame in own] == expected


@pytest.mark.parametrize("kind", sorted(CAN_BE_SPREAD))
def test_the_work_is_spread(clip, whole, kind):
    pieces = divide(lasts(whole(kind)), float(lasts(whole(kind))) / 3.01)
    sizes = [len(read(open_piece(clip(kind), piece, threads=1))) for piece in pieces]
    assert min(sizes) > 0, sizes


@pytest.mark.parametrize("kind", ["closed", "open", "HEVC", "VP9", "intra only", "uneven", "edit list", "interlaced"])
@pytest.mark.parametrize("warm", [0, 1, 5, 17, 500])
def test_the_frames_before_a_piece_are_those_of_the_whole(clip, whole, kind, warm):
    """Also over several key frames, and where there are fewer than wanted; and they do not change the piece."""
    expected = whole(kind)
    pieces = divide(lasts(expected), float(lasts(expected)) / 3.01)
    plain = read(open_piece(clip(kind), pieces[2], threads=1))
    begin = expected.index(plain[0])
    with open_piece(clip(kind), pieces[2], warm_up_frames=warm, threads=1) as source:
        before = told(source.warm_up())
        assert told(source) == plain
    assert before == expected[max(begin - warm, 0) : begin]


def test_what_is_known_of_a_piece_is_known_of_the_whole(clip):
    """The sinks and the mask file's header are told the same."""
    for kind in ("open", "rotated", "uneven"):
        with VideoSource(clip(kind)) as all_of_it:
            for piece in divide(6, 2):
                with open_piece(clip(kind), piece) as source:
                    assert source.info == all_of_it.info


def test_an_open_group_gives_its_first_pictures_to_the_piece_before(clip):
    """They follow the key frame in the file and are shown before it: each is decoded by the help of both groups."""
    pieces = divide(6, 2)
    first, second = (open_piece(clip("open"), piece) for piece in pieces[:2])
    assert first.cuts[1] == second.cuts[0]
    assert max(moment for moment, _ in read(first)) < second.cuts[0] * second.info.time_base
    assert min(moment for moment, _ in read(second)) == second.cuts[0] * second.info.time_base


def test_only_the_last_piece_says_that_a_file_ends_early(clip, tmp_path):
    path = tmp_path / "cut.mkv"
    data = clip("open in Matroska").read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    notes = []
    frames = []
    for piece in divide(6, 1):
        source = open_piece(path, piece, threads=1)
        frames += read(source)
        notes += source.notes
    assert frames == read(VideoSource(path, threads=1))
    assert len(frames) < 72
    assert sum("cut off" in note for note in notes) == 1


def test_a_sample_in_pieces(samples):
    path = samples / "video_1.mp4"
    expected = read(VideoSource(path, threads=1))
    frames = [frame for piece in divide(6, 2) for frame in read(open_piece(path, piece, threads=1))]
    assert frames == expected


def test_a_missing_file_says_so():
    with pytest.raises(FileNotFoundError, match=r"no such file: nowhere\.mp4"):
        open_piece(Path("nowhere.mp4"), divide(4, 1)[1])
