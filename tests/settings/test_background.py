"""From `--background`'s words to what is meant."""

import pytest

from liveseg.errors import UsageError
from liveseg.settings.background import USUAL_BLUR, Blur, Color, Scene, parse_background


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("blur", Blur(USUAL_BLUR)),
        ("Blur:2.5", Blur(2.5)),
        ("green", Color((0, 128, 0))),
        ("White", Color((255, 255, 255))),
        ("#0f0", Color((0, 255, 0))),
        ("#00C83c", Color((0, 200, 60))),
        ("rgb(1, 2, 3)", Color((1, 2, 3))),
        ("0,200,60", Color((0, 200, 60))),
        (" 0, 200 ,60 ", Color((0, 200, 60))),
    ],
)
def test_words_that_are_a_background(text, meant):
    assert parse_background(text) == meant


def test_a_file_is_one_and_one_that_is_named_like_a_colour_needs_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "green").write_bytes(b"")
    (tmp_path / "my wall.jpg").write_bytes(b"")
    assert parse_background("my wall.jpg").path.name == "my wall.jpg"
    assert parse_background("green") == Color((0, 128, 0))
    assert isinstance(parse_background("./green"), Scene)


@pytest.mark.parametrize(
    "text", ["gren", "", "0,0,256", "1,2", "blurry", "#12", "no/such/file.jpg", ".", "https://x/y", "a" * 300]
)
def test_what_is_none_is_answered_with_what_there_is(text):
    with pytest.raises(UsageError, match=r"no background; write blur or blur:N, a colour like green.* or the file of"):
        parse_background(text)


@pytest.mark.parametrize("text", ["wall.jpg", "no/such/folder", "https://x/y.mp4"])
def test_what_looks_like_a_file_that_is_not_there_is_said_to_be_missing(text):
    with pytest.raises(UsageError, match=f"there is no file '{text}'"):
        parse_background(text)


@pytest.mark.parametrize("text", ["blur:0", "blur:-1", "blur:51", "blur:nan", "blur:inf"])
def test_a_blur_has_a_range(text):
    with pytest.raises(UsageError, match="strength above 0 and up to 50"):
        parse_background(text)


@pytest.mark.parametrize("text", ["blur:", "blur:much"])
def test_a_blur_is_a_number(text):
    with pytest.raises(UsageError, match="a strength in percent, like blur:6"):
        parse_background(text)


@pytest.mark.parametrize("text", ["#ff000080", "rgba(1,2,3,4)"])
def test_a_transparent_colour_points_to_the_cutout(text):
    with pytest.raises(UsageError, match="--save cutout"):
        parse_background(text)
