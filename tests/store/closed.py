"""Places that cannot be written to, for root too, and disks that are full: the command line beside them."""

import ctypes
import io
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# what commands load when they are called: loaded here once, not in each child
from waterbed.cli.main import main

_OVERRIDES = 1 << 1 | 1 << 2 | 1 << 3
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: by these root writes where nobody may (linux/capability.h)."""
_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3 (linux/capability.h)."""


def bound_by_modes() -> None:
    """In a child: give up root's right to write anywhere."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    for number in (0, 1):  # effective and permitted
        sets[number] &= ~_OVERRIDES
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")


def apart(act: Callable[[], object], *, largest: int = resource.RLIM_INFINITY) -> subprocess.CompletedProcess[str]:
    """Do it in a child that is bound by the modes of files as any user is, and whose files may not grow beyond a size.

    A fork of this process: it has loaded already what a new one would load first.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            code = 70
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(number, "w", closefd=False)) for number in (1, 2))
                bound_by_modes()
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
                act()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess([], code, *said)


def command(*words: object, largest: int = resource.RLIM_INFINITY) -> subprocess.CompletedProcess[str]:
    """The command line, bound by the modes of files as any user is."""

    def called() -> None:
        sys.argv = ["waterbed", *map(str, words)]
        main()

    return apart(called, largest=largest)


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
