"""Make the pictures of docs/page.md: the page as a real browser shows it, in both themes and two widths.

python tools/make_page_pictures.py            # needs Debian's chromium, and the extras serve and dev
python tools/make_page_pictures.py outputs/   # somewhere else, and more of them: to look at what a change did
"""

from __future__ import annotations

import io
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from liveseg.server.run import Server, listen
from liveseg.settings import ServeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
DONE = ".image-work[data-state=done]"
SETTLED = 900
"""Milliseconds until nothing moves any more."""


@contextmanager
def service() -> Iterator[str]:
    """A service on a free port; yields its address."""
    settings = ServeSettings(port=0, threads=2, log_level="error")
    with listen(settings) as listener:
        started = threading.Event()
        server = Server(settings, listener, started=lambda _: started.set())
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            started.wait(60)
            yield server.address
        finally:
            server.end()
            thread.join()


@contextmanager
def tab(browser: Browser, address: str, place: str, scheme: str, size: dict[str, int]) -> Iterator[Page]:
    """A tab of the page."""
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address + place)
    page.wait_for_timeout(SETTLED)
    yield page
    context.close()


def shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def result(page: Page, sample: str, view: str | None = None) -> None:
    page.get_by_role("button", name=sample).click()
    page.wait_for_selector(DONE)
    if view is not None:
        page.get_by_role("radio", name=view).check(force=True)
    page.wait_for_timeout(SETTLED)


def beside(pictures: list[Image.Image], gap: int = 24) -> Image.Image:
    width = sum(own.width for own in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(own.height for own in pictures)), (255, 255, 255))
    left = 0
    for own in pictures:
        sheet.paste(own, (left, 0))
        left += own.width + gap
    return sheet


def save(picture: Image.Image, path: Path, width: int) -> None:
    scaled = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    scaled.save(path, quality=86, optimize=True)
    print(path, path.stat().st_size)


def documented(browser: Browser, address: str, folder: Path) -> None:
    """Those of the documentation."""
    with tab(browser, address, "", "light", WIDE) as page:
        result(page, "an astronaut")
        page.locator(".stage").hover(position={"x": 350, "y": 330})
        page.wait_for_timeout(SETTLED)
        save(shot(page), folder / "page.jpg", 1280)
    with tab(browser, address, "", "dark", WIDE) as page:
        result(page, "an astronaut", "Cut-out")
        save(shot(page), folder / "page-dark.jpg", 1280)
    phones = []
    with tab(browser, address, "", "light", NARROW) as page:
        phones.append(shot(page))
    with tab(browser, address, "", "dark", NARROW) as page:
        result(page, "a cat", "Blur")
        phones.append(shot(page))
    save(beside(phones), folder / "page-phone.jpg", 804)


def all_of_them(browser: Browser, address: str, folder: Path) -> None:
    """Every tab and view in both themes and two widths, as PNG."""
    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            for name in ("image", "video", "live", "streams"):
                with tab(browser, address, f"#{name}", scheme, size) as page:
                    shot(page).save(folder / f"page-{name}-{scheme}-{size['width']}.png")
            with tab(browser, address, "", scheme, size) as page:
                result(page, "an astronaut")
                for view in ("Colours", "Cut-out", "Blur"):
                    page.get_by_role("radio", name=view).check(force=True)
                    page.wait_for_timeout(SETTLED)
                    path = folder / f"page-{view.lower()}-{scheme}-{size['width']}.png"
                    page.screenshot(path=path, full_page=True)


def main() -> None:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        sys.exit("needs Chromium: apt-get install chromium")
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with service() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        documented(browser, address, folder)
        if sys.argv[1:]:
            all_of_them(browser, address, folder)
        browser.close()


if __name__ == "__main__":
    main()
