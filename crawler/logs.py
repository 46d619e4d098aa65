"""Redacts logs: ids and code places, never messages of errors."""

import logging
import resource
import sys
import threading
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from waterbed.model.errors import WaterbedError
from waterbed.model.redaction import redact

_DEEP = 6
"""Frames that are shown of a failure."""


class QuietFormatter(logging.Formatter):
    """Redacts whole lines: URLs, host names, messages of errors, stacks."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the redacted line."""
        record.exc_text = None  # another formatter may have kept a traceback here
        return redact(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name is logging's)
        """Return the class and code places of a failure."""
        return place_of(ei[1])

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 (the name is logging's)
        """Return no stack: its source lines may hold values."""
        return ""


def place_of(problem: BaseException | None) -> str:
    """Return the class and code places of a failure.

    The innermost frame comes first. The message is left out: it could hold a URL.
    """
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
    """Redact every log record of every logger from now on.

    Messages of errors, stacks, URLs and host names are removed. The record itself is changed, before any filter,
    handler or formatter sees it.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.name is None:
            return record  # an empty one, as `makeLogRecord` begins; what it copies was redacted when it was made
        text = _message(record)
        record.msg, record.args = redact(text), ()
        record.exc_info = record.exc_text = record.stack_info = None
        return record

    redacting.redacts = True  # type: ignore[attr-defined]  # a mark, so that it is installed once
    logging.setLogRecordFactory(redacting)


def _message(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1]:
        problem = record.exc_info[1]
        detail = (
            f": {problem}" if isinstance(problem, WaterbedError) else ""
        )  # a sentence of ours; redacted all the same
        return f"failure told by {record.module}:{record.lineno}: {place_of(problem)}{detail}"
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
    """Show uncaught failures by class and place alone.

    This holds for every thread; warnings are redacted. asyncio reports failures through its logger, see
    `redact_failures`.
    """
    sys.excepthook = lambda _, problem, __: _report_crash("failed", problem)
    threading.excepthook = lambda hook_args: _report_crash("a thread failed", hook_args.exc_value)
    sys.unraisablehook = lambda hook_args: _report_crash("failed where nobody could be told", hook_args.exc_value)
    warnings.showwarning = _warn


def _report_crash(event: str, problem: BaseException | None) -> None:
    if not isinstance(problem, SystemExit) and sys.stderr is not None:
        sys.stderr.write(f"waterbed {event}: {place_of(problem)}\n")


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


def guard_process() -> None:
    """Disable core dumps, and redact crashes and logs.

    Neither may hold a URL or host name.
    """
    no_core_dumps()
    quiet_crashes()
    redact_failures()


def no_core_dumps() -> None:
    """Forbid core dumps of this process and its children.

    Memory holds URLs and keys. A program that takes core dumps by a pipe sees the limit and decides itself; systemd's
    and Ubuntu's keep to it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
