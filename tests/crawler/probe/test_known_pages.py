"""Marks of suspended, removed, parked and walled-off pages."""

import pytest

from waterbed.crawler.probe.pages import marks_of_fields, marks_of_redirect, marks_of_text
from waterbed.model.urls import canonicalize


@pytest.mark.parametrize(
    ("target", "marks"),
    [
        ("http://shop.example/cgi-sys/suspendedpage.cgi", {"suspended"}),
        ("http://shop.example/cgi-sys/suspendedpage.cgi?x=1", {"suspended"}),
        ("http://suspended-website.com/index.php?host=shop.example", {"suspended"}),
        ("https://www.hugedomains.com/domain_profile.cfm?d=x", {"parked"}),
        ("https://nothugedomains.com/", set()),
        ("https://www.fbi.seized.gov/", {"seized"}),
        ("https://unseized.gov/", set()),
        ("https://shop.example/404", {"removed"}),
        ("https://shop.example/404/", {"removed"}),
        ("https://shop.example/404-reasons-to-stay", set()),
        ("https://shop.example/errors/404", set()),
        ("https://error.infinityfree.net/errors/404/", {"removed"}),
        ("https://shop.example/login", set()),
    ],
)
def test_a_redirect_to_a_known_page_is_marked(target: str, marks: set[str]) -> None:
    """The target's host or path is on the closed list, at a label's or a path's boundary; an entry's host is needed."""
    assert marks_of_redirect(canonicalize(target)) == marks


def test_no_redirect_has_no_marks() -> None:
    """Where nothing redirects nothing is marked."""
    assert marks_of_redirect(None) == set()


def test_headers_of_walls_and_parking_are_marked() -> None:
    """A challenge counts by its value, a parking header by its name."""
    assert marks_of_fields({"cf-mitigated": "Challenge"}) == {"challenge"}
    assert marks_of_fields({"cf-mitigated": "other"}) == set()
    assert marks_of_fields({"x-adblock-key": "MFww"}) == {"parked"}


def test_only_a_title_or_a_short_page_speaks_for_itself() -> None:
    """A long page that mentions removed things is not a removed page."""
    assert marks_of_text("404 Not Found", "") == {"removed"}
    assert marks_of_text("Hello", "This account has been suspended.") == {"suspended"}
    assert marks_of_text("Hello", "The post has been removed. " + "News and more news. " * 200) == set()
