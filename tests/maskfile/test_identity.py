"""Which file it was: by its content."""

from __future__ import annotations

import hashlib

import pytest

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.maskfile import Identity, identity_of

MIB = 1 << 20


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 5 * MIB])
def test_it_is_the_hash_of_the_first_and_the_last_mebibyte(size, tmp_path):
    content = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    (tmp_path / "a.mp4").write_bytes(content)
    expected = content if size < 2 * MIB else content[:MIB] + content[-MIB:]
    own = identity_of(tmp_path / "a.mp4")
    assert own == Identity("a.mp4", size, hashlib.sha256(expected).hexdigest())


def test_another_name_is_the_same_file_and_another_content_is_not(tmp_path):
    content = bytes(range(256)) * (3 * MIB // 256)
    (tmp_path / "a.mp4").write_bytes(content)
    (tmp_path / "b.mp4").write_bytes(content)
    own = identity_of(tmp_path / "a.mp4")
    assert own.same_as(identity_of(tmp_path / "b.mp4"))
    for changed in (b"x" + content[1:], content[:-1] + b"x", content + b"\0"):
        (tmp_path / "c.mp4").write_bytes(changed)
        assert not own.same_as(identity_of(tmp_path / "c.mp4"))
    assert not Identity("camera").same_as(Identity("camera"))


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"none\.mp4"):
        identity_of(tmp_path / "none.mp4")
    with pytest.raises(MediaError):
        identity_of(tmp_path)
