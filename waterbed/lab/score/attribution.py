"""Scores attributed hosters against the true ones. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from waterbed.lab.world.addressing import arrangement_of
from waterbed.lab.world.allocations import Allocations
from waterbed.lab.world.file import Hoster
from waterbed.lab.world.names import beyond_of
from waterbed.lab.world.records import Truth
from waterbed.model.conclusions import Attribution, Episode, Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionScore:
    """Correctness of hoster sets and of moves of networks."""

    looks: int
    right: int
    by_kind: Mapping[str, tuple[int, int]]
    """By what is particular about the look: looks, and those whose hoster set was right."""
    false_hops: Mapping[str, int]
    """By what is particular about the site: hops of a URL to itself elsewhere, though its site never moved."""
    handed_over: int
    """True episodes that ended because a network changed hands or name, while the URL was being looked at."""
    as_lineage: int
    """Of these, measured as such."""
    as_hop: int
    """Of these, measured as a hop to the new owner."""
    fronted: int
    """True episodes that ended behind a proxy, while the URL was being looked at."""
    as_masked: int

    @property
    def share(self) -> float | None:
        """Share of looks whose hoster set was right."""
        return self.right / self.looks if self.looks else None


def score_attribution(
    truth: Truth,
    looks: Iterable[tuple[str, datetime, Attribution | None]],
    episodes: Sequence[Episode],
    hops: Sequence[Hop],
    url_id: Callable[[str], str],
) -> AttributionScore:
    """Score attributions, and the episodes and hops that follow.

    `looks` gives URL id, time and attribution.

    Looks at names that were gone or parked are left out: nobody hosts them.
    """
    judge = _Judge(truth)
    urls = {url_id(url): url for url in truth.shown}
    kinds: Counter[str] = Counter()
    right: Counter[str] = Counter()
    times: dict[str, list[datetime]] = defaultdict(list)
    for looked_at, when, attribution in looks:
        times[looked_at].append(when)
        url = urls.get(looked_at)
        expected = judge.hosters(url, when) if url and attribution else None
        if url is None or attribution is None or expected is None:
            continue
        for kind in ("all", *judge.kinds(url, when)):
            kinds[kind] += 1
            right[kind] += set(attribution.hosters) == expected
    fronts = {hoster.key for hoster in truth.world.hoster if hoster.kind == "proxy"}
    still = {
        known
        for known, url in urls.items()
        if sum(key not in fronts for key in truth.places[truth.shown[url].host].values) <= 1
    }
    strays = [hop for hop in hops if hop.from_url_id == hop.to_url_id and hop.from_url_id in still]
    ends = {(e.url_id, e.hoster): e for e in episodes if e.cause is not None}
    handed = _ended(truth, "lineage", episodes, times, url_id)
    fronted = _ended(truth, "masked", episodes, times, url_id)
    return AttributionScore(
        looks=kinds["all"],
        right=right["all"],
        by_kind={kind: (kinds[kind], right[kind]) for kind in sorted(kinds) if kind != "all"},
        false_hops=Counter(kind for hop in strays for kind in judge.kinds(urls[hop.from_url_id], hop.left_before)),
        handed_over=len(handed),
        as_lineage=sum(key in ends and ends[key].cause == "lineage" for key in handed),
        as_hop=sum(hop.from_url_id == url and hop.from_hoster == hoster for url, hoster in handed for hop in strays),
        fronted=len(fronted),
        as_masked=sum(key in ends and ends[key].cause == "masked" for key in fronted),
    )


def _ended(
    truth: Truth,
    cause: str,
    episodes: Sequence[Episode],
    times: Mapping[str, Sequence[datetime]],
    url_id: Callable[[str], str],
) -> list[tuple[str, str]]:
    """Return the true episodes with this cause that looks surround.

    Each is given as URL id and hoster; the URL was seen up in it, by a look at one of the `times`, and after its end:
    where a network changed hands at the new owner, as a URL of several addresses may be seen at others alone.
    """
    owners = {(true.url, true.start): true.hoster for true in truth.episodes}
    seen: dict[str, list[Episode]] = {}
    for episode in episodes:
        seen.setdefault(episode.url_id, []).append(episode)
    found = []
    for true in truth.episodes:
        if true.cause != cause or true.end is None:
            continue
        own = seen.get(url_id(true.url), [])
        looked = [at for at in times.get(url_id(true.url), ()) if true.start <= at < true.end]
        before = any(e.first_up and e.first_up <= at <= e.last_up for e in own for at in looked)
        owner = owners.get((true.url, true.end)) if cause == "lineage" else None
        after = any(e.last_up > true.end and owner in (None, e.hoster) for e in own)
        if before and after:
            found.append((url_id(true.url), true.hoster))
    return found


class _Judge:
    """The true hosters and traits of each URL over time."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._allocations = Allocations(truth.world)
        self._platforms = {suffix: h.key for h in truth.world.hoster if h.kind == "platform" for suffix in h.suffixes}

    def hosters(self, url: str, moment: datetime) -> set[str] | None:
        """The keys of who answers, None while nobody does."""
        host = self._truth.shown[url].host
        owners = self._owners(host, moment)
        if not owners:
            return None
        platform = self._platforms.get(host.partition(".")[2])
        if platform:
            return {platform}
        outside = {hoster.key for hoster in owners if hoster.kind != "proxy"}
        return outside or {hoster.key for hoster in owners}

    def kinds(self, url: str, moment: datetime) -> list[str]:
        """Name the traits of a URL at an instant."""
        host, world = self._truth.shown[url].host, self._truth.world
        owners = self._owners(host, moment)
        place = self._truth.places[host].at(moment)
        at_first = next((hoster for hoster in world.hoster if hoster.key == place), None)
        found: set[str] = {arrangement_of(world, host, at_first)} if at_first else set()
        found |= {hoster.kind for hoster in owners}
        found |= {"reseller" for hoster in owners if hoster.within}
        found |= {"moas" for hoster in owners if hoster.also_announced_by}
        found |= {"renamed" for hoster in owners for renaming in world.renaming if hoster.key == renaming.to}
        found |= {"sold" for hoster in owners for sale in world.sale if hoster.key == sale.to and hoster.key != place}
        return sorted(found - {"plain", "hoster"}) or ["plain"]

    def _owners(self, host: str, moment: datetime) -> list[Hoster]:
        timeline = self._truth.hosts.get(host)
        addresses = (timeline.at(moment) if timeline else None) or ()
        if any(map(beyond_of, addresses)):
            return []
        return [owner for address in addresses if (owner := self._allocations.owner(address, moment))]
