"""One spelling for each URL, however it is written."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waterbed.model import urls
from waterbed.model.errors import BadUrl
from waterbed.model.urls import (
    MAX_URL,
    canonicalize,
    host_in,
    leads_to_front,
    platform_suffix,
    refang,
    registrable_domain,
    same_place,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTP://EXAMPLE.com:80/a/../b?q=1#frag", "http://example.com/b?q=1"),
        ("https://user:secret@example.com:443", "https://example.com/"),
        ("hxxps://exa[.]mple(.)com/x", "https://exa.mple.com/x"),
        ("hxxp[://]example[.]com", "http://example.com/"),
        ("hXXp://example[dot]com/", "http://example.com/"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0x7f.2/", "http://127.0.0.2/"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://example.com./", "http://example.com/"),
        ("  http://example.com/  ", "http://example.com/"),
        ("http://%65xample.com/%7Efoo", "http://example.com/%7Efoo"),
        ("hxxp://e[.]com/a[.]b(.)c?d{.}e", "http://e.com/a[.]b(.)c?d{.}e"),
        ("http://e.com/[[.]]", "http://e.com/[[.]]"),
        ("http://example.com/a?", "http://example.com/a"),
        ("http://example.com/a?b?", "http://example.com/a?b?"),
        ("http://XN--A.example/", "http://xn--a.example/"),
        ("http://\u1e9e.example/", "http://xn--zca.example/"),
    ],
)
def test_ways_of_writing_a_url_meet_in_one(written: str, canonical: str) -> None:
    """Case, ports, dots, user information, fragments, fangs and odd addresses come to one spelling."""
    assert canonicalize(written).url == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http://exa mple/",
        "http://a..b/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 130 + "com/",
        "http://e.com/\x00",
        "http://e.com/" + "x" * 20000,
        "http://e.com/" + "ü" * 8000,
        "http://a\uff08.\uff09b.com/",
        "http://e.1../",
        "http://0x7f../",
    ],
)
def test_what_is_no_web_address_is_refused_without_repeating_it(written: str) -> None:
    """A bad address gives a reason that does not contain it."""
    with pytest.raises(BadUrl) as problem:
        canonicalize(written)
    assert len(written.strip()) < 4 or written.strip() not in str(problem.value)


def test_spelling_again_changes_nothing() -> None:
    """A canonical URL is its own spelling."""
    for url in ("http://example.com/b?q=1", "https://[2001:db8::1]:8080/x", "http://127.0.0.1/"):
        assert canonicalize(url).url == url


_FANGED = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *"ab.:/[](){}%?#@ \t\\1-'&\u3002\uff0e\uff08\uff09",
                "[.]",
                "(.)",
                "[dot]",
                "%2e",
                "..",
                "[::1]",
                "xn--",
                "0x7f",
            ]
        ),
        st.characters(),
    ),
    max_size=14,
).map("".join)


@given(st.one_of(_FANGED, st.tuples(_FANGED, st.integers(1, MAX_URL)).map(lambda of: (of[0] * of[1])[:MAX_URL])))
@example("h.example/" + "ü" * 8000)
@example("h.example/" + "'?" + "\U0001f600" * 1400)
def test_what_was_accepted_is_accepted_as_itself(text: str) -> None:
    """A canonical URL, which is read anew at each check, is never refused, longer than the limit or another one."""
    try:
        spelled = canonicalize("http://" + text)
    except BadUrl:
        return
    assert len(spelled.url) <= MAX_URL
    assert canonicalize(spelled.url) == spelled
    assert host_in(spelled.url) == spelled.host


@given(st.text(max_size=60))
def test_any_text_is_spelled_or_refused(text: str) -> None:
    """Any text after a scheme has a stable spelling or is refused; nothing else happens."""
    try:
        spelled = canonicalize("http://" + text)
    except BadUrl:
        return
    assert canonicalize(spelled.url).url == spelled.url
    assert spelled.host == spelled.host.lower()


@given(st.sampled_from(["https://a.example.com/x.y", "http://b.org/"]))
def test_plain_urls_have_no_fangs_to_lose(url: str) -> None:
    """Refanging leaves ordinary URLs alone."""
    assert refang(url) == url


def test_a_spelled_url_does_not_show_itself() -> None:
    """The repr of a URL says nothing of it."""
    assert "example" not in repr(canonicalize("http://example.com/secret"))


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("x.github.io", "x.github.io"),
        ("a.b.weebly.com", "b.weebly.com"),
        ("weebly.com", "weebly.com"),
        ("co.uk", "co.uk"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_registrable_domains(host: str, site: str) -> None:
    """A site is the public suffix plus one label, or the address itself."""
    assert registrable_domain(host) == site


@pytest.mark.parametrize(
    ("host", "suffix"),
    [
        ("x.github.io", "github.io"),
        ("github.io", None),
        ("a.example.com", None),
        ("1.1.1.1", None),
        ("a.b.weebly.com", "weebly.com"),
        ("weebly.com", None),
        ("notweebly.com", None),
        ("shop.blogspot.co.uk", "blogspot.co.uk"),
    ],
)
def test_platform_suffixes(host: str, suffix: str | None) -> None:
    """Names below a private public suffix hang on a platform."""
    assert platform_suffix(host) == suffix


def test_our_own_list_of_platforms_is_named_with_the_ids() -> None:
    """Whoever changes the list gives it another number: ids made by the old one must tell so."""
    text = Path(urls.__file__).with_name("platforms.txt").read_bytes()
    assert (urls.PLATFORM_LIST, hashlib.sha256(text).hexdigest()[:16]) == ("1", "967b5a33918614be")
    assert urls.SUFFIX_LIST.endswith("+platforms.1")
    assert f"Version {urls.PLATFORM_LIST};" in text.decode()


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("http://e.com/a", "https://e.com/a", True),
        ("http://e.com/a", "http://www.e.com/a/", True),
        ("http://e.com/a", "http://e.com/b", False),
        ("http://e.com/a", "http://x.e.com/a", False),
        ("http://e.com:8080/a", "https://e.com/a", False),
    ],
)
def test_same_place(before: str, after: str, same: bool) -> None:
    """Only scheme, www and the trailing slash may differ within one look."""
    assert same_place(canonicalize(before), canonicalize(after)) is same


@pytest.mark.parametrize(
    ("before", "after", "front"),
    [
        ("http://e.com/a/b", "http://e.com/", True),
        ("http://e.com/a?b=1", "https://www.e.com/", True),
        ("http://www.e.com/a", "https://e.com/index.html", True),
        ("http://e.com/a", "http://e.com/Default.aspx", True),
        ("http://shop.e.co.uk/a", "http://www.e.co.uk/", True),
        ("http://me.pages.dev/a", "http://me.pages.dev/", True),
        ("http://e.com:8080/a", "http://e.com:8080/", True),
        ("http://[2606:4700::1]/a", "http://[2606:4700::1]/", True),
        ("http://e.com/a", "http://login.e.com/", False),
        ("http://e.com/a", "http://e.com:8443/", False),
        ("http://e.com/a", "http://e.com/?from=a", False),
        ("http://e.com/a", "http://e.com/en/", False),
        ("http://e.com/a", "http://e.com/home", False),
        ("http://e.com/a", "http://e.com/index.html/a", False),
        ("http://e.com/?a=1", "http://e.com/", False),
        ("http://e.com/index.php?a=1", "http://e.com/", False),
        ("http://e.com/", "http://e.com/index.html", False),
    ],
)
def test_a_redirect_to_the_front_page(before: str, after: str, front: bool) -> None:
    """The root or an index document of the host or of its registrable domain, and no other spelling of itself."""
    assert leads_to_front(canonicalize(before), canonicalize(after)) is front
