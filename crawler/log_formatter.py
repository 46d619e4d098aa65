"""Keeps Scrapy from logging requests and the values of errors."""

from typing import Any

from scrapy.logformatter import LogFormatter


class QuietLogFormatter(LogFormatter):
    """No line for each request; errors without their values."""

    def crawled(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each look."""

    def scraped(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each record."""
