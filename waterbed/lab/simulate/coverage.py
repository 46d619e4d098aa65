"""Summaries of many simulated studies: coverage, width, bias, wrong ranks."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, median, stdev

from waterbed.lab.simulate.studies import StudyResult, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Coverage of the 95% intervals of one kind of trial."""

    what: str
    among: str
    trials: int
    covered: float
    error: float
    """Standard error of `covered`; intervals of one study are not quite independent."""
    too_high: float
    """Share of intervals that lie above the truth."""
    too_low: float
    bias: float | None
    """Mean of estimate less truth; None for medians, which may be infinite."""
    width_ratio: float | None
    """Mean width against that of exact times (medians: median of ratios), where both are finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The summary of a campaign of simulated studies."""

    studies: int
    looks: int
    coverage: tuple[Coverage, ...]
    blind: Mapping[str, int]
    """Studies by the rank of the hoster that lets us hang."""
    credited: tuple[float, float, float] | None
    """Hosters whose names go: mean measured, true and naive share."""
    size_speed: tuple[float, float, int] | None
    """Mean rank correlation of size and speed among equal hosters, its standard error, studies."""
    estimable: float
    """Share of hosters with an estimate of their share."""


def summarise(results: Sequence[StudyResult]) -> Campaign:
    """Sum up the results of a campaign."""
    trials = [trial for result in results for trial in result.trials]
    correlations = [result.size_speed for result in results if result.size_speed is not None]
    return Campaign(
        studies=len(results),
        looks=sum(result.looks for result in results),
        coverage=tuple(_coverages(trials)),
        blind=Counter(result.blind for result in results if result.blind != "none"),
        credited=_credited(results),
        size_speed=(
            (fmean(correlations), stdev(correlations) / sqrt(len(correlations)), len(correlations))
            if len(correlations) > 1
            else None
        ),
        estimable=sum(result.shares for result in results) / max(1, sum(result.hosters for result in results)),
    )


def _coverages(trials: Sequence[Trial]) -> list[Coverage]:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        one_site = "one big site" if trial.big else "no big site"
        when = "some reports late" if trial.late else "no report late"
        for among in ("all", trial.plan, when, one_site, _size(trial.sites), trial.role):
            groups[trial.what, among].append(trial)
    return [_coverage(what, among, group) for (what, among), group in sorted(groups.items())]


def _size(sites: int) -> str:
    return "10 to 19 sites" if sites < 20 else "20 to 39 sites" if sites < 40 else "40 sites or more"


def _coverage(what: str, among: str, group: Sequence[Trial]) -> Coverage:
    covered = fmean(trial.covered for trial in group)
    off = [trial.value - trial.true for trial in group]
    return Coverage(
        what=what,
        among=among,
        trials=len(group),
        covered=covered,
        error=sqrt(covered * (1 - covered) / len(group)),
        too_high=fmean(trial.low > trial.true for trial in group),
        too_low=fmean(trial.high < trial.true for trial in group),
        bias=fmean(off) if what != "median" else None,
        width_ratio=_width_ratio(what, group),
    )


def _width_ratio(what: str, group: Sequence[Trial]) -> float | None:
    pairs = [(trial.high - trial.low, trial.exact[1] - trial.exact[0]) for trial in group if trial.exact]
    finite = [(ours, exact) for ours, exact in pairs if isfinite(ours) and isfinite(exact) and exact > 0]
    if not finite:
        return None
    if what == "median":
        return median(ours / exact for ours, exact in finite)
    return fmean(ours for ours, _ in finite) / fmean(exact for _, exact in finite)


def _credited(results: Sequence[StudyResult]) -> tuple[float, float, float] | None:
    pairs = [
        (trial.value, trial.true, result.naive)
        for result in results
        for trial in result.trials
        if trial.role == "names go" and trial.what != "median" and result.naive is not None
    ]
    if not pairs:
        return None
    measured, true, naive = (fmean(column) for column in zip(*pairs, strict=True))
    return measured, true, naive
