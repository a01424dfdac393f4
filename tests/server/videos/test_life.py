"""A video's way through the service, from the upload to a result that plays, and to its end."""

from __future__ import annotations

import contextlib
import io
import re
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def done(client, send, wait, short_clip):
    """A job that is done."""
    sent = send(client, short_clip, size=129, name="Straße 5.mp4")
    assert sent.status_code == 202
    return wait(client, sent.headers["Location"], "done")


def decoded(data):
    """Times and shapes of the frames, and the sound's seconds."""
    with av.open(data) as container:
        container.streams.video[0].thread_type = "AUTO"
        frames = [(frame.time, frame.width, frame.height) for frame in container.decode(video=0)]
    with av.open(data if isinstance(data, str) else io.BytesIO(data.getvalue())) as container:
        sound = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    return frames, sound


def test_a_form_is_taken_watched_and_its_result_plays_with_sound_and_true_times(client, wait, samples):
    clip = samples / "video_1.mp4"
    fields = {"size": "129", "alpha": "0.4", "classes": "person,cat"}
    sent = client.post("/v1/videos", files={"video": ("My cat.mp4", clip.read_bytes(), "video/mp4")}, data=fields)
    assert sent.status_code == 202
    job = sent.json()
    here = sent.headers["Location"]
    assert here == job["links"]["self"] == f"/v1/videos/{job['id']}"
    assert (job["state"], job["name"], job["source"]["bytes"]) == ("queued", "My cat.mp4", clip.stat().st_size)
    assert (job["options"]["size"], job["options"]["alpha"]) == (129, 0.4)
    assert job["options"]["classes"] == ["person", "cat"]
    shares, previews, points = [], [], []
    while (job := client.get(here).json())["state"] in ("queued", "running"):
        if job["state"] == "running" and job["progress"]["share"]:
            shares.append(job["progress"]["share"])
            previews.append(client.get(job["links"]["preview"]).content)
            points.append(client.get(job["links"]["areas"]).json()["frames"])
            assert job["progress"]["remaining_seconds"] is None or job["progress"]["remaining_seconds"] >= 0
            if len(shares) == 1:
                assert client.get(f"{here}/result").status_code == 409
        time.sleep(0.1)
    assert job["state"] == "done", job
    assert len(set(shares)) >= 3
    assert shares == sorted(shares)
    assert points == sorted(points)
    assert len(set(previews)) >= 2
    assert Image.open(io.BytesIO(previews[0])).size == (480, 360)
    result = client.get(job["links"]["result"])
    assert result.headers["Content-Type"] == "video/mp4"
    (frames, sound), (expected, heard) = decoded(io.BytesIO(result.content)), decoded(str(clip))
    assert [frame[0] for frame in frames] == pytest.approx([frame[0] for frame in expected], abs=1e-4)
    assert {frame[1:] for frame in frames} == {(480, 360)}
    assert sound == pytest.approx(heard, abs=0.05)
    assert job["result"]["seconds"] == pytest.approx(job["source"]["seconds"], abs=0.05)
    assert job["source"]["sound"]
    assert job["result"]["sound"]
    assert job["result"]["bytes"] == len(result.content)
    with av.open(io.BytesIO(result.content)) as made:
        shown = made.streams.video[0].codec_context
        assert (shown.name, shown.pix_fmt) == ("h264", "yuv420p")
    # Browsers begin to play before they have all of it.
    assert result.content.index(b"moov") < result.content.index(b"mdat")


def test_the_areas_are_those_of_every_frame_or_means_of_several(client, done):
    areas = client.get(done["links"]["areas"]).json()
    assert areas["frames"] == len(areas["times"]) == done["result"]["frames"]
    assert areas["times"][:3] == pytest.approx([0, 0.04, 0.08], abs=1e-3)
    named = {label["index"]: (label["name"], label["color"]) for label in done["labels"]}
    for found in areas["classes"]:
        assert (found["name"], found["color"]) == named[found["index"]]
    sums = [sum(found["share"][i] for found in areas["classes"]) for i in range(len(areas["times"]))]
    assert sums == pytest.approx([1.0] * len(sums), abs=1e-3)
    few = client.get(done["links"]["areas"], params={"points": 5}).json()
    assert len(few["times"]) == 5
    assert few["frames"] == areas["frames"]
    first = areas["classes"][0]["share"]
    each = -(-len(first) // 5)
    assert few["classes"][0]["share"][0] == pytest.approx(sum(first[:each]) / each, abs=1e-4)


def test_poster_and_preview_are_whole_pictures(client, done):
    for kind in ("poster", "preview"):
        answer = client.get(done["links"][kind])
        assert answer.headers["Content-Type"] == "image/jpeg"
        Image.open(io.BytesIO(answer.content)).load()


def test_a_file_name_stands_in_the_header_in_ascii_only(client, done):
    answer = client.get(done["links"]["result"], params={"download": True})
    assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''Stra%C3%9Fe%205_overlay.mp4"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\clip.mp4", "clip.mp4"),
        ('a"\r\nX-Evil: 1\r\n\r\n<script>.mp4', 'a"X-Evil: 1<script>.mp4'),
        ("..", "video"),
        ("x" * 500 + ".mp4", "x" * 116 + ".mp4"),
    ],
)
def test_names_become_neither_paths_nor_headers(service, client, short_clip, name, shown):
    sent = client.post("/v1/videos", params={"name": name}, content=short_clip.read_bytes())
    job = sent.json()
    assert job["name"] == shown
    folder = service.service.videos.store.folder
    assert {path.name for path in (folder / job["id"]).iterdir()} >= {"upload"}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}|in-use\.lock", path.name) for path in folder.iterdir())
    assert "X-Evil" not in sent.headers
    assert client.delete(job["links"]["self"]).status_code == 204
    assert client.delete(job["links"]["self"]).status_code == 204


