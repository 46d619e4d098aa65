"""Places that cannot be written to, for root too, and disks that are full: the command line beside them."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OVERRIDES = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: by these root writes where nobody may (linux/capability.h)."""
_DROP = 24
"""PR_CAPBSET_DROP (linux/prctl.h)."""


def bound_by_modes() -> None:
    """In a child before its program begins: give up root's right to write anywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in _OVERRIDES if os.geteuid() == 0 else ():
        if libc.prctl(_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "a capability cannot be dropped")


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line, bound by the modes of files as any user is."""
    line = [sys.executable, "-m", "waterbed.cli", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False, preexec_fn=bound_by_modes)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing below a folder can be written meanwhile."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
