"""Opens and closes the pass as Scrapy's item pipeline."""

from typing import TYPE_CHECKING, Any, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import signals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from waterbed.crawler.spiders.recheck import RecheckSpider


class PassPipeline:
    """A pass as Scrapy's item pipeline.

    It leaves items as they are: checks are recorded before their items come.
    """

    def __init__(self, crawler: "Crawler") -> None:
        """Remember the crawler; its spider holds the pass."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make one for a crawler."""
        return cls(crawler)

    @property
    def _spider(self) -> "RecheckSpider":
        return self._crawler.spider  # type: ignore[return-value]  # the registry's has a session, too

    async def open_spider(self) -> None:
        """Open the pass before the first request."""
        try:
            await self._spider.session.open()
        except BaseException:
            # Scrapy would tell the end of a spider whose opening it told nobody, at which its own statistics fail
            for receiver in list(liveReceivers(getAllReceivers(self._crawler, signals.spider_closed))):
                self._crawler.signals.disconnect(receiver, signals.spider_closed)
            raise

    def process_item(self, item: Any) -> Any:
        """Pass anything on."""
        return item

    async def close_spider(self) -> None:
        """Write the rest and end the run.

        A failure fails the pass.
        A pass that never began is not closed.
        """
        if not self._spider.session.begun:
            return
        try:
            await self._spider.session.close()
        except Exception as problem:  # Scrapy would log it and go on
            self._spider.session.fail("the pass's end", problem)