@pytest.mark.parametrize(
    ("output", "begins"),
    [
        ("areas", b"frame,timestamp,class_index"),
        ("mask", b"nut/multimedia"),
        ("polygons", b'{"type": "Feature"'),
        ("cutout", b"\x1a\x45\xdf\xa3"),
    ],
)
def test_other_results_than_a_picture(service, client, done, send, wait, short_clip, output, begins):
    sent = send(client, short_clip, size=97, output=output).headers["Location"]
    listed = [job["links"]["self"] for job in client.get("/v1/videos").json()["videos"]]
    assert listed[0] == sent
    assert done["links"]["self"] in listed
    job = wait(client, sent, "done")
    answer = client.get(job["links"]["result"])
    assert answer.content.startswith(begins)
    assert answer.headers["Content-Type"] == job["result"]["media_type"]
    assert answer.headers["Content-Disposition"].startswith("inline" if output == "cutout" else "attachment")
    assert len(answer.content) == job["result"]["bytes"]
    # What is drawn is drawn for the preview only.
    assert Image.open(io.BytesIO(client.get(job["links"]["poster"]).content)).size == (480, 360)
    assert str(service.service.videos.store.folder).encode() not in answer.content


def test_the_colours_alone_are_the_palettes(client, send, wait, short_clip):
    sent = send(client, short_clip, size=97, output="color", palette="vivid").headers["Location"]
    job = wait(client, sent, "done")
    assert job["result"]["media_type"] == "video/mp4"
    colors = np.array([label["color"] for label in job["labels"]])
    with av.open(io.BytesIO(client.get(job["links"]["result"]).content)) as made:
        pictures = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    assert len(pictures) == job["result"]["frames"] == job["source"]["frames"]
    areas = client.get(job["links"]["areas"]).json()
    for number in (0, len(pictures) - 1):
        distances = np.abs(pictures[number][..., None, :].astype(int) - colors).max(axis=-1)
        # What is lossy blends colours where two classes meet, and shifts each a little.
        assert (distances.min(axis=-1) <= 24).mean() > 0.9
        drawn = np.bincount(distances.argmin(axis=-1).ravel(), minlength=len(colors)) / distances[..., 0].size
        for found in areas["classes"]:
            assert drawn[found["index"]] == pytest.approx(found["share"][number], abs=0.05), found["name"]


def remade(clip, path, subtitles=None):
    """A clip as it would come from elsewhere: in another container and codec, with a file of subtitles in it."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as to, contextlib.ExitStack() as stack:
        track = to.add_stream("mpeg4", rate=25, width=480, height=360, pix_fmt="yuv420p")
        if subtitles is not None:
            written = stack.enter_context(av.open(str(subtitles)))
            lines = to.add_stream_from_template(written.streams.subtitles[0])
            for packet in written.demux():
                if packet.dts is not None:
                    packet.stream = lines
                    to.mux(packet)
        for number, frame in enumerate(source.decode(video=0)):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            to.mux(track.encode(frame))
        to.mux(track.encode(None))
    return path


@pytest.mark.parametrize(("name", "kind"), [("clip.avi", "avi"), ("clip.mkv", "matroska")])
def test_what_comes_in_another_container_plays_as_mp4(client, wait, send, short_clip, tmp_path, name, kind):
    subtitles = None
    if kind == "matroska":
        subtitles = tmp_path / "lines.srt"
        subtitles.write_text("1\n00:00:00,000 --> 00:00:00,500\nhello\n")
    clip = remade(short_clip, tmp_path / name, subtitles)
    with av.open(str(clip)) as source:
        assert len(source.streams.subtitles) == (kind == "matroska")
        frames = sum(1 for _ in source.decode(video=0))
    job = wait(client, send(client, clip, size=97).headers["Location"], "done")
    assert (job["source"]["format"], job["source"]["codec"]) == (kind, "mpeg4")
    with av.open(io.BytesIO(client.get(job["links"]["result"]).content)) as made:
        # Subtitles are neither a reason to refuse a video nor taken over.
        assert [stream.type for stream in made.streams] == ["video"]
        times = [frame.time for frame in made.decode(video=0)]
    assert times == pytest.approx([number / 25 for number in range(frames)], abs=1e-3)


def test_what_has_ended_is_forgotten_with_its_files(service, client, done):
    job = done
    folder = service.service.videos.store.folder / job["id"]
    assert not (folder / "upload").exists()
    assert (folder / "result.mp4").exists()
    assert client.delete(job["links"]["self"]).status_code == 204
    assert not folder.exists()
    for link in ("self", "result", "areas", "poster"):
        assert client.get(job["links"][link]).status_code == 404
    assert client.delete(job["links"]["self"]).status_code == 404
