"""Hops added up: flows, shares, per-content timelines."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from waterbed.graphs.network.measures import HopMatrix
from waterbed.graphs.network.moves import CERTAIN, Level, Moves, OriginsOf, ends_of
from waterbed.graphs.network.paths import chains
from waterbed.graphs.network.weeks import CrossBorder, cross_border
from waterbed.model.conclusions import EndCause, Episode, Hop

EVIDENCE: Final = "kinds of evidence that link the content of these hops, sorted; same_url: it is one URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Hops from one hoster to another."""

    from_key: Annotated[str, "hoster left"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "hoster arrived at"]
    to_name: Annotated[str, "its name for people"]
    passage: Annotated[CrossBorder | None, "whether the home country is left, entered or neither; null: held back"]
    hops: Annotated[int, "hops that are not known to be parallel copies"]
    certain: Annotated[int, "of these, arrivals surely after leaving, or the same name re-pointed"]
    evidence: Annotated[tuple[str, ...], EVIDENCE] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowShare:
    """One cell of the row-normalised hop matrix.

    The share of content that left one key and arrived at another.
    """

    from_key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code; unknown: no table knew it"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "key arrived at"]
    to_name: Annotated[str, "its name for people"]
    hops: Annotated[int, "hops not known to be parallel, each once for each pair of its keys"]
    hops_fractional: Annotated[float, "the same, each shared equally among its pairs"]
    certain: Annotated[float, "of hops_fractional, the part that surely is displacement"]
    left: Annotated[float | None, "all hops that left the key, fractional: what the share is of; null: held back"]
    share: Annotated[float | None, "hops_fractional / left, 0..1; null: held back"]
    share_low: Annotated[float | None, "least share, whichever hops of unknown order are displacement"]
    share_high: Annotated[float | None, "largest share, whichever they are"]
    evidence: Annotated[tuple[str, ...], EVIDENCE] = ()


def flows(hops: Iterable[Hop], *, names: Mapping[str, str], home: str | None) -> list[Flow]:
    """Sum hops by hoster left, hoster arrived and border crossing.

    Largest first. Hops known to be parallel are left out: a copy that was there before is not where the content went.
    Those whose order is unknown count in `hops` but not in `certain`, so the two are bounds.
    """
    total: Counter[tuple[str, str, CrossBorder]] = Counter()
    certain: Counter[tuple[str, str, CrossBorder]] = Counter()
    evidence: dict[tuple[str, str, CrossBorder], set[str]] = defaultdict(set)
    for hop in hops:
        if hop.order == "parallel":
            continue
        kind = (hop.from_hoster, hop.to_hoster, cross_border(hop, home))
        total[kind] += 1
        certain[kind] += hop.order in CERTAIN
        evidence[kind].update(hop.evidence)
    order = sorted(total, key=lambda kind: (-total[kind], kind))
    return [
        Flow(
            from_key=origin,
            from_name=names.get(origin, origin),
            to_key=right,
            to_name=names.get(right, right),
            passage=passage,
            hops=total[origin, right, passage],
            certain=certain[origin, right, passage],
            evidence=tuple(sorted(evidence[origin, right, passage])),
        )
        for origin, right, passage in order
    ]


def evidence_by_pair(
    hops: Iterable[Hop], by: Level, origins: OriginsOf | None = None
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the kinds of evidence behind each pair of keys.

    Of hops not known to be parallel, sorted.
    """
    kinds_by_pair: dict[tuple[str, str], set[str]] = defaultdict(set)
    for hop in hops:
        if hop.order != "parallel":
            keys_before, after = ends_of(hop, by, origins)
            for origin in keys_before:
                for arrived in after:
                    kinds_by_pair[origin, arrived].update(hop.evidence)
    return {pair: tuple(sorted(kinds)) for pair, kinds in kinds_by_pair.items()}


def flow_shares(
    matrix: HopMatrix, names: Mapping[str, str], evidence: Mapping[tuple[str, str], tuple[str, ...]]
) -> list[FlowShare]:
    """Return a hop matrix's cells with names, most hops first.

    `evidence` holds the kinds of evidence behind each pair.
    """
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
            left=outgoing,
            share=share,
            share_low=low,
            share_high=high,
            evidence=evidence.get((matrix.keys[a], matrix.keys[b]), ()),
        )
        for a, b, hops, weight, certain, outgoing, share, low, high in zip(
            matrix.origin.tolist(), matrix.destination.tolist(), *(column.tolist() for column in columns), strict=True
        )
    ]


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
class TimelineRow:
    """One episode of a content: a URL at a hoster."""

    url_id: Annotated[str, "the URL"]
    hoster: Annotated[str, "key of the hoster"]
    name: Annotated[str, "its name for people"]
    known_up_at: Annotated[datetime, "first time it was known up there"]
    last_up: Annotated[datetime, "last time it was known up there"]
    first_down: Annotated[datetime | None, "first confirmed check that saw it down or elsewhere; null: none"]
    cause: Annotated[EndCause | None, "why it ended"]
    came_from: Annotated[str, "hoster that the hop to here left; empty: no hop"]
    kind: Annotated[str, "kind of that hop"]
    order: Annotated[str, "order class of that hop"]


def content_rows(hops: Sequence[Hop], moves: Moves) -> list[ContentRow]:
    """Return one row for each content that hopped.

    Most hops first; `moves` are those hops by hoster.
    """
    of_content: dict[str, list[Hop]] = {}
    for hop in hops:
        of_content.setdefault(hop.content_id, []).append(hop)
    surely, possibly = ({}, {}) if not hops else (_longest(moves, surely=True), _longest(moves, surely=False))
    rows = [
        ContentRow(
            content_id=content_id,
            hops=sum(hop.order != "parallel" for hop in content_hops),
            urls=len({url for hop in content_hops for url in (hop.from_url_id, hop.to_url_id)}),
            hosters=len({hoster for hop in content_hops for hoster in (hop.from_hoster, hop.to_hoster)}),
            chain_surely=surely.get(number, 0),
            chain_possibly=possibly.get(number, 0),
        )
        for number, (content_id, content_hops) in enumerate(of_content.items())
    ]
    return sorted(rows, key=lambda row: (-row.hops, -row.chain_possibly, row.content_id))


def _longest(moves: Moves, *, surely: bool) -> dict[int, int]:
    lengths = chains(moves, surely=surely)
    return dict(zip(lengths.contents.tolist(), lengths.longest.tolist(), strict=True))


def timeline_rows(episodes: Sequence[Episode], hops: Sequence[Hop], names: Mapping[str, str]) -> list[TimelineRow]:
    """Return the episodes of one content in time order."""
    hops_by_arrival = {(hop.to_url_id, hop.to_hoster, hop.arrived_before): hop for hop in hops}
    rows = []
    for episode in sorted(episodes, key=lambda episode: (episode.known_up_at, episode.url_id, episode.hoster)):
        hop = hops_by_arrival.get((episode.url_id, episode.hoster, episode.known_up_at))
        rows.append(
            TimelineRow(
                url_id=episode.url_id,
                hoster=episode.hoster,
                name=names.get(episode.hoster, episode.hoster),
                known_up_at=episode.known_up_at,
                last_up=episode.last_up,
                first_down=episode.first_down,
                cause=episode.cause,
                came_from=hop.from_hoster if hop else "",
                kind=hop.kind if hop else "",
                order=hop.order if hop else "",
            )
        )
    return rows
