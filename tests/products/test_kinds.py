from pathlib import Path

import pytest

from liveseg.errors import UsageError
from liveseg.products.kinds import _EXTENSIONS, plan, wanted
from liveseg.settings.save import KINDS, Save, parse_saves


def test_what_can_be_asked_for_is_what_has_a_file():
    assert set(KINDS) == {"overlay", *_EXTENSIONS}
    for kind, sources in _EXTENSIONS.items():
        named = {form for forms in sources.values() for form in forms if form}
        # The mask file's own format is of what is in it, not of its name.
        assert named == set(KINDS[kind]) - ({"confidence"} if kind == "mask" else set())


def first(text, kind="video"):
    return wanted(parse_saves(text)[0]).extensions[kind][0]


@pytest.mark.parametrize(
    ("text", "video", "image"),
    [
        ("overlay", ".mp4", ".jpg"),
        ("mask", ".nut", ".png"),
        ("mask:confidence", ".nut", ".png"),
        ("cutout", ".mov", ".png"),
        ("cutout:webm", ".webm", ".png"),
        ("polygons", ".geojsonl", ".geojson"),
        ("polygons:coco", ".json", ".json"),
        ("areas:jsonl", ".jsonl", ".jsonl"),
        ("confidence", ".mp4", ".png"),
    ],
)
def test_a_format_is_an_extension(text, video, image):
    assert (first(text), first(text, "image")) == (video, image)


def one(text, output, kind="video"):
    ((path,),) = plan([Path("a.mp4")], parse_saves(text), output, "lite", kinds=[kind])
    return path.as_posix()


def test_the_extension_picks_the_format_where_none_was_named():
    assert one("cutout", "x.webm") == "x.webm"
    assert one("areas", "x.jsonl") == "x.jsonl"
    assert one("polygons", "x.json") == "x.json"
    with pytest.raises(UsageError, match=r"the cutout of a video cannot be written to x\.webm; use \.mov"):
        one("cutout:mov", "x.webm")


def test_several_forms_of_one_kind_are_several_files():
    paths = plan([Path("a.mp4")], parse_saves("areas,areas:jsonl"), None, "lite", kinds=["video"])
    assert paths == [(Path("outputs/a_lite_areas.csv"), Path("outputs/a_lite_areas.jsonl"))]
    with pytest.raises(UsageError, match="two results would go to"):
        plan([Path("a.mp4")], [Save("areas"), Save("areas", "csv")], None, "lite", kinds=["video"])
