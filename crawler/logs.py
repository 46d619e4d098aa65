"""What may be said of failures and in logs: ids and places, never what an error or a library says."""

import logging
import resource
import sys
import threading
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from waterbed.model.redaction import redact

_DEEP = 6
"""Frames that are told of a failure."""


class QuietFormatter(logging.Formatter):
    """A last net over whole lines: no URL, no host name, no error's text, no stack's source."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, redacted; the record's name is ours or a library's."""
        record.exc_text = None  # another formatter may have kept a traceback here
        return redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name is logging's)
        """The class of a failure and the places it went through."""
        return place_of(ei[1])

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (the name is logging's)
        """Nothing: a stack shows lines of source, which may hold values."""
        return ""


def place_of(problem: BaseException | None) -> str:
    """The class of a failure and where it arose, innermost frame first; never its message, which could hold a URL."""
    if problem is None:
        return "a failure without a cause"
    return f"{type(problem).__name__} at {_frames(problem.__traceback__)}"


def _frames(trace: TracebackType | None) -> str:
    """File and line of the innermost frames; without `.py`, which looks like a host of Paraguay."""
    places: list[str] = []
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-_DEEP:])) or "?"


def redact_failures() -> None:
    """From now on no log record of any logger holds an error's text, a stack, a URL or a host name.

    The record itself is changed, before any filter, handler or formatter sees it.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.name is None:
            return record  # an empty one, as `makeLogRecord` begins; what it copies was redacted when it was made
        text = _said(record)
        record.msg, record.args = redact(text), ()
        record.exc_info = record.exc_text = record.stack_info = None
        return record

    redacting.redacts = True  # type: ignore[attr-defined]  # a mark, so that it is installed once
    logging.setLogRecordFactory(redacting)


def _said(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1]:
        return f"failure told by {record.module}:{record.lineno}: {place_of(record.exc_info[1])}"
    if record.name.partition(".")[0] == "asyncio":
        return str(record.msg).partition("\n")[0]  # its values are tasks and handles, which show what they work on
    args = record.args
    if isinstance(args, dict):
        record.args = {name: _value(value) for name, value in args.items()}
    elif args:
        record.args = tuple(_value(value) for value in args)
    try:
        return record.getMessage()
    except Exception as problem:  # a wrong format string must not end in logging's own print of it
        return f"unprintable message of {record.module}:{record.lineno}: {type(problem).__name__}"


def _value(value: Any) -> Any:
    return place_of(value) if isinstance(value, BaseException) else value


def quiet_crashes() -> None:
    """From now on what nobody caught tells its class and place alone, in every thread; warnings are redacted.

    asyncio tells of forgotten failures through its logger, see `redact_failures`.
    """
    sys.excepthook = lambda _, problem, __: _tell("failed", problem)
    threading.excepthook = lambda told: _tell("a thread failed", told.exc_value)
    sys.unraisablehook = lambda told: _tell("failed where nobody could be told", told.exc_value)
    warnings.showwarning = _warn


def _tell(what: str, problem: BaseException | None) -> None:
    if not isinstance(problem, SystemExit) and sys.stderr is not None:
        sys.stderr.write(f"waterbed {what}: {place_of(problem)}\n")


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    out = file or sys.stderr
    if out is not None:
        out.write(f"{category.__name__} at {Path(filename).stem}:{lineno}: {redact(str(message))}\n")


def no_core_dumps() -> None:
    """A crash of this process and its children leaves no image of its memory, which holds URLs and keys.

    A program that takes core dumps by a pipe sees the limit and decides itself; systemd's and Ubuntu's keep to it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
