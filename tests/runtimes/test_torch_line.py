"""The line on the device draws what the line on the CPU draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from liveseg.contract import ModelContract
from liveseg.errors import UsageError, WeightsError
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.models.registry import find_model
from liveseg.postprocess import upsampled_argmax
from liveseg.render import Painter
from liveseg.runtimes import torch_line
from liveseg.runtimes.line import LineRuntime
from liveseg.runtimes.torch import TorchRuntime
from liveseg.runtimes.torch_line import DeviceLine
from liveseg.segmenter import Segmenter

LEAST_AGREEMENT = 0.999


def photo(folder, name, width, height):
    return np.asarray(Image.open(folder / name).convert("RGB").resize((width, height)))


@pytest.fixture
def runtime(lite, device):
    return TorchRuntime(lite, find_model("lite").contract, device=device, precision="float32")


@pytest.fixture
def cpu_line(lite):
    """`cpu_line(size)`: the line of the bundled model on the CPU."""
    runtime = TorchRuntime(lite, find_model("lite").contract, device="cpu")
    return lambda size: runtime.line(size=size, table=Painter(PASCAL_VOC).table())


def held_to_the_cpu_line(runtime, frames, size, painter, alpha=0.6):
    """Compare the line with `Segmenter` and `Painter`; gives its results."""
    segmenter = Segmenter.from_runtime(runtime, size=size)
    results = runtime.line(size=segmenter.size, table=painter.table(alpha))(frames)
    assert len(results) == len(frames)
    for frame, result in zip(frames, results, strict=True):
        found = segmenter(frame)
        same = result.mask == found.mask
        assert (result.mask.dtype, result.picture.dtype, result.logits.dtype) == (np.uint8, np.uint8, np.float32)
        assert result.logits.shape == found.logits.shape
        assert same.mean() >= LEAST_AGREEMENT
        assert np.array_equal(result.picture[same], painter.overlay(frame, found.mask, alpha)[same])
    return results


@pytest.mark.parametrize(("width", "height"), [(385, 257), (449, 305)])
def test_at_native_size_only_roundings_differ(runtime, skimage_data, width, height):
    frames = np.stack([photo(skimage_data, name, width, height) for name in ("chelsea.png", "astronaut.png")])
    held_to_the_cpu_line(runtime, frames, "native", Painter(PASCAL_VOC))


@pytest.mark.parametrize("size", [None, 161, 400])
def test_at_other_sizes_the_masks_agree(runtime, skimage_data, size):
    frames = photo(skimage_data, "chelsea.png", 451, 300)[None]
    held_to_the_cpu_line(runtime, frames, size, Painter(PASCAL_VOC))


def test_a_network_that_does_not_align_corners_agrees(network_of, skimage_data):
    runtime = TorchRuntime(network_of("lraspp"), find_model("lraspp").contract, device="cpu")
    frames = photo(skimage_data, "coffee.png", 300, 200)[None]
    held_to_the_cpu_line(runtime, frames, "native", Painter(PASCAL_VOC))
    held_to_the_cpu_line(runtime, frames, 150, Painter(PASCAL_VOC))


def test_only_what_the_painter_draws_is_drawn(lite, skimage_data):
    runtime = TorchRuntime(lite, find_model("lite").contract, device="cpu")
    frames = photo(skimage_data, "chelsea.png", 385, 257)[None]
    cat = PASCAL_VOC.index("cat")
    (result,) = held_to_the_cpu_line(runtime, frames, "native", Painter(PASCAL_VOC, [cat]), alpha=1.0)
    assert 0.1 < np.mean(result.mask == cat) < 0.9
    assert np.array_equal(result.picture[result.mask != cat], frames[0][result.mask != cat])


def test_calls_after_the_first_give_the_same(runtime, skimage_data):
    # On CUDA the second is captured and the third replayed.
    frames = photo(skimage_data, "chelsea.png", 385, 257)
    line = runtime.line(size=161, table=Painter(PASCAL_VOC).table())
    for turn in range(4):
        batch = np.stack([np.roll(frames, 7 * turn, axis=1), frames])
        (first, second), (alone,) = line(batch), line(frames[None])
        assert np.mean(second.mask == alone.mask) >= LEAST_AGREEMENT
        assert turn == 0 or not np.array_equal(first.mask, second.mask)


def fixed(logits, align_corners):
    """A line whose network always gives the same logits."""
    classes = logits.shape[1]
    contract = ModelContract("own", LabelSet(tuple(map(str, range(classes))), voc_palette(classes)))
    contract = ModelContract("own", contract.labels, align_corners=align_corners)
    table = Painter(contract.labels).table()
    return DeviceLine(lambda _pixels: logits, contract, torch.device("cpu"), size="native", table=table)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (7, 9)])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (64, 72), (5, 3)])
def test_masks_are_those_of_the_reference(align_corners, shape, size):
    logits = torch.randn((2, 6, *shape), generator=torch.Generator().manual_seed(0))
    results = fixed(logits, align_corners)(np.zeros((2, *size, 3), np.uint8))
    for one, result in zip(logits.numpy(), results, strict=True):
        wanted = upsampled_argmax(one, *size, align_corners=align_corners)
        assert np.mean(result.mask == wanted) >= LEAST_AGREEMENT


def test_slices_change_nothing(monkeypatch):
    logits = torch.randn((2, 6, 7, 9), generator=torch.Generator().manual_seed(1))
    frames = np.random.default_rng(0).integers(0, 256, (2, 61, 75, 3), dtype=np.uint8)
    whole = fixed(logits, False)(frames)
    monkeypatch.setattr(torch_line, "SLICE_VALUES", 2 * 6 * 75 * 8)
    for one, other in zip(fixed(logits, False)(frames), whole, strict=True):
        assert np.array_equal(one.mask, other.mask)
        assert np.array_equal(one.picture, other.picture)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_an_error(value):
    logits = torch.zeros((1, 3, 4, 4))
    logits[0, 1, 2, 2] = value
    with pytest.raises(WeightsError, match="not finite"):
        fixed(logits, False)(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("size", "frame", "wanted"),
    [
        (289, (576, 768), 16),
        (289, (1080, 1920), 4),
        (289, (2160, 3840), 1),
        (289, (4320, 7680), 1),
        (1089, (300, 300), 7),
    ],
)
def test_a_batch_is_bounded_by_pixels_and_frames(cpu_line, size, frame, wanted):
    assert cpu_line(size).batch(*frame) == wanted


def test_an_input_beyond_memory_is_refused_as_everywhere(cpu_line):
    with pytest.raises(UsageError, match="smaller --size"):
        cpu_line(10_000)(np.zeros((1, 8, 8, 3), np.uint8))


def test_the_runtime_says_that_it_has_a_line_and_where_it_pays(runtime, device):
    assert isinstance(runtime, LineRuntime)
    assert runtime.line_pays == (device == "cuda")
