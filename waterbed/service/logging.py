"""Log lines as text or JSON, without any address."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

from structlog.processors import JSONRenderer, LogfmtRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.types import Processor

from waterbed.crawler.logs import redact_failures
from waterbed.model.redaction import redact

_OURS = frozenset(("timestamp", "level", "logger"))
_FIRST = ("timestamp", "level", "logger", "event")
_DROPPED = "color_message"
"""The event once more, as uvicorn writes it on a terminal."""
_Line = MutableMapping[str, Any]


class LogLines(logging.StreamHandler[TextIO]):
    """Writes the log of this process, a line a record."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """Name the place of a record that cannot be written.

        The default message would show its values.
        """
        if sys.stderr is not None:
            sys.stderr.write(f"a log line of {record.module}:{record.lineno} cannot be written\n")


def configure_logging(form: Literal["text", "json"], *, verbose: bool = False, out: TextIO | None = None) -> LogLines:
    """Let all loggers write lines of this form to `out`.

    `out` is standard error by default. A record's `extra` becomes fields of its line. Texts are redacted once more,
    field by field.
    """
    redact_failures()
    handler = LogLines(out or sys.stderr)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=_fields(), processors=[_redacted, *_renderers(form)]))
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


def _renderers(form: str) -> list[Processor]:
    if form == "json":
        return [JSONRenderer()]
    return [_known, LogfmtRenderer(key_order=_FIRST, drop_missing=True)]


def _known(_: Any, __: str, line: _Line) -> _Line:
    """Leave out fields without a value."""
    return {name: value for name, value in line.items() if value is not None and value != ""}


def _redacted(_: Any, __: str, line: _Line) -> _Line:
    """Keep plain values, and texts without addresses."""
    return {name: _value(name, value) for name, value in line.items() if name[:1] != "_" and name != _DROPPED}


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or name in _OURS:
        return value
    return round(value, 3) if isinstance(value, float) else redact(str(value))
