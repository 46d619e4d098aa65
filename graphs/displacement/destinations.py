"""Where content that left a place was next seen.

By place, at home and abroad, before and after the event, for the target and its controls.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from waterbed.estimators.changes import ends_beyond, p_beyond
from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.detection import Bounds, part_bounds
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.estimators.survival.incidence import share_interval
from waterbed.estimators.trend import cluster_bootstrap, percentile_interval
from waterbed.estimators.wdd import Interval
from waterbed.graphs.displacement.answers import SEED, TypedAnswer, answer
from waterbed.graphs.displacement.disclosure import OTHERS, Pools, pools
from waterbed.graphs.displacement.movements import Gain, Movements
from waterbed.graphs.displacement.returns import NO_DETECTION, SIDES
from waterbed.graphs.displacement.series import Series
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import NOTHING, Count, Message, Number, Share, Term, joined
from waterbed.model.results import DestinationRow, Reading, Side

_ROUNDS = 999
_CELLS = ("before", "after", "control before", "control after")


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Arrivals of content that left the target or its controls.

    In the windows before and after the event.
    """

    series: Series
    reading: Reading
    names: Mapping[str, str]
    disclosure: Disclosure = EVERYTHING

    @cached_property
    def pools(self) -> Pools:
        """Groups of arrivals that are published together."""
        return pools([self.cells[name] for name in _CELLS], self.disclosure, first=_CELLS.index("after"))

    @cached_property
    def cells(self) -> dict[str, list[Gain]]:
        """Arrivals by window and origin."""
        event, arrivals = self.series.event, {name: list[Gain]() for name in _CELLS}
        for gain in self.series.movements.gains:
            if not gain.moved(self.reading) or (gain.left != event.target and gain.left not in event.controls):
                continue
            prefix = "" if gain.left == event.target else "control "
            for name, (start, end) in (("before", self.series.before), ("after", self.series.after)):
                if start <= gain.seen < end:
                    arrivals[f"{prefix}{name}"].append(gain)
        return arrivals

    def rows(self) -> Iterator[DestinationRow]:
        """Yield home, abroad and unknown, then each place.

        Places that received most of the target's content come first. There is none where none may be named: all of
        them together would be a place that received everything.
        """
        as_side, as_place = self.pools.sides, self.pools.places
        side_bounds = {side: self.bounds(side) for side in ("home", "abroad")}
        bounds = {side: interval for side, interval in side_bounds.items() if isinstance(interval, Bounds)}
        shown_cells = [name for name, is_shown in zip(_CELLS, self.pools.columns, strict=True) if is_shown]
        sides = {name: Counter[str](as_side[gain.side] for gain in self.cells[name]) for name in shown_cells}
        for side in dict.fromkeys(as_side[side] for side in SIDES if side in as_side):
            if any(counted[side] for counted in sides.values()):
                yield self._row(side, sides, bounds.get(side))
        places = {name: Counter[str](as_place[gain.place] for gain in self.cells[name]) for name in shown_cells}
        place_keys = {place for name in {"before", "after"} & {*shown_cells} for place in places[name]}

        def size(place: str) -> tuple[bool, int, int]:
            after, before_count = (places[name][place] if name in places else 0 for name in ("after", "before"))
            return place == OTHERS, -after, -before_count

        for place in (
            sorted(place_keys, key=lambda place_key: (*size(place_key), place_key)) if place_keys != {OTHERS} else ()
        ):
            yield self._row(place, places, None)

    def _row(self, key: str, counted: Mapping[str, Counter[str]], bounds: Bounds | None) -> DestinationRow:
        rounded = {
            name: {group: self.disclosure.rounded(n) for group, n in its.items()} for name, its in counted.items()
        }
        totals = {name: sum(its.values()) for name, its in rounded.items()}
        before_count, after, control_before, control_after = (
            rounded[name].get(key, 0) if name in rounded else None for name in _CELLS
        )
        return DestinationRow(
            reading=self.reading,
            key=key,
            name="other places" if key == OTHERS else self.names.get(key, key),
            before=before_count,
            after=after,
            control_before=control_before,
            control_after=control_after,
            share_before=before_count / totals["before"] if before_count is not None and totals["before"] else None,
            share_after=after / totals["after"] if after is not None and totals["after"] else None,
            low=self.disclosure.share(bounds.low) if bounds else None,
            high=self.disclosure.share(bounds.high) if bounds else None,
        )

    def bounds(self, side: Side, level: float = 0.95) -> Bounds | Refusal:
        """Bounds of a side's share of the arrivals afterwards.

        They hold chance, and detection by the way of arrival: a known URL is always looked at, a new one must be
        reported.
        """
        detection, after = self.series.event.detection, self.cells["after"]
        refused = (NO_DETECTION if detection is None else None) or self._withheld("after")
        refused = refused or _few_clusters(len({gain.cluster for gain in after}))
        if refused or detection is None:
            return refused or NO_DETECTION
        return part_bounds(
            [gain.side in (side, "unknown") for gain in after],
            [gain.side != side for gain in after],
            [(1.0, 1.0) if gain.known else detection.of(gain.side) for gain in after],
            [gain.cluster for gain in after],
            least=(detection.of(side)[0], detection.of("abroad" if side == "home" else "home")[0]),
            level=level,
        )

    def answers(self) -> Iterator[TypedAnswer]:
        """Yield the share abroad and its change against the controls.

        The share is bounded at the stated detection.
        """
        after, withheld = self.cells["after"], self._withheld("after")
        yield answer(
            "abroad after",
            "What share of what left the target after the event went abroad?",
            "detection.part_bounds",
            self.bounds("abroad"),
            reading=self.reading,
            n=len(after),
            n_of="arrivals",
            unit="share",
            scale="share",
            note=NOTHING if withheld or not after else _as_detected(after),
        )
        difference, clusters = self._difference()
        yield answer(
            "abroad, difference",
            "Did the share abroad change more for the target than for its controls?",
            "trend.cluster_bootstrap",
            difference,
            reading=self.reading,
            n=clusters,
            n_of="site clusters",
            unit="share",
            scale="share",
            note=joined(
                *(
                    Message.of(
                        "{cell} {share} of {arrivals}",
                        cell=Term(name),
                        share=Share(_abroad(sided_gains)),
                        arrivals=Count(len(sided_gains)),
                    )
                    for name, gains in self.cells.items()
                    if (sided_gains := [gain for gain in gains if gain.side != "unknown"])
                ),
                by="comma",
            ),
        )

    def _withheld(self, *names: str) -> Refusal | None:
        """Refuse if the share abroad would reveal too few sites."""
        shown_cells = [name for name, is_shown in zip(_CELLS, self.pools.columns, strict=True) if is_shown]
        if self.pools.abroad and {*names} <= {*shown_cells}:
            return None
        least = Number(self.disclosure.least)
        reason = Message.of("held back: it is about fewer than {least} sites at home or abroad", least=least)
        return Refusal(reason, "suppressed")

    def _difference(self) -> tuple[Interval | Refusal, int]:
        gains = [(n, gain) for n, name in enumerate(_CELLS) for gain in self.cells[name] if gain.side != "unknown"]
        cell = np.array([n for n, _ in gains], np.int64)
        abroad = np.array([gain.side == "abroad" for _, gain in gains], float)
        clusters = np.array([gain.cluster for _, gain in gains], np.int64)
        refused = self.series.unsound() or self._withheld(*_CELLS)
        for number, name in enumerate(_CELLS):
            cluster_count = np.unique(clusters[cell == number]).size
            few = Message.of(
                "{clusters} among the arrivals '{cell}'", clusters=Count(cluster_count, "cluster"), cell=Term(name)
            )
            refused = refused or too_few(cluster_count, few)
        if refused:
            return refused, np.unique(clusters).size

        def change(rows: np.ndarray) -> float | None:
            sizes = np.bincount(cell[rows], minlength=4)
            if not sizes.all():
                return None
            share = np.bincount(cell[rows], abroad[rows], minlength=4) / sizes
            return float((share[1] - share[0]) - (share[3] - share[2]))

        estimate = change(np.arange(cell.size))
        draws = cluster_bootstrap(clusters, change, rng=np.random.default_rng(SEED), rounds=_ROUNDS)
        cells = [cell == number for number in range(4)]
        shares = [float(abroad[mask].mean()) for mask in cells]
        numbers = [_worth(clusters[mask]) for mask in cells]
        low, high = _outer(percentile_interval(draws), ends_beyond(shares, numbers))
        p, least = max(_tail(draws), p_beyond(shares, numbers)), 2.0 / (len(draws) + 1)
        size = np.unique(clusters).size
        return Interval(estimate=estimate or 0.0, low=low, high=high, clusters=size, p=p, smallest_p=least), size


