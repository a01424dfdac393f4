"""`liveseg info`: what is in a file, for people and for machines."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import liveseg
from liveseg.cli.info import describe
from liveseg.errors import LivesegError, MediaError, SourceNotFoundError
from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import Identity, MaskWriter, identity_of
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.images import write_mask
from liveseg.models.registry import find_model

BUNDLED = Path(liveseg.__file__).parent / "weights" / "bundled"


@pytest.fixture
def masks(samples, tmp_path):
    """Four masks of 10x8 pixels, a cat of 20 in each, a dog of 8 in one; the third lasts twice as long."""
    path = tmp_path / "masks.nut"
    clip = samples / "video_2.mp4"
    info = SourceInfo("clip", "video", 10, 8, Fraction(25), Fraction(1, 50), duration=Fraction(6))
    ran = {"model": "lite", "size": 289, "runtime": "onnx", "precision": "float32"}
    with MaskWriter(path, PASCAL_VOC, info, identity=identity_of(clip), ran=ran) as writer:
        for index, pts in enumerate((50, 52, 54, 58)):
            mask = np.zeros((8, 10), np.uint8)
            mask[:2] = PASCAL_VOC.index("cat")
            mask[7, :8] = PASCAL_VOC.index("dog") if index == 1 else 0
            writer.write(Frame(np.zeros((8, 10, 3), np.uint8), index, pts, info.time_base), mask)
    return path


def test_a_mask_file_tells_what_is_in_it(masks, samples):
    record = describe(masks).record
    assert record["kind"] == "masks of a video"
    assert (record["complete"], record["frames"], record["confidence"]) == (True, 4, False)
    assert (record["start"], record["end"], record["timestamps"]) == (1.0, 1.2, "variable")
    assert (record["frames_per_second"], record["time_base"]) == (25.0, "1/50")
    assert record["source"]["name"] == "video_2.mp4"
    assert record["source"]["bytes"] == (samples / "video_2.mp4").stat().st_size
    assert record["source"]["duration"] == 6.0
    assert record["ran"] == {"model": "lite", "size": 289, "runtime": "onnx", "precision": "float32"}
    assert record["bytes_a_frame"] == pytest.approx(masks.stat().st_size / 4, abs=0.1)
    assert [(own["name"], own["frames"]) for own in record["classes"]] == [("background", 4), ("cat", 4), ("dog", 1)]
    assert [own["share"] for own in record["classes"]] == [232 / 320, 80 / 320, 8 / 320]


def test_a_mask_file_of_a_killed_run_says_that_it_is_incomplete(masks, tmp_path):
    cut = tmp_path / "cut.partial.nut"
    cut.write_bytes(masks.read_bytes()[:-40])
    facts = describe(cut)
    assert facts.record["complete"] is False
    assert facts.record["frames"] == 3
    assert facts.rows["state"].startswith("incomplete")
    assert describe(masks).rows["state"] == "whole"


def test_equal_lengths_are_constant_though_the_clock_rounds_them(tmp_path):
    def timestamps(name, *moments):
        info = SourceInfo("clip", "video", 2, 2, time_base=Fraction(1, 1000))
        with MaskWriter(tmp_path / name, PASCAL_VOC, info, identity=Identity("0")) as writer:
            for index, pts in enumerate(moments):
                writer.write(
                    Frame(np.zeros((2, 2, 3), np.uint8), index, pts, info.time_base), np.zeros((2, 2), np.uint8)
                )
        return describe(tmp_path / name).record["timestamps"]

    assert timestamps("ntsc.nut", 0, 33, 67, 100, 133) == "constant"
    assert timestamps("uneven.nut", 0, 33, 68, 100, 133) == "variable"
    assert timestamps("single.nut", 7) == "constant"


def test_videos_and_images_are_told_apart_by_their_content(samples, tmp_path):
    video = describe(samples / "video_2.mp4").record
    assert (video["kind"], video["codec"], video["width"], video["height"]) == ("video", "h264", 480, 320)
    assert (video["frames"], video["frames_per_second"], video["time_base"]) == (150, 29.97003, "1/30000")
    shutil.copy(samples / "image_1.jpg", tmp_path / "photo.mp4")
    image = describe(tmp_path / "photo.mp4").record
    assert (image["kind"], image["format"], image["width"], image["height"]) == ("image", "JPEG", 451, 300)


def test_the_mask_of_a_photo_tells_its_classes(tmp_path):
    mask = np.array([[0, 8, 8, 255]], np.uint8)
    record = describe(write_mask(tmp_path / "m.png", mask, PASCAL_VOC)).record
    assert record["kind"] == "mask of an image"
    assert [(own["name"], own["share"]) for own in record["classes"]] == [
        ("cat", 0.5),
        ("background", 0.25),
        ("no class", 0.25),
    ]


@pytest.mark.parametrize("name", ["lite.onnx", "lite.int8.onnx", "lite.safetensors"])
def test_a_model_tells_its_contract(name):
    record = describe(BUNDLED / name).record
    assert (record["kind"], record["name"]) == ("model", "lite")
    assert record["contract"]["default_size"] == find_model("lite").contract.default_size
    assert record["contract"]["labels"]["classes"] == list(PASCAL_VOC.names)
    assert record["contract"]["quantized"] == ("int8" in name)


def test_what_is_none_of_these_is_refused_in_one_line(samples, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("nothing", encoding="utf-8")
    model = tmp_path / "model.onnx"
    model.write_bytes(b"nothing")
    for path, kind in [(tmp_path / "none", SourceNotFoundError), (text, MediaError), (model, LivesegError)]:
        with pytest.raises(kind, match=path.name) as caught:
            describe(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(MediaError, match="folder"):
        describe(samples)


def test_the_command_shows_a_table_or_json(run_liveseg, masks):
    done = run_liveseg("info", masks)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("video_2.mp4", "lite at 289 by onnx in float32", "4, from 1.00 to 1.20 of 6.00 s", "cat", "25.00%"):
        assert words in done.stdout
    done = run_liveseg("info", masks, "--json")
    assert json.loads(done.stdout)["file"] == str(masks)
    done = run_liveseg("info", "none.nut")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "liveseg: no such file: none.nut\n"


@pytest.fixture(scope="module")
def made(run_liveseg, samples, tmp_path_factory):
    """What a run makes of a photo and of a short video, by source and kind, and a table and events of both."""
    folder = tmp_path_factory.mktemp("made")
    kinds = "mask,npz,areas,areas:jsonl,polygons,coco"
    done = run_liveseg(
        "run", samples / "image_1.jpg", samples / "video_2.mp4", "--limit", 3, "--size", 97, "--save", kinds,
        "--areas", "all.csv", "--zone", "left=0%,0% 50%,0% 50%,100% 0%,100%", "--when", "seen: cat > 0.1% in left",
        "--then", "jsonl:events.jsonl", "--json", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    image, video = json.loads(done.stdout)["sources"]
    files = {
        name: {kind: folder / path for kind, path in source["files"].items()}
        for name, source in (("image", image), ("video", video))
    }
    return files | {"run": {"areas": folder / "all.csv", "events": folder / "events.jsonl"}}


def _classes(record):
    return {own["name"]: own for own in record["classes"]}


@pytest.mark.parametrize("kind", ["npz", "areas", "areas:jsonl", "polygons", "coco"])
@pytest.mark.parametrize("source", ["image", "video"])
def test_what_a_run_made_tells_the_same_classes_as_its_masks(made, source, kind):
    truth = _classes(describe(made[source]["mask"]).record)
    record = describe(made[source][kind]).record
    found = _classes(record)
    assert set(truth) - {"background"} <= set(found)
    for name, own in found.items():
        assert own["share"] == pytest.approx(truth[name]["share"], abs=1e-6), name
        assert (own["index"], own["frames"]) == (truth[name]["index"], truth[name]["frames"])
    frames = {"image": 1, "video": 3}[source]
    assert record.get("frames", record.get("images")) == frames
    assert record["bytes"] == made[source][kind].stat().st_size
    assert (
        record["kind"]
        == {
            "npz": "mask of an image, NumPy archive" if source == "image" else "masks of a video, NumPy archive",
            "areas": "table of areas",
            "areas:jsonl": "table of areas",
            "polygons": "polygons, GeoJSON",
            "coco": "COCO annotations",
        }[kind]
    )


def test_a_table_of_several_sources_and_events_tell_what_they_are_of(made, samples):
    table = describe(made["run"]["areas"])
    assert (table.record["frames"], table.record["zones"]) == (4, ["left"])
    assert table.record["sources"] == [str(samples / name) for name in ("image_1.jpg", "video_2.mp4")]
    assert table.rows["times"].startswith("4 frames, from 0.00 to 0.07 s")
    events = describe(made["run"]["events"])
    assert events.record["kind"] == "events"
    assert events.record["events"] == sum(events.record["rules"].values()) > 0
    assert list(events.record["rules"]) == ["seen"]


def test_the_command_shows_an_archive(run_liveseg, made):
    done = run_liveseg("info", made["video"]["npz"])
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("masks of a video, NumPy archive", "480x320, 21 classes", "3 frames, from 0.00 to 0.07 s", "cat"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "name,age\nA,3\n", "no table of areas: its columns are name, age"),
        ("a.csv", "frame,class_index,class,share,timestamp\n0,x,cat,0.5,\n", "damaged"),
        ("a.jsonl", '{"words": 1}\n', "neither a table"),
        ("a.jsonl", "words\n", "damaged"),
        ("a.json", "[1]", "no document"),
        ("a.json", '{"miou": 1}', "neither GeoJSON"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [{}]}', "damaged"),
        ("a.npz", "words", "damaged"),
    ],
)
def test_other_tables_and_documents_are_refused_in_one_line(tmp_path, name, text, words):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(MediaError, match=words) as caught:
        describe(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_foreign_archive_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", weights=np.zeros(3))
    with pytest.raises(MediaError, match="it holds weights"):
        describe(tmp_path / "a.npz")
