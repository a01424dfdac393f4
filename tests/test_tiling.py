"""Tiles: where they lie, how they blend, and that nothing shows where they meet."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from liveseg import PASCAL_VOC, Segmenter, tiling
from liveseg.bench.random_weights import write_random_weights
from liveseg.contract import ModelContract
from liveseg.errors import UsageError, WeightsError
from liveseg.labels import LabelSet, voc_palette
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.models.registry import find_model
from liveseg.pipeline import Pipeline
from liveseg.postprocess import upsampled_argmax
from liveseg.preprocess import resize

LABELS = LabelSet(("none", "red", "green", "blue"), voc_palette(4))
LITE = ModelContract("lite", LABELS, multiple=16, offset=1, align_corners=True, default_size=289)
HALF_PIXEL = ModelContract("any", LABELS)
ALIGNED = ModelContract("aligned", LABELS, align_corners=True)
THIRTY_TWO = ModelContract("unet", LABELS, multiple=32)


class Local:
    """A network that sees one cell of its grid at a time, so that a picture and its tiles must give the same."""

    name, device, precision = "local", "cpu", "float32"

    def __init__(self, contract, stride=8):
        self.contract, self.stride = contract, stride
        self.shapes = []

    def __call__(self, images):
        self.shapes.append(images.shape)
        assert self.contract.fixed_size in (None, images.shape[1:3])
        return np.stack([self.of(image) for image in images])

    def of(self, pixels):
        if self.contract.align_corners:
            seen = pixels[:: self.stride, :: self.stride].astype(np.float32)
        else:
            size = pixels.shape[1] // self.stride, pixels.shape[0] // self.stride
            seen = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        return np.concatenate((np.full((1, *seen.shape[:2]), 8, np.float32), seen.transpose(2, 0, 1) / 16))


def noise(height, width, seed=0):
    """A picture of smooth and of sharp things."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (max(height // 24, 1), max(width // 24, 1), 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    smooth[height // 3 : height // 2, width // 4 :] = (250, 20, 60)
    return smooth


def log_softmax(logits):
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=0)
    return wide - np.log(np.exp(wide).sum(axis=0))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(20, 700),
    width=st.integers(20, 700),
    size=st.sampled_from(["native", 90, 300]),
    tile=st.integers(tiling.LEAST_TILE, 260),
    contract=st.sampled_from([LITE, HALF_PIXEL, ALIGNED, THIRTY_TWO]),
    stride=st.sampled_from([1, 8, 16]),
)
def test_tiles_of_a_local_network_say_what_it_says_of_the_whole(height, width, size, tile, contract, stride):
    cut = tiling.cut(height, width, size, tile, contract)
    if cut is None:
        return
    network = Local(contract, stride)
    pixels = resize(noise(height, width), cut.height, cut.width)
    whole = network.of(pixels)
    blended = tiling.blended(pixels, cut, network.of, align_corners=contract.align_corners)
    assert blended.dtype == np.float32
    np.testing.assert_allclose(blended, log_softmax(whole), atol=2e-4)
    assert max(cut.tile) <= tile + 32  # rounded to the network's steps
    assert all((side - contract.offset) % contract.multiple == 0 for side in cut.tile if contract is not ALIGNED)


@settings(max_examples=200, deadline=None)
@given(whole=st.integers(1, 600).map(lambda steps: 16 * steps + 1), tile=st.integers(4, 60).map(lambda s: 16 * s + 1))
def test_tiles_reach_from_edge_to_edge_and_overlap_by_about_a_quarter(whole, tile):
    cut = tiling.cut(whole, whole, "native", tile, LITE)
    if whole <= tile:
        assert cut is None
        return
    starts, (side, _) = cut.tops, cut.tile
    assert starts[0] == 0
    assert starts[-1] + side == whole
    assert all(start % 16 == 0 for start in starts)
    assert all(after - before <= 0.75 * side + 24 for before, after in pairwise(starts))
    # No tile more than the overlap needs: without one of them it would be less than asked for.
    assert (len(starts) - 2) * (side - round(0.25 * side / 16) * 16) < whole - side


@given(st.lists(st.integers(20, 39), min_size=1, max_size=6))
def test_the_shares_of_tiles_add_up_to_one_and_fall_to_inner_edges_only(gaps):
    cells = 40
    starts = [0, *np.cumsum(gaps).tolist()]
    shares = tiling._shares(starts, cells)
    total = np.zeros(starts[-1] + cells)
    for start, share in zip(starts, shares, strict=True):
        total[start : start + cells] += share
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert shares[0, 0] == 1
    assert shares[-1, -1] == 1
    for number, gap in enumerate(gaps):
        overlap = cells - gap
        line = np.arange(1, overlap + 1) / (overlap + 1)
        np.testing.assert_allclose(shares[number + 1, :overlap], line, atol=1e-6)


