"""The answers of now: made from an edition at the start, and anew when the study's facts have changed."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from waterbed.governance.reply import record, refuse_unheard
from waterbed.model.bookkeeping import STORED, Due, KeyCheck, Sealed
from waterbed.publish.api.answers import Answers, Body
from waterbed.publish.policy import Publication, named_hosters, publishable
from waterbed.publish.site.build import site_of
from waterbed.publish.site.interventions import event_files
from waterbed.publish.site.layout import Site
from waterbed.publish.tables import publication_of
from waterbed.store.config import read_config
from waterbed.store.folder import SETTINGS, open_store
from waterbed.study.study import Study, open_study

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


_COUNTED: Final = tuple(cls for cls in STORED if cls not in (Due, Sealed, KeyCheck))
"""Facts: they are only added, or shredded, so that another number means other facts."""


def source_of(path: Path) -> Source:
    """What may be published of the study in a folder, as it is whenever it is asked for."""
    return Source(read=partial(read, path), mark=partial(mark, path))


def read(path: Path) -> Served:
    """Draw all conclusions, keep what may be published, and make its pages."""
    with open_study(path) as study:
        return served_of(study)


def served_of(study: Study) -> Served:
    """What may be served of an opened study; InputError if it is public and hosters could still answer."""
    conclusions = study.conclude()
    publication = publishable(publication_of(study, conclusions))
    editions = record(study.folder).editions
    refuse_unheard(study.folder, named_hosters(publication), editions[-1].override if editions else "")
    return Served(publication=publication, site=site_of(study, conclusions, publication))


def mark(path: Path) -> str:
    """How many facts of each kind there are, and the checksums of settings and event files, as one text."""
    store = open_store(path, read_config(path / SETTINGS)[0])
    try:
        counts = {cls.__name__: store.count(cls) for cls in _COUNTED}
    finally:
        store.close()
    settings = [*sorted(path.glob("*.toml")), *event_files(path)]
    files = {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in settings}
    return json.dumps([counts, files])
