"""A video in pieces gives the files that it gives whole: the same bytes where nothing is encoded with loss."""

import json
import shutil
from dataclasses import replace

import av
import numpy as np
import pytest

from liveseg.batch.pieces import pieces_of
from liveseg.batch.pieces.store import FOLDER
from liveseg.batch.records import Item, Task
from liveseg.batch.replica import Replica
from liveseg.maskfile import MaskReader
from liveseg.settings.batch import BatchSettings
from liveseg.settings.save import parse_saves

SAVES = {
    "one": "overlay,color,mask:confidence,confidence,cutout,polygons,coco,areas,npz",
    "two": "mask,cutout:webm,polygons:coco,areas:jsonl",
}
SAME_BYTES = (
    "clip_lite_mask.nut", "clip_lite_polygons.geojsonl", "clip_lite_coco.json", "clip_lite_areas.csv",
    "clip_lite_npz.npz", "clip_lite_cutout.mov", "clip_lite_areas.jsonl", "clip_lite_polygons.json",
)  # fmt: skip
VIDEOS = ("clip_lite.mp4", "clip_lite_color.mp4", "clip_lite_confidence.mp4", "clip_lite_cutout.webm")


def settings_for(folder, saves):
    return BatchSettings(out=str(folder), save=(parse_saves(saves),), smooth=False, size=97, pieces_seconds=1.5)


def tasks_of(item, settings):
    pieces = pieces_of(item, settings)
    return tuple(Task(item, piece=piece) for piece in pieces), Task(item, join=len(pieces))


def run(replica, *tasks):
    records = replica.run(tasks)
    assert [record.error for record in records] == [None] * len(tasks)
    return records


@pytest.fixture(scope="module")
def item(clip):
    return Item(location=str(clip("with sound")), name="films/clip", kind="video")


@pytest.fixture(scope="module")
def both(item, tmp_path_factory):
    """A folder of what was made whole, one of what was made in pieces, and the records of both."""
    folder = tmp_path_factory.mktemp("joined")
    records = {}
    for number, saves in SAVES.items():
        for way in ("whole", "pieces"):
            settings = settings_for(folder / way, saves)
            with Replica(settings, worker="one") as replica:
                if way == "whole":
                    records[way, number] = run(replica, Task(item))
                else:
                    pieces, join = tasks_of(item, settings)
                    # In any order; the middle one twice, as a worker does who was lost before it could say so.
                    records[way, number] = [*run(replica, *reversed(pieces), pieces[1]), *run(replica, join)]
    return folder / "whole" / "films", folder / "pieces" / "films", records


def test_there_is_something_to_see(both):
    with MaskReader(both[0] / "clip_lite_mask.nut") as masks:
        assert min(np.count_nonzero(mask) for _, mask in masks) > 500
        assert len({mask.tobytes() for _, mask in masks}) > 20


@pytest.mark.parametrize("name", SAME_BYTES)
def test_what_is_exact_has_the_same_bytes(both, name):
    whole, joined, _ = both
    assert (joined / name).read_bytes() == (whole / name).read_bytes()


