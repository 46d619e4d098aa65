"""Whether the lab notices bytes of bodies: taken from its servers, by class of request, or kept in a file."""

import base64
import gzip
import pickle
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from waterbed.lab.servers.counts import request_class
from waterbed.lab.servers.pages import Pages, marked_files
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.servers.state import BODY_BYTES, Behaviour, page
from waterbed.lab.world.records import Shown, SiteTraits, Truth

_TRAITS = SiteTraits(https=False, https_redirect=False, catch_all=False, indistinct=False, head="plain")
_IMAGE = Shown(url="u", host="h", target="/i", media_type="image/jpeg", image=True, content_id="c")
_PAGE = Shown(url="u", host="h", target="/p", media_type="text/html", image=False, content_id="c")


@pytest.mark.parametrize("shown", [_IMAGE, _PAGE])
@pytest.mark.parametrize("start", [0, 700, 12_345])
@pytest.mark.parametrize(
    "kept",
    [
        lambda piece: piece,
        gzip.compress,
        base64.b64encode,
        lambda piece: b"x" + base64.b64encode(b"ab" + piece),
        lambda piece: piece.decode("latin-1").encode("utf-16-le"),
    ],
)
def test_a_kept_piece_is_found(tmp_path: Path, shown: Shown, start: int, kept: Callable[[bytes], bytes]) -> None:
    """A piece of 600 bytes of any body is found in a file, in the clear, compressed and encoded."""
    body = Pages("0f1e2d3c4b5a6978").content(_TRAITS, shown).body
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "kept").write_bytes(b"before" + kept(body[start : start + 600]) + b"after")
    if kept is gzip.compress:
        (tmp_path / "deep" / "kept").write_bytes(gzip.compress(body[start : start + 600], mtime=0))
    (tmp_path / "other").write_bytes(b"nothing of it")
    assert marked_files(tmp_path, "0f1e2d3c4b5a6978") == [tmp_path / "deep" / "kept"]


def test_a_scene_is_sent_as_plain_values(truth: Truth) -> None:
    """What the servers' process is sent holds no iterator, which Python 3.14 does not pickle."""
    assert b"itertools" not in pickle.dumps(WorldScene(truth))


def test_each_world_is_marked_anew(truth: Truth) -> None:
    """Two scenes have two markers, so that what is found is of this run."""
    assert WorldScene(truth).marker != WorldScene(truth).marker


@pytest.mark.parametrize(
    ("answer", "method", "name"),
    [
        (page(b"x"), "HEAD", "HEAD plain"),
        (page(b"x", head="body"), "HEAD", "HEAD answered with a body"),
        (page(b"x", head="refused"), "HEAD", "HEAD refused or answered falsely"),
        (page(b"x", head_status=404), "HEAD", "HEAD refused or answered falsely"),
        (page(b"x"), "GET", "GET page"),
        (page(b"x", head="refused"), "GET", "GET page behind a refused HEAD"),
        (page(b"x", media_type="image/jpeg", image=True), "GET", "GET image"),
        (page(b"x", image=True), "GET", "GET image labelled text/html"),
        (page(b"x", image=True, head_status=403), "GET", "GET image labelled text/html behind a refused HEAD"),
        (
            page(b"x", media_type="image/jpeg", image=True, head="refused"),
            "GET",
            "GET image behind a refused HEAD",
        ),
        (page(b"x"), "POST", "other"),
    ],
)
def test_requests_have_classes(answer: Behaviour, method: str, name: str) -> None:
    """A request is counted under what it met: how HEAD was treated, and what the body would be."""
    assert request_class(answer, method) == name


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_bytes_are_counted_under_their_class(client, truth: Truth, now: datetime, port: int, tls: bool) -> None:
    """What one request took past the head is in the counts of its class, plain and TLS apart."""
    shown, address = next(
        (shown, (truth.hosts[shown.host].at(now) or ("",))[0])
        for url, shown in truth.shown.items()
        if truth.is_up(url, now)
        and shown.image
        and shown.media_type == "text/html"
        and truth.traits[shown.host].head == "plain"
        and not truth.traits[shown.host].https_redirect
        and not truth.traits[shown.host].indistinct
    )
    name = "GET image labelled text/html"

    def taken() -> tuple[int, int]:
        counts = client.servers.counts().by_class.get(name)
        if counts is None:
            return 0, 0
        return (counts.requests_tls, counts.tls_total) if tls else (counts.requests_plain, counts.plain_total)

    before = taken()
    client.ask(address, shown.host, shown.target, port=port, tls=tls)
    deadline = time.monotonic() + 60
    while taken()[1] < before[1] + BODY_BYTES and time.monotonic() < deadline:
        time.sleep(0.01)
    after = taken()
    assert after[0] == before[0] + 1
    assert BODY_BYTES <= after[1] - before[1] <= BODY_BYTES + (400 if tls else 0)
