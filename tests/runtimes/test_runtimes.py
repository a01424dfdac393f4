"""One test class for every runtime: each is held to eager PyTorch on real pictures."""

from __future__ import annotations

import copy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import torch

from liveseg.errors import DeviceError, LivesegError, UsageError
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.runtimes.base import available_cores, first_line, import_openvino, parse_device
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.openvino import OpenvinoRuntime
from liveseg.runtimes.pt2 import Pt2Runtime
from liveseg.runtimes.torch import Contracted, TorchRuntime

NOISE = np.random.default_rng(0).integers(0, 256, (3, 65, 81, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def eager(models, photos):
    """`eager(name, height, width)`: two photos, and their logits by definition, normalised as torchvision does."""

    @cache
    def compute(name, height, width):
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        images = np.concatenate(photos(height, width)[:2])
        x = (torch.tensor(images).permute(0, 3, 1, 2).float() / 255 - mean) / std
        with torch.inference_mode():
            return images, models[name].network.low_logits(x).numpy()

    return compute


class RuntimeTest:
    """What every runtime must do; a new one's test is `make`, and the device that it cannot have here."""

    missing = "cuda:99"

    @classmethod
    def make(cls, model, **options):
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def runtimes(cls, models):
        return {name: cls.make(model) for name, model in models.items()}

    @pytest.fixture(scope="class")
    @classmethod
    def runtime(cls, runtimes):
        return runtimes["lite"]

    @pytest.mark.parametrize(("height", "width"), [(257, 385), (385, 257), (33, 49)])
    @pytest.mark.parametrize("name", ["lite", "vines"])
    def test_logits_equal_eager_pytorch(self, runtimes, eager, name, height, width):
        images, wanted = eager(name, height, width)
        got = runtimes[name](images)
        assert got.shape == wanted.shape
        assert got.dtype == np.float32
        assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()

    def test_a_batch_equals_its_pictures(self, runtime):
        together = runtime(NOISE)
        alone = np.concatenate([runtime(image[None]) for image in NOISE])
        np.testing.assert_allclose(together, alone, atol=1e-4 * np.abs(alone).max())

    def test_it_says_what_it_is(self, runtimes, models):
        for name, runtime in runtimes.items():
            assert (runtime.device, runtime.precision) == ("cpu", "float32")
            assert runtime.contract == models[name].contract

    def test_threads_change_nothing(self, models):
        one, two = (self.make(models["lite"], threads=threads)(NOISE) for threads in (1, 2))
        np.testing.assert_allclose(one, two, atol=1e-4 * np.abs(one).max())

    @pytest.mark.long
    def test_four_threads_get_what_one_gets(self, runtime, photos):
        images = photos(97, 129)[:3] * 4
        alone = [runtime(image) for image in images]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(runtime, images))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))

    def test_a_result_outlives_the_next_call_and_the_picture_stays(self, runtime):
        image = NOISE[:1].copy()
        image.flags.writeable = False
        first = runtime(image)
        kept = first.copy()
        runtime(NOISE[1:2])
        assert np.array_equal(first, kept)
        assert np.array_equal(image, NOISE[:1])

    @pytest.mark.parametrize("shape", [(1, 65, 81, 4), (65, 81, 3), (1, 65, 81), (1, 0, 81, 3)])
    def test_an_array_of_another_layout_is_one_line(self, runtime, shape):
        with pytest.raises(LivesegError, match=r"input|takes") as caught:
            runtime(np.zeros(shape, np.uint8))
        assert "\n" not in str(caught.value)

    def test_a_device_that_is_not_there_is_an_error_with_its_remedy(self, models):
        with pytest.raises(DeviceError, match="--device cpu"):
            self.make(models["lite"], device=self.missing)


class TestOnnx(RuntimeTest):
    @classmethod
    def make(cls, model, **options):
        return OnnxRuntime(model.onnx, **{"device": "cpu"} | options)


class TestOpenvino(RuntimeTest):
    missing = "gpu:9"

    @classmethod
    def make(cls, model, **options):
        return OpenvinoRuntime(model.onnx, precision="float32", **options)


class TestOpenvinoForVideos(RuntimeTest):
    missing = "npu"

    @classmethod
    def make(cls, model, **options):
        return OpenvinoRuntime(model.onnx, precision="float32", parallel=2, steady=True, **options)


