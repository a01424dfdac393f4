"""Which videos are cut, and where: told by the header."""

import pytest

from liveseg.batch.pieces import pieces_of
from liveseg.batch.pieces.split import divide, pieces_of_file
from liveseg.batch.records import Item, Piece
from liveseg.settings.batch import BatchSettings

CUT = (
    "closed", "open", "open in Matroska", "HEVC", "VP9", "MPEG-4", "MPEG-4 in AVI", "MPEG-2", "intra only", "uneven",
    "edit list", "later", "rotated",
)  # fmt: skip


def test_pieces_follow_each_other_and_the_last_one_takes_the_rest():
    assert divide(7.5, 2) == [Piece(0, 3, 0, 2), Piece(1, 3, 2, 4), Piece(2, 3, 4, None)]
    assert divide(4, 2) == [Piece(0, 2, 0, 2), Piece(1, 2, 2, None)]
    assert divide(3.99, 2) is None
    assert divide(1000, 0) is None


@pytest.mark.parametrize("kind", CUT)
def test_long_videos_are_cut(clip, kind):
    pieces = pieces_of_file(clip(kind), 1.5)
    assert pieces is not None
    assert len(pieces) >= 2
    assert pieces_of_file(clip(kind), 5) is None
    assert pieces_of_file(clip(kind), 0) is None


@pytest.mark.parametrize("kind", ["transport stream", "B-frames in AVI"])
def test_what_cannot_be_cut_is_taken_whole(clip, kind):
    """No index, or no times of frames in the container."""
    assert pieces_of_file(clip(kind), 1) is None


def test_one_key_frame_is_taken_whole_where_the_header_tells(clip):
    assert pieces_of_file(clip("one in MP4"), 1) is None


def test_what_cannot_be_read_is_left_to_who_says_why(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 1000)
    assert pieces_of_file(broken, 1) is None
    assert pieces_of_file(tmp_path / "missing.mp4", 1) is None


def test_the_files_of_a_batch(clip, tmp_path):
    """Pictures and small files are not even opened."""
    long = BatchSettings(out=str(tmp_path), pieces_seconds=1.5)
    video = Item(location=str(clip("closed")), name="clip", kind="video")
    assert len(pieces_of(video, long)) == 4
    assert pieces_of(video, BatchSettings(out=str(tmp_path))) is None
    assert pieces_of(video, BatchSettings(out=str(tmp_path), pieces_seconds=0)) is None
    assert pieces_of(Item(location="/gone.mp4", name="clip", kind="video", size=5000), long) is None
    assert pieces_of(Item(location="/gone.jpg", name="picture", kind="image"), long) is None
