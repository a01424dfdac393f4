"""`liveseg plot` as its user meets it: in a process of its own, on a table that `liveseg run` wrote."""

from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def table(run_liveseg, samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "areas.csv"
    video = samples / "video_2.mp4"
    zone = ["--zone", "left=0%,0% 50%,0% 50%,100% 0%,100%"]
    done = run_liveseg("run", video, "--limit", 20, "--size", 97, "--areas", path, *zone, "-q", cwd=path.parent)
    assert done.returncode == 0, done.stderr
    return path


def test_a_table_becomes_a_picture_or_a_page(run_liveseg, require_module, table, tmp_path):
    require_module("matplotlib", "matplotlib")
    done = run_liveseg("plot", table, "-o", tmp_path / "a.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 1000
        # Two panels: the whole picture and the zone.
        assert 600 < image.height < 900
    done = run_liveseg(
        "plot", table, "-o", tmp_path / "a.html", "--zone", "left", "--classes", "background", "--smooth", "1"
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert '"name":"background"' in text


@pytest.mark.long
def test_the_picture_stands_beside_its_table_and_is_kept(run_liveseg, require_module, table, tmp_path):
    require_module("matplotlib", "matplotlib")
    own = tmp_path / "mine.csv"
    own.write_bytes(table.read_bytes())
    assert run_liveseg("plot", own).returncode == 0
    assert (tmp_path / "mine.png").is_file()
    refused = run_liveseg("plot", own)
    assert refused.returncode == 1
    assert "--overwrite" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["gone.csv"], 1, "no such file: gone.csv"),
        (["."], 2, ". is no table of areas"),
        (["TABLE", "--classes", "unicorn"], 2, "no class 'unicorn'"),
        (["TABLE", "-o", "a.mp4"], 2, "end it in .png"),
        (["TABLE", "--smooth", "long"], 2, "no time"),
    ],
)
def test_what_makes_no_sense_ends_in_one_line(run_liveseg, require_module, table, tmp_path, arguments, code, words):
    require_module("matplotlib", "matplotlib")
    done = run_liveseg("plot", *[table if word == "TABLE" else word for word in arguments], cwd=tmp_path)
    assert done.returncode == code
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []
