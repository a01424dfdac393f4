"""Masks of a file in the place of a network: the same line makes the same pictures of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liveseg import Segmenter
from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import MaskedSource, MaskReader, MaskWriter, identity_of
from liveseg.media import open_source
from liveseg.media.frame import Selection
from liveseg.pipeline import Pipeline
from liveseg.recall import Recalled
from liveseg.render.overlay import Painter


@pytest.fixture(scope="module")
def segmented(samples, tmp_path_factory):
    """What a line made of a clip, and the mask file that was written of it."""
    path = tmp_path_factory.mktemp("masks") / "m.nut"
    clip = samples / "video_2.mp4"
    results = []
    with open_source(clip, Selection(limit=12)) as source:
        options = {"identity": identity_of(clip), "confidence": True, "ran": {"model": "lite", "size": 161}}
        with MaskWriter(path, PASCAL_VOC, source.info, **options) as writer:
            for result in Pipeline(Segmenter(size=161), render=draw).run(source):
                found = result.segmentation
                writer.write(result.frame, found.mask, found.confidence_image(), grid=found.grid)
                results.append(result)
    return clip, path, results


def draw(found):
    return Painter(found.labels).overlay(found.image, found.mask, 0.6)


def test_its_pictures_and_numbers_are_those_of_the_network(segmented):
    clip, path, expected = segmented
    with MaskReader(path) as masks:
        source = MaskedSource(open_source(clip), masks.frames, str(path))
        recalled = Recalled(masks.labels, masks.header.ran, "m.nut", grid=masks.header.grid)
        with source:
            results = list(Pipeline(recalled, render=draw).run(source))
    assert len(results) == len(expected) == 12
    assert expected[-1].segmentation.mask.any()  # or nothing was drawn, and everything is equal
    for own, other in zip(results, expected, strict=True):
        assert own.timestamp == other.timestamp == own.segmentation.timestamp
        assert np.array_equal(own.picture, other.picture)
        assert np.array_equal(own.segmentation.mask, other.segmentation.mask)
        assert np.array_equal(own.segmentation.confidence_image(), other.segmentation.confidence_image())
        assert own.segmentation.areas() == other.segmentation.areas()
        assert own.segmentation.logits is None
    # A cut-out's border depends on how coarse the network's grid was.
    own, other = results[-1].segmentation, expected[-1].segmentation
    assert own.grid == other.grid
    assert np.array_equal(own.cutout(), other.cutout())
    assert (recalled.model, recalled.size, recalled.runtime) == ("lite", 161, "masks")


def test_it_knows_no_pictures_but_its_own(segmented, samples):
    recalled = Recalled(PASCAL_VOC, {}, "m.nut")
    with pytest.raises(UsageError, match="no other pictures"):
        recalled(samples / "image_1.jpg")
    with open_source(segmented[0]) as source, pytest.raises(UsageError, match="no other pictures"):
        list(Pipeline(recalled).run(source))


def test_pixels_that_were_unsure_can_be_told_apart_later(segmented):
    clip, path, expected = segmented
    with MaskReader(path) as masks:
        recalled = Recalled(masks.labels, {}, "m.nut")
        recalled.configure(unknown=0.7)
        source = MaskedSource(open_source(clip), masks.frames, str(path))
        with source:
            own = next(Pipeline(recalled).run(source)).segmentation
    confidence, mask = expected[0].segmentation.confidence_image(), expected[0].segmentation.mask
    assert own.labels.names[-1] == "unknown"
    unknown = own.mask == len(own.labels) - 1
    assert np.array_equal(unknown, confidence < 0.7 * 255)
    assert np.array_equal(own.mask[~unknown], mask[~unknown])
    assert 0 < unknown.mean() < 1


def test_what_was_unsure_is_not_known_without_confidences(segmented, tmp_path):
    clip, path, _ = segmented
    with MaskReader(path) as masks:
        bare = [replace(stored, confidence=None) for stored in masks.frames()]
        recalled = Recalled(masks.labels, {}, "m.nut")
    recalled.configure(unknown=0.7)
    with (
        MaskedSource(open_source(clip), lambda: bare, "m.nut") as source,
        pytest.raises(UsageError, match="confidence"),
    ):
        list(Pipeline(recalled).run(source))
