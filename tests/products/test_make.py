"""Whatever form a video's masks are saved in, the tools that read it get the same masks back."""

import csv
import json
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from liveseg.errors import LivesegError, MediaError, OutputExistsError, UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import MaskReader
from liveseg.media.frame import SourceInfo
from liveseg.products.kinds import wanted
from liveseg.products.make import make, make_all
from liveseg.settings.save import KINDS, Save, parse_saves

# pycocotools hands NumPy 2 an array class of NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def saved(results, making, pass_through, tmp_path):
    """`saved("areas:jsonl")`: the path of that product of the whole video."""

    def save(text):
        (one,) = parse_saves(text)
        path = tmp_path / f"clip_{one.kind}{wanted(one).extensions['video'][0]}"
        pass_through(make(one, path, making), results)
        return path

    return save


@pytest.fixture
def true_masks(results):
    """By frame number."""
    return {result.frame_index: result.segmentation.mask for result in results}


def filled(polygons, shape, value):
    """Rings along the pixels' edges, filled by OpenCV on a grid twice as fine."""
    canvas = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.uint8)
    for rings in polygons:
        cv2.fillPoly(canvas, [2 * np.array(ring, np.int32)[:-1] for ring in rings], value)
    return canvas[1::2, 1::2]


# ------------------------------------------------------------------------------------------ one truth in many forms


def test_the_mask_file_gives_the_masks_at_their_times(saved, results):
    with MaskReader(saved("mask")) as masks:
        assert masks.labels == PASCAL_VOC
        back = list(masks)
    assert [time for time, _ in back] == [result.timestamp for result in results]
    for (_, mask), result in zip(back, results, strict=True):
        assert np.array_equal(mask, result.segmentation.mask)


def test_the_mask_file_takes_the_confidences_along(saved, results):
    with MaskReader(saved("mask:confidence")) as masks:
        for stored, result in zip(masks.frames(), results, strict=True):
            assert np.array_equal(stored.confidence, result.segmentation.stored_confidence)


@pytest.mark.parametrize("form", ["coco", "polygons:coco"])
def test_pycocotools_gives_the_masks_back(saved, results, true_masks, form):
    coco = COCO(str(saved(form)))
    images = coco.loadImgs(sorted(coco.getImgIds()))
    assert [image["frame"] for image in images] == list(true_masks)
    assert [image["timestamp"] for image in images] == [float(result.timestamp) for result in results]
    assert {image["file_name"] for image in images} == {"clip.mp4"}
    for image in images:
        mask = np.zeros((image["height"], image["width"]), np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            mask[coco.annToMask(annotation) == 1] = annotation["category_id"]
        assert np.array_equal(mask, true_masks[image["frame"]])
    assert sorted(coco.anns) == list(range(1, len(coco.anns) + 1))
    assert {cat["name"] for cat in coco.loadCats(coco.getCatIds())} == set(PASCAL_VOC.names[1:])


def test_numpy_loads_each_mask_without_pickle(saved, results, true_masks):
    with np.load(saved("npz"), allow_pickle=False) as archive:
        assert archive["frames"].tolist() == list(true_masks)
        times = [Fraction(int(above), int(below)) for above, below in archive["timestamps"]]
        assert times == [result.timestamp for result in results]
        for number, mask in true_masks.items():
            assert np.array_equal(archive[f"mask_{number:06}"], mask)
        assert tuple(archive["classes"]) == PASCAL_VOC.names
        assert np.array_equal(archive["palette"], np.array(PASCAL_VOC.palette))


def test_polygons_filled_are_the_masks(saved, results, true_masks):
    features = [json.loads(line) for line in saved("polygons").read_text(encoding="utf-8").splitlines()]
    times = {result.frame_index: float(result.timestamp) for result in results}
    for number, mask in true_masks.items():
        own = [feature for feature in features if feature["properties"]["frame"] == number]
        assert all(feature["properties"]["timestamp"] == times[number] for feature in own)
        for index in range(1, len(PASCAL_VOC)):
            rings = [
                feature["geometry"]["coordinates"]
                for feature in own
                if feature["properties"]["class"] == PASCAL_VOC.names[index]
            ]
            assert np.array_equal(filled(rings, mask.shape, 1) == 1, mask == index)


@pytest.mark.parametrize("form", ["areas:csv", "areas:jsonl"])
def test_the_table_counts_the_pixels_of_the_masks(saved, results, form):
    path = saved(form)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]
    expected = []
    for result in results:
        mask, sure = result.segmentation.mask, result.segmentation.stored_confidence / 255
        for index in np.unique(mask):
            here = mask == index
            expected.append(
                (result.frame_index, PASCAL_VOC.names[index], int(here.sum()), here.mean(), sure[here].mean())
            )
    found = [
        (int(row["frame"]), row["class"], int(row["pixels"]), float(row["share"]), float(row["mean_confidence"]))
        for row in rows
    ]
    assert sorted(row[:3] for row in found) == sorted(row[:3] for row in expected)
    assert sorted(row[:2] + row[3:] for row in found) == [
        (*row[:2], pytest.approx(row[3]), pytest.approx(row[4], abs=1e-5)) for row in sorted(expected)
    ]
    times = {result.frame_index: float(result.timestamp) for result in results}
    assert all(float(row["timestamp"]) == times[int(row["frame"])] for row in rows)


