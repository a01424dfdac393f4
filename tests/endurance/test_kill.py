"""Killed at any moment, a run leaves nothing of a final name that does not play."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import time

import av
import pytest

OPTIONS = ("--size", "65", "--threads", "1", "--quiet")
WAYS = ([], ["--overwrite"], ["--segment", "1"])
"""Into a new file, over a whole one of a former run, into a file for each second."""


@pytest.fixture(scope="module")
def video(samples):
    return samples / "video_1.mp4"


def command(video, target):
    return [sys.executable, "-m", "liveseg", "run", str(video), "-o", str(target), *OPTIONS]


@pytest.fixture(scope="module")
def whole(video, tmp_path_factory):
    """What a run that nobody kills takes and makes: seconds, and the file."""
    target = tmp_path_factory.mktemp("whole") / "out.mp4"
    began = time.monotonic()
    subprocess.run(command(video, target), check=True, timeout=120)
    return time.monotonic() - began, target


def frames(path):
    """How many frames of a file can be decoded, and whether it went wrong after them."""
    count = 0
    try:
        with av.open(str(path)) as container:
            for _ in container.decode(video=0):
                count += 1
    except av.FFmpegError as error:
        return count, error
    return count, None


def whole_fragments(path):
    """How many fragments of an MP4 file are there to their last byte."""
    data, at, kinds = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > len(data):
            break
        kinds.append(data[at + 4 : at + 8])
        at += size
    return sum(pair == (b"moof", b"mdat") for pair in itertools.pairwise(kinds))


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_killed_at_random_moments_a_run_never_leaves_a_broken_file_of_a_final_name(kills, video, whole, tmp_path):
    seconds, good = whole
    expected, _ = frames(good)
    assert expected == 150
    cut_short = 0
    chance = random.SystemRandom()
    for number in range(kills):
        folder = tmp_path / str(number)
        folder.mkdir()
        target = folder / "out.mp4"
        way = WAYS[number % len(WAYS)]
        if "--overwrite" in way:
            target.write_bytes(good.read_bytes())
        # Before a fifth of the time the program has hardly begun; after all of it, it may just be renaming.
        moment = chance.uniform(0.2, 1.05) * seconds
        with subprocess.Popen([*command(video, target), *way]) as process:
            try:
                process.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                process.kill()
        told = f"{way} killed after {moment:.3f} s of {seconds:.3f}"
        assert target.exists() or "--overwrite" not in way, f"{told}: what was there is gone"
        for path in folder.iterdir():
            played, error = frames(path)
            if ".partial" in path.name:
                assert played or not whole_fragments(path), f"{told}: {path.name} does not play"
                cut_short += bool(played)
            elif "--segment" in way:
                assert played, f"{told}: {path.name} is empty"
                assert error is None, f"{told}: {path.name} is broken"
            else:
                assert (played, error) == (expected, None), f"{told}: {path.name}"
    assert cut_short or kills < 50, "not one kill came amid the writing"
