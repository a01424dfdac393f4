"""The masks of photos: ours with their class names, others' by their palette."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.maskfile.picture import is_mask_picture, read_mask_picture
from liveseg.media.images import write_mask

MASK = np.array([[0, 1, 2], [20, 255, 15]], np.uint8)


def test_a_mask_comes_back_with_its_class_names(tmp_path):
    labels = LabelSet(tuple(f"Größe {number}" for number in range(21)), PASCAL_VOC.palette[::-1], background=False)
    path = write_mask(tmp_path / "m.png", MASK, labels)
    stored, own = read_mask_picture(path)
    assert np.array_equal(stored.mask, MASK)
    assert own == labels
    assert is_mask_picture(path)
    with Image.open(path) as image:  # as other programs read it
        assert json.loads(image.text["liveseg"])["classes"][20] == "Größe 20"


def test_without_names_the_palette_of_pascal_voc_tells_them(tmp_path):
    image = Image.fromarray(MASK)
    image.putpalette(PASCAL_VOC.colors.tobytes())
    image.save(tmp_path / "voc.png")
    stored, labels = read_mask_picture(tmp_path / "voc.png")
    assert np.array_equal(stored.mask, MASK)
    assert labels == PASCAL_VOC


def test_any_other_palette_gives_numbered_classes_in_its_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette(bytes([9, 9, 9, 200, 0, 0, 0, 200, 0]))
    image.save(tmp_path / "other.png")
    _, labels = read_mask_picture(tmp_path / "other.png")
    assert labels.names == ("class 0", "class 1", "class 2")
    assert labels.palette == ((9, 9, 9), (200, 0, 0), (0, 200, 0))


def test_what_is_no_mask_is_refused_in_one_line(samples, tmp_path):
    Image.fromarray(MASK).save(tmp_path / "grey.png")
    broken = write_mask(
        tmp_path / "broken.png", np.random.default_rng(0).integers(0, 21, (60, 60), np.uint8), PASCAL_VOC
    )
    broken.write_bytes(broken.read_bytes()[:2500])
    for path, message in [
        (samples / "image_1.jpg", "PNG with a palette"),
        (tmp_path / "grey.png", "this one's pixels are L"),
        (broken, "broken.png"),
    ]:
        with pytest.raises(MediaError, match=message):
            read_mask_picture(path)
    assert not is_mask_picture(samples / "image_1.jpg")
    assert not is_mask_picture(tmp_path / "grey.png")
    assert not is_mask_picture(tmp_path / "none.png")
    with pytest.raises(SourceNotFoundError):
        read_mask_picture(tmp_path / "none.png")


def test_class_names_that_make_no_sense_are_refused(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("liveseg", "{")
    image = Image.fromarray(MASK)
    image.putpalette(PASCAL_VOC.colors.tobytes())
    image.save(tmp_path / "m.png", pnginfo=info)
    with pytest.raises(MediaError, match=r"class names in .*m\.png cannot be read"):
        read_mask_picture(tmp_path / "m.png")
