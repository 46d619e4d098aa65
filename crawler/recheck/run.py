"""Runs the recheck spider: in this process, or in workers."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

import uvloop
from scrapy.crawler import Crawler

from waterbed.crawler.addon import new_crawler
from waterbed.crawler.crew import Channel, Crew, Message, raise_told
from waterbed.crawler.recheck.session import Continuous, Progress, Session, Stop
from waterbed.crawler.signals import stopped_by_channel, stopped_by_signals
from waterbed.crawler.spiders.recheck import RecheckSpider
from waterbed.model.errors import OwnFailure
from waterbed.model.progress import stage
from waterbed.store.folder import Folder, open_folder

_OURS = ("canary", "resolver")
"""A failure of our own network: it stops all workers."""
_ORDER = (*_OURS, "lease", "signal", "closed")
"""What is told of several reasons; workers that a failure of another one stopped were stopped by a signal."""

STOPPED: Final[Mapping[Stop, str]] = {
    "canary": "Our own network failed its canary: the pass stopped, what is due stays due, nothing is concluded.",
    "resolver": (
        "The resolver does not answer: no name was asked for, what is due stays due. Run one on this machine, or name "
        "another in [names] resolver of waterbed.toml (docs/operations.md, Resolver)."
    ),
    "lease": (
        "It stood still for longer than its lease, or its store was away so long: others took over what it held, "
        "nothing is recorded twice."
    ),
    "signal": "Stopped by a signal: what was being checked is recorded, the rest stays due.",
    "closed": "Closed by Scrapy: what was being checked is recorded, the rest stays due.",
}
"""What a stopped pass is told as, by why it stopped."""
_SOON_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """The counts of one pass, over all of its workers."""

    due: int
    looks: int
    seconds: float
    stopped: Stop | None
    workers: int = 1
    waited_s: float = 0.0
    """Seconds in which workers waited to write, while others wrote (SQLite)."""
    longest_wait_s: float = 0.0
    """The longest such wait."""
    canary: bool = True
    """Whether a canary is configured."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Looks that decide nothing, by outcome (and by reason where we asked nobody)."""


def run_recheck(
    folder: Folder, *, everything: bool = False, limit: int | None = None, progress: Progress | None = None
) -> PassReport:
    """Run one pass in an event loop of its own.

    See `recheck`.
    """
    return uvloop.run(recheck(folder, everything=everything, limit=limit, progress=progress))


async def recheck(
    folder: Folder,
    *,
    everything: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
    continuous: Continuous | None = None,
    processes: int = 1,
    channel: Channel | None = None,
) -> PassReport:
    """Run one pass over all due URLs.

    OwnFailure if any check failed by our own fault. A continuous pass leaves signals to its caller. As one of several
    `processes` it obeys the channel to whoever began it.
    """
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    crawler = new_crawler(RecheckSpider, WATERBED_HOSTS_AT_ONCE=folder.config.probe.hosts_at_once)
    started = perf_counter()
    with _stopping(crawler, continuous, channel), stage("URLs checked") as checked:

        def tell(done: int, due: int) -> None:
            checked.done, checked.total = done, due
            if progress:
                progress(done, due)

        await crawler.crawl_async(
            folder=folder,
            limit=limit,
            due="all" if everything else "due",
            progress=tell,
            continuous=continuous,
            processes=processes,
        )
    session = session_of(crawler)
    if session is None:
        raise OwnFailure("the recheck spider did not start; see the log above")
    if session.broken:
        raise session.broken
    if session.failures:
        raise OwnFailure(
            f"{session.failures} hosts could not be checked or recorded by our own fault; their URLs stay due"
        )
    return PassReport(
        due=session.due,
        looks=session.run.done,
        seconds=perf_counter() - started,
        stopped=session.stopped,
        waited_s=folder.store.waited_s,
        longest_wait_s=folder.store.longest_wait_s,
        canary=bool(folder.config.canary.targets),
        unknown=session.unknown,
    )


