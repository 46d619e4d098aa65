"""Hops added up to flows between keys, with home and abroad told apart."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from graphs.network.measures import HopMatrix
from graphs.network.moves import CERTAIN
from graphs.network.passages import Passage, passage
from waterbed.model.conclusions import Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Hops from one hoster to another."""

    from_key: Annotated[str, "hoster left"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "hoster arrived at"]
    to_name: Annotated[str, "its name for people"]
    passage: Annotated[Passage, "whether the home country is left, entered or neither"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, arrivals surely after leaving, or the same name re-pointed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowShare:
    """What part of what left one key arrived at another: one cell of the row-normalised hop matrix."""

    from_key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code; unknown: no table knew it"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "key arrived at"]
    to_name: Annotated[str, "its name for people"]
    hops: Annotated[int, "hops not known to be parallel, each once for each pair of its keys"]
    hops_fractional: Annotated[float, "the same, each shared equally among its pairs"]
    certain: Annotated[float, "of hops_fractional, the part that surely is displacement"]
    left: Annotated[float, "all hops that left the key, fractional: what the share is of"]
    share: Annotated[float, "hops_fractional / left, 0..1"]
    share_low: Annotated[float, "least share, whichever hops of unknown order are displacement"]
    share_high: Annotated[float, "largest share, whichever they are"]


def flows(hops: Iterable[Hop], *, names: Mapping[str, str], home: str | None) -> list[Flow]:
    """Add hops up by hoster left, hoster arrived at and passage, largest first.

    Hops known to be parallel are left out: a copy that was there before is not where the content went. Those whose
    order is unknown count in `hops` but not in `certain`, so the two are bounds.
    """
    total: Counter[tuple[str, str, Passage]] = Counter()
    certain: Counter[tuple[str, str, Passage]] = Counter()
    for hop in hops:
        if hop.order == "parallel":
            continue
        kind = (hop.from_hoster, hop.to_hoster, passage(hop, home))
        total[kind] += 1
        certain[kind] += hop.order in CERTAIN
    order = sorted(total, key=lambda kind: (-total[kind], kind))
    return [
        Flow(
            from_key=left,
            from_name=names.get(left, left),
            to_key=right,
            to_name=names.get(right, right),
            passage=way,
            hops=total[left, right, way],
            certain=certain[left, right, way],
        )
        for left, right, way in order
    ]


def flow_shares(matrix: HopMatrix, names: Mapping[str, str]) -> list[FlowShare]:
    """The cells of a hop matrix with names, most hops first."""
    columns = (matrix.hops, matrix.weight, matrix.certain, matrix.left, matrix.share, matrix.low, matrix.high)
    return [
        FlowShare(
            from_key=matrix.keys[a],
            from_name=names.get(matrix.keys[a], matrix.keys[a]),
            to_key=matrix.keys[b],
            to_name=names.get(matrix.keys[b], matrix.keys[b]),
            hops=hops,
            hops_fractional=weight,
            certain=certain,
            left=left,
            share=share,
            share_low=low,
            share_high=high,
        )
        for a, b, hops, weight, certain, left, share, low, high in zip(
            matrix.origin.tolist(), matrix.destination.tolist(), *(one.tolist() for one in columns), strict=True
        )
    ]
