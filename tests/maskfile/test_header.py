"""What a mask file says of itself, and what is made of a record that somebody else wrote."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from liveseg.errors import MediaError
from liveseg.labels import LabelSet, voc_palette
from liveseg.maskfile import Identity, MaskHeader

HEADER = MaskHeader(
    labels=LabelSet(tuple(f"class {number}" for number in range(90)), voc_palette(90)),
    width=768,
    height=576,
    time_base=Fraction(1001, 30000),
    source=Identity("vtest.avi", 8_131_690, "ab" * 32),
    rate=Fraction(30000, 1001),
    duration=Fraction(159, 2),
    confidence=True,
    offset=-3,
    grid=(37, 49),
    ran={"model": "lite", "size": 289},
)


def test_it_survives_its_way_through_the_tags_in_pieces_that_every_reader_takes():
    tags = HEADER.to_tags()
    assert MaskHeader.from_tags(tags | {"encoder": "Lavf"}, "m.nut") == HEADER
    assert "vtest.avi" in tags["title"]
    assert "lite" in tags["title"]
    assert all(len(value.encode()) < 1024 for value in tags.values())
    assert len(tags) > 2  # or the pieces are not tested


def test_the_first_piece_alone_is_no_record():
    tags = HEADER.to_tags()
    with pytest.raises(MediaError, match="metadata cannot be read"):
        MaskHeader.from_tags({"liveseg": tags["liveseg"]}, "m.nut")


def changed(**changes):
    record = json.loads("".join(value for name, value in HEADER.to_tags().items() if name.startswith("liveseg")))
    return {"liveseg": json.dumps(record | changes)}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "no mask file; `liveseg run VIDEO --save mask` makes one"),
        ({"liveseg": "[]"}, "cannot be read"),
        ({"liveseg": "{"}, "cannot be read"),
        (changed(format=2), "newer liveseg"),
        (changed(time_base="1/0"), "cannot be read"),
        (changed(time_base="-1/25"), "makes no sense"),
        (changed(width=0), "makes no sense"),
        (changed(height="576"), "makes no sense"),
        (changed(grid=[0, 4]), "cannot be read"),
        (changed(labels={"classes": ["a", "a"]}), "cannot be read"),
        (changed(source={"path": "x"}), "cannot be read"),
    ],
)
def test_another_record_is_refused_in_one_line(tags, message):
    with pytest.raises(MediaError, match=message) as caught:
        MaskHeader.from_tags(tags, "other.nut")
    assert "other.nut" in str(caught.value)
    assert "\n" not in str(caught.value)
