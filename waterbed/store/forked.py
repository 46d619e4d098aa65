"""Work done by forked processes: many items, or one task."""

import os
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Final, TypeVar

from waterbed.model.errors import OwnFailure

_LOOK_S: Final = 0.5
"""How often a process looks whether its parent lives."""
_DIED: Final = (
    "a process that shares the work died, perhaps for want of memory: set processes = 1 in waterbed.toml "
    "(docs/operations.md, Settings)"
)
Item = TypeVar("Item")
Result = TypeVar("Result")
_work: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []
"""What forked processes do, and on what: they find it in memory."""


def in_processes(work: Callable[[Item], Result], items: Sequence[Item], processes: int) -> Iterator[Result]:
    """The results of work on each item, in order.

    By at most so many processes, forked from this one: `work` sees what this process has in memory, and must not use
    its database. Results are pickled, and only some wait. OwnFailure if a process dies.
    """
    if processes <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    _work.append((work, items))
    pool = ProcessPoolExecutor(
        min(processes, len(items)), mp_context=get_context("fork"), initializer=_begin, initargs=(os.getpid(),)
    )
    try:
        waiting: deque[Future[Result]] = deque()
        with warnings.catch_warnings():  # other threads are those of libraries, which forks leave behind
            warnings.simplefilter("ignore", DeprecationWarning)
            for place in range(len(items)):
                waiting.append(pool.submit(_done, place))
                if len(waiting) > processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool:
        raise OwnFailure(_DIED) from None
    finally:
        pool.shutdown(cancel_futures=True)
        _work.pop()


class Died(Exception):
    """A process died before it had a result.

    `signal` is the number of the one that ended it, 0 if none did.
    """

    def __init__(self, signal: int) -> None:
        """Take the number."""
        super().__init__(signal)
        self.signal = signal


def in_own_process(work: Callable[[], Result]) -> Result:
    """Do work in a forked process; return its result.

    `work` sees what this process has in memory, and must not use its database; its result and exceptions are pickled.
    Died if the process ends before them. It never outlives this one, nor an interruption of it.
    """
    with _begun(work) as result:
        return result()


@contextmanager
def beside(work: Callable[[], Result], *, forked: bool) -> Iterator[Callable[[], Result]]:
    """Do work in a forked process, beside the block.

    Yields the function that waits for its result. Where it is not `forked`, the work is done when that is called first.
    Otherwise as `in_own_process`, with OwnFailure if the process ends.
    """
    if not forked:
        yield cache(work)
        return
    with _begun(work) as result:
        held: list[Future[Result]] = []

        def once() -> Result:
            """The result or the failure, which comes once."""
            if not held:
                held.append(Future())
                try:
                    held[0].set_result(result())
                except Died:
                    held[0].set_exception(OwnFailure(_DIED))
                except Exception as failure:
                    held[0].set_exception(failure)
            return held[0].result()

        yield once


@contextmanager
def _begun(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """A forked process that works until the end of the block, and what waits for its result."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_alone, args=(work, theirs, os.getpid()))
    with warnings.catch_warnings():  # other threads are those of libraries, which forks leave behind
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()

    def result() -> Result:
        try:
            well, found = ours.recv()
        except EOFError:
            process.join()
            raise Died(max(0, -(process.exitcode or 0))) from None
        if well:
            return found  # type: ignore[no-any-return]  # what `_alone` sent
        failure: BaseException = found
        raise failure

    try:
        yield result
    finally:
        ours.close()
        process.kill()
        process.join()


def _alone(work: Callable[[], Result], answer: Connection, parent: int) -> None:
    _begin(parent)
    try:
        told: tuple[bool, object] = (True, work())
    except Exception as problem:
        told = (False, problem)
    answer.send(told)


def _begin(parent: int) -> None:
    """Ctrl-C is the parent's to hear, and nobody outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_outlived, args=(parent,), daemon=True).start()


def _outlived(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


def _done(place: int) -> Any:
    work, items = _work[-1]
    return work(items[place])
