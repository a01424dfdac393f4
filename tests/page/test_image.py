"""Pictures come in, by every way and of every kind: real files, a real service, a real browser."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

DONE = ".image-work[data-state=done]"


@pytest.fixture
def fresh(open_page, service, astronaut):
    """The tab with a result, of its own."""
    page = open_page(service)
    page.locator(".start input[type=file]").set_input_files(astronaut)
    page.wait_for_selector(DONE)
    page.settled()
    return page


@pytest.mark.parametrize("way", ["drop", "paste", "pick", "sample"])
def test_a_picture_comes_in_by_every_way_and_its_result_is_shown(open_page, service, astronaut, way):
    page = open_page(service)
    expect(page.get_by_role("heading", name="Drop a picture here")).to_be_visible()
    match way:
        case "drop":
            page.drop(astronaut, on=".dropzone")
        case "paste":
            page.paste(astronaut)
        case "pick":
            with page.expect_file_chooser() as chooser:
                page.get_by_role("button", name="Choose a picture").click()
            chooser.value.set_files(astronaut)
        case "sample":
            page.get_by_role("button", name="Try the sample: an astronaut").click()
    page.wait_for_selector(DONE)
    expect(page.entry("person")).to_be_visible()
    expect(page.locator(".start")).to_be_hidden()
    assert page.count("/v1/segment") == 1
    source, result = page.pixels("source"), page.pixels("result")
    assert source.shape[:2] == result.shape[:2] == (512, 512)
    # The middle of the picture is mostly person, and drawn so.
    middle = result[200:300, 150:300]
    assert (middle[..., 3] == 255).mean() > 0.8
    # What screen readers hear of it.
    assert "person" in page.locator("#panel-image > [role=status]").inner_text()


def test_a_photo_is_taken_by_the_camera(open_page, service):
    page = open_page(service)
    page.get_by_role("button", name="Take a photo").click()
    dialog = page.get_by_role("dialog")
    take = dialog.get_by_role("button", name="Take it")
    expect(take).to_be_enabled()
    take.click()
    page.wait_for_selector(DONE)
    expect(dialog).to_have_count(0)
    # The clip's own pictures, not the green that Chromium's fake camera makes of its own.
    source = page.pixels("source")[..., :3].astype(int)
    assert source.std() > 20
    assert ((source[..., 1] - source[..., 0]) > 80).mean() < 0.2
    assert page.evaluate("() => document.querySelectorAll('video').length") == 0


def test_the_camera_dialog_can_be_left_by_escape(open_page, service):
    page = open_page(service)
    page.get_by_role("button", name="Take a photo").click()
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Drop a picture here")).to_be_visible()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8, 5])
def test_a_turned_photo_is_upright_and_its_mask_lies_on_it(open_page, service, found, tmp_path, orientation):
    path = tmp_path / "turned.jpg"
    image = Image.fromarray(found.image[:400])
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    turn = back.get(orientation, Image.Transpose.TRANSPOSE)
    stored = image if turn is None else image.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path, quality=95, exif=exif)
    page = open_page(service)
    page.drop(path)
    page.wait_for_selector(DONE)
    page.settled()
    source, result = page.pixels("source"), page.pixels("result")
    assert source.shape == result.shape == (400, 512, 4)
    assert np.abs(source[..., :3].astype(int) - found.image[:400]).mean() < 6
    assert (result[250:300, 150:220, 3] == 255).mean() > 0.9
    assert (result[20:60, 340:380, 3] == 0).all()
    expect(page.locator(".note")).to_be_hidden()


@pytest.mark.long
def test_a_large_photo_is_drawn_at_the_size_of_the_screen_and_saved_at_its_own(open_page, service, found, tmp_path):
    path = tmp_path / "large.jpg"
    Image.fromarray(found.image).resize((4000, 3000)).save(path, quality=85)
    page = open_page(service)
    page.drop(path)
    page.wait_for_selector(DONE)
    page.settled()
    width = page.pixels("result").shape[1]
    shown = page.locator(".stage").bounding_box()["width"]
    assert width == pytest.approx(shown, abs=2)
    for view in ("Cut-out", "Blur"):
        page.show(view)
        assert page.pixels("result").shape[1] == width
    # The page answers while the large file is being made: it is not made on its thread.
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Cut-out PNG").click()
        longest = page.evaluate(
            """async () => {
                let [longest, last] = [0, performance.now()];
                const end = last + 1500;
                while (last < end) {
                    await new Promise(requestAnimationFrame);
                    const now = performance.now();
                    [longest, last] = [Math.max(longest, now - last), now];
                }
                return longest;
            }"""
        )
    with Image.open(waiting.value.path()) as made:
        assert made.size == (4000, 3000)
    assert longest < 1000
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_another_picture_takes_the_place_of_the_first_one(fresh, samples):
    fresh.drop(samples / "image_1.jpg")
    fresh.wait_for_selector(DONE)
    expect(fresh.entry("cat")).to_be_visible()
    assert fresh.pixels("source").shape[:2] == (300, 451)
    assert fresh.pixels("result").shape[:2] == (300, 451)


def test_of_two_pictures_in_a_hurry_the_last_one_is_shown(open_page, service, samples):
    page = open_page(service)
    page.drop(samples / "image_2.jpg")
    page.drop(samples / "image_1.jpg")
    page.wait_for_selector(DONE)
    page.wait_for_timeout(500)
    expect(page.entry("cat")).to_be_visible()
    expect(page.entry("person")).to_have_count(0)
    assert page.pixels("source").shape[:2] == (300, 451)


def test_another_size_of_the_network_segments_anew(fresh):
    asked = fresh.count("/v1/segment")
    fresh.get_by_label("Detail").select_option("129")
    fresh.wait_for_selector(DONE)
    fresh.wait_for_function("() => document.querySelector('.image-work').dataset.state === 'done'")
    assert fresh.count("/v1/segment") == asked + 1
    assert "size=129" in fresh.asked[-1][1] or any("size=129" in url for _, url in fresh.asked)


def test_the_look_is_kept_for_the_next_visit(fresh):
    fresh.get_by_role("radio", name="Vivid").check(force=True)
    fresh.get_by_role("slider", name="Opacity").fill("0.4")
    fresh.reload()
    fresh.get_by_role("button", name="Try the sample: a cat").click()
    fresh.wait_for_selector(DONE)
    expect(fresh.get_by_role("radio", name="Vivid")).to_be_checked()
    expect(fresh.get_by_role("slider", name="Opacity")).to_have_value("0.4")


def test_of_several_files_the_first_is_shown_and_the_others_are_told(open_page, service, samples):
    page = open_page(service)
    page.drop(samples / "image_1.jpg", samples / "image_2.jpg")
    page.wait_for_selector(DONE)
    expect(page.entry("cat")).to_be_visible()
    expect(page.locator(".note")).to_have_text("One picture is shown at a time; the other one was left out.")
