"""What `liveseg run --save` and a replica make of the same files is the same, byte for byte."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from liveseg.batch.records import Item, Task
from liveseg.batch.replica import Replica
from liveseg.media.paths import kind_of
from liveseg.settings import BatchSettings
from liveseg.settings.save import parse_saves

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_KINDS = "overlay,color,mask,confidence,cutout,polygons,coco,areas,areas:jsonl,npz"
CLIP_KINDS = "overlay,color,mask:confidence,cutout:webm,polygons:geojson,coco,areas,npz"


def item(path: Path) -> Item:
    return Item(location=str(path), name=path.stem, kind=kind_of(path), size=path.stat().st_size)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_replica(paths, out: Path, *, bundle: int = 3, seed: int | None = None, **settings):
    chosen = BatchSettings(out=str(out), runtime="onnx", size=65, **settings)
    tasks = [Task(item(path)) for path in paths]
    if seed is not None:
        random.Random(seed).shuffle(tasks)  # noqa: S311 - an order, not a secret
    with Replica(chosen, worker="one") as replica:
        records = [
            record for at in range(0, len(tasks), bundle) for record in replica.run(tuple(tasks[at : at + bundle]))
        ]
    assert [record.error for record in records] == [None] * len(paths)
    return records


@pytest.fixture(scope="module")
def photos(samples, tmp_path_factory):
    """Seven pictures of several shapes and formats."""
    folder = tmp_path_factory.mktemp("photos")
    with Image.open(samples / "image_1.jpg") as image:
        whole = image.convert("RGB")
    for number, (width, height) in enumerate([(160, 120), (120, 160), (160, 120), (97, 65), (200, 31)]):
        part = whole.crop((10 * number, 5 * number, 10 * number + width, 5 * number + height))
        part.save(folder / f"photo_{number}.{'png' if number % 2 else 'jpg'}")
    noise = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    Image.fromarray(noise).save(folder / "grey.tif")
    whole.resize((320, 240)).save(folder / "large.webp")
    return sorted(folder.iterdir())


def difference(one: bytes, other: bytes, name: str) -> str:
    """Where two files that should be equal are not."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    around = one[max(at - 40, 0) : at + 24], other[max(at - 40, 0) : at + 24]
    return f"{name}: {len(one)} and {len(other)} bytes, not the same from {at} on: {around[0]!r} and {around[1]!r}"


@pytest.fixture(scope="module")
def by_run(run_liveseg, photos, tmp_path_factory):
    """What `liveseg run` makes of the pictures."""
    out = tmp_path_factory.mktemp("by run")
    quick = ["--size", "65", "--threads", "1", "--runtime", "onnx", "--quiet"]
    done = run_liveseg("run", *photos, "--save", IMAGE_KINDS, "-o", f"{out}/", *quick)
    assert done.returncode == 0, done.stderr
    return contents(out)


@pytest.mark.parametrize(("bundle", "seed"), [(7, None), (1, None), (3, 1)])
def test_pictures_become_the_files_of_a_run_however_they_are_bundled(bundle, seed, photos, by_run, tmp_path):
    run_replica(photos, tmp_path, bundle=bundle, seed=seed, save=(parse_saves(IMAGE_KINDS),))
    made = contents(tmp_path)
    assert sorted(made) == sorted(by_run)
    assert len(made) == 10 * len(photos)
    assert [name for name in made if made[name] != by_run[name]] == []


def test_drawing_options_reach_the_pictures(run_liveseg, photos, tmp_path):
    quick = ["--size", "65", "--threads", "1", "--runtime", "onnx", "--quiet"]
    drawn = ["--alpha", "0.3", "--contours", "--legend", "--side-by-side", "--palette", "safe", "--unknown", "70%"]
    out = tmp_path / "run"
    done = run_liveseg("run", *photos[:2], "-o", f"{out}/", *drawn, *quick)
    assert done.returncode == 0, done.stderr
    run_replica(
        photos[:2], tmp_path / "batch",
        alpha=0.3, contours=True, legend=True, side_by_side=True, palette="safe", unknown=0.7,
    )  # fmt: skip
    assert contents(tmp_path / "batch") == contents(out)


def test_a_clip_becomes_the_files_of_a_run_with_its_sound_and_steadied_masks(run_liveseg, short_clip, tmp_path):
    quick = ["--size", "65", "--threads", "1", "--runtime", "onnx", "--quiet"]
    out = tmp_path / "run"
    done = run_liveseg("run", short_clip, "--save", CLIP_KINDS, "-o", f"{out}/", *quick)
    assert done.returncode == 0, done.stderr
    (record,) = run_replica([short_clip], tmp_path / "batch", save=(parse_saves(CLIP_KINDS),))
    made, run = contents(tmp_path / "batch"), contents(out)
    assert sorted(made) == sorted(run)
    assert len(made) == 8
    assert [difference(made[name], run[name], name) for name in made if made[name] != run[name]] == []
    assert record.frames == 12
    assert sum(record.areas.values()) == record.pixels


@pytest.fixture(scope="module")
def short_clip(samples, tmp_path_factory):
    """Twelve frames of a sample, with its sound."""
    import av

    target = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(samples / "video_1.mp4")) as source, av.open(str(target), "w") as made:
        streams = {
            stream.index: made.add_stream_from_template(stream)
            for stream in (source.streams.video[0], source.streams.audio[0])
        }
        left = dict.fromkeys(streams, 12)
        for packet in source.demux([source.streams.video[0], source.streams.audio[0]]):
            if packet.dts is None or not left[packet.stream.index]:
                continue
            left[packet.stream.index] -= 1
            packet.stream = streams[packet.stream.index]
            made.mux(packet)
    return target
