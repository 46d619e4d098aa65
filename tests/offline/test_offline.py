"""No test leaves loopback: a planted attempt is caught."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TEST_NET = "192.0.2.1"
"""Reserved for documentation (RFC 5737): nobody is there."""

PLANTS = {
    "tcp": f"import socket; socket.create_connection(('{TEST_NET}', 80), timeout=2)",
    "udp": f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{TEST_NET}', 53))",
    "v6": "import socket; socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect(('2001:db8::1', 80))",
    "name": "import socket; socket.getaddrinfo('example.com', 80)",
    "asyncio": f"import asyncio; asyncio.run(asyncio.open_connection('{TEST_NET}', 80))",
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_way_out_is_caught_in_a_child_process(plant: str) -> None:
    """A child process that tries to leave loopback is stopped by the guard before any packet."""
    done = subprocess.run(
        [sys.executable, "-c", PLANTS[plant]], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert "tests stay on loopback" in done.stderr


def test_a_planted_way_out_is_caught_in_this_process() -> None:
    """The guard stands in the test process too."""
    with pytest.raises(PermissionError, match="tests stay on loopback"):
        socket.create_connection((TEST_NET, 80), timeout=2)


def test_loopback_is_open() -> None:
    """The guard lets loopback through."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=2).close()


def test_the_namespace_has_no_way_out() -> None:
    """Where the machine allowed a network namespace, `lo` is all there is, and no guard is needed."""
    interfaces = {name for _, name in socket.if_nameindex()}
    if os.environ.get("WATERBED_NETNS"):
        assert interfaces == {"lo"}
        bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, "-c", PLANTS["tcp"]], env=bare, capture_output=True, text=True, timeout=30, check=False
        )
        assert "Network is unreachable" in done.stderr
    else:
        assert Path(__file__).with_name("enter").exists()
        assert "lo" in interfaces
