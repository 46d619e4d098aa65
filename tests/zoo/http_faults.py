"""HTTP behaviours: broken heads, interim answers, statuses."""

from collections.abc import Sequence

from tests.zoo import http_bodies, http_redirects
from tests.zoo.behaviour import OK, Behaviour, good
from tests.zoo.http_plays import (
    PAGE,
    alternating,
    dripping,
    endless,
    everything,
    http,
    not_for_us,
    old_http,
    page,
    says,
    silence_after,
)


def _broken() -> Sequence[Behaviour]:
    many = "".join(f"X-{n}: {n}\r\n" for n in range(10_000)).encode()
    few = "".join(f"X-{n}: {n}\r\n" for n in range(1_000)).encode()
    return [
        http("http-good", "A page that is up on a site that knows what it has not.", good),
        http("no-status-line", "Sends a page without status line.", says(b"<html>hello</html>\r\n\r\n")),
        http("http-0-9", "Speaks HTTP/0.9: the page itself, at once.", says(b"", b"\0" * 100 + PAGE * 100)),
        http("other-protocol", "Greets like a mail server.", says(b"220 mail ESMTP ready\r\n\r\n")),
        http("almost-http", "A status line of HTTP/x.y.", says(b"HTTP/x.y OK\r\n\r\n")),
        http("http-1-0", "An answer in HTTP/1.0.", old_http),
        http("status-000", "Status 000.", says(b"HTTP/1.1 000 Nothing\r\n\r\n")),
        http("status-1000", "A status of four digits.", says(b"HTTP/1.1 1000 Much\r\n\r\n")),
        http("status-999", "Status 999.", page("999 Request denied", "Content-Length: 0")),
        http("status-299", "A 2xx status that nobody has defined.", page("299 Odd", "Content-Length: 0")),
        http("status-204", "Status 204: there, but empty.", page("204 No Content")),
        http("status-600", "Status 600.", page("600 Beyond", "Content-Length: 0")),
        http("status-without-words", "A status line of a number alone.", page("200", "Content-Length: 0")),
        http("bare-line-feeds", "Lines end with LF alone.", says(b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n")),
        http("folded-header", "A header field over two lines.", says(OK + b"X-A: one\r\n two\r\n\r\n")),
        http("space-before-colon", "A space before a header's colon.", says(OK + b"X-A : one\r\n\r\n")),
        http("header-without-colon", "A header line without colon.", says(OK + b"nonsense\r\n\r\n")),
        http("nul-in-header", "A NUL in a header.", says(OK + b"X-A: a\0b\r\n\r\n")),
        http("nul-in-status-line", "A NUL in the status line.", says(b"HTTP/1.1 200 O\0K\r\n\r\n")),
        http(
            "non-ascii-header", "Headers in UTF-8 and Latin-1.", says(OK + b"X-A: \xc3\xa9\xff\r\nServer: \xff\r\n\r\n")
        ),
        http("two-content-types", "Two media types.", says(OK + b"Content-Type: image/jpeg\r\n\r\n")),
        http("two-lengths", "Two lengths that differ.", says(OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n")),
        http("length-negative", "A length of -1.", says(OK + b"Content-Length: -1\r\n\r\n")),
        http("length-huge", "A length of 30 digits.", says(OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n")),
        http(
            "length-and-chunked",
            "A length and chunks.",
            says(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
        ),
        http(
            "chunked-nonsense",
            "Chunks that are none.",
            says(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"-5\r\nhello\r\nxyz"),
        ),
        http("unknown-coding", "A transfer coding nobody knows.", says(OK + b"Transfer-Encoding: nonsense\r\n\r\n")),
        http("one-header-1-mb", "One header of 1 MB.", says(OK + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n")),
        http("headers-10000", "10,000 headers.", says(OK + many + b"\r\n")),
        http("headers-1000", "1,000 headers, 11 kB.", says(OK + few + b"\r\n")),
        http("headers-endless", "Headers without end.", endless(b"X-Endless: yes\r\n" * 100, OK)),
        http("status-line-endless", "A status line without end.", endless(b"a" * 1_600, b"HTTP/1.1 200 ")),
        http("one-byte-a-second", "A head of one byte a second.", dripping(OK + b"\r\n")),
        http("silence-within-head", "Half a head, then silence.", silence_after(OK)),
        http("silence-after-request", "Reads the request, then silence.", silence_after(b"")),
    ]


def _interim() -> Sequence[Behaviour]:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    return [
        http("continue-forever", "100 Continue without end.", endless(b"HTTP/1.1 100 Continue\r\n\r\n")),
        http("continue-then-silence", "100 Continue, then silence.", silence_after(b"HTTP/1.1 100 Continue\r\n\r\n")),
        http("early-hints", "103 Early Hints, then the answer.", says(early + OK + b"Content-Length: 5120\r\n\r\n")),
        http(
            "switching-protocols",
            "101 to a protocol that nobody asked for.",
            says(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: nonsense\r\nConnection: upgrade\r\n\r\n",
                b"\x81\x05hello",
            ),
        ),
    ]


def _statuses() -> Sequence[Behaviour]:
    far = "Thu, 01 Jan 2099 00:00:00 GMT"
    plain: list[tuple[str, str, tuple[str, ...]]] = [
        ("gone-404", "404 Not Found", ()),
        ("gone-410", "410 Gone", ()),
        ("unauthorised-401", "401 Unauthorized", ("WWW-Authenticate: Basic",)),
        ("forbidden-403", "403 Forbidden", ()),
        ("legal-451", "451 Unavailable For Legal Reasons", ()),
        ("error-500", "500 Internal Server Error", ()),
        ("error-502", "502 Bad Gateway", ()),
        ("error-503", "503 Service Unavailable", ()),
        ("error-520", "520 Unknown", ()),
        ("teapot-418", "418 I'm a teapot", ()),
        ("retry-after-seconds", "429 Too Many Requests", ("Retry-After: 120",)),
        ("retry-after-date", "429 Too Many Requests", ("Retry-After: Mon, 05 Jan 2026 12:05:00 GMT",)),
        ("retry-after-absurd", "429 Too Many Requests", (f"Retry-After: {far}",)),
        ("retry-after-nonsense", "503 Service Unavailable", ("Retry-After: -soon\xe9",)),
        (
            "retry-after-overflow",
            "429 Too Many Requests",
            ("Retry-After: Mon, 05 Jan 99999999999999999999 12:05:00 GMT",),
        ),
        ("challenge-mark", "403 Forbidden", ("cf-mitigated: challenge", "Server: cloudflare")),
        ("suspended-mark", "200 OK", ("X-Account-Suspended: 1",)),
    ]
    made = []
    for name, status, fields in plain:
        does = f"{status[:3]} for the page" + (f"; {', '.join(fields)}" if fields else "") + "."
        made.append(http(name, does.replace("\xe9", "e"), page(status, *fields, "Content-Length: 0")))
    return [
        *made,
        http("not-for-us", "403 to our agent, 200 to all others.", not_for_us("403 Forbidden")),
        http("gone-for-us", "404 to our agent, 200 to all others.", not_for_us("404 Not Found")),
        http("alternating", "Up at one check, gone at the next.", alternating),
        http(
            "catch-all", "200 for everything.", everything("200 OK", "Content-Type: text/html", "Content-Length: 5120")
        ),
        http("catch-all-bare", "200 for everything, without type, length or ETag.", everything("200 OK")),
        http("missing-everything", "404 for everything.", everything("404 Not Found", "Content-Length: 0")),
        http(
            "no-length-no-etag",
            "A page without length or ETag; 404 beside it.",
            page("200 OK", "Content-Type: text/html"),
        ),
        http(
            "cookies",
            "Sets 50 cookies.",
            page("200 OK", *[f"Set-Cookie: c{n}={'x' * 40}" for n in range(50)], "Content-Length: 5120"),
        ),
    ]


def behaviours() -> list[Behaviour]:
    """All of them, with redirects and bodies."""
    return [*_broken(), *_interim(), *http_redirects.behaviours(), *_statuses(), *http_bodies.behaviours()]
