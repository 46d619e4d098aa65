"""The worth of shares whose outcomes share chance over time.

A hoster that works a queue off, or sleeps, decides on many reports at once: neither reports nor sites are independent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.cluster_shares import beta_binomial, worth
from waterbed.estimators.refusal import Refusal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_DAYS: Final = 7.0
"""Days with reports below which nothing is said of how a hoster works: one week, with its weekend."""
GAP_H: Final = 72.0
"""Hours that a longer gap between two reports counts as."""
STEP_H: Final = 8.0
"""Hours of one step of the series, in the rule for the degrees of freedom."""
LEAST_FREEDOM: Final = 5
BLOCK_H: Final = 36.0
"""Length of the calendar blocks that are counted by the outcomes that they hold."""
FEWEST_BLOCKS: Final = 5
"""Blocks with either outcome below which a share is worth no more than the blocks."""


def days_of_reports(at_h: npt.ArrayLike) -> float:
    """Days that reports span, gaps beyond GAP_H counted as GAP_H."""
    gaps = np.diff(np.sort(np.asarray(at_h, dtype=float)))
    return float(np.minimum(gaps, GAP_H).sum()) / 24.0


def freedom(days: float) -> int:
    """Degrees of freedom for so many days of reports.

    The nearest whole number to 0.4 T^(2/3), T the steps of STEP_H, at least LEAST_FREEDOM (Lazarus, Lewis, Stock and
    Watson, Journal of Business and Economic Statistics 36, 2018, equation 4: the rule, with its coefficient).
    """
    return max(LEAST_FREEDOM, int(0.4 * (days * 24.0 / STEP_H) ** (2.0 / 3.0) + 0.5))


def cosine_variance(values: npt.ArrayLike, terms: int) -> float:
    """Variance of the mean of a series, equal-weighted cosine.

    1/(n B) sum over j = 1..B of (sqrt(2/n) sum over t of x_t cos(pi j (t - 1/2) / n))^2: Student's t with B degrees of
    freedom holds for the mean if dependence is short against n/B (Lazarus et al. 2018; Mueller, Journal of Econometrics
    141, 2007). Raises ValueError unless 1 <= B < n.
    """
    x = np.asarray(values, dtype=float)
    if not 1 <= terms < x.size:
        raise ValueError(f"a series of {x.size} gives no variance by {terms} cosines")
    waves = scipy.fft.dct(x - x.mean(), type=2)[1 : terms + 1] / np.sqrt(2.0 * x.size)
    return float(np.square(waves).mean()) / x.size


def cluster_variance(values: npt.ArrayLike, cluster: npt.ArrayLike) -> float:
    """Variance of a mean over clusters of any sizes, linearised.

    G/(G-1) sum of squared residual sums / n^2 (Liang and Zeger, Biometrika 73, 1986). Raises ValueError below two
    clusters.
    """
    x = np.asarray(values, dtype=float)
    _, member = np.unique(np.asarray(cluster), return_inverse=True)
    sums = np.bincount(member, x - x.mean())
    if sums.size < 2:
        raise ValueError("a variance needs two clusters")
    return float(np.square(sums).sum()) / x.size**2 * sums.size / (sums.size - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The worth of a share in independent outcomes.

    `freedom` are the degrees of freedom of its error over time.
    """

    number: float
    freedom: int

    @property
    def error(self) -> float:
        """Standard error of arcsin sqrt of the share.

        Studentised by it, the deviation follows Student's t.
        """
        return 0.5 / float(np.sqrt(self.number / _student(self.freedom, 0.95)))


def effective_number(
    hits: npt.ArrayLike, at_h: npt.ArrayLike, cluster: npt.ArrayLike, *, level: float = 0.95
) -> Worth | Refusal:
    """Number of independent outcomes that a share is worth.

    `hits` are true where report i had the outcome, `at_h` its time, `cluster` its site. Jeffreys' interval for so many
    (`share_interval`) holds the expected share over repetitions of the process, for these reports and sites, where
    outcomes depend within sites and, for some days, over time. It is the least of the numbers that give

    - the intra-cluster correlation of sites (`worth`), which holds for few large sites, too;
    - the variance over sites, which heeds that large sites fare otherwise, and Student's t;
    - the variance over time: outcomes in the order of their reports, by cosines (`cosine_variance`), and Student's t.

    A number n with v degrees of freedom counts as n (z/t)^2 (Korn and Graubard, Survey Methodology 24, 1998). Rare
    bursts give no variance to rely on: where fewer than FEWEST_BLOCKS blocks of BLOCK_H hold either outcome, the share
    is worth at most the blocks with reports. Refused below LEAST_DAYS of reports. All bounds and degrees of freedom
    depend on report times and sites alone. Raises ValueError for unequal lengths or no report.
    """
    x, at = np.asarray(hits, dtype=float), np.asarray(at_h, dtype=float)
    names, member = np.unique(np.asarray(cluster), return_inverse=True)
    if x.shape != at.shape or x.shape != member.shape or not x.size:
        raise ValueError("an effective number needs outcomes, each with a time and a cluster")
    days = days_of_reports(at)
    if days < LEAST_DAYS or names.size < 2:
        return Refusal(f"reports span {days:.1f} days where at least {LEAST_DAYS:g} are needed")
    sizes = np.bincount(member)
    sums = np.bincount(member, x)
    found = [worth(sizes, beta_binomial(sums, sizes).correlation)]
    order = np.argsort(at, kind="stable")
    share, terms = float(x.mean()), min(freedom(days), names.size - 1)
    spread = share * (1.0 - share)
    for variance, degrees in (
        (cluster_variance(x, member), names.size - 1),
        (cosine_variance(x[order], terms), terms),
    ):
        number = min(x.size, spread / variance) if variance > 0 and spread > 0 else float(x.size)
        found.append(number * _student(degrees, level))
    with_reports, fewest = _blocks(x, at)
    if fewest < FEWEST_BLOCKS:
        found.append(float(with_reports))
    return Worth(number=max(0.5, min(found)), freedom=terms)


def _student(degrees: int, level: float) -> float:
    """(z / t)^2 at a level."""
    tail = (1.0 + level) / 2
    return float((scipy.special.ndtri(tail) / scipy.special.stdtrit(degrees, tail)) ** 2)


def _blocks(x: Floats, at: Floats) -> tuple[int, int]:
    """Blocks with reports, and those with the outcome that fewer of them hold."""
    first, length = float(at.min()), float(at.max() - at.min())
    count = max(2, round(length / BLOCK_H))
    block = np.minimum((count * (at - first) / max(length, 1e-9)).astype(np.int64), count - 1)
    seen, hit = np.bincount(block, minlength=count), np.bincount(block, x, count)
    return int((seen > 0).sum()), int(min((hit > 0.5).sum(), (seen - hit > 0.5).sum()))


def least_batches(begin_h: npt.ArrayLike, end_h: npt.ArrayLike) -> int:
    """Fewest instants that could hold all events.

    Events lie in half-open (begin, end]. Greedy, by the earliest end: the least number of points that pierce all
    intervals (Gupta, Lee and Leung, Networks 12, 1982).
    """
    begin, end = np.asarray(begin_h, dtype=float), np.asarray(end_h, dtype=float)
    order = np.argsort(end, kind="stable")
    count, last = 0, -np.inf
    for low, high in zip(begin[order].tolist(), end[order].tolist(), strict=True):
        if low >= last:
            count, last = count + 1, high
    return count
