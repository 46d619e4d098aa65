"""Conclusions about the URLs that were reported in a window."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Final, Protocol, TypeVar

from waterbed.graphs.episodes import UrlHistory, episodes
from waterbed.graphs.runs import Run
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Episode, Hop, State
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation, Target, reported_at
from waterbed.model.progress import stage
from waterbed.model.takedown import AddressedNotice
from waterbed.model.window import Every, Window
from waterbed.study.answered import Answered, answered_in
from waterbed.study.assessment import SetAside
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts, Later
from waterbed.study.judged import Judged
from waterbed.study.linking import known_of
from waterbed.study.steps import RESTS_ON, Step

_OWN: Final = frozenset({"_counted", "known"})
"""Steps that a window changes; what was judged, attributed and linked is that of the whole study."""


def within(whole: Conclusions, window: Window, source: str | None = None) -> Conclusions:
    """The conclusions about one window.

    The whole where the window leaves nothing out. With a `source` only its own reports count. InputError if the window
    ends before the first report.
    """
    if not window and source is None:
        return whole
    first = min(map(reported_at, whole.facts.reports), default=None)
    if first is not None and window.until is not None and window.until <= first:
        raise InputError(
            f"the window ends at {window.until:%Y-%m-%d %H:%M}, before the study's first report at "
            f"{first:%Y-%m-%d %H:%M} (docs/windows.md)"
        )
    return _split(whole, [window], source)[0]


def pieces_of(whole: Conclusions, windows: Sequence[Window]) -> list[Conclusions]:
    """The conclusions about windows of which no two overlap.

    In order of time; a window without a report is among them.
    """
    return _split(whole, windows, None)


def by_window(whole: Conclusions, window: Window, every: Every, source: str | None = None) -> list[Conclusions]:
    """The conclusions about each week or month of a window.

    The earliest first; those without a report are left out. InputError as for `within`.
    """
    within(whole, window, source)
    firsts = sorted(_first_reports(whole.facts, source).values())
    if not firsts:
        return []
    found = [one for one in window.split(every, firsts[0], firsts[-1]) if _any_in(firsts, one)]
    return _split(whole, found, source)


def _any_in(times: Sequence[datetime], window: Window) -> bool:
    """Whether any of some times, in order, lies in a window."""
    at = bisect_left(times, window.since) if window.since else 0
    return at < len(times) and window.holds(times[at])


def _split(whole: Conclusions, windows: Sequence[Window], source: str | None) -> list[Conclusions]:
    cuts = _Cuts(whole, windows, source)
    return [WindowedConclusions(whole, window, cuts, number) for number, window in enumerate(windows)]


def _first_reports(facts: Facts, source: str | None) -> dict[str, datetime]:
    """The first report of each URL."""
    found: dict[str, datetime] = {}
    for report in facts.reports:
        if source is None or report.source == source:
            when = reported_at(report)
            found[report.url_id] = min(found.get(report.url_id, when), when)
    return found


def cut_facts(
    facts: Facts,
    windows: Sequence[Window],
    of_url: Mapping[str, int],
    confirmation: timedelta,
    source: str | None = None,
) -> list[Facts]:
    """The facts of each window's URLs, up to its end.

    `of_url` has the number of each URL's window. Checks go on for the time of `confirmation`. With a `source` only its
    own reports count. Linear in the facts.
    """
    ours = [one for one in facts.reports if source is None or one.source == source]
    reports = _parted(ours, of_url, windows, reported_at)
    notices = _parted(facts.notices, of_url, windows, lambda one: one.sent_at)
    withdrawn = _parted(facts.withdrawn_notices, of_url, windows, lambda one: one.sent_at)
    external = _parted(facts.external_observations, of_url, windows)
    targets: list[dict[str, Target]] = [{} for _ in windows]
    for url_id, target in facts.targets.items():
        if (at := of_url.get(url_id)) is not None:
            targets[at][url_id] = target

    def looks(at: int) -> list[Observation]:
        last = last_check(windows[at], confirmation)
        return [one for one in facts.looks if of_url.get(one.url_id) == at and (last is None or one.observed_at < last)]

    return [
        replace(
            facts,
            targets=targets[at],
            reports=reports[at],
            looks=Later(partial(looks, at)),
            deliveries=[one for one in facts.deliveries if window.holds(one.received_at)],
            notices=notices[at],
            withdrawn_notices=withdrawn[at],
            external_observations=external[at],
        )
        for at, window in enumerate(windows)
    ]


class _AboutUrl(Protocol):
    @property
    def url_id(self) -> str: ...


About = TypeVar("About", bound=_AboutUrl)


def _parted(
    facts: Iterable[About],
    of_url: Mapping[str, int],
    windows: Sequence[Window],
    when: Callable[[About], datetime] | None = None,
) -> list[list[About]]:
    """The facts about each window's URLs, those of a time before its end."""
    found: list[list[About]] = [[] for _ in windows]
    ends = [window.end for window in windows]
    for one in facts:
        at = of_url.get(one.url_id)
        if at is not None and (when is None or (end := ends[at]) is None or when(one) < end):
            found[at].append(one)
    return found


