"""What outputs are called."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveseg.batch.listing.names import given_name, name_of
from liveseg.batch.places.names import checked


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("photo.jpg", "photo"),
        ("a/b/photo.jpg", "a/b/photo"),
        ("photo.png", "photo_png"),
        ("photo.JPG", "photo_JPG"),
        ("clip.mp4", "clip_mp4"),
        ("v1.2.jpg", "v1.2"),
        ("photo_png.jpg", "photo_png_jpg"),
        ("photo_PNG.jpg", "photo_PNG_jpg"),
        ("scan.heic", "scan%2Eheic"),
        ("scan", "scan%2E"),
        ("scan.", "scan%2E%2E"),
        ("scan..jpg", "scan._jpg"),
        ("Zürich 東京.jpg", "Zürich 東京"),
        ("12:30?.jpg", "12%3A30%3F"),
        ("50%41.jpg", "50%2541"),
        ("50% off.jpg", "50% off"),
        ("a//b/../c.jpg", "a/%2F/b/.%2E/c"),
        ("con/nul.jpg", "%63on/%6Eul"),
        ("end. /x.jpg", "end.%20/x"),
        ("_liveseg/x.jpg", "%5Fliveseg/x"),
        ("x/_liveseg/x.jpg", "x/_liveseg/x"),
        ("caf\udce9.jpg", "caf%E9"),
    ],
)
def test_names(path, name):
    assert name_of(path) == name


_parts = st.text(st.sampled_from("ab_.%25E: pngj"), min_size=0, max_size=6)
_files = st.builds(
    lambda stem, extension: stem + extension,
    st.text(st.sampled_from("ab_.%25Epngj"), min_size=1, max_size=8),
    st.sampled_from([".jpg", ".JPG", ".png", ".jpeg", ".mp4", ".heic", "", "_png.jpg", "_jpg.png", "%2Eheic.jpg"]),
)
_paths = st.builds(lambda folders, file: "/".join([*folders, file]), st.lists(_parts, max_size=2), _files)


@given(_paths, _paths)
@example("a.jpg", "a.png")
@example("a_png.jpg", "a.png")
@example("a%2Eheic.jpg", "a.heic")
@example("a", "a.")
@example("a", "a..jpg")
def test_different_files_have_different_names_that_a_place_takes(one, other):
    names = name_of(one), name_of(other)
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert checked(name) == name
        assert name.split("/")[0].casefold() != "_liveseg"
        assert posixpath.normpath(name) == name


@given(_paths)
@example("50%41.jpg")
def test_a_name_that_a_batch_gave_stays_as_it_is(path):
    assert given_name(name_of(path)) == name_of(path)


def test_given_names_cannot_lead_out():
    assert given_name("a/b") == "a/b"
    assert checked(given_name("../../etc/passwd"))
    assert checked(given_name("/etc/passwd"))
    assert checked(given_name("C:\\x"))
    assert ".." not in given_name("../../etc/passwd").split("/")
