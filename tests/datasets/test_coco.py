"""COCO's JSON, compared with pycocotools and with what torchvision's reference says of it."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from liveseg.datasets import find_splits, map_to, open_dataset
from liveseg.errors import DataError, UsageError
from liveseg.labels import PASCAL_VOC

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 24, 32
TRIANGLE = [2.4, 3.1, 20.7, 5.5, 9.2, 21.3]
OTHER = [15.0, 2.0, 30.5, 2.0, 30.5, 20.0, 15.0, 20.0]
SMALL = [24.0, 1.0, 28.0, 1.0, 26.0, 5.5]

REFERENCE = [0, 5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1, 64, 20, 63, 7, 72]
"""The category ids of torchvision's segmentation reference, by Pascal VOC's class."""

NAMES = (
    "1 person,2 bicycle,3 car,4 motorcycle,5 airplane,6 bus,7 train,8 truck,9 boat,10 traffic light,11 fire "
    "hydrant,13 stop sign,14 parking meter,15 bench,16 bird,17 cat,18 dog,19 horse,20 sheep,21 cow,22 elephant,23 "
    "bear,24 zebra,25 giraffe,27 backpack,28 umbrella,31 handbag,32 tie,33 suitcase,34 frisbee,35 skis,36 "
    "snowboard,37 sports ball,38 kite,39 baseball bat,40 baseball glove,41 skateboard,42 surfboard,43 tennis "
    "racket,44 bottle,46 wine glass,47 cup,48 fork,49 knife,50 spoon,51 bowl,52 banana,53 apple,54 sandwich,55 "
    "orange,56 broccoli,57 carrot,58 hot dog,59 pizza,60 donut,61 cake,62 chair,63 couch,64 potted plant,65 "
    "bed,67 dining table,70 toilet,72 tv,73 laptop,74 mouse,75 remote,76 keyboard,77 cell phone,78 microwave,79 "
    "oven,80 toaster,81 sink,82 refrigerator,84 book,85 clock,86 vase,87 scissors,88 teddy bear,89 hair drier,90 "
    "toothbrush"
)
CATEGORIES = [
    {"id": int(number), "name": name, "supercategory": "thing"}
    for number, name in (entry.split(" ", 1) for entry in NAMES.split(","))
]


def packed(*box):
    left, top, right, bottom = box
    ones = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    ones[top:bottom, left:right] = 1
    made = coco_mask.encode(ones)
    return {"size": list(made["size"]), "counts": made["counts"].decode()}


def unpacked(*box):
    """The same with the lengths as numbers, as COCO's crowds have them."""
    left, top, right, bottom = box
    ones = np.zeros((HEIGHT, WIDTH), np.uint8)
    ones[top:bottom, left:right] = 1
    flat = ones.ravel("F")
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flat.astype(int))))).tolist()
    return {"size": [HEIGHT, WIDTH], "counts": np.diff([0, *edges, flat.size]).tolist()}


def decoded(segmentation):
    made = coco_mask.frPyObjects(segmentation, HEIGHT, WIDTH) if not isinstance(segmentation, dict) else segmentation
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], list):
        made = coco_mask.frPyObjects(segmentation, HEIGHT, WIDTH)
    ones = coco_mask.decode(made)
    return ones.any(axis=2) if ones.ndim == 3 else ones.astype(bool)


def annotation(image, category, segmentation, *, crowd=0, area=1500):
    box = {"image_id": image, "category_id": category, "iscrowd": crowd, "area": area, "bbox": [0, 0, 1, 1]}
    return box | {"segmentation": segmentation}


ANNOTATIONS = [
    annotation(7, 1, [TRIANGLE, SMALL]),
    annotation(7, 18, [OTHER]),
    annotation(7, 1, packed(0, 10, 12, 14)),
    annotation(7, 44, unpacked(3, 20, 30, 24), crowd=1),
    annotation(7, 90, [[0, 0, 31, 0, 31, 4]]),
    annotation(9, 90, [TRIANGLE]),
]


