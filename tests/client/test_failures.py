"""What goes wrong, in words: each failure is a `LivesegError` that says whose it is and what to do."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveseg.client import Client, NoAnswerError, ProblemError, UnreachableError
from liveseg.client.steps import Reply
from liveseg.errors import LivesegError, MediaError, SourceNotFoundError, UsageError

TOKEN = "correct-horse-battery"  # noqa: S105
BUSY = {"content-type": "application/problem+json", "retry-after": "0"}
PROBLEM = b'{"type": "urn:x:full", "title": "Full", "status": 429, "detail": "come back", "queue": 64}'
HEALTHY = (200, {"content-type": "application/json"}, b'{"models": []}')


@pytest.mark.parametrize(
    ("picture", "options", "error", "said"),
    [
        ("no/such.jpg", {}, SourceNotFoundError, "no such file: no"),
        (np.zeros((4, 4), np.uint8), {}, UsageError, r"\(H, W, 3\) uint8 RGB, not \(4, 4\)"),
        (5, {}, UsageError, "a picture is a path, bytes"),
        (None, {}, UsageError, "give a picture, or the url"),
        (b"x", {"url": "https://example.org/x.jpg"}, UsageError, "give a picture, or the url"),
        (b"x", {"output": "video"}, UsageError, "no output 'video'; choose one of layers"),
        (b"x", {"output": "areas", "format": "png"}, UsageError, "the format of an overlay"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_sent(call, picture, options, error, said):
    with pytest.raises(error, match=said):
        call("http://127.0.0.1:9", "segment", picture, **options)


@pytest.mark.parametrize(
    ("picture", "options", "status", "said"),
    [
        (b"no picture", {}, 415, "send JPEG"),
        (None, {"url": "http://127.0.0.1/x.jpg"}, 403, "--allow-url"),
        (np.zeros((8, 8, 3), np.uint8), {"model": "lot"}, 404, "lite"),
        (np.zeros((8, 8, 3), np.uint8), {"sizes": 97}, 422, "did you mean size"),
        (np.zeros((8, 8, 3), np.uint8), {"size": 5}, 422, "size is"),
    ],
)
def test_the_services_own_words_arrive(small, call, picture, options, status, said):
    with pytest.raises(ProblemError, match=said) as raised:
        call(small.url, "segment", picture, **options)
    problem = raised.value
    assert isinstance(problem, LivesegError)
    assert problem.status == status
    assert problem.type.startswith("urn:liveseg:problem:")
    assert problem.title
    assert str(problem) == f"{problem.detail} ({status})"


def test_a_token_opens_and_is_never_shown(start_service, call):
    guarded = start_service(size=65, threads=1, runtime="onnx", token=TOKEN)
    picture = np.zeros((8, 8, 3), np.uint8)
    assert call(guarded.url, "segment", picture, options={"token": TOKEN}).mask.shape == (8, 8)
    for wrong in (None, "correct-horse-batterz"):
        with pytest.raises(ProblemError) as raised:
            call(guarded.url, "segment", picture, options={"token": wrong})
        assert raised.value.status == 401
        assert "horse" not in f"{raised.value!r} {raised.value.extra}"
    client = Client(guarded.url, token=TOKEN)
    assert repr(client) == f"Client('{guarded.url}')"
    assert TOKEN not in f"{client._line!r} {client.live()!r} {vars(client)}"
    client.close()
    with pytest.raises(UsageError) as raised:
        Client(token=f"{TOKEN}\r\nX-Evil: 1")
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("address", ["ftp://x", "http://", "http://x:port", "http://x/?a=b", "", "http://me:secret@x"])
def test_an_address_that_is_none_is_refused_and_a_password_in_it_not_repeated(address):
    with pytest.raises(UsageError) as raised:
        Client(address)
    assert "secret" not in str(raised.value)


def test_an_address_may_lack_its_scheme_and_have_a_path(odd):
    with odd(HEALTHY) as server, Client(server.url.removeprefix("http://") + "/below/") as client:
        assert client.models() == []
    assert server.requests[0][1] == "/below/v1/models"


def test_the_address_may_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv("LIVESEG_SERVICE", "http://segment.example.org:81/")
    assert repr(Client()) == "Client('http://segment.example.org:81')"
    assert repr(Client("http://127.0.0.1:9")) == "Client('http://127.0.0.1:9')"
    monkeypatch.delenv("LIVESEG_SERVICE")
    assert repr(Client()) == "Client('http://127.0.0.1:8000')"


def test_nobody_at_the_address_is_a_connection_error(call):
    with pytest.raises(UnreachableError, match=r"no service at http://127.0.0.1:9: .*liveseg serve") as raised:
        call("http://127.0.0.1:9", "health")
    assert isinstance(raised.value, ConnectionError)
    assert isinstance(raised.value, LivesegError)


def test_somebody_else_at_the_address_is_named_so(odd, call):
    with odd((404, {"content-type": "text/html"}, b"<h1>not here</h1>")) as server:
        with pytest.raises(ProblemError, match="not that of a liveseg service") as raised:
            call(server.url, "health")
        assert raised.value.status == 404
    with odd((200, {"content-type": "text/html"}, b"<h1>hello</h1>")) as server:
        for method, arguments in (("health", ()), ("models", ()), ("segment", (b"x",)), ("segment", (b"x", "mask"))):
            with pytest.raises(ProblemError, match=r"not that of a liveseg service|answer is no"):
                call(server.url, method, *arguments)


@pytest.mark.parametrize(
    "body", [b"{}", b'"ok"', b"[]", b"null", b'{"status": "ok"}', b'{"models": [{}], "videos": 1}']
)
def test_json_of_somebody_else_is_named_so(odd, call, body):
    with odd((200, {"content-type": "application/json"}, body)) as server:
        for method, arguments in (
            ("health", ()),
            ("models", ()),
            ("videos", ()),
            ("video", ("x",)),
            ("streams", ()),
            ("stream", ("x",)),
            ("segment", (b"x", "areas")),
        ):
            with pytest.raises(ProblemError, match=r"not that of a liveseg service|answer is no"):
                call(server.url, method, *arguments)


def test_a_picture_of_other_colours_is_sent_and_one_that_is_cut_off_is_named_so(odd, call):
    with odd((415, {}, b"")) as server:
        for mode in ("CMYK", "YCbCr", "LAB", "HSV"):
            with pytest.raises(ProblemError):
                call(server.url, "segment", Image.new(mode, (8, 8)))
        assert len(server.requests) == 4
        for *_, body in server.requests:
            with Image.open(io.BytesIO(body)) as sent:
                assert (sent.format, sent.mode, sent.size) == ("PNG", "RGB", (8, 8))
        file = io.BytesIO()
        Image.effect_noise((64, 64), 50).save(file, "JPEG")
        with pytest.raises(MediaError, match="cannot send the picture"):
            call(server.url, "segment", Image.open(io.BytesIO(file.getvalue()[:600])))
        assert len(server.requests) == 4


def test_a_video_that_cannot_be_read_is_named(odd, call, tmp_path, monkeypatch):
    video, opened = tmp_path / "clip.mp4", Path.open
    video.write_bytes(b"x")

    def refused(self, *arguments, **named):
        if self == video:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", refused)
    with odd(HEALTHY) as server, pytest.raises(MediaError, match=r"cannot read .*clip\.mp4: Permission denied"):
        call(server.url, "submit_video", video)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, where a name may be bytes that are no text")
def test_a_video_may_have_a_name_that_is_no_text(odd, call, tmp_path):
    video = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    video.write_bytes(b"x")
    with odd((415, {}, b"")) as server:
        with pytest.raises(ProblemError):
            call(server.url, "submit_video", video)
        ((_, path, *_),) = server.requests
    assert parse_qs(urlsplit(path).query)["name"] == ["caf?.mp4"]


def test_a_redirect_is_not_followed(odd, call):
    with odd(HEALTHY) as other, odd((307, {"location": f"{other.url}/v1/models"}, b"")) as server:
        with pytest.raises(ProblemError) as raised:
            call(server.url, "models", options={"token": TOKEN})
        assert raised.value.status == 307
        assert other.requests == []


def test_silence_is_a_timeout_and_a_cut_a_lost_connection(odd, call):
    with odd(None) as server:
        began = time.monotonic()
        with pytest.raises(NoAnswerError) as raised:
            call(server.url, "models", options={"seconds": 0.3})
        assert isinstance(raised.value, TimeoutError)
        assert isinstance(raised.value, UnreachableError)
        assert time.monotonic() - began < 5
    with odd((200, "cut", b'{"models": []}' * 100)) as server, pytest.raises(UnreachableError, match="was lost"):
        call(server.url, "models")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(odd, call, status):
    with odd((status, BUSY, PROBLEM), (status, BUSY, PROBLEM), HEALTHY) as server:
        assert call(server.url, "models") == []
        assert len(server.requests) == 3


def test_what_was_sent_is_sent_again_whole(odd, call, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(os.urandom(300_000))
    with odd((429, BUSY, PROBLEM), (415, {}, b"")) as server:
        with pytest.raises(ProblemError):
            call(server.url, "submit_video", video)
        assert [body for *_, body in server.requests] == [video.read_bytes()] * 2
        assert all(headers["content-length"] == "300000" for *_, headers, _ in server.requests)


def test_patience_ends_and_can_be_done_without(odd, call):
    with odd((429, BUSY, PROBLEM)) as server:
        with pytest.raises(ProblemError, match="come back") as raised:
            call(server.url, "models", options={"retries": 2})
        assert len(server.requests) == 3
        assert (raised.value.retry_after, raised.value.extra) == (0.0, {"queue": 64})
        with pytest.raises(ProblemError):
            call(server.url, "models", options={"retries": 0})
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {}), (503, {"retry-after": "31"}), (500, {"retry-after": "0"}), (503, {"retry-after": "x, y"})],
)
def test_what_is_no_request_to_wait_a_little_is_a_failure_at_once(odd, call, status, headers):
    with odd((status, headers, b"")) as server:
        with pytest.raises(ProblemError) as raised:
            call(server.url, "models")
        assert (raised.value.status, len(server.requests)) == (status, 1)


def test_the_wait_is_the_one_that_was_asked_for(odd, call):
    with odd((503, {"retry-after": "1"}, b""), HEALTHY) as server:
        began = time.monotonic()
        call(server.url, "models")
        assert 1.0 <= time.monotonic() - began < 5


def test_a_wait_may_be_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < Reply(503, {"retry-after": soon}).retry_after <= 60
    assert Reply(503, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}).retry_after == 0


@given(st.text())
def test_no_header_breaks_the_reading_of_it(text):
    wait = Reply(503, {"retry-after": text}).retry_after
    assert wait is None or wait >= 0


@given(st.binary(max_size=200))
def test_no_problem_breaks_the_reading_of_it(body):
    problem = ProblemError.of(500, "application/problem+json", body, None)
    assert "\n" not in str(problem)


@given(
    st.dictionaries(st.sampled_from(["type", "title", "status", "detail", "x"]), st.none() | st.integers() | st.text())
)
def test_odd_members_of_a_problem_are_taken_as_they_are(members):
    problem = ProblemError.told(members, 500)
    assert isinstance(problem.status, int)
    assert isinstance(problem.detail, str)


def test_without_its_libraries_the_client_says_what_to_install():
    code = (
        "import sys; sys.modules[sys.argv[1]] = None\n"
        "import liveseg\n"
        "from liveseg.errors import MissingExtraError\n"
        "try:\n    import liveseg.client\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    for name in ("httpx2", "websockets"):
        done = subprocess.run([sys.executable, "-c", code, name], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == f"the client needs {name}: pip install 'liveseg[client]'"


def test_the_package_itself_imports_none_of_it():
    code = "import liveseg, sys; print({'httpx2', 'websockets', 'liveseg.client', 'liveseg.wire'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
