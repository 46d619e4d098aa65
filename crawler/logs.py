"""Log lines that name ids, never what Scrapy would print by itself."""

import logging
from pathlib import Path
from typing import Any

from scrapy.logformatter import LogFormatter

_REDACTED = frozenset({"asyncio", "recheck", "scrapy", "twisted"})
"""Loggers, with all below them, that write of failures they did not expect."""


class QuietLogFormatter(LogFormatter):
    """No line for each request; errors without their values."""

    def crawled(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each look."""

    def scraped(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each record."""


def place_of(problem: BaseException | None) -> str:
    """The class of a failure and where it arose; never its message, which could hold a URL."""
    if problem is None:
        return "a failure without a cause"
    where = problem.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    at = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else "?"
    return f"{type(problem).__name__} at {at}"


def redact_failures() -> None:
    """From now on failures in the logs of Scrapy and asyncio tell their class and place alone.

    A failure's message and traceback could hold a URL, and Scrapy writes both, in some places into the text itself.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.exc_info and record.exc_info[1] and record.name.partition(".")[0] in _REDACTED:
            record.msg = f"failure told by {record.module}:{record.lineno}: {place_of(record.exc_info[1])}"
            record.args, record.exc_info, record.exc_text = (), None, None
        return record

    redacting.redacts = True  # type: ignore[attr-defined]  # a mark, so that it is installed once
    logging.setLogRecordFactory(redacting)
