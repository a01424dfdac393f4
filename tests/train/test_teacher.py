"""A teacher's logits: stored, read, mapped to a student's classes, and made from models and masks."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from liveseg import Segmenter
from liveseg.datasets.open import open_dataset
from liveseg.errors import DataError, MediaError, SinkError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.postprocess import upsampled
from liveseg.train.teacher import HEADER, Quantisation, Record, TeacherLogits, decode, encode
from liveseg.train.teacher_writer import PROBABILITIES, LogitsWriter
from liveseg.train.teaching import SOFTNESS, STRIDE, ask, from_masks, half_pixel, keyed, photos_below


def label_set(*names, background=True):
    return LabelSet(names, voc_palette(len(names)), background)


PAIR = label_set("background", "leaf")


def softmax(logits):
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=0))
    return odds / odds.sum(axis=0)


def is_stored(stored, logits):
    """Whether logits of the same softmax are there, within half a step."""
    return np.abs(stored - np.log(softmax(logits))).max() <= PROBABILITIES.step / 2 + 0.01


def some_logits(seed, labels=PAIR, height=3, width=4):
    return np.random.default_rng(seed).normal(0, 3, (len(labels), height, width)).astype(np.float32)


@settings(deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_bytes_come_back_as_they_were(values):
    assert np.array_equal(decode(encode(values), *values.shape[1:]), values)


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (2, 3, 5), elements=st.floats(-80, 80, width=32)),
    st.sampled_from([Quantisation(), PROBABILITIES, Quantisation(0.05, -3.0)]),
)
def test_logits_come_back_within_half_a_step_of_their_range(logits, stored):
    highest = stored.low + 255 * stored.step
    back = stored.logits(stored.values(logits))
    assert np.abs(back - np.clip(logits, stored.low, highest)).max() <= stored.step / 2 + 1e-4


def test_the_plain_form_is_read_with_its_own_constants(tmp_path):
    """As other programs write it: no header, 21 classes, a logit is `value / 5 - 12.8`."""
    values = np.random.default_rng(0).integers(0, 256, (21, 4, 6), np.uint8)
    deltas = np.diff(values, axis=2, prepend=np.uint8(0))
    data = zlib.compress(deltas.tobytes())
    (tmp_path / "plain.bin").write_bytes(b"12345" + data)
    (tmp_path / "plain.json").write_text(json.dumps({"a/photo": [5, len(data), 4, 6, 1]}))
    logits = TeacherLogits.open(tmp_path / "plain.json")
    assert logits.labels == PASCAL_VOC
    assert logits.records["a/photo"].labelled
    assert logits["a/photo"].dtype == np.float16
    assert np.allclose(logits["a/photo"], values / 5 - 12.8, atol=0.02)


def test_what_is_written_is_read_in_any_process_and_order(tmp_path):
    with LogitsWriter(tmp_path / "new" / "t.json", PAIR, {"teacher": "x"}) as writer:
        for seed in range(3):
            writer.add(f"folder/{seed}", some_logits(seed))
    logits = pickle.loads(pickle.dumps(writer.result))  # noqa: S301 - our own
    assert sorted(logits) == ["folder/0", "folder/1", "folder/2"]
    assert (logits.labels, logits.quantisation, logits.made) == (PAIR, PROBABILITIES, {"teacher": "x"})
    for seed in (2, 0, 1):
        assert is_stored(logits[f"folder/{seed}"], some_logits(seed))
    assert "folder/7" not in logits
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["t.bin", "t.json"]


def test_logits_that_were_read_are_still_picklable(tmp_path):
    with LogitsWriter(tmp_path / "t.json", PAIR) as writer:
        writer.add("a", some_logits(1))
    opened = writer.result
    first = opened["a"]
    assert np.array_equal(pickle.loads(pickle.dumps(opened))["a"], first)  # noqa: S301 - our own


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from liveseg.labels import LabelSet, voc_palette
from liveseg.train.teacher_writer import LogitsWriter
labels = LabelSet(("background", "leaf"), voc_palette(2))
with LogitsWriter(Path(sys.argv[1]), labels, {"teacher": "x"}) as writer:
    for seed in range(5):
        if seed == 3:
            os._exit(9)
        writer.add(str(seed), np.random.default_rng(seed).normal(0, 3, (2, 3, 4)).astype(np.float32))
"""


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    assert subprocess.run([sys.executable, "-c", KILLED, folder / "t.json"], check=False).returncode == 9
    assert not (folder / "t.json").exists()
    return folder


