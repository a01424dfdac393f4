"""Lists of files and manifests with columns."""

from __future__ import annotations

import io
import sys

import pytest

from liveseg.batch.attempts import Loss, lost
from liveseg.batch.listing import items
from liveseg.batch.places import Place
from liveseg.batch.records import Task
from liveseg.batch.report import ReportFacts, write_report
from liveseg.errors import SourceNotFoundError, UsageError

LOSS = Loss("lost", "was lost")


@pytest.fixture
def table(tmp_path, require_module):
    """`table(name, columns)` writes a manifest as its extension says."""
    require_module("pyarrow", "pyarrow")
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    def write(called, **columns):
        path = tmp_path / called
        if path.suffix == ".parquet":
            pa.parquet.write_table(pa.table(columns), path, row_group_size=2)
        else:
            pa.csv.write_csv(pa.table(columns), path)
        return path

    return write


def test_a_list_with_a_path_a_line(tree, tmp_path):
    folder = tree("1.jpg", "in/2.mp4", "3.png")
    other = tree("4.jpg", under="other")
    (tmp_path / "photos" / "list.txt").write_bytes(
        b"\xef\xbb\xbf1.jpg\r\n\nin/2.mp4\n../other/4.jpg\n" + bytes(folder / "3.png") + b"\nmissing.jpg\n"
    )
    found = list(items([f"@{folder / 'list.txt'}"]))
    outside = (other / "4.jpg").as_posix().lstrip("/").replace(":", "")
    assert [item.name for item in found] == ["1", "in/2_mp4", f"_file/{outside[:-4]}", "3_png", "missing"]
    assert [item.kind for item in found] == ["image", "video", "image", "image", "image"]
    assert found[0].location == str(folder / "1.jpg")
    assert found[0].identifier == next(items([folder / "1.jpg"])).identifier
    # One that is missing stays in: its worker says so, and the rest is done.
    assert (found[4].version, found[4].size) == ("", None)


def test_a_list_on_standard_input(tree, monkeypatch):
    folder = tree("1.jpg", "2.jpg")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"2.jpg\n1.jpg\n")))
    assert [item.name for item in items(["-"])] == ["2", "1"]


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet"])
def test_a_manifest_with_names_and_versions(tree, table, name):
    folder = tree("1.jpg", "2.jpg", "3.jpg")
    path = table(
        name,
        id=[1, 2, 3],
        Path=[str(folder / f"{n}.jpg") for n in (1, 2, 3)],
        name=["rome/first", "../evil", "third"],
        version=["v1", "v1", None],
    )
    found = list(items([path]))
    assert [item.name for item in found] == ["rome/first", ".%2E/evil", "third"]
    assert [item.version for item in found[:2]] == ["v1", "v1"]
    assert found[2].version == next(items([folder / "3.jpg"])).version
    again = table(name, location=[str(folder / "1.jpg")], version=["v2"])
    assert next(items([again])).identifier != found[0].identifier


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet"])
def test_a_manifest_is_relative_to_itself(tree, table, name, monkeypatch):
    tree("1.jpg", "in/2.jpg")
    path = table(name, url=["photos/1.jpg", "photos/in/2.jpg"])
    monkeypatch.chdir("/")
    assert [(item.name, item.size) for item in items([path])] == [("photos/1", 5), ("photos/in/2", 8)]


@pytest.mark.parametrize("file", [" cat.jpg", "caf\udce9.jpg"])
def test_a_list_of_failures_brings_files_back_under_their_names(tree, tmp_path, file):
    """Also what no spreadsheet would keep: spaces at the begin, and bytes that are no text."""
    folder = tree()
    try:
        (folder / file).write_bytes(b"no picture")
    except (OSError, UnicodeEncodeError):
        pytest.skip("needs a file system whose names are any bytes")
    (failed,) = items([folder])
    write_report(Place.at(tmp_path / "out"), ReportFacts(), [lost(Task(failed), LOSS, settings="", worker="w1")])
    (again,) = items([tmp_path / "out" / "_liveseg" / "failures.csv"])
    assert (again.name, again.location, again.identifier) == (failed.name, failed.location, failed.identifier)


