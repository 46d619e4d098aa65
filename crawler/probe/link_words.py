"""Reads a link check's answer: there, missing, or unclear.

The answer is a text that came whole. A word counts only in the row of the URL that was asked for. Whatever is in doubt
is None: no row, two rows, a row that is not closed, a page that breaks off, a page that asks for a human. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

_CHARSETS = {"": "utf-8", "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1",
             "windows-1252": "cp1252"}  # fmt: skip
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^"'\s;]*)""", re.IGNORECASE)
_HUMAN = re.compile(r"captcha|turnstile|cf-chl|challenge-platform|are you (?:a )?(?:human|robot)", re.IGNORECASE)
_ODD_COMMENT = re.compile(r"--!>|<!-?-?>")
"""Ends of comments at which browsers and this parser part."""
_MARKED = re.compile(r"<!\[|<\?")
"""Marked sections and instructions, which HTML does not have."""
_HIDDEN = re.compile(r"display:none|visibility:(?:hidden|collapse)|opacity:0(?![.\d])|font-size:0", re.IGNORECASE)

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_UNSEEN = frozenset(
    ("iframe", "math", "noembed", "noframes", "noscript", "object", "option", "plaintext", "script", "select", "style",
     "svg", "template", "textarea", "title", "xmp")
)  # fmt: skip
"""Elements whose text no reader sees as part of a row, or that are parsed by rules of their own."""
_CELLS = ("td", "th")
_CLOSED = frozenset(("html", "body", "table", "thead", "tbody", "tfoot", "tr", "td", "th", *_UNSEEN))
"""Elements that must be closed where a page is whole."""

_DEEPEST = 100
"""Most elements within each other: nobody writes a deeper page."""


def decoded(body: bytes, content_type: str) -> str | None:
    """Return an answer's text.

    None where it is not in the charset that its head states.
    """
    match = _CHARSET.search(content_type)
    charset = _CHARSETS.get(match[1].lower() if match else "")
    try:
        return body.decode(charset) if charset else None
    except UnicodeDecodeError:
        return None


def said_by_whole(text: str, exists: Sequence[str], missing: Sequence[str]) -> bool | None:
    """Return the meaning of an answer of one word."""
    return _said([" ".join(text.split())], exists, missing)


def said_by_row(text: str, url: str, exists: Sequence[str], missing: Sequence[str]) -> bool | None:
    """Return the meaning of the row of a URL.

    The row is the one `tr` with a cell whose visible text is the URL, to the letter. It and all its cells are opened
    and closed in order, it holds no other table and nothing hidden, and the page around it is whole. Another cell of
    it must be one of the words, to the letter.
    """
    if _HUMAN.search(text) or _ODD_COMMENT.search(text) or _MARKED.search(text):
        return None
    reader = _Rows()
    reader.feed(text)
    if "<" in reader.rawdata or "&" in reader.rawdata:
        return None  # it ends in the middle of a tag, a comment or a character
    reader.close()
    url_rows = [row for row in reader.rows if url in row.texts]
    if len(url_rows) != 1 or not url_rows[0].sound or not reader.whole:
        return None
    texts = url_rows[0].texts
    texts.remove(url)
    return None if url in texts else _said(texts, exists, missing)


def _said(texts: Sequence[str], exists: Sequence[str], missing: Sequence[str]) -> bool | None:
    """Return which words are among the texts: of one kind, or it is unclear."""
    has_existing, has_missing = any(word in texts for word in exists), any(word in texts for word in missing)
    return None if has_existing == has_missing else has_existing


@dataclass(slots=True)
class _Row:
    """A row as far as it is read."""

    cells: list[list[str]] = field(default_factory=list)
    sound: bool = True

    @property
    def texts(self) -> list[str]:
        return [" ".join("".join(cell).split()) for cell in self.cells]


class _Rows(HTMLParser):
    """Collects the rows of a page, and whether it is whole."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[_Row] = []
        self._open: list[tuple[str, bool]] = []
        """Open elements, and whether each is hidden."""
        self._own: list[_Row] = []
        """Open rows, the innermost last."""
        self._broken = False

    @property
    def whole(self) -> bool:
        """True if nothing that must be closed stands open."""
        return not self._broken and not any(tag in _CLOSED for tag, _ in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if tag in ("tr", "table"):
            self._spoil()
        if tag == "tr":
            row = _Row()
            row.sound = bool(self._open) and self._open[-1][0] in ("table", "thead", "tbody", "tfoot")
            self.rows.append(row)
            self._own.append(row)
        elif tag in _CELLS and self._own:
            if self._open[-1][0] != "tr":
                self._own[-1].sound = False
            self._own[-1].cells.append([])
        if tag in _VOID:
            return
        if len(self._open) == _DEEPEST:
            self._broken = True
            return
        self._open.append((tag, _hidden(attrs)))
        if any(hidden for _, hidden in self._open) or self._unseen:
            self._spoil()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore the slash, as HTML does."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag in _VOID:
            return
        tags = [open_tag for open_tag, _ in self._open]
        if tag not in tags:
            self._spoil()
            return
        while self._open:
            last, _ = self._open.pop()
            if last != tag:
                self._broken = self._broken or last in _CLOSED
                self._spoil()
            if last == "tr" and self._own:
                self._own.pop()
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        """Add text to the innermost cell, if visible."""
        if self._own and not self._unseen and any(tag in _CELLS for tag, _ in self._open):
            if self._own[-1].cells:
                self._own[-1].cells[-1].append(data)
        elif self._own and data.strip():
            self._spoil()

    @property
    def _unseen(self) -> bool:
        return any(tag in _UNSEEN for tag, _ in self._open)

    def _spoil(self) -> None:
        """Trust the innermost open row no more."""
        if self._own:
            self._own[-1].sound = False


def _hidden(attrs: list[tuple[str, str | None]]) -> bool:
    values = dict(attrs)
    style = re.sub(r"\s", "", values.get("style") or "")
    return "hidden" in values or values.get("aria-hidden") == "true" or bool(_HIDDEN.search(style))
