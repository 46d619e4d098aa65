"""Pictures of the main pages, in the two widths that are looked at: `make pictures` takes them anew."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.visit import LAPTOP, PHONE, opened

ROOT = Path(__file__).parents[2]
VARIABLE = "WATERBED_PICTURES"
"""Names the folder to write pictures to; without it none is written, and a test run leaves the checkout as it was."""
WIDTHS = {"laptop": LAPTOP, "phone": PHONE}
TALLEST = {"laptop": 1500, "phone": 1800}
"""Pictures end here, pixels: the rest of a long page is more of the same."""


def main_pages(page: Page) -> dict[str, str]:
    """The pages that the navigation names, a hoster's sheet and an intervention, by the name of their picture."""
    paths = page.locator("nav a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    named = {path.removesuffix(".html").replace("/", "-"): path for path in paths}
    sheet = page.locator("main a[href^='hosters/']").first.get_attribute("href")
    assert sheet
    further = {"hoster": sheet, "intervention": "interventions/moerashost-acts.html"}
    return {name.replace("index", "overview"): path for name, path in named.items()} | further


def take(browser: Browser, root: str, path: str, form: str) -> bytes:
    """A picture of the top of a page."""
    size = {"width": WIDTHS[form], "height": 900}
    with opened(browser, root, path, viewport=size) as page:
        height = min(TALLEST[form], page.evaluate("() => document.documentElement.scrollHeight"))
        return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTHS[form], "height": height})


def width_of(picture: bytes) -> int:
    """The width that a PNG's header gives."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(picture[16:20], "big")


@pytest.mark.parametrize("form", WIDTHS)
def test_each_main_page_has_its_picture(folder: Path, browser: Browser, form: str) -> None:
    """docs/img has a picture of each main page in this width, and of no page that there is no more.

    Where none is written, one is taken all the same.
    """
    root = (folder / "out").as_uri() + "/"
    with opened(browser, root, "index.html") as page:
        pages = main_pages(page)
    written = os.environ.get(VARIABLE)
    for name, path in pages.items() if written else [*pages.items()][:1]:
        picture = take(browser, root, path, form)
        assert width_of(picture) == WIDTHS[form], name
        if written:
            (ROOT / written / f"{name}-{form}.png").write_bytes(picture)
    there = {path.name: path.read_bytes() for path in (ROOT / "docs/img").glob(f"*-{form}.png")}
    assert set(there) == {f"{name}-{form}.png" for name in pages}, "make pictures"
    assert {width_of(picture) for picture in there.values()} == {WIDTHS[form]}
