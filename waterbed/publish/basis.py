"""The parts that a publication's rows rest on."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from waterbed.graphs.network.moves import origins_index
from waterbed.measures.keys import ranking_kind
from waterbed.measures.notices.tables import Compliance
from waterbed.measures.ranking import keys_of_hosts, keys_of_urls
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import By
from waterbed.publish.hop_cells import CellDisclosure
from waterbed.publish.policy import Basis
from waterbed.publish.suppression import Key, layer_of
from waterbed.study.conclusions import Conclusions


def basis_of(conclusions: Conclusions, ranked: Sequence[RankingTables], told: Mapping[By, Compliance]) -> Basis:
    """The basis of a study's tables.

    `ranked` are the rankings that are published.

    Networks are known to lie in each other: an AS belongs to a hoster, and both to a country. Nobody knows that of
    sources, categories and what else reports tell, so each of these is a layer of its own.
    """
    sites = {url_id: target.site_id for url_id, target in conclusions.all_facts.targets.items()}
    network = [its for its in ranked if ranking_kind(its.kind).reported is None]
    alone = {its.kind: layer_of(_by_url([its], sites)) for its in ranked if ranking_kind(its.kind).reported}
    sources: dict[str, set[Key]] = defaultdict(set)
    for report in conclusions.all_facts.reports:
        if report.url_id in sites:
            sources[report.url_id].add(("source", report.source))
    alone["source"] = layer_of((sites[url_id], keys) for url_id, keys in sources.items())
    return Basis(
        network=(layer_of(_by_url(network, sites)), layer_of(_by_episode(network, sites))),
        alone=alone,
        notices=layer_of(_by_clock(told)),
        shared=_shared(ranked),
        hops=conclusions.whole.hops,
        disclosure=_disclosure(conclusions),
    )


def _by_url(ranked: Sequence[RankingTables], sites: Mapping[str, str]) -> Iterator[tuple[str, set[Key]]]:
    found: dict[str, set[Key]] = defaultdict(set)
    for its in ranked:
        for url_id, keys in keys_of_urls(its.appearances).items():
            found[url_id] |= {(its.kind, key) for key in keys}
    return ((sites[url_id], keys) for url_id, keys in found.items())


def _by_episode(ranked: Sequence[RankingTables], sites: Mapping[str, str]) -> Iterator[tuple[str, set[Key]]]:
    found: dict[tuple[str, datetime, str], set[Key]] = defaultdict(set)
    for its in ranked:
        for key, episodes in its.groups.items():
            for episode in episodes:
                found[episode.url_id, episode.known_up_at, episode.hoster].add((its.kind, key))
    return ((sites[url_id], keys) for (url_id, _, _), keys in found.items())


def _by_clock(told: Mapping[By, Compliance]) -> Iterator[tuple[str, set[Key]]]:
    found: dict[tuple[str, str, datetime], set[Key]] = defaultdict(set)
    for by, its in told.items():
        for key, clocks in its.clocks.items():
            for clock in clocks:
                found[clock.site_id, clock.url_id, clock.known_up_at].add((by, key))
    return ((site_id, keys) for (site_id, _, _), keys in found.items())


def _shared(ranked: Sequence[RankingTables]) -> dict[Key, Mapping[frozenset[str], int]]:
    """How many hosts and incidents have each set of keys."""
    found: dict[Key, Mapping[frozenset[str], int]] = {}
    for its in ranked:
        found[its.kind, "hosts_fractional"] = Counter(map(frozenset, keys_of_hosts(its.appearances).values()))
        of_url = keys_of_urls(its.appearances)
        found[its.kind, "incidents_fractional"] = Counter(
            frozenset(key for url_id in members for key in of_url.get(url_id, ())) for members in its.incidents
        )
    return found


def _disclosure(conclusions: Conclusions) -> CellDisclosure | None:
    """Attributes of hops for their cells; no key is named, and the least is one site."""
    whole = conclusions.whole  # a hop of a window may come from a URL that is not in it
    if not whole.episodes or whole.until is None:
        return None
    return CellDisclosure(
        sites={url_id: target.site_id for url_id, target in whole.facts.targets.items()},
        named={},
        origins=origins_index(whole.episodes),
        home=conclusions.config.home,
        least=1,
        span=(min(episode.known_up_at for episode in whole.episodes), whole.until),
    )