def document(annotations=ANNOTATIONS, categories=CATEGORIES, numbers=(12, 7, 9)):
    images = [{"id": n, "file_name": f"{n:012}.jpg", "height": HEIGHT, "width": WIDTH} for n in numbers]
    entries = [{"id": number} | entry for number, entry in enumerate(annotations, 1)]
    return {"info": {}, "licenses": [], "images": images, "annotations": entries, "categories": categories}


def test_of_two_years_of_one_part_none_is_lost(coco, photo, write_json):
    photo(coco / "val2014" / "000000000007.jpg", 1)
    entries = {"images": [{"id": 7, "file_name": "000000000007.jpg"}], "annotations": []}
    write_json(coco / "annotations" / "instances_val2014.json", document() | entries)
    assert set(find_splits(coco)) == {"val", "val2014"}
    assert len(open_dataset(coco, split="val")) == 3
    assert [sample.key for sample in open_dataset(coco, split="val2014")] == ["000000000007"]
    assert len(open_dataset(coco)) == 4


@pytest.fixture
def coco(tmp_path, photo, write_json):
    """COCO's own layout: `annotations/instances_val2017.json` and `val2017/`, with three photos."""
    for number in (7, 9, 12):
        photo(tmp_path / "val2017" / f"{number:012}.jpg", number)
    write_json(tmp_path / "annotations" / "instances_val2017.json", document())
    return tmp_path


def by_reference(entries):
    """What `ConvertCocoPolysToMask` of torchvision's reference makes of annotations."""
    kept = [entry for entry in entries if entry["category_id"] in REFERENCE]
    if not kept:
        return np.zeros((HEIGHT, WIDTH), np.uint8)
    masks = np.stack([decoded(entry["segmentation"]) for entry in kept])
    classes = np.array([REFERENCE.index(entry["category_id"]) for entry in kept])
    target = (masks * classes[:, None, None]).max(axis=0)
    target[masks.sum(axis=0) > 1] = 255
    return target.astype(np.uint8)


def test_polygons_and_run_lengths_are_drawn_in_their_order_as_pycocotools_draws_them(coco):
    found = open_dataset(coco)
    assert (found.layout, len(found.labels)) == ("coco", 81)
    assert found.labels.names[:3] == ("background", "person", "bicycle")
    assert [sample.key for sample in found] == ["000000000007", "000000000009", "000000000012"]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    for entry in ANNOTATIONS[:5]:
        index = [category["id"] for category in CATEGORIES].index(entry["category_id"]) + 1
        expected[decoded(entry["segmentation"])] = index
    assert {1, 17, 40, 80} <= set(np.unique(expected))
    np.testing.assert_array_equal(found.samples[0].read_mask(), expected)
    assert not found.samples[2].read_mask().any()
    assert found.notes == ("1 photos of instances_val2017.json have no objects; they are background all over",)


def test_pascal_vocs_classes_are_those_of_torchvisions_reference(coco):
    found = open_dataset(coco, labels="voc")
    assert found.labels == PASCAL_VOC
    for sample, number in zip(found, (7, 9, 12), strict=True):
        expected = by_reference([entry for entry in ANNOTATIONS if entry["image_id"] == number])
        np.testing.assert_array_equal(sample.read_mask(), expected)
    assert set(np.unique(found.samples[0].read_mask())) == {0, 5, 12, 15, 255}
    as_model = map_to(open_dataset(coco), PASCAL_VOC)
    np.testing.assert_array_equal(as_model.samples[0].read_mask(), found.samples[0].read_mask())


