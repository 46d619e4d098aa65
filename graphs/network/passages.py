"""Home and abroad: which hops leave the home country, and what share of them."""

from collections.abc import Iterable
from typing import Final, Literal

from graphs.network.measures import Share, bounded_share
from graphs.network.moves import CERTAIN
from waterbed.model.conclusions import Hop

Passage = Literal["stays home", "leaves home", "comes home", "stays abroad", "unknown"]

PASSAGES: Final[tuple[Passage, ...]] = ("leaves home", "stays home", "comes home", "stays abroad", "unknown")
"""In the order in which a reader asks for them."""


def passage(hop: Hop, home: str | None) -> Passage:
    """Tell whether a hop leaves or enters the home country.

    A host is at home while any of its addresses is.
    """
    return _passage(hop.from_countries, hop.to_countries, home)


def _passage(before: tuple[str, ...], after: tuple[str, ...], home: str | None) -> Passage:
    if not home or not before or not after:
        return "unknown"
    if home in before:
        return "stays home" if home in after else "leaves home"
    return "comes home" if home in after else "stays abroad"


def abroad_shares(hops: Iterable[Hop], home: str | None) -> dict[str, Share]:
    """Of what left home and of what left abroad: the share that arrived abroad.

    Keys are "home" and "abroad", where it was before. Hops with unknown countries are in neither.
    """
    told: dict[tuple[tuple[str, ...], tuple[str, ...], bool], float] = {}
    for hop in hops:
        if hop.order != "parallel":
            kind = (hop.from_countries, hop.to_countries, hop.order in CERTAIN)
            told[kind] = told.get(kind, 0.0) + 1.0
    totals: dict[tuple[Passage, bool], float] = {}
    for (before, after, certain), number in told.items():
        way = _passage(before, after, home)
        totals[way, certain] = totals.get((way, certain), 0.0) + number

    def share(out: Passage, back: Passage) -> Share:
        hit, miss = totals.get((out, True), 0.0), totals.get((back, True), 0.0)
        doubted, missed = totals.get((out, False), 0.0), totals.get((back, False), 0.0)
        return bounded_share(hit, hit + miss, hit + doubted, hit + miss + doubted + missed)

    return {"home": share("leaves home", "stays home"), "abroad": share("stays abroad", "comes home")}
