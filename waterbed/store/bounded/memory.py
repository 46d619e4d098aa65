"""Memory bounded while a process takes in what others wrote.

Bytes and rows say little of the memory that a file will take: names, sets, overlaps and hops grow by their own laws. So
what cannot be read row by row is read under a limit of the operating system. Libraries in C++ may end the process
there instead of failing: work of theirs has a process of its own (`bounded_work`).
"""

import faulthandler
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOMEM
from pathlib import Path
from signal import SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV
from typing import TypeVar

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.bounded.limits import MIB, MOST_MIB, most_memory
from waterbed.store.forked import Died, in_own_process

Result = TypeVar("Result")
_FAULTS = (SIGSEGV, SIGBUS, SIGFPE, SIGILL)
_IN_A_STREAM = "Out of Memory Error"
"""How the SQL engine's failure begins once rows came: Arrow makes an OSError of it."""


@contextmanager
def memory_limit(most: int, held: int | None = None) -> Iterator[None]:
    """Let this process take `most` bytes beyond what it has.

    Or beyond `held`. MemoryError beyond that: data of all threads count, files mapped for reading do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = (data_bytes() if held is None else held) + most
    if arrow := sys.modules.get("pyarrow"):
        arrow.set_memory_pool(arrow.system_memory_pool())  # the others reserve a gigabyte each
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if soft == resource.RLIM_INFINITY else min(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def bounded_memory(path: Path, see: str, *, more: int = 0, held: int | None = None) -> Iterator[None]:
    """Refuse a file that takes more memory than its bound.

    Or a folder. InputError names it; `see` is the page on it, `more` are bytes that it may take beside the bound,
    `held` those that the process had before (now, if None).
    """
    most, refused = most_memory() + more, False
    try:
        with memory_limit(most, held):
            yield
    except Exception as problem:
        refused = _for_memory(problem)
        if not refused:
            raise
    if refused:  # what it held is given back by now
        raise _too_much(path, most, see)


def bounded_work(path: Path, see: str, work: Callable[[], Result]) -> Result:
    """Do work on a file in its own bounded process.

    Return its result, which is pickled. InputError as of `bounded_memory`, also if the process ends itself, or a fault
    ends it, as damaged files do to libraries in C; OwnFailure if it is killed; other exceptions are those of the work.
    """

    def bounded() -> Result:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold what the process has in memory
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)  # where a library says why it ends the process
        faulthandler.disable()
        with bounded_memory(path, see):
            return work()

    try:
        return in_own_process(bounded)
    except Died as end:
        if end.signal == SIGKILL:
            raise OwnFailure(
                f"the process that took in {path} was killed from outside (SIGKILL), perhaps for want of memory; run "
                f"the command again ({see})"
            ) from None
        if end.signal in _FAULTS:
            raise InputError(
                f"{path} is damaged: reading it ended the process that did; get it again ({see})"
            ) from None
        raise _too_much(path, most_memory(), see) from None


def _too_much(path: Path, most: int, see: str) -> InputError:
    return InputError(
        f"{path} needs more than {most // MIB} MiB of memory to be taken in; if you trust it, set {MOST_MIB} to a "
        f"larger number ({see})"
    )


def _for_memory(problem: BaseException | None) -> bool:
    """True if a lack of memory is behind a failure: libraries wrap it in errors of their own."""
    while problem is not None:
        if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryException":
            return True
        if isinstance(problem, OSError) and (problem.errno == ENOMEM or str(problem).startswith(_IN_A_STREAM)):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def data_bytes() -> int:
    """The bytes of data that this process has."""
    with Path("/proc/self/status").open() as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmData"))