@pytest.fixture
def killed(killed_once, tmp_path):
    """What a run leaves that was killed after three photos: the path of the JSON file that it meant to write."""
    shutil.copytree(killed_once, tmp_path / "again")
    return tmp_path / "again" / "t.json"


def finish(target, labels=PAIR, made=None):
    """Write all five photos; gives what was there already, and the result."""
    with LogitsWriter(target, labels, made or {"teacher": "x"}) as writer:
        kept = sorted(writer.records)
        for seed in range(5):
            if str(seed) not in writer.records:
                writer.add(str(seed), some_logits(seed, labels))
    return kept, writer.result


def test_a_killed_run_is_gone_on_with(killed):
    kept, logits = finish(killed)
    assert kept == ["0", "1", "2"]
    assert all(is_stored(logits[str(seed)], some_logits(seed)) for seed in range(5))
    assert sorted(path.name for path in killed.parent.iterdir()) == ["t.bin", "t.json"]


def test_a_line_and_bytes_that_were_cut_off_are_made_again(killed):
    lines, data = killed.with_name("t.partial.jsonl"), killed.with_name("t.partial.bin")
    lines.write_bytes(lines.read_bytes() + b'{"3": [1')
    data.write_bytes(data.read_bytes()[:-2])
    kept, logits = finish(killed)
    assert kept == ["0", "1"]
    assert all(is_stored(logits[str(seed)], some_logits(seed)) for seed in range(5))


@pytest.mark.parametrize(("labels", "made"), [(PAIR, {"teacher": "y"}), (label_set("background", "root"), None)])
def test_what_was_made_in_another_way_is_not_gone_on_with(killed, labels, made):
    kept, logits = finish(killed, labels, made)
    assert kept == []
    assert len(logits) == 5


def test_a_finished_pair_takes_more_photos_of_the_same_making(tmp_path):
    target = tmp_path / "t.json"
    finish(target)
    with LogitsWriter(target, PAIR, {"teacher": "x"}) as writer:
        assert len(writer.records) == 5
        writer.add("more", some_logits(9))
    assert is_stored(writer.result["more"], some_logits(9))
    assert is_stored(writer.result["4"], some_logits(4))
    assert len(writer.result) == 6


def test_a_pair_of_another_making_is_replaced(tmp_path):
    target = tmp_path / "t.json"
    finish(target)
    with LogitsWriter(target, PAIR, {"teacher": "y"}) as writer:
        assert not writer.records
        assert len(TeacherLogits.open(target)) == 5  # until the new one is whole
        writer.add("only", some_logits(9))
    assert list(writer.result) == ["only"]
    assert is_stored(writer.result["only"], some_logits(9))


def test_two_runs_do_not_write_one_file(tmp_path):
    first, second = (LogitsWriter(tmp_path / "t.json", PAIR) for _ in range(2))
    with first, pytest.raises(SinkError, match="another run is writing it"), second:
        pass


def test_logits_that_are_not_there_or_damaged_are_named(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"no such file: .*t\.json"):
        TeacherLogits.open(tmp_path / "t.json")
    with LogitsWriter(tmp_path / "t.json", PAIR) as writer:
        writer.add("a", some_logits(1))
    data = tmp_path / "t.bin"
    whole = data.read_bytes()
    data.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DataError, match=r"t\.bin is damaged at 'a'"):
        TeacherLogits.open(tmp_path / "t.json")["a"]
    data.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"t\.bin is shorter than t\.json says"):
        TeacherLogits.open(tmp_path / "t.json")
    for text in ("[]", '{"a": 3}', '{"a": [1, 2]}', "{", '{"/": {"step": "x"}}', '{"/": {"labels": 3}}'):
        (tmp_path / "t.json").write_text(text)
        with pytest.raises(DataError, match="no index of a teacher's logits"):
            TeacherLogits.open(tmp_path / "t.json")


def test_logits_of_another_number_of_classes_are_refused(tmp_path):
    data = encode(np.zeros((3, 2, 2), np.uint8))
    (tmp_path / "t.bin").write_bytes(data)
    (tmp_path / "t.json").write_text(
        json.dumps({HEADER: {"labels": PAIR.to_json()}, "a": Record(0, len(data), 2, 2).to_json()})
    )
    with pytest.raises(DataError, match="logits of 3 classes for 'a', not of 2"):
        TeacherLogits.open(tmp_path / "t.json")["a"]


