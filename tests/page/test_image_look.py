"""What is drawn of a picture, and saved: all of it by the page, none of it by another look of the network."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from liveseg.palettes import palette_of
from liveseg.render.overlay import Painter

DONE = ".image-work[data-state=done]"


@pytest.fixture(scope="module")
def shared(browser, make_guest, service, astronaut):
    """The tab with a result, for all who leave the picture as it is."""
    page = make_guest(browser, service)
    page.locator(".start input[type=file]").set_input_files(astronaut)
    page.wait_for_selector(DONE)
    yield page
    page.context.close()


@pytest.fixture
def opened(shared):
    """The same, looking as it does at first."""
    shared.mouse.move(2, 2)
    if shared.get_by_role("button", name="Download").get_attribute("aria-expanded") == "true":
        shared.get_by_role("button", name="Download").click()
    if shared.get_by_role("button", name="Show all").is_visible():
        shared.get_by_role("button", name="Show all").click()
    shared.show("Colours")
    shared.get_by_role("radio", name="All eyes").check(force=True)
    shared.get_by_role("slider", name="Opacity").fill("0.6")
    shared.get_by_role("slider", name="Compare").press("Home")
    for _ in range(5):
        shared.get_by_role("slider", name="Compare").press("PageUp")
    shared.settled()
    yield shared
    shared.check()


def test_the_mask_is_drawn_in_the_colours_of_the_palette_that_is_chosen(opened, found):
    drawn = opened.pixels("result")
    for name, label in (("safe", "All eyes"), ("vivid", "Vivid"), ("model", "Model")):
        opened.get_by_role("radio", name=label).check(force=True)
        opened.settled()
        drawn = opened.pixels("result")
        labels = found.labels.with_palette(palette_of(name, found.labels))
        # Two networks of one machine may differ in a pixel at a border.
        expected = np.where(found.mask[..., None] > 0, labels.colors[found.mask], 0)
        assert (drawn[..., :3] == expected).all(axis=2).mean() > 0.98
        swatch = opened.entry("person").locator(".swatch").evaluate("(own) => getComputedStyle(own).backgroundColor")
        assert swatch == "rgb({}, {}, {})".format(*labels.palette[15])


def test_changing_how_it_looks_asks_the_service_for_nothing(opened):
    asked = len(opened.asked)
    before = opened.pixels("result")
    for view in ("Cut-out", "Blur", "Colours"):
        opened.show(view)
    opened.get_by_role("radio", name="Vivid").check(force=True)
    slider = opened.get_by_role("slider", name="Opacity")
    slider.fill("0.25")
    opened.entry("person").click()
    opened.entry("person").hover()
    opened.get_by_role("button", name="Show all").click()
    opened.get_by_role("slider", name="Compare").press("End")
    opened.locator(".stage").hover(position={"x": 60, "y": 60})
    opened.settled()
    opened.wait_for_timeout(300)
    assert [url for _, url in opened.asked[asked:]] == []
    assert not np.array_equal(opened.pixels("result"), before)
    assert opened.locator("canvas.result").evaluate("(own) => own.style.opacity") == "0.25"


def test_an_entry_of_the_legend_switches_its_class_off_and_on(opened, found):
    there = opened.pixels("result")[..., 3] > 0
    person = opened.entry("person")
    person.click()
    opened.settled()
    expect(person).to_have_attribute("aria-checked", "false")
    assert (opened.pixels("result")[..., 3][found.mask == 15] > 0).mean() < 0.01
    opened.show("Cut-out")
    assert opened.pixels("result")[200:300, 150:300, 3].max() == 0
    opened.show("Colours")
    person.focus()
    opened.keyboard.press("Space")
    opened.settled()
    expect(person).to_have_attribute("aria-checked", "true")
    np.testing.assert_array_equal(opened.pixels("result")[..., 3] > 0, there)


def test_an_entry_lights_its_class_up_under_the_pointer_and_the_keyboard(opened, found):
    others = (found.mask > 0) & (found.mask != 15)
    opened.entry("person").hover()
    opened.settled()
    lit = opened.pixels("result")[..., 3]
    # Two networks of one machine may differ in a pixel at a border.
    assert (lit[found.mask == 15] == 255).mean() > 0.99
    if others.any():
        assert (lit[others] < 128).mean() > 0.9
    opened.mouse.move(2, 2)
    opened.settled()
    assert set(np.unique(opened.pixels("result")[..., 3])) <= {0, 255}
    # And the other way round: the class under the pointer marks its entry.
    box = opened.locator(".stage").bounding_box()
    opened.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.6)
    expect(opened.locator(".legend li.lit")).to_have_attribute("data-index", "15")


def test_the_pointer_tells_the_class_and_how_sure_the_network_is(opened, found):
    box = opened.locator(".stage").bounding_box()
    tooltip = opened.locator(".tooltip")
    expect(tooltip).to_be_hidden()
    for x, y in ((0.35, 0.6), (0.08, 0.93), (0.7, 0.08)):
        opened.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        expect(tooltip).to_be_visible()
        index = found.mask[int(y * 512), int(x * 512)]
        name = found.labels.names[index]
        expect(opened.locator(".tooltip-name")).to_have_text(name)
        told = opened.locator(".tooltip-sure").inner_text()
        sure = float(found.confidence[int(y * 512), int(x * 512)])
        assert float(told.removesuffix(" % sure")) / 100 == pytest.approx(sure, abs=0.12)
    opened.mouse.move(2, 2)
    expect(tooltip).to_be_hidden()


def test_the_arrow_keys_ask_the_picture_too(opened):
    probe = opened.get_by_role("group", name="The picture")
    probe.focus()
    opened.keyboard.press("ArrowLeft")
    expect(opened.locator(".tooltip")).to_be_visible()
    spoken = opened.locator(".stage [role=status]")
    assert "sure" in spoken.inner_text()
    for _ in range(12):
        opened.keyboard.press("Shift+ArrowUp")
    assert spoken.inner_text().startswith("background")


def test_the_slider_wipes_by_keys_and_by_hand(opened):
    slider = opened.get_by_role("slider", name="Compare")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    slider.focus()
    for key, at in (("ArrowRight", "52"), ("PageDown", "42"), ("Home", "0"), ("End", "100"), ("Shift+ArrowLeft", "90")):
        opened.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", at)
    expect(slider).to_have_attribute("aria-valuetext", "90 % source")
    box = opened.locator(".stage").bounding_box()
    y = box["y"] + box["height"] / 2
    opened.mouse.move(box["x"] + 0.9 * box["width"], y)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 0.25 * box["width"], y, steps=4)
    opened.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")
    # What is seen left of it is the source, and right of it the result.
    opened.mouse.move(2, 2)
    shot = np.asarray(Image.open(io.BytesIO(opened.locator(".stage").screenshot())).convert("RGB")).astype(int)
    height, width = shot.shape[:2]
    source = np.asarray(Image.fromarray(opened.pixels("source")[..., :3]).resize((width, height))).astype(int)
    rows = slice(height // 3, height * 2 // 3)
    left, right = slice(width // 20, width // 5), slice(width * 3 // 10, width // 2)
    assert np.abs(shot[rows, left] - source[rows, left]).mean() < 4
    assert np.abs(shot[rows, right] - source[rows, right]).mean() > 15


def test_the_cut_out_is_transparent_around_the_person_and_the_blur_keeps_her_sharp(opened):
    source = opened.pixels("source").astype(int)
    opened.show("Cut-out")
    cut = opened.pixels("result").astype(int)
    assert cut[20:120, 330:380, 3].max() == 0
    assert cut[250:300, 150:220, 3].min() == 255
    assert ((cut[..., 3] > 20) & (cut[..., 3] < 235)).sum() > 500  # soft, not a hard edge
    opened.show("Blur")
    blur = opened.pixels("result").astype(int)
    np.testing.assert_array_equal(blur[250:300, 150:220, :3], source[250:300, 150:220, :3])

    def detail(picture):
        return np.abs(np.diff(picture[40:200, 380:460, :3], axis=1)).mean()

    assert detail(blur) < detail(source) / 4
    opened.get_by_role("slider", name="Blur").fill("12")
    opened.settled()
    assert not np.array_equal(opened.pixels("result"), blur)


def downloaded(page, name):
    if page.get_by_role("button", name="Download").get_attribute("aria-expanded") == "false":
        page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_every_output_can_be_saved(opened, found):
    asked = opened.count("/v1/segment")
    name, data = downloaded(opened, "Picture with colours")
    assert name == "image_2-overlay.jpg"
    assert Image.open(io.BytesIO(data)).size == (512, 512)
    name, data = downloaded(opened, "Cut-out PNG")
    assert name == "image_2-cutout.png"
    cut = np.asarray(Image.open(io.BytesIO(data)))
    assert cut.shape == (512, 512, 4)
    assert cut[250:300, 150:220, 3].min() == 255
    name, data = downloaded(opened, "Blurred background")
    assert name == "image_2-blur.jpg"
    assert opened.count("/v1/segment") == asked, "what is drawn is drawn here"

    name, data = downloaded(opened, "Mask of class indices PNG")
    assert name == "image_2-mask.png"
    mask = Image.open(io.BytesIO(data))
    assert (np.asarray(mask) == found.mask).mean() > 0.98
    assert tuple(mask.getpalette()[45:48]) == palette_of("safe", found.labels)[15]
    name, data = downloaded(opened, "Polygons GeoJSON")
    assert name == "image_2.geojson"
    assert json.loads(data)["type"] == "FeatureCollection"
    name, data = downloaded(opened, "Run lengths COCO")
    assert name == "image_2-coco.json"
    assert json.loads(data)["annotations"]
    name, data = downloaded(opened, "Areas JSON")
    assert name == "image_2-areas.json"
    assert {area["class"] for area in json.loads(data)["areas"]} >= {"person", "background"}
    name, data = downloaded(opened, "Arrays NumPy")
    assert name == "image_2.npz"
    assert any("mask" in own for own in zipfile.ZipFile(io.BytesIO(data)).namelist())


def test_what_is_saved_is_the_overlay_of_python_pixel_for_pixel(open_page, service, found, tmp_path):
    # A PNG comes back as a PNG, so nothing is lost on the way.
    path = tmp_path / "portrait.png"
    Image.fromarray(found.image).save(path)
    page = open_page(service)
    page.drop(path)
    page.wait_for_selector(DONE)
    page.get_by_role("radio", name="Model").check(force=True)
    page.get_by_role("slider", name="Opacity").fill("0.5")
    name, data = downloaded(page, "Picture with colours")
    assert name == "portrait-overlay.png"
    drawn = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    with service.client() as client:
        kind = {"content-type": "image/png"}
        answer = client.post("/v1/segment?output=mask", content=path.read_bytes(), headers=kind)
    mask = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(drawn, Painter(found.labels).overlay(found.image, mask, 0.5))


def test_the_list_of_downloads_closes_by_escape_and_gives_the_focus_back(opened):
    button = opened.get_by_role("button", name="Download")
    button.click()
    expect(opened.get_by_role("button", name="Areas JSON")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(opened.get_by_role("button", name="Areas JSON")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_areas_are_a_bar_chart(opened, found):
    shares = {area.name: area.share for area in found.areas()}
    bars = opened.evaluate(
        """() => [...document.querySelectorAll(".legend li")].map((row) => {
            const [bar, fill] = [row.querySelector(".bar"), row.querySelector(".bar-fill")];
            return [Number(row.dataset.index), fill.getBoundingClientRect().width / bar.getBoundingClientRect().width];
        })"""
    )
    assert bars[-1][0] == 0, "the background is listed last"
    for index, width in bars:
        share = shares.get(found.labels.names[index], 0.0)
        assert width == pytest.approx(max(share, 0.0), abs=0.02)
    expect(opened.entry("person").locator(".legend-share")).to_have_text(f"{100 * shares['person']:.0f} %")


def test_a_link_that_is_dropped_leaves_the_page_where_it_is(opened):
    kept = opened.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/uri-list", "https://example.org/");
            const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            return !document.body.dispatchEvent(drop);
        }"""
    )
    assert kept
    expect(opened.entry("person")).to_be_visible()
