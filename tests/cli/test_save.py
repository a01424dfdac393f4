"""`liveseg run --save`: what is made of images, videos and live sources, and what it is called."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import MaskReader

QUICK = ["--size", "65", "--threads", "1", "--runtime", "onnx"]


@pytest.fixture
def save(run_liveseg, tmp_path):
    """`save(*arguments)`: the report of a run in an empty folder."""

    def run(*arguments, code=0):
        done = run_liveseg("run", *arguments, *QUICK, "--json", cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_images_and_videos_get_files_of_each_kind(save, samples, tmp_path):
    sources = [samples / "image_1.jpg", samples / "video_2.mp4"]
    kinds = "overlay,mask,cutout:webm,areas,areas:jsonl"
    report = save(*sources, "--limit", "4", "--save", kinds)
    image, video = report["sources"]
    for source, stem in ((image, "image_1_lite"), (video, "video_2_lite")):
        assert list(source["files"]) == ["mask", "cutout:webm", "areas", "areas:jsonl"]
        for path in [source["output"], *source["files"].values()]:
            assert Path(path).name.startswith(stem)
            assert (tmp_path / path).stat().st_size
    assert names(tmp_path / "outputs") == sorted(
        Path(path).name for source in (image, video) for path in [source["output"], *source["files"].values()]
    )
    assert "image_1_lite_mask.png" in names(tmp_path / "outputs")
    assert frames(tmp_path / video["files"]["cutout:webm"]) == video["frames"] == 4
    mask = np.asarray(Image.open(tmp_path / image["files"]["mask"]))
    rows = {row["class"]: int(row["pixels"]) for row in table(tmp_path / image["files"]["areas"])}
    assert rows["cat"] == (mask == PASCAL_VOC.index("cat")).sum()
    with MaskReader(tmp_path / video["files"]["mask"]) as masks:
        assert masks.labels == PASCAL_VOC
        assert len(list(masks)) == 4


def test_one_kind_goes_to_the_file_named_and_nothing_is_drawn(save, samples, tmp_path):
    report = save(samples / "video_2.mp4", "--limit", "3", "--save", "areas", "-o", "where/to.jsonl")
    assert names(tmp_path) == ["where"]
    assert names(tmp_path / "where") == ["to.jsonl"]
    (source,) = report["sources"]
    assert source["output"] is None
    assert source["files"] == {"areas": str(Path("where/to.jsonl"))}
    lines = (tmp_path / "where" / "to.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["frame"] for line in lines} == {0, 1, 2}
    assert not {"render", "encode"} & set(report["stages_ms"])
    assert {"prepare", "save"} <= set(report["stages_ms"])


def test_a_pattern_sorts_kinds_into_folders(save, samples, tmp_path):
    sources = [samples / "image_1.jpg", samples / "image_2.jpg"]
    save(*sources, "--save", "mask", "--save", "coco", "-o", "{kind}/{stem}.{ext}")
    assert names(tmp_path / "mask") == ["image_1.png", "image_2.png"]
    assert names(tmp_path / "coco") == ["image_1.json", "image_2.json"]


def test_mask_of_a_video_is_a_mask_file(save, samples, tmp_path):
    save(samples / "video_2.mp4", "--limit", "2", "--mask", "-o", "v.mp4")
    assert names(tmp_path) == ["v.mp4", "v_mask.nut"]


@pytest.mark.long
def test_only_what_is_missing_is_made(save, samples, tmp_path):
    run = [samples / "video_2.mp4", "--limit", "2", "--save", "overlay,areas,npz", "-o", "out/"]
    save(*run)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "video_2_lite_areas.csv").unlink()
    (source,) = save(*run, "--skip-existing")["sources"]
    assert source["output"] is None
    assert list(source["files"]) == ["areas"]
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert set(after) == set(before)
    assert [name for name in after if after[name] != before[name]] == ["video_2_lite_areas.csv"]
    (source,) = save(*run, "--skip-existing")["sources"]
    assert source["skipped"]
    assert after == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}


def test_a_file_that_exists_is_not_replaced_unless_asked_for(run_liveseg, samples, tmp_path):
    run = ["run", samples / "image_1.jpg", "--save", "overlay,areas", "-o", tmp_path / "a.jpg", *QUICK]
    (tmp_path / "a_areas.csv").write_text("mine", encoding="utf-8")
    done = run_liveseg(*run)
    assert done.returncode == 1
    assert "a_areas.csv exists already; add --overwrite" in done.stderr
    assert names(tmp_path) == ["a_areas.csv"]
    assert run_liveseg(*run, "--overwrite").returncode == 0
    assert table(tmp_path / "a_areas.csv")


def test_people_are_told_where_everything_is(run_liveseg, samples, tmp_path):
    run = ["run", samples / "image_1.jpg", "--save", "mask,areas", *QUICK]
    done = run_liveseg(*run, cwd=tmp_path)
    assert "outputs" in done.stdout
    assert "  mask: " in done.stdout
    assert f"  areas: {Path('outputs/image_1_lite_areas.csv')}" in done.stdout
    assert " and " in (said := run_liveseg(*run, "--skip-existing", cwd=tmp_path).stdout)
    assert said.strip().endswith("exist")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.mp4", "--save", "masks"], ["mask?"]),
        (["a.mp4", "--save", "cutout:gif"], ["mov or webm"]),
        (["a.mp4", "--save", "areas,mask", "-o", "x.csv"], ["areas and mask", "{kind}"]),
        (["a.mp4", "--save", "mask", "-o", "x.png"], [".nut"]),
        (["a.mp4", "--save", "areas", "--segment", "5"], ["--segment", "add overlay to --save"]),
        (["a.mp4", "--save", "areas", "-o", "udp://127.0.0.1:9"], ["is the overlay; add overlay"]),
        (["a.mp4", "--save", "areas", "-o", "-"], ["is the overlay; add overlay"]),
        (["a.mp4", "--save", "areas,areas:csv"], ["two results would go to"]),
        (["a.mp4", "--save", "cutout", "--foreground", "catt"], ["no class named 'catt'", "cat"]),
        (["a.mp4", "a.mp4", "b.mp4", "--grid", "--save", "areas", "-o", "-"], ["is the overlay; add overlay"]),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(run_liveseg, samples, tmp_path, arguments, words):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes((samples / "video_2.mp4").read_bytes())
    done = run_liveseg("run", *arguments, *QUICK, cwd=tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1] if "Usage" not in done.stderr else done.stderr
    assert all(word in last for word in words), done.stderr
    assert names(tmp_path) == ["a.mp4", "b.mp4"]


def test_what_is_streamed_is_the_overlay_and_the_rest_is_filed(run_liveseg, samples, tmp_path):
    command = [sys.executable, "-m", "liveseg", "run", str(samples / "video_2.mp4"), "-o", "-"]
    done = subprocess.run(
        [*command, "--save", "overlay,areas", "--limit", "3", *QUICK],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=120,
    )
    with av.open(str(samples / "video_2.mp4")) as container:
        stream = container.streams.video[0]
        assert len(done.stdout) == 3 * stream.width * stream.height * 3
    assert names(tmp_path / "outputs") == ["video_2_lite_areas.csv"]


def test_live_sources_at_once_get_products_of_their_own(save, samples, tmp_path):
    videos = [samples / "video_1.mp4", samples / "video_2.mp4"]
    report = save(*videos, "--grid", "--realtime", "--duration", "1", "--save", "overlay,areas,mask", "-o", "out/")
    assert names(tmp_path / "out") == [
        "grid_lite.mp4",
        *(f"video_{number}_lite_{kind}" for number in (1, 2) for kind in ("areas.csv", "mask.nut")),
    ]
    for source in report["sources"]:
        seen = {row["frame"] for row in table(tmp_path / source["files"]["areas"])}
        with MaskReader(tmp_path / source["files"]["mask"]) as masks:
            assert len(seen) == len(list(masks)) == source["frames"] - source["placeholders"]


def test_an_address_is_segmented_into_a_table(save, http_server, tmp_path):
    report = save(http_server.url("clock.mjpg"), "--limit", "5", "--save", "areas,mask")
    (source,) = report["sources"]
    assert "age_ms" in source
    rows = table(tmp_path / source["files"]["areas"])
    assert len({row["frame"] for row in rows}) == source["frames"] - source["placeholders"]
    with MaskReader(tmp_path / source["files"]["mask"]) as masks:
        times = masks.timestamps
    assert [float(time) for time in times] == sorted({float(row["timestamp"]) for row in rows})


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows cannot kill without warning")
def test_a_killed_run_leaves_what_it_made(samples, tmp_path):
    kinds = "areas,polygons,mask,confidence"
    command = [sys.executable, "-m", "liveseg", "run", str(samples / "video_1.mp4"), "--save", kinds, "-o", "out/"]
    with subprocess.Popen([*command, *QUICK, "--quiet"], cwd=tmp_path, stderr=subprocess.DEVNULL) as run:
        left = tmp_path / "out" / "video_1_lite_areas.partial.csv"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not left.exists() or left.stat().st_size < 5000):
            time.sleep(0.02)
        os.kill(run.pid, signal.SIGKILL)
    assert names(tmp_path / "out") == [
        "video_1_lite_areas.partial.csv",
        "video_1_lite_confidence.partial.mp4",
        "video_1_lite_mask.partial.nut",
        "video_1_lite_polygons.partial.geojsonl",
    ]
    seen = {int(row["frame"]) for row in table(left)}
    assert len(seen) > 10
    with MaskReader(tmp_path / "out" / "video_1_lite_mask.partial.nut") as masks:
        assert len(list(masks)) >= len(seen) - 2
    for line in (tmp_path / "out" / "video_1_lite_polygons.partial.geojsonl").read_text("utf-8").splitlines()[:-1]:
        assert json.loads(line)["type"] == "Feature"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--save", "mask", "--alpha", "0.3", "--legend"],
            "nothing is drawn, so --alpha and --legend did nothing; add overlay to --save, or leave them out",
        ),
        (
            ["--save", "areas", "--classes", "cat"],
            "nothing is drawn, so --classes did nothing; add overlay to --save, or leave it out",
        ),
        (["--save", "color", "--classes", "cat"], None),
        (["--save", "overlay,mask", "--alpha", "0.3"], None),
        (["--save", "mask", "--alpha", "0.3", "--quiet"], None),
        (["--save", "mask"], None),
    ],
)
def test_options_of_a_drawing_that_is_not_made_are_told(run_liveseg, samples, tmp_path, arguments, told):
    done = run_liveseg("run", samples / "image_1.jpg", *arguments, *QUICK, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ("" if told is None else f"liveseg: {told}\n")
