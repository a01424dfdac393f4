"""What `Segmentation` makes of a mask, read with the tools that users read it with."""

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.segmentation import Segmentation
from liveseg.segmenter import Segmenter

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAT, PERSON = 8, 15


@pytest.fixture(scope="module")
def cat(samples):
    """A real picture, segmented."""
    return Segmenter()(samples / "image_1.jpg")


@pytest.fixture
def frame():
    """A frame as it comes from a mask file: without logits, `(6, 8)`, a cat with a hole and a person."""
    mask = np.zeros((6, 8), np.uint8)
    mask[1:5, 1:5] = CAT
    mask[2, 2] = 0
    mask[3:, 6:] = PERSON
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    stored = np.where(mask == CAT, 51, 255).astype(np.uint8)
    return Segmentation(image, mask, PASCAL_VOC, logits=None, timestamp=Fraction(1001, 30000), stored_confidence=stored)


def without_confidence(found):
    return Segmentation(found.image, found.mask, found.labels, logits=None)


def read_coco(tmp_path, document):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return COCO(path)


def test_the_palette_image_is_what_save_mask_writes(cat, tmp_path):
    image = cat.palette_image()
    assert image.mode == "P"
    assert np.array_equal(np.array(image), cat.mask)
    assert np.array_equal(np.array(image.convert("RGB")), cat.color_mask())
    with Image.open(cat.save_mask(tmp_path / "cat.png")) as written:
        assert written.mode == "P"
        assert written.getpalette() == image.getpalette()
        assert np.array_equal(np.array(written), cat.mask)


def test_areas_have_a_mean_confidence_where_it_is_asked_for(cat, frame):
    assert all(area.mean_confidence is None for area in cat.areas())
    for area in cat.areas(confidence=True):
        own = cat.confidence[cat.mask == area.index]
        assert area.mean_confidence == pytest.approx(own.mean(dtype=np.float64))
    assert {area.name: round(area.mean_confidence, 3) for area in frame.areas(confidence=True)} == {
        "background": 1.0,
        "cat": 0.2,
        "person": 1.0,
    }
    with pytest.raises(UsageError):
        without_confidence(frame).areas(confidence=True)


def test_rows_of_areas_tell_the_frame_and_its_time(frame):
    rows = frame.area_rows(12, confidence=True)
    assert [(row["frame"], row["timestamp"], row["class"], row["pixels"]) for row in rows] == [
        (12, 1001 / 30000, "background", 27),
        (12, 1001 / 30000, "cat", 15),
        (12, 1001 / 30000, "person", 6),
    ]
    assert rows[1]["mean_confidence"] == pytest.approx(0.2)


def test_polygons_leave_the_background_out_unless_it_is_asked_for(frame):
    assert [(p.name, p.pixels, len(p.holes)) for p in frame.polygons()] == [("cat", 15, 1), ("person", 6, 0)]
    assert [p.name for p in frame.polygons(["person"])] == ["person"]
    assert sum(p.pixels for p in frame.polygons(["background", "cat", "person"])) == frame.mask.size
    with pytest.raises(UsageError, match="no class named 'cats'"):
        frame.polygons(["cats"])
    for polygon in frame.polygons(confidence=True):
        assert polygon.mean_confidence == pytest.approx(0.2 if polygon.name == "cat" else 1.0)


def test_without_a_background_every_class_is_an_object():
    labels = LabelSet(("road", "sky"), ((1, 2, 3), (4, 5, 6)), background=False)
    mask = np.array([[1, 1], [0, 0]], np.uint8)
    found = Segmentation(np.zeros((2, 2, 3), np.uint8), mask, labels, logits=None)
    assert [p.name for p in found.polygons()] == ["road", "sky"]
    assert [category["id"] for category in found.coco("a.png")["categories"]] == [0, 1]


def test_the_geojson_of_a_picture_gives_its_mask_back_by_opencv(cat):
    document = json.loads(json.dumps(cat.geojson(confidence=True)))
    height, width = cat.mask.shape
    assert document["image"] == {"width": width, "height": height}
    canvas = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    for feature in document["features"]:
        rings = [2 * np.array(ring) for ring in feature["geometry"]["coordinates"]]
        cv2.fillPoly(canvas, rings, feature["properties"]["class_index"])
        assert 0 < feature["properties"]["mean_confidence"] <= 1
    assert np.array_equal(canvas[1::2, 1::2], cat.mask)
    assert [feature["properties"]["timestamp"] for feature in document["features"]] == [None] * len(
        document["features"]
    )


def test_the_geojson_of_a_frame_tells_its_number_and_time(frame):
    properties = frame.geojson(["person"], frame=12)["features"][0]["properties"]
    assert (properties["frame"], properties["timestamp"]) == (12, 1001 / 30000)


