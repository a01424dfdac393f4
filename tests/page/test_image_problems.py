"""What the image tab says where something is wrong, and that there is always a way on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

DONE = ".image-work[data-state=done]"
REFUSED = r"Failed to load resource: the server responded with a status of"
CUT = r"net::ERR_(INTERNET_DISCONNECTED|FAILED)"
TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture(scope="module")
def portrait(samples):
    return samples / "image_2.jpg"


@pytest.fixture(scope="module")
def narrow(start_service):
    """A service that takes little, from those with its token."""
    return start_service(max_body=60_000, max_pixels=150_000, token=TOKEN)


def notice(page):
    return page.locator(".notice-stage")


def test_what_is_no_picture_is_said_plainly_without_asking_the_service(open_page, service, tmp_path, portrait):
    path = tmp_path / "notes.jpg"
    path.write_text("no picture")
    page = open_page(service)
    page.drop(path)
    expect(notice(page)).to_contain_text("This browser cannot show that picture")
    expect(notice(page)).to_contain_text("Neither this browser nor the service reads this file.")
    expect(notice(page)).to_have_attribute("role", "alert")
    assert page.count("/v1/segment") == 0
    # And the next one works.
    page.drop(portrait)
    page.wait_for_selector(DONE)
    expect(notice(page)).to_be_hidden()


def test_a_tiff_is_called_by_its_name(open_page, service, tmp_path):
    path = tmp_path / "scan.tif"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    page = open_page(service)
    page.drop(path)
    expect(notice(page)).to_contain_text("Neither this browser nor the service reads TIFF")
    expect(notice(page).get_by_role("button", name="Choose another picture")).to_be_visible()


def test_what_the_browser_reads_and_the_service_does_not_is_turned_into_a_png(open_page, service, tmp_path, portrait):
    avif = tmp_path / "portrait.avif"
    Image.open(portrait).save(avif, quality=80)
    page = open_page(service)
    page.drop(avif)
    page.wait_for_selector(DONE)
    expect(page.locator(".note")).to_contain_text("The service does not read AVIF")
    expect(page.get_by_role("switch", name="person,")).to_be_visible()


def test_what_the_service_reads_and_the_browser_does_not_is_shown_as_the_service_sees_it(
    open_page, service, tmp_path, portrait
):
    path = tmp_path / "portrait.webp"
    Image.open(portrait).save(path, lossless=True)
    # As a browser without WebP has it.
    lacking = """
        const real = window.createImageBitmap;
        window.createImageBitmap = (blob, ...rest) =>
            blob.type === "image/webp" ? Promise.reject(new DOMException("no")) : real(blob, ...rest);
    """
    page = open_page(service, before=lambda page: page.add_init_script(lacking))
    page.drop(path)
    page.wait_for_selector(DONE)
    expect(page.locator(".note")).to_contain_text("the service sent the picture as it reads it")
    middle = "(own) => [...own.getContext('2d').getImageData(256, 256, 1, 1).data]"
    shown = page.locator("canvas.source").evaluate(middle)
    with Image.open(portrait) as image:
        assert shown[:3] == list(image.convert("RGB").getpixel((256, 256)))


def test_a_service_that_is_gone_is_told_and_tried_again(open_page, service, portrait):
    page = open_page(service)
    page.expected(CUT)
    page.wait_for_selector(".dropzone")
    page.context.set_offline(True)
    page.drop(portrait)
    expect(notice(page)).to_contain_text("The service does not answer")
    expect(notice(page)).to_have_attribute("data-kind", "offline")
    expect(page.locator("#banner")).to_contain_text("The service does not answer.")
    # The picture is seen all the same.
    assert page.locator("canvas.source").evaluate("(own) => own.width") == 512
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_contain_text("The service is back.")
    notice(page).get_by_role("button", name="Try again").click()
    page.wait_for_selector(DONE)


def test_a_sample_that_cannot_be_had_is_told(open_page, service):
    page = open_page(service)
    page.expected(CUT)
    page.wait_for_selector(".sample")
    page.context.set_offline(True)
    page.get_by_role("button", name="Try the sample: a cat").click()
    expect(notice(page)).to_contain_text("The service does not answer")


def test_a_token_is_asked_for_and_a_wrong_one_told(open_page, narrow, tmp_path, portrait):
    path = tmp_path / "small.jpg"
    Image.open(portrait).resize((200, 200)).save(path)
    page = open_page(narrow)
    page.expected(REFUSED)
    page.drop(path)
    dialog = page.get_by_role("dialog", name="This service asks for a token")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Token").fill("not the right one at all")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_contain_text("does not accept this token")
    dialog.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector(DONE)
    assert page.evaluate("() => [sessionStorage.length, JSON.stringify(localStorage).includes('horse')]") == [1, False]
    assert not any(TOKEN in url for _, url in page.asked)
    # It is kept until the tab is closed.
    page.reload()
    page.drop(path)
    page.wait_for_selector(DONE)


def test_without_the_token_there_is_a_way_back(open_page, narrow, tmp_path, portrait):
    path = tmp_path / "small.jpg"
    Image.open(portrait).resize((200, 200)).save(path)
    page = open_page(narrow)
    page.expected(REFUSED)
    page.drop(path)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(notice(page)).to_contain_text("No access without the token")
    notice(page).get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("what", ["bytes", "pixels"])
def test_what_is_too_large_is_told_in_the_services_words(open_page, narrow, tmp_path, portrait, what):
    path = portrait
    if what == "pixels":
        path = tmp_path / "wide.png"
        Image.new("RGB", (800, 600)).save(path)
    known = f"sessionStorage.setItem('liveseg.token', '{TOKEN}')"
    page = open_page(narrow, before=lambda page: page.add_init_script(known))
    page.expected(REFUSED)
    page.drop(path)
    expect(notice(page)).to_contain_text("That is too large for this service")
    expect(notice(page).locator(".notice-text")).to_contain_text("byte" if what == "bytes" else "pixel")


def problem(status, detail, **headers):
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail})
    return {"status": status, "body": body, "headers": {"content-type": "application/problem+json", **headers}}


def test_a_model_that_is_being_loaded_is_waited_for(open_page, service, portrait):
    page = open_page(service)
    page.expected(REFUSED)
    answers = [problem(503, "the model is being loaded", **{"retry-after": "1"})]

    def answer(route):
        if answers:
            route.fulfill(**answers.pop())
        else:
            route.continue_()

    page.route("**/v1/segment*", answer)
    page.drop(portrait)
    expect(notice(page)).to_contain_text("The model is being loaded")
    page.wait_for_selector(DONE)


def test_a_busy_service_is_told_and_can_be_asked_again(open_page, service, portrait):
    page = open_page(service)
    page.expected(REFUSED)
    page.route("**/v1/segment*", lambda route: route.fulfill(**problem(429, "64 pictures wait; try again in 2 s")))
    page.drop(portrait)
    expect(notice(page)).to_contain_text("The service has its hands full")
    expect(notice(page)).to_contain_text("64 pictures wait; try again in 2 s")
    page.unroute("**/v1/segment*")
    notice(page).get_by_role("button", name="Try again").click()
    page.wait_for_selector(DONE)


def test_a_download_that_fails_is_told_where_it_was_asked_for(open_page, service, portrait):
    page = open_page(service)
    page.expected(REFUSED)
    page.drop(portrait)
    page.wait_for_selector(DONE)
    page.route("**/v1/segment*", lambda route: route.fulfill(**problem(500, "")))
    page.get_by_role("button", name="Download").click()
    page.get_by_role("button", name="Areas JSON").click()
    expect(page.locator(".download-status")).to_contain_text("The download could not be made")


def test_a_part_of_the_page_that_cannot_be_loaded_is_told(open_page, service):
    def cut(page):
        page.expected(r"Failed to (load resource|fetch)")
        page.route("**/js/tabs/image.js", lambda route: route.abort())

    page = open_page(service, before=cut)
    expect(page.locator("#panel-image")).to_contain_text("This part of the page could not be loaded")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_camera_that_may_not_be_used_is_explained(open_page, service):
    refused = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    page = open_page(service, before=lambda page: page.add_init_script(refused))
    page.get_by_role("button", name="Take a photo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The camera is not allowed")
    expect(dialog.get_by_role("button", name="Take it")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
