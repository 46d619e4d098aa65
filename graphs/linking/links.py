"""Links between URLs that share evidence, in linear time.

From signs to weighted pairs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, islice

from waterbed.graphs.linking.evidence import Evidence, Family, Home, Link, LinkRules, Role, Sign, Unit
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.facts import Target

_Key = tuple[EvidenceKind, str]
_Pair = tuple[str, str]
_LAST = 3
"""Rank of links by evidence that can never be strong alone: the first to be cut."""


@dataclass(slots=True)
class _Seen:
    """When one URL had one key, in which roles."""

    first: datetime
    last: datetime
    roles: set[Role]

    def also(self, sign: Sign) -> None:
        self.first, self.last = min(self.first, sign.first), max(self.last, sign.last)
        self.roles.add(sign.role)


Homes = Mapping[str, Home | Target]
"""Host and site of each URL."""
_Members = dict[_Key, dict[str, _Seen]]


def find_links(
    signs: Iterable[Sign], homes: Homes, rules: LinkRules | None = None, *, common: Collection[str] = ()
) -> list[Link]:
    """All links that reach the weak threshold, the surest first.

    `homes` names host and site of every URL of the study, also of those without a sign: rarity is counted over all its
    sites. `common` holds keys known to mean nothing, such as the id of the path "/". The result does not depend on the
    order of the signs, and the time grows linearly with their number. Pure. Raises KeyError for a URL without a home.
    """
    rules = rules or LinkRules()
    sites = len({home.site_id for home in homes.values()})
    members = _members(signs, set(common))
    frequency = _linking_keys(members, homes, rules, sites)
    members = {key: members[key] for key in frequency}
    by_url = _keys_by_url(members, frequency, rules.most_keys)
    pairs: set[_Pair] = set()
    for key, urls in members.items():
        seen_by_url = {url: seen for url, seen in urls.items() if key in by_url[url]}
        pairs.update(_candidates(seen_by_url, rules.kinds[key[0]].unit, homes, rules))
    weigher = _Weigher(by_url, frequency, homes, rules, sites)
    return sorted(filter(None, map(weigher.link, pairs)), key=lambda link: link.rank)


def _members(signs: Iterable[Sign], common: set[str]) -> _Members:
    """The URLs of each key that several have; most keys are one URL's own and cost no more than an entry."""
    signs = [sign for sign in signs if sign.key not in common]
    holder: dict[_Key, str] = {}
    shared = {
        (sign.kind, sign.key) for sign in signs if holder.setdefault((sign.kind, sign.key), sign.url_id) != sign.url_id
    }
    members: _Members = defaultdict(dict)
    for sign in signs:
        key = sign.kind, sign.key
        if key not in shared:
            continue
        if sign.url_id in members[key]:
            members[key][sign.url_id].also(sign)
        else:
            members[key][sign.url_id] = _Seen(sign.first, sign.last, {sign.role})
    return members


def _linking_keys(members: _Members, homes: Homes, rules: LinkRules, sites: int) -> dict[_Key, int]:
    """Return the keys that can link, with their units."""
    frequencies: dict[_Key, int] = {}
    for key, urls in members.items():
        rule = rules.kinds.get(key[0])
        if rule is None:
            continue
        frequency = len({_unit(url, rule.unit, homes) for url in urls})
        if frequency < 2 or (rule.cap is not None and frequency > rule.cap):
            continue
        if rule.fixed is None and frequency > rules.common_share * sites:
            continue
        frequencies[key] = frequency
    return frequencies


def _unit(url: str, unit: Unit, homes: Homes) -> str:
    if unit == "url":
        return url
    return homes[url].host_id if unit == "host" else homes[url].site_id


def _keys_by_url(members: _Members, frequency: Mapping[_Key, int], most: int) -> dict[str, dict[_Key, _Seen]]:
    """The keys of each URL; of one kind the rarest only, so that a server that deals out keys costs no more."""
    keys_by_url: dict[str, dict[EvidenceKind, list[_Key]]] = defaultdict(lambda: defaultdict(list))
    for key, urls in members.items():
        for url in urls:
            keys_by_url[url][key[0]].append(key)
    by_url: dict[str, dict[_Key, _Seen]] = {}
    for url, kinds in keys_by_url.items():
        chosen: dict[_Key, _Seen] = {}
        for keys in kinds.values():
            rarest = sorted(keys, key=lambda key: (frequency[key], key)) if len(keys) > most else keys
            chosen.update((key, members[key][url]) for key in islice(rarest, most))
        by_url[url] = chosen
    return by_url