def test_for_training_photos_with_few_pixels_are_left_out_as_in_the_reference(coco, write_json):
    entries = [
        annotation(7, 1, [TRIANGLE], area=600),
        annotation(7, 3, [OTHER], area=401, crowd=1),
        annotation(9, 1, [TRIANGLE], area=1000),
        annotation(12, 90, [TRIANGLE], area=5000),
    ]
    for part in ("train", "val"):
        write_json(coco / "annotations" / f"instances_{part}2017.json", document(entries))
    (coco / "val2017").rename(coco / "images")
    assert find_splits(coco) == ("train", "val")
    assert [sample.key for sample in open_dataset(coco, split="train", labels="voc")] == ["000000000007"]
    assert len(open_dataset(coco, split="val", labels="voc")) == 3
    assert len(open_dataset(coco, split="train")) == 3
    assert len(open_dataset(coco)) == 6


def test_own_categories_are_numbered_by_their_ids_after_background(coco, write_json):
    own = [{"id": 9, "name": "stem"}, {"id": 2, "name": "leaf"}]
    entries = [annotation(7, 2, [TRIANGLE]), annotation(7, 9, TRIANGLE)]
    file = write_json(coco / "mine.json", document(entries, own))
    found = open_dataset(file, images=coco / "val2017")
    assert found.labels.names == ("background", "leaf", "stem")
    np.testing.assert_array_equal(found.samples[0].read_mask(), 2 * decoded([TRIANGLE]))
    swapped = open_dataset(file, images=coco / "val2017", labels=["background", "stem", "leaf"])
    np.testing.assert_array_equal(swapped.samples[0].read_mask(), decoded([TRIANGLE]))


def test_a_category_called_background_is_background(coco, write_json):
    own = [{"id": 1, "name": "leaf"}, {"id": 2, "name": "Background"}]
    entries = [annotation(7, 1, [OTHER]), annotation(7, 2, [TRIANGLE])]
    found = open_dataset(write_json(coco / "coco.json", document(entries, own)), images=coco / "val2017")
    assert found.labels.names == ("Background", "leaf")
    expected = decoded([OTHER]) & ~decoded([TRIANGLE])
    np.testing.assert_array_equal(found.samples[0].read_mask(), expected)


def test_photos_are_found_by_their_name_where_the_file_has_paths_of_another_machine(coco, write_json):
    data = document()
    for entry in data["images"]:
        entry["file_name"] = f"..\\..\\data\\media\\{entry['file_name']}"
    found = open_dataset(write_json(coco / "result.json", data), layout="coco")
    assert all(sample.image.is_file() for sample in found)
    assert found.samples[0].key == "data/media/000000000007"


def test_photos_that_are_missing_are_told_all_or_some(coco, tmp_path_factory):
    (coco / "val2017" / "000000000009.jpg").unlink()
    found = open_dataset(coco)
    assert len(found) == 3
    assert found.notes[0] == "1 photos that instances_val2017.json names are not there, such as 000000000009.jpg"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "photos"
    (coco / "val2017").rename(elsewhere)
    with pytest.raises(DataError, match=r"none of the 3 photos that .* names is there, such as .*by --images"):
        open_dataset(coco)
    assert len(open_dataset(coco, images=elsewhere)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": []}, 'it has no "categories"'),
        ({"annotations": 3}, "is no COCO file: it has no lists"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}, "two classes have the same name"),
        ({"categories": [{"id": 4, "name": "a"}]}, "an object is of category 1, which is none of its categories"),
        ({"categories": [{"id": 4}]}, "there is no 'name'"),
        ({"images": [{"id": 7}]}, "at an image: there is no 'file_name'"),
        ({"images": []}, "names no photos"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}]}, "has boxes and no outlines"),
    ],
)
def test_a_file_that_is_none_is_told_by_its_name(change, message, coco, write_json):
    write_json(coco / "annotations" / "instances_val2017.json", document() | change)
    with pytest.raises(DataError, match=rf"instances_val2017\.json.*{message}"):
        open_dataset(coco)


def test_a_part_that_it_does_not_have_is_told(coco):
    assert find_splits(coco) == ("val",)
    with pytest.raises(UsageError, match="has no part 'train'; there is val"):
        open_dataset(coco, split="train")
