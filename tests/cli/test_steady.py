"""`--smooth` and `--no-smooth`."""

from __future__ import annotations

import json

import pytest

from liveseg import Segmenter
from liveseg.assembly import make_pipeline
from liveseg.settings import RunSettings
from liveseg.temporal import Smoother


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=97)


@pytest.mark.parametrize(
    ("asked", "on_a_device", "smoothed"),
    [(None, False, True), (None, True, False), (True, True, True), (False, False, False)],
)
def test_videos_are_smoothed_unless_a_device_does_the_whole_line(asked, on_a_device, smoothed, segmenter, monkeypatch):
    line = object() if on_a_device else None
    monkeypatch.setattr(segmenter, "device_line", lambda table: line)
    pipeline = make_pipeline(segmenter, RunSettings(smooth=asked))
    assert pipeline.smooth is (Smoother if smoothed else None)


@pytest.mark.long
def test_masks_are_those_of_each_frame_alone_with_no_smooth(run_liveseg, samples, tmp_path):
    areas = {}
    for flags in ((), ("--smooth",), ("--no-smooth",)):
        name = "-".join(flags) or "default"
        done = run_liveseg(
            "run", samples / "video_1.mp4", "--limit", 8, "--size", 97, "--save", "areas", "--json", *flags, "-o", name,
            cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert ("smooth" in json.loads(done.stdout)["stages_ms"]) is (flags != ("--no-smooth",))
        (table,) = (tmp_path / name).glob("*.csv")
        areas[name] = table.read_text(encoding="utf-8")
    assert areas["default"] == areas["--smooth"] != areas["--no-smooth"]
    first = [text.splitlines()[1] for text in areas.values()]
    assert len(set(first)) == 1, "the first frame has no past"


def test_an_image_is_never_smoothed(run_liveseg, samples, tmp_path):
    done = run_liveseg("run", samples / "image_2.jpg", "--smooth", "--size", 97, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "smooth" not in json.loads(done.stdout)["stages_ms"]
