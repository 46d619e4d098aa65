"""The fact sheet of one hoster.

Numbers, curves, cases by id, misaddressed notices; never a URL.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval, share_within
from waterbed.measures.about import own_events
from waterbed.measures.carriers import reached_through
from waterbed.measures.clocks import running_clocks
from waterbed.measures.company import company_named, day_of
from waterbed.measures.constancy import Part, counted_since, part_of_share
from waterbed.measures.durations import duration
from waterbed.measures.notices.compliance import compliance
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking import WITHHELD
from waterbed.measures.ranking_tables import ranking_of
from waterbed.measures.removal import Removal, removals
from waterbed.measures.sizes import size_table
from waterbed.measures.takedown import (
    CAUSES,
    FEWEST_SITES,
    WITHIN_H,
    Clock,
    episodes_by_key,
    incidence,
    joined_episodes,
    known_within,
    worth_within,
)
from waterbed.model.actors import ACTED
from waterbed.model.conclusions import TOLD_BY_REGISTRIES, ClockKind, Episode, RankingRow, Reached, Size
from waterbed.model.errors import InputError
from waterbed.model.table import TableInfo
from waterbed.model.takedown import AddressedNotice, Case, CauseShare, ComplianceRow, Duration, TakedownClock
from waterbed.model.window import Window
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

_ANOTHER = "another"
SHEET_H = (1.0, 12.0, 24.0, 48.0, 72.0, 168.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All data on one hoster."""

    key: str
    name: str
    info: TableInfo
    window: Window
    """The reports that it is about."""
    hosting_type: str
    """What it mostly offers, by what two people accepted."""
    ranking: RankingRow | None
    """Its row in the ranking; null: nothing reported was looked at there."""
    size: Size | None
    """Its size on the day of the last look; null: no table has it."""
    shares: Sequence[ComplianceRow]
    curve: Sequence[CauseShare]
    duration: Sequence[Duration]
    """One, or none where nothing was looked at."""
    cases: Sequence[Case]
    hoster_word: int
    """Looks at what it hosted that its own link check decided: its word, not a look at the content."""
    reached_through: Sequence[Reached]
    """Companies that its hosts are reached through: carriers, and those whose networks it rents."""
    misaddressed: Sequence[AddressedNotice]
    """Notices that went to it and were not its own, and notices about what it hosted that went to somebody else."""

    @property
    def rank_class(self) -> str:
        """The class of its share by the sheet's own clock.

        That of the ranking where no clock runs; empty if it has no row there.
        """
        classes = [row.rank_class for row in self.shares if row.within_h == WITHIN_H]
        return classes[0] if classes else self.ranking.rank_class if self.ranking else ""


def sheet_of(
    study: Study,
    key: str,
    *,
    clock: ClockKind | None = None,
    conclusions: Conclusions | None = None,
    events: Mapping[str, Sequence[datetime]] | None = None,
) -> Sheet:
    """The fact sheet of a hoster.

    By default clocks run from the delivered notice, without notices from the report. InputError if neither the study
    nor the book knows the hoster. `conclusions` are used if given, else drawn. `events` are the dates of events by
    target that may split its share, by default of all that the study declares, private ones too: a sheet that leaves
    the study's own people is given those of public events.
    """
    conclusions = conclusions or study.conclude()
    until, day = conclusions.until, day_of(study, conclusions)
    company = company_named(conclusions, key, day)
    concerned = [n for n in conclusions.notices if n.recipient == company or company in n.hosters]
    events = own_events(study) if events is None else events
    row = next((row for row in ranking_of(conclusions, events=events) if row.key == company), None)
    chosen: ClockKind = clock or ("notice_delivered" if conclusions.whole.facts.notices else "reported")
    tables = compliance_of(study, clock=chosen, conclusions=conclusions, events=events)
    clocks = tables.clocks.get(company, ())
    name = conclusions.attributor.name_of(company)
    episodes = episodes_by_key(conclusions.episodes, "hoster").get(company, [])
    ranked = tables.ranked
    shares = (
        compliance(
            {company: clocks},
            {company: name},
            until=until,
            within_h=SHEET_H,
            hidden=tables.hidden,
            ranked=ranked,
        )
        if until
        else ()
    )
    sheet = Sheet(
        key=company,
        name=name,
        info=replace(tables.info_of("sheet"), by="hoster"),
        window=conclusions.window,
        hosting_type=conclusions.attributor.book.on(day).hosting_type(company),
        ranking=row,
        size=_size(study, company, day, conclusions.whole),
        shares=shares,
        curve=(),
        duration=(),
        cases=list(_cases(episodes, clocks, concerned, company, chosen, until)),
        hoster_word=sum(looks for hosters, looks in conclusions.hoster_words.items() if company in hosters),
        reached_through=reached_through(conclusions).get(company, ()),
        misaddressed=[n for n in concerned if n.addressed == "misaddressed" and not n.bounced],
    )
    rank_class = ranked[company].rank_class if company in ranked else sheet.rank_class
    if until is None or company in tables.differing or rank_class in WITHHELD:
        return sheet
    part = Part(running_clocks(clocks), list(tables.hidden.get(company, ())))
    if company in ranked:
        since = counted_since(ranked[company], part.clocks)
        part = part_of_share(ranked[company], *part)
        clocks = [takedown_clock for takedown_clock in clocks if since is None or takedown_clock.origin >= since]
    removal_by_hours = removals(part.clocks, SHEET_H, until=until, hidden=part.hidden)
    return replace(
        sheet,
        curve=list(cause_shares(part.clocks, removal_by_hours, until=until)),
        duration=[duration(clocks, within_h=SHEET_H[-1], until=until)],
    )