# ------------------------------------------------------------------------------------------ pictures


def test_confidences_come_back_exactly_from_their_video(saved, results):
    reader = cv2.VideoCapture(str(saved("confidence")))
    for result in results:
        there, picture = reader.read()
        assert there
        assert np.array_equal(picture[..., 0], result.segmentation.stored_confidence)


def test_colours_come_back_from_their_video(saved, results):
    with av.open(str(saved("color"))) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
    assert [frame.pts * stream.time_base for frame in frames] == [
        result.timestamp - results[0].timestamp for result in results
    ]
    height, width = results[0].segmentation.mask.shape
    for frame, result in zip(frames, results, strict=True):
        picture = frame.to_ndarray(format="rgb24")[:height, :width].astype(int)
        assert np.abs(picture - result.segmentation.color_mask()).mean() < 12


@pytest.mark.parametrize(("form", "codec"), [("cutout", "prores"), ("cutout:webm", "libvpx-vp9")])
def test_what_is_cut_out_is_seen_and_nothing_else_is(saved, results, form, codec):
    height, width = results[0].segmentation.mask.shape
    with av.open(str(saved(form))) as container:
        context = av.CodecContext.create(codec, "r")
        frames = [frame for packet in container.demux(video=0) for frame in context.decode(packet)]
    for frame, result in zip(frames, results, strict=True):
        alpha = frame.to_ndarray(format="rgba")[:height, :width, 3].astype(int)
        assert np.abs(alpha - result.segmentation.cutout()[..., 3]).mean() < (1 if codec == "prores" else 12)


def test_a_cutout_keeps_colours_at_its_border_and_gives_no_background_away(making, tmp_path, results, pass_through):
    image = np.full((200, 200, 3), 90, np.uint8)
    mask = np.zeros((200, 200), np.uint8)
    mask[80:120, 80:120] = PASCAL_VOC.index("cat")
    found = replace(results[0].segmentation, image=image, mask=mask, stored_confidence=None)
    still = replace(
        making,
        info=SourceInfo("a.jpg", "image", 200, 200),
        cutout=lambda found: np.dstack([found.image, np.where(found.mask, 255, 0).astype(np.uint8)]),
    )
    path = tmp_path / "cat.png"
    pass_through(make(Save("cutout"), path, still), [replace(results[0], segmentation=found)])
    opened = Image.open(path)
    assert opened.mode == "RGBA"
    picture = np.asarray(opened)
    assert np.array_equal(picture[..., 3] == 255, mask > 0)
    assert (picture[70:130, 70:130, :3] == 90).all()
    assert not picture[:60].any()
    assert not picture[:, 140:].any()


def test_another_cutout_can_be_asked_for(making, tmp_path, results, pass_through):
    def half(found):
        return np.dstack([found.image, np.full(found.mask.shape, 128, np.uint8)])

    still = replace(making, info=SourceInfo("a.jpg", "image", 61, 45), cutout=half)
    pass_through(make(Save("cutout"), tmp_path / "a.png", still), results[:1])
    assert (np.asarray(Image.open(tmp_path / "a.png"))[..., 3] == 128).all()


# ------------------------------------------------------------------------------------------ an image


