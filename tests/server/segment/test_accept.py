import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import LivesegError
from liveseg.server.problems import Problem
from liveseg.server.segment.accept import best
from liveseg.server.segment.answers import OUTPUTS, Form

OFFERED = ("image/jpeg", "image/png", "application/json")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("application/json", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("image/png, image/jpeg;q=0.9", "image/png"),
        ("image/jpeg;q=0.3, image/png;q=0.5, application/json;q=0.4", "image/png"),
        # The range that names a type most exactly decides, wherever it stands and however low it is.
        ("*/*, image/jpeg;q=0", "image/png"),
        ("image/*;q=0.2, */*;q=0.1, image/jpeg;q=0.1", "image/png"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "image/jpeg"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/jpeg"),
        ("application/json;version=1;q=0.5, image/png;q=0.4", "application/json"),
        ("image/jpeg;q=0", None),
        ("*/*;q=0", None),
        ("text/plain", None),
        # What cannot be read is left out, and the rest still counts.
        ("gibberish, image/png;q=0.5", "image/png"),
        ("image/jpeg;q=high, image/png;q=0.5", "image/png"),
        ("image/jpeg;q=1.5, image/png;q=0.5", "image/png"),
        ("*/png, application/json", "application/json"),
        (",,image/png,", "image/png"),
        ("gibberish", None),
    ],
)
def test_the_most_liked_type_is_taken(accept, expected):
    assert best(accept, OFFERED) == expected


@given(st.text(max_size=200))
def test_no_header_breaks_it(accept):
    assert best(accept, OFFERED) in {*OFFERED, None}


@pytest.mark.parametrize(
    ("output", "accept", "expected"),
    [
        (None, "", ("overlay", "image/jpeg")),
        (None, "image/webp", ("overlay", "image/webp")),
        (None, "application/json", ("areas", "application/json")),
        (None, "application/geo+json, application/json;q=0.9", ("polygons", "application/geo+json")),
        (None, "application/vnd.liveseg.layers", ("layers", "application/vnd.liveseg.layers")),
        (None, "application/x-npz", ("npz", "application/x-npz")),
        ("overlay", "image/png", ("overlay", "image/png")),
        ("mask", "image/*", ("mask", "image/png")),
        ("polygons", "application/json", ("polygons", "application/json")),
        ("rle", "*/*", ("rle", "application/json")),
    ],
)
def test_an_output_is_named_or_follows_from_the_header(output, accept, expected):
    form = Form.negotiated(output, accept)
    assert (form.output, form.media_type) == expected


def test_what_nobody_takes_is_told_with_what_there_is():
    with pytest.raises(Problem) as caught:
        Form.negotiated("mask", "image/jpeg")
    assert (caught.value.status, caught.value.extra) == (406, {"available": ["image/png"]})
    with pytest.raises(Problem) as caught:
        Form.negotiated(None, "text/html")
    assert caught.value.status == 406
    assert {"image/jpeg", "application/json", "application/geo+json"} <= set(caught.value.extra["available"])


def test_an_output_that_does_not_exist_is_told_with_the_others():
    with pytest.raises(Problem, match=", ".join(OUTPUTS)) as caught:
        Form.negotiated("masks", "*/*")
    assert (caught.value.status, caught.value.extra["parameter"]) == (422, "output")
    assert not isinstance(caught.value, LivesegError)
