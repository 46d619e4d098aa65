"""What a browser meets on one page: messages, requests, links, tables, widths."""

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Route, TimeoutError

LAPTOP, PHONE = 1366, 390
"""Widths that are looked at, CSS pixels."""
PATIENCE_MS = 10_000.0
"""How long a page may take until it is drawn, or fits its window."""
HEIGHTS = {LAPTOP: 900, PHONE: 844}
AXE = (Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js").read_text


@dataclass(slots=True, kw_only=True)
class Visit:
    """What came up while one page was open, in the words that a person would need to mend it."""

    path: str
    messages: list[str] = field(default_factory=list)
    """Errors and warnings on the console, and errors that no script caught."""
    strangers: list[str] = field(default_factory=list)
    """Requests to anything but the site, whether answered or stopped, and elements that name such a thing."""
    missing: list[str] = field(default_factory=list)
    """Requests to the site that were not answered well."""
    links: list[str] = field(default_factory=list)
    """Pages of the site that this one leads to, as paths from its root."""
    broken: list[str] = field(default_factory=list)
    """Links to a place in the page that is not there, images without a picture, figures that are not drawn."""
    wide: dict[int, list[str]] = field(default_factory=dict)
    """By width of the window: what sticks out of it to the right."""
    rows: list[int] = field(default_factory=list)
    """Rows that each table shows."""
    titles: tuple[str, str] = ("", "")
    """Title of the window, and first heading."""


@contextmanager
def opened(
    browser: Browser, root: str, path: str, visit: Visit | None = None, *, scripts: bool = True, **context: object
) -> Iterator[Page]:
    """A page of the site under `root`, loaded and drawn; what comes up is written into `visit`.

    Without `scripts` the page's own do not load, and it shows what it has for readers without them.
    """
    seen = visit or Visit(path=path)
    options = {"viewport": {"width": LAPTOP, "height": HEIGHTS[LAPTOP]}, "reduced_motion": "reduce", **context}
    with browser.new_context(service_workers="block", **options) as room:  # type: ignore[arg-type]  # options by name
        room.route("**/*", lambda route: _let_pass(route, root))
        if not scripts:
            room.route("**/*.js", lambda route: route.abort())
        page = room.new_page()
        page.on("console", lambda message: _hear(seen, message))
        page.on("pageerror", lambda error: seen.messages.append(f"uncaught: {error.message}"))
        page.on("websocket", lambda socket: seen.strangers.append(f"websocket {socket.url}"))
        page.on("request", lambda request: _note(seen, request, root))
        page.on("requestfailed", lambda request: _failed(seen, request, root))
        page.on("response", lambda response: _answered(seen, response.status, response.url))
        try:
            page.goto(root + path, wait_until="load")
        except Error as problem:
            seen.missing.append(problem.message.partition("\n")[0])
        if not scripts:
            page.evaluate(_UNSCRIPTED)
        if context.get("java_script_enabled", True):
            settle(page)
        yield page


def settle(page: Page) -> None:
    """Wait until figures are drawn; those that are not are found later."""
    with suppress(TimeoutError):
        page.wait_for_function(f"() => ({_UNDRAWN})().length === 0", timeout=PATIENCE_MS)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _let_pass(route: Route, root: str) -> None:
    route.continue_() if is_own(route.request.url, root) else route.abort()


def is_own(url: str, root: str) -> bool:
    """Whether a URL is of the site, or holds its content itself."""
    return url.startswith((root, "data:", "blob:", "about:"))


def _note(seen: Visit, request: Request, root: str) -> None:
    if not is_own(request.url, root):
        seen.strangers.append(f"{request.resource_type} {request.url}")


def _failed(seen: Visit, request: Request, root: str) -> None:
    if is_own(request.url, root):
        seen.missing.append(f"{request.url}: {request.failure}")


def _answered(seen: Visit, status: int, url: str) -> None:
    if status >= 400:
        seen.missing.append(f"{url}: {status}")


def _hear(seen: Visit, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning", "assert"):
        seen.messages.append(f"{message.type}: {message.text}")


def visited(browser: Browser, root: str, path: str) -> Visit:
    """Look at a page in both widths."""
    seen = Visit(path=path)
    with opened(browser, root, path, seen) as page:
        seen.titles = (page.title(), " ".join(page.locator("h1").all_inner_texts()))
        seen.rows = rows_shown(page)
        seen.links, seen.broken = _links(page, root)
        seen.broken += page.evaluate(_BLANK) + page.evaluate(_UNDRAWN)
        seen.strangers += [f"names {url}" for url in page.evaluate(_NAMED) if not is_own(url, root)]
        seen.wide = widths(page)
    return seen


def widths(page: Page) -> dict[int, list[str]]:
    """By width of the window: what sticks out of it to the right."""
    found = {}
    for width, height in HEIGHTS.items():
        page.set_viewport_size({"width": width, "height": height})
        found[width] = _sticking_out(page)
    return found


def walk(
    browser: Browser, root: str, start: str = "index.html", *, among: Container[str] | None = None
) -> Mapping[str, Visit]:
    """Visit every page that links lead to from the start, or those among some."""
    found: dict[str, Visit] = {}
    ahead = [start]
    while ahead:
        path = ahead.pop(0)
        if path not in found and (among is None or path in among):
            found[path] = visited(browser, root, path)
            ahead += found[path].links
    return found


def _links(page: Page, root: str) -> tuple[list[str], list[str]]:
    """Pages of the site that are linked, and links to places that are not in their page."""
    links, broken = [], []
    for url in page.evaluate("() => [...document.querySelectorAll('a[href]')].map(one => one.href)"):
        bare, place = urldefrag(url)
        if not bare.startswith(root):
            continue
        path = unquote(urlsplit(bare).path)[len(unquote(urlsplit(root).path)) :]
        if bare == urldefrag(page.url)[0]:
            if place and not page.evaluate("id => document.getElementById(id) !== null", unquote(place)):
                broken.append(f"link to #{place}")
        elif re.search(r"(^|/|\.html)$", path):
            links.append(path)
    return list(dict.fromkeys(links)), broken


def rows_shown(page: Page) -> list[int]:
    """Rows that are laid out, for each table; those in closed <details> count, as opening needs no script."""
    return page.evaluate(
        """() => [...document.querySelectorAll('table')].map(table => [...table.rows].filter(row =>
            getComputedStyle(row).display !== 'none' && !row.closest('[hidden]')).length)"""
    )


def undrawn(page: Page) -> list[str]:
    """Figures of which nothing is drawn, those in closed <details> once these are opened."""
    return page.evaluate(_UNDRAWN)


_OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe-core that look at colours: another scheme of the same page can break no other."""


def audit(page: Page, *, colours_alone: bool = False) -> list[str]:
    """What axe-core finds amiss: rule, how many elements, and the first of them."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE(encoding="utf-8"))
    options = {"resultTypes": ["violations"], **({"runOnly": _OF_COLOURS} if colours_alone else {})}
    found = page.evaluate("how => axe.run(document, how).then(result => result.violations)", options)
    return [f"{one['id']} x{len(one['nodes'])}: {one['nodes'][0]['html'][:200]}" for one in found]


def audits(page: Page) -> dict[tuple[str, int], list[str]]:
    """What axe-core finds amiss by scheme of colours and width of the window; in the dark its rules of colours hold."""
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            found[scheme, width] = audit(page, colours_alone=scheme == "dark")
    return {seen: problems for seen, problems in found.items() if problems}


def _sticking_out(page: Page) -> list[str]:
    """What makes the page wider than its window once figures have followed it."""
    with suppress(TimeoutError):
        page.wait_for_function(f"() => ({_STICKING_OUT})().length === 0", timeout=PATIENCE_MS)
    return page.evaluate(_STICKING_OUT)


_UNDRAWN = """() => {
    const drawn = one => [...one.querySelectorAll('svg.drawing')].some(svg =>
        svg.getBoundingClientRect().height > 0 && svg.querySelectorAll('g > *').length > 0);
    const closed = [...document.querySelectorAll('details:not([open])')].filter(one => one.querySelector('figure'));
    closed.forEach(one => { one.open = true; });
    const missing = [...document.querySelectorAll('figure')].filter(one => !drawn(one));
    closed.forEach(one => { one.open = false; });
    return missing.map(one => 'figure that is not drawn: ' + one.id);
}"""

_UNSCRIPTED = """() => {
    for (const one of document.querySelectorAll('noscript')) {
        const shown = document.createElement('div');
        shown.innerHTML = one.textContent;
        one.replaceWith(shown);
    }
}"""

_BLANK = """() => [...document.images].filter(one => !(one.complete && one.naturalWidth))
    .map(one => 'image without a picture: ' + one.outerHTML.slice(0, 200))"""

_NAMED = """() => [...document.querySelectorAll('link, script, img, source, iframe, object, embed, form, base')]
    .flatMap(one => ['href', 'src', 'data', 'action', 'srcset', 'poster'].filter(name => one.hasAttribute(name))
        .map(name => new URL(one.getAttribute(name), document.baseURI).href))"""

_STICKING_OUT = """() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide <= 0) return [];
    const held = one => {
        for (let up = one.parentElement; up && up !== document.body; up = up.parentElement)
            if (getComputedStyle(up).overflowX !== 'visible') return true;
        return false;
    };
    const out = [...document.body.querySelectorAll('*')].filter(one =>
        one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !held(one));
    return [`${wide} px too wide`, ...out.slice(0, 5).map(one => one.outerHTML.slice(0, 120))];
}"""
