"""The tab for the browser's camera: a real Chromium, its camera fed with a real clip, and a real service."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from PIL import Image

from liveseg.segmentation import Segmentation

PERSON = 15

WATCHED = """(() => {
    // What goes over the page's live lines, and the cameras that it opened.
    const line = (window.line = { sent: 0, answered: 0, most: 0, opened: 0 });
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        if (!this.watched) {
            this.watched = true;
            this.under = 0;
            line.opened += 1;
            this.addEventListener("message", ({ data }) => {
                if (typeof data === "string") return;
                line.answered += 1;
                this.under -= 1;
            });
        }
        if (typeof data !== "string") {
            line.sent += 1;
            this.under += 1;
            line.most = Math.max(line.most, this.under);
        }
        return send.call(this, data);
    };
    window.tracks = [];
    const open = MediaDevices.prototype.getUserMedia;
    MediaDevices.prototype.getUserMedia = async function (wishes) {
        const stream = await open.call(this, wishes);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
})();"""

HIDDEN = """(is) => {
    Object.defineProperty(document, "hidden", { value: is, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""

PIXELS = """() => {
    const canvas = document.querySelector(".live-view");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let [kept, bright, solid] = [0, 0, 0];
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 0) solid += 1;
        if (data[at + 3] < 250) continue;
        kept += 1;
        if (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2] > 100) bright += 1;
    }
    return { kept, bright, solid, all: data.length / 4 };
}"""


@pytest.fixture(scope="module")
def small(start_service):
    """A service with a small network, the same on every machine."""
    return start_service(size=97, threads=1, runtime="onnx")


def start_camera(guest):
    guest.get_by_role("button", name="Start the camera").click()
    guest.wait_for_function("() => window.line.answered > 2")


@pytest.fixture
def camera(open_page):
    """`camera(service)`: the tab, with the camera running and answers coming."""

    def opened(service, **options):
        guest = open_page(service, "#live", before=lambda own: own.add_init_script(WATCHED), **options)
        start_camera(guest)
        return guest

    return opened


def measured(guest, name):
    """A number of the list below the picture, by its name; None before there is one."""
    text = guest.locator(f".live-facts div:has(dt:text-is('{name}')) dd").inner_text()
    found = re.search(r"[\d.,]+", text)
    return float(found[0].replace(",", "")) if found else None


@contextmanager
def engine_answers(service, segment):
    """The service's engine, with another `segment(own, image, **options)` until the block ends."""
    engine = service.service.engine
    own = engine.segment

    async def other(image, **options):
        return await segment(own, image, **options)

    engine.segment = other
    try:
        yield
    finally:
        engine.segment = own


def slowed(seconds):
    async def slow(own, image, **options):
        await asyncio.sleep(seconds)
        return await own(image, **options)

    return slow


async def bright_is_person(own, image, **options):
    """What no network does: a person wherever the picture is bright, told after half a second."""
    await asyncio.sleep(0.5)
    found = await own(image, **options)
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (columns, rows), interpolation=cv2.INTER_AREA)
    logits = np.zeros((len(found.labels), rows, columns), np.float32)
    logits[PERSON] = grey.astype(np.float32) - 128
    mask = np.where(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) > 128, PERSON, 0).astype(np.uint8)
    return Segmentation(image, mask, found.labels, logits, False, found.speed)


def test_answers_come_and_rate_and_true_age_are_told(camera, small):
    guest = camera(small)
    guest.wait_for_function("() => window.line.answered > 15")
    guest.wait_for_timeout(600)
    age = measured(guest, "Age when shown")
    worked = measured(guest, "Worked on")
    assert measured(guest, "Frames per second") > 0.5
    # From the camera to the screen: no less than the service's own part, and no more than a slow machine needs.
    assert worked < age < 2500
    assert guest.evaluate("window.line.most") == 1
    assert guest.get_by_role("status").filter(has_text="Live").count() == 1
    # What the network saw is in the legend, with its share.
    guest.locator(".live-side .legend-row").first.wait_for()
    assert guest.locator(".live-side .legend-share").first.inner_text().endswith("%")
    canvas = guest.locator(".live-view")
    assert canvas.evaluate("(own) => [own.width, own.height]") == [320, 240]


@pytest.mark.long
def test_a_slow_service_has_no_queue_and_the_age_stays(camera, small):
    with engine_answers(small, slowed(0.4)):
        guest = camera(small)
        guest.wait_for_function("() => window.line.answered > 5", timeout=60_000)
        guest.wait_for_timeout(600)
        early = measured(guest, "Age when shown")
        guest.wait_for_timeout(5000)
        late = measured(guest, "Age when shown")
        assert guest.evaluate("window.line.most") <= 2
        # A queue would make each second's frames a second older: 15 come, two and a half are answered.
        assert 400 <= early < 2500
        assert late < early + 1500
        assert measured(guest, "Frames per second") < 3


def test_a_mask_lies_on_the_very_frame_it_was_made_of(camera, small):
    with engine_answers(small, bright_is_person):
        guest = camera(small)
        guest.get_by_role("radio", name="Cut-out").check()
        shares = []
        for _ in range(4):
            seen = guest.evaluate("window.line.answered")
            guest.wait_for_function(f"() => window.line.answered > {seen + 1}", timeout=60_000)
            guest.wait_for_timeout(100)
            pixels = guest.evaluate(PIXELS)
            assert 0.02 < pixels["kept"] / pixels["all"] < 0.98
            shares.append(pixels["bright"] / pixels["kept"])
        # Only what is bright was kept; of a frame half a second newer it would be what was bright before.
        assert min(shares) > 0.97


def test_pause_sends_nothing_and_goes_on_where_it_was(camera, small):
    guest = camera(small)
    guest.get_by_role("button", name="Pause").click()
    assert guest.locator(".live-tag").inner_text() == "Paused"
    guest.wait_for_timeout(300)  # what was under way
    before = guest.evaluate("window.line.sent")
    guest.wait_for_timeout(1000)
    assert guest.evaluate("window.line.sent") == before
    # The picture stays, and may still be drawn in another way.
    assert guest.evaluate(PIXELS)["solid"] > 0
    guest.get_by_role("button", name="Go on").click()
    guest.wait_for_function(f"() => window.line.answered > {before}")
    assert guest.evaluate("window.line.opened") == 1


def test_the_line_is_opened_again_by_itself_when_the_service_comes_back(camera, start_service):
    first = start_service(size=97, threads=1, runtime="onnx")
    guest = camera(first)
    guest.expected(r"ERR_CONNECTION|WebSocket connection")
    first.server.end()
    guest.get_by_role("alert").filter(has_text="The service does not answer").wait_for()
    guest.get_by_text(re.compile(r"Trying again in \d+ s")).wait_for()
    opened = guest.evaluate("window.line.opened")
    first.end()
    start_service(size=97, threads=1, runtime="onnx", port=first.port)
    seen = guest.evaluate("window.line.answered")
    guest.wait_for_function(f"() => window.line.answered > {seen + 2}", timeout=60_000)
    assert guest.evaluate("window.line.opened") == opened + 1
    # The camera was never given back, and it counts from new.
    assert guest.evaluate("window.tracks.map((track) => track.readyState)") == ["live"]
    guest.locator(".live-notice").wait_for(state="hidden")
    assert guest.evaluate("window.line.most") == 1


@pytest.mark.long
def test_waiting_for_the_service_can_be_cut_short(camera, start_service):
    gone = start_service(size=97, threads=1, runtime="onnx")
    guest = camera(gone)
    guest.expected(r"ERR_CONNECTION|WebSocket connection")
    gone.end()
    guest.get_by_text("The service does not answer", exact=True).wait_for()
    guest.wait_for_timeout(3500)  # by now it waits for seconds
    asked = len(guest.said)
    guest.get_by_role("button", name="Try now").click()
    guest.wait_for_timeout(400)
    assert len(guest.said) > asked, "the click did not try"


def test_the_camera_is_given_back_when_the_tab_is_left_or_hidden(camera, small):
    guest = camera(small)
    guest.get_by_role("tab", name="Streams").click()
    guest.wait_for_function("() => window.tracks.every((track) => track.readyState === 'ended')")
    sent = guest.evaluate("window.line.sent")
    guest.wait_for_timeout(500)
    assert guest.evaluate("window.line.sent") == sent
    guest.get_by_role("tab", name="Live").click()
    # The camera is not opened without being asked for again.
    guest.get_by_role("button", name="Start the camera").wait_for()
    start_camera(guest)
    guest.evaluate(HIDDEN, True)
    guest.wait_for_function("() => window.tracks.every((track) => track.readyState === 'ended')")
    guest.evaluate(HIDDEN, False)
    seen = guest.evaluate("window.line.answered")
    guest.wait_for_function(f"() => window.line.answered > {seen}")


def test_what_is_shown_changes_without_the_service(camera, small):
    guest = camera(small)
    guest.wait_for_function("() => window.line.answered > 3")
    guest.get_by_role("button", name="Pause").click()
    guest.wait_for_timeout(300)
    sent = guest.evaluate("window.line.sent")
    whole = guest.evaluate(PIXELS)
    assert whole["solid"] == whole["all"]
    guest.get_by_role("radio", name="Cut-out").check()
    guest.wait_for_timeout(100)
    assert guest.evaluate(PIXELS)["solid"] < whole["all"]
    guest.get_by_role("radio", name="Replace").check()
    guest.get_by_label("Colour", exact=True).fill("#ff00ff")
    guest.wait_for_timeout(100)
    magenta = """() => {
        const canvas = document.querySelector(".live-view");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
            count += data[at] === 255 && data[at + 1] === 0 && data[at + 2] === 255;
        }
        return count / (data.length / 4);
    }"""
    assert guest.evaluate(magenta) > 0.05
    guest.get_by_role("radio", name="Blur").check()
    guest.wait_for_timeout(100)
    blurred = guest.evaluate(PIXELS)
    assert blurred["solid"] == blurred["all"]
    assert guest.evaluate("window.line.sent") == sent


def test_another_size_is_asked_of_the_service_over_the_same_line(camera, small):
    sizes = []

    async def noting(own, image, **options):
        sizes.append(options["size"])
        return await own(image, **options)

    with engine_answers(small, noting):
        guest = camera(small)
        assert set(sizes) == {None}
        detail = guest.get_by_label("Detail")
        chosen = detail.locator("option").nth(1).get_attribute("value")
        detail.select_option(chosen)
        seen = guest.evaluate("window.line.answered")
        guest.wait_for_function(f"() => window.line.answered > {seen + 2}", timeout=60_000)
        assert sizes[-1] == int(chosen)
    assert guest.evaluate("window.line.opened") == 1


def test_a_saved_picture_is_what_is_seen_mirrored_too(camera, small, tmp_path):
    guest = camera(small)
    guest.get_by_role("button", name="Pause").click()
    guest.wait_for_timeout(300)
    mirror = guest.get_by_role("button", name="Mirrored")
    pictures = {}
    for pressed in ("true", "false"):
        if mirror.get_attribute("aria-pressed") != pressed:
            mirror.click()
        flipped = guest.locator(".live-view").evaluate("(own) => getComputedStyle(own).transform")
        assert (flipped == "matrix(-1, 0, 0, 1, 0, 0)") == (pressed == "true")
        with guest.expect_download() as download:
            guest.get_by_role("button", name="Save a picture").click()
        assert re.fullmatch(r"liveseg [\d -]+\.png", download.value.suggested_filename)
        path = tmp_path / f"{pressed}.png"
        download.value.save_as(path)
        with Image.open(path) as picture:
            pictures[pressed] = np.asarray(picture.convert("RGB"))
    assert pictures["true"].shape == (240, 320, 3)
    assert np.array_equal(pictures["true"][:, ::-1], pictures["false"])
    assert not np.array_equal(pictures["true"], pictures["false"])


@pytest.mark.long
def test_a_target_rate_is_kept(camera, small):
    guest = camera(small)
    guest.get_by_label("Target rate").select_option("1")
    guest.wait_for_timeout(1200)
    sent, began = guest.evaluate("window.line.sent"), time.monotonic()
    guest.wait_for_timeout(4000)
    rate = (guest.evaluate("window.line.sent") - sent) / (time.monotonic() - began)
    assert 0.4 < rate < 1.4
