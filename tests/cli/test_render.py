"""`liveseg render` as its user meets it: everything from the masks, nothing from the model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from liveseg.cli.render import render_source
from liveseg.errors import LivesegError, UsageError
from liveseg.files import partial_path
from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import Identity, MaskReader, MaskWriter
from liveseg.media import open_source
from liveseg.media.frame import Selection
from liveseg.settings import RunSettings

QUICK = ("--size", "161", "--limit", "20")


def raw(*arguments, cwd):
    """What the command writes to standard output, where `-o -` sends its frames."""
    command = [sys.executable, "-m", "liveseg", *map(str, arguments), "-o", "-", "-q"]
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def times_of(path):
    with av.open(str(path)) as container:
        return [Fraction(frame.pts) * frame.time_base for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def made(run_liveseg, samples, tmp_path_factory):
    """A run that saved everything that depends on nothing but masks and confidences, and the masks."""
    folder = tmp_path_factory.mktemp("run")
    saves = "overlay,color,confidence,cutout,polygons,coco,areas:jsonl,npz,mask:confidence"
    done = run_liveseg("run", samples / "video_2.mp4", *QUICK, "--save", saves, "-o", f"{folder}/")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def masks(made):
    return made / "video_2_lite_mask.nut"


def test_frames_are_the_same_bytes_as_those_of_the_run(samples, tmp_path):
    clip = samples / "video_2.mp4"
    drawn = ("--background", "blur", "--contours", "--labels", "--legend")
    expected = raw("run", clip, *QUICK, "--save", "overlay,mask", *drawn, cwd=tmp_path)
    masks = tmp_path / "outputs" / "video_2_lite_mask.nut"
    assert raw("render", clip, masks, *drawn, cwd=tmp_path) == expected
    assert len(expected) == 20 * 480 * 320 * 3
    # What was not asked of the run can be asked of its masks.
    other = raw("render", clip, masks, "--classes", "person", cwd=tmp_path)
    assert len(other) == len(expected)
    assert other != expected


@pytest.mark.long
def test_all_that_a_run_saves_comes_from_its_masks_just_the_same(run_liveseg, samples, made, masks, tmp_path):
    saves = "overlay,color,confidence,cutout,polygons,coco,npz"
    target = f"{tmp_path}/"
    done = run_liveseg("render", samples / "video_2.mp4", masks, "--save", saves, "-o", target, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["frames"], report["runtime"], report["model"]) == (20, "masks", "lite")
    assert "infer" not in report["stages_ms"]
    assert "the masks end at 0.67 s; what comes after is left out" in report["sources"][0]["notes"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == len(saves.split(","))
    for name in names:
        own, expected = tmp_path / name, made / name
        if name.endswith(".npz"):
            with np.load(own) as one, np.load(expected) as other:
                assert sorted(one) == sorted(other)
                assert all(np.array_equal(one[key], other[key]) for key in one)
        else:
            assert own.read_bytes() == expected.read_bytes(), name


@pytest.mark.long
def test_every_third_frame_makes_the_video_that_the_run_made(run_liveseg, samples, tmp_path):
    clip = samples / "video_2.mp4"
    done = run_liveseg(
        "run", clip, "--every", 3, "--size", 161, "--duration", 2, "--save", "overlay,mask", "-o", tmp_path / "a.mp4"
    )
    assert done.returncode == 0, done.stderr
    done = run_liveseg("render", clip, tmp_path / "a_mask.nut", "-o", tmp_path / "b.mp4")
    assert done.returncode == 0, done.stderr
    assert "frames without a mask, left out: 38" in done.stdout
    assert times_of(tmp_path / "b.mp4") == times_of(tmp_path / "a.mp4")
    assert len(times_of(tmp_path / "a.mp4")) == 20


def test_what_a_killed_run_left_is_rendered_to_its_last_mask(run_liveseg, samples, masks, tmp_path):
    partial = tmp_path / "video_2_lite_mask.partial.nut"
    partial.write_bytes(masks.read_bytes()[: masks.stat().st_size // 2])
    with MaskReader(partial) as reader:
        count = len(reader)
    assert 3 < count < 17
    done = run_liveseg("render", samples / "video_2.mp4", partial, "-o", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert "is incomplete: its writer was stopped" in done.stdout
    assert len(times_of(tmp_path / "out.mp4")) == count


@pytest.mark.long
def test_a_run_killed_at_work_leaves_masks_to_render(run_liveseg, samples, tmp_path):
    clip, target = samples / "video_1.mp4", tmp_path / "m.nut"
    command = [
        sys.executable,
        "-m",
        "liveseg",
        "run",
        clip,
        "--realtime",
        "--size",
        "161",
        "--save",
        "mask",
        "-o",
        target,
    ]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        partial = partial_path(target)
        deadline = time.monotonic() + 60
        while not partial.exists() or partial.stat().st_size < 6000:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    assert not target.exists()
    with MaskReader(partial) as reader:
        count = len(reader)
    assert count > 3
    done = run_liveseg("render", clip, partial, "-o", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert len(times_of(tmp_path / "out.mp4")) == count


@pytest.mark.long
def test_masks_of_another_file_are_refused_unless_forced(run_liveseg, samples, masks, tmp_path):
    copy = tmp_path / "holiday.mp4"
    shutil.copy(samples / "video_2.mp4", copy)
    done = run_liveseg("render", copy, masks, "-o", tmp_path / "copy.mp4")
    assert done.returncode == 0, done.stderr
    copy.write_bytes(copy.read_bytes() + b"\0")
    run = ["render", copy, masks, "-o", tmp_path / "changed.mp4"]
    done = run_liveseg(*run)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "was made from another file than" in done.stderr
    assert "video_2.mp4" in done.stderr
    assert "--force" in done.stderr
    done = run_liveseg(*run, "--force")
    assert done.returncode == 0, done.stderr
    # Forced or not, masks of another size fit nothing.
    done = run_liveseg("render", samples / "video_1.mp4", masks, "--force", "-o", tmp_path / "other.mp4")
    assert done.returncode == 1
    assert "480x320" in done.stderr


def test_the_masks_are_not_written_over_while_they_are_read(run_liveseg, samples, masks, tmp_path):
    own = tmp_path / "video_2_lite_mask.nut"
    for name in (own, partial_path(own)):
        shutil.copy(masks, name)
        done = run_liveseg(
            "render", samples / "video_2.mp4", name, "--save", "mask", "--overwrite", "-o", f"{tmp_path}/"
        )
        assert done.returncode == 2
        assert "would be written over the masks" in done.stderr
        assert name.read_bytes() == masks.read_bytes()
        name.unlink()


def test_masks_saved_again_are_the_same_masks(run_liveseg, samples, masks, tmp_path):
    done = run_liveseg("render", samples / "video_2.mp4", masks, "--save", "mask:confidence", "-o", f"{tmp_path}/")
    assert done.returncode == 0, done.stderr
    with MaskReader(masks) as one, MaskReader(tmp_path / "video_2_lite_mask.nut") as other:
        assert one.header.source == other.header.source
        for own, again in zip(one.frames(), other.frames(), strict=True):
            assert own.pts == again.pts
            assert np.array_equal(own.mask, again.mask)
            assert np.array_equal(own.confidence, again.confidence)


@pytest.mark.long
def test_confidences_that_were_not_kept_are_missed_in_one_line(run_liveseg, samples, tmp_path):
    clip = samples / "video_2.mp4"
    assert run_liveseg("run", clip, *QUICK, "--save", "mask", "-o", tmp_path / "m.nut").returncode == 0
    done = run_liveseg("render", clip, tmp_path / "m.nut", "--save", "confidence", "-o", f"{tmp_path}/")
    assert done.returncode == 2
    assert "mask:confidence" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_photo_and_its_mask_make_the_overlay_of_the_run(run_liveseg, samples, tmp_path):
    photo = samples / "image_1.jpg"
    run = ["run", photo, "--save", "overlay,mask", "-o", tmp_path / "a.png"]
    assert run_liveseg(*run).returncode == 0
    done = run_liveseg("render", photo, tmp_path / "a_mask.png", "-o", tmp_path / "b.png")
    assert done.returncode == 0, done.stderr
    assert "found: cat" in done.stdout
    one, other = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert np.array_equal(one, other)
    done = run_liveseg("render", samples / "image_2.jpg", tmp_path / "a_mask.png", "-o", tmp_path / "c.png")
    assert done.returncode == 1
    assert "451x300" in done.stderr


def test_what_does_not_go_together_is_refused_in_one_line(samples, masks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source, mask, message in [
        (samples / "video_1.mp4", samples / "video_2.mp4", "no mask file"),
        (samples / "video_1.mp4", tmp_path / "none.nut", "no such file"),
        (samples / "image_1.jpg", masks, "PNG with a palette"),
    ]:
        with pytest.raises(LivesegError, match=message) as caught:
            render_source(source, mask, RunSettings())
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_masks_belong_to_one_file(run_liveseg, samples, masks):
    for source, message in [("0", "a live source"), (samples, "several")]:
        done = run_liveseg("render", source, masks)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_masks_of_a_camera_fit_what_they_are_forced_on(samples, tmp_path):
    with open_source(samples / "video_2.mp4", Selection(limit=3)) as source:
        writer = MaskWriter(tmp_path / "m.nut", PASCAL_VOC, source.info, identity=Identity("rtsp://camera/1"))
        with writer:
            for frame in source:
                writer.write(frame, frame.image[:, :, 0] % 21)
    settings = RunSettings(output=str(tmp_path / "out.mp4"), quiet=True)
    with pytest.raises(UsageError, match=r"rtsp://camera/1, which is no file; --force"):
        render_source(samples / "video_2.mp4", tmp_path / "m.nut", settings)
    report = render_source(samples / "video_2.mp4", tmp_path / "m.nut", settings, force=True)
    assert report.frames == len(times_of(tmp_path / "out.mp4")) == 3