class TestOpenvinoXml(RuntimeTest):
    missing = "gpu"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def folder(cls, models, tmp_path_factory):
        ov = import_openvino()
        cls.paths = {}
        for name, model in models.items():
            path = tmp_path_factory.mktemp("ir") / f"{name}.xml"
            graph = ov.Core().read_model(model.onnx)
            graph.set_rt_info(model.contract.to_json(), ["liveseg"])
            ov.save_model(graph, path, compress_to_fp16=False)
            cls.paths[model.onnx] = path

    @classmethod
    def make(cls, model, **options):
        return OpenvinoRuntime(cls.paths[model.onnx], precision="float32", **options)


class TestTorch(RuntimeTest):
    @classmethod
    def make(cls, model, **options):
        return TorchRuntime(copy.deepcopy(model.network), model.contract, **{"device": "cpu"} | options)


class TestPt2(RuntimeTest):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def programs(cls, models, save_program, tmp_path_factory):
        folder = tmp_path_factory.mktemp("pt2")
        cls.paths = {
            model.onnx: save_program(Contracted(model.network), model.contract, folder / f"{name}.pt2")
            for name, model in models.items()
        }

    @classmethod
    def make(cls, model, **options):
        return Pt2Runtime(cls.paths[model.onnx], **{"device": "cpu"} | options)


BUSY = """
import sys, threading
import numpy as np, psutil
from liveseg.runtimes.load import Request, load
runtime, threads, callers, wanted = sys.argv[1], *map(int, sys.argv[2:])
run = load(Request(runtime=runtime, threads=threads, parallel=callers, precision="float32"))
image = np.zeros((1, 289, 385, 3), np.uint8)
run(image)
process, waiting = psutil.Process(), {threading.get_native_id()}
def spent(): return {own.id: own.user_time + own.system_time for own in process.threads() if own.id not in waiting}
before = spent()
def busy(): return sum(seconds - before.get(own, 0.0) > 0.05 for own, seconds in spent().items())
def total(): return sum(spent().values()) - sum(before.values())
enough, over = threading.Barrier(callers + 1), threading.Event()
def work():
    if runtime == "openvino": waiting.add(threading.get_native_id())  # its own threads compute
    while total() < 1 or (busy() < wanted and total() < 10):
        for _ in range(10): run(image)
    enough.wait()
    over.wait()
for _ in range(callers): threading.Thread(target=work).start()
enough.wait()
print(busy())
over.set()
"""


@pytest.mark.skipif(available_cores() < 2, reason="needs two cores")
@pytest.mark.parametrize(
    ("runtime", "threads", "callers", "busy"),
    [
        ("onnx", 1, 1, 1), ("onnx", 2, 1, 2),
        # More callers than threads: OpenVINO's own threads do the work, ONNX Runtime's callers do it themselves.
        ("openvino", 1, 1, 1), ("openvino", 2, 1, 2), ("openvino", 2, 2, 2), ("openvino", 1, 3, 1),
    ],
)  # fmt: skip
def test_as_many_threads_are_busy_as_were_asked_for(require_module, runtime, threads, callers, busy):
    require_module("psutil", "psutil")
    arguments = [runtime, str(threads), str(callers), str(busy)]
    done = subprocess.run([sys.executable, "-c", BUSY, *arguments], capture_output=True, text=True, check=True)
    assert int(done.stdout) == busy


def test_devices_are_parsed():
    assert parse_device("CUDA:1") == ("cuda", 1)
    assert parse_device("auto") == ("auto", 0)
    assert parse_device("gpu") == ("gpu", 0)
    assert parse_device("directml:2") == ("directml", 2)
    assert available_cores() >= 1


@pytest.mark.parametrize("name", ["tpu", "cpu:1", "npu:0", "cuda:", "cuda:-1", ""])
def test_what_is_no_device_is_refused_with_all_that_are(name):
    with pytest.raises(UsageError, match=r"choose auto, cpu, cuda\[:N\].*directml\[:N\]"):
        parse_device(name)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("broken\nsecond", "broken"), ("", "RuntimeError"), ("\n\n", "RuntimeError"),
        ("Exception from src/a.cpp:84:\nCheck 'x' failed at src/b.cpp:67:\nthe reason\n\n", "the reason"),
    ],
)  # fmt: skip
def test_of_another_librarys_message_the_line_that_tells_something_is_taken(message, line):
    assert first_line(RuntimeError(message)) == line
