"""Tables of flows and shares, from cells of hops."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from waterbed.graphs.displacement.disclosure import OTHERS
from waterbed.graphs.network.flows import Flow, FlowShare
from waterbed.graphs.network.graph import TimedFlow
from waterbed.graphs.network.moves import Level, ends_of
from waterbed.graphs.network.weeks import CrossBorder, week_window
from waterbed.model.conclusions import Hop
from waterbed.publish.hop_cells import CellDisclosure, HopCell, HopCells
from waterbed.publish.hop_sums import pairs_of

OTHER_NAMES: Final[Mapping[Level, str]] = {"hoster": "other hosters", "as": "other ASes", "country": "other countries"}
"""Name of what is held back on each level."""


def flow_rows(found: HopCells, names: Mapping[str, str]) -> list[Flow]:
    """Return flows between hosters by passage, most hops first.

    What is held back of a hoster is one flow to others; what is held back of both ends is one from others to others.
    """
    sums: dict[tuple[str, str, CrossBorder | None], list[int]] = defaultdict(lambda: [0, 0])
    evidence: dict[tuple[str, str, CrossBorder | None], set[str]] = defaultdict(set)
    for cell in found.cells:
        for before, after, _ in pairs_of(cell, "hoster"):
            total = sums[before or OTHERS, after or OTHERS, cell.passage]
            total[0] += cell.hops
            total[1] += cell.certain
            evidence[before or OTHERS, after or OTHERS, cell.passage].update(cell.evidence)
    named = {OTHERS: OTHER_NAMES["hoster"], **names}
    rows = [
        Flow(
            from_key=before,
            from_name=named.get(before, before),
            to_key=after,
            to_name=named.get(after, after),
            passage=way,
            hops=hops,
            certain=certain,
            evidence=tuple(sorted(evidence[before, after, way])),
        )
        for (before, after, way), (hops, certain) in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.hops, row.from_key, row.to_key, row.passage or ""))


def timed_flows(found: HopCells) -> list[TimedFlow]:
    """Return flows between two named hosters with their weeks.

    Sorted by their keys; weeks are those in which cells lie.
    """
    cells: dict[tuple[str, str], list[HopCell]] = defaultdict(list)
    for cell in found.cells:
        for before, after, _ in pairs_of(cell, "hoster"):
            if before is not None and after is not None:
                cells[before, after].append(cell)
    return [
        TimedFlow(
            from_key=before,
            to_key=after,
            hops=sum(cell.hops for cell in own),
            certain=sum(cell.certain for cell in own),
            evidence=tuple(sorted({kind for cell in own for kind in cell.evidence})),
            spans=tuple(sorted({_days(found.weeks[cell.first], found.weeks[cell.last]) for cell in own})),
        )
        for (before, after), own in sorted(cells.items())
    ]


def _days(first: str, last: str) -> tuple[date, date]:
    """The first and the last day of some weeks."""
    return week_window(first)[0].date(), (week_window(last)[1] - timedelta(days=1)).date()


def share_rows(
    found: HopCells, hops: Sequence[Hop], level: Level, names: Mapping[str, str], disclosure: CellDisclosure
) -> list[FlowShare]:
    """Return what part of what left each key arrived where.

    Cells without the key left are in no row. Where such a cell has a hop of a key, or a hop of it waits
    for a later edition, the key's total is not known, and it has no shares.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    evidence: dict[tuple[str, str], set[str]] = defaultdict(set)
    nameless = {at for at, hop in enumerate(hops) if hop.order != "parallel"}
    for cell, members in zip(found.cells, found.members, strict=True):
        for before, after, part in pairs_of(cell, level):
            if before is None:
                continue
            nameless.difference_update(members)
            total = sums[before, after or OTHERS]
            total[0] += cell.hops
            total[1] += part * cell.hops
            total[2] += part * cell.certain
            evidence[before, after or OTHERS].update(cell.evidence)
    partial = {key for at in nameless for key in ends_of(hops[at], level, disclosure.origins)[0]}
    left, surely = defaultdict[str, float](float), defaultdict[str, float](float)
    for (before, _), (_, weight, certain) in sums.items():
        left[before] += weight
        surely[before] += certain
    named = {OTHERS: OTHER_NAMES[level], **names}
    rows = []
    for (before, after), (count, weight, certain) in sums.items():
        known = before not in partial
        least, most = certain + left[before] - weight, weight + surely[before] - certain
        rows.append(
            FlowShare(
                from_key=before,
                from_name=named.get(before, before),
                to_key=after,
                to_name=named.get(after, after),
                hops=round(count),
                hops_fractional=weight,
                certain=certain,
                left=left[before] if known else None,
                share=weight / left[before] if known else None,
                share_low=(certain / least if least > 0 else 1.0) if known else None,
                share_high=weight / most if known else None,
                evidence=tuple(sorted(evidence[before, after])),
            )
        )
    return sorted(rows, key=lambda row: (-row.hops_fractional, row.from_key, row.to_key))
