"""What the torch runtime does beyond what every runtime does: precisions, its network's ownership, threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from liveseg.errors import DeviceError, UsageError
from liveseg.models.registry import find_model
from liveseg.runtimes.torch import TorchRuntime, resolved_precision


@pytest.fixture(scope="module")
def contract():
    return find_model("lite").contract


@pytest.mark.parametrize(("precision", "least"), [("float16", 0.995), ("bfloat16", 0.98)])
def test_a_lower_precision_changes_few_classes_of_a_photo(lite, contract, skimage_data, device, precision, least):
    photo = np.asarray(Image.open(skimage_data / "chelsea.png").convert("RGB").resize((193, 129)))[None]
    low = TorchRuntime(lite, contract, device=device, precision=precision)
    full = TorchRuntime(lite, contract, device=device, precision="float32")
    assert (low.precision, full.precision) == (precision, "float32")
    got, wanted = low(photo), full(photo)
    assert got.dtype == np.float32
    assert not np.array_equal(got, wanted), f"{precision} was not used"
    assert np.mean(got.argmax(axis=1) == wanted.argmax(axis=1)) >= least


def test_the_callers_network_stays_as_it_is(lite, contract):
    TorchRuntime(lite, contract, device="cpu", precision="float16")
    for parameter in lite.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.is_contiguous(), "its memory layout was changed"


@pytest.mark.parametrize(("device", "precision"), [("cuda", "float16"), ("mps", "float32"), ("cpu", "float32")])
def test_by_default_only_cuda_computes_in_half_precision(device, precision):
    assert resolved_precision("auto", torch.device(device)) == precision


def test_int8_is_refused_with_its_remedy(lite, contract):
    with pytest.raises(UsageError, match=r"not in int8.*liveseg quantize"):
        TorchRuntime(lite, contract, device="cpu", precision="int8")


@pytest.mark.parametrize(("name", "message"), [("cuda:99", "CUDA device 99"), ("npu", "no npu")])
def test_a_device_that_is_not_there_is_an_error(lite, contract, name, message):
    with pytest.raises(DeviceError, match=message):
        TorchRuntime(lite, contract, device=name)


def test_threads_that_call_at_once_get_their_own_results(lite, contract, device):
    runtime = TorchRuntime(lite, contract, device=device, precision="float32")
    shapes = [(1, 65, 81, 3), (2, 49, 65, 3)]
    images = [np.random.default_rng(seed).integers(0, 256, shapes[seed % 2], dtype=np.uint8) for seed in range(8)]
    wanted = [runtime(image) for image in images]
    got = [None] * len(images)

    def work(start):
        for _ in range(3):
            for index in range(start, len(images), 4):
                got[index] = runtime(images[index])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())
