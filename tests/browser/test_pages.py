"""Every page of the site in a real browser: written as files, served, and in pictures that `make pictures` takes."""

import gzip
import os
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.fonts import SHAPES, set_font
from tests.browser.keyboard import presses, stops
from tests.browser.serving import serving
from tests.browser.visit import (
    HEIGHTS,
    LAPTOP,
    PHONE,
    Visit,
    audits,
    opened,
    rows_shown,
    undrawn,
    visited,
    walk,
    widths,
)
from tests.publish.site.parsed import Parsed

ROOT = Path(__file__).parents[2]
VARIABLE = "WATERBED_PICTURES"
"""Names the folder to write pictures to; without it none is written, and a test run leaves the checkout as it was."""
WIDTHS = {"laptop": LAPTOP, "phone": PHONE}
TALLEST = {"laptop": 1500, "phone": 1800}
"""Pictures end here, pixels: the rest of a long page is more of the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A site, and what a browser met on each of its pages."""

    root: str
    visits: Mapping[str, Visit]

    def met(self, what: str) -> dict[str, object]:
        """By page: what should not be there."""
        return {path: getattr(visit, what) for path, visit in self.visits.items() if getattr(visit, what)}


EACH = 3
"""Pages of one template that are visited, with least and most on them among them."""


@pytest.fixture(scope="module")
def files(folder: Path, browser: Browser) -> Walked:
    """The site as files: all pages at the top, and of each folder the smallest and the largest."""
    root = (folder / "out").as_uri() + "/"
    rooms: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((folder / "out").rglob("*.html"), key=lambda path: (path.stat().st_size, path.name)):
        rooms[str(path.parent.relative_to(folder / "out"))].append(path)
    chosen = [path for room, its in rooms.items() for path in (its if room == "." else [its[0], *its[-(EACH - 1) :]])]
    return Walked(root=root, visits=walk(browser, root, among={str(p.relative_to(folder / "out")) for p in chosen}))


@pytest.fixture(scope="module")
def served(folder: Path, browser: Browser, files: Walked) -> Iterator[Walked]:
    """A page of each kind from a server, whose bytes are those of the files."""
    with serving(folder / "study", folder / "config") as root:
        yield Walked(root=root, visits=walk(browser, root, among=kinds(files)))


@pytest.fixture(params=["files", "served"])
def walked(request: pytest.FixtureRequest) -> Walked:
    """The site in one of its two ways."""
    return request.getfixturevalue(request.param)


def kinds(walked: Walked) -> list[str]:
    """The pages that differ in kind: all at the top, and of each folder the first."""
    tops = [path for path in walked.visits if "/" not in path]
    return tops + [
        next(path for path in walked.visits if path.startswith(f"{room}/"))
        for room in sorted({path.partition("/")[0] for path in walked.visits if "/" in path})
    ]


def test_every_page_is_reached(files: Walked, served: Walked, folder: Path) -> None:
    """From the start, links lead to every page that there is, and to nothing else."""
    out = folder / "out"
    there = {str(path.relative_to(out)) for path in out.rglob("*.html")}
    ahead, met = ["index.html"], set[str]()
    while ahead:
        path = ahead.pop()
        if path not in met:
            met.add(path)
            ahead += [str((out / path).parent.joinpath(link).resolve().relative_to(out)) for link in links(out / path)]
    assert met == there
    assert set(served.visits) == set(kinds(files))


def links(page: Path) -> list[str]:
    """The pages of the site that a page links to."""
    found = [unquote(link.partition("#")[0]) for link in Parsed(page.read_text()).links]
    return [link for link in found if link.endswith(".html") and "://" not in link]


@pytest.mark.parametrize("what", ["messages", "strangers", "missing", "broken"])
def test_nothing_is_amiss_on_any_page(walked: Walked, what: str) -> None:
    """No message on the console, no request elsewhere, nothing that does not load or is not drawn, no dead link."""
    assert walked.met(what) == {}


def test_no_page_is_wider_than_its_window(walked: Walked) -> None:
    """Neither a laptop nor a phone has to scroll a page sideways."""
    assert {path: seen.wide for path, seen in walked.visits.items() if any(seen.wide.values())} == {}


