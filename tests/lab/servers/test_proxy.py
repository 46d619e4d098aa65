"""The lab's CONNECT proxy: what it refuses, where it leads, and that it hides no byte from the counts."""

import socket
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.state import BODY_BYTES
from waterbed.lab.world.records import Shown, Truth

_PROXY = "127.0.0.3"


def _first_line(servers: LabServers, request: bytes) -> bytes:
    host, _, port = servers.proxy.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as sock:
        sock.sendall(request)
        return sock.recv(1000).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"CONNECT shop.example:80 HTTP/1.1", b"400"),
        (b"CONNECT localhost:80 HTTP/1.1", b"400"),
        (b"CONNECT 28.1.0.1 HTTP/1.1", b"400"),
        (b"CONNECT [shop]:80 HTTP/1.1", b"400"),
        (b"CONNECT 127.0.0.1:80 HTTP/1.1", b"403"),
        (b"CONNECT 28.200.0.1:80 HTTP/1.1", b"403"),
        (b"CONNECT 28.1.0.1:22 HTTP/1.1", b"403"),
        (b"CONNECT [::1]:80 HTTP/1.1", b"403"),
        (b"GET http://28.1.0.1/ HTTP/1.1", b"405"),
        (b"CONNECT 28.1.0.1:80 HTTP/1.1", b"200"),
        (b"CONNECT [2d00:1000::1]:443 HTTP/1.1", b"200"),
    ],
)
def test_only_known_addresses_are_connected(servers: LabServers, asked: bytes, status: bytes) -> None:
    """A name gets 400, an address outside the world 403, another method 405, an address of the world 200."""
    assert _first_line(servers, asked + b"\r\n\r\n").split(b" ")[1] == status


def test_an_endless_request_is_refused(servers: LabServers) -> None:
    """A request whose head does not end is cut off with an error."""
    assert _first_line(servers, b"CONNECT " + b"x" * 10_000).split(b" ")[1] in (b"400", b"405")


def test_refusals_and_tunnels_are_counted(client, servers: LabServers) -> None:
    """The counts say how many tunnels there were and how many requests were refused."""
    before = servers.counts()
    _first_line(servers, b"CONNECT shop.example:80 HTTP/1.1\r\n\r\n")
    client.ask("28.1.0.1", "a.example", "/", source=_PROXY)
    after = servers.counts()
    assert (after.tunnels - before.tunnels, after.tunnels_refused - before.tunnels_refused) == (1, 1)


def _up(truth: Truth, now: datetime, wanted: Callable[[Shown], bool]) -> tuple[Shown, str]:
    for url, shown in truth.shown.items():
        addresses = truth.hosts[shown.host].at(now)
        if truth.is_up(url, now) and addresses and wanted(shown) and not truth.traits[shown.host].indistinct:
            return shown, addresses[0]
    raise LookupError("no such page is up")


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_pages_come_whole_through_the_tunnel(client, truth: Truth, now: datetime, port: int, tls: bool) -> None:
    """What goes through the proxy arrives as it would without it."""
    shown, address = _up(truth, now, lambda shown: not truth.traits[shown.host].https_redirect)
    direct = client.ask(address, shown.host, shown.target, port=port, tls=tls)
    through = client.ask(address, shown.host, shown.target, port=port, tls=tls, source=_PROXY)
    assert through == direct
    assert len(through.body) == BODY_BYTES


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_the_proxy_takes_no_more_than_its_client(
    client, servers: LabServers, truth: Truth, now: datetime, port: int, tls: bool
) -> None:
    """Bytes that the proxy holds for a client that stopped reading are not counted as the client's, and are few."""
    shown, address = _up(truth, now, lambda shown: truth.traits[shown.host].head == "body")
    before = servers.counts()
    name = "excess_tls_total" if tls else "excess_plain_total"
    with client.connect(address, port, tls=tls, receive_buffer=2048, source=_PROXY) as sock:
        sock.sendall(f"HEAD {shown.target} HTTP/1.1\r\nHost: {shown.host}\r\n\r\n".encode())
        got = sock.recv(16_384 if tls else 600)
        deadline = time.monotonic() + 60
        while getattr(servers.counts(), name) == getattr(before, name) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        open_count = getattr(servers.counts(), name) - getattr(before, name)
    taken = len(got) - got.index(b"\r\n\r\n") - 4
    time.sleep(0.05)
    assert taken <= open_count <= taken + 24_000 < BODY_BYTES
    # Hanging up takes back nothing and adds at most what was on its way.
    assert open_count <= getattr(servers.counts(), name) - getattr(before, name) <= open_count + 4_096
