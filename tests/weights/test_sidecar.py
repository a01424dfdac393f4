import json
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from liveseg.contract import ModelContract
from liveseg.errors import WeightsError, WeightsUnavailableError
from liveseg.labels import LabelSet, voc_palette
from liveseg.weights.sidecar import contract_of, read_labels, safetensors_header

LABELS = LabelSet(("background", "weed", "crop"), ((0, 0, 0), (200, 30, 30), (30, 200, 30)))
OTHERS = LabelSet(("sky", "ground", "tree"), ((1, 2, 3), (4, 5, 6), (7, 8, 9)), background=False)
CONTRACT = ModelContract("field", LABELS, multiple=16, offset=1, align_corners=True, default_size=385)


def write_tensors(path, metadata=None):
    save_file({"weight": np.ones((2, 3), np.float32)}, path, metadata=metadata)
    return path


def write_raw(path, header, *, length=None):
    text = header if isinstance(header, bytes) else header.encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text)
    return path


def put(path, data):
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "field.v2.pth"
    path.write_bytes(b"weights")
    return path


def test_labels_beside_the_file_are_taken_in_the_stated_order(checkpoint):
    assert read_labels(checkpoint) is None
    for name, first in (("labels.json", "c"), ("field.v2.json", "b"), ("field.v2.pth.json", "a")):
        put(checkpoint.with_name(name), {"classes": [first, "x"]})
        assert read_labels(checkpoint).names == (first, "x")


def test_labels_come_with_their_palette_or_with_the_one_of_pascal_voc(checkpoint):
    put(checkpoint.with_name("labels.json"), LABELS.to_json())
    assert read_labels(checkpoint) == LABELS
    put(checkpoint.with_name("labels.json"), ["background", "weed"])
    assert read_labels(checkpoint).palette == voc_palette(2)


def test_a_whole_contract_may_lie_beside_the_file(checkpoint):
    assert contract_of(checkpoint) is None
    checkpoint.with_name("field.v2.json").write_text(CONTRACT.to_json(), encoding="utf-8")
    assert contract_of(checkpoint) == CONTRACT
    assert read_labels(checkpoint) == LABELS


def test_a_byte_order_mark_does_not_matter(checkpoint):
    checkpoint.with_name("labels.json").write_text('["background", "Bäume"]', encoding="utf-8-sig")
    assert read_labels(checkpoint).names == ("background", "Bäume")


@pytest.mark.parametrize("suffix", [".safetensors", ".SafeTensors"])
def test_the_contract_in_a_safetensors_header_is_read(tmp_path, suffix):
    path = write_tensors(tmp_path / f"field{suffix}", {"liveseg": CONTRACT.to_json(), "format": "pt"})
    assert contract_of(path) == CONTRACT
    assert read_labels(path) == LABELS


def test_labels_beside_the_file_take_the_place_of_those_in_its_header(tmp_path):
    path = write_tensors(tmp_path / "field.safetensors", {"liveseg": CONTRACT.to_json()})
    put(tmp_path / "labels.json", OTHERS.to_json())
    assert read_labels(path) == OTHERS
    assert contract_of(path) == replace(CONTRACT, labels=OTHERS)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_a_safetensors_file_without_a_contract_has_none(tmp_path, metadata):
    path = write_tensors(tmp_path / "plain.safetensors", metadata)
    assert contract_of(path) is None
    assert read_labels(path) is None


def test_the_header_lists_the_tensors(tmp_path):
    path = write_tensors(tmp_path / "plain.safetensors")
    assert safetensors_header(path)["weight"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def test_only_safetensors_files_are_read_for_a_header(tmp_path):
    path = write_raw(tmp_path / "field.onnx", json.dumps({"__metadata__": {"liveseg": CONTRACT.to_json()}}))
    assert contract_of(path) is None


def test_a_missing_weights_file_is_named(tmp_path):
    for read in (read_labels, contract_of):
        with pytest.raises(WeightsUnavailableError, match=r"no weights file .*none\.pth; check .*--weights"):
            read(tmp_path / "none.pth")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON|nested"),
        ('{"names": ["a"]}', "labels are JSON like"),
        ('{"classes": ["a", "a"]}', "the same name"),
        ('{"classes": ["a", "b"], "palette": [[0, 0, 0]]}', "2 class names but 1 palette"),
        ('{"classes": ["a"], "palette": [[0, 0, 300]]}', "three numbers"),
        ('{"classes": ["a"], "palette": [[0, 0, Infinity]]}', "infinity"),
        ('{"classes": ["a"], "palette": 5}', "palette"),
        ('{"labels": ["a"]}', "metadata cannot be read"),
        ('{"schema": 99, "labels": ["a"]}', "newer liveseg"),
        ('{"schema": ' + "9" * 5000 + ', "labels": []}', "is no JSON|newer"),
    ],
)
def test_bad_labels_end_in_an_error_that_names_their_file(checkpoint, text, says):
    checkpoint.with_name("labels.json").write_text(text, encoding="utf-8")
    for read in (read_labels, contract_of):
        with pytest.raises(WeightsError, match=says) as error:
            read(checkpoint)
        assert "labels.json" in str(error.value)


