"""HTTP behaviours: bodies where none is due, and pages behind a refused HEAD."""

from tests.zoo.behaviour import Behaviour
from tests.zoo.http_plays import (
    BOMB,
    ODD,
    PAGE,
    PHOTO,
    REFUSED,
    cut_page,
    endless_page,
    head_not_understood,
    head_of,
    http,
    page,
    pushing,
    slow_page,
)


def behaviours() -> list[Behaviour]:
    """All of them."""
    html, jpeg, zipped = "Content-Type: text/html", "Content-Type: image/jpeg", "Content-Encoding: gzip"
    length = f"Content-Length: {len(PHOTO)}"
    bad, missing = head_of("400 Bad Request", "Content-Length: 0"), head_of("404 Not Found", "Content-Length: 0")
    no, broken = head_of("501 Not Implemented", "Content-Length: 0"), head_of("500 Error", "Content-Length: 0")
    return [
        http("head-with-small-body", "Answers HEAD with 2 kB of body.", pushing("200 OK", html, body=PAGE * 30)),
        http("head-with-10-mb", "Answers HEAD with a photo of 10 MB.", pushing("200 OK", jpeg, length, body=PHOTO)),
        http("image-as-html", "A photo of 10 MB, labelled text/html.", pushing("200 OK", html, length, body=PHOTO)),
        http(
            "image-as-html-at-get",
            "HEAD in order; at GET a photo, labelled text/html.",
            page("200 OK", html, length, get_body=PHOTO),
        ),
        http(
            "image-behind-405",
            "HEAD refused with 405; GET pushes a photo of 10 MB.",
            pushing("200 OK", jpeg, length, body=PHOTO, head=REFUSED),
        ),
        http(
            "image-as-html-behind-405",
            "HEAD refused; GET pushes a photo labelled text/html.",
            pushing("200 OK", html, length, body=PHOTO, head=REFUSED),
        ),
        http(
            "gzip-bomb", "10 MB of zeros in 44 kB of gzip, to HEAD and GET.", pushing("200 OK", html, zipped, body=BOMB)
        ),
        http(
            "gzip-bomb-behind-405",
            "HEAD refused; GET gives the bomb.",
            pushing("200 OK", html, zipped, body=BOMB, head=REFUSED),
        ),
        http(
            "page-behind-405",
            "HEAD refused with 405; GET 200.",
            page("200 OK", html, "Content-Length: 66", get_body=PAGE, head=REFUSED),
        ),
        http(
            "page-behind-501",
            "HEAD refused with 501; GET 200.",
            page("200 OK", html, "Content-Length: 66", get_body=PAGE, head=no),
        ),
        http(
            "page-behind-400",
            "HEAD answered with 400; GET 200.",
            page("200 OK", html, "Content-Length: 66", get_body=PAGE, head=bad),
        ),
        http(
            "page-behind-500",
            "HEAD answered with 500; GET 200.",
            page("200 OK", html, "Content-Length: 66", get_body=PAGE, head=broken),
        ),
        http(
            "head-lies-404",
            "HEAD says 404; GET 200.",
            page("200 OK", html, "Content-Length: 66", get_body=PAGE, head=missing),
        ),
        http("head-hangs-up", "Hangs up at HEAD; GET 200.", head_not_understood),
        http("page-endless", "HEAD in order; at GET a text page without end.", endless_page),
        http("page-slow", "HEAD in order; at GET a text page of one byte a second.", slow_page),
        http(
            "page-deep",
            "At GET a text page of 20,000 nested tags.",
            page("200 OK", html, get_body=b"<div><b>" * 10_000),
        ),
        http(
            "page-odd-charset", "At GET a text page in a charset that nobody knows.", page("200 OK", html, get_body=ODD)
        ),
        http(
            "page-chunked",
            "At GET a text page in chunks that break off.",
            page("200 OK", html, "Transfer-Encoding: chunked", get_body=b"10\r\n<p>hello</p>1234\r\nzz"),
        ),
        http(
            "page-chunk-huge",
            "At GET a text page in a chunk of 2^80 bytes.",
            page("200 OK", html, "Transfer-Encoding: chunked", get_body=b"f" * 20 + b"\r\n" + PAGE * 2_000),
        ),
        http(
            "page-chunk-line-endless",
            "At GET a text page whose chunk never says its length.",
            page("200 OK", html, "Transfer-Encoding: chunked", get_body=b"5;" + b"a" * 1_000_000),
        ),
        http("page-cut-off", "At GET less of a text page than was promised.", cut_page),
        http("gone-behind-405", "HEAD refused with 405; GET 404.", page("404 Not Found", html, head=REFUSED)),
    ]
