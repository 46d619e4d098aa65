"""Ends a crawl in order at the first signal."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """While a crawl runs, the first SIGINT or SIGTERM ends it in order; a second one acts as usual."""
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        stop()

    in_main = threading.current_thread() is threading.main_thread()
    for number in _SIGNALS if in_main else ():
        loop.add_signal_handler(number, stopped)
    try:
        yield
    finally:
        for number in _SIGNALS if in_main else ():
            loop.remove_signal_handler(number)