def test_a_picture_that_fits_is_not_cut():
    assert tiling.cut(5000, 5000, "native", "off", LITE) is None
    assert tiling.cut(300, 380, "native", 385, LITE) is None
    assert tiling.cut(3000, 4000, 289, "on", LITE) is None
    assert tiling.cut(400, 401, "native", 385, LITE).tops == (0, 16)


@pytest.mark.parametrize(("height", "width", "size"), [(3000, 4000, 289), (1080, 1920, "native"), (2000, 2000, 2000)])
def test_auto_leaves_what_the_network_can_take_whole(height, width, size):
    assert tiling.cut(height, width, size, "auto", LITE) is None


@pytest.mark.parametrize(("height", "width", "size"), [(3000, 4000, "native"), (300, 60_000, 289), (600, 800, 2000)])
def test_auto_cuts_what_it_cannot(height, width, size):
    cut = tiling.cut(height, width, size, "auto", LITE)
    assert max(cut.tile) == 385
    assert min(cut.height, cut.width) == LITE.fit(min(height, width) if size == "native" else size)


def test_too_large_a_picture_is_one_line_with_a_remedy():
    with pytest.raises(UsageError, match="20001x20001 pixels, more than memory is likely to hold; choose a smaller"):
        tiling.cut(2000, 2000, 20_000, "auto", LITE)


@pytest.mark.parametrize("tile", ["often", 63, 2049, 385.0, True, None])
def test_what_is_no_tile_is_refused(tile):
    with pytest.raises(UsageError, match="tile is auto, on, off or a number of pixels from 64 to 2048"):
        Segmenter.from_runtime(Local(LITE), tile=tile)


def test_a_tile_reaches_beyond_a_picture_only_where_the_network_takes_no_less():
    contract = ModelContract("fixed", LABELS, fixed_size=(192, 256))
    network = Local(contract)
    image = noise(150, 500)
    found = Segmenter.from_runtime(network, tile="on")(image)
    assert set(network.shapes) == {(1, 192, 256, 3)}
    assert found.mask.shape == (150, 500)
    cut = tiling.cut(150, 500, "native", "on", contract)
    assert (cut.height, cut.width, cut.tops) == (144, 496, (0,))
    np.testing.assert_allclose(found.logits, log_softmax(network.of(resize(image, 144, 496))), atol=2e-4)


def test_a_network_of_one_size_is_only_cut_for_when_asked():
    contract = ModelContract("fixed", LABELS, fixed_size=(192, 256))
    network = Local(contract)
    Segmenter.from_runtime(network)(noise(2500, 2500))
    assert network.shapes == [(1, 192, 256, 3)]
    with pytest.raises(UsageError, match="takes inputs of 256x192 only; leave out the size"):
        Segmenter.from_runtime(network, size=500)
    with pytest.raises(UsageError, match="takes tiles of 256x192 only; take --tile on"):
        Segmenter.from_runtime(network, tile=300)
    network.shapes.clear()
    Segmenter.from_runtime(network, tile="on", size=600)(noise(300, 300))
    assert len(network.shapes) == 4 * 3


def test_an_output_that_shares_no_grid_is_one_line():
    network = Local(HALF_PIXEL, stride=7)
    with pytest.raises(UsageError, match="do not fit this model, which makes 18 positions of them; choose another"):
        Segmenter.from_runtime(network, tile=128)(noise(300, 300))


def test_logits_that_memory_cannot_hold_are_one_line(monkeypatch):
    monkeypatch.setattr(tiling, "MOST_LOGITS", 4 * 38 * 38 * 4 - 1)
    with pytest.raises(UsageError, match="4 classes of 38x38, are more than memory is likely to hold"):
        Segmenter.from_runtime(Local(HALF_PIXEL), tile=128)(noise(304, 304))


def test_a_tile_that_is_not_finite_is_told():
    network = Local(LITE)
    with pytest.raises(WeightsError, match="not finite"):
        tiling.blended(
            noise(257, 257),
            tiling.cut(257, 257, "native", 129, LITE),
            lambda pixels: network.of(pixels) / (pixels.max() < 300) * np.nan,
            align_corners=True,
        )