def test_every_kind_of_an_image_opens_in_what_it_is_for(making, tmp_path, results, pass_through):
    height, width = results[0].segmentation.mask.shape
    still = replace(making, info=SourceInfo("a.jpg", "image", width, height), file_name="a.jpg")
    found = replace(results[0].segmentation, timestamp=None)
    paths = {}
    for kind, forms in KINDS.items():
        for form in forms or ("",):
            if kind == "overlay":
                continue
            save = Save(kind, form or None)
            path = paths[str(save)] = tmp_path / f"{kind}_{form}{wanted(save).extensions['image'][0]}"
            pass_through(make(save, path, still), [replace(results[0], segmentation=found)])
    mask = found.mask
    assert np.array_equal(np.asarray(Image.open(paths["mask:confidence"])), mask)
    assert np.array_equal(np.asarray(Image.open(paths["confidence"])), found.stored_confidence)
    assert np.array_equal(np.asarray(Image.open(paths["color"])), PASCAL_VOC.colors[mask])
    with np.load(paths["npz"], allow_pickle=False) as archive:
        assert np.array_equal(archive["mask"], mask)
    for form in ("coco", "polygons:coco"):
        coco = COCO(str(paths[form]))
        (image,) = coco.loadImgs(coco.getImgIds())
        assert image == {"id": 1, "width": width, "height": height, "file_name": "a.jpg"}
        for annotation in coco.loadAnns(coco.getAnnIds()):
            assert not (coco.annToMask(annotation) * (mask != annotation["category_id"])).any()
    document = json.loads(paths["polygons:geojson"].read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    (row, *_) = csv.DictReader(paths["areas:csv"].read_text(encoding="utf-8").splitlines())
    assert (row["frame"], row["timestamp"], row["class"]) == ("0", "", "background")


# ------------------------------------------------------------------------------------------ whole or not there


EVERY = [f"{kind}:{form}" if form else kind for kind, forms in KINDS.items() for form in forms or ("",)]
EVERY.remove("overlay")


@pytest.mark.parametrize("form", EVERY)
def test_an_aborted_product_leaves_nothing_and_a_whole_one_its_file(form, making, results, tmp_path, pass_through):
    (save,) = parse_saves(form)
    path = tmp_path / "deep" / f"x{wanted(save).extensions['video'][0]}"

    def broken():
        with make(save, path, making) as product:
            product.write(results[0], product.prepare(results[0].segmentation))
            raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        broken()
    assert list(path.parent.iterdir()) == []
    pass_through(make(save, path, making), results)
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(OutputExistsError, match="--overwrite"):
        make(save, path, making)
    before = path.stat().st_ino
    pass_through(make(save, path, replace(making, overwrite=True)), results)
    assert path.stat().st_ino != before


@pytest.mark.parametrize("form", EVERY)
def test_a_source_without_frames_makes_no_file(form, making, tmp_path, pass_through):
    (save,) = parse_saves(form)
    path = tmp_path / f"x{wanted(save).extensions['video'][0]}"
    with pytest.raises(MediaError, match=r"clip\.mp4 gave no"):
        pass_through(make(save, path, making), [])
    assert list(tmp_path.iterdir()) == []


def test_where_one_cannot_be_opened_the_others_leave_nothing(making, tmp_path):
    (tmp_path / "taken.csv").touch()
    saves = [(Save("coco"), tmp_path / "a.json"), (Save("areas"), tmp_path / "taken.csv")]
    with pytest.raises(OutputExistsError, match=r"taken\.csv"):
        make_all(saves, making)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.csv"]
    opened = make_all([(Save("coco"), tmp_path / "a.json"), (Save("npz"), tmp_path / "a.npz")], making)
    for product in opened:
        product.abort()
        product.abort()


@pytest.mark.parametrize("form", ["areas:csv", "areas:jsonl", "polygons"])
def test_a_killed_run_leaves_whole_lines(form, making, results, tmp_path):
    (save,) = parse_saves(form)
    path = tmp_path / f"x{wanted(save).extensions['video'][0]}"
    product = make(save, path, making)
    for result in results[:3]:
        product.write(result, product.prepare(result.segmentation))
    lines = (tmp_path / f"x.partial{path.suffix}").read_text(encoding="utf-8").splitlines()
    product.abort()
    if form == "areas:csv":
        assert {row["frame"] for row in csv.DictReader(lines)} == {"0", "1", "2"}
    else:
        records = [json.loads(line) for line in lines]
        assert {record.get("properties", record)["frame"] for record in records} == {0, 1, 2}


def test_a_disk_that_fills_up_is_told_in_one_line(making, results, tmp_path):
    product = make(Save("areas"), tmp_path / "x.csv", making)

    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        flush = close = lambda self: None

    product._file.close()
    product._file = Full()
    with pytest.raises(LivesegError, match=r"cannot write .*x\.csv: no space left there"), product:
        product.write(results[0], product.prepare(results[0].segmentation))
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------ bounds


def test_a_long_document_waits_on_disk_and_is_whole(monkeypatch, making, results, tmp_path, pass_through):
    monkeypatch.setattr("liveseg.products.coco._IN_MEMORY", 100)
    product = make(Save("coco"), tmp_path / "x.json", making)
    pass_through(product, results * 20)
    document = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert [image["id"] for image in document["images"]] == list(range(1, 20 * len(results) + 1))
    assert [one["id"] for one in document["annotations"]] == list(range(1, len(document["annotations"]) + 1))


def test_masks_without_confidences_are_saved_as_far_as_they_go(making, results, tmp_path, pass_through):
    plain = [replace(one, segmentation=replace(one.segmentation, stored_confidence=None)) for one in results]
    pass_through(make(Save("areas"), tmp_path / "x.csv", making), plain)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["mean_confidence"] for row in rows} == {""}
    with pytest.raises(UsageError, match=r"without confidences.* --save mask:confidence keeps"):
        pass_through(make(Save("confidence"), tmp_path / "x.mp4", making), plain)
    with pytest.raises(UsageError, match="no logits"):
        plain[0].segmentation.full_logits()


def test_the_overlay_is_no_product(making, tmp_path):
    with pytest.raises(UsageError, match="overlay"):
        make(Save("overlay"), tmp_path / "x.mp4", making)
