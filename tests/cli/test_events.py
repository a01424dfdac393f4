"""`liveseg run` with `--areas`, `--zone`, `--when` and `--then` as its user meets them, in a process of its own."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import av
import numpy as np
import pytest

SMALL = ["--size", "97"]
CAT = "close: cat > 85% for 500ms"
"""In the second sample a cat fills the picture more and more, and then less."""

LEFT = "left=0%,0% 50%,0% 50%,100% 0%,100%"


@pytest.fixture
def hook():
    """A server that takes what is posted to it, on a port of this machine."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    server.bodies, server.url = bodies, f"http://127.0.0.1:{server.server_port}/hidden-path?key=hidden"
    yield server
    server.shutdown()
    server.server_close()


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def frames_of(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_a_video_has_areas_events_clips_and_outlines(run_liveseg, samples, tmp_path, hook):
    video = samples / "video_2.mp4"
    then = ["--then", f"webhook:{hook.url}", "--then", "jsonl:events.jsonl", "--then", "clip:clips"]
    files = ["-o", "out.mp4", "--areas", "areas.csv", "--clip-before", "1", "--clip-after", "0.5", "--alpha", "0"]
    done = run_liveseg("run", video, *files, "--zone", LEFT, "--when", CAT, *then, *SMALL, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (source,) = json.loads(done.stdout)["sources"]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events == hook.bodies
    begins = [event for event in events if event["event"] == "began"]
    assert f"close: happened {'once' if len(begins) == 1 else f'{len(begins)} times'}" in source["notes"]

    rows = rows_of(tmp_path / "areas.csv")
    times = {int(row["frame"]): float(row["timestamp"]) for row in rows}
    assert len(times) == source["frames"] == len(frames_of(tmp_path / "out.mp4"))
    assert {row["source"] for row in rows} == {str(video)}
    assert {row["zone"] for row in rows} == {"", "left"}
    for frame in (0, 70):
        # The zone is half of the picture, and both are counted whole.
        whole = sum(int(row["pixels"]) for row in rows if int(row["frame"]) == frame and not row["zone"])
        assert whole == 2 * sum(int(row["pixels"]) for row in rows if int(row["frame"]) == frame and row["zone"])

    # The events are those that the table of areas tells.
    share = {int(row["frame"]): float(row["share"]) for row in rows if (row["class"], row["zone"]) == ("cat", "")}
    first = begins[0]
    assert first["seconds"] >= 0.5
    held = [share[frame] for frame, moment in times.items() if first["began"] <= moment <= first["timestamp"]]
    assert min(held) > 0.85

    clip = frames_of(tmp_path / first["clip"])
    last = max(event["timestamp"] for event in events if event["clip"] == first["clip"])
    expected = min(last + 0.5, max(times.values())) - max(first["began"] - 1, 0)
    assert clip[-1][0] == pytest.approx(expected, abs=0.1)
    assert clip[0][0] == 0

    # The zone's edge runs down the middle of the picture: white between dark rims.
    _, picture = frames_of(tmp_path / "out.mp4")[0]
    middle = picture[40:-40, picture.shape[1] // 2 - 3 : picture.shape[1] // 2 + 3].astype(int).mean(axis=(0, 2))
    assert middle.max() - middle.min() > 60


def test_the_table_can_be_followed_and_a_killed_run_leaves_whole_lines(samples, tmp_path):
    table = tmp_path / "areas.csv"
    command = [
        sys.executable,
        "-m",
        "liveseg",
        "run",
        str(samples / "video_1.mp4"),
        "--realtime",
        "--areas",
        str(table),
    ]
    with subprocess.Popen([*command, *SMALL, "-q"], cwd=tmp_path) as process:
        try:
            deadline = time.monotonic() + 60
            while not table.exists() or table.read_bytes().count(b"\n") < 6:
                assert time.monotonic() < deadline, "no rows came"
                time.sleep(0.02)
        finally:
            process.kill()
    assert table.read_bytes().endswith(b"\n")
    rows = rows_of(table)
    assert all(row["share"] and row["time"].endswith("Z") for row in rows)


@pytest.mark.long
def test_sources_at_the_same_time_share_the_table_and_the_server(run_liveseg, samples, tmp_path, hook):
    videos = [samples / "video_1.mp4", samples / "video_2.mp4"]
    options = ["--grid", "--realtime", "--duration", "2", "--areas", "areas.jsonl", "-o", "grid.mp4"]
    rules = [
        "--when",
        "person > 1%",
        "--when",
        "cats: cat > 1% in left",
        "--zone",
        LEFT,
        "--then",
        f"webhook:{hook.url}",
    ]
    done = run_liveseg("run", *videos, *options, *rules, *SMALL, "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "areas.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["source"] for row in rows} == {str(video) for video in videos}
    told = {(body["rule"], body["source"]) for body in hook.bodies if body["event"] == "began"}
    assert told == {("person > 1%", str(videos[0])), ("cats", str(videos[1]))}


def test_a_server_that_refuses_is_told_of_without_its_secret_and_fails_nothing(run_liveseg, samples, tmp_path, hook):
    hook.RequestHandlerClass.status = 403
    rule = ["--when", "cat > 1%", "--then", f"webhook:{hook.url}"]
    done = run_liveseg("run", samples / "image_1.jpg", *rule, cwd=tmp_path)
    assert done.returncode == 0
    assert "took 0 of 1 events; at last: it answered 403" in done.stderr
    assert "hidden" not in done.stderr + done.stdout


def test_pictures_are_rows_without_a_time(run_liveseg, samples, tmp_path):
    images = [samples / "image_1.jpg", samples / "image_2.jpg"]
    done = run_liveseg("run", *images, "--areas", "areas.csv", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "areas.csv")
    assert {(row["frame"], row["timestamp"], row["time"]) for row in rows} == {("0", "", "")}
    assert {row["source"] for row in rows if row["class"] == "cat"} >= {str(images[0])}
    # Nothing is replaced unasked, and the pictures are not touched either.
    refused = run_liveseg("run", *images, "--areas", "areas.csv", "-q", cwd=tmp_path)
    assert refused.returncode == 1
    assert "areas.csv exists already" in refused.stderr
    assert rows_of(tmp_path / "areas.csv") == rows


@pytest.mark.parametrize(
    ("arguments", "words", "shown", "place"),
    [
        (["--when", "cat > 5"], "--when, at the end: % or px is expected", "cat > 5", 7),
        (["--when", "cat > 5% or katze > 1%"], "no class named 'katze'", "cat > 5% or katze > 1%", 12),
        (["--when", "cat > 5% in yard"], "no zone named 'yard'", "cat > 5% in yard", 12),
    ],
)
def test_an_error_points_at_the_character(run_liveseg, samples, tmp_path, arguments, words, shown, place):
    done = run_liveseg("run", samples / "image_1.jpg", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    message, text, mark = done.stderr.rstrip("\n").split("\n")
    assert message.startswith("liveseg: --")
    assert words in message
    assert (text, mark) == (f"  {shown}", f"  {' ' * place}^")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--then", "jsonl:e.jsonl"], 2, "write the rule by --when"),
        (["--when", "cat > 1%", "--then", "mail:me"], 2, "clip:DIR, webhook:URL or jsonl:FILE"),
        (["--zone", "far=9000,0 9999,0 9999,9"], 2, "zone 'far' holds no pixel of a 451x300 picture"),
        (["--save", "areas", "-o", "a.csv", "--areas", "a.csv"], 2, "a.csv is named by --areas or --then"),
        (["--areas", "e.jsonl", "--when", "cat > 1%", "--then", "jsonl:./e.jsonl"], 2, "something else is written"),
    ],
)
def test_what_makes_no_sense_ends_in_one_line(run_liveseg, samples, tmp_path, arguments, code, words):
    done = run_liveseg("run", samples / "image_1.jpg", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.long
def test_outlines_can_be_left_out(run_liveseg, samples, tmp_path):
    for name, more in {"with.png": [], "without.png": ["--no-outlines"]}.items():
        done = run_liveseg(
            "run", samples / "image_1.jpg", "-o", name, "--alpha", 0, "--zone", LEFT, *more, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    from PIL import Image

    source = np.asarray(Image.open(samples / "image_1.jpg"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "without.png")), source)
    assert (np.asarray(Image.open(tmp_path / "with.png")) != source).any(axis=2).mean() > 0.005


def test_outlines_are_drawn_beside_the_source_which_stays_as_it_is(run_liveseg, samples, tmp_path):
    more = ["--side-by-side", "--alpha", 0, "--zone", LEFT]
    done = run_liveseg("run", samples / "image_1.jpg", "-o", "both.png", *more, *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    from PIL import Image

    source, both = np.asarray(Image.open(samples / "image_1.jpg")), np.asarray(Image.open(tmp_path / "both.png"))
    width = source.shape[1]
    assert np.array_equal(both[:, :width], source)
    changed = (both[:, width:] != source).any(axis=2)
    assert changed.mean() > 0.005
    assert changed[:, : width // 2].mean() > 5 * changed[:, width // 2 + 10 :].mean()


@pytest.mark.long
def test_a_run_that_leaves_out_what_exists_goes_on_with_its_table(run_liveseg, samples, tmp_path):
    def run(*sources):
        return run_liveseg("run", *sources, "--areas", "all.csv", "--skip-existing", "--limit", 2, *SMALL, cwd=tmp_path)

    first = run(samples / "image_1.jpg")
    assert first.returncode == 0, first.stderr
    before = rows_of(tmp_path / "all.csv")
    again = run(samples / "image_1.jpg", samples / "video_2.mp4")
    assert again.returncode == 0, again.stderr
    rows = rows_of(tmp_path / "all.csv")
    assert rows[: len(before)] == before
    assert {row["source"] for row in rows[len(before) :]} == {str(samples / "video_2.mp4")}
    assert {row["frame"] for row in rows[len(before) :]} == {"0", "1"}


def test_a_table_that_exists_is_told_without_an_option_of_something_else(run_liveseg, samples, tmp_path):
    (tmp_path / "all.csv").write_text("mine", encoding="utf-8")
    done = run_liveseg("run", samples / "image_1.jpg", "--areas", "all.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "liveseg: all.csv exists already; add --overwrite, or choose another name\n"
