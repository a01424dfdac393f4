"""The tab for streams: real live sources of this machine, read by a real service, shown as tiles."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from liveseg.settings.serve import NamedStream

MOVES = """(own) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const context = canvas.getContext("2d");
    context.drawImage(own, 0, 0, 64, 36);
    return [...context.getImageData(0, 0, 64, 36).data].join();
}"""


@pytest.fixture(scope="module")
def sources(http_program, samples):
    return {
        "clock": http_program.url("clock.mjpg"),
        "hands": http_program.url("clock.mjpg"),
        "nowhere": "rtsp://127.0.0.1:9/none",
        "file": str(samples / "video_2.mp4"),
    }


@pytest.fixture(scope="module")
def watching(start_service, sources):
    """A service with named sources."""
    streams = tuple(NamedStream(name, address) for name, address in sources.items())
    return start_service(size=97, threads=1, runtime="onnx", stream=streams, streams_running=2)


@pytest.fixture
def tab(open_page, watching, http_server):
    """The tab, with nothing running; what a test started is ended."""
    guest = open_page(watching, "#streams")
    guest.locator(".stream").first.wait_for()
    yield guest
    # A page that is open asks on, and would be told that what it shows is gone.
    guest.goto("about:blank")
    with watching.client() as client:
        for stream in client.get("/v1/streams").json()["streams"]:
            # The page may be at it already.
            assert client.delete(stream["links"]["self"]).status_code in {204, 404}


def tile(guest, name):
    return guest.locator(".stream").filter(has=guest.get_by_role("heading", name=name, exact=True))


def told(service, name):
    with service.client() as client:
        return client.get(f"/v1/streams/{name}").raise_for_status().json()


def start(guest, name):
    guest.get_by_role("button", name=f"Start {name}", exact=True).click()


def test_a_source_is_started_seen_and_ended(tab, watching):
    assert tab.locator(".stream h3").all_inner_texts() == ["clock", "file", "hands", "nowhere"]
    start(tab, "clock")
    clock = tile(tab, "clock")
    expect(clock.locator(".tag")).to_have_text("Live", timeout=60_000)
    # What is told: how fast, how old, what was left out, who looks.
    expect(clock.locator(".stream-facts")).to_have_text(
        re.compile(r"[\d.]+ fps\s*\d+ ms\s*\d+ left out\s*1 viewer"), timeout=20_000
    )
    picture = clock.locator("img")
    expect(picture).to_be_visible()
    first = picture.evaluate(MOVES)
    tab.wait_for_timeout(1500)
    assert picture.evaluate(MOVES) != first, "the picture stands still"
    # It is one answer without an end, and not many pictures.
    assert tab.count("/mjpeg") == 1
    assert tab.count("/snapshot.jpg") == 0
    tab.get_by_role("button", name="Stop clock").click()
    expect(tab.get_by_role("button", name="Start clock", exact=True)).to_be_focused()
    assert tab.locator(".stream h3").all_inner_texts() == ["clock", "file", "hands", "nowhere"]


@pytest.mark.long
def test_nobody_looks_any_more_when_the_tab_is_left(tab, watching):
    start(tab, "clock")
    expect(tile(tab, "clock").locator(".stream-facts")).to_contain_text("1 viewer", timeout=60_000)
    tab.get_by_role("tab", name="Image").click()
    for _ in range(100):
        if told(watching, "clock")["viewers"] == 0:
            break
        tab.wait_for_timeout(50)
    assert told(watching, "clock")["viewers"] == 0
    asked = tab.count("/v1/streams")
    tab.wait_for_timeout(2000)
    assert tab.count("/v1/streams") == asked, "the page asks on although nobody looks"
    tab.get_by_role("tab", name="Streams").click()
    expect(tile(tab, "clock").locator(".stream-facts")).to_contain_text("1 viewer", timeout=20_000)


@pytest.mark.long
def test_the_large_view_moves_alone_and_is_closed_by_escape(tab, watching):
    start(tab, "clock")
    expect(tile(tab, "clock").locator("img")).to_be_visible(timeout=60_000)
    tab.get_by_role("button", name="Show clock large").click()
    dialog = tab.get_by_role("dialog", name="clock")
    picture = dialog.locator("img")
    expect(picture).to_be_visible(timeout=20_000)
    first = picture.evaluate(MOVES)
    tab.wait_for_timeout(1500)
    assert picture.evaluate(MOVES) != first
    # The tile behind it has let go.
    assert told(watching, "clock")["viewers"] == 1
    box, inside = dialog.bounding_box(), picture.bounding_box()
    assert inside["width"] > tile(tab, "clock").bounding_box()["width"]
    assert box["width"] <= 1200
    assert box["height"] <= 800
    # On a phone it is as wide as the window lets it, and the picture is whole.
    tab.set_viewport_size({"width": 390, "height": 800})
    box, inside = dialog.bounding_box(), picture.bounding_box()
    assert inside["x"] - box["x"] == pytest.approx(box["x"] + box["width"] - inside["x"] - inside["width"], abs=1)
    tab.set_viewport_size({"width": 1200, "height": 800})
    with tab.expect_download() as download:
        dialog.get_by_role("button", name="Save a picture").click()
    assert download.value.suggested_filename == "clock.jpg"
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab.get_by_role("button", name="Show clock large")).to_be_focused()
    expect(tile(tab, "clock").locator("img")).to_be_visible(timeout=20_000)


@pytest.mark.long
def test_a_source_that_breaks_off_and_comes_back_says_so(tab, http_server):
    start(tab, "clock")
    clock = tile(tab, "clock")
    expect(clock.locator(".tag")).to_have_text("Live", timeout=60_000)
    http_server.cut()
    expect(clock.locator(".tag")).to_have_text("Connection lost", timeout=60_000)
    expect(clock).to_contain_text("the service tries again")
    expect(tab.get_by_role("status").filter(has_text="clock: Connection lost")).to_have_count(1)
    http_server.restore()
    expect(clock.locator(".tag")).to_have_text("Live", timeout=60_000)
    expect(clock.locator("img")).to_be_visible(timeout=20_000)


def test_one_that_fails_says_why_and_can_be_started_again_or_removed(tab):
    start(tab, "nowhere")
    nowhere = tile(tab, "nowhere")
    expect(nowhere.locator(".tag")).to_have_text("Failed", timeout=60_000)
    expect(nowhere).to_contain_text("refused")
    nowhere.get_by_role("button", name="Start nowhere again").click()
    expect(nowhere.locator(".tag")).to_have_text("Failed", timeout=60_000)
    nowhere.get_by_role("button", name="Remove nowhere").click()
    expect(tab.get_by_role("button", name="Start nowhere", exact=True)).to_be_visible()


def test_more_than_may_run_are_refused_with_the_reason(tab):
    tab.expected("status of 429")
    start(tab, "clock")
    start(tab, "hands")
    expect(tab.locator(".streams-head")).to_contain_text("2 of at most 2 running", timeout=60_000)
    start(tab, "file")
    expect(tab.get_by_role("alert").filter(has_text="2")).to_be_visible()
    assert tab.get_by_role("button", name="Start file", exact=True).is_visible()
    # What goes well is no trouble any more.
    tab.get_by_role("button", name="Stop hands").click()
    expect(tab.locator("#panel-streams .trouble")).to_be_hidden()


@pytest.mark.long
def test_more_tiles_than_a_browser_has_connections_for_show_stills(open_page, start_service, sources, http_server):
    names = [f"clock-{number}" for number in range(4)]
    streams = tuple(NamedStream(name, sources["clock"]) for name in names)
    service = start_service(size=65, threads=1, runtime="onnx", stream=streams)
    guest = open_page(service, "#streams")
    for name in names:
        start(guest, name)
    for name in names:
        expect(tile(guest, name).locator("img")).to_be_visible(timeout=60_000)
    links = [tile(guest, name).locator("img").get_attribute("src") for name in names]
    assert sum("/mjpeg" in link for link in links) == 3
    (still,) = (name for name, link in zip(names, links, strict=True) if "/snapshot.jpg" in link)
    picture = tile(guest, still).locator("img")
    first = picture.evaluate(MOVES)
    guest.wait_for_timeout(4000)
    assert picture.evaluate(MOVES) != first, "the still is never taken again"
    # And the page has a connection left for everything else.
    assert guest.evaluate("fetch('healthz').then((answer) => answer.status)") == 200


def test_without_sources_the_tab_says_how_to_give_some(open_page, start_service):
    service = start_service(size=97, threads=1, runtime="onnx")
    guest = open_page(service, "#streams")
    expect(guest.get_by_role("heading", name="No streams here yet")).to_be_visible()
    expect(guest.locator(".command")).to_contain_text("liveseg serve --stream")
    assert guest.get_by_label("Address").count() == 0 or not guest.get_by_label("Address").is_visible()


def test_where_it_is_allowed_an_address_can_be_given_and_a_token_is_not_needed_by_pictures(
    open_page, start_service, sources, http_server
):
    token = "correct-horse-battery-staple"  # noqa: S105
    service = start_service(size=97, threads=1, runtime="onnx", allow_any_stream=True, token=token)
    guest = open_page(service, "#streams")
    guest.expected("status of 401")
    guest.get_by_role("textbox", name="Token").fill(token)
    guest.get_by_role("button", name="Continue").click()
    guest.get_by_label("Address").fill(sources["clock"])
    guest.get_by_label("Name").fill("garden")
    guest.get_by_role("button", name="Start", exact=True).click()
    picture = tile(guest, "garden").locator("img")
    expect(picture).to_be_visible(timeout=60_000)
    assert "ticket=" in picture.get_attribute("src")
    assert token not in picture.get_attribute("src")
    guest.expected("status of 422")
    guest.get_by_label("Address").fill("ftp://127.0.0.1/nothing")
    guest.get_by_role("button", name="Start", exact=True).click()
    expect(guest.locator("#panel-streams .trouble")).not_to_be_empty()
