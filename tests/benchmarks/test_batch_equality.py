"""`benchmarks/batch/equality.py`: what it compares, and that it can tell what differs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC
from liveseg.maskfile.identity import Identity
from liveseg.maskfile.writer import MaskWriter
from liveseg.media.frame import Frame, SourceInfo

FOLDER = Path(__file__).parents[2] / "benchmarks" / "batch"


@pytest.fixture(scope="module")
def equality(program):
    return program("equality")


def write_clip(path, *, times=(0, 1, 2, 3), shade=100):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "threads": "1"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), "rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_masks(path, *, spots=0, times=(0, 1, 2)):
    from fractions import Fraction

    info = SourceInfo("clip", "video", 20, 10, Fraction(25), Fraction(1, 25))
    with MaskWriter(path, PASCAL_VOC, info, identity=Identity("clip")) as writer:
        for time in times:
            mask = np.zeros((10, 20), np.uint8)
            mask.reshape(-1)[:spots] = 8
            writer.write(Frame(np.zeros((10, 20, 3), np.uint8), time, time, Fraction(1, 25)), mask)


@pytest.fixture
def outputs(tmp_path):
    """Two folders of the same outputs; one has the notes of a batch, too."""
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "a").mkdir(parents=True)
    (first / "a" / "photo_lite.jpg").write_bytes(b"picture")
    write_clip(first / "clip_lite.mp4")
    write_masks(first / "clip_lite_mask.nut")
    shutil.copytree(first, second)
    (second / "_liveseg" / "logs").mkdir(parents=True)
    (second / "_liveseg" / "logs" / "0.jsonl").write_bytes(b"{}")
    return first, second


def test_folders_that_are_equal_are_told_to_be(equality, outputs):
    found = equality.compared(*outputs)
    assert found["files"] == 3
    assert found["frames"] == 7
    assert not any(found[key] for key in found if key not in ("files", "frames"))


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda folder: (folder / "a" / "photo_lite.jpg").write_bytes(b"picturE"), "different"),
        (lambda folder: (folder / "a" / "photo_lite.jpg").unlink(), "missing"),
        (lambda folder: (folder / "a" / "other.jpg").write_bytes(b"picture"), "extra"),
        (lambda folder: write_clip(folder / "clip_lite.mp4", shade=120), "different_frames"),
        (lambda folder: write_clip(folder / "clip_lite.mp4", times=(0, 1, 2, 4)), "different_times"),
        (lambda folder: (folder / "clip_lite_mask.nut").unlink() or write_masks(
            folder / "clip_lite_mask.nut", spots=1
        ), "different_frames"),
        (lambda folder: (folder / "clip_lite_mask.nut").unlink() or write_masks(
            folder / "clip_lite_mask.nut", times=(0, 1)
        ), "different_times"),
    ],
)  # fmt: skip
def test_what_differs_is_told(change, seen, equality, outputs):
    change(outputs[1])
    found = equality.compared(*outputs)
    assert found[seen]
    assert not equality._is_equal({"pool_1": found}, 0.0)


def test_masks_of_pieces_are_held_to_a_tolerance_and_their_times_are_not(equality, outputs, tmp_path):
    first, second = outputs
    (second / "clip_lite_mask.nut").unlink()
    write_masks(second / "clip_lite_mask.nut", spots=4)
    found = equality.masks_compared(first, second)
    found["pieces"] = 3
    assert (found["frames"], found["pixels"], found["different_pixels"]) == (3, 600, 12)
    assert equality._is_equal({"pieces_steadied": found}, 0.02)
    assert not equality._is_equal({"pieces_steadied": found}, 0.019)
    assert not equality._is_equal({"pieces": found}, 0.02)
    assert not equality._is_equal({"pieces_steadied": found | {"different_times": 1}}, 0.02)
    assert not equality._is_equal({"pieces_steadied": found | {"missing": 1}}, 0.02)
    assert not equality._is_equal({"pieces_steadied": found | {"pieces": 0}}, 0.02)


def test_the_same_seed_makes_the_same_files(program, tmp_path):
    made = program("made_files")
    first = made.make_photos(tmp_path / "a", 5, seed=3) + made.make_clips(tmp_path / "a", 1, seed=3, seconds=0.4)
    again = made.make_photos(tmp_path / "b", 5, seed=3) + made.make_clips(tmp_path / "b", 1, seed=3, seconds=0.4)
    other = made.make_photos(tmp_path / "c", 5, seed=4) + made.make_clips(tmp_path / "c", 1, seed=4, seconds=0.4)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert all(path.read_bytes() != twin.read_bytes() for path, twin in zip(first, other, strict=True))
    with av.open(str(first[-1])) as clip:
        assert [stream.type for stream in clip.streams] == ["video", "audio"]
        assert sum(1 for _ in clip.decode(video=0)) == 10


@pytest.mark.long  # nine runs of the command, each of which loads the model anew
def test_a_run_and_pools_of_one_and_two_workers_make_the_same_files(tmp_path):
    result = tmp_path / "equality.json"
    command = [
        sys.executable, FOLDER / "equality.py", "--images", "24", "--clips", "2", "--cut", "1", "--no-ray", "--more",
        "--size 97 --runtime onnx", "-o", result,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    record = json.loads(result.read_text(encoding="utf-8"))
    assert record["equal"]
    assert record["one_process"]["files"] == 26 * 4
    for way in ("pool_1", "pool_2"):
        assert (record[way]["files"], record[way]["different"]) == (26 * 4, 0)
        assert record[way]["frames"] > 2 * 2 * 70
    assert record["pieces"]["pieces"] >= 3
    assert record["pieces"]["different_pixels"] == 0
    assert str(tmp_path) not in result.read_text(encoding="utf-8")
