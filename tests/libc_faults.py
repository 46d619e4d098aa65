"""Strikes at the C library: at all calls that change files, those of SQLite and Parquet too.

A small library in C takes the place of these calls (`libc_faults.c`). It must be there when a process starts, and does
nothing until a child of `tests.faults.struck` calls it, so one interpreter serves a whole campaign.

    if started_anew():  # this process, with the library in front of the C library; False without a compiler
        struck(work, below, by=c_library)
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.faults import Strike

NO_COMPILER: Final = (
    "no C compiler (cc, or $CC) is here: SQLite's own writes, its journal's and Parquet's are not struck"
)
_SOURCE: Final = Path(__file__).with_suffix(".c")
_LIBRARY: Final = "WATERBED_LIBC_FAULTS"
_PRELOAD: Final = "LD_PRELOAD"


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which(os.environ.get("CC", "cc"))


def started_anew() -> bool:
    """Start this program anew with the library, unless it was; False if there is no compiler to make it."""
    if os.environ.get(_LIBRARY):
        os.environ.pop(_PRELOAD, None)  # not for programs that this one starts
        return True
    found = compiler()
    if not found:
        return False
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libc_faults.so"
        subprocess.run([found, "-O2", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True, timeout=120)
        start = {**os.environ, _LIBRARY: str(library), _PRELOAD: str(library)}
        sys.exit(subprocess.run([sys.executable, *sys.orig_argv[1:]], env=start, check=False).returncode)


def c_library(below: list[Path], strike: Strike | None, told: int) -> None:
    """The layer of the C library, for `tests.faults.struck`; its calls have no lines of ours."""
    paths = {str(path) for one in below for path in (one.absolute(), one.resolve())}
    at = (strike.number, strike.errno or 0, strike.lasting) if strike else (0, 0, False)
    ctypes.CDLL(os.environ[_LIBRARY]).strikes_begin("\n".join(paths).encode(), told, *at)
