"""Single pictures through a real service, asked for by both clients."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from liveseg import Segmenter
from liveseg.client import ClassAreas, FoundLayers, MaskPicture
from liveseg.errors import OutputExistsError


@pytest.fixture(scope="module")
def expected(astronaut):
    return Segmenter(size=97, threads=1, runtime="onnx")(astronaut)


def test_a_path_its_bytes_its_pixels_and_an_image_are_the_same_picture(small, call, astronaut, expected):
    with Image.open(astronaut) as opened:
        image = opened.convert("RGB")
    for picture in (astronaut, str(astronaut), astronaut.read_bytes(), np.asarray(image), image):
        found = call(small.url, "segment", picture)
        assert isinstance(found, FoundLayers)
        np.testing.assert_array_equal(found.mask, expected.mask)
    assert found.labels == expected.labels
    assert found.confidence.shape == expected.grid
    assert (found.mask[300:, 150:350] == found.labels.index("person")).mean() > 0.3
    assert {"decode", "network", "total"} <= found.times.keys()
    assert found.times["total"] > found.times["network"] > 0
    assert found.request_id


def test_every_output_is_what_its_type_says(small, call, astronaut, expected, tmp_path):
    mask = call(small.url, "segment", astronaut, "mask")
    assert isinstance(mask, MaskPicture)
    np.testing.assert_array_equal(mask.array(), expected.mask)
    assert mask.labels == expected.labels
    areas = call(small.url, "segment", astronaut, "areas")
    assert isinstance(areas, ClassAreas)
    assert (areas.width, areas.height) == (512, 512)
    assert areas["person"].pixels == int((expected.mask == 15).sum())
    assert 0 < areas["person"].mean_confidence <= 1
    with pytest.raises(KeyError):
        areas["sheep"]
    cutout = call(small.url, "segment", astronaut, "cutout", foreground=["person"])
    assert cutout.array().shape == (512, 512, 4)
    assert set(np.unique(cutout.array()[..., 3])) >= {0, 255}
    polygons = call(small.url, "segment", astronaut, "polygons")
    assert polygons.data["type"] == "FeatureCollection"
    rle = call(small.url, "segment", astronaut, "rle")
    assert {one["category_id"] for one in rle.data["annotations"]}
    archive = call(small.url, "segment", astronaut, "npz")
    np.testing.assert_array_equal(archive.arrays["mask"], expected.mask)
    assert archive.arrays["classes"][15] == "person"
    saved = mask.save(tmp_path / "mask.png")
    assert saved.read_bytes() == mask.data
    with pytest.raises(OutputExistsError):
        mask.save(saved)


def test_an_overlay_comes_in_the_format_and_by_the_options_that_were_asked_for(small, call, astronaut, expected):
    drawn = call(small.url, "segment", astronaut, "overlay", format="png", alpha=1.0, classes=["person"])
    assert drawn.media_type == "image/png"
    np.testing.assert_array_equal(drawn.array(), expected.overlay(1.0, ["person"]))
    for form, media_type in (("jpeg", "image/jpeg"), ("webp", "image/webp"), (None, "image/jpeg")):
        got = call(small.url, "segment", astronaut, "overlay", format=form)
        assert got.media_type == media_type
        with Image.open(io.BytesIO(got.data)) as opened:
            assert opened.size == (512, 512)


def test_models_and_health_are_told(small, call):
    (model,) = call(small.url, "models")
    assert (model.name, model.default, model.state, model.size) == ("lite", True, "ready", 97)
    assert model.labels.names[15] == "person"
    assert 289 in model.sizes
    health = call(small.url, "health")
    assert (health.ready, health.reason) == (True, None)
    assert health.version
    assert call(small.url, "wait_until_ready", 5).ready


def test_a_service_that_loads_is_waited_for(start_service, call, astronaut):
    loading = start_service(size=65, threads=1, runtime="onnx", ready=False)
    assert call(loading.url, "health").version
    assert call(loading.url, "segment", astronaut).mask.shape == (512, 512)