def test_each_page_has_a_title_of_its_own(files: Walked) -> None:
    """The title of the window starts with the heading of the page, and no two pages have the same."""
    titles = [visit.titles for visit in files.visits.values()]
    assert all(window.startswith(heading) for window, heading in titles), titles
    assert len({window for window, _ in titles}) == len(titles)


def test_the_server_answers_with_the_bytes_of_the_files(served: Walked, files: Walked, folder: Path) -> None:
    """Each page and asset is the same, whether written or served; the bare address is the first page."""
    for path in [*files.visits, *(f"assets/{one.name}" for one in (folder / "out/assets").iterdir())]:
        assert fetched(served.root + path) == (folder / "out" / path).read_bytes(), path
    assert fetched(served.root) == fetched(served.root + "index.html")


def fetched(url: str) -> bytes:
    """The body of an answer."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def test_tables_are_whole_without_javascript(files: Walked, browser: Browser) -> None:
    """Where no script runs every row is shown, and each figure is drawn."""
    rows = figures = 0
    for path, seen in files.visits.items():
        with opened(browser, files.root, path, java_script_enabled=False) as page:
            all_rows = page.evaluate("() => [...document.querySelectorAll('table')].map(table => table.rows.length)")
            assert rows_shown(page) == all_rows, path
            assert sum(all_rows) >= sum(seen.rows), path
            assert undrawn(page) == [], path
            figures += page.locator("figure").count()
            rows += sum(all_rows)
    assert rows > 100
    assert figures > 10


@pytest.mark.long
def test_the_keyboard_reaches_everything(files: Walked, browser: Browser) -> None:
    """Tab goes from the skip link over the pages' names through each button and field, and focus is always seen."""
    for path in kinds(files):
        with opened(browser, files.root, path) as page:
            reached = stops(page)
            assert reached[0].href == "#content", path
            names = page.locator("nav a").all_inner_texts()
            assert [stop.text for stop in reached if stop.in_navigation] == names, path
            controls = page.locator("main :is(button, select, input:not([type=radio])):visible:enabled")
            single = controls.or_(page.locator("main summary:visible")).count()
            # arrow keys go from one radio button of a group to the next
            wanted = single + len(
                set(page.locator("main [type=radio]:visible").evaluate_all("all => all.map(one => one.name)"))
            )
            assert sum(stop.control for stop in reached) == wanted, path
            assert [stop.text for stop in reached if not stop.outlined] == [], path


def test_the_skip_link_skips(files: Walked, browser: Browser) -> None:
    """Enter on the first stop goes past the navigation into the content."""
    with opened(browser, files.root, "index.html") as page:
        presses(page, "Tab", "Enter", "Tab")
        assert page.evaluate("() => document.activeElement.closest('main') !== null")


@pytest.mark.long
def test_a_table_is_sorted_by_the_keyboard(files: Walked, browser: Browser) -> None:
    """Enter on a heading sorts its table and says so; again, and the order is turned round."""
    paths = [path for path in kinds(files) if "data-sort" in (Path(files.root[7:]) / path).read_text()]
    assert paths
    for path in paths:
        with opened(browser, files.root, path) as page:
            for button in page.locator("thead th[data-sort] button").all():
                heading = button.locator("xpath=..")
                button.focus()
                orders = {}
                for _ in range(2):
                    page.keyboard.press("Enter")
                    orders[str(heading.get_attribute("aria-sort"))] = column(page, button)
                assert set(orders) == {"ascending", "descending"}, path
                assert is_ascending(orders["ascending"]), (path, button.inner_text())
                given = [[value for value in values if value] for values in orders.values()]
                assert given[0] == given[1][::-1], (path, button.inner_text())