def _candidates(urls: Mapping[str, _Seen], unit: Unit, homes: Homes, rules: LinkRules) -> Iterator[_Pair]:
    """Pairs to be weighed: the earliest URL of each unit, with all others if they are few, else with its neighbours."""
    in_time = sorted(urls, key=lambda url: (urls[url].first, url))
    directed = [_firsts(in_time, urls, unit, homes, role) for role in ("from", "to")]
    for sources, targets in (directed, directed[::-1]):
        yield from (_pair(url, targets[0]) for url in sources if targets and url != targets[0])
    plain = _firsts(in_time, urls, unit, homes, "")
    if len(plain) <= rules.all_pairs:
        yield from (_pair(a, b) for a, b in combinations(plain, 2))
        return
    for place, url in enumerate(plain):
        yield from (_pair(url, other) for other in plain[place + 1 : place + 1 + rules.neighbours])


def _firsts(in_time: Iterable[str], urls: Mapping[str, _Seen], unit: Unit, homes: Homes, role: Role) -> list[str]:
    """The earliest URL of each unit in a role."""
    firsts: dict[str, str] = {}
    for url in in_time:
        if role in urls[url].roles:
            firsts.setdefault(_unit(url, unit, homes), url)
    return list(firsts.values())


def _pair(a: str, b: str) -> _Pair:
    return (a, b) if a < b else (b, a)


class _Weigher:
    """Gathers all that a pair shares, and says what it is worth."""

    def __init__(
        self,
        by_url: Mapping[str, Mapping[_Key, _Seen]],
        frequency: Mapping[_Key, int],
        homes: Homes,
        rules: LinkRules,
        sites: int,
    ) -> None:
        self._by_url, self._frequency, self._homes, self._rules, self._sites = by_url, frequency, homes, rules, sites

    def link(self, pair: _Pair) -> Link | None:
        """The link of a pair, None below the weak threshold."""
        kinds, rules = self._rules.kinds, self._rules
        evidence = sorted(self._shared(pair), key=lambda e: (self._tier(e), self._cost(e), e.kind, e.key))
        if not evidence:
            return None
        families: dict[Family, Evidence] = {}
        for entry in evidence:
            families.setdefault(kinds[entry.kind].family, entry)
        agreeing = {kinds[entry.kind].family for entry in evidence if entry.weight > 0}
        agreed = len(agreeing) > 1
        further = rules.agreement * (len(agreeing) - 1) if agreed else 0.0
        weight = max(entry.weight for entry in families.values()) + further
        if weight < rules.weak:
            return None
        best = evidence[0]
        able = [entry for entry in evidence if agreed or kinds[entry.kind].alone == "strong"]
        sure = weight >= rules.strong and (agreed or any(entry.weight >= rules.strong for entry in able))
        return Link(
            a=pair[0],
            b=pair[1],
            strength="strong" if sure else "weak",
            weight=weight,
            evidence=tuple(evidence),
            source=self._source(pair, evidence),
            kept=kinds[best.kind].kept,
            rank=(self._tier(best) if able else _LAST, self._cost(best) - further, *pair),
        )

    def _shared(self, pair: _Pair) -> Iterator[Evidence]:
        a, b = (self._by_url[url] for url in pair)
        for key in (key for key in (a if len(a) <= len(b) else b) if key in a and key in b):
            rule, of_a, of_b = self._rules.kinds[key[0]], a[key], b[key]
            units = {_unit(url, rule.unit, self._homes) for url in pair}
            if len(units) == 2 and _meet(of_a.roles, of_b.roles):
                yield Evidence(
                    kind=key[0],
                    key=key[1],
                    frequency=self._frequency[key],
                    weight=rule.weight(self._frequency[key], self._sites),
                    a_first=of_a.first,
                    a_last=of_a.last,
                    b_first=of_b.first,
                    b_last=of_b.last,
                )

    def _tier(self, evidence: Evidence) -> int:
        rule = self._rules.kinds[evidence.kind]
        return 0 if rule.kept else 1 if rule.fixed is not None else 2

    def _cost(self, evidence: Evidence) -> float:
        rule = self._rules.kinds[evidence.kind]
        return rule.cost(evidence.frequency) if rule.fixed is None else -rule.fixed

    def _source(self, pair: _Pair, evidence: Iterable[Evidence]) -> str | None:
        """The URL that redirects to the other; None if neither does, or each to the other."""
        redirecting = set()
        for entry in evidence:
            if self._rules.kinds[entry.kind].family == "redirect":
                redirecting |= {url for url in pair if "from" in self._by_url[url][entry.kind, entry.key].roles}
        return redirecting.pop() if len(redirecting) == 1 else None


def _meet(a: set[Role], b: set[Role]) -> bool:
    return ("" in a and "" in b) or ("from" in a and "to" in b) or ("to" in a and "from" in b)
