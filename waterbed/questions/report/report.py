"""A month's report: reported, removed, still up, who lags, back."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from waterbed.graphs.hop_sources import seen_up
from waterbed.graphs.runs import Run
from waterbed.measures.about import own_events, ranking_info
from waterbed.measures.durations import half_gone
from waterbed.measures.ranking import UNKNOWN, keys_of_urls, undecided
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.removal import Removal, removal
from waterbed.measures.takedown import clocks
from waterbed.model.codec import moment
from waterbed.model.conclusions import NO_SHARE, NO_VERDICT, Episode, RankingRow
from waterbed.model.facts import reported_at
from waterbed.model.table import TableInfo
from waterbed.model.takedown import Overdue
from waterbed.model.window import Window, month_before
from waterbed.questions.report.overdue import known_source, still_up
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study
from waterbed.study.windowed import within


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The numbers of one month, at its end."""

    window: Window
    until: datetime | None
    """The time to which it was followed; None: it lies before the first report, or nothing was looked at."""
    confirm_h: float
    """Hours before the study's last check at which its end lies, as a removal takes so long to be confirmed."""
    first: datetime | None
    """The study's first report; None: it has none."""
    reports: int
    urls: int
    sites: int
    again: int
    """Reports of URLs that were first reported before the month."""
    notices: int
    removed: int
    """URLs gone at the end: by removal, and otherwise (the name or the network went)."""
    gone_otherwise: int
    up: int
    unseen_h: float
    """Hours without a sight after which "still up" is an old state: twice the longest interval between two checks."""
    unseen: int
    """Of those up, URLs that were last seen up longer than that before the end, as in an outage of ours."""
    unseen_since: datetime | None
    """The latest time at which one of these was seen up; None without any."""
    undecided: int
    """URLs of which no check could be decided, or none was taken."""
    no_address: int
    """URLs without an address to look at, such as chats."""
    share: Removal | None
    """Removed within 24 hours; None without a clock."""
    median_h: float | None
    back_here: int
    """Removals after which the content was seen again by the end, at the same hoster, and elsewhere alone."""
    back_elsewhere: int
    hops_least: int
    """Hops that arrived in the month and are displacement, at least and at most."""
    hops_most: int
    carried_up: int
    """URLs first reported before the month that were still up at its end."""
    carried_overdue: int
    """Of these, those up beyond the time that a notice gave."""
    carried_unseen: int
    """Of those carried over, URLs that were last seen up longer than `unseen_h` before the end."""
    without_notice: int
    """URLs up at the end without a notice to their hosters."""

    @property
    def measured(self) -> bool:
        """True if anything was looked at in it."""
        return self.until is not None and self.until > self.window.bounds[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laggard:
    """A hoster in a month's report."""

    row: RankingRow
    before: RankingRow | None
    """Its row of the month before."""
    up: int
    """URLs still up there at the end."""
    overdue: int
    """Of these, up beyond the time that a notice gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Content that was seen again after a removal."""

    url_id: Annotated[str, "the URL"]
    reference: Annotated[str | None, "the source's own number of the case; null: it gave none"]
    hoster: Annotated[str, "the hoster that removed it"]
    removed_at: Annotated[datetime, "first check that saw it gone"]
    back_at: Annotated[datetime, "first time that it was known up again"]
    where: Annotated[str, "the hoster at which it was seen again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthReport:
    """One month against the month before."""

    title: str
    source: str | None
    month: Month
    before: Month
    hosters: Sequence[Laggard]
    """Those with most still up first."""
    overdue: Sequence[Overdue]
    returned: Sequence[Returned]
    names: Mapping[str, str]
    info: TableInfo
    open_quarantines: int
    """Of mass outages: checks in them count as undecided."""
    open_no_verdict: int
    """Of our own network or of a delivery: they change no verdict."""

    @property
    def change(self) -> str:
        """The share removed against the month before, in words."""
        now, then = self.month.share, self.before.share
        if not self.before.measured:
            return "nothing was measured in the month before"
        if now is None or then is None or now.best is None or then.best is None:
            return "not comparable with the month before: one of the two shares could not be given"
        if now.low is None or now.high is None or then.low is None or then.high is None:
            return "not comparable with the month before: reports span too few days for an interval"
        if now.low > then.high:
            return "more than in the month before"
        if now.high < then.low:
            return "less than in the month before"
        return "no difference from the month before that chance could not make"


def report_of(study: Study, window: Window, *, source: str | None = None) -> MonthReport:
    """The report of a month, at its end.

    With a `source` of what it reported alone, by its own first reports. InputError for a source that reported nothing,
    and for a month before the first report.
    """
    whole = study.conclude()
    known_source(whole, source)
    now = within(whole, window, source)
    then = _before(whole, window, source)
    events = own_events(study)
    tables = RankingTables(conclusions=now, kind="hoster", events=events)
    lasting = still_up(now, source=source)
    late = lasting.late
    earlier = (
        {row.key: row for row in RankingTables(conclusions=then, kind="hoster", events=events).rows} if then else {}
    )
    up = _up(now, tables)
    overdue = Counter(row.key for row in late)
    hosters = [
        Laggard(row=row, before=earlier.get(row.key), up=up[row.key], overdue=overdue[row.key])
        for row in tables.rows
        if row.key != UNKNOWN
    ]
    references = {row.url_id: row.reference for row in lasting.noticed}
    names = {row.key: row.name for row in tables.rows}
    return MonthReport(
        title=study.config.name,
        source=source,
        month=_month(whole, now, window, source),
        before=_month(whole, then, month_before(window), source),
        hosters=sorted(hosters, key=lambda one: (-one.up, -one.row.urls, one.row.key)),
        overdue=late,
        returned=sorted(_returned(now, references), key=lambda one: (one.back_at, one.url_id)),
        names=names,
        info=replace(ranking_info(study, tables, "report"), by=source or "all sources"),
        open_quarantines=sum(one.status == "open" and one.kind not in NO_VERDICT for one in whole.quarantines),
        open_no_verdict=sum(one.status == "open" and one.kind in NO_VERDICT for one in whole.quarantines),
    )


def _before(whole: Conclusions, window: Window, source: str | None) -> Conclusions | None:
    """The conclusions of the month before; None if it is before all reports."""
    previous = month_before(window)
    first = _first(whole)
    if first is None or (previous.until is not None and previous.until <= first):
        return None
    return within(whole, previous, source)


def _first(whole: Conclusions) -> datetime | None:
    return min(map(reported_at, whole.facts.reports), default=None)


def _month(whole: Conclusions, its: Conclusions | None, window: Window, source: str | None) -> Month:
    made = [one for one in whole.facts.reports if window.holds(reported_at(one)) and source in (None, one.source)]
    urls = its.facts.targets if its else {}
    state = _states(its) if its else Counter[str]()
    back = list(_back(its)) if its else []
    share, median = _share(its) if its else (None, None)
    hops = [hop.order for hop in its.hops] if its else []
    carried = _carried(whole, window, source)
    unseen = _unseen(its) if its else []
    return Month(
        window=window,
        until=its.until if its else None,
        confirm_h=whole.config.judge.freeze_s / 3600,
        first=_first(whole),
        reports=len(made),
        urls=len(urls),
        sites=len({target.site_id for target in urls.values()}),
        again=sum(one.url_id not in urls for one in made),
        notices=len(its.notices) if its else 0,
        removed=state["removed"],
        gone_otherwise=state["otherwise"],
        up=state["up"],
        unseen_h=_unseen_after(whole) / timedelta(hours=1),
        unseen=len(unseen),
        unseen_since=max(unseen, default=None),
        undecided=state["undecided"],
        no_address=state["no address"],
        share=share,
        median_h=median,
        back_here=sum(spell.hoster == there.hoster for spell, there in back),
        back_elsewhere=sum(spell.hoster != there.hoster for spell, there in back),
        hops_least=sum(order in ("sequential", "repointed") for order in hops),
        hops_most=sum(order != "parallel" for order in hops),
        without_notice=len(still_up(its, source=source).without_notice) if its else 0,
        carried_up=_states(carried)["up"] if carried else 0,
        carried_overdue=len({row.url_id for row in still_up(carried, source=source).late}) if carried else 0,
        carried_unseen=len(_unseen(carried)) if carried else 0,
    )


def _carried(whole: Conclusions, window: Window, source: str | None) -> Conclusions | None:
    """The conclusions about URLs first reported before a month, followed to its end; None if there are none."""
    first, (begin, end) = _first(whole), window.bounds
    if first is None or begin <= first:
        return None
    return within(whole, Window(until=begin, follow=end + window.follow - begin), source)


def _states(its: Conclusions) -> Counter[str]:
    """How many URLs are in which state at the end.

    One that no episode tells of is in the state of its last decided check: gone otherwise if that is down, as nobody
    saw it end.
    """
    last, tables, seen = _last(its.episodes), RankingTables(conclusions=its, kind="hoster"), _without_episode(its)

    def state(url_id: str) -> str:
        if url_id in last:
            return _state(last[url_id])
        if url_id in tables.without_address:
            return "no address"
        return {"up": "up", "down": "otherwise"}[seen[url_id].state] if url_id in seen else "undecided"

    return Counter(map(state, its.facts.targets))


def _unseen(its: Conclusions) -> list[datetime]:
    """When URLs that are still up were last seen up, if that is an old state at the end."""
    seen = [one.last_up for one in _last(its.episodes).values() if one.first_down is None]
    seen += [moment(int(run.at[-1])) for run in _without_episode(its).values() if run.state == "up"]
    return [at for at in seen if its.until is not None and its.until - at > _unseen_after(its)]


def _unseen_after(its: Conclusions) -> timedelta:
    """How old the last sight of a URL may be: twice the longest interval between two checks."""
    return timedelta(seconds=2 * its.config.schedule.longest_interval_s)


def _without_episode(its: Conclusions) -> dict[str, Run]:
    """The last decided checks of each URL that no episode tells of."""
    found: dict[str, Run] = {}
    for url_id in sorted(its.facts.targets.keys() - {one.url_id for one in its.episodes}):
        for run in its.runs.get(url_id, ()):
            if run.state != "unknown":
                found[url_id] = run
    return found


def _last(episodes: Sequence[Episode]) -> dict[str, Episode]:
    """The episode of each URL that tells its state at the end: one that runs, else the last that ended."""
    found: dict[str, Episode] = {}
    for episode in episodes:
        held = found.get(episode.url_id)
        if held is None or _order(episode) > _order(held):
            found[episode.url_id] = episode
    return found


def _order(episode: Episode) -> tuple[bool, datetime]:
    return episode.first_down is None, episode.first_down or episode.last_up


def _state(episode: Episode) -> str:
    if episode.first_down is None:
        return "up"
    return "removed" if episode.cause == "removed" else "otherwise"


def _share(its: Conclusions) -> tuple[Removal | None, float | None]:
    """Removed within 24 hours, wherever it was, and the hours until half was gone."""
    tables, until = RankingTables(conclusions=its, kind="hoster"), its.until
    group = clocks(its.episodes, tables.labels)
    if not group or until is None:
        return None, None
    share = removal(group, until=until, hidden=undecided(tables.appearances, tables.labels))
    half = half_gone(group, until=until) if share.estimability not in NO_SHARE else None
    return share, half.hours if half else None


def _up(its: Conclusions, tables: RankingTables) -> Counter[str]:
    """URLs that are still up under each key."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, group in tables.groups.items():
        found[key] = {one.url_id for one in group if one.first_down is None and not one.proxy}
    seen, keys = _without_episode(its), keys_of_urls(tables.appearances)
    for one in tables.appearances:
        if one.url_id in seen and seen[one.url_id].state == "up":
            for key in keys[one.url_id]:
                if not one.behind(key):
                    found[key].add(one.url_id)
    return Counter({key: len(urls) for key, urls in found.items()})


def _back(its: Conclusions) -> Iterator[tuple[Episode, Episode]]:
    """Each removal after which the content was seen again, and the first time that it was."""
    starts: dict[str, list[Episode]] = defaultdict(list)
    for episode in seen_up(its.everywhere):
        starts[episode.content_id].append(episode)
    for own in starts.values():
        own.sort(key=lambda one: (one.known_up_at, one.hoster, one.url_id))
    for spell in its.episodes:
        if spell.cause == "removed" and spell.first_down is not None:
            down = spell.first_down
            later = [one for one in starts[spell.content_id] if one.known_up_at > down]
            if later:
                here = next((one for one in later if one.hoster == spell.hoster), later[0])
                yield spell, here


def _returned(its: Conclusions, references: Mapping[str, str | None]) -> Iterator[Returned]:
    for spell, there in _back(its):
        if spell.first_down is not None:
            yield Returned(
                url_id=spell.url_id,
                reference=references.get(spell.url_id),
                hoster=spell.hoster,
                removed_at=spell.first_down,
                back_at=there.known_up_at,
                where=there.hoster,
            )
