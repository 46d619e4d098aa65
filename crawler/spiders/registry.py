"""Queries registries for registrations: `scrapy crawl registry -a study=DIR`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from waterbed.crawler.logs import guard_process
from waterbed.crawler.registry.handler import REGISTRY_SCHEME
from waterbed.model.errors import InputError
from waterbed.model.shell import installs
from waterbed.store.folder import open_folder

if TYPE_CHECKING:
    from waterbed.crawler.registry.session import RegistrySession


class RegistrySpider(Spider):
    """One crawl over all networks and ASes without fresh registration."""

    name = "registry"

    def __init__(
        self,
        study: str | None = None,
        session: "RegistrySession | None" = None,
        limit: str | int | None = None,
        **kwargs: Any,
    ) -> None:
        """Take a study by path, or a session with one.

        By path the process is Scrapy's: nobody else has guarded it.
        `limit` is the greatest number of networks.
        """
        super().__init__(**kwargs)
        if session is None:
            guard_process()
            try:
                from waterbed.crawler.registry.session import RegistrySession  # noqa: PLC0415 (Scrapy loads each spider always)
            except ModuleNotFoundError as problem:
                library = (problem.name or "").partition(".")[0]
                raise InputError(
                    f"scrapy crawl registry needs {library}, which this installation leaves out; "
                    f"{installs('analysis')} (docs/operations.md, Installation)"
                ) from None
            if study is None:
                raise InputError("no study given; call: scrapy crawl registry -a study=DIR")
            session = RegistrySession(open_folder(Path(study)), limit=None if limit is None else int(limit))
        self.session = session
        self._turns = 0

    async def start(self) -> AsyncIterator[Request]:
        """Yield one request for each registry with waiting tasks."""
        for request in self._requests():
            yield request

    def _requests(self) -> Iterator[Request]:
        for queue in self.session.idle_queues():
            self._turns += 1
            yield Request(
                f"{REGISTRY_SCHEME}://{queue.name}/{self._turns}",
                meta={"registry": queue.name, "download_slot": f"{REGISTRY_SCHEME} {queue.name}"},
                callback=self.on_response,
                errback=self.on_error,
                dont_filter=True,
            )

    def on_response(self, response: Response) -> Iterator[Request]:
        """Go on with every registry that has waiting tasks."""
        yield from self._requests()

    def on_error(self, failure: Failure) -> Iterator[Request]:
        """Count a failure of our own.

        It leads to no fact.
        """
        self.session.fail("a question to a registry", failure.value)
        yield from self._requests()
