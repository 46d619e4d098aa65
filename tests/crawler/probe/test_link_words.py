"""What a link check's answer says: only what stands in the URL's own row, or alone."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.crawler.probe.link_words import decoded, said_by_row, said_by_whole

URL = "https://a.images.example/i/1/k7q.jpg?a=1&b=2"
THERE, GONE = ["Found"], ["Not found!"]


def page(*rows: str, around: str = "<html><body>{}</body></html>") -> str:
    return around.format(f"<table>{''.join(rows)}</table>")


def row(url: str, word: str) -> str:
    return f'<tr><td>{escape(url)}</td><td style="color:green;">{escape(word)}</td><td>41 KB</td></tr>'


def said(text: str) -> bool | None:
    return said_by_row(text, URL, THERE, GONE)


def test_the_own_row_decides() -> None:
    """The word beside the URL counts; rows of other URLs do not."""
    other = row(URL[:-1], "Not found!")
    assert said(page(other, row(URL, "Found"), other)) is True
    assert said(page(row(URL[:-1], "Found"), row(URL, "Not found!"))) is False
    assert said(page(f"<TR><TD><a href='#'>{escape(URL)}</a></TD><TD> <b>Found</b>\n</TD></TR>")) is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Found",
        page(),
        page(row(URL + "/", "Found")),
        page(row(URL, "Found"), row(URL, "Found")),
        page(row(URL, "Found"), row(URL, "Not found!")),
        page(row(URL, "Found today")),
        page(row(URL, "found")),
        page(row(f"{URL} Found", "")),
        page(f"<tr><td>{escape(URL)}</td><td>Found</td><td>Not found!</td></tr>"),
        page(f"<tr><td>{escape(URL)}</td><td>Found</td>"),
        page(f"<tr><td>{escape(URL)}<td>Found</td></tr>"),
        page(f"<tr><td>{escape(URL)}</td>Found</tr>"),
        page(f"<tr><td>{escape(URL)}</td><td hidden>Found</td></tr>"),
        page(f"<tr style='DISPLAY : none'><td>{escape(URL)}</td><td>Found</td></tr>"),
        page(f"<tr><td>{escape(URL)}</td><td><script>Found</script></td></tr>"),
        page(f"<tr><td><textarea>{escape(URL)}</textarea></td><td>Found</td></tr>"),
        page(f"<tr><td>{escape(URL)}</td><td><table><tr><td>Found</td></tr></table></td></tr>"),
        page(f"<!-- {row(URL, 'Found')} -->"),
        page(f"<!-- --!>{row(URL, 'Found')}<!-- -->"),
        page(f"<template>{row(URL, 'Found')}</template>"),
        page(row(URL, "Found"), "<p>Please solve the CAPTCHA</p>"),
        page(row(URL, "Found")).removesuffix("</html>"),
        page(row(URL, "Found")).removesuffix("</table></body></html>"),
        page(row(URL, "Found")) + "<textarea>",
        page(row(URL, "Found")) + "<!-- and",
        f"<tr><td>{escape(URL)}</td><td>Found</td></tr>",
        page(row(URL, "Found"), around="<div hidden>{}</div>"),
        "<b>" * 500 + page(row(URL, "Found")),
        "<![odd[" + page(row(URL, "Found")),
    ],
)
def test_any_doubt_is_unclear(text: str) -> None:
    """No row, two rows, another word, a row that is open, hidden or nested, a page that breaks off or asks."""
    assert said(text) is None


words = st.sampled_from([*THERE, *GONE, "Error", "", "Found!"])
urls = st.sampled_from([URL, URL[:-1], URL + "2", "http://other.example/x", "Found", "Not found!"])
rows = st.lists(st.tuples(urls, words), max_size=5)
markup = st.lists(
    st.sampled_from(
        ["<tr>", "</tr>", "<td>", "</td>", "<table>", "</table>", "<!--", "-->", "<script>", "</script>", "<b>", "</b>",
         "<textarea>", "</textarea>", "Found", "Not found!", escape(URL), " ", "<td", "&", "<br>", "</body>", "text"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(rows)
@settings(max_examples=150)
def test_only_a_single_own_row_with_one_word_speaks(told: list[tuple[str, str]]) -> None:
    """Whatever else is listed: the answer is that of the own row, or unclear."""
    own = [word for url, word in told if url == URL]
    wanted = {"Found": True, "Not found!": False}.get(own[0]) if len(own) == 1 else None
    assert said(page(*(row(url, word) for url, word in told))) is wanted


@given(rows, st.data())
@settings(max_examples=150)
def test_a_page_that_breaks_off_never_speaks(told: list[tuple[str, str]], data: st.DataObject) -> None:
    """Cut anywhere before its last tag, a page tells nothing."""
    whole = page(row(URL, "Found"), *(row(url, word) for url, word in told))
    assert said(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


@given(st.sampled_from([*THERE, *GONE]), markup, st.data())
@settings(max_examples=300)
def test_markup_put_anywhere_never_turns_the_answer(word: str, more: str, data: st.DataObject) -> None:
    """Words, tags and halves of both, wherever they stand, leave the answer as it is or unclear."""
    whole = page(row("http://other.example/x", "Found"), row(URL, word))
    at = data.draw(st.integers(0, len(whole)))
    assert said(whole[:at] + more + whole[at:]) in (word == "Found", None)


@given(st.text(max_size=300) | st.text(alphabet="<>!-[]/&#;=\"'?tdrb x", max_size=60))
@settings(max_examples=300)
def test_any_text_is_read(text: str) -> None:
    """Whatever a server sends, there is an answer, and it is unclear."""
    assert said(text) is None
    assert said_by_whole(text, ["a word nobody sends"], ["another"]) is None


def test_a_word_alone_is_the_whole_answer() -> None:
    """Spaces around it do not count; a word among others tells nothing."""
    assert [said_by_whole(text, ["yes"], ["k7q"]) for text in ("yes", " k7q\n", "k7q yes", "", "k7q2")] == [
        True, False, None, None, None,
    ]  # fmt: skip


def test_an_answer_in_another_charset_than_it_says_tells_nothing() -> None:
    """Known charsets alone are read, and only where the bytes fit."""
    assert decoded(b"\xe9", "text/html; charset=ISO-8859-1") == "é"
    assert decoded(b"\xe9", "text/html") is None
    assert decoded(b"+ADw-", 'text/html; charset="utf-7"') is None
