"""Runs the registry spider in this process."""

import logging
import random

import uvloop

from waterbed.crawler.addon import new_crawler
from waterbed.crawler.registry.clock import Clock
from waterbed.crawler.registry.registry_report import CrawlReport
from waterbed.crawler.registry.session import RegistrySession
from waterbed.crawler.signals import stopped_by_signals
from waterbed.crawler.spiders.registry import RegistrySpider
from waterbed.model.errors import OwnFailure
from waterbed.model.progress import stage
from waterbed.store.folder import Folder


def run_enrich(folder: Folder, *, limit: int | None = None) -> CrawlReport:
    """Run `enrich` in an event loop of its own."""
    return uvloop.run(enrich(folder, limit=limit))


async def enrich(
    folder: Folder,
    *,
    limit: int | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> CrawlReport:
    """Query registries for all without a fresh registration.

    OwnFailure for a failure of our own. A lab study has virtual time, in which waiting takes no real time, unless
    another `clock` is given.
    """
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    logging.getLogger("scrapy.core.downloader").setLevel(logging.ERROR)  # an answer that is too large is a value here
    with stage("look-ups at registries") as advance:

        def tell(done: int, total: int) -> None:
            advance.done, advance.total = done, total

        session = RegistrySession(folder, limit=limit, progress=tell, clock=clock, rng=rng)
        crawler = new_crawler(RegistrySpider)
        with stopped_by_signals(session.stop):
            await crawler.crawl_async(session=session)
    if session.failures or not session.begun:
        raise OwnFailure(
            f"{session.failures} answers of registries could not be processed or recorded by our own fault; "
            "see the log above, and start again: recorded answers are not queried again"
        )
    return session.report()
