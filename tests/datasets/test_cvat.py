"""CVAT's exports, written here as its documentation describes them."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from liveseg.datasets import find_splits, open_dataset
from liveseg.errors import DataError

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>3</id><name>leaves</name><size>3</size><mode>annotation</mode><overlap>0</overlap>
      <labels>
        <label><name>leaf</name><color>#fa3253</color><type>any</type><attributes></attributes></label>
        <label><name>stem</name><color>#33ddff</color><type>any</type>
          <attributes><attribute><name>age</name><mutable>False</mutable></attribute></attributes></label>
      </labels>
    </task>
    <dumped>2025-01-01 10:00:00.000000+00:00</dumped>
  </meta>
"""
SHAPES = """
    <polygon label="stem" source="manual" occluded="0" points="4.00,2.00;20.50,2.00;20.50,12.00;4.00,12.00" z_order="1">
      <attribute name="age">3</attribute>
    </polygon>
    <mask label="leaf" source="semi-auto" occluded="0" rle="2, 4, 1, 5" left="10" top="6" width="6" height="2"
      z_order="2"></mask>
    <polygon label="leaf" source="manual" occluded="0" points="0.00,0.00;10.00,0.00;10.00,8.00;0.00,8.00" z_order="0">
    </polygon>
    <box label="leaf" source="manual" occluded="0" xtl="24.00" ytl="4.00" xbr="30.00" ybr="10.00" z_order="0"></box>
    <polyline label="leaf" source="manual" occluded="0" points="0.0,20.0;30.0,20.0" z_order="4"></polyline>
"""
POLYGON = [4, 2, 20.5, 2, 20.5, 12, 4, 12]


def image(name, body="", number=0, **more):
    added = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'  <image id="{number}" name="{name}"{added} width="32" height="24">{body}</image>\n'


def write(path, *images):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(images) + "</annotations>\n", encoding="utf-8")
    return path


@pytest.fixture
def task(tmp_path, photo):
    for name in ("a.jpg", "b/c.jpg"):
        photo(tmp_path / "images" / name)
    write(tmp_path / "annotations.xml", image("a.jpg", SHAPES), image("b/c.jpg", number=1))
    return tmp_path


def by_pycocotools(points):
    return coco_mask.decode(coco_mask.frPyObjects([points], 24, 32))[:, :, 0].astype(bool)


def test_shapes_are_drawn_by_their_z_order_with_the_labels_of_the_task(task):
    found = open_dataset(task)
    assert (found.layout, found.labels.names) == ("cvat", ("background", "leaf", "stem"))
    assert found.labels.palette == ((0, 0, 0), (250, 50, 83), (51, 221, 255))
    assert [sample.key for sample in found] == ["a", "b/c"]
    expected = np.zeros((24, 32), np.uint8)
    expected[by_pycocotools([0, 0, 10, 0, 10, 8, 0, 8])] = 1
    expected[4:10, 24:30] = 1
    expected[by_pycocotools(POLYGON)] = 2
    expected[6, 12:16] = 1
    expected[7, 11:16] = 1
    np.testing.assert_array_equal(found.samples[0].read_mask(), expected)
    assert not found.samples[1].read_mask().any()
    assert found.notes == (
        "1 lines, points, skeletons and cuboids enclose nothing and are left out",
        "1 photos have no shapes; they are background all over",
    )
    assert find_splits(task) == ()


def test_the_file_itself_may_be_named_and_its_photos_elsewhere(task):
    (task / "images").rename(task / "photos")
    (task / "empty").mkdir()
    with pytest.raises(DataError, match=r"none of the 2 photos that .* names is there, such as 'a\.jpg'"):
        open_dataset(task / "annotations.xml", images="empty")
    found = open_dataset(task / "annotations.xml", images=task / "photos")
    assert found.samples[1].image == task / "photos" / "b" / "c.jpg"


def test_a_projects_subsets_are_its_parts(tmp_path, photo):
    photo(tmp_path / "images" / "Train" / "a.jpg")
    photo(tmp_path / "images" / "Validation" / "a.jpg", 3)
    write(tmp_path / "annotations.xml", image("a.jpg", SHAPES, subset="Train"), image("a.jpg", subset="Validation"))
    assert find_splits(tmp_path) == ("train", "val")
    found = open_dataset(tmp_path, split="val")
    assert [(sample.key, sample.image.parent.name) for sample in found] == [("a", "Validation")]
    assert [sample.key for sample in open_dataset(tmp_path)] == ["Train/a", "Validation/a"]


