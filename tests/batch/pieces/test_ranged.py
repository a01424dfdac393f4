"""A video in a store is read where it is wanted, and no more of it."""

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest

from liveseg.batch.pieces import pieces_of
from liveseg.batch.pieces.ranged import RangedFile, RangedOpener
from liveseg.batch.pieces.source import open_piece
from liveseg.batch.pieces.split import divide
from liveseg.batch.places import NotStoredError, Patience, ReplacedError
from liveseg.batch.records import Item, Task
from liveseg.batch.replica import Replica
from liveseg.errors import MediaError
from liveseg.maskfile import MaskReader
from liveseg.media.untrusted import Untrusted
from liveseg.media.video_source import VideoSource
from liveseg.settings.batch import BatchSettings
from liveseg.settings.save import parse_saves

TRUST = Untrusted(10_000_000)


def told(frames):
    return [(frame.timestamp, hashlib.sha256(frame.image.tobytes()).hexdigest()) for frame in frames]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A clip of 40 MB whose index stands at its end, as cameras leave it."""
    from av import VideoFrame
    from av import open as open_file
    from numpy import random

    path = tmp_path_factory.mktemp("ranged") / "large.mp4"
    noise = random.default_rng(3)
    with open_file(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.gop_size = 5
        for _ in range(120):
            picture = noise.integers(0, 256, (480, 640, 3), "uint8")
            container.mux(stream.encode(VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def stored(s3, large):
    """The clip in a bucket, under a key that no file system would take."""
    address = f"{s3.bucket()}/films/what?/a #1 film.mp4"
    s3.put(quoted(address), large.read_bytes())
    return address


def quoted(address):
    return address.replace("?", "%3F").replace("#", "%23").replace(" ", "%20")


def test_bytes_come_from_wherever_they_are_wanted(s3, stored, large):
    data = large.read_bytes()
    with RangedFile(stored, s3.options) as file:
        assert file.read(10) == data[:10]
        assert file.seek(-7, 2) == len(data) - 7
        assert file.read(100) == data[-7:]
        assert file.read(1) == b""
        for start in (3_000_000, 5, 3_500_000, 3_400_000):
            file.seek(start)
            taken = b""
            while len(taken) < 5000:
                taken += file.read(5000 - len(taken))
            assert taken == data[start : start + 5000]
        assert file.seek(2, 1) == file.tell()


def test_faults_of_the_store_are_outlasted(faulty_s3, large):
    address = f"{faulty_s3.bucket()}/large.mp4"
    faulty_s3.put(address, large.read_bytes()[:5_000_000])
    faulty_s3.faults.fail("truncate", times=2)
    with RangedFile(address, faulty_s3.options, patience=Patience(shortest=0.01)) as file:
        taken = b""
        while chunk := file.read(1 << 16):
            taken += chunk
    assert taken == large.read_bytes()[:5_000_000]


def test_what_is_not_there_is_told(s3):
    with pytest.raises(NotStoredError, match="there is no such file"):
        RangedFile(f"{s3.bucket()}/gone.mp4", s3.options)


def test_what_is_no_video_is_told(s3):
    address = f"{s3.bucket()}/fake.mp4"
    s3.put(address, b"no video" * 1000)
    opener = RangedOpener(address, s3.options, TRUST)
    with pytest.raises(MediaError, match=r"fake\.mp4 is none of the kinds of video|is not a video that can be read"):
        opener()
    opener.close()


def test_a_piece_of_a_large_file_reads_little_of_it(s3, stored, large):
    item = Item(location=stored, name="film", kind="video", size=large.stat().st_size)
    storage = tuple((f"s3.{key}", value) for key, value in s3.options["s3"].items())
    pieces = pieces_of(item, BatchSettings(out="nowhere", storage=storage, pieces_seconds=3))
    assert [piece.start for piece in pieces] == [0, 3, 6, 9]
    expected = told(VideoSource(large, threads=1))
    frames = []
    for piece in pieces:
        opener = RangedOpener(stored, s3.options, TRUST)
        with open_piece(Path("film.mp4"), piece, threads=1, opener=opener) as source:
            frames += told(source)
        # A quarter of it, the group before, and what is on its way when reading ends.
        assert opener.received < 0.7 * large.stat().st_size
        opener.close()
    assert frames == expected
    assert expected[-1][0] == Fraction(119, 10)


def test_a_file_that_was_replaced_meanwhile_is_no_short_piece(s3, stored, large):
    """FFmpeg takes a failed read for the end of the file."""
    opener = RangedOpener(stored, s3.options, TRUST)
    with open_piece(Path("film.mp4"), divide(12, 3)[1], threads=1, opener=opener) as source:
        opener.check()
        s3.put(quoted(stored), large.read_bytes()[::-1])
        with pytest.raises(ReplacedError, match="replaced by another while it was read"):
            take_all(source, opener)
    opener.close()


def take_all(source, opener):
    for _ in source:
        pass
    opener.check()


def test_a_video_of_a_store_in_pieces_and_joined(s3, clip, tmp_path):
    """Read by ranges, written to the store, joined there; the same masks as of the file itself."""
    address, bucket = f"{s3.bucket()}/clip.mp4", s3.bucket()
    s3.put(address, clip("with sound").read_bytes())
    saves = (parse_saves("mask,areas"),)
    common = {"save": saves, "smooth": False, "size": 97, "pieces_seconds": 2.0}
    storage = tuple((f"s3.{key}", value) for key, value in s3.options["s3"].items())
    remote = BatchSettings(out=bucket, storage=storage, **common)
    item = Item(location=address, name="clip", kind="video")
    pieces = pieces_of(item, remote)
    with Replica(remote, worker="one") as replica:
        records = [*replica.run(tuple(Task(item, piece=piece) for piece in pieces))]
        records += replica.run((Task(item, join=len(pieces)),))
    assert [(record.status, record.error) for record in records] == [*[("part", None)] * len(pieces), ("done", None)]
    assert all(record.bytes_in > 0 for record in records)
    local = BatchSettings(out=str(tmp_path), **common)
    with Replica(local, worker="one") as replica:
        replica.run((Task(Item(location=str(clip("with sound")), name="clip", kind="video")),))
    assert s3.get(f"{bucket}/clip_lite_areas.csv") == (tmp_path / "clip_lite_areas.csv").read_bytes()
    kept = tmp_path / "masks.nut"
    kept.write_bytes(s3.get(f"{bucket}/clip_lite_mask.nut"))
    with MaskReader(kept) as remote_masks, MaskReader(tmp_path / "clip_lite_mask.nut") as local_masks:
        assert remote_masks.header.source.same_as(local_masks.header.source)
        assert remote_masks.header.source.name == "clip.mp4"
        pairs = list(zip(remote_masks, local_masks, strict=True))
        assert all(one[0] == other[0] and (one[1] == other[1]).all() for one, other in pairs)
    assert [key for key in s3.keys(bucket) if "pieces" in key] == [f"_liveseg/pieces/{item.identifier}/joined.json"]