def test_fewer_points_and_no_small_regions_where_they_are_not_wanted(cat):
    exact, plain = cat.geojson(["cat"]), cat.geojson(["cat"], simplify=1.5, min_area=50)
    assert len(json.dumps(plain)) < len(json.dumps(exact)) / 3
    assert all(feature["properties"]["pixels"] >= 50 for feature in plain["features"])


@pytest.mark.parametrize("instances", [False, True])
def test_pycocotools_reads_the_mask_of_a_picture(cat, instances, tmp_path):
    loaded = read_coco(tmp_path, cat.coco("image_1.jpg", instances=instances, confidence=True))
    assert loaded.loadImgs([1])[0]["file_name"] == "image_1.jpg"
    back = np.zeros_like(cat.mask)
    for annotation in loaded.loadAnns(loaded.getAnnIds(imgIds=[1])):
        back[loaded.annToMask(annotation) == 1] = annotation["category_id"]
        assert 0 < annotation["score"] <= 1
    assert np.array_equal(back, cat.mask)


def test_pycocotools_reads_the_polygons_of_a_picture(cat, frame, tmp_path):
    for found in (cat, frame):
        document = found.coco("a.png") | {"annotations": found.coco_polygons()}
        loaded = read_coco(tmp_path, document)
        back = np.zeros_like(found.mask)
        for annotation in loaded.loadAnns(loaded.getAnnIds()):
            back[loaded.annToMask(annotation) == 1] = annotation["category_id"]
        assert np.array_equal(back, found.mask)


def test_annotations_of_several_frames_are_numbered_on(frame):
    first = frame.coco_annotations(image_id=3, first_id=7)
    assert [(found["id"], found["image_id"], found["category_id"]) for found in first] == [(7, 3, CAT), (8, 3, PERSON)]
    assert [found["id"] for found in frame.coco_polygons(image_id=4, first_id=9)] == [9, 10]
    assert [found["category_id"] for found in frame.coco_annotations(["person"])] == [PERSON]


def test_a_cutout_is_opaque_inside_the_foreground_and_transparent_far_from_it(cat):
    cutout = cat.cutout(["cat"])
    assert (cutout.shape, cutout.dtype) == ((*cat.mask.shape, 4), np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41))
    is_cat = (cat.mask == CAT).astype(np.uint8)
    inside, near = cv2.erode(is_cat, disc) == 1, cv2.dilate(is_cat, disc) == 1
    assert (cutout[inside, 3] == 255).all()
    assert (cutout[~near, 3] == 0).all()
    opaque = cutout[..., 3] == 255
    assert np.array_equal(cutout[opaque][:, :3], cat.image[opaque])
    soft = (cutout[..., 3] > 0) & ~opaque
    assert 0 < soft.mean() < 0.1


def test_opencv_reads_a_cutout_with_its_alpha_and_a_mask_in_its_colours(cat, tmp_path):
    Image.fromarray(cat.cutout()).save(tmp_path / "cutout.png")
    read = cv2.imread(str(tmp_path / "cutout.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(read, cv2.COLOR_BGRA2RGBA), cat.cutout())
    read = cv2.imread(str(cat.save_mask(tmp_path / "mask.png")), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), cat.color_mask())


def test_a_cutout_has_all_known_classes_unless_some_are_named(frame):
    labels = PASCAL_VOC.with_unknown()
    for kept in (0, CAT, len(PASCAL_VOC)):
        found = Segmentation(frame.image, np.full((6, 8), kept, np.uint8), labels, logits=None)
        assert (found.cutout()[..., 3] == (255 if kept == CAT else 0)).all()
        assert (found.cutout([kept])[..., 3] == 255).all()
        assert (found.cutout(["person"])[..., 3] == 0).all()


def test_an_archive_has_the_mask_and_its_confidence_and_the_logits_where_they_are_wanted(cat, frame, tmp_path):
    with np.load(cat.save_npz(tmp_path / "cat.npz", logits=True), allow_pickle=False) as found:
        assert np.array_equal(found["mask"], cat.mask)
        assert np.array_equal(found["confidence"], cat.confidence_image())
        assert np.array_equal(found["logits"], cat.logits)
        assert bool(found["align_corners"]) is cat.align_corners
        assert "timestamp" not in found
    with np.load(frame.save_npz(tmp_path / "frame.npz"), allow_pickle=False) as found:
        assert found["timestamp"].tolist() == [1001, 30000]
        assert "logits" not in found
    with pytest.raises(UsageError):
        frame.save_npz(tmp_path / "frame.npz", logits=True)
    bare = without_confidence(frame)
    with pytest.raises(UsageError):
        bare.save_npz(tmp_path / "frame.npz")
    with np.load(bare.save_npz(tmp_path / "bare.npz", confidence=False), allow_pickle=False) as found:
        assert "confidence" not in found
