"""A study's compliance: who acted on notices, how fast, and whom notices reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from waterbed.analysis.rankings.clocks import LEGAL_H
from waterbed.analysis.rankings.compliance import SILENT_H, compliance, trends, unanswered
from waterbed.analysis.rankings.ranking import volumes_of
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import By
from waterbed.analysis.rankings.takedown import Clock as Started
from waterbed.model.conclusions import ClockKind
from waterbed.model.table import TableInfo
from waterbed.model.takedown import AddressedNotice, ComplianceRow, ComplianceTrend, TakedownClock, Unanswered
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

METHOD = (
    "removed within T of the origin: interval-censored cumulative incidence (discrete-time NPMLE, hour grid) of the "
    "cause 'removed'; 95% interval of what clocks are worth given how alike those of a site are, or of a batch if that "
    "is less; gone before the origin and late entries are no clocks; trend: weighted line through weekly shares, "
    "clusters resampled"
)
SEED = 20_260_105
"""Of the resampling: the same facts give the same interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """The clocks of one kind by hoster, AS or country, and what they tell."""

    conclusions: Conclusions
    clocks: Mapping[str, Sequence[TakedownClock]]
    hidden: Mapping[str, Sequence[Started]]
    """Clocks of what no look could decide."""
    names: Mapping[str, str]
    heading: TableInfo

    def shares(self, *, weeks: bool = False) -> list[ComplianceRow]:
        """The shares removed within some hours, those with most clocks first."""
        if self.conclusions.until is None:
            return []
        return compliance(self.clocks, self.names, until=self.conclusions.until, weeks=weeks, hidden=self.hidden)

    def trends(self, within_h: float = 24.0) -> list[ComplianceTrend]:
        """How the share changes from week to week."""
        if self.conclusions.until is None:
            return []
        rng = np.random.default_rng(SEED)
        return trends(self.clocks, self.names, until=self.conclusions.until, rng=rng, within_h=within_h)

    def unanswered(self, after_h: float | None = None) -> list[Unanswered]:
        """What stayed up for so long without an answer; by default 72 hours, after a legal order its 12."""
        usual = LEGAL_H if self.heading.clock == "legal_order" else SILENT_H
        return unanswered(self.clocks, self.names, after_h=usual if after_h is None else after_h)

    def notices(self) -> list[AddressedNotice]:
        """All notices with whom they reached, in time order."""
        return self.conclusions.notices

    def headed(self, what: str) -> TableInfo:
        """What one of its tables is."""
        return replace(self.heading, what=what)


def compliance_of(
    study: Study, *, by: By = "hoster", clock: ClockKind = "notice_delivered", conclusions: Conclusions | None = None
) -> Compliance:
    """A study's compliance by a clock; with `done` its conclusions are not drawn again."""
    concluded = conclusions or study.conclude()
    tables = RankingTables(conclusions=concluded, kind=by, clock=clock)
    clocks = {key: group for key, group in tables.clocks.items() if group}
    names = {key: key if by == "country" else concluded.attributor.name_of(key) for key in clocks}
    heading = replace(table_info(study, "compliance", by=by, clock=clock), method=METHOD)
    hidden = {key: volume.hidden for key, volume in volumes_of(tables.appearances).items()}
    return Compliance(conclusions=concluded, clocks=clocks, hidden=hidden, names=names, heading=heading)
