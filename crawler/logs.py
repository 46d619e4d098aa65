"""Log lines that name ids, never what Scrapy would print by itself."""

from typing import Any

from scrapy.logformatter import LogFormatter


class QuietLogFormatter(LogFormatter):
    """No line for each request; errors without their values."""

    def crawled(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each look."""

    def scraped(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each record."""