def _window_of(facts: Facts, windows: Sequence[Window], source: str | None) -> dict[str, int]:
    """The window that holds the first report of each URL, by number; in order of time."""
    starts = [one.since or datetime.min.replace(tzinfo=UTC) for one in windows]
    found = {}
    for url_id, when in _first_reports(facts, source).items():
        at = bisect_right(starts, when) - 1
        if at >= 0 and windows[at].holds(when):
            found[url_id] = at
    return found


def last_check(window: Window, confirmation: timedelta) -> datetime | None:
    """The time before which a window's checks lie.

    None: all count. Those after its end only confirm, as in any study the last ones do.
    """
    return None if window.end is None else window.end + confirmation


@dataclass(kw_only=True)
class _Cut:
    """What the URLs of one window gave."""

    answered: dict[str, Answered] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)


class _Cuts:
    """The URLs of several windows, cut in one pass.

    No URL belongs to two of them.
    """

    def __init__(self, whole: Conclusions, windows: Sequence[Window], source: str | None) -> None:
        self.whole = whole
        self.windows = windows
        self.source = source

    @cached_property
    def of_url(self) -> dict[str, int]:
        """The window of each URL."""
        return _window_of(self.whole.facts, self.windows, self.source)

    @cached_property
    def parts(self) -> list[_Cut]:
        """The parts of each window."""
        found = [_Cut() for _ in self.windows]
        wanted = self.of_url
        rules = [None if (end := self.until(at)) is None else self.whole.rules_until(end) for at in range(len(found))]
        measured = self.whole.removal_measured
        known, told = self.histories, self.whole.name_ends.told
        alike: dict[object, Answered] = {}
        with stage("URLs cut to windows", len(wanted)) as advance:
            for url_id, every in self.whole.past.items():
                at = wanted.get(url_id)
                if at is None:
                    continue
                runs = cut_runs(every, self.last(at))
                if runs:
                    found[at].answered[url_id] = answered_in(runs, alike)
                    followed = rules[at]
                    if followed is not None and measured:
                        found[at].episodes += told(episodes(known[url_id], runs, followed))
                advance()
        return found

    def until(self, at: int) -> datetime | None:
        """The time at which a window's clocks are censored."""
        last, end = self.whole.until, self.windows[at].end
        return last if last is None or end is None else min(last, end)

    @property
    def confirmation(self) -> timedelta:
        """The time that confirmation takes."""
        return timedelta(seconds=self.whole.config.judge.freeze_s)

    def last(self, at: int) -> datetime | None:
        """The time before which a window's checks lie."""
        return last_check(self.windows[at], self.confirmation)

    @cached_property
    def facts(self) -> list[Facts]:
        """The facts of each window that count."""
        return cut_facts(self.whole.facts, self.windows, self.of_url, self.confirmation, self.source)

    def one_of(self, facts: Facts, window: Window) -> Facts:
        """Of other facts those of one window."""
        of_url = _window_of(facts, [window], self.source)
        return cut_facts(facts, [window], of_url, self.confirmation, self.source)[0]

    @cached_property
    def histories(self) -> dict[str, UrlHistory]:
        """The reports and the content of each URL."""
        return {url_id: one for facts in self.facts for url_id, one in known_of(facts, self.whole.contents).items()}


class CutRuns(Mapping[str, Sequence[Run]]):
    """The runs of some URLs, up to a time."""

    def __init__(self, every: Mapping[str, Sequence[Run]], urls: Mapping[str, object], end: datetime | None) -> None:
        """Take the runs of all URLs."""
        self._every = every
        self._urls = urls
        self._end = end

    def __getitem__(self, url_id: str) -> Sequence[Run]:
        """The runs of a URL."""
        found = cut_runs(self._every[url_id], self._end) if url_id in self._urls else []
        if not found:
            raise KeyError(url_id)
        return found

    def __iter__(self) -> Iterator[str]:
        """The ids of the URLs that were looked at by then."""
        return (url_id for url_id, runs in self._every.items() if url_id in self._urls and cut_runs(runs, self._end))

    def __len__(self) -> int:
        """How many they are."""
        return sum(1 for _ in self)


