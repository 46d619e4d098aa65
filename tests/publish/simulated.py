"""Publications of drawn studies: hosters in countries, small ones among them, sources, notices, hops; and they grow."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.graphs.hop_makers import hop
from tests.publish.attacker import FEWEST
from waterbed.graphs.network.flows import Flow, FlowShare, evidence_by_pair, flow_shares, flows
from waterbed.graphs.network.measures import hop_matrix
from waterbed.graphs.network.moves import Level, moves_of
from waterbed.measures.keys import Appearance
from waterbed.measures.ranking import rank
from waterbed.model.conclusions import Hop, RankingRow
from waterbed.model.results import FeedCard, FeedRow, PlaceRow
from waterbed.model.table import TableInfo
from waterbed.model.takedown import ComplianceRow
from waterbed.publish.hop_cells import CellDisclosure
from waterbed.publish.policy import Basis, Policy, Publication, Table
from waterbed.publish.site.displacement import chain_rows, shown_hops
from waterbed.publish.suppression import Key, layer_of
from waterbed.study.formats import as_json

KINDS = ("hoster", "asn", "country", "seat")
BY_LEVEL: Mapping[Level, str] = {"hoster": "hoster", "as": "asn", "country": "country"}
LEAST = 3
DAY = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Url:
    """A URL of a site of its own, with all keys that an outsider may know of, and what nobody is told."""

    number: int
    keys: Mapping[str, frozenset[str]]
    category: str
    sources: frozenset[str]
    weeks: tuple[int, ...]

    @property
    def network(self) -> frozenset[Key]:
        return frozenset((kind, key) for kind, keys in self.keys.items() for key in keys)


@dataclass(frozen=True)
class World:
    """Hosters with their country and ASes, and in order of time the URLs and hops there."""

    hosters: Mapping[str, tuple[str, tuple[str, ...]]]
    urls: Sequence[Url] = field(default_factory=list)
    hops: Sequence[Hop] = field(default_factory=list)


def drawn(seed: int, hosters: int | None = None, scale: float = 1.0) -> World:
    """A world: few hosters have most, many have one or two URLs; one URL in twenty is at two hosters."""
    chance = random.Random(seed)
    number = hosters or chance.randint(4, 8)
    countries = [f"C{at}" for at in range(max(2, number // 3))]
    where = {
        f"h{at}": (chance.choice(countries), tuple(f"AS{10 * at + one}" for one in range(chance.choice((1, 1, 2)))))
        for at in range(number)
    }
    sizes = {key: round(chance.choice((1, 2, 2, 2, 3, 4, 6, 10, 25, 40)) * scale) or 1 for key in where}
    at_hosters = [key for key, size in sizes.items() for _ in range(size)]
    chance.shuffle(at_hosters)
    urls = [_url(at, key, where, chance) for at, key in enumerate(at_hosters)]
    weights = [sizes[key] for key in where]
    hops = [_hop(at, chance.choices(list(where), weights, k=2), where, chance) for at in range(len(urls) // 2)]
    return World(hosters=where, urls=urls, hops=[one for one in hops if one])


def _url(number: int, hoster: str, where: Mapping[str, tuple[str, tuple[str, ...]]], chance: random.Random) -> Url:
    own = {hoster} | ({chance.choice(list(where))} if chance.random() < 0.05 else set())
    seats = frozenset(where[key][0] for key in own)
    return Url(
        number=number,
        keys={
            "hoster": frozenset(own),
            "asn": frozenset(chance.choice(where[key][1]) for key in own),
            "country": seats,
            "seat": seats,
        },
        category=chance.choices(("phishing", "malware", "rare"), (60, 30, 2))[0],
        sources=frozenset(chance.choices(("hotline", "feed", "tips"), (60, 30, 2), k=chance.choice((1, 1, 2)))),
        weeks=tuple(chance.sample(range(4), k=chance.choice((0, 0, 1)))),
    )


def of_hosters(where: Mapping[str, tuple[str, tuple[str, ...]]], number: int, hosters: Collection[str]) -> Url:
    """A URL that is at some hosters."""
    countries = frozenset(where[key][0] for key in hosters)
    return Url(
        number=number,
        keys={
            "hoster": frozenset(hosters),
            "asn": frozenset(where[key][1][0] for key in hosters),
            "country": countries,
            "seat": countries,
        },
        category="phishing",
        sources=frozenset({"hotline"}),
        weeks=(),
    )


def _hop(
    number: int, ends: Sequence[str], where: Mapping[str, tuple[str, tuple[str, ...]]], chance: random.Random
) -> Hop | None:
    if ends[0] == ends[1]:
        return None
    gone = 24.0 * chance.randrange(28)
    return hop(
        *ends,
        (gone, gone + 1),
        (gone + 1, gone + 2),
        content=f"c{number}",
        from_url_id=f"f{number}",
        to_url_id=f"t{number}",
        before=(where[ends[0]][0],),
        after=(where[ends[1]][0],),
    )


def publication(world: World, part: float = 1.0) -> Publication:
    """All that could be published of the first part of a world, before any suppression."""
    urls, hops = world.urls[: round(len(world.urls) * part)], world.hops[: round(len(world.hops) * part)]
    policy = Policy(
        publisher="p", namespace="n", tlp="amber", licence="CC0-1.0", least=LEAST, cases=False, addresses=False
    )
    return Publication(
        title="simulated",
        made_at=DAY,
        first=DAY,
        last=DAY,
        policy=policy,
        tables=[
            *_rankings(urls),
            *(_places(urls, kind) for kind in BY_LEVEL.values()),
            *_sources(urls),
            *_notices(urls),
            *_flows(world, hops),
        ],
        sources={},
        origins={},
        countries={},
        basis=_basis(world, urls, hops),
    )


def published(found: Publication) -> dict[str, dict[str, Any]]:
    """The tables as files have them, by name."""
    return {table.name: json.loads(as_json(table.cls, table.rows, table.envelope)) for table in found.tables}


def chains(world: World, found: Publication) -> list[dict[str, Any]]:
    """The table of chains of a publication of a world."""
    rows = []
    for level in BY_LEVEL:
        shown = shown_hops(found.basis.hops, found.cells, level)
        for row in chain_rows(moves_of(shown, by=level, origins=_origins(world)), found.policy.least):
            rows.append({"level": level, "hops": row.hops, "surely": row.surely, "possibly": row.possibly})
    return rows


def _info(what: str, by: str) -> TableInfo:
    return TableInfo(
        what=what, by=by, clock="reported", window="", method="", data_dates={}, run="r", version="0", left_out=0
    )


def _seen(urls: Iterable[Url], kind: str) -> list[Appearance]:
    return [
        Appearance(
            url_id=f"u{url.number}",
            host_id=f"o{url.number}",
            site_id=f"s{url.number}",
            keys=(url.category,) if kind == "category" else tuple(sorted(url.keys[kind])),
            decided=True,
            proxy=False,
        )
        for url in urls
    ]


def _rankings(urls: Sequence[Url]) -> Iterable[Table]:
    for kind in (*KINDS, "category"):
        rows = rank(_seen(urls, kind), [], by="hoster", names={})
        yield Table(name=f"ranking-{kind}", title="", cls=RankingRow, rows=rows, envelope=_info("ranking", kind))


def _places(urls: Sequence[Url], kind: str, among: Collection[str] | None = None) -> Table:
    """Places of all keys with ten URLs, each of them certain."""
    sizes = Counter(key for url in urls for key in url.keys[kind])
    ranked = [key for key, number in sizes.most_common() if number >= FEWEST and (among is None or key in among)]
    rows = [
        PlaceRow(
            key=key,
            name=key,
            removed_24h=None,
            place_low=(place := ranked.index(key) + 1 if key in ranked else None),
            place_high=place,
            own_low=place,
            own_high=place,
            among_worst=None,
            without_one_low=None,
            without_one_high=None,
            sites=number,
            rank_class="ranked" if place else "too few",
        )
        for key, number in sizes.items()
    ]
    again = None if among is not None else partial(_places, urls, kind)
    return Table(name=f"places-{kind}", title="", cls=PlaceRow, rows=rows, envelope=_info("places", kind), among=again)


def _sources(urls: Sequence[Url]) -> Iterable[Table]:
    of: dict[str, list[Url]] = defaultdict(list)
    for url in urls:
        for source in sorted(url.sources):
            of[source].append(url)
    for kind in BY_LEVEL.values():
        each = {
            source: {row.key: row for row in rank(_seen(own, kind), [], by="hoster", names={})}
            for source, own in of.items()
        }
        rows = [
            FeedRow(
                key=key,
                name=key,
                source=source,
                place=own[key].place if key in own else None,
                hosts=own[key].hosts if key in own else 0,
                removed_24h=_removed([url for url in of[source] if key in url.keys[kind]]),
            )
            for key in sorted({key for url in urls for key in url.keys[kind]})
            for source, own in each.items()
        ]
        yield Table(name=f"feeds-{kind}", title="", cls=FeedRow, rows=rows, envelope=_info("feeds", kind))
    cards = [_card(source, own) for source, own in of.items()]
    yield Table(name="feeds", title="", cls=FeedCard, rows=cards, envelope=_info("feeds", "source"))


def _removed(own: Sequence[Url]) -> float | None:
    """The share that was removed of enough URLs."""
    return round(sum(url.number % 3 > 0 for url in own) / len(own), 6) if len(own) >= FEWEST else None


def _card(source: str, own: Sequence[Url]) -> FeedCard:
    return FeedCard(
        source=source,
        reports=len(own),
        urls=len(own),
        hosts=len(own),
        sites=len(own),
        first_day=None,
        last_day=None,
        days_covered=1,
        days=1,
        undated=0,
        delay_median_h=None,
        delay_p90_h=None,
        shared=round(sum(len(url.sources) > 1 for url in own) / len(own), 6),
        first_here=None,
        deliveries=1,
        empty=0,
        suspect=0,
    )


def _notices(urls: Sequence[Url]) -> Iterable[Table]:
    for kind in BY_LEVEL.values():
        clocks: dict[str, list[int]] = defaultdict(list)
        for url in urls:
            for key in url.keys[kind]:
                clocks[key] += url.weeks
        rows = [
            _noticed(key, week, number)
            for key, weeks in clocks.items()
            if weeks
            for week, number in [(None, len(weeks)), *sorted(Counter(weeks).items())]
        ]
        envelope = _info("compliance", kind)
        yield Table(name=f"compliance-{kind}", title="", cls=ComplianceRow, rows=rows, envelope=envelope)


def _noticed(key: str, week: int | None, clocks: int) -> ComplianceRow:
    return ComplianceRow(
        key=key,
        name=key,
        week=None if week is None else f"2026-W{week + 2:02}",
        within_h=24.0,
        clocks=clocks,
        clusters=clocks,
        removed=None,
        removed_low=None,
        removed_high=None,
        removed_or_moved=None,
        surely=0,
        possibly=0,
        before=0,
        removed_before=0,
        late=0,
        rank_class="too few",
    )


def _flows(world: World, hops: Sequence[Hop]) -> Iterable[Table]:
    rows = flows(hops, names={}, home="C0")
    yield Table(name="flows", title="", cls=Flow, rows=rows, envelope=_info("flows", "hoster"))
    for level, kind in BY_LEVEL.items():
        origins = _origins(world)
        evidence = evidence_by_pair(hops, level, origins)
        shares = flow_shares(hop_matrix(moves_of(hops, by=level, origins=origins)), {}, evidence)
        yield Table(
            name=f"flow-shares-{kind}", title="", cls=FlowShare, rows=shares, envelope=_info("flow shares", kind)
        )


def _origins(world: World) -> Any:
    return lambda url_id, hoster, when: (int(world.hosters[hoster][1][0].removeprefix("AS")),)


def _basis(world: World, urls: Sequence[Url], hops: Sequence[Hop]) -> Basis:
    network = layer_of((f"s{url.number}", url.network) for url in urls)
    sets = {kind: Counter(url.keys[kind] for url in urls) for kind in KINDS}
    return Basis(
        network=(network,),
        alone={
            "category": layer_of((f"s{url.number}", [("category", url.category)]) for url in urls),
            "source": layer_of((f"s{url.number}", [("source", one) for one in url.sources]) for url in urls),
        },
        notices=layer_of((f"s{url.number}", url.network) for url in urls if url.weeks),
        shared={(kind, "hosts_fractional"): found for kind, found in sets.items()},
        hops=hops,
        disclosure=CellDisclosure(
            sites={url: url for one in hops for url in (one.from_url_id, one.to_url_id)},
            named={},
            origins=_origins(world),
            home="C0",
            least=1,
            span=(DAY, DAY + timedelta(days=30)),
        ),
    )
