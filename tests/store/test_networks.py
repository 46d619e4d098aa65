"""Networks reserved on one machine, by locks that the kernel drops."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waterbed.store import networks
from waterbed.store.networks import NetworkLocks

ONE, TWO = "192.0.2.0/24", "2001:db8::/48"
PLACES = {ONE: 7, TWO: 9}

CLAIMED = """
import sys
from pathlib import Path
from waterbed.store.networks import NetworkLocks
locks = NetworkLocks(Path(sys.argv[1]), lambda _: 7, 0.0, 60.0)
print(locks.claim(["192.0.2.0/24"]), flush=True)
sys.stdin.read()
"""


def locks(file: Path, pause_s: float = 0.0, patience_s: float = 60.0) -> NetworkLocks:
    return NetworkLocks(file, PLACES.__getitem__, pause_s, patience_s)


@contextmanager
def elsewhere(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has a network."""
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMED, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        try:
            assert ONE in other.stdout.readline()
            yield other
        finally:
            other.kill()


def until_had(pass_: NetworkLocks, seconds: float = 10.0) -> float:
    """Ask for a network until it is had; how long that took."""
    began = time.monotonic()
    while not pass_.claim([ONE]):
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


def test_a_network_is_one_passs_at_a_time(tmp_path: Path) -> None:
    """What one pass has no other gets, in one process too; given back, it can be had."""
    a, b = locks(tmp_path / "locks"), locks(tmp_path / "locks")
    assert a.claim([ONE, TWO]) == {ONE, TWO}
    assert b.claim([ONE, TWO]) == set()
    assert a.claim([ONE]) == {ONE}
    b.give_back([ONE])
    a.give_back([ONE])
    assert b.claim([ONE, TWO]) == {ONE}
    a.close()
    b.close()


def test_two_networks_at_one_place_are_one(tmp_path: Path) -> None:
    """Networks whose numbers meet are given back when nobody is in either."""
    a, b = (NetworkLocks(tmp_path / "locks", lambda _: 2**70 + 7, 0.0, 60.0) for _ in range(2))
    assert a.claim([ONE, TWO]) == {ONE, TWO}
    a.give_back([ONE])
    assert b.claim([ONE]) == set()
    a.give_back([TWO])
    assert b.claim([ONE]) == {ONE}


def test_a_dead_passs_network_is_left_alone_for_a_pause(tmp_path: Path) -> None:
    """It may just have been asked; after the pause it can be had, and is anybody's as before."""
    file = tmp_path / "locks"
    with elsewhere(file):
        b = locks(file, 0.3)
        assert b.claim([ONE]) == set()
    assert b.claim([ONE]) == set()
    assert until_had(b) >= 0.2
    b.give_back([ONE])
    assert locks(file, 60.0).claim([ONE]) == {ONE}


def test_a_pass_that_stands_still_keeps_nobody_waiting_for_ever(tmp_path: Path) -> None:
    """After a while one other pass at a time visits its network, also when it is gone in the meantime."""
    file = tmp_path / "locks"
    b, c = locks(file, 0.0, 0.3), locks(file, 0.0, 0.0)
    with elsewhere(file) as other:
        other.send_signal(signal.SIGSTOP)
        assert b.claim([ONE]) == set()
        assert until_had(b) >= 0.2
        assert c.claim([ONE]) == set()
    assert c.claim([ONE]) == set()
    b.give_back([ONE])
    assert c.claim([ONE]) == {ONE}
    assert b.claim([ONE]) == set()
    c.give_back([ONE])
    assert b.claim([ONE]) == {ONE}


def test_a_pass_that_gives_turns_is_not_taken_for_one_that_stands_still(tmp_path: Path) -> None:
    """Whoever has bad luck each time it asks waits on: the network was given back meanwhile."""
    a, b = locks(tmp_path / "locks"), locks(tmp_path / "locks", 0.0, 0.2)
    for _ in range(6):
        assert a.claim([ONE]) == {ONE}
        assert b.claim([ONE]) == set()
        time.sleep(0.1)
        a.give_back([ONE])


def test_a_lost_passs_networks_wait_too(tmp_path: Path) -> None:
    """A pass that gives nothing back, since it lost its leases, leaves its networks as a dead one does."""
    a, b = locks(tmp_path / "locks"), locks(tmp_path / "locks", 60.0)
    a.claim([ONE])
    a.close()
    assert b.claim([ONE, TWO]) == {TWO}


def test_the_file_names_no_network(tmp_path: Path) -> None:
    """It holds marks at keyed places, is its owner's alone, and stays small."""
    a = locks(tmp_path / "locks")
    a.claim([ONE, TWO])
    kept = (tmp_path / "locks").read_bytes()
    assert not [network for network in (ONE, TWO) if network[:6].encode() in kept]
    assert len(kept.replace(b"\0", b"")) <= 4 * networks._MARK
    a.give_back([ONE, TWO])
    assert set((tmp_path / "locks").read_bytes()) == {0}
    assert (tmp_path / "locks").stat().st_size <= 2 * networks._PLACES * networks._MARK
    assert (tmp_path / "locks").stat().st_mode & 0o077 == 0
