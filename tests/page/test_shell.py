"""The page around its tabs: addresses, keyboard, themes, widths, and whether it is open to all."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from liveseg.server.page import FOLDER

TABS = ("image", "video", "live", "streams")
CSP_OF_AXE = {"bypass_csp": True}
"""axe is put into the page by the test, which the page's own rules would not allow."""


@pytest.fixture(scope="module")
def portrait(samples):
    return samples / "image_2.jpg"


def test_each_tab_has_an_address_and_back_goes_back(open_page, service):
    page = open_page(service)
    for name in TABS[1:]:
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel")).to_have_id(f"panel-{name}")
        assert page.url.endswith(f"#{name}")
        expect(page.page).to_have_title(f"{name.capitalize()} · liveseg")
    page.go_back()
    expect(page.get_by_role("tabpanel")).to_have_id("panel-live")
    page.goto(f"{service.url}/#video")
    expect(page.get_by_role("tabpanel")).to_have_id("panel-video")
    page.goto(f"{service.url}/#nonsense")
    expect(page.get_by_role("tabpanel")).to_have_id("panel-image")


def test_the_arrow_keys_go_through_the_tabs(open_page, service):
    page = open_page(service)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Image")).to_be_focused()
    for key, name in (("ArrowRight", "Video"), ("End", "Streams"), ("ArrowRight", "Image"), ("ArrowLeft", "Streams")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    # One stop for all tabs: the next one is the button for the theme.
    page.keyboard.press("Tab")
    expect(page.locator("#theme")).to_be_focused()


def test_the_link_for_keyboards_skips_the_header(open_page, service):
    page = open_page(service)
    page.wait_for_selector(".dropzone")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose a picture")).to_be_focused()


def test_a_picture_is_segmented_and_looked_at_by_the_keyboard_alone(open_page, service):
    page = open_page(service)
    page.wait_for_selector(".sample")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.classList.contains('sample')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".image-work[data-state=done]")
    reached = []
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                    const own = document.activeElement;
                    return own.getAttribute("aria-label") ?? own.textContent.trim() + (own.value ?? "");
                }"""
            )
        )
    said = " | ".join(reached)
    for part in ("overlay", "Download", "New picture", "The arrow keys", "Compare", "cat, ", "safe", "0.6"):
        assert part in said, f"{part!r} is not reached: {said}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_until_another_is_chosen_and_is_kept(open_page, service, scheme):
    page = open_page(service, color_scheme=scheme)
    color = "() => getComputedStyle(document.body).backgroundColor"
    paper, night = "rgb(247, 247, 245)", "rgb(19, 21, 22)"
    assert page.evaluate(color) == (paper if scheme == "light" else night)
    switch = page.locator("#theme")
    for name, expected in (("light", paper), ("dark", night)):
        switch.click()
        expect(switch).to_have_attribute("aria-label", f"Colours of the page: {name}")
        assert page.evaluate(color) == expected
    page.reload()
    assert page.evaluate(color) == night
    switch.click()
    expect(switch).to_have_attribute("aria-label", "Colours of the page: as the system")
    assert page.evaluate(color) == (paper if scheme == "light" else night)


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_nothing_is_cut_off_at_any_width(open_page, service, portrait, width):
    page = open_page(service, viewport={"width": width, "height": 740})
    overflow = """() => {
        const most = document.documentElement.clientWidth;
        return [...document.querySelectorAll("body *")].filter((own) => {
            const { left, right, width } = own.getBoundingClientRect();
            const apart = own.closest(".visually-hidden, .skip, .stage, dialog, .legend-list");
            return width > 0 && !apart && (left < -1 || right > most + 1);
        }).map((own) => own.className || own.tagName);
    }"""
    for name in TABS:
        page.get_by_role("tab", name=name).click()
        page.locator(f"#panel-{name} > *").first.wait_for(state="attached")
        assert page.evaluate(overflow) == [], name
    page.get_by_role("tab", name="image").click()
    page.locator(".start input[type=file]").set_input_files(portrait)
    page.wait_for_selector(".image-work[data-state=done]")
    page.get_by_role("button", name="Download").click()
    assert page.evaluate(overflow) == []
    # What is touched is large enough for a finger.
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button, header button")]
            .filter((own) => own.offsetParent && !own.classList.contains("link"))
            .map((own) => [own.textContent || own.ariaLabel, own.getBoundingClientRect()])
            .filter(([, { width, height }]) => Math.min(width, height) < 28).map(([name]) => name)"""
    )
    assert small == []


