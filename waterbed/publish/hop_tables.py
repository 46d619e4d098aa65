"""Tables of flows and shares, from cells of hops."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from graphs.displacement.disclosure import OTHERS
from graphs.network.flows import Flow, FlowShare
from graphs.network.moves import Level, ends_of
from graphs.network.weeks import CrossBorder
from waterbed.model.conclusions import Hop
from waterbed.publish.hop_cells import CellDisclosure, HopCells, pairs_of

OTHER_NAMES: Final[Mapping[Level, str]] = {"hoster": "other hosters", "as": "other ASes", "country": "other countries"}
"""Name of what is held back on each level."""


def flow_rows(found: HopCells, names: Mapping[str, str]) -> list[Flow]:
    """Return flows between hosters by passage, most hops first.

    What is held back of a hoster is one flow to others; what is held back of both ends is one from others to others.
    """
    sums: dict[tuple[str, str, CrossBorder | None], list[int]] = defaultdict(lambda: [0, 0])
    for cell in found.cells:
        for before, after, _ in pairs_of(cell, "hoster"):
            total = sums[before or OTHERS, after or OTHERS, cell.passage]
            total[0] += cell.hops
            total[1] += cell.certain
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
        )
        for (before, after, way), (hops, certain) in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.hops, row.from_key, row.to_key, row.passage or ""))


def share_rows(
    found: HopCells, hops: Sequence[Hop], level: Level, names: Mapping[str, str], disclosure: CellDisclosure
) -> list[FlowShare]:
    """Return what part of what left each key arrived where.

    Cells without the key left are in no row. Where such a cell has a hop of a key, or a hop of it waits
    for a later edition, the key's total is not known, and it has no shares.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
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
            )
        )
    return sorted(rows, key=lambda row: (-row.hops_fractional, row.from_key, row.to_key))
