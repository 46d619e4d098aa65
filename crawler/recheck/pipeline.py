"""Opens the pass before the first request and closes it after the last."""

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawler.spiders.recheck import RecheckSpider


class PassPipeline:
    """A pass as Scrapy's item pipeline; there are no items, looks are recorded as they are done."""

    def __init__(self, crawler: "Crawler") -> None:
        """Remember the crawler; its spider holds the pass."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> Self:
        """Make one for a crawler."""
        return cls(crawler)

    @property
    def _spider(self) -> "RecheckSpider":
        return self._crawler.spider  # type: ignore[return-value]  # only this spider has this pipeline

    async def open_spider(self) -> None:
        """Open the pass before the first request."""
        await self._spider.session.open()

    def process_item(self, item: Any) -> Any:
        """Pass anything on."""
        return item

    async def close_spider(self) -> None:
        """Write what is left and end the run; if that fails, the pass does. One that never began has no end."""
        if not self._spider.session.begun:
            return
        try:
            await self._spider.session.close()
        except Exception as problem:  # Scrapy would log it and go on as if nothing were
            self._spider.session.fail("the pass's end", problem)
