"""`liveseg run` on what comes at its own pace, and on several sources at once, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

NOBODY = "rtsp://someone:hidden@127.0.0.1:1/door"
"""An address at which nothing listens."""


@pytest.fixture
def liveseg(tmp_path):
    """`liveseg(*arguments, stdin=bytes)`: its exit code, standard output as bytes and standard error as text."""

    def run(*arguments, stdin=b""):
        command = [sys.executable, "-m", "liveseg", "run", *map(str, arguments)]
        done = subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, timeout=180, check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    return run


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_raw_frames_go_in_and_out_and_every_one_of_them(liveseg):
    frames = np.random.default_rng(0).integers(0, 255, (5, 48, 64, 3), np.uint8)
    raw = ["--frame-size", "64x48", "--size", "33", "--alpha", "0"]
    code, out, said = liveseg("-", "-o", "-", *raw, stdin=frames.tobytes())
    assert code == 0, said
    # What liveseg has to say must not stand among the pixels.
    assert "5 frames" in said
    assert np.frombuffer(out, np.uint8).reshape(frames.shape) == pytest.approx(frames)


def test_a_file_played_as_live_tells_ages_and_what_was_left_out(liveseg, samples, tmp_path):
    code, out, said = liveseg(samples / "video_2.mp4", "--realtime", "--limit", "12", "--size", "97", "--json")
    assert code == 0, said
    source = json.loads(out)["sources"][0]
    assert set(source["age_ms"]) == {"p50", "p95"}
    assert source["age_ms"]["p50"] > 0
    assert source["frames"] + source["dropped"] >= 12
    assert source["frames"] == len(frames_of(tmp_path / source["output"]))
    assert {thread["name"] for thread in source["threads"]} >= {"reader", "caller"}


@pytest.mark.long
def test_the_caption_is_drawn_on_live_frames_only_and_can_be_left_out(liveseg, samples, tmp_path):
    options = ["--limit", "4", "--size", "33", "--alpha", "0", "--crf", "1"]
    for name, more in {"file": [], "live": ["--realtime"], "plain": ["--realtime", "--no-caption"]}.items():
        code, _, said = liveseg(samples / "video_2.mp4", "-o", f"{name}.mp4", *options, *more)
        assert code == 0, said
    corners = {name: frames_of(tmp_path / f"{name}.mp4")[0][:30, :200] for name in ("file", "live", "plain")}
    assert (corners["live"] > 240).all(axis=2).sum() > (corners["file"] > 240).all(axis=2).sum() + 100
    assert np.abs(corners["plain"].astype(int) - corners["file"]).max() < 20


def test_of_several_sources_a_dead_one_hurts_no_other_and_no_password_is_told(liveseg, samples, tmp_path):
    quick = ["--limit", "6", "--size", "33", "--timeout", "2", "--reconnect", "0"]
    code, out, said = liveseg(NOBODY, samples / "video_2.mp4", *quick, "--json")
    assert code == 1
    dead, good = json.loads(out)["sources"]
    assert dead["error"]
    assert "127.0.0.1:1/door" in dead["source"]
    assert good["frames"] == len(frames_of(tmp_path / good["output"])) == 6
    assert "hidden" not in said + out.decode()


@pytest.mark.long
def test_a_grid_shows_all_sources_in_one_file(liveseg, samples, tmp_path):
    videos = [samples / "video_1.mp4", samples / "video_2.mp4"]
    code, out, said = liveseg(*videos, "--grid", "--realtime", "--duration", "4", "--size", "97", "--json")
    assert code == 0, said
    report = json.loads(out)
    assert report["grid"]["output"] == str(Path("outputs") / "grid_lite.mp4")
    pictures = frames_of(tmp_path / "outputs" / "grid_lite.mp4")
    assert pictures[0].shape[1] == 1280
    # On a busy machine one of the two starts later than the other.
    assert any(min(picture[100:300, :640].std(), picture[100:300, 640:].std()) > 10 for picture in pictures)
    assert len(pictures) == report["grid"]["frames"]


def test_segments_are_files_of_their_own(liveseg, samples, tmp_path):
    code, _, said = liveseg(samples / "video_2.mp4", "-o", "part.mp4", "--segment", "1", "--size", "33")
    assert code == 0, said
    parts = sorted(tmp_path.glob("part_*.mp4"))
    assert len(parts) > 1
    whole = len(frames_of(samples / "video_2.mp4"))
    assert sum(len(frames_of(part)) for part in parts) == whole


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rtsp://h/a", "rtsp://h/b", "-o", "udp://127.0.0.1:9"], ["2 sources", "--grid"]),
        (["-"], ["--frame-size"]),
        (["gopher://x/"], ["gopher"]),
        (["-", "-o", "telnet://x"], ["telnet"]),
        (["rtsp://h/a", "--realtime", "--every-frame"], ["contradict"]),
        (["rtsp://h/a", "--segment", "0.5"], ["--segment"]),
        (["rtsp://h/a", "--segment", "5", "--skip-existing"], ["--skip-existing", "--segment"]),
        (["rtsp://h/a", "--every-frame", "--target-fps", "5"], ["contradict"]),
        (["rtsp://h/a", "--grid"], ["--grid"]),
        (["rtsp://h/a", "rtsp://h/b", "--skip-existing"], ["--skip-existing"]),
        (["-", "--json"], ["--frame-size"]),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(liveseg, arguments, words):
    code, _, said = liveseg(*arguments)
    assert code == 2, said
    assert len(said.strip().splitlines()) == 1
    assert all(word in said for word in words)


@pytest.mark.long
def test_a_source_opened_to_choose_for_is_not_taken_for_another(liveseg, samples, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "video_1_lite.mp4").write_bytes(b"here already")
    videos = [samples / "video_1.mp4", samples / "video_2.mp4"]
    options = ["--target-fps", "5", "--model", "lite", "--size", "97", "--limit", "3", "--alpha", "0", "--crf", "1"]
    code, out, said = liveseg(*videos, "-o", "out/", "--skip-existing", "--json", *options)
    assert code == 0, said
    first, second = json.loads(out)["sources"]
    assert first["skipped"]
    assert (second["ran"]["model"], second["ran"]["size"]) == ("lite", 97)
    made, wanted = frames_of(tmp_path / second["output"])[0], frames_of(samples / "video_2.mp4")[0]
    assert np.abs(made.astype(int) - wanted).mean() < 5


@pytest.mark.long
def test_each_stream_tells_what_segmented_it_where_the_rate_was_given(liveseg, samples):
    videos = [samples / "video_1.mp4", samples / "video_2.mp4"]
    options = ["--realtime", "--duration", "1", "--grid", "--target-fps", "5", "--size", "129", "--json"]
    code, out, said = liveseg(*videos, *options)
    assert code == 0, said
    report = json.loads(out)
    assert [source["ran"]["size"] for source in report["sources"]] == [129, 129]
    assert report["grid"]["output"].endswith("grid_tuned.mp4")