def test_a_probability_of_zero_leaves_a_finite_logit():
    sure = np.full((4, 3, 3), -2000, np.float32)
    sure[2] = 2000
    logits = tiling.log_probabilities(tiling.probabilities(sure))
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=0) == 2).all()


@pytest.fixture(scope="module")
def crowd(skimage_data):
    """A large picture of small things: photos side by side, each at the size that the network was trained on."""
    rng = np.random.default_rng(0)
    photos = [np.asarray(Image.open(skimage_data / name)) for name in ("astronaut.png", "chelsea.png", "coffee.png")]

    def row():
        chosen = [photos[rng.integers(3)][:, :: rng.choice((-1, 1))] for _ in range(6)]
        return np.hstack([cv2.resize(photo, (410, 300), interpolation=cv2.INTER_AREA) for photo in chosen])

    # Cut off at odd places, so that the photos' borders do not fall on those of the tiles.
    return np.ascontiguousarray(np.vstack([row() for _ in range(5)])[97:, 133:])


def steps(found, cut):
    """How much probabilities change from one position to the next where tiles begin or end, and where neighbours weigh
    the same: each relative to how much they change on the whole."""
    odds = tiling.probabilities(found.logits)
    edges, middles = [], []
    for axis, starts, side in ((1, cut.tops, cut.tile[0]), (2, cut.lefts, cut.tile[1])):
        change = np.abs(np.diff(odds, axis=axis)).sum(axis=0).mean(axis=2 - axis)
        change /= change.mean()
        for before, after in pairwise(starts):
            places = after // 8, (before + side - 1) // 8, (before + after + side) // 16
            begin, end, middle = (change[place - 1 : place + 1].mean() for place in places)
            edges += [begin, end]
            middles.append(middle)
    return float(np.mean(edges)), float(np.mean(middles))


def one_tile_each(starts, cells):
    """Shares without blending: each position is the tile's whose middle is nearest."""
    shares = blending(starts, cells)
    best = np.zeros(starts[-1] + cells)
    for start, share in zip(starts, shares, strict=True):
        best[start : start + cells] = np.maximum(best[start : start + cells], share)
    return np.stack(
        [(share >= best[start : start + cells]) * 1.0 for start, share in zip(starts, shares, strict=True)]
    ).astype(np.float32)


blending = tiling._shares