def test_a_photo_is_found_by_the_end_of_its_path(tmp_path):
    with LogitsWriter(tmp_path / "t.json", PAIR) as writer:
        for key in ("b", "a/b", "c"):
            writer.add(key, some_logits(1))
    logits = writer.result
    assert logits.key_of(tmp_path / "a" / "b.jpg") == "a/b"
    assert logits.key_of(tmp_path / "d" / "b.jpg") == "b"
    assert logits.key_of(tmp_path / "d.jpg") is None


TEACHER = label_set("background", "Dog", "sofa", "7", "person")


@pytest.fixture
def taught(tmp_path):
    with LogitsWriter(tmp_path / "t.json", TEACHER) as writer:
        writer.add("a", some_logits(3, TEACHER))
    return writer.result


@pytest.mark.parametrize(
    ("student", "sources"),
    [
        # Other classes of the teacher are the student's background; names may be aliases or differ in case.
        (label_set("background", "people", "dog"), [(0, 2, 3), (4,), (1,)]),
        (label_set("nothing", "couch"), [(0, 1, 3, 4), (2,)]),
        # Without a background they are left out.
        (label_set("person", "7", background=False), [(4,), (3,)]),
    ],
)
def test_a_student_learns_the_classes_that_it_shares_with_its_teacher(taught, student, sources):
    before, after = softmax(taught["a"]), softmax(taught.for_labels(student)["a"])
    expected = np.stack([before[list(own)].sum(axis=0) for own in sources])
    assert np.allclose(after, expected / expected.sum(axis=0), atol=0.01)


def test_a_student_with_the_same_names_gets_the_logits_as_they_are(taught):
    assert np.array_equal(taught.for_labels(label_set(*TEACHER.names))["a"], taught["a"])


def test_a_class_that_the_teacher_does_not_know_is_refused(taught):
    with pytest.raises(UsageError, match="the teacher does not know '1' and 'leaf'; it knows background, Dog, sofa"):
        # A name that is a number is no index.
        taught.for_labels(label_set("background", "1", "leaf", "person"))


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(20, 90), st.integers(20, 90))
def test_aligned_corners_become_half_pixel_centres(rows, columns, height, width):
    """What is linear over the photo stays what it is, wherever it is sampled."""
    down, across = np.meshgrid(np.linspace(0, height - 1, rows), np.linspace(0, width - 1, columns), indexing="ij")
    moved = half_pixel(np.stack([down, across]).astype(np.float32), height, width, align_corners=True)
    down, across = (
        np.clip((np.arange(count) + 0.5) * pixels / count - 0.5, 0, pixels - 1)
        for count, pixels in ((rows, height), (columns, width))
    )
    assert np.allclose(moved[0], down[:, None], atol=1e-3)
    assert np.allclose(moved[1], across[None, :], atol=1e-3)


def test_half_pixel_centres_stay_as_they_are():
    logits = some_logits(1)
    assert half_pixel(logits, 20, 30, align_corners=False) is logits


