"""Forked processes share work, and none is left."""

import os
import signal
import subprocess
import sys
import time

import pytest

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.forked import in_processes


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
