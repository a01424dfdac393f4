"""Buckets, memory and web servers as input."""

from __future__ import annotations

import functools
import hashlib
import http.server
import importlib.util
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from liveseg.batch.listing import items, open_item
from liveseg.batch.places import NoBucketError, NotStoredError, Place
from liveseg.errors import SourceNotFoundError, UsageError


@pytest.fixture
def bucket(s3):
    """A bucket with some files; its address."""
    address = s3.bucket()
    for key in (
        "photos/1.jpg", "photos/10.jpg", "photos/2.png", "photos/in/c.mp4", "photos/.hidden/x.jpg", "photos/notes.txt",
        "photos/out/1_lite.jpg", "photos2/y.jpg", "photos//odd.jpg", "photos/a:%20?.jpg",
    ):  # fmt: skip
        s3.put(f"{address}/{key.replace('%', '%25').replace('?', '%3F')}", key.encode())
    return address


def test_a_bucket(s3, bucket):
    found = list(items([f"{bucket}/photos"], options=s3.options, out=f"{bucket}/photos/out"))
    assert [item.name for item in found] == ["%2F/odd", "1", "10", "2_png", "a%3A%2520%3F", "in/c_mp4"]
    assert found[1].location == f"{bucket}/photos/1.jpg"
    assert found[1].version == hashlib.md5(b"photos/1.jpg").hexdigest()  # noqa: S324
    assert found[1].size == len("photos/1.jpg")
    for item in found:
        place, name = open_item(item, s3.options)
        assert place.read(name).decode() == item.location.removeprefix(f"{bucket}/")
    before = found[1].identifier
    s3.put(f"{bucket}/photos/1.jpg", b"another")
    assert next(items([f"{bucket}/photos/1.jpg"], options=s3.options)).identifier != before


def test_parts_of_a_bucket(s3, bucket):
    def names(*inputs):
        return [item.name for item in items([f"{bucket}/{each}" for each in inputs], options=s3.options)]

    assert names("photos/**/*.mp4") == ["in/c_mp4"]
    assert names("photos/*.jpg") == ["1", "10", "a%3A%2520%3F"]
    assert names("photos/10.jpg") == ["10"]
    assert names("photos2/") == ["y"]
    assert names("photos/in", "photos2") == ["in/c_mp4", "photos2/y"]
    with pytest.raises(SourceNotFoundError, match="no images or videos"):
        names("nothing/")
    with pytest.raises(SourceNotFoundError, match="there is no such file"):
        names("photos/none.jpg")
    with pytest.raises(NoBucketError):
        items(["s3://no-such-bucket-here/photos/"], options=s3.options)
    with pytest.raises(UsageError, match="is or holds the input"):
        items([f"{bucket}/photos"], options=s3.options, out=bucket)


def test_content_of_a_bucket_is_read_once(s3, bucket):
    found = list(items([f"{bucket}/photos2"], options=s3.options, identify="content"))
    assert [item.content for item in found] == [hashlib.sha256(b"photos2/y.jpg").hexdigest()]


def test_a_listing_goes_on_after_a_page_that_failed(faulty_s3, monkeypatch):
    from liveseg.batch.places.stores import s3 as store

    monkeypatch.setattr(store, "PAGE", 3)
    address = faulty_s3.bucket()
    for n in range(10):
        faulty_s3.put(f"{address}/{n}.jpg", b".")
    faulty_s3.faults.fail("status", times=2, match="continuation-token")
    faulty_s3.faults.fail("truncate", times=1, match="continuation-token")
    found = [item.name for item in items([f"{address}/"], options=faulty_s3.options)]
    assert found == [str(n) for n in range(10)]


def test_lists_and_manifests_in_a_bucket(s3, bucket):
    s3.put(f"{bucket}/lists/all.txt", f"../photos/1.jpg\n{bucket}/photos2/y.jpg\nnone.jpg\n".encode())
    found = list(items([f"@{bucket}/lists/all.txt"], options=s3.options))
    assert [item.size for item in found] == [12, 13, None]
    assert found[0].version == hashlib.md5(b"photos/1.jpg").hexdigest()  # noqa: S324
    s3.put(f"{bucket}/all.csv", b"path,name\nphotos/1.jpg,first\nphotos/in/c.mp4,clip\n")
    found = list(items([f"{bucket}/all.csv"], options=s3.options))
    assert [(item.name, item.kind) for item in found] == [("first", "image"), ("clip", "video")]
    s3.put(f"{bucket}/local.csv", b"path\n/etc/passwd\n")
    with pytest.raises(UsageError, match="a list from elsewhere cannot name"):
        items([f"{bucket}/local.csv"], options=s3.options)


