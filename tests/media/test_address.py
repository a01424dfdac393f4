"""Addresses are told apart from files, and shown without what is nobody else's business."""

import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.media.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-", "stdin"),
        ("0", "camera"),
        ("12", "camera"),
        ("/dev/video0", "camera"),
        ("/dev/v4l/by-id/usb-cam-index0", "camera"),
        ("rtsp://192.168.1.5:554/stream", "rtsp"),
        ("RTSPS://host/stream", "rtsp"),
        ("rtmp://host/live/key", "rtmp"),
        ("http://host/clip.mp4", "http"),
        ("https://host", "http"),
        ("udp://@239.0.0.1:1234", "udp"),
        ("udp://:1234", "udp"),
        ("tcp://host:1234", "tcp"),
        ("srt://host:1234", "srt"),
        ("rtsp://[::1]:8554/stream", "rtsp"),
    ],
)
def test_addresses_are_known_by_how_they_begin(here, text, kind):
    address = parse_address(text)
    assert address == Address(text, kind)
    assert address.text == text


@pytest.mark.parametrize(
    "text",
    [
        "clip.mp4",
        "a/b.jpg",
        "C:\\clip.mp4",
        "C:/clip.mp4",
        "c://x.mp4",
        "~/a.mp4",
        "*.jpg",
        "a: b.mp4",
        "-x",
        "0.mp4",
        "",
        "²",
    ],
)
def test_everything_else_is_a_file(here, text):
    assert parse_address(text) is None


def test_a_file_called_like_a_camera_or_a_scheme_is_that_file(here):
    for name in ("0", "rtmp:clip.mp4", "file:clip.mp4"):
        (here / name).touch()
        assert parse_address(name) is None
    (here / "0").unlink()
    assert parse_address("0").kind == "camera"


@pytest.mark.parametrize(
    "text", ["file:///etc/passwd", "concat:a|b", "data:video/mp4;base64,AAAA", "ftp://host/a", "file:a"]
)
def test_schemes_that_open_something_else_are_refused(here, text):
    with pytest.raises(UsageError, match="not read") as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)
    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("rtsp:host/stream", "begins with rtsp://"),
        ("rtsp:///stream", "names no host"),
        ("http://", "names no host"),
        ("http://host/a b.mp4", "like %20"),
        ("http://host/a\n.mp4", "like %20"),
        ("rtsp://me:s3cret/x@host/a", "%2F"),
        ("rtsp://me:12/s3cret@host/a", "%2F"),
        ("rtsp://me:12#s3cret@host/a", "%23"),
        ("rtsp://me:/s3cret@host/a", "%2F"),
        ("rtsp://m/e:s3cret@host/a", "%2F"),
        ("rtsp://me:p@w/s3cret@host/a", "%40"),
        ("rtsp://m?e:s3cret=x@host/a", "%3F"),
        ("udp://[::1]:/s3cret@host", "%2F"),
        ("rtsp://host:s3cret/a", "cannot be read"),
        ("rtsp://[s3cret/a", "cannot be read"),
    ],
)
def test_what_cannot_be_an_address_is_refused_without_repeating_it(here, text, remedy):
    with pytest.raises(UsageError, match=remedy) as caught:
        parse_address(text)
    told = "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "camera 0"),
        ("-", "standard input"),
        ("/dev/video1", "/dev/video1"),
        ("rtsp://me:s3cret@host:554/stream", "rtsp://host:554/stream"),
        ("rtsp://me@host/stream", "rtsp://host/stream"),
        ("rtsp://me:p%40ss@host/stream", "rtsp://host/stream"),
        ("rtsp://me:p@ss@host/stream", "rtsp://host/stream"),
        ("rtsp://host/a@b", "rtsp://host/a@b"),
        ("rtsp://[::1]/a@b", "rtsp://[::1]/a@b"),
        ("https://host/a.m3u8?token=s3cret&x=1&flag", "https://host/a.m3u8?token=***&x=***&***"),
        ("rtsp://host/user=me_password=s3cret_channel=1.sdp", "rtsp://host/user=***_password=***_channel=1.sdp"),
        ("rtmp://host/live/s3cret", "rtmp://host/live/***"),
        ("rtmp://host/live", "rtmp://host/live"),
        ("srt://host:9?passphrase=s3cret", "srt://host:9?passphrase=***"),
        ("http://host/a#s3cret", "http://host/a"),
    ],
)
def test_an_address_is_shown_without_its_secrets(here, text, shown):
    address = parse_address(text)
    assert address.shown == str(address) == shown
    assert "s3cret" not in repr(address)
    assert "s3cret" not in f"{address!r} {[address]} {address.stem}"


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=%:"


@given(
    st.sampled_from(["rtsp", "http", "rtmp"]), st.text(LETTERS, min_size=1), st.sampled_from(["h", "h:80", "[::1]:80"])
)
def test_no_name_and_no_password_is_ever_shown(scheme, password, host):
    password = f"s3{password}cret"
    address = parse_address(f"{scheme}://name-of-mine:{password}@{host}/a/b")
    assert address.shown in {f"{scheme}://{host}/a/b", f"{scheme}://{host}/a/***"}
    assert "s3" not in address.stem
    assert "name-of-mine" not in repr(address)


@given(
    st.sampled_from(["rtsp", "http", "rtmp", "udp", "srt"]),
    st.text(st.one_of(st.sampled_from("/?#@:[]%&=\\1"), st.characters(codec="utf-8"))),
    st.booleans(),
)
def test_whatever_stands_in_a_password_it_is_refused_or_hidden(scheme, odd, first):
    password = f"{odd}QZJXW" if first else f"QZJXW{odd}QZJXW"
    try:
        address = parse_address(f"{scheme}://me:{password}@host/x")
        told = f"{address.shown} {address!r} {address} {address.stem}"
    except UsageError as error:
        told = "".join(traceback.format_exception(error))
    assert "QZJXW" not in told


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("0", "camera_0"),
        ("-", "stdin"),
        ("/dev/video1", "video1"),
        ("rtsp://me:s3cret@192.168.1.5:554/a/b", "192.168.1.5_554_a_b"),
        ("http://host/path/my%20clip.mp4?x=1", "my_20clip"),
        ("http://host/path/index.m3u8", "host_path_index.m3u8"),
        ("http://host", "host"),
        ("rtmp://host/live/key", "host_live"),
        ("udp://:1234", "1234"),
        ("http://host/" + "a" * 300, "host_" + "a" * 75),
    ],
)
def test_files_made_from_an_address_have_names_that_every_system_takes(here, text, stem):
    assert parse_address(text).stem == stem


def test_reading_an_address_loads_no_decoder():
    code = "import sys, liveseg.media.address; print([name for name in ('av', 'cv2', 'numpy') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "[]\n"
