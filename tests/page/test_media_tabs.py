"""The tabs for videos, live pictures and streams with something in them: open to all, and in place at every width."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from liveseg.settings.serve import NamedStream

WIDTHS = (360, 768, 1280, 1600)

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter((own) => own.offsetParent && getComputedStyle(own).position !== "fixed")
    .filter((own) => !own.closest(".visually-hidden, pre, svg, .chart-clip"))
    .filter((own) => own.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((own) => `${own.tagName}.${own.className}`)"""


@pytest.fixture(scope="module")
def busy(start_service, http_program):
    """A service with a source that runs and one that fails."""
    streams = (NamedStream("clock", http_program.url("clock.mjpg")), NamedStream("nowhere", "rtsp://127.0.0.1:9/none"))
    return start_service(size=97, threads=1, runtime="onnx", stream=streams, allow_any_stream=True, jobs_each=16)


def filled_video(guest, samples):
    guest.locator("#panel-video input[type=file]").set_input_files([samples / "video_1.mp4", samples / "video_2.mp4"])
    guest.locator(".job .tag[data-state=good]").nth(1).wait_for(timeout=120_000)
    guest.locator(".chart-band").first.wait_for(state="attached")


def filled_live(guest, _samples):
    guest.get_by_role("button", name="Start the camera").click()
    expect(guest.locator(".live-view")).to_be_visible(timeout=60_000)
    guest.locator(".live-side .legend-row").first.wait_for()
    guest.get_by_role("button", name="Pause").click()


def filled_streams(guest, _samples):
    for name in ("clock", "nowhere"):
        starter = guest.get_by_role("button", name=f"Start {name}", exact=True)
        again = guest.get_by_role("button", name=f"Start {name} again")
        running = guest.get_by_role("button", name=f"Stop {name}")
        expect(starter.or_(again).or_(running)).to_be_visible()
        if starter.is_visible():
            starter.click()
    expect(guest.locator(".stream[data-state=live] img")).to_be_visible(timeout=60_000)
    expect(guest.locator(".stream[data-state=failed]")).to_be_visible(timeout=60_000)


FILLED = {"video": filled_video, "live": filled_live, "streams": filled_streams}


def serious(guest):
    """What axe finds that is serious or critical: the rule, where, and why."""
    return [
        (violation["id"], node["target"], node.get("failureSummary"))
        for violation in Axe().run(guest.page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("tab", FILLED)
def test_axe_finds_nothing_serious_and_nothing_sticks_out_at_any_width(open_page, busy, samples, http_server, tab):
    guest = open_page(busy, f"#{tab}", bypass_csp=True, color_scheme="light")
    FILLED[tab](guest, samples)
    for scheme in ("light", "dark"):
        guest.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        guest.wait_for_timeout(200)
        assert serious(guest) == []
    for width in WIDTHS:
        guest.set_viewport_size({"width": width, "height": 800})
        guest.wait_for_timeout(100)
        assert guest.evaluate("document.documentElement.scrollWidth") <= width
        assert guest.evaluate(OVERFLOWING) == []
    if tab == "streams":
        guest.get_by_role("button", name="Show clock large").click()
        expect(guest.get_by_role("dialog").locator("img")).to_be_visible(timeout=20_000)
        assert serious(guest) == []
    if tab == "live":
        for effect in ("Blur", "Replace", "Cut-out"):
            guest.get_by_role("radio", name=effect).check()
            assert serious(guest) == []


def test_every_control_of_a_live_view_is_reached_by_the_tab_key(open_page, busy, samples):
    guest = open_page(busy, "#live")
    filled_live(guest, samples)
    guest.get_by_role("tab", name="Live").focus()
    reached = []
    for _ in range(40):
        guest.keyboard.press("Tab")
        focused = guest.evaluate(
            """() => {
                const own = document.activeElement;
                const name = `${own.ariaLabel ?? own.textContent ?? ""} ${own.labels?.[0]?.textContent ?? ""}`;
                return own === document.body ? null : `${name}|${own.getBoundingClientRect().width > 0}`;
            }"""
        )
        if focused is None:
            break
        reached.append(focused)
    for name in ("Go on", "Mirrored", "Save a picture", "Stop", "Colours", "Detail", "Target rate", "Steady masks"):
        assert any(name in one for one in reached), f"{name} is not reached: {reached}"
    assert all(one.endswith("|true") for one in reached), "something that is not seen has the focus"
