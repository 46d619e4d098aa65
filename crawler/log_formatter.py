"""What Scrapy itself may log of requests: nothing of each look, errors without their values."""

from typing import Any

from scrapy.logformatter import LogFormatter


class QuietLogFormatter(LogFormatter):
    """No line for each request; errors without their values."""

    def crawled(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each look."""

    def scraped(self, *_: Any, **__: Any) -> None:  # type: ignore[override]  # None leaves the line out
        """No line for each record."""
