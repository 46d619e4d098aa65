"""Forked processes share work, and none is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.forked import beside, in_processes


def test_results_come_in_order() -> None:
    """Whichever process makes which."""
    assert list(in_processes(lambda place: place * 2, range(50), 3)) == [place * 2 for place in range(50)]


def test_a_process_that_dies_is_told() -> None:
    """One sentence, and no wait without end; a failure of the work is that failure."""
    with pytest.raises(OwnFailure, match="processes = 1"):
        list(in_processes(lambda place: os._exit(9) if place == 2 else place, range(5), 2))
    with pytest.raises(InputError, match="this one"):
        list(in_processes(_fails, range(5), 2))


def _fails(_: int) -> int:
    raise InputError("this one")


def test_work_beside_gives_its_result_or_failure() -> None:
    """Once it is asked for, from another process or from this one."""
    with beside(os.getpid, forked=True) as other, beside(os.getpid, forked=False) as here:
        assert other() == other() != os.getpid()
        assert here() == os.getpid()
    with pytest.raises(InputError, match="this one"), beside(lambda: _fails(0), forked=True) as failing:
        failing()
    with pytest.raises(OwnFailure, match="processes = 1"), beside(lambda: os._exit(9), forked=True) as dying:
        dying()


def test_work_beside_ends_with_its_block() -> None:
    """Nobody waits for a result that is not asked for, nor is a process left."""
    before, began = _children(), time.monotonic()
    with beside(lambda: time.sleep(60), forked=True):
        begun = _children() - before
    assert time.monotonic() - began < 50
    assert len(begun) == 1
    assert not any(map(_lives, begun))


def _children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


PARENT = """
import os, sys, time
from waterbed.store.forked import in_processes

def work(place):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)

list(in_processes(work, range(2), 2))
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_none_outlives_its_parent(sign: signal.Signals) -> None:
    """Killed, or ended by Ctrl-C, which a terminal sends to all; the children say nothing."""
    began = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert began.stdout
    children = [int(began.stdout.readline()) for _ in range(2)]
    if sign is signal.SIGINT:
        os.killpg(began.pid, sign)
        time.sleep(0.2)
        assert all(_lives(child) for child in children)
    began.kill()
    _, told = began.communicate()
    for _ in range(100):
        if not any(_lives(child) for child in children):
            break
        time.sleep(0.1)
    assert not any(_lives(child) for child in children)
    assert "ForkProcess" not in told


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
