"""The walk itself: each thing that it looks for is planted in a copy of a page, and found."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import visit as looking
from tests.browser.chromium import MISSING, executable
from tests.browser.visit import LAPTOP, PHONE, Visit, audits, opened, visited, walk
from tests.tools import NAMED

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page of its own</title>HEAD</head>
<body><main><h1>A page of its own</h1><p>With words.</p>BODY</main></body></html>
"""
POLICY = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'self'\">"
ELSEWHERE = "https://elsewhere.example/"


def visit(browser: Browser, folder: Path, *, head: str = "", body: str = "") -> Visit:
    """What is met on a page with something planted in it."""
    (folder / "index.html").write_text(PAGE.replace("HEAD", head).replace("BODY", body))
    return visited(browser, folder.as_uri() + "/", "index.html")


def test_nothing_is_found_where_nothing_is(browser: Browser, tmp_path: Path) -> None:
    """A page without faults is without findings."""
    seen = visit(browser, tmp_path)
    assert (seen.messages, seen.strangers, seen.missing, seen.broken) == ([], [], [], [])
    assert seen.wide == {LAPTOP: [], PHONE: []}


@pytest.mark.parametrize("head", ["", POLICY], ids=["open", "policy"])
@pytest.mark.parametrize(
    "body",
    [
        f"<img src='{ELSEWHERE}x.png' alt='x'>",
        f"<script src='{ELSEWHERE}x.js'></script>",
        f"<link rel='preconnect' href='{ELSEWHERE}'>",
        f"<iframe src='{ELSEWHERE}' title='x'></iframe>",
        "<img src='//elsewhere.example/x.png' alt='x'>",
    ],
    ids=["image", "script", "preconnect", "frame", "no-scheme"],
)
def test_whatever_comes_from_elsewhere_is_found(browser: Browser, tmp_path: Path, head: str, body: str) -> None:
    """An element that names another place is found, whether the page's policy stops the request or not."""
    assert [one for one in visit(browser, tmp_path, head=head, body=body).strangers if "elsewhere.example" in one]


@pytest.mark.parametrize(
    "head",
    [
        f"<style>body {{ background: url({ELSEWHERE}x.png) }}</style>",
        f"<script>fetch('{ELSEWHERE}').catch(() => 0)</script>",
        f"<script>new Image().src = '{ELSEWHERE}x.png'</script>",
        f"<script>new WebSocket('wss{ELSEWHERE[5:]}')</script>",
        "<script>new Image().src = 'file:///etc/hostname'</script>",
    ],
    ids=["style", "fetch", "scripted", "socket", "file"],
)
def test_requests_that_no_element_names_are_found(browser: Browser, tmp_path: Path, head: str) -> None:
    """What styles and scripts ask for is found, other files of this machine too."""
    assert visit(browser, tmp_path, head=head).strangers


@pytest.mark.parametrize(
    "head",
    [
        "<script>console.error('planted')</script>",
        "<script>console.warn('planted')</script>",
        "<script>throw new Error('planted')</script>",
        "<script>Promise.reject(new Error('planted'))</script>",
    ],
)
def test_messages_are_found(browser: Browser, tmp_path: Path, head: str) -> None:
    """Errors, warnings, and what no script catches are found."""
    assert ["planted" in one for one in visit(browser, tmp_path, head=head).messages] == [True]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what will never come."""
    monkeypatch.setattr(looking, "PATIENCE_MS", 500.0)


@pytest.mark.usefixtures("hurried")
def test_what_does_not_load_is_found(browser: Browser, tmp_path: Path) -> None:
    """A file that is not there is found, and so is an image that is none, a dead link, a figure that is not drawn."""
    assert visit(browser, tmp_path, head="<script src='gone.js'></script>").missing
    seen = walk(browser, tmp_path.as_uri() + "/", "gone.html")["gone.html"]
    assert seen.missing
    (tmp_path / "broken.png").write_text("no picture")
    assert visit(browser, tmp_path, body="<img src='broken.png' alt='x'>").broken
    assert visit(browser, tmp_path, body="<a href='#nowhere'>x</a>").broken == ["link to #nowhere"]
    empty = '<figure id="figure-one"><svg class="drawing" width="9" height="9"><g></g></svg></figure>'
    assert visit(browser, tmp_path, body=empty).broken == ["figure that is not drawn: figure-one"]


@pytest.mark.usefixtures("hurried")
def test_a_page_that_is_too_wide_is_found(browser: Browser, tmp_path: Path) -> None:
    """What is wider than a phone is found there; a wide table in a box that scrolls is none."""
    seen = visit(browser, tmp_path, body="<div style='width: 600px'>wide</div>")
    assert seen.wide[LAPTOP] == []
    assert seen.wide[PHONE]
    boxed = "<div style='overflow-x: auto'><div style='width: 3000px'>wide</div></div>"
    assert visit(browser, tmp_path, body=boxed).wide == {LAPTOP: [], PHONE: []}


def test_links_are_followed_once_and_not_out(browser: Browser, tmp_path: Path) -> None:
    """Pages that link to each other are visited once each; other places and other files are not."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/two.html").write_text(PAGE.replace("HEAD", "").replace("BODY", "<a href='../index.html#x'>x</a>"))
    links = f"<a href='in/two.html'>x</a> <a href='table.csv'>x</a> <a href='{ELSEWHERE}'>x</a>"
    (tmp_path / "index.html").write_text(PAGE.replace("HEAD", "").replace("BODY", links))
    assert set(walk(browser, tmp_path.as_uri() + "/")) == {"index.html", "in/two.html"}


def test_axe_finds_what_is_planted(browser: Browser, tmp_path: Path) -> None:
    """Faint words are found in the scheme and the width in which they are, and so is a button without a name."""
    head = (
        "<style>p { color: #000; background: #fff }"
        "@media (prefers-color-scheme: dark) and (max-width: 400px) { p { color: #ccc } }</style>"
    )
    body = "<p>faint</p><button></button>"
    (tmp_path / "index.html").write_text(PAGE.replace("HEAD", head).replace("BODY", body))
    with opened(browser, tmp_path.as_uri() + "/", "index.html") as page:
        found = {seen: {one.partition(" ")[0] for one in its} for seen, its in audits(page).items()}
    assert found == {
        ("light", LAPTOP): {"button-name"},
        ("light", PHONE): {"button-name"},
        ("dark", PHONE): {"color-contrast"},
    }


def test_without_chromium_the_tests_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Chromium fails with one sentence; a name that cannot be run is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(NAMED, raising=False)
    with pytest.raises(AssertionError, match="make tools"):
        executable()
    assert "PATH" in MISSING
    monkeypatch.setenv(NAMED, "nothing-of-this-name")
    with pytest.raises(AssertionError, match="nothing-of-this-name"):
        executable()