def test_the_ranking_keeps_what_was_asked(files: Walked, browser: Browser) -> None:
    """The address says the order and the words sought, and whoever opens it sees the same rows in the same order."""

    def shown(page: Page) -> list[str]:
        return page.locator("table.ranking tbody tr:visible th").all_inner_texts()

    with opened(browser, files.root, "ranking.html") as page:
        page.locator("thead th[data-name=removed] button").click()
        page.get_by_label("Find a hoster").fill("host")
        asked, slowest_first = page.evaluate("() => location.hash"), shown(page)
        page.locator("thead th[data-name=removed] button").click()
        quickest_first = shown(page)
        assert (asked, page.evaluate("() => location.hash")) == (
            "#sort=removed&find=host",
            "#sort=removed&find=host&descending",
        )
    assert slowest_first == quickest_first[::-1] != []
    with opened(browser, files.root, f"ranking.html{asked}") as page:
        assert shown(page) == slowest_first
        assert page.locator("th[data-name=removed]").get_attribute("aria-sort") == "ascending"
    with opened(browser, files.root, "ranking.html#sort=nothing&find=") as page:
        assert len(shown(page)) > len(slowest_first)


def test_displacement_follows_the_address(files: Walked, browser: Browser) -> None:
    """A choice is in the address, and opened again draws the same; all hops are drawn as in the markup."""

    def drawn(page: Page) -> list[str]:
        drawings = page.locator("figure svg.drawing g").evaluate_all("all => all.map(one => one.outerHTML)")
        return [*drawings, page.locator("#flows").inner_text(), page.locator("#said").inner_text()]

    with opened(browser, files.root, "displacement.html", scripts=False) as page:
        whole = drawn(page)[:-2]
    with opened(browser, files.root, "displacement.html") as page:
        assert drawn(page)[:-2] == whole
        page.check("input[value=country]")
        page.locator("input[name=passage]").first.uncheck()
        asked, chosen = page.evaluate("() => location.hash"), drawn(page)
        assert asked.startswith("#level=country&passage=")
        assert all(one != other for one, other in zip(chosen, whole, strict=False))
        page.get_by_role("button", name="Show all").click()
        page.wait_for_function("() => !location.hash")
        assert drawn(page)[:-2] == whole
    with opened(browser, files.root, f"displacement.html{asked}") as page:
        assert drawn(page) == chosen


def test_weeks_are_stepped_through_by_keyboard(files: Walked, browser: Browser) -> None:
    """Without scripts arrow keys go from week to week; with one, two buttons do, and figure and address follow."""
    with opened(browser, files.root, "displacement.html", scripts=False) as page:
        weeks = page.locator(".steps input").evaluate_all("all => all.map(one => one.ariaLabel)")
        page.focus("#step-0")
        for at in range(len(weeks)):
            assert page.locator(".steps .step:visible").evaluate_all("all => all.map(one => one.ariaLabel)") == [
                weeks[at]
            ]
            page.keyboard.press("ArrowRight")
    with opened(browser, files.root, "displacement.html") as page:
        whole = page.locator("#figure-sankey .wide g").inner_html()
        assert not page.locator(".steps").count()
        for at, key in ((0, "Enter"), (1, "Space")):
            page.get_by_role("button", name="Later").press(key)
            assert page.evaluate("() => location.hash").split("&") == [
                *([f"#first={weeks[at]}"] if at else []),
                f"{'' if at else '#'}last={weeks[at]}",
            ]
            assert page.locator("#figure-sankey .wide g").inner_html() != whole
        page.get_by_role("button", name="Earlier").press("Enter")
        assert page.evaluate("() => location.hash") == f"#last={weeks[0]}"


def test_a_link_to_a_figure_is_copied(files: Walked, browser: Browser) -> None:
    """Following the link of a figure goes there, and copies it where the browser lets it."""
    with opened(browser, files.root, "index.html", permissions=["clipboard-read", "clipboard-write"]) as page:
        link = page.locator("#figure-curves .permalink")
        link.click()
        assert page.url.endswith("index.html#figure-curves")
        page.wait_for_function("() => document.querySelector('#figure-curves .permalink').textContent === 'Copied'")
        assert page.evaluate("() => navigator.clipboard.readText()") == page.url


def column(page: Page, button: object) -> list[str]:
    """The values in the column of a heading's button, in the order of the rows."""
    return button.evaluate(  # type: ignore[attr-defined]  # a locator
        "one => [...one.closest('table').tBodies[0].rows]"
        ".map(row => row.cells[one.closest('th').cellIndex].dataset.value)"
    )


def is_ascending(values: list[str]) -> bool:
    """Whether values rise, as numbers if they all are, and those that are missing come last."""
    given = [value for value in values if value]
    if values[len(given) :] != [""] * (len(values) - len(given)):
        return False
    try:
        return sorted(map(float, given)) == list(map(float, given))
    except ValueError:
        return sorted(given, key=str.casefold) == given


