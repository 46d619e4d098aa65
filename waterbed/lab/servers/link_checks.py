"""Link checks on loopback: honest, or lying.

It counts the bytes of its answers that the client's kernel acknowledged.
"""

import asyncio
import gzip
import html
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal, cast
from urllib.parse import parse_qsl

from waterbed.crawler.probe.link_checks import LinkCheck
from waterbed.lab.servers.wire import Plain, Tls, bytes_acked
from waterbed.model.urls import CanonicalUrl

_HANDSHAKE = 0x16
_PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\xaa" * 600
_HUMAN = '<div class="g-recaptcha" data-sitekey="x"></div><p>Are you human?</p>'
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Check files</title></head><body>\n<h1>Check files</h1>\n{}\n</body></html>\n"
)
_FORM = '<form method="POST"><input type="hidden" name="op" value="checkfiles"><textarea name="list"></textarea></form>'
_OTHER = "http://another.example/i/1/000000000000.jpg"
_SLOW_S = 0.05

Framing = Literal["length", "chunked", "none", "longer", "unended", "nonsense"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, and how its end is told."""

    status: int = 200
    fields: tuple[str, ...] = ()
    kind: str | None = "text/html; charset=utf-8"
    body: bytes = b""
    framing: Framing = "length"
    behind: bytes = b""
    """Sent right behind it, unasked."""
    slow: bool = False
    """Sent byte by byte, for longer than anyone waits."""
    endless: bool = False
    """Followed by chunks until the client has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request: its file, and whether that is there."""

    check: LinkCheck
    there: bool
    url: str
    """The URL of the form, empty without one."""
    groups: Mapping[str, str]
    """The parts of the file's path that the request holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One way to answer a link check."""

    name: str
    about: str
    answer: Callable[[Question], Reply]
    honest: bool = False
    seen_by_known: bool = False
    """True if a known file alone gives the lie away."""


def truth(question: Question) -> Reply:
    """Answer as the real ones do."""
    check, there = question.check, question.there
    if not check.body_limit:
        return Reply(status=min(check.exists if there else check.missing))
    if check.empty == ("exists" if there else "missing"):
        return Reply()
    word = re.sub(
        r"\{(\d)\}",
        lambda part: question.groups.get(part[1], ""),
        (check.exists_words if there else check.missing_words)[0],
    )
    return Reply(body=word.encode()) if check.words == "whole" else Reply(body=_rows([(question.url, word)]))


def _rows(rows: Sequence[tuple[str, str]], more: str = "") -> bytes:
    """Make the page of a form that checks files: one row for each URL."""
    made = "\n".join(
        f'<tr><td>{html.escape(url)}</td><td style="color:green;">{html.escape(word)}</td><td>41 KB</td></tr>'
        for url, word in rows
    )
    return _PAGE.format(f"{_FORM}{more}\n<table>\n{made}\n</table>").encode()


def _denied(question: Question) -> Reply:
    return truth(replace(question, there=False))


def _confirmed(question: Question) -> Reply:
    return truth(replace(question, there=True))


def _without_row(question: Question) -> Reply:
    """Tell of another file, in the words for this one."""
    check = question.check
    if check.words == "whole" or not check.body_limit:
        return Reply(body=b"no such code")
    return Reply(body=_rows([(_OTHER, (check.exists_words if question.there else check.missing_words)[0])]))


def _two_rows(question: Question) -> Reply:
    check = question.check
    if check.words == "whole" or not check.body_limit:
        return Reply(body=b"there and not there")
    return Reply(body=_rows([(question.url, check.exists_words[0]), (question.url, check.missing_words[0])]))


def _large(question: Question) -> Reply:
    body = truth(question).body
    return replace(truth(question), body=body + b" " * (question.check.body_limit + 200_000))


def _halved(question: Question) -> Reply:
    body = truth(question).body or b"."
    return replace(truth(question), body=body[: max(1, len(body) * 2 // 3)])


def _human(question: Question) -> Reply:
    check = question.check
    if check.words == "whole" or not check.body_limit:
        return Reply(body=_PAGE.format(_HUMAN).encode())
    return replace(truth(question), body=_rows([(question.url, check.missing_words[0])], _HUMAN))


def _but(**changes: object) -> Callable[[Question], Reply]:
    return lambda question: replace(truth(question), **changes)  # type: ignore[arg-type]  # fields of a reply


def _gzip(question: Question) -> Reply:
    told = truth(question)
    return replace(told, body=gzip.compress(told.body), fields=("Content-Encoding: gzip",))


MANNERS: Final[tuple[Manner, ...]] = (
    Manner(name="honest", about="the truth, its length stated", answer=truth, honest=True),
    Manner(name="honest, in chunks", about="the truth, in chunks", answer=_but(framing="chunked"), honest=True),
    Manner(name="hangs up", about="the truth, ended by the end of the connection", answer=_but(framing="none")),
    Manner(name="cut off", about="less than the stated length", answer=_but(framing="longer")),
    Manner(name="cut off in a chunk", about="chunks without the last one", answer=_but(framing="unended")),
    Manner(name="broken chunks", about="a size of a chunk that is no number", answer=_but(framing="nonsense")),
    Manner(name="two thirds", about="the first two thirds, as if that were all", answer=_halved),
    Manner(name="compressed", about="the truth, gzipped", answer=_gzip),
    Manner(name="says compressed", about="the truth, labelled gzip", answer=_but(fields=("Content-Encoding: gzip",))),
    Manner(name="captcha", about="a page for humans, with a row that denies", answer=_human),
    Manner(name="redirects", about="302 to another page", answer=_but(status=302, fields=("Location: /login",))),
    Manner(name="another's row", about="the row of another file", answer=_without_row),
    Manner(name="two rows", about="one row that confirms, and one that denies", answer=_two_rows),
    Manner(name="confirms all", about="every file is there", answer=_confirmed),
    Manner(name="denies all", about="no file is there", answer=_denied, seen_by_known=True),
    Manner(name="too large", about="the truth, and 200 kB of spaces", answer=_large),
    Manner(name="endless", about="the truth, and chunks without end", answer=_but(framing="chunked", endless=True)),
    Manner(name="labelled a picture", about="the truth, labelled image/jpeg", answer=_but(kind="image/jpeg")),
    Manner(name="a picture", about="a picture, labelled text/html", answer=lambda _: Reply(body=_PICTURE)),
    Manner(name="more behind", about="the truth, and more behind it", answer=_but(behind=b"<html>more</html>")),
    Manner(name="error", about="500, with the truth", answer=_but(status=500)),
    Manner(name="slow", about="a byte now and then", answer=_but(slow=True)),
)  # fmt: skip
"""Ways to answer: those of the real ones first."""


@dataclass(slots=True)
class LinkCheckHost:
    """A running server, and what it counted."""

    check: LinkCheck
    manner: Manner
    there: frozenset[str]
    """The requests about files that are there, spelled by `question_of`."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """The method of each request."""
    acked_most: int = 0
    """Most bytes of a body that one client's kernel acknowledged; with TLS an upper bound."""


def question_of(method: str, target: str, form: bytes | None) -> str:
    """Spell a request, to compare it with others."""
    return f"{method} {target} {(form or b'').decode('latin-1')}"


@asynccontextmanager
async def link_check_host(
    check: LinkCheck, manner: Manner, there: Sequence[CanonicalUrl], context: ssl.SSLContext
) -> AsyncIterator[LinkCheckHost]:
    """Serve a link check on loopback, with and without TLS."""
    known = set()
    for file in there:
        asked, request = check.url_for(file), check.request_for(file)
        if asked is not None:
            known.add(question_of(request.method, asked.target, request.form))
    host = LinkCheckHost(check=check, manner=manner, there=frozenset(known))
    server = await asyncio.get_running_loop().create_server(lambda: _Client(host, context), "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()


class _Client(asyncio.Protocol):
    """One connection to the server."""

    def __init__(self, host: LinkCheckHost, context: ssl.SSLContext) -> None:
        self._host = host
        self._context = context
        self._wire: Plain | None = None
        self._pending = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket: socket.socket = transport.get_extra_info("socket")

    def connection_lost(self, problem: Exception | None) -> None:
        self._count()
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._wire is None:
            write = self._transport.write
            self._wire = Tls(write, self._context) if data[0] == _HANDSHAKE else Plain(write)
        text = self._wire.receive(data)
        if text is None:
            self._transport.close()
            return
        self._pending += text
        head, end, rest = self._pending.partition(b"\r\n\r\n")
        stated = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        size = int(stated[1]) if stated else 0
        if end and len(rest) >= size:
            self._pending = rest[size:]
            method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            self._host.asked.append(method)
            reply = self._host.manner.answer(self._question(method, target, rest[:size]))
            self._task = asyncio.get_running_loop().create_task(self._reply(self._wire, method, reply))

    def _question(self, method: str, target: str, form: bytes) -> Question:
        check = self._host.check
        named = next((name for name, value in (check.form or {}).items() if "{url}" in value), "")
        pattern = re.sub(r"\\\{(\d)\\\}", r"(?P<g\1>[^&]*)", re.escape(check.ask))
        found = re.fullmatch(pattern, target)
        return Question(
            check=check,
            there=question_of(method, target, form) in self._host.there,
            url=dict(parse_qsl(form.decode("latin-1"))).get(named, ""),
            groups={name[1:]: text for name, text in (found.groupdict() if found else {}).items()},
        )

    async def _reply(self, wire: Plain, method: str, reply: Reply) -> None:
        body, framing = reply.body if method != "HEAD" else b"", reply.framing
        lines = [f"HTTP/1.1 {reply.status} X", *reply.fields]
        lines += [f"Content-Type: {reply.kind}"] if reply.kind else []
        if framing in ("length", "longer"):
            lines.append(f"Content-Length: {len(body) + (50 if framing == 'longer' else 0)}")
        elif framing != "none":
            lines.append("Transfer-Encoding: chunked")
            size = b"%x" % len(body) if framing != "nonsense" else b"-5"
            body = (size + b"\r\n" + body + b"\r\n" if body or framing != "chunked" else b"") + (
                b"0\r\n\r\n" if framing == "chunked" and not reply.endless else b""
            )
        closes = framing not in ("length", "chunked")
        lines.append(f"Connection: {'close' if closes else 'keep-alive'}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if reply.slow:
            for byte in head:
                wire.send(bytes((byte,)), b"")
                await asyncio.sleep(_SLOW_S)
            return
        wire.send(head, body + (reply.behind if method != "HEAD" else b""))
        while reply.endless and method != "HEAD" and not self._transport.is_closing():
            wire.send(b"", b"400\r\n" + b"x" * 1024 + b"\r\n")
            self._count()
            await asyncio.sleep(0.001)
        if closes and self._transport.can_write_eof():
            self._transport.write_eof()

    def _count(self) -> None:
        if self._wire:
            acked = sum(self._wire.excess(bytes_acked(self._socket)).values())
            self._host.acked_most = max(self._host.acked_most, acked)
