"""Holds the current answers and refreshes them when facts change."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Final

from waterbed.governance.reply import PUBLIC, record, refuse_unheard
from waterbed.graphs.displacement.event import event_files
from waterbed.model.bookkeeping import STORED, Due, Forgotten, KeyCheck, QuarantineDecision, Sealed
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError
from waterbed.model.facts import Snapshot
from waterbed.model.governance import DeviationNote, Edition, Preview, ProtocolLock, Reply, Ruling
from waterbed.model.redaction import redact
from waterbed.model.window import ALL, Window
from waterbed.publish.api.answers import Answers, Body
from waterbed.publish.build_publication import publication_of, with_changes
from waterbed.publish.contents import edition_files, site_files, tables_of, with_sums
from waterbed.publish.edition import LastEdition, Overtaken, edition_before, editions, named_then, remember
from waterbed.publish.named import named_hosters
from waterbed.publish.policy import Publication, publishable
from waterbed.shown.layout import Site
from waterbed.store.config import read_config
from waterbed.store.folder import open_store, real_clock
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study, open_study

log = logging.getLogger(__name__)
EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Tables and files served of one set of facts."""

    publication: Publication
    site: Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of editions."""

    read: Callable[[], Served]
    """Return the current answers; as slow as drawing conclusions."""
    mark: Callable[[], str]
    """Return a text that changes with the facts; fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The description of the interface, for tools and for people."""

    document: Body
    page: Body


class Current:
    """Holds the newest answers; requests only read them."""

    answers: Answers
    described: Described

    def __init__(
        self,
        source: Source,
        describe: Callable[[Answers], Described],
        failed: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        """Start empty; the first `refresh` reads.

        A failure of the first one is passed to `failed`: there is nothing to serve.
        """
        self._source, self._describe, self._failed = source, describe, failed
        self._mark: str | None = None
        self.made = False
        """Whether there are answers; from then on there always are."""
        self.stale = False

    def require_study(self) -> None:
        """Raise an error that hinders the source."""
        self._source.mark()

    def refresh(self) -> bool:
        """Reload if the facts have changed; True if they had.

        A failure keeps the previous answers.
        """
        mark = self._source.mark()
        if mark == self._mark:
            self.stale = False
            return False
        edition = self._source.read()
        answers = Answers(edition.publication, edition.site)
        self.described = self._describe(answers)
        self.answers, self._mark, self.stale, self.made = answers, mark, False, True
        return True

    async def keep_fresh(self, every_s: float) -> None:
        """Make the first answers, then check for changes forever.

        It runs in a thread of its own, so that requests are answered meanwhile.
        """
        try:
            await _in_thread(self.refresh)
        except Exception as failure:
            self._failed(failure)
            return
        while True:
            await asyncio.sleep(every_s)
            try:
                await _in_thread(self.refresh)
            except Exception as failure:  # the next look may succeed; until then /health says that answers are old
                self.stale = True
                why = redact(str(failure)) if isinstance(failure, InputError) else ""
                log.error("answers are not made anew: %s", f"{type(failure).__name__} {why}".strip())


async def _in_thread(work: Callable[[], object]) -> None:
    """Wait for work in a thread for which the process does not wait when it ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(failure: BaseException | None) -> None:
        if done.done():
            return
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)

    def run() -> None:
        failure: BaseException | None = None
        try:
            work()
        except Exception as found:
            failure = found
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(tell, failure)

    Thread(target=run, daemon=True).start()
    await done


_COUNTED: Final = tuple(cls for cls in STORED if cls not in (Due, Sealed, KeyCheck))
"""Kinds of facts; facts are only added or shredded, so a changed number means changed facts."""


_DECIDED: Final = (
    QuarantineDecision,
    HosterChange,
    Coding,
    ProtocolLock,
    DeviationNote,
    Preview,
    Reply,
    Ruling,
    Edition,
    Forgotten,
    Snapshot,
)
"""What people decide, and take back: answers follow it at once."""


def source_of(path: Path, window: Window = ALL) -> Source:
    """A source that reads the study in a folder.

    Each call reads the study as it is then. The answers are about a `window`.
    """
    return Source(read=partial(read, path, window), mark=partial(mark, path))


def read(path: Path, window: Window = ALL, tries: int = 5) -> Served:
    """Draw conclusions, apply the policy, render the pages.

    What they tell is an edition, and on record before anybody is told. Where another edition leaves meanwhile, they are
    drawn anew; Overtaken after so many tries.
    """
    with open_study(path) as study:
        before = editions(study.folder)
        served = served_of(study, window, before)
        try:
            remember(study.folder, served.publication.edition, "serve", before)
        except Overtaken:
            if tries <= 1:
                raise
        else:
            return served
    return read(path, window, tries - 1)


def served_of(study: Study, window: Window = ALL, before: Sequence[LastEdition] | None = None) -> Served:
    """The answers of an opened study.

    They tell nothing of the editions `before`: those on record. InputError if it is public and hosters may still reply.
    """
    conclusions = study.conclude(processes=1, window=window)  # requests are answered by other threads meanwhile
    before = editions(study.folder) if before is None else before
    publication = publishable(publication_of(study, conclusions, before), before)
    publication = with_changes(publication, edition_before(study.folder, "serve", publication.window, publication.last))
    public = record(study.folder).editions
    overridden = bool(public and public[-1].override)
    told = named_then(study.folder, public[-1].number, publication.last) if overridden else ()
    refuse_unheard(study.folder, named_hosters(publication), told=told)
    tables = tables_of(study, conclusions, publication)
    if study.config.publish.tlp == PUBLIC:
        tables |= edition_files(study, public)
    return Served(publication=publication, site=with_sums(site_files(study, conclusions, publication, tables)))


def mark(path: Path) -> str:
    """A fingerprint of decisions, settings, events and the day.

    It holds the number of facts of each kind and the checksums of the files. What was seen and reported counts from one
    day to the next, so that answers are editions and nobody sees what each minute added; with a policy that hides
    nothing it counts at once.
    """
    config = read_config(path / SETTINGS)[0]
    store = open_store(path, config)
    try:
        counted = _COUNTED if config.publish.least <= 1 else _DECIDED
        counts = {cls.__name__: store.count(cls) for cls in counted}
    finally:
        store.close()
    settings = [*sorted(path.glob("*.toml")), *event_files(path)]
    files = {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in settings}
    return json.dumps([counts, files, real_clock().date().isoformat()])