def cut_runs(runs: Sequence[Run], end: datetime | None) -> list[Run]:
    """The checks of a URL before a time, as runs.

    An absence that later checks confirmed counts from its first check, as in the whole study.
    """
    if end is None:
        return list(runs)
    limit = microseconds(end)
    return [part for run in runs if (part := run.before(limit)) is not None]


class WindowedConclusions(Conclusions):
    """Conclusions about the URLs of one window.

    A URL belongs to the window that holds its first report, and is followed to the window's end. A hop belongs to the
    window in which its arrival was first seen. What was judged, quarantined, attributed and linked is that of the
    whole study.
    """

    def __init__(self, whole: Conclusions, window: Window, cuts: "_Cuts", number: int) -> None:
        """Take the conclusions of all, and the cuts of which this is one."""
        super().__init__(
            lambda: cuts.one_of(whole.all_facts, window),
            whole.attributor,
            whole.given_rules,
            whole.config,
            removal_measured=whole.removal_measured,
            processes=whole.processes,
        )
        self.varies, self.shared = whole, frozenset(RESTS_ON) - _OWN
        self.window = window
        self.source = cuts.source
        self._cuts = cuts
        self._number = number

    @property
    def whole(self) -> Conclusions:
        """The conclusions of all reports."""
        return self._cuts.whole

    @Step
    def _counted(self) -> tuple[Facts, SetAside]:
        return self._cuts.facts[self._number], self.whole.set_aside

    @cached_property
    def until(self) -> datetime | None:
        """The window's end, or that of the measurement."""
        return self._cuts.until(self._number)

    @Step
    def known(self) -> dict[str, UrlHistory]:
        """The reports and the content of each URL."""
        return {url_id: self._cuts.histories[url_id] for url_id in self.facts.targets}

    @cached_property
    def runs(self) -> Mapping[str, Sequence[Run]]:
        """The runs of the window's URLs, up to its end."""
        return CutRuns(self.whole.past, self.facts.targets, self._cuts.last(self._number))

    @property
    def answered(self) -> Mapping[str, Answered]:
        """The distinct attributions of each run of a URL."""
        return self._cuts.parts[self._number].answered

    @property
    def episodes(self) -> list[Episode]:
        """The episodes of the window's URLs, censored at its end."""
        return self._cuts.parts[self._number].episodes

    @cached_property
    def everywhere(self) -> Sequence[Episode]:
        """All episodes that began before the window's end."""
        end = self.window.end
        return [one for one in self.whole.episodes if end is None or one.known_up_at < end]

    @cached_property
    def hops(self) -> list[Hop]:
        """The hops that arrived in the window.

        By the time at which that was first seen. With a source those from or to a URL that it reported.
        """
        ours: Mapping[str, object] | None = None
        if self.source is not None:
            ours = _first_reports(self.whole.facts, self.source)
        return [
            hop
            for hop in self.whole.hops
            if self.window.holds(hop.arrived_before)
            and (ours is None or hop.from_url_id in ours or hop.to_url_id in ours)
        ]

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """The notices about its URLs, as known at its end."""
        end, urls = self.window.end, self.facts.targets
        found = [one for one in self.whole.notices if one.url_id in urls]
        return found if end is None else [_by(end, one) for one in found if one.sent_at < end]

    # as in the whole study
    @property
    def judged(self) -> Judged:
        """All looks of the study."""
        return self.whole.judged

    @property
    def outcomes(self) -> Counter[tuple[str, State]]:
        """Numbers of all checks by outcome."""
        return self.whole.outcomes

    @property
    def hosters(self) -> list[str]:
        """Keys of all hosters of the study."""
        return self.whole.hosters


def _by(end: datetime, notice: AddressedNotice) -> AddressedNotice:
    """A notice as it was known at a time."""
    arrived, answered = notice.delivered_at, notice.acknowledged_at
    if arrived is not None and arrived >= end:
        notice = replace(notice, delivered_at=None)
    if answered is not None and answered >= end:
        notice = replace(notice, acknowledged_at=None, response=None)
    return notice
