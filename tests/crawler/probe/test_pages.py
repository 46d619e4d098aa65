"""What is kept of a text page."""

from hypothesis import given
from hypothesis import strategies as st

from waterbed.crawler.probe.pages import page_features
from waterbed.model.urls import canonicalize

ASKED = canonicalize("https://shop.example/login/account?step=2")


def keyed(kind: str, text: str) -> str:
    return f"{kind}:{text}"


def of(page: str, asked: str | None = None) -> tuple[str | None, str]:
    kept = page_features(page.encode(), canonicalize(asked) if asked else ASKED, keyed)
    return kept.title_id, kept.page_id


def test_title_and_visible_words_are_what_counts() -> None:
    """Scripts, styles, tags and numbers do not enter the hashes."""
    title, page = of("<title>My Bank 24</title><script>let x=1</script><style>p{}</style><p>Please sign&nbsp;in 7</p>")
    assert title == "title:my bank"
    assert page == "page:my bank please sign in"


def test_a_page_that_echoes_its_path_is_the_same_page() -> None:
    """Two random paths of one host give one hash, though the page repeats them."""
    one = of("<title>Oops</title>Nothing at /abc/def here", "http://a.example/abc/def")
    other = of("<title>Oops</title>Nothing at /klm/xyz here", "http://a.example/klm/xyz")
    assert one == other


def test_the_declared_charset_is_used_and_an_unknown_one_does_not_matter() -> None:
    """Words in another encoding are read as they are meant."""
    page = '<meta charset="windows-1251"><title>Вход</title>'.encode("windows-1251")
    assert page_features(page, ASKED, keyed).title_id == "title:вход"
    for charset in (b"no-such", b"rot13", b"zlib", b"utf-7"):
        page = b'<meta charset="%s"><title>Vault</title>' % charset
        assert page_features(page, ASKED, keyed).title_id


@given(st.binary(max_size=4096))
def test_any_bytes_give_features(page: bytes) -> None:
    """Whatever a server sends, features come out and nothing is raised."""
    assert page_features(page, ASKED, keyed).size == len(page)


def test_deep_nesting_and_endless_tags_are_read_through() -> None:
    """A page of 64 KiB of opening tags neither recurses nor stalls."""
    assert page_features(b"<title>" * 9000, ASKED, keyed).page_id
    assert page_features(b"<div " * 12_000, ASKED, keyed).page_id
    assert page_features(b"<!" * 30_000, ASKED, keyed).page_id
    assert page_features(b"&" * 64_000, ASKED, keyed).page_id
