"""Hops added up to flows between hosters, with home and abroad told apart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from waterbed.model.conclusions import Hop

Passage = Literal["stays home", "leaves home", "comes home", "stays abroad", "unknown"]

PASSAGES: Final[tuple[Passage, ...]] = ("leaves home", "stays home", "comes home", "stays abroad", "unknown")
"""In the order in which a reader asks for them."""

OTHERS: Final = "others"
"""Key of all flows too small to be drawn."""


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


def passage(hop: Hop, home: str | None) -> Passage:
    """Tell whether a hop leaves or enters the home country.

    A host is at home while any of its addresses is.
    """
    if not home or not hop.from_countries or not hop.to_countries:
        return "unknown"
    before, after = home in hop.from_countries, home in hop.to_countries
    if before:
        return "stays home" if after else "leaves home"
    return "comes home" if after else "stays abroad"


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
        certain[kind] += hop.order in ("sequential", "repointed")
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


def largest(found: Sequence[Flow], count: int) -> list[Flow]:
    """Keep the largest flows; the rest become one flow of others for each passage."""
    order = sorted(found, key=lambda flow: -flow.hops)
    kept, rest = order[:count], order[count:]
    for way in PASSAGES:
        small = [flow for flow in rest if flow.passage == way]
        if small:
            kept.append(
                Flow(
                    from_key=OTHERS,
                    from_name="other hosters",
                    to_key=OTHERS,
                    to_name="other hosters",
                    passage=way,
                    hops=sum(flow.hops for flow in small),
                    certain=sum(flow.certain for flow in small),
                )
            )
    return kept
