"""What OpenVINO does beyond what every runtime does: precision, sizes, determinism, silence, and its own files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from liveseg.errors import DeviceError, LivesegError, UsageError, WeightsError
from liveseg.labels import LabelSet, voc_palette
from liveseg.models.registry import find_model
from liveseg.postprocess import upsampled_argmax
from liveseg.runtimes import openvino
from liveseg.runtimes.base import available_cores
from liveseg.runtimes.openvino import OpenvinoRuntime
from liveseg.weights.locate import bundled

LITE = bundled("lite", "onnx")
CONTRACT = find_model("lite").contract
RNG = np.random.default_rng(0)
SMALL, WIDE, TALL = (RNG.integers(0, 256, (1, *size, 3), dtype=np.uint8) for size in ((65, 65), (65, 97), (97, 65)))


@pytest.fixture(scope="session")
def has_bfloat16():
    if "BF16" not in openvino.computes("CPU"):
        pytest.skip("this processor does not multiply bfloat16")


@pytest.fixture
def compiled(monkeypatch):
    """The sizes that graphs are compiled for, in order; (-1, -1) is the one for any size."""
    sizes = []
    real = OpenvinoRuntime._compile
    monkeypatch.setattr(OpenvinoRuntime, "_compile", lambda self, size: sizes.append(size) or real(self, size))
    return sizes


def masks(runtime, images):
    return [upsampled_argmax(runtime(image)[0], *image.shape[1:3], align_corners=True) for image in images]


@pytest.mark.parametrize("steady", [False, True])
def test_bfloat16_keeps_the_masks_of_photos(has_bfloat16, photos, steady):
    images = photos(289, 385)
    low = OpenvinoRuntime(LITE, precision="bfloat16", steady=steady)
    full = OpenvinoRuntime(LITE, precision="float32", steady=steady)
    assert (low.precision, full.precision) == ("bfloat16", "float32")
    got, wanted = low(images[0]), full(images[0])
    assert got.dtype == np.float32
    assert not np.array_equal(got, wanted), "bfloat16 was not used"
    agreement = [np.mean(a == b) for a, b in zip(masks(low, images), masks(full, images), strict=True)]
    assert np.mean(agreement) >= 0.995
    assert min(agreement) >= 0.985


def test_by_default_the_processor_decides(has_bfloat16):
    auto, low = OpenvinoRuntime(LITE), OpenvinoRuntime(LITE, precision="bfloat16")
    assert auto.precision == "bfloat16"
    assert np.array_equal(auto(SMALL), low(SMALL))


def test_a_precision_that_the_processor_has_not_is_an_error():
    if "FP16" in openvino.computes("CPU"):
        pytest.skip("this processor computes in float16")
    with pytest.raises(DeviceError, match=r"float16 was asked for, but CPU computes in .*; leave out --precision"):
        OpenvinoRuntime(LITE, precision="float16")


def test_int8_is_what_the_graph_holds():
    with pytest.raises(UsageError, match=r"holds floats.*liveseg quantize"):
        OpenvinoRuntime(LITE, precision="int8")
    quantized = replace(CONTRACT, quantized=True)
    assert OpenvinoRuntime(LITE, contract=quantized, precision="int8").precision == "int8"
    with pytest.raises(UsageError, match="holds 8-bit integers; leave out --precision bfloat16"):
        OpenvinoRuntime(LITE, contract=quantized, precision="bfloat16")


def test_where_sizes_repeat_the_first_few_get_a_graph_of_their_own(compiled, monkeypatch):
    monkeypatch.setattr(openvino, "_OWN_SIZES", 2)
    runtime = OpenvinoRuntime(LITE, precision="float32", steady=True)
    assert compiled == []
    larger = np.zeros((1, 113, 113, 3), np.uint8)
    for images in (SMALL, SMALL, WIDE, TALL, TALL, larger, SMALL):
        runtime(images)
    assert compiled == [(65, 65), (65, 97), (-1, -1)]


def test_pictures_of_many_sizes_share_one_graph(compiled):
    runtime = OpenvinoRuntime(LITE)
    for images in (SMALL, WIDE, TALL, SMALL):
        runtime(images)
    assert compiled == [(-1, -1)]


def test_a_neural_processor_gets_graphs_of_fixed_sizes_only_and_few(compiled, monkeypatch):
    # The edge of what cannot run here: the rule for an NPU, carried out by the CPU.
    monkeypatch.setattr(openvino, "_OWN_SIZES", 2)
    runtime = OpenvinoRuntime(LITE, steady=True)
    core = openvino._core()

    class Core:
        def compile_model(self, model, device, config):
            assert device == "NPU"
            return core.compile_model(model, "CPU", config)

    monkeypatch.setattr(openvino, "_core", Core)
    runtime._device = "NPU"
    for images in (SMALL, WIDE, TALL, TALL, SMALL):
        runtime(images)
    assert compiled == [(65, 65), (65, 97), (97, 65), (65, 65)]


@pytest.mark.parametrize("options", [{}, {"steady": True}, {"precision": "float32"}])
def test_one_setting_gives_one_result_bit_for_bit(options):
    first = OpenvinoRuntime(LITE, **options)
    seen_others = OpenvinoRuntime(LITE, **options)
    for images in (WIDE, TALL, np.concatenate([SMALL, SMALL])):
        seen_others(images)
    assert np.array_equal(first(SMALL), seen_others(SMALL))


def test_threads_and_calls_in_parallel_change_no_bit():
    wanted = OpenvinoRuntime(LITE, threads=1, steady=True)(WIDE)
    for options in ({"threads": 2}, {"threads": 2, "parallel": 2}, {"threads": 1, "parallel": 3}):
        assert np.array_equal(OpenvinoRuntime(LITE, steady=True, **options)(WIDE), wanted)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or available_cores() < 2, reason="needs Linux and two cores")
def test_no_thread_is_bound_to_a_core():
    code = (
        "import os, numpy as np\n"
        "from liveseg.runtimes.load import Request, load\n"
        "run = load(Request(runtime='openvino', threads=2)); run(np.zeros((1, 97, 97, 3), np.uint8))\n"
        "print({len(os.sched_getaffinity(int(own))) for own in os.listdir('/proc/self/task')})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{{{available_cores()}}}"


def test_openvino_calls_nobody_writes_nothing_and_says_nothing(tmp_path):
    # Without a switch of liveseg's, `import openvino` alone reports to an address on the internet.
    code = (
        "import sys, time\n"
        "calls = []\n"
        "seen = ('socket.', 'urllib.', 'subprocess.', 'os.fork', 'os.posix_spawn', 'os.exec')\n"
        "sys.addaudithook(lambda event, _: calls.append(event) if event.startswith(seen) else None)\n"
        "import numpy as np\n"
        "from liveseg.runtimes.load import Request, load\n"
        "load(Request(runtime='openvino'))(np.zeros((1, 65, 65, 3), np.uint8))\n"
        "from liveseg.runtimes.base import import_openvino\n"
        "import_openvino().tools.ovc\n"
        "time.sleep(0.2)\n"
        "print(calls, [name for name in ('torch', 'onnxruntime') if name in sys.modules])"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    for name in ("HOME", "LOCALAPPDATA", "LIVESEG_HOME"):
        environment[name] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[] []"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.onnx", b""), ("broken.onnx", b"not a model"), ("broken.onnx", LITE.read_bytes()[:1_000_000]),
        ("broken.xml", b""), ("broken.xml", b"<net>"), ("broken.xml", b"not a model"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_one_line_and_nothing_else(tmp_path, capfd, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"{name} ") as caught:
        OpenvinoRuntime(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_xml_without_its_bin_says_so(tmp_path):
    path = tmp_path / "lite.xml"
    openvino.ov.save_model(openvino.ov.Core().read_model(LITE), path)
    path.with_suffix(".bin").unlink()
    with pytest.raises(WeightsError, match=r"lite\.xml cannot be loaded.*bin file cannot be found"):
        OpenvinoRuntime(path)


def test_an_xml_keeps_the_contract_of_the_onnx_file_that_it_was_made_of(tmp_path):
    openvino.ov.save_model(openvino.ov.Core().read_model(LITE), tmp_path / "lite.xml", compress_to_fp16=False)
    assert OpenvinoRuntime(tmp_path / "lite.xml").contract == CONTRACT


@pytest.mark.parametrize("steady", [False, True])
def test_a_graph_of_one_fixed_size_takes_pictures_of_that_size_only(tmp_path, steady):
    model = openvino.ov.Core().read_model(LITE)
    model.reshape([1, *SMALL.shape[1:3], 3])
    openvino.ov.save_model(model, tmp_path / "small.xml", compress_to_fp16=False)
    runtime = OpenvinoRuntime(tmp_path / "small.xml", steady=steady)
    assert np.array_equal(runtime(SMALL), OpenvinoRuntime(LITE, steady=True)(SMALL))
    with pytest.raises(LivesegError, match=r"\(1, 65, 97, 3\): .*incompatible") as caught:
        runtime(WIDE)
    assert "\n" not in str(caught.value)


def test_a_model_with_another_input_says_what_is_wanted(other_model):
    with pytest.raises(WeightsError, match=r"takes f32 \[1,3,8,8\].*uint8 input \(N, H, W, 3\)"):
        OpenvinoRuntime(other_model, contract=CONTRACT)


def test_labels_that_do_not_fit_the_output_are_told_at_the_first_picture():
    labels = LabelSet(("background", "cat"), voc_palette(2))
    runtime = OpenvinoRuntime(LITE, labels=labels)
    assert runtime.contract == replace(CONTRACT, labels=labels)
    with pytest.raises(WeightsError, match="has 2 class names"):
        runtime(SMALL)


@pytest.mark.parametrize(
    ("there", "kind", "index", "name"),
    [
        (["CPU", "GPU"], "gpu", 0, "GPU.0"), (["CPU", "GPU.0", "GPU.1"], "gpu", 1, "GPU.1"),
        (["CPU", "NPU"], "npu", 0, "NPU"), (["CPU", "GPU", "NPU"], "auto", 0, "CPU"),
    ],
)  # fmt: skip
def test_a_device_is_found_among_those_that_openvino_sees(monkeypatch, there, kind, index, name):
    # The edge of what cannot run here: a machine with Intel's other processors.
    monkeypatch.setattr(openvino, "available", lambda: there)
    assert openvino._device(kind, index) == name


@pytest.mark.parametrize("device", ["gpu:1", "npu"])
def test_a_device_that_openvino_does_not_see_names_those_that_it_does(monkeypatch, device):
    monkeypatch.setattr(openvino, "available", lambda: ["CPU", "GPU"])
    with pytest.raises(DeviceError, match="OpenVINO sees only CPU, GPU"):
        OpenvinoRuntime(LITE, device=device)


@pytest.mark.parametrize("device", ["cuda", "mps", "coreml"])
def test_a_device_of_another_runtime_is_an_error(device):
    with pytest.raises(DeviceError, match=f"does not drive {device}"):
        OpenvinoRuntime(LITE, device=device)


def test_other_devices_than_the_cpu_keep_what_they_compile(home):
    config = openvino._config("GPU.0", 2, 1, "auto")
    assert config["CACHE_DIR"] == str(home / "openvino")
    assert "INFERENCE_NUM_THREADS" not in config
    assert "CACHE_DIR" not in openvino._config("CPU", 2, 1, "auto")