def serious(page):
    """What axe finds that is serious or critical: the rule and where it is broken."""
    found = Axe().run(page.page)
    return [
        (violation["id"], node["target"], node.get("failureSummary"))
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_nothing_serious_in_an_empty_tab(open_page, service, tab, scheme):
    page = open_page(service, f"#{tab}", color_scheme=scheme, **CSP_OF_AXE)
    page.locator(f"#panel-{tab} > *").first.wait_for(state="attached")
    page.wait_for_timeout(300)
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_result_its_downloads_and_its_dialogs(open_page, service, portrait, scheme):
    page = open_page(service, color_scheme=scheme, **CSP_OF_AXE)
    page.locator(".start input[type=file]").set_input_files(portrait)
    page.wait_for_selector(".image-work[data-state=done]")
    page.get_by_role("switch").first.click()
    assert serious(page) == []
    page.get_by_role("button", name="Download").click()
    assert serious(page) == []
    page.get_by_role("button", name="Download").click()
    page.get_by_role("radio", name="Blur").check(force=True)
    assert serious(page) == []
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Take it")).to_be_enabled()
    assert serious(page) == []


def test_nothing_moves_for_those_who_ask_for_that(open_page, service, portrait):
    page = open_page(service)
    page.locator(".start input[type=file]").set_input_files(portrait)
    page.wait_for_selector(".image-work[data-state=done]")
    # At once, not swept there.
    assert page.get_by_role("slider", name="Compare").get_attribute("aria-valuenow") == "50"
    running = page.evaluate("() => document.getAnimations().filter((own) => own.playState === 'running').length")
    assert running == 0


def test_the_slider_sweeps_in_for_all_others(open_page, service, portrait):
    page = open_page(service, reduced_motion="no-preference")
    page.evaluate(
        """() => {
            window.seen = new Set();
            const look = () => {
                const slider = document.querySelector(".wipe");
                if (slider && !slider.hidden) window.seen.add(slider.getAttribute("aria-valuenow"));
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    page.locator(".start input[type=file]").set_input_files(portrait)
    expect(page.get_by_role("slider", name="Compare")).to_have_attribute("aria-valuenow", "50")
    assert page.evaluate("() => window.seen.size") > 2


def test_text_from_outside_is_never_markup(open_page, service, portrait, tmp_path):
    name = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    name.write_bytes(portrait.read_bytes())
    page = open_page(service)
    page.drop(name)
    page.wait_for_selector(".image-work[data-state=done]")
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0


def test_what_the_page_is_made_of_comes_from_the_service_and_parses_no_text_as_markup():
    for path in FOLDER.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, f"{path.name} has {word}"
    for path in [*FOLDER.rglob("*.js"), *FOLDER.rglob("*.css"), *FOLDER.rglob("*.html")]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://(?!localhost)[a-z0-9]", text), f"{path.name} names another host"


def test_all_words_stand_in_one_place():
    """A module without words of its own has no sentence: letters, a blank, letters, in quotes and not in a comment."""
    sentence = re.compile(r'(?:text|title|label|"aria-label"): "[^"]*[A-Za-z]{3,} [A-Za-z]')
    for path in (FOLDER / "js").rglob("*.js"):
        if path.parent.name != "strings":
            assert not sentence.search(path.read_text(encoding="utf-8")), path.name
