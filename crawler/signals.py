"""Ends a crawl in order, or at once when repeated."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from waterbed.crawler.crew import Channel

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_channel(channel: Channel, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when whoever began this worker says so.

    So it is when that one is gone. SIGTERM stops it too; more of them change nothing.
    """
    loop = asyncio.get_running_loop()

    def heard() -> None:
        loop.remove_reader(channel)
        stop()

    loop.add_reader(channel, heard)
    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    finally:
        loop.remove_reader(channel)
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first SIGINT or SIGTERM.

    A second one ends the process by the kernel's default action: an exception at an arbitrary place could leave the
    program waiting for ever, and a killed process loses nothing that was recorded. Only the main thread receives
    signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous_handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    ending = False

    def stopped(number: int) -> None:
        nonlocal ending
        if ending:  # both came before the loop had time for the first
            signal.raise_signal(number)
        ending = True
        for signal_number in _SIGNALS:
            loop.remove_signal_handler(signal_number)
            signal.signal(signal_number, signal.SIG_DFL)
        stop()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped, number)
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
