"""Bounds Python's search for garbage in cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector to the end of the block.

    Facts and conclusions form no cycles, and with millions of them each search takes seconds.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def all_loaded() -> None:
    """Leave what is in memory out of all later searches.

    For a process that is ours alone, before its work begins: what it loaded is never garbage.
    """
    gc.freeze()
    gc.collect(0)
