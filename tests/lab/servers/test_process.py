"""The child process that plays a scene."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import dns.rcode
import pytest

from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.world.records import Truth
from waterbed.model.errors import OwnFailure

_ORPHAN = """
import sys, time
from datetime import UTC, datetime
from waterbed.lab.world.replay import replay
from waterbed.lab.servers.process import LabServers

if __name__ == "__main__":
    servers = LabServers(replay([]), datetime(2025, 4, 1, tzinfo=UTC)).__enter__()
    print(servers.child_pid, flush=True)
    time.sleep(60)
"""


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_the_map_covers_every_prefix(servers: LabServers, truth: Truth) -> None:
    """Each prefix of the world and of the canary has a loopback listener on both ports."""
    assert servers.resolver.startswith("127.0.0.1:")
    entries = {(entry.prefix, entry.port): entry.listener for entry in servers.connect_to}
    for hoster in truth.world.hoster:
        for prefix in (*hoster.v4, *hoster.v6):
            assert {entries[prefix, 80], entries[prefix, 443]} <= set(entries.values())
    assert all(listener.startswith("127.0.0.1:") for listener in entries.values())
    for addresses in (("33.255.255.1",), ("2d00:ffff::2",)):
        assert any(ip_address(a) in ip_network(prefix) for a in addresses for prefix, _ in entries)


def test_time_moves_the_world(client, servers: LabServers, truth: Truth) -> None:
    """After set_time the answers are of that instant, back and forth."""
    host, timeline = next((h, t) for h, t in truth.hosts.items() if t.starts[0] > truth.world.start + timedelta(days=1))
    for _ in range(2):
        servers.set_time(timeline.starts[0] - timedelta(seconds=1))
        assert client.resolve(host).rcode() == dns.rcode.NXDOMAIN
        servers.set_time(timeline.starts[0])
        assert client.resolve(host).rcode() == dns.rcode.NOERROR


def test_stopping_ends_the_child(scene: WorldScene, truth: Truth) -> None:
    """Stop ends the child, may be called twice, and what is asked afterwards is our failure."""
    with LabServers(scene, truth.world.start) as servers:
        pid = servers.child_pid
        assert pid is not None
        servers.stop()
        servers.stop()
        assert _gone(pid)
        with pytest.raises(OwnFailure, match="not running"):
            servers.counts()


def test_a_dead_child_is_our_failure(scene: WorldScene, truth: Truth) -> None:
    """A child that was killed is reported as our failure at the next question."""
    with LabServers(scene, truth.world.start) as servers:
        assert servers.child_pid is not None
        os.kill(servers.child_pid, signal.SIGKILL)
        with pytest.raises(OwnFailure, match="died"):
            servers.counts()


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """When the parent is killed outright, the child ends by itself."""
    script = tmp_path / "orphan.py"
    script.write_text(_ORPHAN)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not _gone(child)
        parent.kill()
    deadline = time.monotonic() + 60
    while not _gone(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _gone(child)
