"""The hash of a batch's settings: of all that decides the outputs' bytes, and of nothing else."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.batch.identity import DECIDING, NOT_DECIDING, settings_hash
from liveseg.errors import LivesegError
from liveseg.settings import BatchSettings
from liveseg.settings.background import Blur, Color, Scene
from liveseg.settings.batch import FailureLimit
from liveseg.settings.save import KINDS, Save
from liveseg.settings.shard import Shard

OTHER = {
    "model": "lraspp", "runtime": "onnx", "device": "cpu", "precision": "float32", "size": 97, "tile": "off",
    "tta": "flip", "smooth": False, "alpha": 0.25, "palette": "safe", "classes": ("cat",), "hide": ("dog",),
    "unknown": 0.5, "contours": True, "labels": True, "legend": True, "side_by_side": True, "background": Blur(),
    "foreground": ("cat",), "save": ((Save("areas"),),), "mask": True, "codec": "libx265", "crf": 30,
    "preset": "slow", "audio": False, "threads_each": 2, "pieces_seconds": 0.0, "warm_up_frames": 5,
}  # fmt: skip
"""For each option that decides another value than its default, but for `weights`, which has a test of its own."""


def test_every_option_is_declared_as_deciding_or_as_not():
    options = {field.name for field in dataclasses.fields(BatchSettings)}
    assert set(DECIDING) | NOT_DECIDING == options, "say in identity.py whether it decides the outputs' bytes"
    assert not set(DECIDING) & NOT_DECIDING


@pytest.mark.parametrize("name", sorted(set(DECIDING) - {"weights"}))
def test_each_option_that_decides_changes_the_hash(name):
    # --foreground alone is refused.
    base = {"background": Blur()} if name == "foreground" else {}
    changed = settings_hash(BatchSettings(**(base | {name: OTHER[name]})))
    assert changed != settings_hash(BatchSettings(**base))
    assert len(changed) == 64


VALUES = {
    "out": st.text(min_size=1), "redo": st.sampled_from(["changed", "failed", "all", "none"]),
    "on_changed": st.sampled_from(["refuse", "redo"]), "identify": st.sampled_from(["path", "content"]),
    "storage": st.lists(st.tuples(st.sampled_from(["key", "a.b"]), st.text()), max_size=2).map(tuple),
    "max_pixels": st.integers(1, 10**9), "trust": st.booleans(), "workers": st.none(), "bundle": st.integers(1, 99),
    "ray": st.none() | st.text(), "min_workers": st.integers(1, 5), "max_workers": st.none() | st.integers(5, 9),
    "cpus_each": st.floats(0.5, 8), "gpus_each": st.floats(0, 8), "attempts": st.integers(1, 9),
    "max_failures": st.builds(FailureLimit, st.integers(0, 9)), "timeout_each": st.floats(1, 1e6),
    "json": st.booleans(), "verbose": st.booleans(), "quiet": st.just(False),
    "shard": st.none() | st.builds(Shard, st.integers(0, 4), st.integers(5, 9)),
}  # fmt: skip


def test_every_option_that_does_not_decide_is_varied_here():
    assert set(VALUES) == NOT_DECIDING


@given(st.fixed_dictionaries({}, optional=VALUES))
@settings(max_examples=60)
def test_no_option_that_does_not_decide_changes_the_hash(given_options):
    assert settings_hash(BatchSettings(**given_options)) == settings_hash(BatchSettings())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "alpha": st.floats(0, 1), "size": st.none() | st.just("native") | st.integers(1, 2000),
            "crf": st.none() | st.integers(0, 63), "classes": st.none() | st.lists(st.text(), max_size=3).map(tuple),
            "unknown": st.none() | st.floats(0.01, 0.99), "threads_each": st.integers(1, 99),
            "background": st.none() | st.builds(Blur, st.floats(0.1, 50)) | st.just(Color((0, 0, 0))),
            "pieces_seconds": st.floats(0, 100), "smooth": st.sampled_from([None, True, False]),
        },
    ),
    st.fixed_dictionaries({}, optional={"alpha": st.floats(0, 1), "crf": st.none() | st.integers(0, 63)}),
)  # fmt: skip
@settings(max_examples=100)
def test_hashes_are_equal_exactly_where_what_decides_is(first, second):
    one, other = BatchSettings(**first), BatchSettings(**(first | second))
    same = all(getattr(one, name) == getattr(other, name) for name in DECIDING)
    assert (settings_hash(one) == settings_hash(other)) == same


def test_what_is_said_in_other_words_is_the_same():
    def hash_of(**options):
        return settings_hash(BatchSettings(**options))

    assert hash_of(model="lite") == hash_of()
    assert hash_of(save=((Save("overlay"),),)) == hash_of()
    assert hash_of(save=((Save("overlay"), Save("mask")),)) == hash_of(mask=True)
    assert hash_of(save=((Save("mask"),), (Save("areas"),))) == hash_of(save=((Save("areas"), Save("mask")),))
    assert hash_of(device="cuda:1") == hash_of(device="cuda")
    assert len({hash_of(save=((Save(kind),),)) for kind in KINDS}) == len(KINDS)


def test_files_count_by_their_content_and_not_by_their_name_or_time(tmp_path):
    first, second = tmp_path / "a.jpg", tmp_path / "b.jpg"
    first.write_bytes(b"one")
    second.write_bytes(b"one")

    def hash_of(path):
        return settings_hash(BatchSettings(background=Scene(path)))

    before = hash_of(first)
    assert hash_of(second) == before
    os.utime(first, (time.time() + 9, time.time() + 9))
    assert hash_of(first) == before
    first.write_bytes(b"two")
    assert hash_of(first) != before

    palette = tmp_path / "colours.json"
    palette.write_text("{}", encoding="utf-8")
    with_palette = settings_hash(BatchSettings(palette=str(palette)))
    palette.write_text('{"a": 1}', encoding="utf-8")
    assert settings_hash(BatchSettings(palette=str(palette))) != with_palette


def test_weights_count_by_their_content_with_what_stands_beside_them(tmp_path):
    own = tmp_path / "own.onnx"
    own.write_bytes(b"weights")

    def hash_of(path):
        return settings_hash(BatchSettings(weights=path))

    hashes = [settings_hash(BatchSettings()), hash_of(own)]
    own.with_suffix(".json").write_text('{"classes": ["a", "b"]}', encoding="utf-8")
    hashes.append(hash_of(own))
    own.write_bytes(b"others")
    hashes.append(hash_of(own))
    assert len(set(hashes)) == 4
    # In another folder they are the same.
    (tmp_path / "elsewhere").mkdir()
    for path in (own, own.with_suffix(".json")):
        (tmp_path / "elsewhere" / path.name).write_bytes(path.read_bytes())
    assert hash_of(tmp_path / "elsewhere" / "own.onnx") == hashes[-1]


@pytest.mark.parametrize(
    "options", [{"model": "lrasp"}, {"weights": Path("missing.onnx")}, {"background": Scene(Path("missing.jpg"))}]
)
def test_what_is_not_there_is_told_before_any_work(options):
    with pytest.raises(LivesegError):
        settings_hash(BatchSettings(**options))