def test_a_mixture(s3, bucket, tree, tmp_path):
    folder = tree("1.jpg")
    (tmp_path / "more.txt").write_text(f"{bucket}/photos/1.jpg\nphotos/1.jpg\n", encoding="utf-8")
    found = list(items([f"{bucket}/photos2/", folder, f"@{tmp_path / 'more.txt'}"], options=s3.options))
    names = [item.name for item in found]
    assert names[:2] == ["photos2/y", "photos/1"]
    # What the list has in common with the folder came with the folder.
    assert len(names) == 3
    assert names[2].endswith(f"/_s3/{bucket[5:]}/photos/1")


def test_memory_as_input():
    place = Place.at("memory://listing/in")
    for name in ("b/2.jpg", "b/10.jpg", "a.mp4", ".x/y.jpg"):
        place.commit_bytes(name.encode(), name)
    found = list(items(["memory://listing/in"]))
    assert sorted(item.name for item in found) == ["a_mp4", "b/10", "b/2"]
    opened, name = open_item(next(item for item in found if item.name == "b/2"), None)
    assert opened.read(name) == b"b/2.jpg"


@pytest.fixture
def web(tree):
    folder = tree("a b.jpg", "in/c.mp4", "in/d.txt", "é.png")
    (folder / "plain").write_bytes(b"1")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def guess_type(self, path):
            kinds = {"plain": "image/jpeg", "moving": "video/mp4"}
            return kinds.get(Path(path).name) or super().guess_type(path)

        def log_message(self, *_):
            """Nothing."""

    (folder / "moving").write_bytes(b"2")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_web_server(web):
    found = list(items([f"{web}/"]))
    assert sorted(item.name for item in found) == ["a b", "in/c_mp4", "é_png"]
    for item in found:
        place, name = open_item(item, None)
        assert place.read(name)
    (one,) = items([f"{web}/a%20b.jpg"])
    assert one.name == "a b"
    assert one.size == len("a b.jpg")
    assert one.version  # when it was changed last
    (queried,) = items([f"{web}/a%20b.jpg?size=2/3"])
    assert queried.name == "a b%3Fsize=2%252F3"
    (plain,) = items([f"{web}/plain"])
    assert (plain.name, plain.kind) == ("plain%2E", "image")
    with pytest.raises(UsageError, match="the server says text/plain"):
        items([f"{web}/in/d.txt"])
    with pytest.raises(SourceNotFoundError):
        items([f"{web}/none.jpg"])
    with pytest.raises(SourceNotFoundError, match="no images or videos"):
        items([f"{web}/nothing/"])


def test_a_changed_file_of_a_web_servers_folder_is_another(web, tree):
    before = {item.name: item.identifier for item in items([f"{web}/"])}
    os.utime(tree() / "a b.jpg", (1e9, 1e9))
    after = {item.name: item.identifier for item in items([f"{web}/"])}
    assert {name for name in before if before[name] != after[name]} == {"a b"}
    # It is the same file however it was named.
    assert next(items([f"{web}/a%20b.jpg"])).identifier == after["a b"]


def test_a_list_with_versions_asks_what_is_not_in_the_name(web, tmp_path):
    (tmp_path / "urls.csv").write_text(f"url,version\n{web}/moving,v1\n{web}/plain,v1\n", encoding="utf-8")
    found = list(items([tmp_path / "urls.csv"]))
    assert [(item.kind, item.version) for item in found] == [("video", "v1"), ("image", "v1")]


def test_one_that_is_gone_when_its_turn_comes_is_the_workers_to_report(web, tmp_path):
    (tmp_path / "urls.csv").write_text(f"url\n{web}/a%20b.jpg\n{web}/gone.jpg\n", encoding="utf-8")
    found = list(items([tmp_path / "urls.csv"]))
    assert [item.size for item in found] == [7, None]
    place, name = open_item(found[1], None)
    with pytest.raises(NotStoredError):
        place.read(name)


def test_a_bucket_of_many_keys_is_not_held_in_memory(require_module):
    require_module("s3fs", "s3fs")
    path = Path(__file__).parents[3] / "benchmarks" / "batch" / "synthetic_files.py"
    spec = importlib.util.spec_from_file_location("synthetic_files", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.SyntheticBucket(6_000) as bucket:
        stream = items(["s3://photos/2026/"], options=bucket.options)
        for _ in range(1_500):
            next(stream)
        assert bucket.pages == 2
        tracemalloc.start()
        try:
            first, _ = tracemalloc.get_traced_memory()
            rest = 0
            for rest, item in enumerate(stream, 1):  # noqa: B007
                if rest % 1000 == 0:
                    held, _ = tracemalloc.get_traced_memory()
                    # One page of 1000 keys is about 2 MB while it is parsed.
                    assert held - first < 4 << 20
        finally:
            tracemalloc.stop()
    assert rest == 4_500
    assert item.name == "photo-00005999"
