"""`liveseg run` as its user meets it: in a process of its own, on real files."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from PIL import Image

from liveseg.labels import PASCAL_VOC


def frames_of(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def one_line(done):
    """The only line on standard error."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_an_image_becomes_an_overlay_a_mask_and_a_report(run_liveseg, samples, tmp_path):
    done = run_liveseg("run", samples / "image_1.jpg", "--mask", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "found: cat" in done.stdout
    for word in (
        "latency",
        "p50",
        "p95",
        "decode",
        "preprocess",
        "infer",
        "postprocess",
        "render",
        "encode",
        "cpu",
        "onnx",
    ):
        assert word in done.stdout
    source = np.asarray(Image.open(samples / "image_1.jpg"))
    overlay = np.asarray(Image.open(tmp_path / "outputs" / "image_1_lite.jpg"))
    mask = np.asarray(Image.open(tmp_path / "outputs" / "image_1_lite_mask.png"))
    assert overlay.shape == source.shape
    assert mask.shape == source.shape[:2]
    cat = mask == PASCAL_VOC.index("cat")
    assert cat.mean() > 0.4
    # The cat is tinted, the background is the photo but for the JPEG's own loss.
    background = mask == 0
    assert np.abs(overlay[background].astype(int) - source[background]).mean() < 3
    assert np.abs(overlay[cat].astype(int) - source[cat]).mean() > 20


def test_a_video_becomes_a_video_of_the_same_frames(run_liveseg, samples, tmp_path):
    done = run_liveseg(
        "run", samples / "video_2.mp4", "-o", tmp_path / "out.mp4", "--limit", 12, "--size", 161, "--json"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["frames"] == 12
    assert report["size"] == 161
    assert report["sources"][0]["output"] == str(tmp_path / "out.mp4")
    assert report["stages_ms"].keys() == {"decode", "preprocess", "infer", "smooth", "postprocess", "render", "encode"}
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]
    assert frames_of(tmp_path / "out.mp4") == 12


def test_json_of_an_image_lists_its_areas(run_liveseg, samples, tmp_path):
    done = run_liveseg("run", samples / "image_2.jpg", "--json", cwd=tmp_path)
    areas = {area["class"]: area["share"] for area in json.loads(done.stdout)["sources"][0]["areas"]}
    assert areas["person"] > 0.3
    assert sum(areas.values()) == pytest.approx(1, abs=1e-4)


def test_a_folder_and_a_glob_are_several_sources(run_liveseg, samples, tmp_path):
    for name in ("image_1.jpg", "image_2.jpg"):
        (tmp_path / name).write_bytes((samples / name).read_bytes())
    done = run_liveseg("run", tmp_path, "-o", tmp_path / "a", "-q")
    assert done.returncode == 0
    assert done.stdout == done.stderr == ""
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["image_1_lite.jpg", "image_2_lite.jpg"]
    done = run_liveseg("run", tmp_path / "*_1.jpg", "-o", tmp_path / "b-{stem}.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b-image_1.png").is_file()


def test_one_bad_file_among_several_does_not_stop_the_others(run_liveseg, samples, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    done = run_liveseg("run", tmp_path / "bad.jpg", samples / "image_1.jpg", "-o", f"{tmp_path}/out/")
    assert done.returncode == 1
    assert "bad.jpg" in one_line(done)
    assert (tmp_path / "out" / "image_1_lite.jpg").is_file()


def test_existing_outputs_are_kept_replaced_or_left_out_as_asked(run_liveseg, samples, tmp_path):
    target = tmp_path / "outputs" / "image_1_lite.jpg"
    target.parent.mkdir()
    target.write_text("mine", encoding="utf-8")
    run = ["run", samples / "image_1.jpg"]
    refused = run_liveseg(*run, cwd=tmp_path)
    assert refused.returncode == 1
    assert "--overwrite" in one_line(refused)
    left = run_liveseg(*run, "--skip-existing", cwd=tmp_path)
    assert left.returncode == 0
    assert "left out" in left.stdout
    assert target.read_text(encoding="utf-8") == "mine"
    assert run_liveseg(*run, "--overwrite", cwd=tmp_path).returncode == 0
    assert np.asarray(Image.open(target)).shape == (300, 451, 3)


def test_only_the_chosen_classes_are_shown(run_liveseg, samples, tmp_path):
    done = run_liveseg(
        "run", samples / "image_1.jpg", "--classes", "person,car", "-o", tmp_path / "o.png", "--alpha", 1
    )
    assert done.returncode == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "o.png")), np.asarray(Image.open(samples / "image_1.jpg")))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.jpg"], 1, ["nowhere.jpg"]),
        (["IMAGE", "--model", "lit"], 2, ["no such model 'lit'", "lite"]),
        (["IMAGE", "--classes", "persn"], 2, ["persn", "person"]),
        (["IMAGE", "--device", "cuda:9"], 1, ["CUDA"]),
        (["IMAGE", "--weights", "gone.pth"], 1, ["gone.pth"]),
        (["IMAGE", "-o", "o.mp4"], 2, ["is an image"]),
        (["IMAGE", "--overwrite", "--skip-existing"], 2, ["contradict"]),
        (["VIDEO", "--codec", "libx999"], 2, ["libx999"]),
        (["VIDEO", "--start", "99:00"], 1, ["video_2.mp4"]),
        (["TEXT"], 1, ["text.txt"]),
        (["IMAGE", "--model", "lraspp"], 1, ["liveseg pull lraspp", "--model lite"]),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_right_code(run_liveseg, samples, tmp_path, arguments, code, words):
    (tmp_path / "text.txt").write_text("hello", encoding="utf-8")
    files = {"IMAGE": samples / "image_1.jpg", "VIDEO": samples / "video_2.mp4", "TEXT": tmp_path / "text.txt"}
    quiet_home = {**os.environ, "LIVESEG_HOME": str(tmp_path / "home"), "LIVESEG_OFFLINE": "1"}
    done = run_liveseg("run", *(files.get(word, word) for word in arguments), cwd=tmp_path, env=quiet_home)
    assert done.returncode == code, done.stderr
    line = one_line(done)
    for word in words:
        assert word in line
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("outputs/*"))


