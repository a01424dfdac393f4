"""Folders, globs and files of this machine."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from liveseg.batch.listing import items, open_item, sorting
from liveseg.errors import SourceNotFoundError, UsageError


def names(*inputs, **options):
    return [item.name for item in items([str(each) for each in inputs], **options)]


def test_a_folder_with_all_folders_in_it_in_natural_order(tree):
    folder = tree("10.jpg", "2.jpg", "b/1.jpg", "B2/x.MP4", "b/c/d.png", "notes.txt")
    found = list(items([folder]))
    assert [item.name for item in found] == ["2", "10", "b/1", "b/c/d_png", "B2/x_MP4"]
    assert [item.kind for item in found] == ["image", "image", "image", "image", "video"]
    assert found[0].location == str(folder / "2.jpg")
    assert found[0].size == len("2.jpg")
    assert found[0].content is None


def test_hidden_unfinished_and_own_files_are_passed_by(tree):
    folder = tree(".a.jpg", ".git/b.jpg", "c.partial.jpg", "_liveseg/pieces/d.mp4", "in/_liveseg/e.jpg", "f.jpg")
    assert names(folder) == ["f"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("target", ["nothing.jpg", "link.jpg", "a.jpg/b.jpg"])
def test_links_that_lead_nowhere_are_passed_by(tree, target):
    folder = tree("a.jpg", "in/b.jpg")
    (folder / "link.jpg").symlink_to(target)
    assert names(folder) == ["a", "in/b"]


def test_a_folder_that_goes_while_it_is_listed_is_passed_by(tree):
    folder = tree("a/1.jpg", "b/2.jpg", "c/3.jpg")
    stream = items([folder])
    assert next(stream).name == "a/1"
    shutil.rmtree(folder / "b")
    assert [item.name for item in stream] == ["c/3"]


def test_the_destination_is_passed_by(tree, tmp_path):
    folder = tree("a.jpg", "out/a_lite.jpg", "out/deep/b_lite.jpg", "outer/c.jpg")
    assert names(folder, out=folder / "out") == ["a", "outer/c"]
    if sys.platform != "win32":
        (tmp_path / "alias").symlink_to(folder / "out")
        assert names(folder, out=tmp_path / "alias") == ["a", "outer/c"]
    assert names(f"{folder}/**/*.jpg", out=folder / "out") == ["a", "outer/c"]
    for out in (folder, folder.parent):
        with pytest.raises(UsageError, match="give a destination of its own"):
            names(folder, out=out)


def test_identifiers_change_with_the_file_and_only_then(tree):
    folder = tree("a.jpg", "b.jpg")
    before = [item.identifier for item in items([folder])]
    assert [item.identifier for item in items([folder])] == before
    (folder / "a.jpg").write_bytes(b"another")
    after = [item.identifier for item in items([folder])]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_content_tells_files_apart_wherever_they_lie(tree, tmp_path):
    folder = tree("a.jpg", "b.jpg")
    found = list(items([folder], identify="content"))
    assert [item.content for item in found] == [hashlib.sha256(name).hexdigest() for name in (b"a.jpg", b"b.jpg")]
    shutil.copytree(folder, tmp_path / "moved")
    moved = list(items([tmp_path / "moved"], identify="content"))
    assert [item.identifier for item in moved] == [item.identifier for item in found]
    assert [item.identifier for item in items([tmp_path / "moved"])] != [item.identifier for item in items([folder])]


def test_a_file_that_goes_before_it_is_hashed_is_left_to_its_worker(tree):
    folder = tree(*(f"{n}.jpg" for n in range(100)))
    stream = items([folder], identify="content")
    next(stream)
    (folder / "99.jpg").unlink()
    rest = list(stream)
    assert [item.content is None for item in rest] in ([False] * 98 + [True], [False] * 98)


def test_globs(tree):
    folder = tree("a.jpg", "b.png", "in/c.jpg", "in/deep/d.jpg", "in/deep/e.heic", ".h/f.jpg", "[x] y/g.jpg", "n.txt")
    assert names(f"{folder}/*") == ["a", "b_png"]
    assert names(f"{folder}/*/*.jpg") == ["[x] y/g", "in/c"]
    assert names(f"{folder}/**/*.jpg") == ["[x] y/g", "a", "in/c", "in/deep/d"]
    assert names(f"{folder}/**") == ["[x] y/g", "a", "b_png", "in/c", "in/deep/d"]
    assert names(f"{folder}/in/**/[cd].*") == ["c", "deep/d"]
    assert names(f"{folder}/**/*.heic") == ["in/deep/e%2Eheic"]
    assert names(f"{folder}/.h/*.jpg") == ["f"]
    # A folder that exists is itself, although it looks like a glob.
    assert names(f"{folder}/[x] y/*") == ["g"]
    assert names(folder / "[x] y") == ["g"]
    with pytest.raises(SourceNotFoundError, match="nothing matches"):
        names(f"{folder}/*.webp")
    with pytest.raises(SourceNotFoundError, match="there is no folder"):
        names(f"{folder}/none/*.jpg")


def test_several_inputs_have_their_folders_in_front(tree, tmp_path):
    one, two = tree("1.jpg", under="x/photos"), tree("1.jpg", under="y/photos")
    other = tree("1.jpg", under="other")
    assert names(one, other) == ["photos/1", "other/1"]
    assert names(one, two) == ["x_photos/1", "y_photos/1"]
    assert names(one / "1.jpg", other / "1.jpg") == ["photos/1", "other/1"]
    assert names(one / "1.jpg", one) == ["1"]
    three = tree("1.jpg", under="z/x/photos")
    assert names(one, three, two) == ["x_photos/1", "x_photos_2/1", "y_photos/1"]


def test_names_that_differ_only_in_case_get_a_label_each(tree):
    one, two = tree("1.jpg", under="a/Photos"), tree("1.jpg", under="b/photos")
    assert len({name.casefold() for name in names(one, two)}) == 2


def test_what_inputs_have_in_common_comes_once(tree):
    folder = tree("a.jpg", "in/b.jpg", "in/c.jpg")
    assert len(names(folder, f"{folder}/", folder / "in" / "..")) == 3
    assert names(folder / "in", folder) == ["in/b", "in/c", "photos/a"]
    assert names(folder, folder / "in", folder / "in" / "b.jpg") == ["photos/a", "photos/in/b", "photos/in/c"]
    assert names(folder / "a.jpg", folder) == ["a", "in/b", "in/c"]
    assert names(f"{folder}/*.jpg", folder) == ["a", "in/b", "in/c"]


def test_a_file_named_outright_may_have_any_extension(tree, samples):
    folder = tree("x.txt")
    shutil.copy(samples / "image_1.jpg", folder / "photo.dat")
    shutil.copy(samples / "video_1.mp4", folder / "clip.dat")
    found = list(items([folder / "photo.dat", folder / "clip.dat"]))
    assert [(item.name, item.kind) for item in found] == [("photo%2Edat", "image"), ("clip%2Edat", "video")]


def test_what_is_not_there_is_said_at_once(tree):
    folder = tree("notes.txt", "more.heic", "another.heic")
    with pytest.raises(SourceNotFoundError, match=r"no images or videos in .*2 \.heic, 1 \.txt.*list"):
        items([folder])
    (folder / "empty").mkdir()
    with pytest.raises(SourceNotFoundError, match="nor in the folders within it"):
        items([folder / "empty"])
    with pytest.raises(SourceNotFoundError, match="no such file or folder"):
        items([folder / "nothing.jpg"])
    with pytest.raises(UsageError, match="has no name"):
        items([""])
    with pytest.raises(UsageError, match="name at least one"):
        items([])


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_followed_but_not_in_circles(tree, tmp_path):
    folder = tree("a.jpg", "in/b.jpg")
    other = tree("c.jpg", under="elsewhere")
    (folder / "in" / "up").symlink_to(folder)
    (folder / "link").symlink_to(other)
    (folder / "z.jpg").symlink_to(other / "c.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nothing")
    found = list(items([folder]))
    assert [item.name for item in found] == ["a", "in/b", "link/c", "z"]
    place, name = open_item(found[-1], None)
    assert place.read(name) == b"c.jpg"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there a name can be bytes that are no text")
def test_names_that_are_no_text(tree):
    folder = tree("a.jpg")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(b"1")
    found = list(items([folder]))
    assert [item.name for item in found] == ["a", "caf%E9"]
    assert len(found[1].identifier) == 32
    place, name = open_item(found[1], None)
    assert place.read(name) == b"1"


def test_more_names_than_are_held_are_sorted_on_the_disk(monkeypatch):
    monkeypatch.setattr(sorting, "RUN", 100)
    wanted = [f"photo {n}.jpg" for n in range(1050)]
    mixed = [(name, False) for name in random.Random(0).sample(wanted, len(wanted))]  # noqa: S311
    assert [name for name, _ in sorting.in_natural_order(iter(mixed))] == wanted
    assert list(sorting.in_natural_order([("b", True), ("a10", False), ("A9", False)])) == [
        ("A9", False),
        ("a10", False),
        ("b", True),
    ]


def test_listing_stops_where_nobody_asks_for_more(tree):
    folder = tree(*(f"{n // 10}/{n}.jpg" for n in range(40)))
    stream = items([folder], identify="content")
    assert next(stream).name == "0/0"
    stream.close()


GROWTH = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from synthetic_files import register
from liveseg.batch.listing import items
register()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number, item in enumerate(items(["synthetic://300000"]), 1):
    if number == 20_000:
        before = peak()
print(number, peak() - before, item.name, item.version)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory as Linux does")
def test_memory_does_not_grow_with_the_number_of_files(require_module):
    require_module("fsspec", "fsspec")
    benchmarks = Path(__file__).parents[3] / "benchmarks" / "batch"
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(benchmarks)], check=True, capture_output=True, text=True, timeout=250
    )
    number, grown, name, version = done.stdout.split()
    assert (int(number), name, version) == (300_000, "f00002/f00099/photo-00299999", f"{299_999:x}")
    # 280,000 names would be about 100 MB; kilobytes here.
    assert int(grown) < 4_000
