import pytest

from liveseg.errors import UsageError
from liveseg.settings import RunSettings
from liveseg.settings.save import OVERLAY, Save, parse_saves


def test_kinds_and_formats_are_named_with_commas_between():
    assert parse_saves("overlay, Cutout:WebM,,areas") == (OVERLAY, Save("cutout", "webm"), Save("areas"))
    assert str(Save("cutout", "webm")) == "cutout:webm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("masks", r"nothing called 'masks' can be saved; did you mean mask\?"),
        ("video", "nothing called 'video' can be saved; choose from overlay, color, mask"),
        ("cutout:gif", "cutout is not saved as 'gif'; choose mov or webm"),
        ("coco:rle", "coco is not saved as 'rle'; write coco alone"),
        ("areas:", "areas is not saved as ''; choose csv or jsonl"),
        (":csv", "nothing called '' can be saved"),
        (" ,", "nothing to save; choose from overlay"),
    ],
)
def test_what_cannot_be_saved_is_told_with_the_choices(text, message):
    with pytest.raises(UsageError, match=message):
        parse_saves(text)


def test_by_default_the_overlay_is_saved_and_mask_adds_the_mask():
    assert RunSettings().saves == (OVERLAY,)
    assert RunSettings(mask=True).saves == (OVERLAY, Save("mask"))
    assert RunSettings(save=(parse_saves("areas"), parse_saves("npz,areas"))).saves == (Save("areas"), Save("npz"))
    assert RunSettings(save=(parse_saves("areas"),), mask=True).saves == (Save("areas"), Save("mask"))
    assert RunSettings(save=(parse_saves("mask:confidence"),), mask=True).saves == (Save("mask", "confidence"),)
