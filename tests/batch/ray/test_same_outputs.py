"""A cluster makes what one machine makes: the same bytes, of the real model."""

from __future__ import annotations

import pytest
from PIL import Image

from liveseg.batch.drive import drive
from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place
from liveseg.settings import BatchSettings
from liveseg.settings.save import parse_saves


@pytest.fixture
def photos(samples, tmp_path):
    """Parts of a photo in several shapes and one that is none."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    with Image.open(samples / "image_1.jpg") as image:
        whole = image.convert("RGB")
    for number, (width, height) in enumerate([(160, 120), (120, 160), (97, 65), (200, 31), (64, 64), (160, 120)]):
        part = whole.crop((10 * number, 5 * number, 10 * number + width, 5 * number + height))
        part.save(folder / "more" / f"photo_{number}.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def outputs(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and "_liveseg" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def records(folder):
    known = Manifest(Place.at(folder)).records()
    return sorted((record.name, record.status, record.settings) for record in known)


def test_a_cluster_makes_the_bytes_that_the_local_pool_makes(photos, two_nodes, tmp_path):
    common = {"size": 65, "runtime": "onnx", "save": (parse_saves("mask,overlay"),), "bundle": 2}
    ways = {"local": {"workers": 1}, "ray": {"ray": two_nodes.address, "min_workers": 2, "max_workers": 2}}
    for name, own in ways.items():
        drive(BatchSettings(out=str(tmp_path / name), **common, **own), [str(photos)])
    made = {name: outputs(tmp_path / name) for name in ways}
    assert len(made["local"]) == 12
    assert made["ray"] == made["local"]
    known = {name: records(tmp_path / name) for name in ways}
    assert known["ray"] == known["local"]
    assert [status for _, status, _ in known["ray"]].count("failed") == 1