def test_boxes_are_filled_and_turned(tmp_path, photo):
    photo(tmp_path / "images" / "a.jpg")
    box = '<box label="leaf" xtl="10" ytl="4" xbr="20" ybr="6" rotation="90.00" z_order="0"/>'
    write(tmp_path / "annotations.xml", image("a.jpg", box))
    expected = np.zeros((24, 32), np.uint8)
    expected[0:10, 14:16] = 1
    np.testing.assert_array_equal(open_dataset(tmp_path).samples[0].read_mask(), expected)


def test_ellipses_are_filled_but_for_their_very_border(tmp_path, photo):
    photo(tmp_path / "images" / "a.jpg")
    ellipse = '<ellipse label="leaf" cx="16" cy="12" rx="4" ry="8" rotation="90" z_order="0"/>'
    write(tmp_path / "annotations.xml", image("a.jpg", ellipse))
    y, x = np.mgrid[:24, :32] + 0.5
    distance = ((x - 16) / 8) ** 2 + ((y - 12) / 4) ** 2
    sure = abs(distance - 1) > 0.3
    np.testing.assert_array_equal(open_dataset(tmp_path).samples[0].read_mask()[sure], distance[sure] < 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotations><track/></annotations>", 'holds tracks of a video; export the task as "CVAT for images 1.1"'),
        ("<annotations>", "cannot be read as CVAT's XML: no element found"),
        ("<annotations></annotations>", "names no images; export the task"),
        (HEAD + image("a.jpg", '<polygon label="root" points="1,1;2,2;3,1"/>') + "</annotations>", "the label 'root'"),
        (HEAD + image("a.jpg", '<polygon label="leaf" points="1,1;2"/>') + "</annotations>", "at image 'a.jpg': "),
        (HEAD + image("a.jpg", '<mask label="leaf" rle="3"/>') + "</annotations>", "there is no 'left'"),
    ],
)
def test_a_file_that_is_none_is_told_by_its_name(text, message, task):
    (task / "annotations.xml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"annotations\.xml.*{message}"):
        open_dataset(task)


@pytest.fixture
def masks(tmp_path, photo, regions, write_mask):
    """The export "Segmentation mask 1.1", with images."""
    lines = "# label:color_rgb:parts:actions\nleaf:250,50,83::\nbackground:0,0,0::\nstem:51,221,255::\n"
    (tmp_path / "labelmap.txt").write_text(lines, encoding="utf-8")
    colors = np.zeros((256, 3), np.uint8)
    colors[[1, 2]] = (250, 50, 83), (51, 221, 255)
    photo(tmp_path / "JPEGImages" / "a.jpg")
    write_mask(tmp_path / "SegmentationClass" / "a.png", colors[regions(0, 2, 1)])
    write_mask(tmp_path / "SegmentationObject" / "a.png", colors[regions(0, 2, 1)])
    (tmp_path / "ImageSets" / "Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Segmentation" / "default.txt").write_text("a\n", encoding="utf-8")
    return tmp_path


def test_masks_in_colours_are_read_by_the_label_map(masks, regions):
    found = open_dataset(masks)
    assert (found.layout, found.labels.names) == ("cvat", ("background", "leaf", "stem"))
    assert find_splits(masks) == ()
    np.testing.assert_array_equal(found.samples[0].read_mask(), regions(0, 2, 1))


def test_masks_of_one_channel_hold_the_places_of_the_lines(masks, regions, write_mask):
    write_mask(masks / "SegmentationClass" / "a.png", regions(1, 2, 0))
    np.testing.assert_array_equal(open_dataset(masks).samples[0].read_mask(), regions(0, 2, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("leaf:0,0", "is no label map: write lines like leaf:0,128,0::"),
        ("leaf", "is no label map"),
        ("leaf:1,1,1::\nstem:1,1,1::", "gives one colour to two labels"),
    ],
)
def test_a_label_map_that_is_none_is_told(text, message, masks):
    (masks / "labelmap.txt").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        open_dataset(masks)
