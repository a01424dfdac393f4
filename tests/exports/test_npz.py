"""NumPy archives: whole, and read without pickle."""

import io
from fractions import Fraction

import numpy as np
import pytest

from liveseg.errors import OutputExistsError, UsageError
from liveseg.exports.npz import encode_npz, write_npz
from liveseg.labels import PASCAL_VOC, LabelSet

MASK = np.random.default_rng(0).integers(0, 21, (30, 40)).astype(np.uint8)


def test_everything_that_is_known_comes_back_without_pickle(tmp_path):
    confidence = np.random.default_rng(1).integers(0, 256, MASK.shape).astype(np.uint8)
    logits = np.random.default_rng(2).normal(size=(21, 4, 5)).astype(np.float32)
    options = {"confidence": confidence, "logits": logits, "align_corners": True, "timestamp": Fraction(1001, 30000)}
    path = write_npz(tmp_path / "new" / "found.npz", MASK, PASCAL_VOC, **options)
    assert [file.name for file in path.parent.iterdir()] == ["found.npz"]
    with np.load(path, allow_pickle=False) as found:
        assert np.array_equal(found["mask"], MASK)
        assert found["mask"].dtype == np.uint8
        assert np.array_equal(found["confidence"], confidence)
        assert np.array_equal(found["logits"], logits)
        assert found["align_corners"]
        assert Fraction(*found["timestamp"].tolist()) == Fraction(1001, 30000)
        labels = LabelSet(
            tuple(found["classes"].tolist()),
            tuple(tuple(color) for color in found["palette"].tolist()),
            bool(found["background"]),
        )
    assert labels == PASCAL_VOC


def test_what_is_not_known_is_not_there(tmp_path):
    with np.load(write_npz(tmp_path / "a.npz", MASK, PASCAL_VOC), allow_pickle=False) as found:
        assert set(found) == {"mask", "classes", "palette", "background"}


def test_another_extension_and_an_existing_file_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"written as \.npz, not as 'a\.npy'"):
        write_npz(tmp_path / "a.npy", MASK, PASCAL_VOC)
    write_npz(tmp_path / "a.npz", MASK, PASCAL_VOC)
    with pytest.raises(OutputExistsError):
        write_npz(tmp_path / "a.npz", MASK, PASCAL_VOC)
    write_npz(tmp_path / "a.npz", MASK[:1], PASCAL_VOC, overwrite=True)
    assert np.load(tmp_path / "a.npz", allow_pickle=False)["mask"].shape == (1, 40)


def test_the_bytes_are_those_of_a_file():
    confidence = np.full(MASK.shape, 200, np.uint8)
    with np.load(io.BytesIO(encode_npz(MASK, PASCAL_VOC, confidence=confidence)), allow_pickle=False) as found:
        assert np.array_equal(found["mask"], MASK)
        assert np.array_equal(found["confidence"], confidence)
        assert found["classes"].tolist() == list(PASCAL_VOC.names)
        assert "logits" not in found
