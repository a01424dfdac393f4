"""Which photos are calibrated on and which are compared on."""

from __future__ import annotations

from pathlib import Path

from liveseg.cli.photos import MOST_COMPARED, photos_in, sample_pictures, split, spread

PATHS = [Path(f"{number}.jpg") for number in range(1000)]


def test_photos_are_spread_evenly():
    assert spread(PATHS, 4) == [PATHS[0], PATHS[250], PATHS[500], PATHS[750]]
    assert spread(PATHS[:3], 4) == PATHS[:3]


def test_no_photo_is_calibrated_on_and_compared_on():
    calibrated, compared = split(PATHS, 128)
    assert (len(calibrated), len(compared)) == (128, MOST_COMPARED)
    assert set(calibrated).isdisjoint(compared)
    calibrated, compared = split(PATHS[:3], 128)
    assert (calibrated, compared) == (PATHS[1:3], PATHS[:1])
    assert split(PATHS[:2], 128) == (PATHS[:2], PATHS[:2])


def test_the_photos_of_a_folder_come_in_natural_order(tmp_path):
    for name in ("10.jpg", "2.PNG", ".hidden.jpg", "notes.txt", "clip.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in photos_in(tmp_path)] == ["2.PNG", "10.jpg"]


def test_the_samples_are_photos_and_frames():
    assert len(sample_pictures()) == 10
    assert all(picture.truth is None for picture in sample_pictures())
