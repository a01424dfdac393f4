import json
import os
from pathlib import Path

import pytest

from liveseg.errors import WeightsError
from liveseg.weights.integrity import verify

UNREADABLE = Path("/proc/self/mem")


@pytest.fixture
def cached(cache, entry, content):
    cache.mkdir(parents=True)
    path = cache / entry.filename
    path.write_bytes(content)
    return path


def spoil(path, *, keep_time):
    """Turn one byte round; the size stays, and on request the time of change."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    moved = 0 if keep_time else 1_000_000_000
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + moved))


def test_a_file_that_is_not_there_is_missing(cache, entry):
    assert verify(entry) == "missing"
    assert not cache.parent.exists()


def test_the_published_file_is_ok_by_its_full_hash_and_by_the_start_of_it(cached, entry, vague):
    assert verify(entry) == "ok"
    assert verify(vague) == "ok"


def test_one_changed_byte_makes_a_file_corrupt(cached, entry, vague):
    assert verify(entry) == "ok"
    spoil(cached, keep_time=False)
    assert verify(entry) == "corrupt"
    assert verify(vague) == "corrupt"


def test_a_truncated_file_is_corrupt(cached, entry, vague):
    cached.write_bytes(cached.read_bytes()[:-1])
    assert verify(entry) == "corrupt"
    assert verify(vague) == "corrupt"


def test_a_file_of_known_size_and_time_is_not_hashed_again(cached, entry):
    assert verify(entry) == "ok"
    spoil(cached, keep_time=True)
    assert verify(entry) == "ok"
    (cached.parents[1] / "verified.json").unlink()
    assert verify(entry) == "corrupt"


@pytest.mark.parametrize(
    "notes",
    ["", "[]", "null", "{", "[" * 100_000, '{"made-up.pth": 3}', '{"made-up.pth": {"sha256": 5}}', b"\xff"],
)
def test_damaged_notes_are_made_anew(cached, entry, notes):
    file = cached.parents[1] / "verified.json"
    file.write_bytes(notes if isinstance(notes, bytes) else notes.encode())
    assert verify(entry) == "ok"
    assert json.loads(file.read_text(encoding="utf-8"))["made-up.pth"]["sha256"] == entry.sha256_prefix


def test_a_noted_hash_of_no_text_is_not_believed(cached, entry):
    assert verify(entry) == "ok"
    file = cached.parents[1] / "verified.json"
    notes = json.loads(file.read_text(encoding="utf-8"))
    notes["made-up.pth"]["sha256"] = 5
    file.write_text(json.dumps(notes), encoding="utf-8")
    assert verify(entry) == "ok"


def test_notes_that_cannot_be_kept_do_not_stand_in_the_way(cached, entry):
    (cached.parents[1] / "verified.json").mkdir()
    assert verify(entry) == "ok"
    assert sorted(p.name for p in cached.parents[1].iterdir()) == ["verified.json", "weights"]


def test_a_folder_in_the_place_of_the_file_is_no_file(cache, entry):
    (cache / entry.filename).mkdir(parents=True)
    assert verify(entry) == "missing"


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs Linux, where this file answers with an input error")
def test_a_file_that_cannot_be_read_is_named(cache, vague):
    cache.mkdir(parents=True)
    (cache / vague.filename).symlink_to(UNREADABLE)
    with pytest.raises(WeightsError, match=r"cannot read .*made-up\.pth: Input/output error"):
        verify(vague)


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs Linux, where this file answers with an input error")
def test_a_file_of_the_wrong_size_is_corrupt_without_being_read(cache, entry):
    cache.mkdir(parents=True)
    (cache / entry.filename).symlink_to(UNREADABLE)
    assert verify(entry) == "corrupt"
