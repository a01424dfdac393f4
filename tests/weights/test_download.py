import dataclasses
import errno
import hashlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest

from liveseg.errors import DownloadError, UsageError, WeightsUnavailableError
from liveseg.weights.download import address, download, verify
from liveseg.weights.patience import Patience


@pytest.fixture
def pull(cache, patience):
    """`pull(entry)` downloads with the test's patience."""

    def run(entry, **options):
        return download(entry, **{"patience": patience, **options})

    return run


def left_over(cache):
    """What lies in the cache beside the lock."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def put_partial(cache, data, etag=None):
    cache.mkdir(parents=True)
    (cache / "made-up.pth.partial").write_bytes(data)
    if etag is not None:
        (cache / "made-up.pth.partial.etag").write_text(etag, encoding="ascii")


def test_a_download_arrives_whole_under_its_final_name_and_nothing_else_stays(pull, entry, content, server, cache):
    path = pull(entry)
    assert path == cache / "made-up.pth"
    assert path.read_bytes() == content
    assert left_over(cache) == ["made-up.pth"]
    notes = json.loads((cache.parent / "verified.json").read_text(encoding="utf-8"))
    assert notes["made-up.pth"]["sha256"] == entry.sha256_prefix
    assert [(r.path, r.range, r.agent.split("/")[0]) for r in server.requests] == [
        ("/models/made-up.pth", None, "liveseg")
    ]


def test_a_file_that_is_here_is_not_asked_for_again(pull, entry, server):
    assert pull(entry) == pull(entry)
    assert len(server.requests) == 1


def test_a_corrupt_file_is_replaced(pull, entry, content, cache):
    cache.mkdir(parents=True)
    (cache / "made-up.pth").write_bytes(bytes(len(content)))
    assert verify(entry) == "corrupt"
    assert pull(entry).read_bytes() == content


def test_progress_grows_to_the_whole_size(pull, entry, content):
    seen = []
    pull(entry, progress=lambda done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert done[0] == 0
    assert done == sorted(done)
    assert len(done) > 10
    assert seen[-1] == (len(content), len(content))


def test_progress_takes_the_size_from_the_server_where_the_catalogue_has_none(pull, vague, content):
    seen = []
    pull(vague, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(content), len(content))


def test_after_a_cut_connection_only_the_rest_travels(pull, either, content, server):
    server.answer(cut_after=1_200_000)
    assert pull(either).read_bytes() == content
    first, second = server.requests
    assert first.range is None
    assert second.status == 206
    assert second.start == 1_200_000
    assert second.given == len(content) - 1_200_000
    assert second.if_range == '"the-first"'


def test_a_connection_that_falls_silent_is_given_up_and_resumed(pull, entry, content, server):
    server.answer(hold_after=700_000)
    hasty = Patience(read_timeout=0.3, first_wait=0.01)
    assert pull(entry, patience=hasty).read_bytes() == content
    assert server.requests[1].start == 700_000


def test_an_interrupted_download_is_resumed_by_the_next_call(pull, entry, content, server, cache):
    def interrupt(done, total):
        if done > 500_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(entry, progress=interrupt)
    assert not (cache / "made-up.pth").exists()
    kept = (cache / "made-up.pth.partial").stat().st_size
    assert kept > 500_000

    seen = []
    assert pull(entry, progress=lambda done, total: seen.append(done)).read_bytes() == content
    assert server.requests[1].start == kept
    assert seen[0] == kept
    assert left_over(cache) == ["made-up.pth"]


def test_many_cuts_are_forgiven_as_long_as_each_brings_it_forward(pull, entry, cache, server):
    content = np.random.default_rng(7).bytes(9_000_000)
    server.content = content
    server.always(cut_after=1_200_000)
    long = dataclasses.replace(entry, sha256_prefix=hashlib.sha256(content).hexdigest(), size=len(content))
    assert pull(long).read_bytes() == content
    assert len(server.requests) >= 8


def test_cuts_without_headway_end_in_an_error_and_keep_what_came(pull, entry, cache, server, waits):
    server.always(cut_after=40_000)
    with pytest.raises(DownloadError, match=r"broke off at .* of 2,000,003 bytes; the next try goes on from"):
        pull(entry)
    assert len(server.requests) == 5
    assert len(waits) == 4
    assert (cache / "made-up.pth.partial").stat().st_size > 0
    assert not (cache / "made-up.pth").exists()


def test_a_server_that_ignores_ranges_begins_anew(pull, entry, content, server):
    server.always(ranges=False)
    server.answer(cut_after=1_000_000)
    assert pull(entry).read_bytes() == content
    assert [(r.status, r.given) for r in server.requests] == [(200, len(content)), (200, len(content))]
    assert server.requests[1].start > 0


def test_a_server_that_ignores_ranges_and_always_cuts_does_not_go_on_for_ever(pull, entry, server):
    server.always(ranges=False, cut_after=1_500_000)
    with pytest.raises(DownloadError, match="broke off"):
        pull(entry)
    assert len(server.requests) <= 6


def test_a_changed_file_is_not_glued_to_the_old_beginning(pull, entry, content, server, cache):
    put_partial(cache, bytes(600_000), etag='"of-yesterday"')
    assert pull(entry).read_bytes() == content
    assert [(r.if_range, r.status) for r in server.requests] == [('"of-yesterday"', 200)]


def test_a_changed_file_is_noticed_even_where_the_server_ignores_if_range(pull, entry, content, server, cache):
    put_partial(cache, bytes(600_000), etag='"of-yesterday"')
    server.answer(status=206, headers={"Content-Range": f"bytes 600000-{len(content) - 1}/{len(content)}"})
    assert pull(entry).read_bytes() == content
    assert [r.start for r in server.requests] == [600_000, 0]


@pytest.mark.parametrize("etag", ['W/"weak"', "bare", '"two\nlines"', ""])
def test_only_a_strong_entity_tag_is_sent_back(entry, content, server, cache, etag):
    put_partial(cache, content[:600_000], etag=etag)
    assert download(entry).read_bytes() == content
    assert [(r.start, r.if_range, r.status) for r in server.requests] == [(600_000, None, 206)]


@pytest.mark.parametrize("etag", ['W/"weak"', '"caf\xe9"', None])
def test_an_entity_tag_that_cannot_be_sent_back_is_not_kept(pull, entry, content, server, etag):
    server.etag = etag
    server.answer(cut_after=900_000)
    assert pull(entry).read_bytes() == content
    assert server.requests[1].status == 206
    assert server.requests[1].if_range is None


def test_a_server_that_goes_on_elsewhere_than_asked_is_not_believed(pull, entry, content, server, cache):
    put_partial(cache, content[:600_000])
    server.answer(shifted=1000)
    assert pull(entry).read_bytes() == content
    assert [r.start for r in server.requests] == [600_000, 0]


def test_a_partial_file_whose_beginning_is_wrong_is_fetched_once_more_from_the_start(
    pull, entry, content, server, cache
):
    put_partial(cache, bytes(600_000))
    assert pull(entry).read_bytes() == content
    assert [(r.start, r.status) for r in server.requests] == [(600_000, 206), (0, 200)]


def test_a_partial_file_that_is_already_whole_needs_no_byte_more(pull, either, content, server, cache):
    put_partial(cache, content)
    assert pull(either).read_bytes() == content
    assert sum(r.given for r in server.requests) == 0


def test_a_partial_file_longer_than_the_published_one_begins_anew(pull, either, content, server, cache):
    put_partial(cache, bytes(len(content) + 5))
    assert pull(either).read_bytes() == content
    assert server.requests[-1].range is None


def test_wrong_bytes_of_the_right_length_are_tried_once_more_and_refused(pull, either, content, server, cache):
    server.always(body=bytes(len(content)))
    with pytest.raises(DownloadError, match=r"2,000,003 bytes that came are not the published ones \(sha256"):
        pull(either)
    assert [r.range for r in server.requests] == [None, None]
    assert left_over(cache) == []


def test_wrong_bytes_that_come_once_do_no_harm(pull, entry, content, server):
    server.answer(body=bytes(len(content)))
    assert pull(entry).read_bytes() == content


def test_a_length_stated_too_great_does_not_hide_that_all_is_here(pull, either, content, server):
    server.always(announce=len(content) + 1000, cut_after=len(content))
    assert pull(either).read_bytes() == content
    assert len(server.requests) == 1


def test_a_length_stated_too_small_is_noticed_and_the_rest_fetched(pull, entry, content, server):
    server.answer(announce=300_000)
    assert pull(entry).read_bytes() == content
    assert [r.start for r in server.requests] == [0, 300_000]


def test_a_length_always_stated_too_small_ends_in_an_error_that_counts(pull, entry, cache, server):
    server.always(announce=300_000, ranges=False)
    with pytest.raises(DownloadError, match="the server sent 300,000 of 2,000,003 bytes"):
        pull(entry)
    assert not (cache / "made-up.pth").exists()


def test_a_length_stated_too_small_of_a_file_of_unknown_size_is_noticed_by_the_hash(pull, vague, cache, server):
    server.always(announce=300_000, ranges=False)
    with pytest.raises(DownloadError, match="300,000 bytes that came are not the published ones"):
        pull(vague)
    assert left_over(cache) == []


def test_no_more_is_taken_than_the_published_length(pull, entry, content, server, cache):
    server.always(body=content + bytes(3_000_000))
    seen = []
    assert pull(entry, progress=lambda done, total: seen.append(done)).read_bytes() == content
    assert max(seen) == len(content)
    assert seen.count(len(content)) == 1, "it read on after the last byte"


@pytest.mark.parametrize("length", ["chunked", "unstated"])
def test_a_server_that_states_no_length_is_understood(pull, either, content, server, length):
    server.answer(length=length)
    assert pull(either).read_bytes() == content


def test_a_compressed_answer_that_nobody_asked_for_is_refused(pull, entry, server):
    server.always(headers={"Content-Encoding": "gzip"})
    with pytest.raises(DownloadError, match="compressed"):
        pull(entry)


def test_a_busy_server_is_asked_again_when_it_said(pull, entry, content, server, waits):
    server.answer(status=503, headers={"Retry-After": "17"})
    server.answer(status=429, headers={"Retry-After": "23"})
    assert pull(entry).read_bytes() == content
    assert waits == [17.0, 23.0]


def test_a_busy_server_may_name_a_date(pull, entry, server, waits):
    server.answer(status=503, headers={"Retry-After": formatdate(4_000_000_000, usegmt=True)})
    server.answer(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 -0000"})
    server.answer(status=503, headers={"Retry-After": "when it suits"})
    pull(entry)
    assert waits[0] == 60.0
    assert 0 < waits[1] <= 1.0
    assert 0 < waits[2] <= 2.0


def test_a_server_that_stays_busy_ends_in_an_error(pull, entry, server, waits):
    server.always(status=503)
    with pytest.raises(DownloadError, match=r"made-up\.pth from 127\.0\.0\.1: the server answers 503 Service"):
        pull(entry)
    assert len(server.requests) == 5
    assert waits == sorted(waits)


@pytest.mark.parametrize("status", [404, 403, 410, 204])
def test_an_answer_that_no_repetition_changes_fails_at_once(pull, entry, server, status, waits):
    server.always(status=status)
    with pytest.raises(DownloadError, match=f"the server answers {status} .*LIVESEG_WEIGHTS_URL"):
        pull(entry)
    assert len(server.requests) == 1
    assert waits == []


def test_a_redirection_is_followed(pull, entry, content, server):
    server.answer(status=302, headers={"Location": "/elsewhere/made-up.pth"})
    assert pull(entry).read_bytes() == content
    assert [r.path for r in server.requests] == ["/models/made-up.pth", "/elsewhere/made-up.pth"]


def test_a_redirection_in_circles_ends_in_an_error(pull, entry, server, waits):
    server.always(status=302, headers={"Location": "/models/made-up.pth"})
    with pytest.raises(DownloadError, match="redirects"):
        pull(entry)
    assert waits == []


def test_a_server_that_is_not_there_is_no_network(pull, entry, waits):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    nowhere = dataclasses.replace(entry, url=f"http://127.0.0.1:{port}/made-up.pth")
    with pytest.raises(DownloadError) as error:
        pull(nowhere)
    message = str(error.value)
    assert message.startswith("cannot download made-up.pth from 127.0.0.1: no network: ")
    assert "Pool" not in message
    assert "\n" not in message
    assert len(waits) == 1


def test_a_server_that_says_nothing_is_no_network(pull, entry):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = dataclasses.replace(entry, url=f"http://127.0.0.1:{silent.getsockname()[1]}/made-up.pth")
        with pytest.raises(DownloadError, match="no network: no answer in time; check the connection"):
            pull(mute, patience=Patience(read_timeout=0.2, first_wait=0.01))


def test_offline_nothing_is_asked_for(pull, entry, server, monkeypatch):
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    with pytest.raises(WeightsUnavailableError, match=r"made-up\.pth is not in the cache and LIVESEG_OFFLINE"):
        pull(entry)
    assert server.requests == []


def test_offline_a_corrupt_file_is_called_so(pull, entry, cache, monkeypatch):
    cache.mkdir(parents=True)
    (cache / "made-up.pth").write_bytes(b"not it")
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    with pytest.raises(WeightsUnavailableError, match=r"made-up\.pth is corrupt in the cache"):
        pull(entry)


def test_offline_what_is_here_serves(pull, entry, monkeypatch, content):
    pull(entry)
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    assert pull(entry).read_bytes() == content


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.usefixtures("cache")
def test_a_mirror_takes_the_place_of_the_published_address(entry, content, server, monkeypatch, slash):
    monkeypatch.setenv("LIVESEG_WEIGHTS_URL", f"{server.url}/mirror{slash}")
    published = dataclasses.replace(entry, url="https://weights.invalid/made-up.pth")
    assert download(published).read_bytes() == content
    assert [r.path for r in server.requests] == ["/mirror/made-up.pth"]


@pytest.mark.parametrize("url", ["file:///etc", "ftp://host/x", "host/x", "http://", "http://[bad/"])
def test_a_mirror_must_be_http_or_https(entry, monkeypatch, url):
    monkeypatch.setenv("LIVESEG_WEIGHTS_URL", url)
    with pytest.raises(UsageError, match="LIVESEG_WEIGHTS_URL is a mirror's http or https address"):
        address(entry)


@pytest.mark.parametrize("host", ["a..b", "a" * 100, "*.x", "127.0.0.1:99999999"])
def test_a_mirror_whose_address_nothing_can_have_is_refused(pull, entry, monkeypatch, host, waits):
    monkeypatch.setenv("LIVESEG_WEIGHTS_URL", f"http://{host}/")
    with pytest.raises(DownloadError, match=r"cannot download made-up\.pth"):
        pull(entry)
    assert waits == []


def test_a_mirror_s_password_is_not_printed(pull, entry, server, monkeypatch):
    secret = server.url.replace("http://", "http://me:hush@")
    monkeypatch.setenv("LIVESEG_WEIGHTS_URL", secret)
    server.always(status=403)
    with pytest.raises(DownloadError) as error:
        pull(entry)
    assert "hush" not in str(error.value)
    monkeypatch.setenv("LIVESEG_WEIGHTS_URL", "ftp://me:hush@host/")
    with pytest.raises(UsageError, match="not 'host/'"):
        pull(entry)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the disk of Linux that is full")
def test_a_full_disk_is_named(pull, entry, cache):
    cache.mkdir(parents=True)
    (cache / "made-up.pth.partial").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"the disk is full, no room for .*partial; free some .*LIVESEG_HOME") as e:
        pull(entry)
    assert e.value.__cause__.errno == errno.ENOSPC
    assert not (cache / "made-up.pth").exists()


def test_a_home_that_is_a_file_is_named(pull, entry, cache, server):
    cache.parent.write_bytes(b"")
    with pytest.raises(DownloadError, match=r"cannot use .*; set LIVESEG_HOME to a folder of yours"):
        pull(entry)
    assert server.requests == []


def test_two_processes_make_one_request_and_both_have_the_file(downloader, entry, content, server, cache):
    server.answer(hold_after=500_000)
    both = [downloader(entry), downloader(entry)]
    for one in both:
        one.wait_until_ready()
    assert server.held.wait(60)
    assert not server.wait_for_requests(2, seconds=1.0)
    server.go_on.set()
    assert [one.finish() for one in both] == [(0, str(cache / "made-up.pth"))] * 2
    assert (cache / "made-up.pth").read_bytes() == content
    assert len(server.requests) == 1


@pytest.mark.timeout(60)
def test_a_failed_download_lets_the_next_one_in(pull, entry, content, server):
    server.answer(status=404)
    with pytest.raises(DownloadError):
        pull(entry)
    assert pull(entry).read_bytes() == content


def test_two_threads_make_one_request(pull, entry, content, server):
    server.answer(hold_after=500_000)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(pull, entry) for _ in range(2)]
        assert not server.wait_for_requests(2, seconds=0.5)
        server.go_on.set()
        assert [one.result(60).read_bytes() for one in both] == [content] * 2
    assert len(server.requests) == 1


def test_a_killed_download_leaves_no_final_file_and_is_resumed(downloader, entry, content, server, cache):
    server.answer(hold_after=1_000_000)
    process = downloader(entry)
    process.wait_until_ready()
    partial = cache / "made-up.pth.partial"
    assert server.held.wait(60)
    for _ in range(600):
        if partial.exists() and partial.stat().st_size == 1_000_000:
            break
        time.sleep(0.1)
    process.kill()
    server.go_on.set()
    assert partial.stat().st_size == 1_000_000
    assert not (cache / "made-up.pth").exists()

    assert download(entry).read_bytes() == content
    assert [r.start for r in server.requests] == [0, 1_000_000]