def test_every_page_can_be_printed(files: Walked, browser: Browser) -> None:
    """On paper there is the content without navigation, and a PDF comes of it."""
    for path in kinds(files):
        with opened(browser, files.root, path) as page:
            page.emulate_media(media="print")
            assert page.locator("h1").first.is_visible(), path
            assert not page.locator("nav").first.is_visible(), path
            printed = page.pdf(format="A4", prefer_css_page_size=True)
            assert printed.startswith(b"%PDF-"), path
            assert len(printed) > 10_000, path


@pytest.mark.long
def test_axe_finds_nothing(files: Walked, browser: Browser) -> None:
    """axe-core's rules hold on each kind of page: in both widths, light and dark, with scripts and without."""
    found = {}
    for path in kinds(files):
        for scripts in (True, False):
            with opened(browser, files.root, path, scripts=scripts) as page:
                found[path, scripts] = audits(page)
    assert {seen: problems for seen, problems in found.items() if problems} == {}


def test_a_months_report_is_for_screens_and_one_sheet(folder: Path, browser: Browser) -> None:
    """axe-core finds nothing in a report and it is not too wide, in both widths, light and dark; it is a page of A4."""
    (path,) = (folder / "report").glob("*.html")
    root = path.parent.as_uri() + "/"
    with opened(browser, root, path.name) as page:
        assert audits(page) == {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True))
            assert len(sheets) == 1
    for shape in SHAPES:
        with opened(browser, root, path.name, bypass_csp=True) as page:
            set_font(page, shape)
            printed = page.pdf(format="A4", prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1, shape
            assert not any(widths(page).values()), shape
    seen = visited(browser, root, path.name)
    assert (seen.messages, seen.strangers, seen.missing, seen.broken) == ([], [], [], [])
    assert seen.wide == {LAPTOP: [], PHONE: []}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_events_answer_and_first_figure_stand_on_the_first_screen(
    browser: Browser, files: Walked, shape: str
) -> None:
    """In any font nobody scrolls to read the answer and see the curves, on laptop and phone; folded, it is short."""
    for width, height in ((LAPTOP, 768), (PHONE, HEIGHTS[PHONE])):
        size = {"width": width, "height": height}
        path = "interventions/moerashost-acts.html"
        with opened(browser, files.root, path, viewport=size, bypass_csp=True) as page:
            set_font(page, shape)
            ends = {what: page.locator(what).last.bounding_box() for what in (".said", "#figure-removed svg:visible")}
            ends |= {what: page.locator(what).bounding_box() for what in ("#figure-course", "#figure-where")}
            below = {what: box["y"] + box["height"] if box else None for what, box in ends.items()}
            assert all(below.values()), below
            first = [below[".said"], below["#figure-removed svg:visible"]]
            assert max(end or 0 for end in first) <= height, (width, below)
            assert page.evaluate("() => document.documentElement.scrollHeight") < 3000, width


def test_no_page_is_wider_than_its_window_in_any_font(browser: Browser, files: Walked) -> None:
    """A page of each kind is no wider than a laptop or a phone in fonts that are wider than Verdana."""
    wide = {}
    for path in kinds(files):
        with opened(browser, files.root, path, bypass_csp=True) as page:
            set_font(page, "wider than Verdana")
            wide[path] = widths(page)
    assert {path: found for path, found in wide.items() if any(found.values())} == {}


FIRST_VIEW = 150_000
"""Bytes of a page with its style and scripts, compressed."""


def test_a_first_view_is_small(folder: Path) -> None:
    """Each page with the stylesheet and the scripts that it loads is below the bound, compressed."""
    out, sizes = folder / "out", {}
    for path in out.rglob("*.html"):
        links = Parsed(path.read_text()).links
        loaded = {path, *((path.parent / link).resolve() for link in links if "assets/" in link)}
        assert len(loaded) >= 3, path
        sizes[path.name] = sum(len(gzip.compress(file.read_bytes())) for file in loaded)
    assert max(sizes.values()) < FIRST_VIEW, sizes


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
