"""The measuring itself: what copies.py tells of the processes it starts."""

import json
import subprocess
import sys
from pathlib import Path

COPIES = Path(__file__).parents[1] / "benchmarks" / "copies.py"


def _copies(count: int, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", COPIES, str(count), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_peak_is_that_of_the_process_itself() -> None:
    """A small process is not told the memory of the large one that measures it."""
    ballast = b"x" * (256 << 20)
    done = _copies(1, "print('{}')")
    assert len(ballast) == 256 << 20
    assert json.loads(done.stdout.splitlines()[-1])["peaks_mib"][0] < 128


def test_each_copy_speaks_and_the_last_line_is_the_measure() -> None:
    """Two copies print a line each; then comes what both used."""
    done = _copies(2, "print('{\"answered\": 1}')")
    *said, used = map(json.loads, done.stdout.splitlines())
    assert said == [{"answered": 1}] * 2
    assert set(used) == {"wall_s", "cpu_s", "peaks_mib"}
    assert len(used["peaks_mib"]) == 2


def test_a_broken_copy_breaks_the_measure() -> None:
    """If one process fails, nothing is told as measured."""
    done = _copies(2, "raise SystemExit(3)")
    assert done.returncode
    assert not done.stdout