def _stopping(crawler: Crawler, continuous: Continuous | None, channel: Channel | None) -> AbstractContextManager[None]:
    def stop() -> None:
        session = session_of(crawler)
        if session:
            session.stop("signal")
        else:  # the spider is not there yet
            asyncio.get_running_loop().call_later(_SOON_S, stop)

    if continuous:
        return nullcontext()
    return stopped_by_channel(channel, stop) if channel else stopped_by_signals(stop)


def session_of(crawler: Crawler) -> Session | None:
    """A crawler's pass, None before it has a spider."""
    return crawler.spider.session if isinstance(crawler.spider, RecheckSpider) else None


class SharedPass:
    """One pass by several worker processes, which share its leases.

    Each opens the study for itself, is a run on record, and has `probe.hosts_at_once` hosts of its own.
    """

    def __init__(self, study: Path, processes: int, *, everything: bool, limit: int | None) -> None:
        """Begin the first worker; the others follow once it knows what is due.

        InputError, and no process begun, for a study that cannot be opened.
        """
        with closing(open_folder(study)):
            pass  # what is wrong with it is said once
        self._study, self._processes = study, processes
        self._shares = [None] * processes if limit is None else [*_shares(limit, processes)]
        self._crew = Crew()
        self._started = perf_counter()
        self.due = 0
        self._done: dict[int, int] = {}
        self._reports: list[Message] = []
        self._begin(everything=everything)

    def wait(self, told: Callable[[str], None]) -> PassReport:
        """Wait for all workers, and add up what they did.

        Raises what a worker failed of, and OwnFailure if one died; what that one held stays due. `told` is called with
        a sentence at each death.
        """
        died, checked = 0, None
        with self._crew.stopped_by_signals(), ExitStack() as stages:
            while self._crew.busy:
                for number, message in self._crew.hear():
                    if "died" in message:
                        died += 1
                        told(f"worker {number} of {self._processes} ended before its time ({message['died']})")
                    elif "end" in message:
                        self._reports.append(message)
                        if message.get("stopped") in _OURS:
                            self._crew.stop()
                    else:
                        self._count(number, message)
                        # begun after the last fork: whoever shows it may have a thread
                        checked = checked or stages.enter_context(stage("URLs checked", self.due))
                        checked.done = sum(self._done.values())
        if died:
            with closing(open_folder(self._study)) as folder:
                folder.mark_dead_runs()
        raise_told(self._reports)
        if died:
            raise OwnFailure(
                f"{died} of {self._processes} workers ended before their time; what they had recorded is kept, the "
                "rest stays due (docs/operations.md, Interrupted passes)"
            )
        return self._report()

    def _begin(self, *, everything: bool = False) -> None:
        limit = self._shares.pop()
        self._crew.begin(
            lambda channel: _worked(self._study, channel, everything=everything, limit=limit, of=self._processes)
        )

    def _count(self, number: int, message: Message) -> None:
        if number == 1 and number not in self._done:
            self.due = message["due"]
            for _ in range(min(self._processes, self.due) - 1):
                if self._shares[-1] != 0:
                    self._begin()
        self._done[number] = message["done"]

    def _report(self) -> PassReport:
        return PassReport(
            due=self.due,
            looks=sum(report["looks"] for report in self._reports),
            seconds=perf_counter() - self._started,
            stopped=min(
                (report["stopped"] for report in self._reports if report["stopped"]), key=_ORDER.index, default=None
            ),
            workers=len(self._reports),
            waited_s=sum(report["waited_s"] for report in self._reports),
            longest_wait_s=max(report["longest_wait_s"] for report in self._reports),
            canary=all(report["canary"] for report in self._reports),
            unknown=sum((Counter(report["unknown"]) for report in self._reports), Counter[str]()),
        )


def _shares(limit: int, processes: int) -> list[int]:
    """Cut a limit into shares for as many workers, the largest last."""
    return [(limit + n) // processes for n in range(processes)]


def _worked(study: Path, channel: Channel, *, everything: bool, limit: int | None, of: int) -> Message:
    """Run a worker's part of a pass; it tells what is done each time."""
    with closing(open_folder(study)) as folder:
        report = uvloop.run(
            recheck(
                folder,
                everything=everything,
                limit=limit,
                progress=lambda done, due: channel.tell({"done": done, "due": due}),
                processes=of,
                channel=channel,
            )
        )
    return asdict(report)
