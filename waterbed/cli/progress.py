"""Shows a command's stages: bars, or a line a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from waterbed.model.progress import Stage, listen
from waterbed.shown.output import err

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_PATIENCE_S = 2.0
"""Work that is shorter shows nothing; so does a stage within another."""
_LINE_S = 60.0
"""Between two lines, where there is no terminal."""
_TICK_S = 0.2
_HALF_H = 5_400.0


class Shown:
    """Shows open stages on standard error.

    On a terminal a bar for each that lasts, and nothing remains of it; else a line a minute. Its thread begins with the
    first stage, and nothing is loaded before there is something to show.
    """

    def __init__(self, console: Console = err, clock: Callable[[], float] = monotonic, *, alone: bool = True) -> None:
        """Take a console and a clock, seconds.

        Not `alone`: no thread, the caller calls `tick`.
        """
        self._console, self._clock = console, clock
        self._terminal = console.is_terminal and console.file.isatty() and not console.is_dumb_terminal
        self._open: dict[Stage, float] = {}
        """Stages by when they began, outer ones first."""
        self._since = self._idle = self._line = float("-inf")
        self._bar: Progress | None = None
        self._tasks: dict[Stage, Any] = {}
        self._lock, self._over = RLock(), Event()
        self._thread = Thread(target=self._watch, name="progress", daemon=True) if alone else None

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """Show a stage while the block goes on."""
        self._begin(stage)
        try:
            yield
        finally:
            self._end(stage)

    def close(self) -> None:
        """Show nothing any more."""
        self._over.set()
        with self._lock:
            self._open.clear()
            self._clear()

    def tick(self) -> None:
        """Show how far open stages are, when it is time."""
        with self._lock:
            now = self._clock()
            if not self._open or self._over.is_set() or now - self._since < _PATIENCE_S:
                return
            if self._terminal:
                self._draw(self._lasting(now), now)
            elif now >= self._line:
                self._line = now + _LINE_S
                lines = (f"{stage.name}: {figures(stage, now - began)}" for stage, began in self._lasting(now).items())
                self._console.print("; ".join(lines), soft_wrap=True)

    def _begin(self, stage: Stage) -> None:
        with self._lock:
            now = self._clock()
            if not self._open and now - self._idle > _PATIENCE_S:  # not the next stage of the same work
                self._since, self._line = now, now + _LINE_S
            self._open[stage] = now
            if self._thread and self._thread.ident is None:
                with suppress(RuntimeError):  # memory is bounded: nothing is shown
                    self._thread.start()

    def _end(self, stage: Stage) -> None:
        with self._lock:
            self._open.pop(stage, None)
            if not self._open:
                self._idle = self._clock()
                self._clear()

    def _watch(self) -> None:
        with suppress(OSError, ValueError, MemoryError):  # nobody reads any more, or memory is bounded: work goes on
            while not self._over.wait(_TICK_S):
                self.tick()

    def _lasting(self, now: float) -> dict[Stage, float]:
        outer = next(iter(self._open))
        return {stage: began for stage, began in self._open.items() if stage is outer or now - began >= _PATIENCE_S}

    def _draw(self, stages: dict[Stage, float], now: float) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 (a quick command has no use for it)

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}"))
            # what is printed to standard output meanwhile stays there
            self._bar = Progress(
                *columns, console=self._console, transient=True, auto_refresh=False, redirect_stdout=False,
                redirect_stderr=False,
            )  # fmt: skip
            self._bar.start()
            self._console.show_cursor()  # a kill would leave it hidden
        for ended_stage in self._tasks.keys() - stages:
            self._bar.remove_task(self._tasks.pop(ended_stage))
        for stage, began in stages.items():
            if stage not in self._tasks:
                self._tasks[stage] = self._bar.add_task(stage.name, total=None, figures="")
            self._bar.update(
                self._tasks[stage], completed=stage.done, total=stage.total, figures=figures(stage, now - began)
            )
        self._bar.refresh()

    def _clear(self) -> None:
        bar, self._bar = self._bar, None
        self._tasks.clear()
        if bar:
            with suppress(OSError, ValueError):  # the terminal is gone
                bar.stop()


def show() -> Callable[[], None]:
    """Show the stages of this process; return what ends it."""
    printer = Shown()
    listen(printer)

    def end() -> None:
        listen(None)
        printer.close()

    return end


def figures(stage: Stage, seconds: float) -> str:
    """Progress after some seconds, its rate and the time left."""
    done, total = stage.done, stage.total
    if not done:
        return f"0 of {total:,}, {_span(seconds)} so far" if total else f"{_span(seconds)} so far"
    rate = done / seconds if seconds > 0 else 0.0
    parts = [f"{done:,} of {total:,}" if total else f"{done:,} done", _rate(rate)]
    if total and done < total and rate:
        parts.append(f"about {_span((total - done) / rate)} left")
    return ", ".join(parts)


def _rate(rate: float) -> str:
    if rate >= 1 or not rate:
        return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    return f"{rate * 60:.1f}/min" if rate * 60 >= 1 else f"{rate * 3600:.1f}/h"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _HALF_H else f"{seconds / 3600:.1f} h"
