"""The answers of now: made from an edition at the start, and anew when the study's facts have changed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from waterbed.publish.api.answers import Answers, Body
from waterbed.publish.policy import Publication
from waterbed.publish.site.site import Site

log = logging.getLogger(__name__)
EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served of one set of facts: tables and pages, never of two."""

    publication: Publication
    site: Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where editions come from."""

    read: Callable[[], Served]
    """What may be published now; takes as long as conclusions take."""
    mark: Callable[[], str]
    """Another text whenever the facts are others; takes little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The description of the interface, for tools and for people."""

    document: Body
    page: Body


class Current:
    """Holds the newest answers; requests only read them."""

    answers: Answers
    described: Described

    def __init__(self, source: Source, describe: Callable[[Answers], Described]) -> None:
        """Nothing is read before the first `refresh`."""
        self._source, self._describe = source, describe
        self._mark: str | None = None
        self.stale = False

    def refresh(self) -> bool:
        """Read anew if the facts have changed; whether they had. A failure leaves what was there before."""
        mark = self._source.mark()
        if mark == self._mark:
            self.stale = False
            return False
        edition = self._source.read()
        answers = Answers(edition.publication, edition.site)
        self.described = self._describe(answers)
        self.answers, self._mark, self.stale = answers, mark, False
        return True

    async def keep_fresh(self, every_s: float) -> None:
        """Look for changes for ever, in a thread of its own so that requests are answered meanwhile."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception as failure:  # the next look may succeed; until then /health says that answers are old
                self.stale = True
                log.error("answers are not made anew: %s", type(failure).__name__)
