"""Several pictures in one batch of the network, and several segmenters around one network."""

from __future__ import annotations

import numpy as np
import pytest

from liveseg import Segmenter
from liveseg.errors import UsageError
from liveseg.media.images import read_image


@pytest.fixture(scope="module")
def photo(samples):
    """The cat, `(H, W, 3)`."""
    return read_image(samples / "image_1.jpg")


@pytest.fixture(scope="module", params=["onnx", "openvino", "torch"])
def segmenter(request):
    """The bundled model in each runtime, small."""
    return Segmenter(runtime=request.param, size=129, threads=2, parallel=2)


@pytest.fixture(scope="module")
def small():
    """The bundled model in the runtime that is always there."""
    return Segmenter(runtime="onnx", size=97, threads=1)


def test_masks_of_a_batch_are_those_of_single_runs(segmenter, photo):
    # Three sizes of picture, one size of network input.
    pictures = [photo[:300, :400], photo[20:260, 30:350], np.ascontiguousarray(photo[:300, :400][:, ::-1])]
    assert len({segmenter.batched(*picture.shape[:2]) for picture in pictures}) == 1
    alone = [segmenter.segment(picture) for picture in pictures]
    together = [segmenter.finish(own) for own in segmenter.infer_many(pictures)]
    for one, other, picture in zip(alone, together, pictures, strict=True):
        assert one.mask.shape == other.mask.shape == picture.shape[:2]
        assert other.image is picture
        # In another order of sums the last bits differ, and with them a pixel on a border now and then.
        assert np.mean(one.mask != other.mask) < 1e-3
        assert np.abs(one.logits - other.logits).max() < 0.1
    assert (together[0].mask != together[2].mask).any()


def test_pictures_of_other_inputs_do_not_share_a_batch(small, photo):
    wide, tall = photo[:100, :200], photo[:200, :100]
    assert small.batched(100, 200) == (97, 193)
    with pytest.raises(UsageError, match="one size"):
        small.infer_many([wide, tall])


@pytest.mark.parametrize("options", [{"tta": "flip"}, {"tile": 65}])
def test_what_is_looked_at_several_times_goes_alone(options, photo):
    segmenter = Segmenter(runtime="onnx", size=97, threads=1, **options)
    assert segmenter.batched(*photo.shape[:2]) is None
    with pytest.raises(UsageError, match="whole"):
        segmenter.infer_many([photo])


def test_a_segmenter_beside_shares_the_network_at_another_size(small, photo):
    calls = []

    class Counted:
        def __init__(self, runtime):
            self.name, self.device, self.precision = runtime.name, runtime.device, runtime.precision
            self.contract = runtime.contract
            self._runtime = runtime

        def __call__(self, images):
            calls.append(images.shape)
            return self._runtime(images)

    other = small.beside(size=65, through=Counted)
    found = other.segment(photo[:300, :300])
    assert calls == [(1, 65, 65, 3)]
    assert (other.size, small.size) == (65, 97)
    assert np.array_equal(found.mask, Segmenter(runtime="onnx", size=65, threads=1).segment(photo[:300, :300]).mask)
    small.segment(photo[:300, :300])
    assert len(calls) == 1


def test_a_segmenter_beside_keeps_what_was_configured(photo):
    segmenter = Segmenter(runtime="onnx", size=65, threads=1, unknown=0.5, palette="vivid")
    other = segmenter.beside(size=97)
    assert other.labels == segmenter.labels
    assert other.labels.names[-1] == "unknown"
    other.configure()
    assert len(other.labels) == len(segmenter.labels) - 1


def test_a_segmenter_beside_refuses_a_size_that_is_none(small):
    with pytest.raises(UsageError, match="size is a number"):
        small.beside(size=0)
