"""The lab's HTTP and HTTPS servers, asked over the wire, and what they count."""

import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.state import BODY_BYTES
from waterbed.lab.servers.wire import RECORD
from waterbed.lab.world.file import World
from waterbed.lab.world.records import Shown, Truth


def _up(truth: Truth, now: datetime, wanted: Callable[[Shown], bool]) -> tuple[Shown, str]:
    for url, timeline in truth.pages.items():
        shown = truth.shown[url]
        addresses = truth.hosts[shown.host].at(now)
        if timeline.at(now) == "up" and addresses and wanted(shown) and not truth.traits[shown.host].indistinct:
            return shown, addresses[0]
    raise LookupError("no such page is up")


def _head(truth: Truth, how: str, *, redirects: bool = False) -> Callable[[Shown], bool]:
    return lambda shown: truth.traits[shown.host].head == how and truth.traits[shown.host].https_redirect == redirects


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_get_gives_the_page(client, truth: Truth, now: datetime, port: int, tls: bool) -> None:
    """GET gives head and body of a page that is up, on both ports."""
    shown, address = _up(truth, now, _head(truth, "plain"))
    reply = client.ask(address, shown.host, shown.target, port=port, tls=tls)
    assert reply.status == 200
    assert reply.headers["content-type"] == shown.media_type
    assert len(reply.body) == int(reply.headers["content-length"]) == BODY_BYTES


def test_head_gives_no_body(client, truth: Truth, now: datetime) -> None:
    """A well-behaved HEAD has the same head and nothing behind it."""
    shown, address = _up(truth, now, _head(truth, "plain"))
    reply = client.ask(address, shown.host, shown.target, method="HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-length"] == str(BODY_BYTES)


def test_head_can_be_refused(client, truth: Truth, now: datetime) -> None:
    """Some sites refuse HEAD with 405 and still answer GET."""
    shown, address = _up(truth, now, _head(truth, "refused"))
    assert client.ask(address, shown.host, shown.target, method="HEAD").status == 405
    assert client.ask(address, shown.host, shown.target).status == 200


def test_head_can_come_with_a_body(client, truth: Truth, now: datetime) -> None:
    """Some sites answer HEAD with a whole body, against the protocol."""
    shown, address = _up(truth, now, _head(truth, "body"))
    assert len(client.ask(address, shown.host, shown.target, method="HEAD").body) == BODY_BYTES


def test_http_can_redirect_to_https(client, truth: Truth, now: datetime) -> None:
    """Some sites send http to the same path on https, where the page is."""
    shown, address = _up(truth, now, lambda shown: truth.traits[shown.host].https_redirect)
    reply = client.ask(address, shown.host, shown.target, method="HEAD")
    if truth.traits[shown.host].head != "refused":
        assert (reply.status, reply.headers["location"]) == (301, f"https://{shown.host}{shown.target}")
    assert client.ask(address, shown.host, shown.target, port=443, tls=True).status == 200


def test_many_requests_on_one_connection(client, truth: Truth, now: datetime) -> None:
    """Requests sent at once on one connection are answered in order."""
    shown, address = _up(truth, now, _head(truth, "plain"))
    with client.connect(address, 80, tls=False) as sock:
        one = f"HEAD {shown.target} HTTP/1.1\r\nHost: {shown.host}\r\n\r\n"
        other = f"HEAD /no-such HTTP/1.1\r\nHost: {shown.host}\r\nConnection: close\r\n\r\n"
        sock.sendall((one * 3 + other).encode())
        data = b""
        while piece := sock.recv(65_536):
            data += piece
    assert data.count(b"HTTP/1.1 200 ") >= 3
    assert data.count(b"HTTP/1.1 ") == 4


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /\r\n\r\n"])
def test_broken_requests_get_400(client, request_: bytes) -> None:
    """What is no request, or names no host, gets 400 and the end of the connection."""
    with client.connect("28.1.0.1", 80, tls=False) as sock:
        sock.sendall(request_)
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert sock.recv(1000) == b""


def test_plain_http_on_the_tls_port_gets_400(client) -> None:
    """Plain HTTP sent to port 443 is answered in plain, with 400."""
    with client.connect("28.1.0.1", 443, tls=False) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_the_certificate_names_nobody(client) -> None:
    """The TLS certificate has an empty subject and no alternative names."""
    from cryptography import x509

    with client.connect("28.1.0.1", 443, tls=True) as sock:
        certificate = x509.load_der_x509_certificate(sock.getpeercert(binary_form=True))
    assert not list(certificate.subject)
    assert not list(certificate.extensions)


