"""A replica: what it makes of files, what its records say, and what it makes of files that are none."""

from __future__ import annotations

import errno
import logging
import os
import struct
import threading
import time
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from liveseg.batch import images
from liveseg.batch.failure import DeviceLostError
from liveseg.batch.failures import PASSING
from liveseg.batch.outputs import Scratch, file_name, output_names
from liveseg.batch.places import StorageError
from liveseg.batch.reading import fetch
from liveseg.batch.records import Item, Piece, Task
from liveseg.batch.replica import Replica
from liveseg.batch.work import Work
from liveseg.errors import UsageError
from liveseg.settings import BatchSettings
from liveseg.settings.save import parse_saves

QUICK = {"runtime": "onnx", "size": 65, "save": (parse_saves("mask,areas"),), "smooth": False}


def task(location, name=None, kind="image", **about):
    return Task(Item(location=str(location), name=name or Path(str(location)).stem, kind=kind, **about))


@pytest.fixture(scope="module")
def photo(samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "cat.jpg"
    with Image.open(samples / "image_1.jpg") as image:
        image.convert("RGB").resize((160, 120)).save(path)
    return path


@pytest.fixture(scope="module")
def clip(photo, tmp_path_factory):
    """Six frames in which a photo moves."""
    path = tmp_path_factory.mktemp("clip") / "moving.mp4"
    with Image.open(photo) as image:
        picture = np.asarray(image.convert("RGB"))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(6):
            moved = np.ascontiguousarray(np.roll(picture, 3 * number, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def replica(tmp_path):
    """A replica that writes to `tmp_path / "out"`."""
    with Replica(BatchSettings(out=str(tmp_path / "out"), **QUICK), worker="w1") as made:
        yield made


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_outputs_and_records_of_a_picture(replica, photo, tmp_path):
    out = tmp_path / "out"
    given = Task(Item(location=str(photo), name="rome/2024/cat", kind="image", version="7"), attempt=2)
    (record,) = replica.run((given,))
    assert files(out) == ["rome/2024/cat_lite_areas.csv", "rome/2024/cat_lite_mask.png"]
    assert sorted(record.outputs) == files(out)
    mask = np.asarray(Image.open(out / "rome/2024/cat_lite_mask.png"))
    names = replica.images._segmenter.labels.names
    assert record.areas == {names[index]: int((mask == index).sum()) for index in np.unique(mask)}
    assert (record.status, record.error, record.error_kind) == ("done", None, None)
    assert (record.identifier, record.attempts, record.version) == (given.item.identifier, 2, "7")
    assert (record.frames, record.pixels) == (1, 160 * 120)
    assert record.bytes_in == photo.stat().st_size
    assert record.bytes_out == sum((out / name).stat().st_size for name in record.outputs)
    assert (record.model, record.worker, record.settings) == ("lite", "w1", replica.hash)
    assert set(record.seconds) >= {"fetch", "decode", "preprocess", "network", "postprocess", "encode", "commit"}
    assert all(seconds >= 0 for seconds in record.seconds.values())
    assert sum(record.seconds.values()) <= 2.02 * record.seconds["total"]
    assert abs(record.finished - time.time()) < 60


def test_a_task_done_twice_writes_the_same_bytes(replica, photo, tmp_path):
    replica.run((task(photo),))
    first = {name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")}
    replica.run((task(photo),))
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")} == first


def bomb(path):
    """A PNG whose head claims 60,000 x 60,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


@pytest.fixture
def bad_files(photo, tmp_path):
    """Files that are none, each with the kind of its failure and a word of its error."""
    folder = tmp_path / "bad"
    folder.mkdir()
    whole = photo.read_bytes()
    (folder / "folder.jpg").mkdir()
    contents = {
        "text.jpg": b"hello", "empty.jpg": b"", "cut.jpg": whole[: len(whole) // 2], "text.mp4": b"hello" * 100,
        "empty.mp4": b"", "picture.mp4": whole,
        "scans.jpg": whole[:2] + b"\xff\xda\x00\x02" * 50 + whole[2:],
    }  # fmt: skip
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {
        folder / "missing.jpg": ("missing", "no such file"), folder / "missing.mp4": ("missing", "no such file"),
        folder / "folder.jpg": ("unreadable", "folder"), folder / "text.jpg": ("unreadable", "not an image"),
        folder / "empty.jpg": ("unreadable", "empty"), folder / "cut.jpg": ("unreadable", "damaged"),
        bomb(folder / "bomb.png"): ("unreadable", "pixels"), folder / "scans.jpg": ("unreadable", "scans"),
        folder / "text.mp4": ("unreadable", ""), folder / "empty.mp4": ("unreadable", "empty"),
        folder / "picture.mp4": ("unreadable", "picture"),
    }  # fmt: skip


def test_bad_files_are_recorded_with_their_reason_and_do_not_stop_the_rest(replica, photo, bad_files, tmp_path):
    tasks = [task(path, kind="video" if path.suffix == ".mp4" else "image") for path in bad_files]
    records = replica.run((*tasks[:5], task(photo), *tasks[5:], task(photo, "again")))
    told = {record.location: record for record in records if record.location != str(photo)}
    assert [record.location for record in records if record.status == "done"] == [str(photo)] * 2
    for path, (kind, word) in bad_files.items():
        record = told[str(path)]
        assert (record.status, record.error_kind) == ("failed", kind), record
        assert record.error is not None
        assert "\n" not in record.error
        assert word in record.error
        assert str(path) in record.error
        assert record.outputs == ()
    assert files(tmp_path / "out") == sorted(
        f"{name}_lite_{end}" for name in ("cat", "again") for end in ("mask.png", "areas.csv")
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("kind", ["image", "video"])
def test_what_a_disk_refuses_is_tried_again_next_time(photo, clip, tmp_path, kind, number, monkeypatch):
    """It says nothing of the file, which may be read without a change to it."""
    work = Work(task(clip if kind == "video" else photo, kind=kind))

    def refused(self, *_, **__):
        raise OSError(number, os.strerror(number), str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refused)
        patched.setattr(Path, "open", refused)
        with pytest.raises(StorageError, match=f"cannot read .*: {os.strerror(number)}") as caught:
            fetch(work, BatchSettings(out=str(tmp_path / "out")))
    work.error = caught.value
    assert work.record(worker="w1", settings="").error_kind in PASSING


def test_a_video_in_pieces_is_read_once(clip, tmp_path):
    """Each worker reads its own part of a file that lies here."""
    works = [Work(Task(task(clip).item, piece=Piece(index, 4, index, index + 1.0))) for index in range(4)]
    for work in works:
        fetch(work, BatchSettings(out=str(tmp_path / "out")))
    assert all(work.path == clip for work in works)
    assert sum(work.bytes_in for work in works) == clip.stat().st_size


def test_larger_pictures_and_frames_than_the_settings_take_are_refused(photo, samples, tmp_path):
    settings = BatchSettings(out=str(tmp_path / "out"), max_pixels=160 * 119, **QUICK)
    with Replica(settings, worker="w1") as replica:
        records = replica.run((task(photo), task(samples / "video_2.mp4", kind="video")))
    assert [record.error_kind for record in records] == ["unreadable"] * 2
    assert all("scale it down" in record.error for record in records)
    assert not (tmp_path / "out").exists() or files(tmp_path / "out") == []


def test_a_defect_is_one_line_in_the_record_and_a_traceback_in_the_log(replica, photo, tmp_path, monkeypatch, caplog):
    finish = images.Images.finish

    def broken(self, work):
        if work.item.name == "second":
            raise KeyError("what nobody\nthought of")
        finish(self, work)

    monkeypatch.setattr(images.Images, "finish", broken)
    with caplog.at_level(logging.ERROR):
        first, second, third = replica.run((task(photo, "first"), task(photo, "second"), task(photo, "third")))
    assert (first.status, second.status, third.status) == ("done", "failed", "done")
    assert second.error_kind == "defect"
    assert "KeyError" in second.error
    assert "test_replica.py" in second.error
    assert "\n" not in second.error
    assert "thought of" in caplog.text
    assert "Traceback" in caplog.text
    assert str(photo) in caplog.text


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (MemoryError(), "memory"),
        (TimeoutError("too long"), "timeout"),
        (UsageError("too large"), "unreadable"),
    ],
)
def test_what_a_file_costs_is_the_files_own_failure(wrong, kind, replica, photo, monkeypatch):
    def broken(self, work):
        raise wrong

    monkeypatch.setattr(images.Images, "infer", broken)
    (record,) = replica.run((task(photo),))
    assert (record.status, record.error_kind) == ("failed", kind)
    assert record.error


def test_a_lost_device_ends_the_worker(replica, photo, monkeypatch):
    def broken(self, work):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(images.Images, "infer", broken)
    with pytest.raises(DeviceLostError, match=r"cat\.jpg"):
        replica.run((task(photo),))


def test_a_model_that_cannot_be_loaded_is_told_as_such_and_not_as_a_files_failure(photo, tmp_path):
    own = tmp_path / "own.onnx"
    own.write_bytes(b"no model")
    own.with_suffix(".json").write_text('{"classes": ["background", "cat"]}', encoding="utf-8")
    settings = BatchSettings(out=str(tmp_path / "out"), weights=own, **QUICK)
    with Replica(settings, worker="w1") as replica, pytest.raises(Exception, match=r"own\.onnx"):
        replica.run((task(photo),))


@pytest.mark.parametrize("wrong", [{"classes": ("unicorn",)}, {"foreground": ("unicorn",), "save": "cutout"}])
@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_class_that_the_model_lacks_is_told_as_such_and_not_as_a_files_failure(wrong, kind, photo, tmp_path):
    options = QUICK | wrong
    if isinstance(options["save"], str):
        options["save"] = (parse_saves(options["save"]),)
    settings = BatchSettings(out=str(tmp_path / "out"), **options)
    with Replica(settings, worker="w1") as replica, pytest.raises(UsageError, match="unicorn"):
        replica.run((task(photo, kind=kind),))


@pytest.mark.parametrize("wrong", [{"codec": "divx"}, {"preset": "lazy"}, {"model": "lrasp"}])
def test_what_does_not_exist_is_told_before_the_first_file(wrong, tmp_path):
    with pytest.raises(UsageError, match=next(iter(wrong.values()))):
        Replica(BatchSettings(out=str(tmp_path / "out"), **QUICK, **wrong), worker="w1")


class SlowPlace:
    """A place that takes its time, and counts how many commits are under way."""

    def __init__(self, place, seconds):
        self._place, self._seconds = place, seconds
        self._lock = threading.Lock()
        self.running = self.most = self.commits = 0

    def commit(self, source, name):
        with self._lock:
            self.running += 1
            self.commits += 1
            self.most = max(self.most, self.running)
        time.sleep(self._seconds)
        size = self._place.commit(source, name)
        with self._lock:
            self.running -= 1
        return size


def test_a_slow_destination_is_waited_for_several_files_at_a_time(replica, photo, tmp_path):
    replica.run((task(photo),))
    replica._place = slow = SlowPlace(replica._place, 0.05)
    began = time.perf_counter()
    records = replica.run(tuple(task(photo, str(number)) for number in range(12)))
    took = time.perf_counter() - began
    assert slow.commits == 24
    assert slow.most == 4
    assert slow.running == 0
    assert [record.name for record in records] == [str(number) for number in range(12)]
    # Each commit is counted for its own file; side by side they take less than one after the other.
    assert took < sum(record.seconds["commit"] for record in records)


@pytest.fixture
def store():
    """An object store in memory, emptied at the end; gives the address of a file that it is made to hold."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")

    def put(name, data):
        system.pipe_file(f"/bucket/{name}", data)
        return f"memory://bucket/{name}"

    yield put
    system.store.clear()


def test_files_of_a_store_become_the_same_files_as_those_of_a_folder(replica, photo, clip, store, tmp_path):
    here = replica.run((task(photo, "here/cat"), task(clip, "here/clip", kind="video")))
    there = replica.run(
        (
            task(store("a/cat.jpg", photo.read_bytes()), "there/cat"),
            task(store("a/moving.mp4", clip.read_bytes()), "there/clip", kind="video"),
        )
    )
    assert [record.error for record in (*here, *there)] == [None] * 4
    assert [record.bytes_in for record in there] == [record.bytes_in for record in here]
    out = tmp_path / "out"
    assert files(out / "here") == files(out / "there")
    for name in files(out / "here"):
        assert (out / "here" / name).read_bytes() == (out / "there" / name).read_bytes(), name


def test_a_fetched_file_is_called_by_its_address_and_leaves_nothing_behind(store, tmp_path):
    broken = store("in/broken clip.mp4", b"no video" * 100)
    with Replica(BatchSettings(out=str(tmp_path / "out"), **QUICK), worker="w1") as replica:
        bad, missing, picture = replica.run(
            (
                task(broken, "broken", kind="video"),
                task("memory://bucket/in/none.mp4", "none", kind="video"),
                task("memory://bucket/in/none.jpg", "none too"),
            )
        )
        scratch = replica._scratch.folder
        assert scratch.is_dir()
        assert [path for path in scratch.rglob("source*") if path.is_file()] == []
    assert not scratch.exists()
    assert bad.error_kind == "unreadable"
    assert broken in bad.error
    assert str(scratch) not in bad.error
    assert bad.bytes_in == 800
    assert (missing.error_kind, picture.error_kind) == ("missing", "missing")
    assert "none.mp4" in missing.error


def test_a_destination_that_cannot_be_written_is_told_as_storage(photo, tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    with Replica(BatchSettings(out=str(tmp_path / "out" / "there"), **QUICK), worker="w1") as replica:
        (record,) = replica.run((task(photo),))
    assert (record.status, record.error_kind) == ("failed", "storage")


def test_names_are_those_of_a_run_in_the_items_folder():
    saves = parse_saves("overlay,mask,cutout:webm,polygons:coco")
    photo = Item(location="/in/a/x.y.jpg", name="a/x.y", kind="image")
    assert output_names(photo, saves, "lite") == [
        "a/x.y_lite.jpg",
        "a/x.y_lite_mask.png",
        "a/x.y_lite_cutout.png",
        "a/x.y_lite_polygons.json",
    ]
    clip = Item(location="s3://bucket/b/clip%202.mov", name="clip 2", kind="video")
    assert output_names(clip, saves, "my/model")[0] == "clip 2_my-model.mp4"
    braces = Item(location="/in/{stem}.jpg", name="{stem}", kind="image")
    assert output_names(braces, saves[:1], "lite") == ["{stem}_lite.jpg"]


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/in/a/x.y.jpg", "x.y.jpg"),
        ("s3://bucket/a/100%20#1?.jpg", "100%20#1?.jpg"),
        ("https://example.org/a/x%20y.jpg?size=2", "x y.jpg"),
    ],
)
def test_a_files_own_name_is_the_last_part_of_where_it_is(location, name):
    assert file_name(Item(location=location, name="n", kind="image")) == name


def test_a_slot_is_used_over_and_over_and_the_folder_goes_at_the_end():
    scratch = Scratch(1)
    slot = scratch.take()
    source = slot.source(Item(location="s3://bucket/A clip.MP4", name="a", kind="video"))
    source.write_bytes(b"x")
    scratch.give_back(slot)
    assert scratch.take() is slot
    assert source.name == "source.mp4"
    assert not source.exists()
    scratch.close()
    assert not scratch.folder.exists()
