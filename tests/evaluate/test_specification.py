"""The words by which `liveseg compare` is told what to compare."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.evaluate.specification import Specification, parse_specification


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("lite", {"model": "lite"}),
        ("lite@385", {"model": "lite", "size": 385}),
        ("lite@native", {"model": "lite", "size": "native"}),
        ("lite:int8", {"model": "lite", "precision": "int8"}),
        ("lite/openvino", {"model": "lite", "runtime": "openvino"}),
        ("lite+flip", {"model": "lite", "tta": "flip"}),
        ("deeplabv3/torch", {"model": "deeplabv3", "runtime": "torch"}),
    ],
)
def test_a_model_and_how_it_runs(text, meant):
    assert parse_specification(text) == Specification(text, **meant)


def test_what_follows_may_come_in_any_order():
    meant = {"model": "lite", "size": 289, "precision": "float32", "runtime": "onnx", "tta": "full"}
    for order in permutations(("@289", ":float32", "/onnx", "+full")):
        text = "lite" + "".join(order)
        assert parse_specification(text) == Specification(text, **meant)


@pytest.mark.parametrize("name", ["model.onnx", "a@2x.xml", "v1:int8.safetensors", "sub/onnx.pth"])
def test_a_file_of_weights_may_have_any_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path(name)
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert parse_specification(name) == Specification(name, weights=file)
    told = parse_specification(f"{name}@289/onnx")
    assert (told.weights, told.size, told.runtime) == (file, 289, "onnx")


@pytest.mark.parametrize("name", ["runs/leaves", "runs/onnx", "leaves"])
def test_a_folder_is_a_training_run_and_its_name_comes_before_a_runtime(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir(parents=True)
    Path(name, "config.json").touch()
    assert parse_specification(name) == Specification(name, weights=Path(name))
    assert parse_specification(f"{name}/torch@97") == Specification(
        f"{name}/torch@97", weights=Path(name), runtime="torch", size=97
    )


def test_a_model_comes_before_a_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lite").mkdir()
    Path("lite/model.onnx").touch()
    assert parse_specification("lite").model == "lite"
    assert parse_specification("./lite").weights == Path("lite")


def test_another_folder_is_one_of_masks_which_are_as_they_are(tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    assert parse_specification(str(folder)).masks == folder
    with pytest.raises(UsageError, match="as they were made"):
        parse_specification(f"{folder}:int8")


def test_a_result_is_taken_as_it_is(tmp_path):
    file = tmp_path / "before.json"
    file.write_text("{}", encoding="utf-8")
    assert parse_specification(str(file)).result == file
    with pytest.raises(UsageError, match="as it was measured"):
        parse_specification(f"{file}@289")


def test_tables_do_not_tell_of_the_folders_of_absolute_paths(tmp_path):
    file = tmp_path / "leaves.onnx"
    file.touch()
    assert parse_specification(f"{file}@289").name == "leaves.onnx@289"
    assert parse_specification("lite@289").name == "lite@289"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("lite:int9", UsageError, "no precision 'int9'.*int8"),
        ("lite/tensorflow", UsageError, "no runtime 'tensorflow'.*openvino"),
        ("lite+mirror", UsageError, "no way to look 'mirror'.*flip"),
        ("lite@big", UsageError, "no size 'big'.*native"),
        ("lite@0", UsageError, "no size '0'"),
        ("lite@289@385", UsageError, "the size twice"),
        ("lite:int8/onnx:auto", UsageError, "the precision twice"),
        ("lit", UsageError, "no such model 'lit'.*lite.*WHAT"),
        ("", UsageError, "WHAT"),
        ("nothing.onnx@289", SourceNotFoundError, "no such file: nothing.onnx"),
        ("nothing.json", SourceNotFoundError, "no such file: nothing.json"),
        ("runs/nothing", SourceNotFoundError, "no such file or folder: runs/nothing.*WHAT"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(text, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=words):
        parse_specification(text)


def test_a_file_that_is_no_model_is_told_from_one(tmp_path):
    file = tmp_path / "notes.txt"
    file.touch()
    with pytest.raises(UsageError, match=r"is no model.*\.onnx"):
        parse_specification(str(file))
