"""Work on many items, shared by forked processes."""

import os
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import Thread
from typing import Any, Final, TypeVar

from waterbed.model.errors import OwnFailure

_LOOK_S: Final = 0.5
"""How often a process looks whether its parent lives."""
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
        raise OwnFailure(
            "a process that shares the work died, perhaps for want of memory: set processes = 1 in waterbed.toml "
            "(docs/operations.md, Settings)"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
        _work.pop()


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
