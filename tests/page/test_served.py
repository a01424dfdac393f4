"""What the service has for the page: its files, the samples to try, and the palettes."""

from __future__ import annotations

import posixpath
import re

import pytest

from liveseg.labels import PASCAL_VOC
from liveseg.palettes import PALETTES, palette_of
from liveseg.server.page import FOLDER

TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture(scope="module")
def guarded(start_service):
    """A service with a token, asked without it."""
    return start_service(token=TOKEN)


@pytest.fixture(scope="module")
def stranger(guarded):
    with guarded.client(headers={"Authorization": ""}) as client:
        yield client


def needed(path):
    """What a file of the page asks for, by its path from the page's folder."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return {place for place in re.findall(r'(?:src|href)="([\w./-]+)"', text) if place != "openapi.json"}
    found = re.findall(r'(?:from |import\(|import |new URL\()"(\.[\w./-]+)"', text)
    return {posixpath.normpath(posixpath.join(path.parent.relative_to(FOLDER).as_posix(), place)) for place in found}


def test_whatever_a_file_of_the_page_asks_for_is_served_without_the_token(stranger):
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".html", ".js")]
    places = set().union(*map(needed, files))
    assert {"js/main.js", "js/tabs/image.js", "js/image/draw-worker.js", "css/tokens.css", "icon.svg"} <= places
    for place in sorted(places):
        answer = stranger.get(f"/{place}")
        assert answer.status_code == 200, place
        assert answer.content == (FOLDER / place).read_bytes()


def test_no_file_of_the_page_is_there_for_nothing():
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    asked = {"index.html"}.union(*(needed(path) for path in files if path.suffix in (".html", ".js")))
    assert {path.relative_to(FOLDER).as_posix() for path in files} == asked


def test_the_samples_are_served_and_nothing_else_of_their_folder(stranger, samples):
    answer = stranger.get("/samples/image_1.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == (samples / "image_1.jpg").read_bytes()
    assert stranger.get("/samples/video_1.mp4").headers["content-type"] == "video/mp4"
    assert stranger.get("/samples/README.md").status_code != 200
    assert stranger.get("/samples/../pyproject.toml").status_code != 200


def test_a_model_comes_in_every_palette_that_has_a_name(guarded):
    with guarded.client() as client:
        model = client.get("/v1/models").json()["models"][0]
    assert set(model["palettes"]) == set(PALETTES)
    labels = PASCAL_VOC.with_palette(tuple(map(tuple, model["palette"])))
    assert tuple(model["labels"]) == labels.names
    for name, colors in model["palettes"].items():
        assert tuple(map(tuple, colors)) == palette_of(name, labels)