def test_two_files_of_one_name_are_refused(tree, table):
    tree("1.jpg", "2.jpg")
    path = table("manifest.csv", path=["photos/1.jpg", "photos/2.jpg"], name=["Rome", "rome"])
    stream = items([path])
    assert next(stream).name == "Rome"
    with pytest.raises(UsageError, match=r"entry 2 of .* is called 'rome', as one before it"):
        next(stream)
    # A name that a file has by itself counts as well.
    path = table("manifest.csv", path=["photos/1.jpg", "photos/2.jpg"], name=["photos/2", ""])
    with pytest.raises(UsageError, match="'photos/2'"):
        list(items([path]))


def test_semicolons_and_quotes_are_read(tree, tmp_path):
    tree("a;b.jpg", "c.jpg")
    (tmp_path / "m.csv").write_text('location;note\n"photos/a;b.jpg";x\nphotos/c.jpg;"y\nz"\n', encoding="utf-8")
    assert [item.name for item in items([tmp_path / "m.csv"])] == ["photos/a;b", "photos/c"]


def test_what_is_wrong_with_a_list_is_said_at_once(tree, table, tmp_path):
    with pytest.raises(UsageError, match=r"no column called location, path or url \(it has file, note\)"):
        items([table("m.csv", file=["a.jpg"], note=["x"])])
    with pytest.raises(UsageError, match="no column called location"):
        items([table("m.parquet", file=["a.jpg"])])
    (tmp_path / "broken.parquet").write_bytes(b"no table")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        items([tmp_path / "broken.parquet"])
    (tmp_path / "latin.csv").write_bytes(b"path\ncaf\xe9.jpg\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        items([tmp_path / "latin.csv"])
    (tmp_path / "empty.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(SourceNotFoundError, match="names no files"):
        items([f"@{tmp_path / 'empty.txt'}"])
    with pytest.raises(SourceNotFoundError, match="no such list"):
        items([f"@{tmp_path / 'none.txt'}"])
    (tmp_path / "secret.txt").write_text("https://host/a.jpg?sig=HIDDEN\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"entry 1 of .*secret\.txt: .*holds a secret") as caught:
        items([f"@{tmp_path / 'secret.txt'}"])
    assert "HIDDEN" not in str(caught.value)


def test_an_entry_that_no_path_can_be_is_its_workers_to_tell(tree):
    """As one that is missing: below a file, or too long for a name."""
    folder = tree("1.jpg")
    (folder / "list.txt").write_text(f"1.jpg/2.jpg\n{'x' * 300}.jpg\n1.jpg\n", encoding="utf-8")
    found = list(items([f"@{folder / 'list.txt'}"]))
    assert [(item.version == "", item.size) for item in found] == [(True, None), (True, None), (False, 5)]
    (folder / "nul.txt").write_bytes(b"1.jpg\na\0b.jpg\n")
    with pytest.raises(UsageError, match=r"entry 2 of .*nul\.txt: .*NUL"):
        list(items([f"@{folder / 'nul.txt'}"]))


def test_a_list_is_not_held_in_memory(tmp_path, monkeypatch):
    import tracemalloc

    with (tmp_path / "list.txt").open("w") as file:
        file.writelines(f"folder/photo-{n:08}.jpg\n" for n in range(12_000))
    stream = items([f"@{tmp_path / 'list.txt'}"])
    for _ in range(1_000):
        next(stream)
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream) == 11_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


def test_paths_from_elsewhere_never_share_a_name_with_the_lists_own(tree, tmp_path):
    tree("_file/x/1.jpg", "x/1.jpg", under="list")
    other = tree("1.jpg", under="x")
    (tmp_path / "list" / "l.txt").write_text(f"_file/x/1.jpg\nx/1.jpg\n{other / '1.jpg'}\n", encoding="utf-8")
    found = [item.name for item in items([f"@{tmp_path / 'list' / 'l.txt'}"])]
    assert found[:2] == ["__file/x/1", "x/1"]
    assert found[2].startswith("_file/")
    assert len(set(found)) == 3
