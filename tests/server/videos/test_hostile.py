"""Files that mean harm, and forms that make no sense: refused in words, and nothing is left of them."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import time

import av
import httpx2
import pytest
from PIL import Image

MANY = 50


@pytest.fixture(scope="module")
def strict(start_service):
    """A service with small limits."""
    return start_service(max_video_seconds=2.0, max_video_pixels=200_000, max_video_body=400_000, jobs_each=MANY)


@pytest.fixture(scope="module")
def client(strict):
    with strict.client() as client:
        yield client


def folders(service):
    """The folders of jobs."""
    return [path for path in service.service.videos.store.folder.iterdir() if path.is_dir()]


def emptied(service, seconds=10):
    """Whether no folder is left, soon."""
    ends = time.monotonic() + seconds
    while folders(service) and time.monotonic() < ends:
        time.sleep(0.05)
    return not folders(service)


PICTURE = io.BytesIO()
Image.new("RGB", (64, 48)).save(PICTURE, "PNG")
NO_VIDEOS = {
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    "picture": PICTURE.getvalue(),
    "page": b"<html>" + b" " * 5000,
    "nothing like it": os.urandom(3000),
    "one byte": b"\x00",
}


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("kind", NO_VIDEOS)
def test_what_is_no_video_is_refused_by_its_first_bytes_whatever_it_is_called(strict, client, kind, as_form):
    data = NO_VIDEOS[kind]
    if as_form:
        answer = client.post("/v1/videos", files={"video": ("clip.mp4", data, "video/mp4")})
    else:
        answer = client.post("/v1/videos", content=data, headers={"Content-Type": "video/mp4"})
    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "none of the kinds of video" in answer.json()["detail"]
    assert folders(strict) == []


def test_nothing_at_all_is_no_video(strict, client):
    assert client.post("/v1/videos").status_code == 422
    assert client.post("/v1/videos", files={"video": ("clip.mp4", b"", "video/mp4")}).status_code == 422
    assert client.post("/v1/videos", files={"other": ("clip.mp4", b"x", "video/mp4")}).status_code == 422
    assert folders(strict) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\n\x1a\x45\xdf\xa3 cut off',
        b'--b\r\nContent-Disposition: form-data; name="size"\r\n\r\n' + b"9" * 10_000 + b"\r\n--b--\r\n",
        b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\n\r\n--b--\r\n",
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % i for i in range(99))
        + b"--b--\r\n",
        os.urandom(5000),
    ],
)
def test_forms_that_make_no_sense_are_refused(strict, client, body):
    answer = client.post("/v1/videos", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 422, answer.text
    assert folders(strict) == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"size": "31"}, 422),
        ({"size": "100000"}, 422),
        ({"alpha": "2"}, 422),
        ({"output": "npz"}, 422),
        ({"palette": "/etc/passwd"}, 422),
        ({"classes": "person,unicorn"}, 422),
        ({"model": "../../etc/passwd"}, 404),
    ],
)
@pytest.mark.parametrize("as_form", [True, False])
def test_options_that_make_no_sense_are_refused(strict, client, short_clip, options, status, as_form):
    if as_form:
        files = {"video": ("clip.mp4", short_clip.read_bytes(), "video/mp4")}
        answer = client.post("/v1/videos", files=files, data=options)
    else:
        answer = client.post("/v1/videos", params=options, content=short_clip.read_bytes())
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert folders(strict) == []


def test_too_many_bytes_are_refused_also_where_their_number_was_not_said(strict, client, short_clip):
    data = short_clip.read_bytes()
    data += b"\0" * (strict.settings.max_video_body - len(data) + 1)
    assert client.post("/v1/videos", content=data).status_code == 413

    def pieces():
        for at in range(0, len(data), 50_000):
            yield data[at : at + 50_000]

    assert client.post("/v1/videos", content=pieces()).status_code == 413
    assert emptied(strict)


def test_a_client_that_goes_in_the_middle_leaves_nothing(strict, short_clip):
    with socket.create_connection(("127.0.0.1", strict.port)) as connection:
        head = f"POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1:{strict.port}\r\nContent-Length: 300000\r\n\r\n"
        connection.sendall(head.encode() + short_clip.read_bytes()[:60_000])
        ends = time.monotonic() + 10
        while not folders(strict):
            assert time.monotonic() < ends
            time.sleep(0.02)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert emptied(strict)
    with strict.client() as client:
        assert client.get("/v1/videos").json()["videos"] == []


def video(path, size=(64, 48), seconds=1.0, codec="mpeg4"):
    """The bytes of a video."""
    with av.open(str(path), "w") as to:
        track = to.add_stream(codec, rate=5, width=size[0], height=size[1], pix_fmt="yuv420p")
        for _ in range(max(round(5 * seconds), 1)):
            to.mux(track.encode(av.VideoFrame(*size, "yuv420p")))
        to.mux(track.encode(None))
    return path.read_bytes()


def cut_off(path):
    data = video(path, size=(320, 240))
    return data[: data.index(b"moov") - 4]


def lies_about_its_length(path):
    """MPEG-TS announces no length."""
    return video(path.with_suffix(".ts"), seconds=30, codec="mpeg2video")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: video(path, size=(1280, 720)), "beyond the 200000 pixels that are taken"),
        (lambda path: video(path, seconds=10), "longer than the 2 s that are taken"),
        (lies_about_its_length, "longer than the 2 s that are taken"),
        (cut_off, "cut off before its index"),
        (lambda path: b"\x1a\x45\xdf\xa3" + os.urandom(5000), "the video"),
        (lambda path: b"RIFF\xff\xff\xff\xffAVI LIST" + os.urandom(5000), "the video"),
        (lambda path: (b"\x47" + os.urandom(187)) * 50, "the video"),
        (lambda path: b"\0\0\0\x08ftyp" * 500, "the video"),
    ],
    ids=["large", "long", "longer than it says", "cut off", "matroska", "avi", "transport stream", "boxes"],
)
def test_a_video_beyond_the_limits_or_broken_fails_in_words(strict, client, wait, tmp_path, make, said):
    answer = client.post("/v1/videos", params={"size": 65}, content=make(tmp_path / "a.mp4"))
    assert answer.status_code == 202, answer.text
    job = wait(client, answer.headers["Location"], "failed")
    assert said in job["failure"]["detail"], job["failure"]
    assert str(strict.service.videos.store.folder) not in json.dumps(job)
    assert not (strict.service.videos.store.folder / job["id"]).exists()
    assert client.get("/readyz").status_code == 200


def test_a_video_on_disk_that_names_others_opens_none(strict, client, wait, tmp_path):
    """What the first bytes do not tell, FFmpeg's list of formats does; `tests/media/test_untrusted.py` has more."""
    # A fragment's box, then a playlist: it passes for a container at first sight.
    data = b"\0\0\0\x10freexxxxxxxx" + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    answer = client.post("/v1/videos", content=data)
    assert answer.status_code == 202
    assert wait(client, answer.headers["Location"], "failed")["result"] is None


@pytest.mark.parametrize("number", ["../../etc/passwd", "x", "a" * 20, "..%2f..%2fetc", "x" * 5000])
def test_ids_that_nobody_gave_out_are_not_there(client, number):
    for kind in ("", "/result", "/preview.jpg", "/poster", "/areas"):
        assert client.get(f"/v1/videos/{number}{kind}").status_code in (404, 414, 422)
    assert client.delete(f"/v1/videos/{number}").status_code in (404, 405, 414, 422)


def test_with_a_token_the_links_carry_tickets_for_themselves_only(start_service, send, wait, short_clip):
    service = start_service(token="correct-horse-battery-staple")  # noqa: S106
    with service.client() as client:
        job = wait(client, send(client, short_clip, size=65).headers["Location"], "done")
    links = job["links"]
    for name in ("result", "preview", "poster", "areas"):
        assert httpx2.get(service.url + links[name]).status_code == 200
    ticket = links["poster"].partition("?")[2]
    assert httpx2.get(f"{service.url}{links['self']}/result?{ticket}").status_code == 401
    assert httpx2.get(service.url + links["self"]).status_code == 401
    assert httpx2.delete(f"{service.url}{links['self']}?{ticket}").status_code == 401
