"""The tutorial's functions give what the tutorial's own code gives; that code stands here as the definition."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveseg import Segmenter
from liveseg.models.build import build

ROOT = Path(__file__).parents[2]

TUTORIAL_COLOURS = [
    (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128), (128, 128, 128),
    (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128), (64, 128, 128), (192, 128, 128),
    (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128),
]  # fmt: skip


@pytest.fixture(scope="module")
def utils():
    sys.path.insert(0, str(ROOT))
    try:
        yield importlib.import_module("segmentation_utils")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def photo(skimage_data):
    return Image.open(skimage_data / "chelsea.png").convert("RGB").resize((150, 100))


def tutorials_map(outputs):
    labels = torch.argmax(outputs.squeeze(), dim=0).detach().cpu().numpy()
    red_map, green_map, blue_map = (np.zeros_like(labels).astype(np.uint8) for _ in range(3))
    for label_num in range(len(TUTORIAL_COLOURS)):
        index = labels == label_num
        red_map[index], green_map[index], blue_map[index] = TUTORIAL_COLOURS[label_num]
    return np.stack([red_map, green_map, blue_map], axis=2)


def tutorials_overlay(image, segmented_image):
    segmented_image = cv2.cvtColor(segmented_image, cv2.COLOR_RGB2BGR)
    image = cv2.cvtColor(np.array(image), cv2.COLOR_RGB2BGR)
    cv2.addWeighted(image, 1, segmented_image, 0.8, 0, image)
    return image


def test_the_colour_list_is_the_tutorials():
    sys.path.insert(0, str(ROOT))
    try:
        assert importlib.import_module("label_color_map").label_color_map == TUTORIAL_COLOURS
    finally:
        sys.path.remove(str(ROOT))


def test_a_network_gets_the_tutorials_input_and_its_answer_is_passed_on(utils, photo):
    torch.manual_seed(0)
    model = build("lraspp").eval()
    with torch.no_grad():
        outputs = utils.get_segment_labels(photo, model, torch.device("cpu"))
    assert isinstance(outputs, OrderedDict)
    assert outputs["out"].shape == (1, 21, 100, 150)
    pixels = torch.tensor(np.asarray(photo)).permute(2, 0, 1).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = model(((pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1))[None])["out"]
    torch.testing.assert_close(outputs["out"], wanted)


def test_a_segmenter_answers_in_numpy(utils, photo):
    segmenter = Segmenter("lite", size="native")
    outputs = utils.get_segment_labels(photo, segmenter, None)
    assert list(outputs) == ["out"]
    assert outputs["out"].shape == (1, 21, 100, 150)
    assert outputs["out"].dtype == np.float32
    drawn = utils.draw_segmentation_map(outputs["out"])
    assert np.mean(drawn == segmenter(photo).color_mask()) > 0.999


@given(st.integers(0, 2**32 - 1))
def test_the_map_equals_the_tutorials_for_tensors_and_arrays(utils, seed):
    logits = np.random.default_rng(seed).normal(size=(1, 21, 9, 12)).astype(np.float32)
    wanted = tutorials_map(torch.from_numpy(logits))
    assert np.array_equal(utils.draw_segmentation_map(torch.from_numpy(logits)), wanted)
    assert np.array_equal(utils.draw_segmentation_map(logits), wanted)


@given(st.integers(0, 2**32 - 1))
def test_the_overlay_equals_the_tutorials_byte_for_byte(utils, seed):
    rng = np.random.default_rng(seed)
    image, colours = rng.integers(0, 256, (2, 9, 12, 3), dtype=np.uint8)
    wanted = tutorials_overlay(image, colours)
    assert np.array_equal(utils.image_overlay(image, colours), wanted)
    assert np.array_equal(utils.image_overlay(Image.fromarray(image), colours), wanted)


def test_the_utilities_import_without_pytorch():
    code = "import sys; sys.modules['torch'] = None; import segmentation_utils, label_color_map; print('fine')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "fine"
