"""Label Studio's JSON export, written here as its documentation describes it."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from liveseg.datasets import find_splits, open_dataset
from liveseg.errors import DataError, UsageError

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 24, 32


def region(kind, value, **more):
    given = {"id": "x", "type": kind, "from_name": "label", "to_name": "image", "origin": "manual", "image_rotation": 0}
    return given | {"original_width": WIDTH, "original_height": HEIGHT, "value": value} | more


def polygon(label, points, **more):
    return region("polygonlabels", {"points": points, "closed": True, "polygonlabels": [label]}, **more)


def brush(label, ones):
    """A stroke as the browser packs it: its canvas, red, green, blue and opacity of each pixel in turn."""
    canvas = np.zeros((*ones.shape, 4), np.uint8)
    canvas[ones] = (200, 30, 40, 128)
    flat = canvas.reshape(-1)
    bits = f"{flat.size:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    for value, length in runs(flat.tolist()):
        sort, size = next((sort, size) for sort, size in enumerate((3, 4, 8, 16)) if length <= 1 << size)
        bits += f"{int(length > 1)}{sort:02b}{length - 1:0{size}b}{value:08b}"
    bits += "0" * (-len(bits) % 8)
    rle = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    return region("brushlabels", {"format": "rle", "rle": rle, "brushlabels": [label]})


def runs(values):
    found = []
    for value in values:
        if found and found[-1][0] == value:
            found[-1][1] += 1
        else:
            found.append([value, 1])
    return found


def task(number, name, *results, **more):
    annotations = [{"id": place, "was_cancelled": False, "ground_truth": False, "result": result}
                   for place, result in enumerate(results)]  # fmt: skip
    return {"id": number, "annotations": annotations, "file_upload": name, "data": {"image": name}} | more


TRIANGLE = [[10, 10], [80, 20], [40, 90]]
STROKE = np.zeros((HEIGHT, WIDTH), bool)
STROKE[4:9, 10:20] = True
STROKE[20, 31] = True


def triangle():
    points = [[x * WIDTH / 100, y * HEIGHT / 100] for x, y in TRIANGLE]
    return coco_mask.decode(coco_mask.frPyObjects([np.ravel(points).tolist()], HEIGHT, WIDTH))[:, :, 0].astype(bool)


@pytest.fixture
def export(tmp_path, photo, write_json):
    photo(tmp_path / "images" / "0a1b2c3d-a.jpg")
    photo(tmp_path / "images" / "b c.png", 3)
    photo(tmp_path / "images" / "c.jpg", 5)
    tasks = [
        task(1, "/data/upload/4/0a1b2c3d-a.jpg", [polygon("leaf", TRIANGLE), brush("bud", STROKE)]),
        task(2, "/data/upload/4/11223344-b%20c.png", []),
        task(3, "/data/local-files/?d=photos%5Cc.jpg", [brush("leaf", STROKE), polygon("bud", TRIANGLE)]),
        task(4, "/data/upload/4/d.jpg"),
    ]
    return write_json(tmp_path / "project-4.json", tasks)


def test_polygons_and_brush_strokes_are_drawn_in_their_order(export):
    found = open_dataset(export)
    assert (found.layout, found.labels.names) == ("labelstudio", ("background", "bud", "leaf"))
    assert [sample.key for sample in found] == ["0a1b2c3d-a", "11223344-b c", "photos/c"]
    assert [sample.image.name for sample in found] == ["0a1b2c3d-a.jpg", "b c.png", "c.jpg"]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[triangle()] = 2
    expected[STROKE] = 1
    np.testing.assert_array_equal(found.samples[0].read_mask(), expected)
    assert not found.samples[1].read_mask().any()
    expected = 2 * STROKE.astype(np.uint8)
    expected[triangle()] = 1
    np.testing.assert_array_equal(found.samples[2].read_mask(), expected)
    assert found.notes == (
        "the export does not list its classes; in it occur bud, leaf",
        "1 tasks are not labelled and left out",
    )


def test_the_folder_may_be_named_and_labels_give_the_order(export):
    found = open_dataset(export.parent, labels=["background", "leaf", "stem", "bud"])
    assert found.labels.names == ("background", "leaf", "stem", "bud")
    assert set(np.unique(found.samples[0].read_mask())) == {0, 1, 3}
    assert find_splits(export.parent) == ()
    with pytest.raises(UsageError, match="has no part 'val'; it has no parts"):
        open_dataset(export, split="val")


def test_a_shape_and_its_class_may_be_two_entries(export, write_json):
    shape = region("polygon", {"points": TRIANGLE})
    named = region("labels", {"points": TRIANGLE, "labels": ["leaf"]})
    box = region("rectanglelabels", {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["leaf"]})
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    write_json(export, [task(1, "c.jpg", [shape, named, box, choice])])
    found = open_dataset(export)
    np.testing.assert_array_equal(found.samples[0].read_mask(), triangle())
    assert found.notes[-1] == "1 regions are neither polygons nor brush strokes and left out"


def test_of_several_annotations_the_ground_truth_counts_and_then_the_latest(export, write_json):
    entry = task(1, "c.jpg", [polygon("first", TRIANGLE)], [polygon("second", TRIANGLE)], [polygon("third", TRIANGLE)])
    first, second, third = entry["annotations"]
    third["was_cancelled"] = True
    assert open_dataset(write_json(export, [entry])).labels.names[1] == "second"
    first["updated_at"], second["updated_at"] = "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z"
    assert open_dataset(write_json(export, [entry])).labels.names[1] == "first"
    second["ground_truth"] = True
    assert open_dataset(write_json(export, [entry])).labels.names[1] == "second"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (task(5, "c.jpg", [polygon("leaf", TRIANGLE, image_rotation=90)]), "at task 5: its photo was turned by 90 deg"),
        (task(5, "c.jpg", [polygon("leaf", [[1, 2], [3]])]), "at task 5: "),
        (task(5, "c.jpg", [region("brushlabels", {"rle": [999], "brushlabels": ["leaf"]})]), "at task 5: "),
        (task(5, "song.mp3", []), "at task 5: its data names no photo"),
        (
            task(5, "c.jpg", [polygon("a", TRIANGLE), polygon("a", TRIANGLE, original_width=9)]),
            "photos of several sizes",
        ),
        ({"id": 5, "annotations": [{"result": []}]}, "at task 5: there is no 'data'"),
        (task(5, "c.jpg"), "has no task that is labelled"),
    ],
)
def test_a_task_that_makes_no_sense_is_told_by_its_number(entry, message, export, write_json):
    write_json(export, [entry])
    with pytest.raises(DataError, match=message):
        open_dataset(export)


def test_a_list_of_something_else_is_none(export, write_json):
    write_json(export, [task(1, "c.jpg", []), 3])
    with pytest.raises(DataError, match="is no JSON export of Label Studio: an entry of its list is no task"):
        open_dataset(export)
    write_json(export, [1, 2])
    with pytest.raises(DataError, match="is no data set that is known"):
        open_dataset(export)
