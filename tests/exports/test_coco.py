"""COCO annotations, read by pycocotools as its users do."""

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from liveseg.exports import coco
from liveseg.exports.polygons import polygons
from liveseg.labels import PASCAL_VOC

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 3))
CLASSES = range(1, 21)


@pytest.fixture(scope="module")
def masks():
    """Two frames: `(48, 64)`, with discs of three classes, of which one has a hole."""
    made = []
    for shift in (0, 9):
        mask = np.zeros((48, 64), np.uint8)
        cv2.circle(mask, (20 + shift, 24), 18, 15, -1)
        cv2.circle(mask, (20 + shift, 24), 7, 0, -1)
        cv2.circle(mask, (20 + shift, 24), 3, 8, -1)
        cv2.circle(mask, (58, 40), 9, 15, -1)
        made.append(mask)
    return made


def load(tmp_path, document):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return COCO(path)


def whole(masks, annotate):
    """A document of several frames, made piece by piece as for a video."""
    document = coco.header(PASCAL_VOC, CLASSES) | {"images": [], "annotations": []}
    for number, mask in enumerate(masks):
        image_id = number + 1
        entry = coco.image(image_id, 64, 48, "clip.mp4", frame=number, timestamp=Fraction(number, 25))
        document["images"].append(entry)
        document["annotations"] += annotate(mask, image_id, len(document["annotations"]) + 1)
    return document


def by_class(mask, image_id, first_id):
    return coco.class_annotations(mask, PASCAL_VOC, CLASSES, image_id=image_id, first_id=first_id)


def by_region(mask, image_id, first_id):
    found = polygons(mask, PASCAL_VOC, CLASSES)
    return coco.region_annotations(found, *mask.shape[::-1], image_id=image_id, first_id=first_id)


def by_polygon(mask, image_id, first_id):
    return coco.polygon_annotations(polygons(mask, PASCAL_VOC, CLASSES), image_id=image_id, first_id=first_id)


def read_back(loaded, image_id, shape):
    mask = np.zeros(shape, np.uint8)
    for annotation in loaded.loadAnns(loaded.getAnnIds(imgIds=[image_id])):
        mask[loaded.annToMask(annotation) == 1] = annotation["category_id"]
    return mask


@pytest.mark.parametrize(("annotate", "count"), [(by_class, 4), (by_region, 6), (by_polygon, 6)])
def test_pycocotools_reads_the_same_masks(masks, annotate, count, tmp_path):
    loaded = load(tmp_path, whole(masks, annotate))
    assert loaded.getAnnIds() == list(range(1, count + 1))
    assert [category["name"] for category in loaded.loadCats(loaded.getCatIds())] == list(PASCAL_VOC.names[1:])
    assert loaded.getCatIds(catNms=["person"]) == [15]
    assert len(loaded.getImgIds(catIds=[8])) == 2
    for image_id, mask in enumerate(masks, 1):
        assert np.array_equal(read_back(loaded, image_id, mask.shape), mask)
    for annotation in loaded.loadAnns(loaded.getAnnIds()):
        found = loaded.annToRLE(annotation)
        assert annotation["area"] == coco_mask.area(found)
        assert annotation["bbox"] == list(coco_mask.toBbox(found))
        assert annotation["iscrowd"] == 0


def test_a_frame_is_told_by_its_number_and_time(masks, tmp_path):
    images = load(tmp_path, whole(masks, by_class)).loadImgs([1, 2])
    assert images[1] == {
        "id": 2,
        "width": 64,
        "height": 48,
        "file_name": "clip.mp4",
        "frame": 1,
        "timestamp": 0.04,
    }
    assert coco.image(1, 4, 3, "cat.jpg").keys() == {"id", "width", "height", "file_name"}


def test_a_class_is_one_annotation_and_a_region_is_one_each(masks):
    assert [found["category_id"] for found in by_class(masks[0], 1, 1)] == [8, 15]
    assert [found["category_id"] for found in by_region(masks[0], 1, 1)] == [8, 15, 15]


def test_the_score_is_the_mean_confidence_where_it_is_wanted(masks):
    mask = masks[0]
    confidence = np.where(mask == 8, 0.5, 0.75).astype(np.float32)
    scored = coco.class_annotations(mask, PASCAL_VOC, CLASSES, confidence=confidence)
    assert [found["score"] for found in scored] == [0.5, 0.75]
    regions = polygons(mask, PASCAL_VOC, CLASSES, confidence=confidence)
    assert [found["score"] for found in coco.region_annotations(regions, 64, 48)] == [0.5, 0.75, 0.75]
    assert [found["score"] for found in coco.polygon_annotations(regions)] == [0.5, 0.75, 0.75]
    assert all("score" not in found for found in by_class(mask, 1, 1))


def test_the_background_is_annotated_only_where_it_is_asked_for(masks):
    assert 0 not in {found["category_id"] for found in by_class(masks[0], 1, 1)}
    with_it = coco.class_annotations(masks[0], PASCAL_VOC, range(21))
    assert with_it[0]["category_id"] == 0
    assert sum(found["area"] for found in with_it) == masks[0].size


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_polygons_with_cuts_are_filled_by_pycocotools_to_the_pixel(mask):
    for polygon, annotation in zip(
        polygons(mask, PASCAL_VOC, range(4)),
        coco.polygon_annotations(polygons(mask, PASCAL_VOC, range(4))),
        strict=True,
    ):
        found = coco_mask.merge(coco_mask.frPyObjects(annotation["segmentation"], *mask.shape))
        inside = coco_mask.decode(found) == 1
        assert inside.sum() == polygon.pixels
        assert (mask[inside] == polygon.index).all()


@settings(deadline=None)
@given(MASKS)
def test_regions_as_run_lengths_are_apart_and_cover_their_classes(mask):
    covered = np.zeros(mask.shape, int)
    for annotation in coco.region_annotations(polygons(mask, PASCAL_VOC, range(1, 4)), *mask.shape[::-1]):
        inside = coco_mask.decode(annotation["segmentation"]) == 1
        assert (mask[inside] == annotation["category_id"]).all()
        covered += inside
    assert np.array_equal(covered, (mask > 0).astype(int))
