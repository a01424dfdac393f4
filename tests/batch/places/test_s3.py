"""Places in an object store: a real S3 server, and a proxy before it that does what stores do on bad days."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import threading
import time

import pytest

from liveseg.batch.places import (
    AccessError,
    BusyError,
    DamagedError,
    NoBucketError,
    NotStoredError,
    Patience,
    Place,
    StorageError,
)

QUICK = Patience(attempts=5, shortest=0.01, longest=0.05, total=20)
MANY = os.urandom(3 << 20)


@pytest.fixture
def place(s3):
    return Place.at(f"{s3.bucket()}/results", s3.options, patience=QUICK)


@pytest.fixture
def shaky(faulty_s3):
    place = Place.at(f"{faulty_s3.bucket()}/results", faulty_s3.options, patience=QUICK)
    place.faults = faulty_s3.faults
    place.server = faulty_s3
    return place


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(MANY)
    return path


def test_files_come_back_as_they_went(place, file, tmp_path):
    assert place.commit(file, "rome/mask.png") == len(MANY)
    assert place.commit_bytes(b"two", "rome/empty/x#y ?z é.txt")
    assert place.commit_bytes(b"", "nothing")
    assert place.read("rome/mask.png") == MANY
    assert place.read("rome/empty/x#y ?z é.txt") == b"two"
    assert place.read("nothing") == b""
    assert place.fetch("rome/mask.png", tmp_path / "back.png") == len(MANY)
    assert (tmp_path / "back.png").read_bytes() == MANY
    assert place.fetch("nothing", tmp_path / "none") == 0
    assert place.digest("rome/mask.png") == hashlib.sha256(MANY).hexdigest()
    assert place.size("rome/mask.png") == len(MANY)
    names = dict(place.names())
    assert names == {"rome/mask.png": len(MANY), "rome/empty/x#y ?z é.txt": 3, "nothing": 0}
    assert list(place.names("rome/empty")) == [("rome/empty/x#y ?z é.txt", 3)]
    assert list(place.names("rom")) == []


def test_what_is_there_is_told_from_what_is_not(place):
    place.commit_bytes(b"1", "a/b")
    assert place.exists("a/b")
    assert not place.exists("a")
    assert not place.exists("a/c")
    with pytest.raises(NotStoredError, match=r"cannot read s3://test-\w+/results/a/c: there is no such file"):
        place.read("a/c")
    with pytest.raises(NotStoredError):
        place.size("a/c")
    place.delete("a/c")
    place.delete("a/b")
    assert not place.exists("a/b")


def test_a_folder_goes_whole_and_its_neighbours_stay(place, s3):
    for name in ("logs/1", "logs/deep/2", "logs2/3", "log"):
        place.commit_bytes(b".", name)
    place.delete_all("logs")
    assert sorted(name for name, _ in place.names()) == ["log", "logs2/3"]
    with pytest.raises(ValueError, match="no name of a file"):
        place.delete_all("")


def test_listing_goes_beyond_one_page(place, monkeypatch):
    from liveseg.batch.places.stores import s3

    monkeypatch.setattr(s3, "PAGE", 5)
    with_threads(lambda n: place.commit_bytes(b"x", f"many/{n:04}"), range(23))
    assert [name for name, _ in place.names("many")] == [f"many/{n:04}" for n in range(23)]
    place.delete_all("many")
    assert list(place.names()) == []


def test_only_one_of_many_makes_a_new_file(place):
    made = with_threads(lambda n: place.commit_bytes(f"{n}".encode(), "lock.json", only_new=True), range(8))
    assert made.count(True) == 1
    assert place.read("lock.json") == f"{made.index(True)}".encode()
    assert place.commit_bytes(b"replaced", "lock.json")
    assert place.read("lock.json") == b"replaced"


def test_a_new_file_whose_answer_was_lost_counts_as_made(shaky):
    shaky.faults.fail("lost", method="PUT")
    assert shaky.commit_bytes(b"mine", "lock.json", only_new=True)
    assert not shaky.commit_bytes(b"other", "lock.json", only_new=True)
    assert shaky.read("lock.json") == b"mine"


@pytest.mark.parametrize("kind", ["status", "reset", "lost"])
def test_a_request_that_fails_for_a_time_is_made_again(shaky, file, kind):
    shaky.faults.fail(kind, times=3, method="PUT")
    assert shaky.commit(file, "mask.png") == len(MANY)
    shaky.faults.fail(kind, times=3, method="GET")
    assert shaky.read("mask.png") == MANY
    shaky.faults.fail(kind, times=2, match="list-type")
    assert list(shaky.names()) == [("mask.png", len(MANY))]


def test_patience_ends(shaky):
    fault = shaky.faults.fail("status", times=-1, method="PUT")
    with pytest.raises(BusyError, match=r"busy or failing \(SlowDown\).*\(tried 5 times\)"):
        shaky.commit_bytes(b"1", "a")
    # Neither the client's own retries nor a second loop multiply the attempts.
    assert fault.hits == QUICK.attempts
    started = time.monotonic()
    hasty = Place.at(shaky.address, shaky.server.options, patience=Patience(attempts=99, shortest=0.2, total=0.5))
    with pytest.raises(BusyError):
        hasty.commit_bytes(b"1", "a")
    assert time.monotonic() - started < 5


def test_a_file_sent_in_one_request_is_not_tried_more_often_than_that(shaky, file):
    fault = shaky.faults.fail("status", times=-1, method="PUT")
    with pytest.raises(BusyError):
        shaky.commit(file, "mask.png")
    assert fault.hits == QUICK.attempts


def test_a_truncated_body_goes_on_where_it_broke_off(shaky, file, tmp_path):
    shaky.commit(file, "mask.png")
    before = len(shaky.faults.requests)
    shaky.faults.fail("truncate", method="GET", match="mask", after=2_500_000)
    assert shaky.fetch("mask.png", tmp_path / "back") == len(MANY)
    assert (tmp_path / "back").read_bytes() == MANY
    asked = [headers for method, _path, headers in shaky.faults.requests[before:] if method == "GET"]
    ranges = [headers.get("range") for headers in asked]
    assert ranges[0] is None
    # What came and was not read yet when the connection ended may be asked for again.
    start = int(ranges[1].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 2_500_000


def test_a_body_that_breaks_off_again_and_again_arrives_in_the_end(shaky):
    # More breaks than attempts, but each brings about a MiB.
    shaky.commit_bytes(MANY * 4, "large.bin")
    shaky.faults.fail("truncate", times=QUICK.attempts + 2, method="GET", match="large", after=1_200_000)
    assert shaky.read("large.bin") == MANY * 4


def test_half_a_file_that_says_it_is_whole_is_not_taken(shaky, file, tmp_path):
    shaky.commit(file, "mask.png")
    shaky.faults.fail("short", times=-1, method="GET", match="mask")
    with pytest.raises(DamagedError, match="not those that the store has"):
        shaky.fetch("mask.png", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_changed_byte_is_noticed(shaky, file):
    shaky.commit(file, "mask.png")
    shaky.faults.fail("corrupt", times=1, method="GET", match="mask")
    assert shaky.read("mask.png") == MANY


def test_slow_answers_are_asked_for_again(faulty_s3, file):
    options = {"s3": faulty_s3.options["s3"] | {"config_kwargs": {"read_timeout": 0.5}}}
    place = Place.at(faulty_s3.bucket(), options, patience=QUICK)
    place.commit(file, "mask.png")
    faulty_s3.faults.fail("slow", times=1, method="GET", seconds=2)
    assert place.read("mask.png") == MANY
    assert faulty_s3.faults.count("GET", "mask") == 2


def test_a_file_replaced_meanwhile_is_never_half_of_each(shaky, file):
    shaky.commit(file, "mask.png")
    other = bytes(reversed(MANY))
    fault = shaky.faults.fail("truncate", method="GET", match="mask", after=2_500_000)
    replaced = threading.Event()

    def replace():
        while not fault.hits:
            time.sleep(0.005)
        shaky.server.put(f"{shaky.address}/mask.png", other)
        replaced.set()

    thread = threading.Thread(target=replace)
    thread.start()
    got = shaky.read("mask.png")
    thread.join()
    assert got in {MANY, other}


@pytest.fixture
def in_parts(monkeypatch):
    """Files above 6 MiB go in parts of 5 MiB, the least that a store takes."""
    from liveseg.batch.places.stores import s3

    monkeypatch.setattr(s3, "WHOLE", 6 << 20)
    monkeypatch.setattr(s3, "PART", 5 << 20)


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(os.urandom(1 << 20) * 13)
    return path


def test_a_large_file_goes_in_parts_and_is_whole(in_parts, shaky, large):
    shaky.faults.fail("status", times=2, method="PUT", match="partNumber=2")
    shaky.faults.fail("reset", times=1, method="PUT", match="partNumber=3")
    assert shaky.commit(large, "clip.mp4") == 13 << 20
    assert shaky.read("clip.mp4") == large.read_bytes()
    assert shaky.faults.count("PUT", "partNumber") == 6
    assert shaky.server.unfinished(shaky.address) == 0


def test_a_completed_upload_whose_answer_was_lost_is_done(in_parts, shaky, large):
    shaky.faults.fail("lost", method="POST", match="uploadId")
    assert shaky.commit(large, "clip.mp4") == 13 << 20
    assert shaky.read("clip.mp4") == large.read_bytes()


def test_an_upload_that_fails_leaves_neither_a_file_nor_parts_to_pay_for(in_parts, shaky, large):
    shaky.faults.fail("status", times=-1, method="PUT", match="partNumber=3")
    with pytest.raises(BusyError):
        shaky.commit(large, "clip.mp4")
    assert shaky.server.keys(shaky.address) == []
    assert shaky.server.unfinished(shaky.address) == 0


def test_an_upload_that_is_interrupted_is_aborted_too(in_parts, shaky, large, monkeypatch):
    from liveseg.batch.places.stores.s3 import S3Store

    def interrupted(*_):
        assert shaky.server.unfinished(shaky.address) == 1
        raise KeyboardInterrupt

    # All parts are there, and Ctrl-C comes before the completion.
    monkeypatch.setattr(S3Store, "_completed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shaky.commit(large, "clip.mp4")
    assert shaky.faults.count("PUT", "partNumber") == 3
    assert shaky.server.keys(shaky.address) == []
    assert shaky.server.unfinished(shaky.address) == 0


def test_what_a_killed_process_left_is_cleared_when_it_is_old(place, s3):
    import requests

    bucket = place.address.partition("://")[2].partition("/")[0]
    for key in ("results/a.mp4", "elsewhere/b.mp4"):
        requests.post(f"{s3.endpoint}/{bucket}/{key}?uploads", timeout=10).raise_for_status()
    # This server says of each that it was begun in 2010.
    assert place.clear_unfinished(older_than=100 * 365 * 86400) == 0
    assert place.clear_unfinished(older_than=3600) == 1
    assert s3.unfinished(place.address) == 1


def test_refusals_say_what_to_do(s3, place, shaky, monkeypatch, tmp_path):
    nowhere = Place.at("s3://no-such-bucket-here/results", s3.options, patience=QUICK)
    with pytest.raises(NoBucketError, match="there is no bucket no-such-bucket-here; create it"):
        nowhere.commit_bytes(b"1", "a")
    with pytest.raises(NoBucketError):
        list(nowhere.names())
    shaky.faults.fail("status", times=-1, method="PUT", status=403, code="AccessDenied")
    with pytest.raises(AccessError, match="access is denied; check that the credentials"):
        shaky.commit_bytes(b"1", "a")
    shaky.faults.reset()
    shaky.faults.fail("status", times=-1, method="PUT", status=403, code="InvalidAccessKeyId")
    with pytest.raises(AccessError, match="not accepted"):
        shaky.commit_bytes(b"1", "a")
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    nobody = Place.at(place.address, {"endpoint_url": s3.endpoint}, patience=QUICK)
    with pytest.raises(AccessError, match="no usable credentials were found; set AWS_ACCESS_KEY_ID"):
        nobody.read("a")


def test_an_endpoint_that_is_not_there_is_named_as_such():
    options = {"endpoint_url": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    place = Place.at("s3://bucket/results", options, patience=Patience(attempts=2, shortest=0.01))
    with pytest.raises(BusyError, match="cannot be reached; check the endpoint"):
        place.read("a")


def test_nothing_can_be_appended(place):
    assert not place.appends
    with pytest.raises(StorageError, match="nothing can be appended there"):
        place.append(b"1", "log")


def test_credentials_are_in_no_message(shaky):
    options = {"s3": shaky.server.options["s3"] | {"secret": "VERYSECRET", "key": "MYKEY"}}
    place = Place.at(shaky.address, options, patience=QUICK)
    assert "VERYSECRET" not in repr(place) + place.address
    shaky.faults.fail("status", times=-1, status=403, code="SignatureDoesNotMatch")
    with pytest.raises(AccessError) as caught:
        place.read("a")
    assert "VERYSECRET" not in str(caught.value)
    assert "MYKEY" not in str(caught.value)


def read_there(place, name, answers):
    answers.put(place.read(name))


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_other_processes_connect_by_themselves(place, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    place.commit_bytes(b"from here", "a")  # so that this process has connections that a fork would inherit
    context = multiprocessing.get_context(method)
    answers = context.SimpleQueue()
    child = context.Process(target=read_there, args=(place, "a", answers))
    child.start()
    assert answers.get() == b"from here"
    child.join(30)
    assert child.exitcode == 0
    assert place.read("a") == b"from here"


def test_a_place_is_pickled_without_its_connections(place):
    place.commit_bytes(b"1", "a")
    again = pickle.loads(pickle.dumps(place))  # noqa: S301
    assert again.read("a") == b"1"
    assert again.address == place.address


def with_threads(work, arguments):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, arguments))