def write_photos(folder, count=2, side=(24, 32)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (*side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def test_photos_are_found_in_subfolders_by_their_keys(tmp_path):
    write_photos(tmp_path / "x" / "y")
    write_photos(tmp_path, 1)
    (tmp_path / "x" / "notes.txt").write_text("no photo")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert list(photos_below(tmp_path)) == ["0", "x/y/0", "x/y/1"]
    Image.new("RGB", (4, 4)).save(tmp_path / "0.jpg")
    with pytest.raises(DataError, match="have one name"):
        photos_below(tmp_path)
    with pytest.raises(SourceNotFoundError, match="no such folder of photos"):
        photos_below(tmp_path / "none")


def test_photos_are_told_apart_from_labelled_ones_of_the_same_name(tmp_path):
    write_photos(tmp_path / "farm" / "images", 1)
    folder = tmp_path / "farm" / "images"
    below = photos_below(folder)
    assert keyed(below, folder) == {"images/0": folder / "0.png"}
    assert keyed(below, folder, ["0", "1"]) == {"images/0": folder / "0.png"}
    assert keyed(below, folder, ["images/0"]) == {"farm/images/0": folder / "0.png"}
    with LogitsWriter(tmp_path / "t.json", PAIR) as writer:
        for key in ("images/0", "farm/images/0"):
            writer.add(key, some_logits(1))
    assert writer.result.key_of(folder / "0.png") == "farm/images/0"


@pytest.fixture(scope="module")
def lite():
    return Segmenter(size=161, tta="flip", threads=1)


def test_a_model_teaches_what_it_says_itself(lite, samples, tmp_path):
    photo = samples / "image_1.jpg"
    logits, unread = ask(lite, {"cat": photo}, tmp_path / "t.json")
    assert unread == []
    assert logits.made == {"teacher": "lite", "precision": "float32", "size": 161}
    own = lite(photo)
    height, width = own.mask.shape
    taught = upsampled(logits["cat"].astype(np.float32), height, width, align_corners=False).argmax(axis=0)
    assert (own.mask == PASCAL_VOC.index("cat")).any()
    assert (taught == own.mask).mean() > 0.985  # the border moves by part of a cell, as the grid is another
    assert np.abs(softmax(logits["cat"]).max(axis=0).mean() - own.confidence.mean()) < 0.02


def test_a_photo_that_cannot_be_read_is_told_and_left_out(lite, samples, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    told = []
    photos = {"broken": broken, "cat": samples / "image_1.jpg"}
    logits, unread = ask(lite, photos, tmp_path / "t.json", told=lambda *counts: told.append(counts))
    assert list(logits) == ["cat"]
    assert len(unread) == 1
    assert "broken.jpg" in unread[0]
    assert told[-1] == (2, 2)
    with pytest.raises(MediaError, match=r"none of the 1 photos can be read; the first: .*broken\.jpg"):
        ask(lite, {"broken": broken}, tmp_path / "u.json")


def test_photos_that_were_asked_about_are_not_asked_about_again(lite, samples, tmp_path, monkeypatch):
    photos = {"cat": samples / "image_1.jpg"}
    ask(lite, photos, tmp_path / "t.json")
    with monkeypatch.context() as patch:
        patch.setattr(type(lite), "infer", lambda *_: pytest.fail("asked again"))
        assert list(ask(lite, photos, tmp_path / "t.json")[0]) == ["cat"]
        # Weights of the same name, but others:
        with pytest.raises(pytest.fail.Exception, match="asked again"):
            ask(lite, photos, tmp_path / "t.json", made={"sha256": "other"})


@pytest.fixture
def masked(tmp_path):
    """A photo whose mask is half background and half leaf, with a strip at its foot that is neither."""
    write_photos(tmp_path / "photos", 1)
    mask = np.zeros((24, 32), np.uint8)
    mask[:, 20:] = 1
    mask[16:, :] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "0.png")
    return lambda: open_dataset(tmp_path, images="photos", masks="masks", labels=PAIR)


def test_masks_teach_their_classes_as_softly_as_is_said(masked, tmp_path):
    logits = from_masks(masked(), tmp_path / "t.json")
    chances = softmax(logits["0"])
    assert chances.shape == (2, 24 // STRIDE, 32 // STRIDE)
    leaf = np.array([0, 0, 0.5, 1]) * (1 - SOFTNESS) + SOFTNESS / 2
    assert np.allclose(chances[1, :2], leaf, atol=0.03)
    assert np.allclose(chances[:, 2], 0.5, atol=0.01)  # nothing is known there
    assert logits.made["softness"] == SOFTNESS
    with pytest.raises(UsageError, match="from 0 to below 1, not 1"):
        from_masks(masked(), tmp_path / "t.json", softness=1)


def test_a_mended_mask_is_read_again(masked, tmp_path):
    from_masks(masked(), tmp_path / "t.json")
    Image.fromarray(np.ones((24, 32), np.uint8)).save(tmp_path / "masks" / "0.png")
    assert (from_masks(masked(), tmp_path / "t.json")["0"].argmax(axis=0) == 1).all()


def test_a_mask_that_makes_no_sense_leaves_no_logits(masked, tmp_path):
    Image.fromarray(np.full((24, 32), 7, np.uint8)).save(tmp_path / "masks" / "0.png")
    with pytest.raises(DataError, match=r"0\.png has the value 7"):
        from_masks(masked(), tmp_path / "t.json")
    assert not (tmp_path / "t.json").exists()
