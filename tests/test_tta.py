"""Several looks at a picture: what is averaged, and that each look is put back in its place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from liveseg import Segmenter, tiling
from liveseg.contract import ModelContract
from liveseg.errors import UsageError
from liveseg.labels import LabelSet, voc_palette
from liveseg.media.images import read_image
from liveseg.postprocess import upsampled

LABELS = LabelSet(("none", "left", "right"), voc_palette(3))
ALIGNED = ModelContract("lite", LABELS, multiple=16, offset=1, align_corners=True, default_size=289)
HALF_PIXEL = ModelContract("any", LABELS, default_size=160)


class OneSided:
    """A network that mistakes things, in another way at the left than at the right and at each size."""

    name, device, precision = "one-sided", "cpu", "float32"

    def __init__(self, contract):
        self.contract = contract
        self.shapes = []

    def __call__(self, images):
        self.shapes.append(images.shape[1:3])
        return np.stack([self.of(image) for image in images])

    def of(self, pixels):
        seen = pixels[::8, ::8].astype(np.float32) / 32
        slope = np.linspace(0, pixels.shape[0] / 100, seen.shape[1], dtype=np.float32)
        return np.stack((seen[..., 0], seen[..., 1] + slope, seen[..., 2] - slope))


def picture(height=161, width=225, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def odds_of(logits):
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=0))
    return odds / odds.sum(axis=0)


@pytest.mark.parametrize("contract", [ALIGNED, HALF_PIXEL])
def test_flip_averages_the_probabilities_of_a_picture_and_its_mirror_image(contract):
    side = 161 if contract is ALIGNED else 160
    image = picture(side, side + 64)
    network = OneSided(contract)
    found = Segmenter.from_runtime(network, size="native", tta="flip").infer(image).logits
    assert network.shapes == [image.shape[:2]] * 2
    mirrored = network.of(image[:, ::-1])[:, :, ::-1]
    wanted = (odds_of(network.of(image)) + odds_of(mirrored)) / 2
    np.testing.assert_allclose(np.exp(found), wanted, atol=1e-5)
    assert not np.allclose(odds_of(network.of(image)), wanted, atol=0.05)


def test_full_averages_three_scales_on_the_grid_of_the_first():
    network = OneSided(ALIGNED)
    image = picture(322, 450)
    found = Segmenter.from_runtime(network, size=161, tta="full").infer(image).logits
    assert network.shapes == [(161, 225)] * 2 + [(129, 177)] * 2 + [(193, 273)] * 2
    each = []
    for size in (161, 121, 201):
        seen = Segmenter.from_runtime(network, size=size, tta="flip").infer(image).logits
        each.append(odds_of(upsampled(seen, 21, 29, align_corners=True)))
    np.testing.assert_allclose(np.exp(found), np.mean(each, axis=0), atol=1e-5)


def test_at_its_own_size_the_scales_are_relative_to_the_picture():
    network = OneSided(ALIGNED)
    Segmenter.from_runtime(network, size="native", tta="full").infer(picture(257, 257))
    assert network.shapes[::2] == [(257, 257), (193, 193), (321, 321)]


def test_tiles_are_looked_at_as_often():
    network = OneSided(ALIGNED)
    image = picture(257, 321)
    found = Segmenter.from_runtime(network, tile=129, tta="flip").infer(image).logits
    cut = tiling.cut(257, 321, "native", 129, ALIGNED)
    assert network.shapes == [(129, 129)] * (2 * len(cut.tops) * len(cut.lefts))

    def both(pixels):
        mirrored = network.of(pixels[:, ::-1])[:, :, ::-1]
        return np.log((odds_of(network.of(pixels)) + odds_of(mirrored)) / 2).astype(np.float32)

    np.testing.assert_allclose(found, tiling.blended(image, cut, both, align_corners=True), atol=1e-4)
    network.shapes.clear()
    Segmenter.from_runtime(network, tile=129, tta="full").infer(image)
    assert set(network.shapes) == {(129, 129)}


def test_with_the_mirror_image_the_network_has_no_sides(samples):
    image = read_image(samples / "image_1.jpg")
    plain, twice = Segmenter(), Segmenter(tta="flip")

    def asymmetry(segmenter):
        straight = tiling.probabilities(segmenter.infer(image).logits)
        mirrored = tiling.probabilities(segmenter.infer(np.ascontiguousarray(image[:, ::-1])).logits)
        return float(np.abs(straight - mirrored[:, :, ::-1]).max())

    assert asymmetry(twice) < 1e-3
    assert asymmetry(plain) > 0.05
    assert np.mean(plain(image).mask == twice(image).mask) > 0.97


def test_one_look_is_the_networks_own_answer():
    network = OneSided(ALIGNED)
    image = picture()
    found = Segmenter.from_runtime(network, size="native").infer(image)
    assert np.array_equal(found.logits, network.of(image))
    assert found.speed.keys() == {"preprocess", "infer"}


def test_looks_that_do_not_exist_or_cannot_be_are_refused():
    with pytest.raises(UsageError, match="tta is off, flip or full, not 'twice'"):
        Segmenter.from_runtime(OneSided(ALIGNED), tta="twice")
    fixed = OneSided(ModelContract("fixed", LABELS, fixed_size=(160, 224)))
    with pytest.raises(UsageError, match="takes inputs of 224x160 only, at one scale; take --tta flip"):
        Segmenter.from_runtime(fixed, tta="full")
    Segmenter.from_runtime(fixed, tta="flip").infer(picture())
    assert fixed.shapes == [(160, 224)] * 2


def test_averaged_looks_do_not_take_the_line_of_the_device(monkeypatch):
    monkeypatch.setattr("liveseg.segmenter.LineRuntime", object)
    network = OneSided(ALIGNED)
    network.line_pays = True
    network.line = lambda size, table: (size, table)
    table = np.zeros((256, 256, 3), np.uint8)
    assert Segmenter.from_runtime(network).device_line(table) == (289, table)
    assert Segmenter.from_runtime(network, tta="flip").device_line(table) is None
    assert Segmenter.from_runtime(network, tile="on").device_line(table) is None


def test_the_command_line_looks_twice_at_pictures_and_videos(run_liveseg, samples, tmp_path):
    sources = [samples / "image_1.jpg", samples / "video_1.mp4"]
    done = run_liveseg("run", *sources, "--tta", "flip", "--limit", "3", "--size", "129", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [source["frames"] for source in report["sources"]] == [1, 3]
    assert report["sources"][0]["areas"][0]["class"] in ("cat", "background")
