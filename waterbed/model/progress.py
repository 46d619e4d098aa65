"""Stages of long work, told here and shown elsewhere.

Any room tells, the command line listens. Without a listener a stage costs microseconds.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import TypeVar

_Item = TypeVar("_Item")


class Stage:
    """Work in progress: its name, units done, and total.

    Call it to advance, from any thread; `done` and `total` may be set too.
    """

    __slots__ = ("_lock", "done", "name", "total")

    def __init__(self, name: str, total: int | None) -> None:
        """Take a name and the total, None if unknown.

        The name is a word of the program, never one of the data.
        """
        self.name, self.total, self.done = name, total, 0
        self._lock = Lock()

    def __call__(self, units: int = 1) -> None:
        """Advance by some units."""
        with self._lock:
            self.done += units


Listener = Callable[[Stage], AbstractContextManager[object]]
"""Entered when a stage begins, left when it ends; between, it may read the stage whenever it likes."""
_heard: list[Listener] = []


def listen(listener: Listener | None) -> None:
    """Let one listener hear of this process's stages.

    None: nobody. A forked process has no listener.
    """
    _heard[:] = [listener] if listener else []


os.register_at_fork(after_in_child=_heard.clear)


@contextmanager
def stage(name: str, total: int | None = None) -> Iterator[Stage]:
    """A stage of work, to the end of the block.

    `with stage("looks", total) as advance: advance(n)`. Stages nest.
    """
    made = Stage(name, total)
    with _heard[0](made) if _heard else nullcontext():
        yield made


def staged(name: str, items: Iterable[_Item], total: int | None = None) -> Iterator[_Item]:
    """Yield items as the units of a stage.

    Each is done when the next one is asked for.
    """
    known = len(items) if total is None and isinstance(items, Sized) else total
    with stage(name, known) as advance:
        for item in items:
            yield item
            advance()