def pictures(path):
    """All pictures, decoded; of WebM with their alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if path.suffix != ".webm":
            return [(frame.pts, frame.to_ndarray()) for frame in container.decode(stream)]
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [*(packet for packet in container.demux(stream) if packet.size), None]
        return [(frame.pts, frame.to_ndarray(format="rgba")) for one in packets for frame in decoder.decode(one)]


@pytest.mark.parametrize("name", VIDEOS)
def test_videos_hold_the_same_frames_at_the_same_times(both, name):
    """As close to those of the whole as two encoders are to each other; grey levels are exact."""
    whole, joined = (pictures(folder / name) for folder in both[:2])
    assert [pts for pts, _ in joined] == [pts for pts, _ in whole]
    assert len(joined) == 72
    for (_, one), (_, other) in zip(whole, joined, strict=True):
        noise = np.mean((one.astype(float) - other) ** 2)
        assert noise < (1e-9 if "confidence" in name else 255**2 / 10**3.4), 10 * np.log10(255**2 / noise)


def told(path, kind):
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        rate = stream.average_rate if kind == "video" else stream.rate
        facts = (stream.time_base, stream.duration, stream.start_time, stream.frames, rate)
        packets = [packet for packet in container.demux(stream) if packet.size]
        context = stream.codec_context
        about = (context.name, context.codec_tag, context.extradata, stream.metadata.get("alpha_mode"))
        return facts, about, [(packet.pts, packet.dts, packet.duration) for packet in packets], packets


@pytest.mark.parametrize("name", VIDEOS)
def test_a_joined_video_looks_like_one_that_was_never_cut(both, name):
    """Times of showing and of decoding, lengths, and what the header says."""
    whole, joined = (told(folder / name, "video") for folder in both[:2])
    assert joined[:2] == whole[:2]
    for one, other in zip(zip(*joined[2], strict=True), zip(*whole[2], strict=True), strict=True):
        assert sorted(one) == sorted(other)  # which B-frame is decoded when, encoders decide by what they see
    decoded = [dts for _, dts, _ in joined[2]]
    assert decoded == sorted(set(decoded))
    # Each piece begins with a key frame of its own.
    keys = [packet.pts * packet.time_base for packet in joined[3] if packet.is_keyframe]
    assert {0.0, 2.0, 3.0, 5.0} <= {round(float(key), 3) for key in keys}


def test_the_sound_is_that_of_the_whole(both):
    whole, joined = (told(folder / "clip_lite.mp4", "audio") for folder in both[:2])
    assert joined[:3] == whole[:3]
    assert len(whole[3]) > 200
    assert [bytes(packet) for packet in joined[3]] == [bytes(packet) for packet in whole[3]]


def test_a_joined_video_starts_at_once(both):
    """Its index stands before its data."""
    data = (both[1] / "clip_lite.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_what_is_told_of_the_pieces_adds_up(both):
    _, _, records = both
    (whole,), joined = records["whole", "one"], records["pieces", "one"][-1]
    own = ("identifier", "status", "outputs", "frames", "pixels", "areas", "model")
    assert [getattr(joined, name) for name in own] == [getattr(whole, name) for name in own]
    pieces = records["pieces", "one"][:-1]
    assert all(one.seconds["network"] > 0 for one in pieces[:-1])
    # The joining tells what it took itself.
    assert not {"network", "decode"} & set(joined.seconds)
    assert joined.seconds["encode"] > 0
    assert {record.status for record in pieces} == {"part"}
    assert sum(record.frames for record in pieces[:-1]) == whole.frames
    assert pieces[-1].outputs == pieces[2].outputs


def test_the_pieces_go_once_they_are_joined(both, item):
    left = [path.name for path in (both[1].parent / FOLDER / item.identifier).rglob("*") if path.is_file()]
    assert left == ["joined.json"]


@pytest.fixture(scope="module")
def in_pieces(item, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces") / "done"
    settings = settings_for(folder, "mask,areas,overlay")
    with Replica(settings, worker="one") as replica:
        run(replica, *tasks_of(item, settings)[0])
    return folder


@pytest.fixture
def ready(item, in_pieces, tmp_path):
    """A replica at a destination that has all pieces of a video, whose joining was not begun."""
    folder = shutil.copytree(in_pieces, tmp_path / "out")
    settings = settings_for(folder, "mask,areas,overlay")
    with Replica(settings, worker="one") as replica:
        yield replica, tasks_of(item, settings)[1], folder


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "films").iterdir()}


def test_a_joiner_that_was_killed_before_it_said_so_starts_again(ready, monkeypatch):
    replica, join, folder = ready

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        # The outputs are committed, the parts not yet removed.
        patch.setattr("liveseg.batch.pieces.making.end_joining", die)
        with pytest.raises(Killed):
            replica.run((join,))
    before = contents(folder)
    (record,) = run(replica, join)
    assert contents(folder) == before
    assert record.frames == 72
    # And once more, after the parts were removed: nothing is made again, and the same is told.
    (again,) = run(replica, join)
    same = {"seconds": {}, "finished": 0.0, "bytes_in": 0}
    assert replace(again, **same) == replace(record, **same)
    assert contents(folder) == before


def test_parts_that_were_half_removed_are_not_missed(ready):
    replica, join, folder = ready
    (record,) = run(replica, join)
    marker = folder / FOLDER / join.item.identifier / "joined.json"
    assert json.loads(marker.read_text())["outputs"] == list(record.outputs)
    before = contents(folder)
    parts = marker.parent / "2-4"
    parts.mkdir()
    (parts / "part.json").write_text("{}")
    (again,) = run(replica, join)
    assert again.outputs == record.outputs
    assert contents(folder) == before


@pytest.mark.parametrize(
    "what", ["missing", "other settings", "a gap", "a break", "another encoder", "another picture"]
)
def test_pieces_that_do_not_fit_are_not_joined(ready, item, what, both, caplog):
    """The video is taken whole then: slower, and right."""
    replica, join, folder = ready
    part = folder / FOLDER / item.identifier / "1-4"
    told = json.loads((part / "part.json").read_text())
    if what == "missing":
        (part / "part.json").unlink()
    elif what == "other settings":
        (part / "part.json").write_text(json.dumps(told | {"settings": "0" * 64}))
    elif what == "a gap":
        (part / "part.json").write_text(json.dumps(told | {"cuts": [told["cuts"][0], told["cuts"][1] + 1]}))
    elif what == "a break":
        (part / "part.json").write_text(json.dumps(told | {"broken_off": "Input/output error"}))
    elif what == "another encoder":
        reencode(part / "2.mp4")
    else:
        (part / "part.json").write_text(json.dumps(told | {"pts": told["pts"][:-1]}))
    (record,) = run(replica, join)
    assert "taken whole, as its pieces cannot be joined" in caplog.text
    assert (record.status, record.frames) == ("done", 72)
    assert (folder / "films" / "clip_lite.mp4").read_bytes() == (both[0] / "clip_lite.mp4").read_bytes()
    assert not (part / "part.json").exists()


def reencode(path):
    frames = pictures(path)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12, options={"preset": "ultrafast", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for _, planes in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        container.mux(stream.encode(None))
