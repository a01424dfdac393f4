"""Where there is no camera to be had, the page says why and what to do: browsers that do not give one by themselves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def strict(browser, require):
    """`strict(*flags)`: a Chromium that gives no camera by itself."""
    opened = []

    def launch(*flags):
        path = require("chromium", "chromium")
        opened.append(browser.browser_type.launch(executable_path=path, args=["--no-sandbox", *flags]))
        return opened[-1]

    yield launch
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def small(start_service):
    return start_service(size=97, threads=1, runtime="onnx", allow_host=("segment.test",))


def live_tab(browser, address):
    page = browser.new_context().new_page()
    page.goto(f"{address}/#live")
    page.get_by_role("button", name="Start the camera").click()
    return page


def test_over_plain_http_from_another_machine_it_names_localhost_and_https(strict, small):
    far = strict("--host-resolver-rules=MAP segment.test 127.0.0.1")
    page = live_tab(far, f"http://segment.test:{small.port}")
    assert not page.evaluate("isSecureContext")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The camera needs a secure page")
    expect(alert).to_contain_text("localhost")
    expect(alert).to_contain_text("HTTPS")


def test_a_camera_that_is_not_allowed_is_said_to_be_so_and_can_be_tried_again(strict, small):
    browser = strict("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = live_tab(browser, small.url)
    expect(page.get_by_role("alert")).to_contain_text("The camera is not allowed")
    page.context.grant_permissions(["camera"])
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".live-view")).to_be_visible(timeout=60_000)


def test_without_a_camera_it_says_that_there_is_none(strict, small):
    page = live_tab(strict("--use-fake-ui-for-media-stream"), small.url)
    expect(page.get_by_role("alert")).to_contain_text("There is no camera")


def test_another_camera_is_chosen_where_there_are_several(strict, small):
    page = live_tab(
        strict("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=2"), small.url
    )
    expect(page.locator(".live-view")).to_be_visible(timeout=60_000)
    cameras = page.get_by_label("Camera", exact=True).and_(page.locator("select"))
    assert cameras.locator("option").count() == 2
    other = cameras.locator("option").nth(1).get_attribute("value")
    cameras.select_option(other)
    expect(page.locator(".live-view")).to_be_visible(timeout=60_000)
    expect(cameras).to_have_value(other)


def test_the_service_is_named_as_where_pictures_go(strict, small):
    far = strict("--host-resolver-rules=MAP segment.test 127.0.0.1")
    page = far.new_context().new_page()
    page.goto(f"{small.url}/#live")
    expect(page.locator(".live-notice")).to_contain_text("The pictures stay on this machine.")
    page.goto(f"http://segment.test:{small.port}/#live")
    expect(page.locator(".live-notice")).to_contain_text(re.compile(r"sent to segment\.test:\d+"))


def test_a_token_is_asked_for_before_the_first_frame(open_page, start_service):
    token = "correct-horse-battery-staple"  # noqa: S105
    service = start_service(size=97, threads=1, runtime="onnx", token=token)
    guest = open_page(service, "#live")
    guest.expected("status of 401")
    # The models are asked for first, and so is the token; who does not give it is asked again when it is needed.
    guest.get_by_role("button", name="Cancel").click()
    guest.get_by_role("button", name="Start the camera").click()
    guest.get_by_role("textbox", name="Token").fill(token)
    guest.get_by_role("button", name="Continue").click()
    expect(guest.locator(".live-view")).to_be_visible(timeout=60_000)
