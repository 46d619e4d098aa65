"""The truth about the hosters of a drawn study."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from waterbed.estimators.calendar_time import days_of_reports
from waterbed.lab.simulate.grammar import FEWEST_REGIMES
from waterbed.lab.simulate.grammar_process import WITHIN_H, Flags, Floats, Ints
from waterbed.lab.simulate.grammar_study import Study
from waterbed.measures.takedown import FEWEST_SITES
from waterbed.store.settings import Judge

FREEZE_H: Final = Judge().freeze_s / 3600
"""Time before the last check that no absence is confirmed in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TrueHoster:
    """The truth about one hoster in one study.

    `reported` and `expected` are of the reports that could be followed for WITHIN_H hours: times, and the chances of a
    removal over repetitions of the process.
    """

    reported: Floats
    expected: Floats
    reports: int
    sites: int
    days: float
    """Days that its reports span."""
    shown: bool
    """Whether a label of enough clusters, or enough regimes in the window, show how its removals depend."""
    hides: bool
    constant: bool
    together: float
    """Sites that are decided on at once, as a site meets it."""

    def share(self, since_h: float = 0.0) -> float:
        """The expected share removed; nan without a report.

        Of reports from a time on.
        """
        of = self.expected[self.reported >= since_h]
        return float(of.mean()) if of.size else float("nan")


def true_hosters(study: Study) -> list[TrueHoster]:
    """The truth about each hoster, by number."""
    until = float(study.checks.at.max(initial=0.0)) - FREEZE_H
    given = study.reported
    found = []
    for number in range(study.world.hosters):
        own = (given.hoster == number) | (given.turns & (given.second == number))
        followed = own & (given.reported + WITHIN_H <= until)
        site, unit = given.site[own], _decided_as_one(study, own, number)
        found.append(
            TrueHoster(
                reported=given.reported[followed],
                expected=given.expected[followed],
                reports=int(own.sum()),
                sites=int(np.unique(site).size),
                days=days_of_reports(given.reported[own]),
                shown=_shown(study, unit),
                hides=bool(study.hidden[own].any()),
                constant=study.world.drift == "constant",
                together=_together(site, unit),
            )
        )
    return found


def _decided_as_one(study: Study, own: Flags, hoster: int) -> Ints:
    """The number of the decision on each URL: its customer, its regime, or its site."""
    kind, given = study.world.dependence, study.reported
    if kind in ("independent", "sites"):
        return given.site[own]
    if kind == "customers":
        return given.customer[own]
    found: Ints = np.searchsorted(study.regimes[hoster], given.reported[own], side="right")
    return found


def _shown(study: Study, unit: Ints) -> bool:
    if study.world.dependence in ("independent", "sites"):
        return True
    several = np.unique(unit).size
    if study.world.dependence == "customers":
        return study.world.label != "none" and several >= FEWEST_SITES
    return several >= FEWEST_REGIMES


def _together(site: Ints, unit: Ints) -> float:
    """Sites with the same decision as a site drawn at random, that site included."""
    pairs = np.unique(np.stack([unit, site]), axis=1)
    if not pairs.shape[1]:
        return 1.0
    counts = np.unique(pairs[0], return_counts=True)[1]
    return float(np.square(counts).sum() / counts.sum())
