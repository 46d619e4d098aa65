"""Log lines of passes and of the service: as text or as JSON, one line each, and never an address."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

from structlog.processors import JSONRenderer, LogfmtRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.types import Processor

from crawler.logs import redact_failures
from waterbed.model.redaction import redact

_OURS = frozenset(("timestamp", "level", "logger"))
_FIRST = ("timestamp", "level", "logger", "event")
_Line = MutableMapping[str, Any]


class LogLines(logging.StreamHandler[TextIO]):
    """The one handler of this process that writes its log; each record is one line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """Tell where a line came from that cannot be written; logging's own words would show its values."""
        if sys.stderr is not None:
            sys.stderr.write(f"a log line of {record.module}:{record.lineno} cannot be written\n")


def speak(form: Literal["text", "json"], *, verbose: bool = False, out: TextIO | None = None) -> LogLines:
    """From now on all loggers write lines of this form to `out`, standard error by default.

    What a record's `extra` holds becomes fields of its line. Texts are redacted once more, field by field.
    """
    redact_failures()
    handler = LogLines(out or sys.stderr)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=_fields(), processors=[_only, *_written(form)]))
    root = logging.getLogger()
    for other in list(root.handlers):
        if type(other) in (logging.StreamHandler, LogLines):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.getLogger("waterbed.service").setLevel(logging.DEBUG if verbose else logging.INFO)
    return handler


def _fields() -> list[Processor]:
    return [add_log_level, add_logger_name, TimeStamper(fmt="iso", utc=True), ExtraAdder()]


def _written(form: str) -> list[Processor]:
    if form == "json":
        return [JSONRenderer()]
    return [LogfmtRenderer(key_order=_FIRST, drop_missing=True)]


def _only(_: Any, __: str, line: _Line) -> _Line:
    """What is ours to tell: plain values, and texts without addresses."""
    return {name: _said(name, value) for name, value in line.items() if not name.startswith("_")}


def _said(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or name in _OURS:
        return value
    return round(value, 3) if isinstance(value, float) else redact(str(value))
