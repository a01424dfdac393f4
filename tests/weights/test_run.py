"""The folder of a run as weights: which of its files is taken, and what an unfinished one is told."""

import pytest

from liveseg.errors import WeightsUnavailableError
from liveseg.weights.run import weights_file


def test_a_file_is_itself_whether_it_is_there_or_not(tmp_path):
    assert weights_file(tmp_path / "none.onnx") == tmp_path / "none.onnx"


def test_a_run_gives_the_file_that_suits_its_reader(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert weights_file(tmp_path) == tmp_path / "model.safetensors"
    (tmp_path / "model.onnx").write_bytes(b"")
    assert weights_file(tmp_path) == tmp_path / "model.onnx"
    assert weights_file(tmp_path, checkpoint=True) == tmp_path / "model.safetensors"
    (tmp_path / "model.safetensors").unlink()
    assert weights_file(tmp_path, checkpoint=True) == tmp_path / "model.onnx"


def test_a_folder_without_a_model_is_told_apart_from_an_unfinished_run(tmp_path):
    with pytest.raises(WeightsUnavailableError, match="is a folder without"):
        weights_file(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsUnavailableError, match=r"is not finished.*--resume"):
        weights_file(tmp_path)
