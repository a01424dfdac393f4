"""Which networks are considered."""

from __future__ import annotations

import os

import pytest

from liveseg.errors import SourceNotFoundError
from liveseg.settings import ModelSettings
from liveseg.tuning import engines as module
from liveseg.tuning.cost import Line
from liveseg.tuning.engines import Engine, Networks, engines


def names(found):
    return [(engine.model, engine.runtime, engine.precision) for engine in found]


def test_with_an_empty_cache_it_is_the_bundled_model(home):
    assert names(engines(ModelSettings())) == [("lite", "auto", "auto"), ("lite", "auto", "int8")]


def test_models_whose_weights_lie_in_the_cache_join(home, monkeypatch):
    monkeypatch.setattr(module, "verify", lambda entry: "ok" if entry.name == "lraspp" else "missing")
    assert [engine.model for engine in engines(ModelSettings())] == ["lite", "lite", "lraspp"]
    monkeypatch.setattr(module, "verify", lambda entry: "corrupt")
    assert {engine.model for engine in engines(ModelSettings())} == {"lite"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"model": "lraspp"}, [("lraspp", "auto", "auto")]),
        ({"model": "lite"}, [("lite", "auto", "auto"), ("lite", "auto", "int8")]),
        ({"runtime": "onnx"}, [("lite", "onnx", "auto"), ("lite", "onnx", "int8")]),
        ({"precision": "float32"}, [("lite", "auto", "float32")]),
        ({"precision": "int8"}, [("lite", "auto", "int8")]),
        ({"device": "cuda"}, [("lite", "auto", "auto")]),
    ],
)
def test_what_the_user_names_is_taken_as_it_is(home, asked, found):
    assert names(engines(ModelSettings(**asked))) == found


def test_weights_of_ones_own_are_the_only_ones(home, tmp_path):
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"x")
    (found,) = engines(ModelSettings(weights=file))
    assert (found.model, found.weights) == (None, file)


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"no such weights file: .*mine\.onnx"):
        engines(ModelSettings(weights=tmp_path / "mine.onnx"))


def test_a_file_that_was_replaced_has_another_key(tmp_path):
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"one")
    before = Engine(None, file).key
    assert Engine(None, file).key == before
    os.utime(file, ns=(1, 1))
    touched = Engine(None, file).key
    file.write_bytes(b"longer")
    assert len({before, touched, Engine(None, file).key}) == 3


def test_keys_tell_models_runtimes_and_precisions_apart():
    ways = [Engine("lite"), Engine("lraspp"), Engine("lite", runtime="onnx"), Engine("lite", precision="int8")]
    assert len({engine.key for engine in ways}) == 4


def test_a_network_is_loaded_once_with_what_the_user_and_the_line_say(fake_runtime):
    asked = []

    def loader(request):
        asked.append(request)
        return fake_runtime()

    networks = Networks(ModelSettings(device="cpu", threads=6), Line(8, 3), loader=loader)
    engine = Engine("lite", runtime="onnx", precision="int8")
    assert networks.get(engine) is networks.get(engine)
    networks.get(Engine("lite"))
    assert len(asked) == 2
    request = asked[0]
    assert (request.model, request.runtime, request.precision, request.device) == ("lite", "onnx", "int8", "cpu")
    # As a run without a target asks for the frames of a file: `auto` is to take the same runtime in both.
    assert (request.threads, request.parallel, request.live) == (6, 3, True)
    assert networks.threads_each == 2
    networks.forget()
    networks.get(engine)
    assert len(asked) == 3
