"""Where contents were: one row a content, or the time line of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from graphs.network.moves import Moves
from graphs.network.paths import chains
from waterbed.model.conclusions import EndCause, Episode, Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRow:
    """One content that hopped."""

    content_id: Annotated[str, "the content"]
    hops: Annotated[int, "hops not known to be parallel"]
    urls: Annotated[int, "distinct URLs in its hops"]
    hosters: Annotated[int, "distinct hosters in its hops"]
    chain_surely: Annotated[int, "hops of its longest path that surely is in order of time"]
    chain_possibly: Annotated[int, "hops of the longest path that may be"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StayRow:
    """One stay of a content: a URL at a hoster."""

    url_id: Annotated[str, "the URL"]
    hoster: Annotated[str, "key of the hoster"]
    name: Annotated[str, "its name for people"]
    known_up_at: Annotated[datetime, "first time it was known up there"]
    last_up: Annotated[datetime, "last time it was known up there"]
    first_down: Annotated[datetime | None, "first confirmed look that saw it down or elsewhere; null: none"]
    cause: Annotated[EndCause | None, "why it ended"]
    came_from: Annotated[str, "hoster that the hop to here left; empty: no hop"]
    kind: Annotated[str, "kind of that hop"]
    order: Annotated[str, "order class of that hop"]


def content_rows(hops: Sequence[Hop], moves: Moves) -> list[ContentRow]:
    """One row for each content that hopped, most hops first; `moves` are those hops by hoster."""
    of_content: dict[str, list[Hop]] = {}
    for hop in hops:
        of_content.setdefault(hop.content_id, []).append(hop)
    surely, possibly = ({}, {}) if not hops else (_longest(moves, surely=True), _longest(moves, surely=False))
    rows = [
        ContentRow(
            content_id=content_id,
            hops=sum(hop.order != "parallel" for hop in own),
            urls=len({url for hop in own for url in (hop.from_url_id, hop.to_url_id)}),
            hosters=len({hoster for hop in own for hoster in (hop.from_hoster, hop.to_hoster)}),
            chain_surely=surely.get(number, 0),
            chain_possibly=possibly.get(number, 0),
        )
        for number, (content_id, own) in enumerate(of_content.items())
    ]
    return sorted(rows, key=lambda row: (-row.hops, -row.chain_possibly, row.content_id))


def _longest(moves: Moves, *, surely: bool) -> dict[int, int]:
    found = chains(moves, surely=surely)
    return dict(zip(found.contents.tolist(), found.longest.tolist(), strict=True))


def stay_rows(episodes: Sequence[Episode], hops: Sequence[Hop], names: Mapping[str, str]) -> list[StayRow]:
    """The stays of one content, in the order in which they were known."""
    came = {(hop.to_url_id, hop.to_hoster, hop.arrived_before): hop for hop in hops}
    rows = []
    for stay in sorted(episodes, key=lambda one: (one.known_up_at, one.url_id, one.hoster)):
        hop = came.get((stay.url_id, stay.hoster, stay.known_up_at))
        rows.append(
            StayRow(
                url_id=stay.url_id,
                hoster=stay.hoster,
                name=names.get(stay.hoster, stay.hoster),
                known_up_at=stay.known_up_at,
                last_up=stay.last_up,
                first_down=stay.first_down,
                cause=stay.cause,
                came_from=hop.from_hoster if hop else "",
                kind=hop.kind if hop else "",
                order=hop.order if hop else "",
            )
        )
    return rows
