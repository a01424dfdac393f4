"""Results in ranges, as players and downloads ask for them."""

from __future__ import annotations

import email
import email.policy

import pytest

from liveseg.server.videos.ranged import satisfiable


@pytest.fixture(scope="module")
def result(client, send, wait, short_clip):
    """The address of a result."""
    return wait(client, send(client, short_clip, size=97).headers["Location"], "done")["links"]["result"]


@pytest.fixture(scope="module")
def whole(client, result):
    """The whole result as an answer."""
    answer = client.get(result)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return answer


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-99", slice(0, 100)), ("bytes=100-", slice(100, None)), ("bytes=-100", slice(-100, None))],
)
def test_a_range_is_answered_with_these_bytes(client, result, whole, asked, part):
    answer = client.get(result, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole.content[part]
    first, last, _ = part.indices(len(whole.content))
    assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole.content)}"
    assert answer.headers["ETag"] == whole.headers["ETag"]


def test_a_range_beyond_the_end_is_cut_and_a_long_suffix_is_all(client, result, whole):
    size = len(whole.content)
    cut = client.get(result, headers={"Range": f"bytes={size - 10}-{size + 1000}"})
    assert (cut.status_code, cut.content) == (206, whole.content[-10:])
    suffix = client.get(result, headers={"Range": f"bytes=-{size + 1000}"})
    assert (suffix.status_code, suffix.content) == (206, whole.content)


def test_several_ranges_come_in_parts(client, result, whole):
    answer = client.get(result, headers={"Range": f"bytes=0-9, -5, {len(whole.content)}-"})
    assert answer.status_code == 206
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP).get_payload()
    got = [part.get_payload(decode=True) for part in parts]
    assert got == [whole.content[:10], whole.content[-5:]]


@pytest.mark.parametrize("asked", ["bytes={size}-", "bytes=-0", "bytes=99999999999-"])
def test_a_range_outside_is_a_problem_that_says_the_size(client, result, whole, asked):
    size = len(whole.content)
    answer = client.get(result, headers={"Range": asked.format(size=size)})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{size}"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=a-b", "chars=0-9", "bytes=", "bytes=0-9,x", "bytes=--5"])
def test_a_range_that_makes_no_sense_is_left_aside(client, result, whole, asked):
    answer = client.get(result, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, whole.content)


def test_a_range_of_another_version_is_all_of_this_one(client, result, whole):
    same = client.get(result, headers={"Range": "bytes=0-9", "If-Range": whole.headers["ETag"]})
    assert (same.status_code, len(same.content)) == (206, 10)
    dated = client.get(result, headers={"Range": "bytes=0-9", "If-Range": whole.headers["Last-Modified"]})
    assert dated.status_code == 206
    other = client.get(result, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, whole.content)
    outside = client.get(result, headers={"Range": "bytes=99999999-", "If-Range": '"another"'})
    assert outside.status_code == 200


def test_what_is_known_is_not_sent_again(client, result, whole):
    answer = client.get(result, headers={"If-None-Match": f'"x", {whole.headers["ETag"]}'})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == whole.headers["ETag"]


def test_head_has_the_same_headers_and_no_body(client, result, whole):
    head = client.head(result)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "ETag", "Content-Type", "Accept-Ranges", "Last-Modified"):
        assert head.headers[name] == whole.headers[name]
    part = client.head(result, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["Content-Length"]) == (206, "10")


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        ("bytes=0-0", 1, ["0-0"]),
        ("bytes=0-", 0, []),
        ("bytes=-1", 0, []),
        ("BYTES = 1-2 , 5-9", 6, ["1-2", "5-9"]),
        ("bytes=6-9,0-1", 6, ["0-1"]),
        ("bytes=" + "9" * 50 + "-", 6, None),
        ("bytes=-", 6, None),
        ("bytes=1", 6, None),
    ],
)
def test_which_ranges_lie_in_a_file(header, size, expected):
    assert satisfiable(header, size) == expected
