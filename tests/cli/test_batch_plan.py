"""`liveseg batch plan` and `liveseg batch report`: the commands themselves, on real files."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def photos(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number in range(4):
        shutil.copy(samples / f"image_{number % 2 + 1}.jpg", folder / f"photo_{number}.jpg")
    shutil.copy(samples / "video_1.mp4", folder / "clip.mp4")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_plan_of_the_samples_tells_time_price_and_bytes_and_writes_nothing(photos, run_liveseg, tmp_path):
    done = run_liveseg(
        "batch", "plan", photos, "--out", tmp_path / "dest", "--save", "mask", "--size", "97", "--threads-each", "1",
        "--deadline", "10h", "--price", "1", "--measure", "1", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["files"], told["images"], told["videos"]) == (6, 5, 1)
    assert (told["tried"], told["failed"]) == (6, 1)
    assert "broken.jpg" in told["errors"][0]
    assert told["work"]["value"] > 0
    assert told["stages"]["network"] > 0
    assert told["bytes_in"]["value"] >= told["bytes"]
    assert told["bytes_out"]["value"] > 1000
    assert told["deadline"] == {"seconds": 36000, "workers": 1, "workers_to_be_sure": 1}
    assert told["runs"][0]["price"]["value"] == pytest.approx(told["runs"][0]["seconds"]["value"] / 3600)
    assert not (tmp_path / "dest").exists()
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_plan_ends_in_one_line(run_liveseg, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run_liveseg("batch", "plan", "empty/", "--out", "dest", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("liveseg: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.long
def test_a_report_is_made_again_and_is_the_same(photos, run_liveseg, tmp_path):
    ran = run_liveseg(
        "batch", photos, "--out", "dest", "--save", "mask", "--size", "97", "--workers", "1", "-q", cwd=tmp_path
    )
    folder = tmp_path / "dest" / "_liveseg"
    assert (folder / "report.json").exists(), ran.stderr
    first = json.loads((folder / "report.json").read_bytes())
    for name in ("report.json", "report.html", "failures.csv"):
        (folder / name).unlink()
    done = run_liveseg("batch", "report", "dest", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "5 files done, 1 failed" in done.stdout
    again = json.loads((folder / "report.json").read_bytes())
    assert (again["files"]["done"], again["files"]["failed"], again["files"]["videos"]) == (5, 1, 1)
    for field in (
        "frames",
        "pixels",
        "bytes_in",
        "bytes_out",
        "classes",
        "durations",
        "workers",
        "timeline",
        "settings",
    ):
        assert again[field] == first[field], field
    assert "broken.jpg" in (folder / "failures.csv").read_text(encoding="utf-8")
    assert "broken.jpg" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_folder_without_a_batch_has_no_report(run_liveseg, tmp_path):
    done = run_liveseg("batch", "report", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert "holds no batch" in done.stderr
    assert list(tmp_path.iterdir()) == []