def _worth(clusters: npt.NDArray[np.int64]) -> float:
    """The number of clusters that a share over arrivals is worth."""
    return worth(np.unique(clusters, return_counts=True)[1], 1.0)


def _outer(resampled: tuple[float, float], at_least: tuple[float, float]) -> tuple[float, float]:
    """The outer ends of two intervals: where all clusters agree no resample varies."""
    return min(resampled[0], at_least[0]), max(resampled[1], at_least[1])


def _tail(draws: Sequence[float] | np.ndarray) -> float:
    """Two-sided p of 0 among resampled differences."""
    values = np.asarray(draws, dtype=float)
    less, more = (1 + (values <= 0).sum()) / (values.size + 1), (1 + (values >= 0).sum()) / (values.size + 1)
    return float(min(1.0, 2.0 * min(less, more)))


def overall_abroad(movements: Movements, reading: Reading) -> TypedAnswer:
    """Return the share of all observed arrivals that were abroad.

    Its interval comes from resampled site clusters, and is at least that of as many clusters as the share is worth.
    """
    gains = [gain for gain in movements.gains if gain.moved(reading) and gain.side != "unknown"]
    clusters = np.array([gain.cluster for gain in gains], np.int64)
    abroad = np.array([gain.side == "abroad" for gain in gains], float)
    interval: Interval | Refusal | None = _few_clusters(np.unique(clusters).size)
    if interval is None:
        draws = cluster_bootstrap(
            clusters, lambda rows: float(abroad[rows].mean()), rng=np.random.default_rng(SEED), rounds=_ROUNDS
        )
        low, high = _outer(percentile_interval(draws), share_interval(float(abroad.mean()), _worth(clusters)))
        interval = Interval(estimate=float(abroad.mean()), low=low, high=high, clusters=np.unique(clusters).size)
    return answer(
        "abroad",
        "What share of arrivals seen was abroad?",
        "trend.cluster_bootstrap",
        interval,
        reading=reading,
        n=len(gains),
        n_of="arrivals",
        unit="share as detected",
        scale="share",
    )


def _few_clusters(clusters: int) -> Refusal | None:
    return too_few(clusters, Message.of("{clusters} among the arrivals", clusters=Count(clusters, "cluster")))


def _as_detected(gains: Sequence[Gain]) -> Message:
    """The part abroad of arrivals whose side is known."""
    unknown = sum(gain.side == "unknown" for gain in gains)
    if unknown == len(gains):
        return Message.of("all on an unknown side; chance is in the bounds")
    abroad = Message.of("{share} as detected", share=Share(_abroad(gains)))
    rest = Message.of("{arrivals} on an unknown side", arrivals=Count(unknown)) if unknown else NOTHING
    return joined(joined(abroad, rest, by="comma"), Message.of("chance is in the bounds"))


def _abroad(gains: Sequence[Gain]) -> float:
    sided_gains = [gain for gain in gains if gain.side != "unknown"]
    return sum(gain.side == "abroad" for gain in sided_gains) / max(len(sided_gains), 1)