@pytest.mark.parametrize(
    "arguments", [["--alpha", "2"], ["--every", "0"], ["--size", "x"], ["--runtime", "x"], ["--foo"]]
)
def test_wrong_usage_ends_with_two_and_names_the_option(run_liveseg, samples, arguments):
    done = run_liveseg("run", samples / "image_1.jpg", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_finishes_the_file(samples, tmp_path, number):
    target = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "liveseg", "run", str(samples / "video_1.mp4"), "-o", str(target), "--size", "385"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        partial = tmp_path / "out.partial.mp4"
        waited = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size > 10_000) and time.monotonic() < waited:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped by a signal" in errors
    assert "Traceback" not in errors
    assert not partial.exists()
    assert 0 < frames_of(target) < frames_of(samples / "video_1.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal(samples, tmp_path):
    command = [sys.executable, "-m", "liveseg", "run", str(samples / "video_2.mp4"), "-o", str(tmp_path / "o.mp4")]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stderr=theirs, stdout=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # what Linux says when the other side has closed
            process.wait(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert b"video_2.mp4" in shown
    assert b"fps" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells close streams so")
def test_a_closed_output_is_no_traceback(samples, tmp_path):
    command = f"{sys.executable} -m liveseg run {samples / 'image_1.jpg'} -o {tmp_path}/a.jpg"
    closed = subprocess.run(["bash", "-c", f"{command} >&-"], capture_output=True, text=True, check=False)
    assert "Traceback" not in closed.stderr
    assert (tmp_path / "a.jpg").is_file()


@pytest.mark.long
def test_a_failed_demo_fails(run_liveseg, tmp_path):
    (tmp_path / "file").touch()
    done = run_liveseg("demo", "-o", tmp_path / "file" / "sub")
    assert done.returncode == 1
    assert "The results lie" not in done.stdout


def test_json_tells_of_a_failure_too(run_liveseg, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    done = run_liveseg("run", tmp_path / "bad.jpg", "--json")
    assert done.returncode == 1
    assert "bad.jpg" in json.loads(done.stdout)["sources"][0]["error"]


@pytest.mark.long
def test_a_missing_mask_is_made_beside_an_existing_output(run_liveseg, samples, tmp_path):
    run = ["run", samples / "image_1.jpg", "-o", tmp_path / "o.jpg"]
    assert run_liveseg(*run).returncode == 0
    before = (tmp_path / "o.jpg").stat().st_mtime_ns
    assert run_liveseg(*run, "--mask", "--skip-existing").returncode == 0
    assert (tmp_path / "o_mask.png").is_file()
    assert (tmp_path / "o.jpg").stat().st_mtime_ns == before
    again = run_liveseg(*run, "--mask", "--overwrite")
    assert again.returncode == 0
