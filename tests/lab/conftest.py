"""A small world, its truth, and its servers running on loopback."""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import dns.message
import dns.query
import pytest

from tests.lab.strange import STRANGE
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import parse_world
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate

WORLD = """
name = "small"
seed = 7
start = 2025-04-01T00:00:00Z
days = 6
home = "NL"

[[hoster]]
key = "polder"
name = "Polder, B.V."
asn = 64496
country = "NL"
v4 = ["28.1.0.0/20"]
v6 = ["2d00:1000::/32"]
weight = 3.0
removal = { removes = 1.0, median_hours = 6.0, sigma = 0.5 }

[[hoster]]
key = "fjord"
name = "Fjord AS"
asn = 64497
country = "NO"
v4 = ["28.2.0.0/20"]
weight = 2.0
removal = { removes = 0.8, median_hours = 10.0, answer_after_removal = "suspended" }

[[hoster]]
key = "pages"
name = "Pages Inc."
asn = 64498
country = "US"
v4 = ["28.3.0.0/20"]
kind = "platform"
suffixes = ["square7.ch"]
removal = { removes = 1.0, median_hours = 5.0, answer_after_removal = "name_gone" }

[[hoster]]
key = "veil"
name = "Veil Inc."
asn = 64499
country = "US"
v4 = ["28.4.0.0/20"]
kind = "proxy"

[sites]
count = 60
urls_per_site = [1, 4]
multi_address = 0.5
v6 = 0.5
behind_proxy = 0.2

[movement]
after_takedown = 0.8
parallel = 0.3
delay_hours = [1.0, 10.0]

[[outage]]
from_hour = 50.0
to_hour = 56.0

[servers]
https = 0.5
https_redirect = 0.3
catch_all = 0.2
indistinct = 0.1
head_refused = 0.15
body_on_head = 0.15
mislabelled = 0.3
"""


@dataclass(frozen=True)
class Reply:
    """A response as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Asks the lab's servers with plain sockets, as a crawler behind its map of addresses would."""

    def __init__(self, servers: LabServers) -> None:
        self.servers = servers

    def resolve(self, host: str, kind: str = "A", *, tcp: bool = False, seconds: float = 5.0) -> dns.message.Message:
        address, _, port = self.servers.resolver.partition(":")
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(dns.message.make_query(host, kind), address, port=int(port), timeout=seconds)

    def listener(self, address: str, port: int) -> tuple[str, int]:
        for entry in self.servers.connect_to:
            if entry.port == port and ip_address(address) in ip_network(entry.prefix):
                host, _, number = entry.listener.partition(":")
                return host, int(number)
        raise LookupError(port)

    def connect(
        self, address: str, port: int, *, tls: bool, receive_buffer: int = 0, source: str = "127.0.0.1"
    ) -> socket.socket:
        """Connect from a source address; from 127.0.0.3, through the lab's proxy."""
        sock = socket.socket()
        sock.settimeout(60)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source == "127.0.0.3":
            host, _, number = self.servers.proxy.partition(":")
            sock.connect((host, int(number)))
            asked = f"[{address}]" if ":" in address else address
            sock.sendall(f"CONNECT {asked}:{port} HTTP/1.1\r\nHost: {asked}:{port}\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += sock.recv(1)
            assert answer.startswith(b"HTTP/1.1 200 ")
        else:
            sock.bind((source, 0))
            sock.connect(self.listener(address, port))
        if not tls:
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(sock)

    def ask(
        self,
        address: str,
        host: str,
        target: str,
        *,
        port: int = 80,
        method: str = "GET",
        tls: bool = False,
        source: str = "127.0.0.1",
    ) -> Reply:
        with self.connect(address, port, tls=tls, source=source) as sock:
            sock.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while piece := sock.recv(65_536):
                data += piece
        return parse(data)


def parse(data: bytes) -> Reply:
    """Take a response apart."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Reply(status=int(first.split(" ")[1]), headers=headers, body=body)


@pytest.fixture(scope="session")
def small_text() -> str:
    return WORLD


@pytest.fixture(scope="session")
def world(small_text: str) -> World:
    return parse_world(small_text)


@pytest.fixture(scope="session")
def truth(world: World) -> Truth:
    return simulate(world)


@pytest.fixture(scope="session")
def scene(truth: Truth) -> WorldScene:
    return WorldScene(truth)


@pytest.fixture(scope="session")
def running(scene: WorldScene, world: World) -> Iterator[LabServers]:
    with LabServers(scene, world.start) as servers:
        yield servers


@pytest.fixture
def servers(running: LabServers, world: World) -> LabServers:
    running.set_time(world.start + timedelta(hours=30))
    return running


@pytest.fixture
def client(servers: LabServers) -> Client:
    return Client(servers)


@pytest.fixture
def client_of() -> Callable[[LabServers], Client]:
    return Client


@pytest.fixture
def now(world: World) -> datetime:
    """Give the instant the servers are set to."""
    return world.start + timedelta(hours=30)


@pytest.fixture(scope="session")
def strange_world() -> World:
    return parse_world(STRANGE)


@pytest.fixture(scope="session")
def strange_truth(strange_world: World) -> Truth:
    return simulate(strange_world)


@pytest.fixture(scope="session")
def strange_scene(strange_truth: Truth) -> WorldScene:
    return WorldScene(strange_truth)


@pytest.fixture(scope="session")
def strange_running(strange_scene: WorldScene, strange_world: World) -> Iterator[LabServers]:
    with LabServers(strange_scene, strange_world.start) as servers:
        yield servers


@pytest.fixture
def strange(strange_running: LabServers, strange_world: World) -> Client:
    """Give a client of the strange world, two days after its start."""
    strange_running.set_time(strange_world.start + timedelta(hours=48))
    return Client(strange_running)
