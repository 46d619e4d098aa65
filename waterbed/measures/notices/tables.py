"""A study's compliance with notices.

Shares removed after notices, response times, and the recipients that notices reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np

from waterbed.measures.keys import Kind, size_kind
from waterbed.measures.notices.compliance import SILENT_H, compliance, deadlines, trends, unanswered
from waterbed.measures.notices.effect import notice_effects
from waterbed.measures.notices.returns import returns
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import Clock as Started
from waterbed.model.conclusions import ClockKind, RankingRow
from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.table import TableInfo
from waterbed.model.takedown import (
    AddressedNotice,
    ComplianceRow,
    ComplianceTrend,
    DeadlineRow,
    NoticeEffect,
    ReturnRow,
    TakedownClock,
    Unanswered,
)
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

METHOD = (
    "removed within T of the origin: interval-censored cumulative incidence (discrete-time NPMLE, hour grid) of the "
    "cause 'removed'; 95% interval of what clocks are worth given how alike those of a site are, or of a batch if that "
    "is less; gone before the origin and late entries are no clocks; trend: weighted line through weekly shares, "
    "clusters resampled"
)
RETURN_METHOD = (
    "of the same reports: first removed within 24 h, as in rank; removed and not up there at 24 h; removed within 24 h "
    "and not seen anywhere under its content id for 30 or 90 days; 95% intervals of the expected share over "
    "repetitions of the process; worst and best: what nobody saw, and what was not confirmed, taken either way "
    "(docs/notices.md, Content that comes back)"
)
EFFECT_METHOD = (
    "hazard ratios of removal from a complementary log-log model of interval-censored clocks from the report: age in "
    "bands, hosters as shrunk effects, notices and reminders from their arrival on; errors by clusters; kinds of "
    "notices: interval log-rank test, clusters permuted (docs/notices.md, Effect of notices)"
)
_ALL: Final = "all"
"""Key of the row of all keys together."""
SEED = 20_260_105
"""Of the resampling: the same facts give the same interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """The takedown clocks of one kind, by key.

    Keys are hosters, ASes or countries.
    """

    conclusions: Conclusions
    clocks: Mapping[str, Sequence[TakedownClock]]
    hidden: Mapping[str, Sequence[Started]]
    """Clocks of what no look could decide."""
    names: Mapping[str, str]
    info: TableInfo
    tables: RankingTables
    """The ranking by the same clocks."""

    @property
    def differing(self) -> frozenset[str]:
        """Keys whose content goes by our looks: nothing is told of their removals."""
        return self.tables.differing

    @property
    def ranked(self) -> dict[str, RankingRow]:
        """The rows of the ranking by the same clocks."""
        return {row.key: row for row in self.tables.rows}

    def shares(self, *, weeks: bool = False) -> list[ComplianceRow]:
        """The shares removed within some hours, most clocks first."""
        if self.conclusions.until is None:
            return []
        until, hidden, ranked = self.conclusions.until, self.hidden, self.ranked
        return compliance(self.clocks, self.names, until=until, weeks=weeks, hidden=hidden, ranked=ranked)

    def trends(self, within_h: float = 24.0) -> list[ComplianceTrend]:
        """The weekly change of the share removed."""
        if self.conclusions.until is None:
            return []
        rng = np.random.default_rng(SEED)
        told = {key: group for key, group in self.clocks.items() if key not in self.differing}
        return trends(told, self.names, until=self.conclusions.until, rng=rng, within_h=within_h)

    def unanswered(self, after_h: float | None = None) -> list[Unanswered]:
        """URLs that stayed up for so long without an answer.

        By default 72 hours; after an order with a deadline, that.
        """
        return unanswered(self.clocks, self.names, after_h=SILENT_H if after_h is None else after_h)

    def deadlines(self, *, together: bool = False) -> list[DeadlineRow]:
        """Removals by the deadlines of notices, by key and kind.

        Orders and other notices run clocks of their own, whatever the clock of the other tables. `together` makes one
        row of a kind, of all keys: each clock counts once.
        """
        until = self.conclusions.until
        if until is None:
            return []
        found = []
        for clock in _NOTICED:
            tables = RankingTables(conclusions=self.conclusions, kind=self.info.by, clock=clock)
            names = {key: tables.names.get(key, key) for key in tables.clocks}
            told = {key: group for key, group in tables.clocks.items() if key not in self.differing}
            hidden = dict(tables.hidden)
            if together:
                once = {(one.url_id, one.origin): one for group in told.values() for one in group}
                dark = [one for key, own in hidden.items() if key not in self.differing for one in own]
                told, hidden = {_ALL: list(once.values())} if once else {}, {_ALL: dark}
            found += deadlines(told, names, until=until, hidden=hidden)
        return sorted(found, key=lambda row: (-row.due, -row.clocks, row.key, row.kind))

    def returns(self) -> list[ReturnRow]:
        """Content that came back after removal, by key.

        Of reports, whatever the clock of the other tables.
        """
        kind = self.info.by
        by = size_kind(kind)
        if by is None:
            raise InputError(
                f"what came back is counted at places: by hoster, asn or country, not by {kind} (docs/notices.md)"
            )
        until = self.conclusions.until
        if until is None:
            return []
        tables = RankingTables(conclusions=self.conclusions, kind=kind, events=self.tables.events)
        names = {key: tables.names.get(key, key) for key in tables.groups}
        told = {key: group for key, group in tables.groups.items() if key not in self.differing}
        return returns(
            told,
            self.conclusions.everywhere,
            names,
            until=until,
            by=by,
            hidden=tables.hidden,
            labels=tables.labels,
            ranked={row.key: row for row in tables.rows},
        )

    def effects(self) -> list[NoticeEffect]:
        """The effect of notices on removal, in time.

        Clocks run from the report, whatever the clock of the other tables. Those of hosters whose content goes by our
        looks are left out.
        """
        tables = RankingTables(conclusions=self.conclusions, kind="hoster", clock="reported")
        told = {key: group for key, group in tables.clocks.items() if key not in tables.differing}
        return notice_effects(told, self.conclusions.notice_context.notices, np.random.default_rng(SEED))

    def notices(self) -> list[AddressedNotice]:
        """All notices with whom they reached, in time order."""
        return self.conclusions.notices

    def info_of(self, what: str) -> TableInfo:
        """The metadata of one of its tables."""
        info = replace(self.info, what=what)
        methods = {"effect": EFFECT_METHOD, "returns": RETURN_METHOD}
        return replace(info, clock="reported", method=methods[what]) if what in methods else info


_NOTICED: Final[tuple[ClockKind, ...]] = ("legal_order", "notice_delivered")
"""Clocks of notices, without those of one kind twice."""


@stage("removal after notices")
def compliance_of(
    study: Study,
    *,
    by: Kind = "hoster",
    clock: ClockKind = "notice_delivered",
    conclusions: Conclusions | None = None,
    events: Mapping[str, Sequence[datetime]] = MappingProxyType({}),
) -> Compliance:
    """A study's compliance by a clock.

    `conclusions` are used if given, else drawn; `events` are dates of declared events by target (`RankingTables`).
    """
    concluded = conclusions or study.conclude()
    tables = RankingTables(conclusions=concluded, kind=by, clock=clock, events=events)
    clocks = {key: group for key, group in tables.clocks.items() if group}
    names = {key: tables.names.get(key, key) for key in clocks}
    info = replace(table_info(study, "compliance", by=by, clock=clock, window=concluded.window), method=METHOD)
    return Compliance(conclusions=concluded, clocks=clocks, hidden=tables.hidden, names=names, info=info, tables=tables)