def test_nothing_shows_where_tiles_meet(crowd, monkeypatch):
    tiled = Segmenter(tile="on")
    cut = tiling.cut(*crowd.shape[:2], "native", "on", tiled.contract)
    assert len(cut.tops) * len(cut.lefts) > 30
    whole = Segmenter(size="native", tile="off")(crowd)
    found = tiled(crowd)
    # Against the whole picture in one piece, where the same places mean nothing.
    edges, middles = steps(whole, cut)
    blended_edges, blended_middles = steps(found, cut)
    assert blended_edges < edges + 0.2
    assert blended_middles < middles + 0.1
    monkeypatch.setattr(tiling, "_shares", one_tile_each)
    assert steps(tiled(crowd), cut)[1] > middles + 0.2
    # The context differs, as a tile is not the whole, but no more where tiles meet than elsewhere.
    differs = whole.mask != found.mask
    assert differs.mean() < 0.1
    rows = np.zeros(crowd.shape[0], np.bool_)
    for before, after in pairwise(cut.tops):
        for place in (after, (before + after + cut.tile[0]) // 2, before + cut.tile[0]):
            middle = place * crowd.shape[0] // cut.height
            rows[middle - 8 : middle + 8] = True
    assert differs[rows].mean() < 1.3 * differs[~rows].mean()


def test_tiles_find_what_shrinking_loses(crowd):
    small = {area.name: area.share for area in Segmenter()(crowd).areas()}
    tiled = {area.name: area.share for area in Segmenter(tile="on")(crowd).areas()}
    assert tiled["cat"] > 0.1
    assert tiled["person"] > 0.1
    assert small.get("person", 0) < 0.5 * tiled["person"]


def test_the_mask_is_that_of_the_blended_logits(crowd):
    found = Segmenter(tile=257, size=600)(crowd)
    assert found.mask.shape == crowd.shape[:2]
    assert found.logits.shape[1] == find_model("lite").contract.fit(600) // 8 + 1
    again = upsampled_argmax(found.logits, *crowd.shape[:2], align_corners=True)
    assert np.array_equal(found.mask, again)
    assert 0 < found.confidence.min() <= found.confidence.max() <= 1
    assert found.speed.keys() == {"preprocess", "infer", "postprocess"}


@pytest.mark.parametrize(("model", "stride"), [("lraspp", 8), ("deeplabv3", 16)])
def test_tiles_fit_the_grids_of_torchvisions_networks(tmp_path, model, stride):
    write_random_weights(model, tmp_path / "random.pth")
    segmenter = Segmenter(model, weights=tmp_path / "random.pth", runtime="torch", tile=128)
    assert segmenter.infer(noise(250, 400)).logits.shape == (21, 256 // stride, 400 // stride)


def test_tiles_are_cut_at_the_own_scale_unless_a_size_is_given():
    assert Segmenter(tile="on").size == "native"
    assert Segmenter(tile=385).size == "native"
    assert Segmenter(tile="on", size=578).size == 578
    assert Segmenter(tile="auto").size == Segmenter(tile="off").size == find_model("lite").contract.default_size


def test_a_gpu_is_given_whole_what_it_can_hold():
    network = Local(LITE)
    assert Segmenter.from_runtime(network, size="native").cuts(2600, 2600)
    network.device = "cuda:0"
    segmenter = Segmenter.from_runtime(network, size="native")
    assert not segmenter.cuts(2600, 2600)
    assert segmenter.cuts(5000, 5000)


class OnePicture(Source):
    def __init__(self, image):
        self.notes = []
        self.info = SourceInfo("one", "image", image.shape[1], image.shape[0])
        self._image = image

    def __iter__(self):
        yield Frame(self._image)


def test_a_picture_that_is_cut_does_not_take_the_line_of_the_device():
    class Refusing:
        def batch(self, height, width):
            raise AssertionError((height, width))

    network = Local(LITE)
    segmenter = Segmenter.from_runtime(network, size="native")
    (result,) = Pipeline(segmenter, device_line=Refusing()).run(OnePicture(noise(2100, 2100)))
    assert result.segmentation.mask.shape == (2100, 2100)
    assert len(network.shapes) > 30


def test_notes_say_what_was_done_and_what_to_do():
    asked = Segmenter.from_runtime(Local(LITE), tile="on")
    assert asked.notes(400, 300) == []
    assert asked.notes(800, 600) == []
    (far,) = asked.notes(4000, 3000)
    assert "10 times as large as the pictures it was trained on" in far
    assert "--size 578" in far
    by_itself = Segmenter.from_runtime(Local(LITE), size="native").notes(4000, 3000)
    assert "14x11 overlapping tiles of 385x385" in by_itself[0]
    assert by_itself[1] == far
    assert Segmenter.from_runtime(Local(LITE)).notes(4000, 3000) == []


@pytest.mark.long
def test_the_command_line_cuts_and_says_so(run_liveseg, crowd, tmp_path):
    Image.fromarray(crowd).save(tmp_path / "crowd.png")
    done = run_liveseg("run", "crowd.png", "--tile", "on", "--json", "--save", "mask", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (source,) = json.loads(done.stdout)["sources"]
    assert any("trained on" in note for note in source["notes"])
    found = {area["class"]: area["share"] for area in source["areas"]}
    assert found["cat"] > 0.1
    assert found["person"] > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tile", "32"], "tile is auto, on, off or a number of pixels from 64 to 2048, not 32"),
        (["--tile", "big"], "tile is auto, on, off or a number of pixels, not big"),
        (["--tile", "on", "--target-fps", "10"], "--target-fps chooses the size itself"),
        (["--tta", "flip", "--target-fps", "10"], "leave out --tile and --tta"),
    ],
)
def test_options_that_cannot_be_are_refused(run_liveseg, samples, tmp_path, options, message):
    done = run_liveseg("run", samples / "image_1.jpg", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert message in re.sub(r"\W*\n\W*", " ", done.stderr).replace("'", "")


MEASURED = """
import json, resource, sys
from liveseg.__main__ import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux counts it, in KiB")
@pytest.mark.parametrize("name", ["large.jpg", "large.png"])
def test_a_hundred_megapixels_take_less_than_two_gibibytes(crowd, tmp_path, name, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    rows, columns = -(-10_000 // crowd.shape[0]), -(-10_000 // crowd.shape[1])
    Image.fromarray(np.tile(crowd, (rows, columns, 1))[:10_000, :10_000]).save(tmp_path / name)
    command = [sys.executable, "-c", MEASURED, "run", name, "--size", "native", "--save", "overlay,mask", "-o", "out/"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.strip().splitlines()[-1]) < 2 << 20
    (mask,) = (tmp_path / "out").glob("*mask.png")
    found = np.asarray(Image.open(mask))
    assert found.shape == (10_000, 10_000)
    assert np.mean(found == PASCAL_VOC.index("cat")) > 0.1
