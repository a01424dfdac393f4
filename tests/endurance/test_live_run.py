"""`liveseg run` on live streams of real servers: into files, through cuts, beside dead ones, to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import av
import pytest

UNTOUCHED = ("--alpha", "0", "--no-caption")
"""Draws nothing, so that the clock in the pictures can still be read from the file."""


def frames_of(path, read_clock):
    """Each frame of a file: its time in it, and what its picture says."""
    with av.open(str(path)) as container:
        return [(frame.time, read_clock(frame.to_ndarray(format="rgb24"))) for frame in container.decode(video=0)]


def wait_for(path, process):
    """Wait until a file is there that a process is to make."""
    while not path.exists():
        assert process.poll() is None, f"the run ended before it began: {process.stderr.read()}"
        time.sleep(0.05)


@pytest.fixture
def start():
    """`start(*arguments)`: `liveseg run` in a process of its own, ended if the test fails."""
    started = []

    def run(*arguments):
        command = [sys.executable, "-m", "liveseg", "run", *map(str, arguments), "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        with process:
            process.kill()


def test_a_stream_becomes_a_file_and_a_report_and_its_password_is_told_to_nobody(
    rtsp_server, start, tmp_path, read_clock
):
    url = rtsp_server.url("secret", password=True)
    process = start(url, "-o", tmp_path, "--duration", "1.5", "--size", "128", *UNTOUCHED)
    told, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert rtsp_server.password not in told + said
    (report,) = json.loads(told)["sources"]
    (made,) = tmp_path.iterdir()
    assert rtsp_server.password not in made.name
    shown = frames_of(made, read_clock)
    assert len(shown) == report["frames"] > 5
    assert 0 < report["age_ms"]["p50"] <= report["age_ms"]["p95"]
    assert (report["placeholders"], report["reconnects"]) == (0, 0)
    # The times in the file are those of the stream.
    legible = [(at, reading) for at, reading in shown if reading is not None]
    assert len(legible) > 5
    (first, began), (last, ended) = legible[0], legible[-1]
    assert last - first == pytest.approx(ended.seconds - began.seconds, abs=0.1)
    assert report["dropped"] >= ended.number - began.number + 1 - len(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing on Windows")
def test_ctrl_c_ends_a_live_run_well_with_a_file_that_plays(rtsp_server, start, tmp_path, read_clock):
    target = tmp_path / "out.mp4"
    process = start(rtsp_server.url("clock"), "-o", target, "--size", "128")
    wait_for(tmp_path / "out.partial.mp4", process)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    (report,) = json.loads(told)["sources"]
    assert report["ended_by"] == "signal"
    assert len(frames_of(target, read_clock)) == report["frames"] > 0


@pytest.mark.long
def test_a_source_that_is_dead_hurts_no_other(rtsp_server, http_server, deaf_server, start, tmp_path, read_clock):
    urls = [rtsp_server.url("clock"), deaf_server.url("rtsp"), http_server.url("clock.mjpg")]
    process = start(*urls, "-o", tmp_path, "--duration", "2", "--timeout", "1", "--size", "128", *UNTOUCHED)
    told, said = process.communicate(timeout=90)
    assert process.returncode == 1, said
    rtsp, dead, mjpeg = json.loads(told)["sources"]
    assert dead["error"]
    assert dead["error"] in said
    for report in (rtsp, mjpeg):
        assert report["error"] is None
        assert len(frames_of(report["output"], read_clock)) == report["frames"] > 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.long
def test_a_stream_that_is_cut_for_ten_seconds_comes_back_by_itself(
    rtsp_server, start, tmp_path, read_clock, record_property
):
    target = tmp_path / "out.mp4"
    options = ("--model", "lite", "--size", "256", "--duration", "30", "--preset", "ultrafast")
    process = start(rtsp_server.url("clock"), "-o", target, *options, *UNTOUCHED)
    wait_for(tmp_path / "out.partial.mp4", process)
    time.sleep(8)
    rtsp_server.cut()
    time.sleep(10)
    rtsp_server.restore()
    told, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    (report,) = json.loads(told)["sources"]
    ages = {name: report[name] for name in ("age_ms", "frames", "dropped", "placeholders", "away_seconds")}
    record_property("cut for 10 s", ages)
    print(json.dumps(ages))

    assert report["reconnects"] == 1
    assert 10 <= report["away_seconds"] < 20
    assert report["placeholders"] >= 10
    assert report["age_ms"]["p95"] > 0
    shown = frames_of(target, read_clock)
    legible = [(at, reading) for at, reading in shown if reading is not None]
    gaps = [(after, before) for (_, before), (_, after) in pairwise(legible) if after.seconds - before.seconds > 5]
    assert len(gaps) == 1
    after, before = gaps[0]
    assert len([one for _, one in legible if one.seconds <= before.seconds]) > 25
    assert len([one for _, one in legible if one.seconds >= after.seconds]) > 25
    (first, began), (last, ended) = legible[0], legible[-1]
    assert last - first == pytest.approx(ended.seconds - began.seconds, abs=0.5)
