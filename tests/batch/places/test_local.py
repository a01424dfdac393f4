"""Places that are folders of this machine."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import signal
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from liveseg.batch.places import AccessError, NotStoredError, Place, StorageError
from liveseg.errors import LivesegError, UsageError


@pytest.fixture
def place(tmp_path):
    return Place.at(tmp_path / "results")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(b"pixels" * 1000)
    return path


def test_files_come_back_as_they_went(place, file, tmp_path):
    assert place.commit(file, "rome/deep/mask.png") == 6000
    assert file.exists()
    assert place.read("rome/deep/mask.png") == file.read_bytes()
    assert place.fetch("rome/deep/mask.png", tmp_path / "back") == 6000
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    assert place.size("rome/deep/mask.png") == 6000
    assert place.digest("rome/deep/mask.png") == place.digest("rome/deep/mask.png")
    place.commit_bytes(b"1", "rome/one")
    assert sorted(place.names()) == [("rome/deep/mask.png", 6000), ("rome/one", 1)]
    assert list(place.names("rome/deep")) == [("rome/deep/mask.png", 6000)]
    assert list(place.names("nowhere")) == []
    assert place.folder == tmp_path / "results"


def test_nothing_but_whole_files_is_left(place, file):
    place.commit(file, "a.png")
    place.commit(file, "a.png")
    place.commit_bytes(b"1", "b", only_new=True)
    place.commit_bytes(b"2", "b", only_new=True)
    assert sorted(path.name for path in place.folder.iterdir()) == ["a.png", "b"]
    assert place.read("b") == b"1"


def test_a_failed_commit_leaves_what_was_there(place, file, monkeypatch):
    place.commit_bytes(b"old", "a.png")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"cannot write .*a\.png: no space left there; free some"):
            place.commit(file, "a.png")
    assert place.read("a.png") == b"old"
    assert [path.name for path in place.folder.iterdir()] == ["a.png"]


def commit_for_ever(place, source):
    while True:
        place.commit(source, "big.bin")


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_kill_in_the_middle_leaves_no_half_file_and_what_it_leaves_is_cleared(place, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * (32 << 20))
    child = multiprocessing.get_context("fork").Process(target=commit_for_ever, args=(place, source))
    child.start()

    def unfinished():
        return [path for path in place.folder.glob(".*") if path.exists()] if place.folder.exists() else []

    while not unfinished():
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert {size for _, size in place.names()} <= {32 << 20}
    assert all(not name.startswith(".") for name, _ in place.names())
    left = len(unfinished())
    assert place.clear_unfinished(older_than=3600) == 0
    assert place.clear_unfinished(older_than=-1) == left
    assert unfinished() == []


def test_what_is_unfinished_is_found_without_holding_the_names_of_the_rest(place):
    (place.folder / "in").mkdir(parents=True)
    for number in range(20_000):
        os.close(os.open(place.folder / "in" / f"photo-{number:08}.png", os.O_CREAT | os.O_WRONLY))
    (place.folder / "in" / ".left.partial.png").write_bytes(b"half")
    tracemalloc.start()
    try:
        assert place.clear_unfinished(older_than=-1) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000
    assert not (place.folder / "in" / ".left.partial.png").exists()


def test_only_one_of_many_makes_a_new_file(place):
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: place.commit_bytes(f"{n}".encode(), "lock", only_new=True), range(64)))
    assert made.count(True) == 1
    assert place.read("lock") == f"{made.index(True)}".encode()


def test_only_one_makes_a_new_file_where_there_are_no_links(place, monkeypatch):
    def none(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", none)
    assert place.commit_bytes(b"1", "lock", only_new=True)
    assert not place.commit_bytes(b"2", "lock", only_new=True)
    assert place.read("lock") == b"1"
    assert [path.name for path in place.folder.iterdir()] == ["lock"]


def test_lines_that_many_append_stay_whole(place):
    lines = [f"{n:06}\n".encode() * 40 for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda line: place.append(line, "logs/a.jsonl"), lines))
    got = place.read("logs/a.jsonl").splitlines()
    assert len(got) == 8000
    assert all(got[start] == got[start + 39] for start in range(0, 8000, 40))


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/", "C:/x", "a\\b", "a\0b"]
)
def test_names_that_could_lead_out_are_refused(place, file, name):
    for work in (
        lambda: place.read(name),
        lambda: place.commit(file, name),
        lambda: place.commit_bytes(b"", name),
        lambda: place.append(b"", name),
        lambda: place.delete(name),
        lambda: place.exists(name),
    ):
        with pytest.raises(UsageError, match="no name of a file within its folder"):
            work()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_that_lead_out_are_refused(place, file, tmp_path):
    place.commit_bytes(b"1", "in/a")
    (tmp_path / "out").mkdir()
    (place.folder / "way").symlink_to(tmp_path / "out")
    (place.folder / "secret").symlink_to(file)
    for work in (
        lambda: place.commit(file, "way/mask.png"),
        lambda: place.delete("secret"),
        lambda: place.read("secret"),
    ):
        with pytest.raises(UsageError, match="through a link"):
            work()
    assert list((tmp_path / "out").iterdir()) == []
    assert file.exists()
    # A link that stays within, or that the place itself is, leads nowhere else.
    (place.folder / "inner").symlink_to(place.folder / "in")
    assert place.read("inner/a") == b"1"
    (tmp_path / "alias").symlink_to(place.folder)
    assert Place.at(tmp_path / "alias").read("in/a") == b"1"


def test_what_is_missing_or_in_the_way_is_said(place, file, tmp_path):
    with pytest.raises(NotStoredError, match="there is no such file"):
        place.read("a")
    with pytest.raises(FileNotFoundError):
        place.size("a")
    place.delete("a")
    place.commit_bytes(b"1", "a")
    with pytest.raises(StorageError, match="a part of its path is a file"):
        place.commit(file, "a/b")
    (place.folder / "folder").mkdir()
    with pytest.raises(StorageError, match="that is a folder"):
        place.read("folder")
    assert not place.exists("folder")
    with pytest.raises(StorageError):
        place.commit(tmp_path / "no such source", "x")
    assert not place.exists("x")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="rights as POSIX has them")
def test_rights_that_lack_are_said(place, file):
    place.commit_bytes(b"1", "a/b")
    (place.folder / "a").chmod(0o500)
    try:
        with pytest.raises(AccessError, match="not allowed; change the rights"):
            place.commit(file, "a/c")
    finally:
        (place.folder / "a").chmod(0o700)


def test_a_folder_goes_whole_and_never_the_place_itself(place):
    for name in ("logs/1", "logs/deep/2", "logs2/3"):
        place.commit_bytes(b".", name)
    place.delete_all("logs")
    place.delete_all("logs")
    assert list(place.names()) == [("logs2/3", 1)]
    with pytest.raises(UsageError):
        place.delete_all("")


def test_a_place_can_be_pickled(place):
    place.commit_bytes(b"1", "a")
    assert pickle.loads(pickle.dumps(place)).read("a") == b"1"  # noqa: S301


def test_errors_survive_a_pipe(place):
    with pytest.raises(NotStoredError) as caught:
        place.read("a")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert type(again) is NotStoredError
    assert str(again) == str(caught.value)
    assert isinstance(again, LivesegError)


def test_file_addresses_are_paths(tmp_path):
    place = Place.at((tmp_path / "a b").as_uri())
    place.commit_bytes(b"1", "x")
    assert (tmp_path / "a b" / "x").read_bytes() == b"1"
    with pytest.raises(UsageError, match="three slashes"):
        Place.at("file://host/x")
