"""Hops by what reports tell of the content that left."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from waterbed.graphs.network.moves import CERTAIN
from waterbed.graphs.network.weeks import cross_border
from waterbed.measures.keys import Kind, reported_keys
from waterbed.model.conclusions import Hop
from waterbed.model.facts import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class HopsBy:
    """Hops of one kind of content or site."""

    key: Annotated[str, "category, type of site, or commercial use; not told: no report says"]
    contents: Annotated[int, "contents that hopped"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, surely displacement"]
    left_home_least: Annotated[int, "hops that surely are displacement and left home"]
    left_home_most: Annotated[int, "hops that may have left home"]


def hops_by(hops: Iterable[Hop], reports: Iterable[Report], kind: Kind, home: str) -> list[HopsBy]:
    """Count hops by what reports tell of what left.

    A hop stands at each of its keys. ValueError if reports give no keys of this kind. Most hops first. Pure.
    """
    keys = reported_keys(reports, kind)
    if keys is None:
        raise ValueError(f"reports tell no {kind}")
    groups: dict[str, list[Hop]] = defaultdict(list)
    for hop in hops:
        if hop.order != "parallel":
            for key in keys.get(hop.from_url_id, ()):
                groups[key].append(hop)
    rows = [_row(key, group, home) for key, group in groups.items()]
    return sorted(rows, key=lambda row: (-row.hops, row.key))


def _row(key: str, hops: list[Hop], home: str) -> HopsBy:
    ways = [cross_border(hop, home) for hop in hops]
    sure = [hop.order in CERTAIN for hop in hops]
    return HopsBy(
        key=key,
        contents=len({hop.content_id for hop in hops}),
        hops=len(hops),
        certain=sum(sure),
        left_home_least=sum(passage == "leaves home" and certain for passage, certain in zip(ways, sure, strict=True)),
        left_home_most=sum(passage in ("leaves home", "unknown") for passage in ways),
    )
