"""From a name or a file to a runtime: what is found, exported, cached and refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from liveseg import Segmenter
from liveseg.contract import ModelContract
from liveseg.errors import UsageError, WeightsError, WeightsUnavailableError
from liveseg.labels import LabelSet, voc_palette
from liveseg.models.registry import find_model
from liveseg.runtimes.base import available_cores, import_openvino
from liveseg.runtimes.load import Request, load
from liveseg.runtimes.torch import Contracted
from liveseg.weights.locate import bundled

PICTURE = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), dtype=np.uint8)


@pytest.mark.long
def test_own_weights_with_names_beside_them(checkpoint, network_of, home):
    checkpoint.with_suffix(".json").write_text(
        json.dumps({"classes": ["background", "vine", "grape"], "palette": [[0, 0, 0], [9, 8, 7], [1, 2, 3]]}),
        encoding="utf-8",
    )
    segmenter = Segmenter(weights=checkpoint)
    assert segmenter.model == "vines"
    assert segmenter.runtime == "onnx"
    assert segmenter.labels.names == ("background", "vine", "grape")
    assert segmenter.labels.palette[1] == (9, 8, 7)
    reference = Segmenter(weights=checkpoint, runtime="torch")
    got, wanted = segmenter._runtime(PICTURE), reference._runtime(PICTURE)
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_own_weights_without_names_get_numbered_classes(checkpoint, exported):
    assert Segmenter(weights=checkpoint).labels.names == ("background", "class_1", "class_2")


def test_names_that_do_not_fit_the_weights_are_refused(checkpoint, home):
    checkpoint.with_suffix(".json").write_text('{"classes": ["background", "vine"]}', encoding="utf-8")
    with pytest.raises(WeightsError, match="3 classes, but the labels beside it name 2"):
        load(Request(weights=checkpoint))


def test_a_second_load_takes_the_export_from_the_cache_and_needs_no_pytorch(checkpoint, exported):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from liveseg import Segmenter\n"
        f"print(Segmenter(weights={str(checkpoint)!r}).labels.names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "class_2" in done.stdout
    assert list(exported.parent.glob("*.onnx")) == [exported]


@pytest.mark.long
def test_other_weights_in_the_same_file_are_exported_anew(checkpoint, exported, network_of):
    before = load(Request(weights=checkpoint))(PICTURE)
    network = network_of("lraspp", 3)
    with torch.no_grad():
        network.classifier.low_classifier.bias += 1.0
    time.sleep(0.02)
    torch.save(network.state_dict(), checkpoint)
    after = load(Request(weights=checkpoint))(PICTURE)
    np.testing.assert_allclose(after - before, 1.0, atol=1e-3)
    assert len(list(exported.parent.glob("*.onnx"))) == 2


def test_an_exported_file_runs_as_weights(exported):
    segmenter = Segmenter(weights=exported)
    assert segmenter.labels.names[1] == "class_1"
    with pytest.raises(UsageError, match="torch runtime does not read vines-"):
        Segmenter(weights=exported, runtime="torch")


@pytest.mark.parametrize("runtime", ["onnx", "openvino", "torch"])
def test_a_checkpoint_runs_on_every_runtime(checkpoint, exported, runtime):
    loaded = load(Request(weights=checkpoint, runtime=runtime, precision="float32"))
    wanted = load(Request(weights=checkpoint))(PICTURE)
    assert (loaded.name, loaded.precision) == (runtime, "float32")
    assert np.abs(loaded(PICTURE) - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_openvinos_own_files_run_with_the_names_beside_them(tmp_path):
    ov = import_openvino()
    ov.save_model(ov.Core().read_model(bundled("lite", "onnx")), tmp_path / "own.xml", compress_to_fp16=False)
    classes = [f"thing {number}" for number in range(21)]
    (tmp_path / "own.json").write_text(json.dumps({"classes": classes}), encoding="utf-8")
    loaded = load(Request(weights=tmp_path / "own.xml", precision="float32"))
    assert loaded.name == "openvino"
    assert loaded.contract.labels.names == tuple(classes)
    assert loaded.contract.align_corners


@pytest.mark.long
def test_an_exported_program_runs_by_pytorch(lite, save_program, tmp_path):
    path = save_program(Contracted(lite), find_model("lite").contract, tmp_path / "own.pt2")
    loaded = load(Request(weights=path))
    assert (loaded.name, loaded.contract.name) == ("torch", "lite")
    picture = np.zeros((1, 65, 97, 3), np.uint8)
    wanted = load(Request())(picture)
    assert np.abs(loaded(picture) - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_int8_of_the_bundled_model_is_bundled_too(runtime, photos):
    quantized = load(Request(runtime=runtime, precision="int8"))
    full = load(Request(runtime=runtime, precision="float32"))
    assert (quantized.precision, full.precision) == ("int8", "float32")
    same = [np.mean(quantized(photo).argmax(axis=1) == full(photo).argmax(axis=1)) for photo in photos(289, 385)]
    assert np.mean(same) >= 0.97


def test_int8_of_another_model_names_the_command_that_makes_it(exported):
    with pytest.raises(UsageError, match=r"lraspp comes in floats only.*liveseg quantize lraspp"):
        load(Request(model="lraspp", precision="int8"))
    with pytest.raises(UsageError, match=r"holds floats, not 8-bit integers; `liveseg quantize`"):
        load(Request(weights=exported, precision="int8"))


def test_calls_in_parallel_share_the_threads():
    assert Request(threads=8, parallel=3).threads_each == 2
    assert Request(threads=2, parallel=4).threads_each == 1
    assert Request().threads_each == available_cores()
    assert [request.steady for request in (Request(), Request(parallel=2), Request(live=True))] == [False, True, True]


def test_without_openvino_videos_go_on_and_a_wish_for_it_names_the_extra():
    code = (
        "import sys; sys.modules['openvino'] = None\n"
        "from liveseg import Segmenter\n"
        "from liveseg.errors import MissingExtraError\n"
        "print(Segmenter(live=True).chosen)\n"
        "try:\n"
        "    Segmenter(runtime='openvino')\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    chosen, error = done.stdout.splitlines()
    assert chosen.startswith("onnx: ")
    assert error == "the openvino runtime needs OpenVINO: pip install 'liveseg[openvino]'"


def test_weights_of_another_network_are_named(checkpoint, home):
    with pytest.raises(WeightsError, match="holds weights of lraspp, not of deeplabv3"):
        load(Request(model="deeplabv3", weights=checkpoint))


def test_published_weights_that_cannot_be_had_say_what_helps(home):
    with pytest.raises(WeightsUnavailableError) as caught:
        load(Request(model="lraspp"))
    message = str(caught.value)
    for remedy in ("liveseg pull lraspp", "--weights FILE", "--model lite"):
        assert remedy in message
    assert "\n" not in message


def test_without_pytorch_a_checkpoint_names_the_extra(checkpoint, home):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from liveseg.errors import LivesegError\n"
        "from liveseg import Segmenter\n"
        "try:\n"
        f"    Segmenter(weights={str(checkpoint)!r})\n"
        "except LivesegError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert "pip install 'liveseg[torch]'" in done.stdout


def test_names_beside_an_onnx_file_leave_the_rest_of_its_contract(tmp_path):
    own = shutil.copy(bundled("lite", "onnx"), tmp_path / "own.onnx")
    classes = [f"thing {number}" for number in range(21)]
    (tmp_path / "own.json").write_text(json.dumps({"classes": classes}), encoding="utf-8")
    plain, named = Segmenter(), Segmenter(weights=own)
    assert named.labels.names == tuple(classes)
    assert named.contract.align_corners
    assert (named.size, named.contract.multiple) == (plain.size, plain.contract.multiple)


@pytest.mark.long
def test_another_contract_beside_a_checkpoint_is_exported_anew(checkpoint, exported):
    contract = ModelContract("vines", LabelSet(("background", "vine", "grape"), voc_palette(3)), default_size=64)
    checkpoint.with_suffix(".json").write_text(contract.to_json(), encoding="utf-8")
    assert Segmenter(weights=checkpoint).size == 64
    checkpoint.with_suffix(".json").write_text(replace(contract, default_size=96).to_json(), encoding="utf-8")
    assert Segmenter(weights=checkpoint).size == 96