def _size(study: Study, key: str, day: date, conclusions: Conclusions) -> Size | None:
    """The hoster's size on a day, None without tables."""
    if not study.snapshots():
        return None
    try:
        frame = size_table(study, "hoster", day, conclusions=conclusions)
    except InputError:
        return None
    return next((size for size in frame.sizes if size.key == key), None)


def cause_shares(
    clocks: Sequence[Clock], removal_by_hours: Mapping[float, Removal], *, until: datetime
) -> Iterator[CauseShare]:
    """The cumulative incidence of each cause; of removal the share of any ranking, by hours in `removal_by_hours`.

    No number where fewer than FEWEST_SITES clusters are known at those hours, none of another cause where the share
    removed is withheld (`Removal.withheld`), and no interval where reports span too few days. `until` is the end of the
    measurement. Causes that only registries report are left out where none was.
    """
    seen = {clock.cause for clock in clocks}
    causes = [(n, cause) for n, cause in enumerate(CAUSES) if n in seen or cause not in TOLD_BY_REGISTRIES]
    curves = incidence(clocks) if clocks else None
    for hours, of_removal in removal_by_hours.items():
        reach = {clock.site_id for clock in clocks if known_within(clock, hours)}
        for number, cause in causes:
            enough = len(reach) >= FEWEST_SITES and not of_removal.withheld
            share = share_within(curves, number, hours) if curves and enough else None
            low = high = None
            if cause == "removed":
                share, low, high = of_removal.removed, of_removal.low, of_removal.high
            elif share is not None:
                worth = worth_within(clocks, hours, (number,), until=until)
                low, high = (None, None) if isinstance(worth, Refusal) else share_interval(share, worth.number)
            yield CauseShare(cause=cause, within_h=hours, share=share, low=low, high=high, actor=ACTED[cause])


def _cases(
    episodes: Sequence[Episode],
    clocks: Sequence[TakedownClock],
    notices: Sequence[AddressedNotice],
    key: str,
    clock: ClockKind,
    until: datetime | None,
) -> Iterator[Case]:
    """Each spell of a URL there, the latest first."""
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_url[episode.url_id].append(episode)
    notified: dict[str, list[AddressedNotice]] = defaultdict(list)
    for notice in notices:
        if notice.recipient == key and not notice.bounced:
            notified[notice.url_id].append(notice)
    of_spell = {(takedown_clock.url_id, takedown_clock.known_up_at): takedown_clock for takedown_clock in clocks}
    spells = [spell for url_episodes in by_url.values() for spell in joined_episodes(url_episodes)]
    for spell in sorted(spells, key=lambda spell: (-spell.known_up_at.timestamp(), spell.url_id)):
        yield _case(spell, of_spell.get((spell.url_id, spell.known_up_at)), notified[spell.url_id], clock, until)


def _case(
    spell: Episode,
    takedown_clock: TakedownClock | None,
    about: Sequence[AddressedNotice],
    clock: ClockKind,
    until: datetime | None,
) -> Case:
    running = until is not None and spell.last_up >= until - timedelta(hours=24)
    state = "gone" if spell.first_down else "up" if running else "unknown"
    return Case(
        url_id=spell.url_id,
        site_id=spell.site_id,
        state=state,
        clock=clock,
        origin=takedown_clock.origin if takedown_clock else None,
        left_h=takedown_clock.left_h if takedown_clock else None,
        right_h=takedown_clock.right_h if takedown_clock else None,
        last_up=spell.last_up,
        first_down=spell.first_down,
        cause=spell.cause,
        timing=takedown_clock.timing if takedown_clock else None,
        notices=len(about),
        acknowledged=any(n.acknowledged_at for n in about),
    )


def own_rows(sheet: Sheet, deviations: tuple[str, ...]) -> Sheet:
    """The sheet as the hoster itself may see it.

    It holds no data on any other hoster; `deviations` from the protocol are as a hoster may read them.
    """
    notices = [
        replace(
            notice
            if notice.recipient == sheet.key
            else replace(notice, recipient=_ANOTHER, response=None, acknowledged_at=None),
            hosters=tuple(key for key in notice.hosters if key == sheet.key),
        )
        for notice in sheet.misaddressed
    ]
    return replace(sheet, misaddressed=notices, info=replace(sheet.info, deviations=deviations))


def as_mapping(sheet: Sheet) -> Mapping[str, Sequence[object]]:
    """The parts of a sheet that are rows, by name."""
    return {
        "ranking": [sheet.ranking] if sheet.ranking else [],
        "size": [sheet.size] if sheet.size else [],
        "shares": sheet.shares,
        "curve": sheet.curve,
        "duration": sheet.duration,
        "cases": sheet.cases,
        "reached_through": sheet.reached_through,
        "misaddressed": sheet.misaddressed,
    }