def test_canary_answers(client, servers: LabServers) -> None:
    """Both canary hosts resolve to public-looking addresses and answer 200 at their URLs."""
    for url in servers.canary_urls:
        scheme, _, host = url.rstrip("/").partition("://")
        address = client.resolve(host).answer[0][0].to_text()
        tls = scheme == "https"
        assert client.ask(address, host, "/", port=443 if tls else 80, tls=tls).status == 200


def test_an_outage_hangs(client, servers: LabServers, world: World) -> None:
    """During an outage a connection gets no byte of an answer."""
    servers.set_time(world.start + timedelta(hours=52))
    with client.connect("28.1.0.1", 80, tls=False) as sock:
        sock.settimeout(0.2)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)


def _settled(servers: LabServers, wanted: Callable[[], bool]) -> None:
    # Acknowledgements are the kernel's: they may come a moment after the bytes.
    deadline = time.monotonic() + 60
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_counts_what_a_whole_get_took(client, servers: LabServers, truth: Truth, now: datetime) -> None:
    """Reading a page whole counts its body as excess, exactly, once."""
    shown, address = _up(truth, now, _head(truth, "plain"))
    before = servers.counts()
    client.ask(address, shown.host, shown.target)
    total = before.excess_plain_total + BODY_BYTES
    _settled(servers, lambda: servers.counts().excess_plain_total >= total)
    after = servers.counts()
    assert after.excess_plain_total == total
    assert after.excess_plain_most == BODY_BYTES
    assert after.requests["GET"] == before.requests.get("GET", 0) + 1
    assert after.connections == before.connections + 1


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_well_behaved_heads_cost_nothing(client, truth: Truth, now: datetime, port: int, tls: bool) -> None:
    """HEAD answered by the book has no excess, with TLS or without."""
    shown, address = _up(truth, now, _head(truth, "plain"))
    before = client.servers.counts()
    client.ask(address, shown.host, shown.target, method="HEAD", port=port, tls=tls)
    after = client.servers.counts()
    assert after.requests["HEAD"] == before.requests.get("HEAD", 0) + 1
    assert (after.excess_plain_total, after.excess_tls_total) == (before.excess_plain_total, before.excess_tls_total)


def test_counts_what_a_small_buffer_took(client, servers: LabServers, truth: Truth, now: datetime) -> None:
    """A client with a small receive buffer that closes at the head takes little, and all of it is counted."""
    shown, address = _up(truth, now, _head(truth, "body"))
    before = servers.counts()
    with client.connect(address, 80, tls=False, receive_buffer=2048) as sock:
        sock.sendall(f"HEAD {shown.target} HTTP/1.1\r\nHost: {shown.host}\r\n\r\n".encode())
        got = sock.recv(600)
        _settled(servers, lambda: servers.counts().excess_plain_total > before.excess_plain_total)
    excess = servers.counts().excess_plain_total - before.excess_plain_total
    assert len(got) - got.index(b"\r\n\r\n") - 4 <= excess < BODY_BYTES


def test_counts_tls_by_records(client, servers: LabServers, truth: Truth, now: datetime) -> None:
    """With TLS the count is an upper bound: no less than what the client could decrypt."""
    shown, address = _up(truth, now, _head(truth, "body"))
    before = servers.counts()
    with client.connect(address, 443, tls=True, receive_buffer=4096) as sock:
        sock.sendall(f"HEAD {shown.target} HTTP/1.1\r\nHost: {shown.host}\r\n\r\n".encode())
        got = sock.recv(RECORD)
    decrypted = len(got) - got.index(b"\r\n\r\n") - 4
    _settled(servers, lambda: servers.counts().excess_tls_total - before.excess_tls_total >= decrypted)
    excess = servers.counts().excess_tls_total - before.excess_tls_total
    assert 0 < decrypted <= excess <= BODY_BYTES


def test_open_connections_are_counted(client, servers: LabServers) -> None:
    """A connection that is still open is in the counts already."""
    before = servers.counts().connections
    with client.connect("28.1.0.1", 80, tls=False) as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert sock.recv(socket.SOMAXCONN)
        assert servers.counts().connections == before + 1