@pytest.mark.parametrize(
    ("header", "length", "says"),
    [
        ("{}", 3, "cut off in its header"),
        ("{}", 2**64 - 1, "cut off in its header"),
        ("", 0, "no safetensors file"),
        ("{]", None, "is no JSON"),
        (b"\xff\xfe{}", None, "is no JSON"),
        ("[1]", None, "no JSON object"),
        ('{"__metadata__": {"liveseg": {"schema": 1}}}', None, "must be texts"),
        ('{"__metadata__": "liveseg"}', None, "must be texts|metadata"),
        ('{"__metadata__": {"liveseg": "no contract"}}', None, "metadata cannot be read"),
    ],
)
def test_a_bad_header_ends_in_an_error_that_names_the_file(tmp_path, header, length, says):
    path = write_raw(tmp_path / "bad.safetensors", header, length=length)
    for read in (read_labels, contract_of):
        with pytest.raises(WeightsError, match=says) as error:
            read(path)
        assert "bad.safetensors" in str(error.value)


def test_a_header_beyond_the_limit_is_not_read_even_where_the_file_is_that_long(tmp_path):
    path = write_raw(tmp_path / "huge.safetensors", "{}", length=100_000_001)
    with path.open("r+b") as file:
        file.truncate(200_000_000)  # sparse: it takes no room on most disks
    with pytest.raises(WeightsError, match="no safetensors file"):
        safetensors_header(path)


def test_a_folder_is_no_weights_file(tmp_path):
    with pytest.raises(WeightsError, match="no weights file"):
        contract_of(tmp_path)


def test_reading_a_header_imports_neither_pytorch_nor_safetensors(tmp_path):
    path = write_tensors(tmp_path / "field.safetensors", {"liveseg": CONTRACT.to_json()})
    code = (
        "import sys, pathlib; from liveseg.weights.sidecar import contract_of;"
        f"name = contract_of(pathlib.Path({str(path)!r})).name;"
        "print(name, 'torch' in sys.modules, 'safetensors' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert done.stdout.split() == ["field", "False", "False"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
records = st.fixed_dictionaries(
    {},
    optional={
        "schema": json_values | st.just(1),
        "name": json_values,
        "labels": json_values | st.just(LABELS.to_json()),
        "classes": json_values | st.just(["a", "b"]),
        "palette": json_values | st.just([[0, 0, 0], [1, 1, 1]]),
        "multiple": json_values,
        "offset": json_values,
        "default_size": json_values,
        "extra": json_values,
    },
)
headers = st.one_of(
    st.binary(max_size=64),
    st.builds(lambda text: struct.pack("<Q", len(text)) + text, st.binary(max_size=64)),
    st.builds(
        lambda data: struct.pack("<Q", len(data)) + data,
        (
            json_values
            | st.fixed_dictionaries({"__metadata__": json_values})
            | st.fixed_dictionaries({"__metadata__": st.fixed_dictionaries({"liveseg": json_values})})
            | records.map(lambda record: {"__metadata__": {"liveseg": json.dumps(record)}})
        ).map(lambda data: json.dumps(data).encode()),
    ),
)
thorough = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@thorough
@given(data=headers)
def test_no_bytes_make_the_header_s_reader_raise_anything_but_its_own_error(tmp_path, data):
    path = tmp_path / "any.safetensors"
    path.write_bytes(data)
    for read in (read_labels, contract_of):
        try:
            read(path)
        except WeightsError as error:
            assert "any.safetensors" in str(error)  # noqa: PT017 - most inputs must raise, a few must not


@thorough
@given(data=st.binary(max_size=64) | (json_values | records).map(lambda data: json.dumps(data).encode()))
def test_no_file_beside_the_weights_makes_its_reader_raise_anything_but_its_own_error(tmp_path, data):
    path = tmp_path / "any.pth"
    path.touch()
    (tmp_path / "labels.json").write_bytes(data)
    for read in (read_labels, contract_of):
        try:
            read(path)
        except WeightsError as error:
            assert "labels.json" in str(error)  # noqa: PT017 - most inputs must raise, a few must not
