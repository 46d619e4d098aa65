"""Clusters of linked URLs: explainable components of bounded size."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from waterbed.graphs.linking.evidence import Link, LinkRules
from waterbed.model.conclusions import LinkStrength


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """URLs that links hold together.

    `name` is the smallest URL id in it. `weakest` is the weight of the weakest link that it cannot do without, and
    `strength` that link's. `oversize`: larger than allowed, by links that are never cut.
    """

    name: str
    url_ids: tuple[str, ...]
    strength: LinkStrength
    weakest: float
    oversize: bool


class Clusters:
    """The clusters of a study, and the links cut.

    Without links each URL stands alone.
    """

    def __init__(self, links: Iterable[Link] = (), largest: int = 0) -> None:
        """Take the links in, the surest first; see `cluster`."""
        self.cut: list[Link] = []
        self._joined = _Union()
        self._beside: dict[str, list[tuple[str, Link]]] = defaultdict(list)
        self._redirects: dict[str, list[tuple[str, Link]]] = defaultdict(list)
        for link in links:
            if link.source is not None:
                self._redirects[link.b if link.source == link.a else link.a].append((link.source, link))
            a, b = self._joined.find(link.a), self._joined.find(link.b)
            if a == b:
                continue
            if not link.kept and self._joined.size(a) + self._joined.size(b) > largest:
                self.cut.append(link)
                continue
            self._joined.join(a, b, link)
            self._beside[link.a].append((link.b, link))
            self._beside[link.b].append((link.a, link))
        self.all = self._gathered(largest)
        self._of = {url: cluster for cluster in self.all for url in cluster.url_ids}

    def of(self, url_id: str) -> Cluster | None:
        """The cluster of a URL, None if nothing links it."""
        return self._of.get(url_id)

    def name_of(self, url_id: str) -> str:
        """The name of a URL's cluster, else its own id.

        It can stand for a content id where hops are looked for.
        """
        cluster = self._of.get(url_id)
        return cluster.name if cluster else url_id

    def redirecting_to(self, url_id: str) -> list[tuple[str, Link]]:
        """Return the URLs that redirect to one, surest first.

        Each with its link.
        """
        return self._redirects.get(url_id, [])

    def weakest(self, a: str, b: str) -> Link | None:
        """Return the least sure link of the path between two.

        The path is that of `explain`. Takes logarithmic time. None if there is no such way, or none is needed.
        """
        return self._joined.weakest(a, b)

    def explain(self, a: str, b: str) -> list[Link] | None:
        """The links from one URL to another, in order.

        None if they are not in one cluster. Of all ways between them it is one whose least sure link is the surest.
        Empty for a URL and itself.
        """
        if a == b:
            return []
        if self.of(a) is None or self.of(a) is not self.of(b):
            return None
        previous: dict[str, tuple[str, Link]] = {}
        waiting = deque([a])
        while b not in previous:
            url = waiting.popleft()
            for other, link in self._beside[url]:
                if other != a and other not in previous:
                    previous[other] = url, link
                    waiting.append(other)
        path = []
        while b != a:
            b, link = previous[b]
            path.append(link)
        return path[::-1]

    def _gathered(self, largest: int) -> list[Cluster]:
        clusters, met = [], set[str]()
        for start in sorted(self._beside):
            if start in met:
                continue
            met.add(start)
            urls, links = [start], set[int]()
            weakest: Link | None = None
            for url in urls:
                for other, link in self._beside[url]:
                    if id(link) not in links:
                        links.add(id(link))
                        weakest = (
                            link if weakest is None else min(weakest, link, key=lambda candidate: candidate.weight)
                        )
                    if other not in met:
                        met.add(other)
                        urls.append(other)
            if weakest is not None:
                clusters.append(
                    Cluster(
                        name=start,
                        url_ids=tuple(sorted(urls)),
                        strength=weakest.strength,
                        weakest=weakest.weight,
                        oversize=len(urls) > largest,
                    )
                )
        return clusters


def cluster(links: Iterable[Link], rules: LinkRules | None = None, *, least: LinkStrength = "weak") -> Clusters:
    """Connected components of links, none larger than allowed.

    Links are taken in from the surest to the least sure, and one that would join two components to more than `largest`
    URLs is cut, unless it rests on evidence that is never cut. So where a bridge makes a component too large, the least
    sure links go first.
    """
    rules = rules or LinkRules()
    used = (link for link in links if link.strength == "strong" or least == "weak")
    return Clusters(sorted(used, key=lambda link: link.rank), rules.largest)


def site_clusters(sites: Mapping[str, str], contents: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the cluster of each site.

    Sites that share a content id, directly or through others, are one cluster. `sites` gives each URL its site,
    `contents` pairs of URL and content id.
    """
    sets = DisjointSets()
    numbers: dict[tuple[str, str], int] = {}

    def number(kind: str, name: str) -> int:
        key = (kind, name)
        if key not in numbers:
            numbers[key] = sets.add()
        return numbers[key]

    for url_id, content_id in contents:
        if url_id in sites:
            sets.join(number("site", sites[url_id]), number("content", content_id))
    return {site_id: sets.root(number("site", site_id)) for site_id in dict.fromkeys(sites.values())}


@dataclass(slots=True)
class DisjointSets:
    """Disjoint sets of numbered members: union-find with path halving."""

    parents: list[int] = field(default_factory=list)

    def add(self) -> int:
        """A new set of one member; gives its number."""
        self.parents.append(len(self.parents))
        return self.parents[-1]

    def root(self, member: int) -> int:
        """The member that stands for the whole set."""
        parents = self.parents
        while parents[member] != member:
            parents[member] = parents[parents[member]]
            member = parents[member]
        return member

    def join(self, first: int, other: int) -> int:
        """Unite two sets; the lower root stands for both.

        So the deepest path stays short by halving.
        """
        low, high = sorted((self.root(first), self.root(other)))
        self.parents[high] = low
        return low


class _Union:
    """Disjoint sets of URLs with their sizes: trees of logarithmic depth, each branch with the link that made it."""

    def __init__(self) -> None:
        self._above: dict[str, tuple[str, Link, int]] = {}
        self._size: dict[str, int] = {}
        self._joins = 0

    def find(self, url: str) -> str:
        while url in self._above:
            url = self._above[url][0]
        return url

    def size(self, root: str) -> int:
        return self._size.get(root, 1)

    def join(self, a: str, b: str, link: Link) -> None:
        large, small = (a, b) if self.size(a) >= self.size(b) else (b, a)
        self._above[small] = large, link, self._joins
        self._joins += 1
        self._size[large] = self.size(a) + self.size(b)

    def weakest(self, a: str, b: str) -> Link | None:
        """The link taken in last of those between two.

        Branches nearer to the root were made later.
        """
        weakest: Link | None = None
        while a != b:
            above_a, above_b = self._above.get(a), self._above.get(b)
            if above_a is not None and (above_b is None or above_a[2] < above_b[2]):
                a, weakest, _ = above_a
            elif above_b is not None:
                b, weakest, _ = above_b
            else:
                return None
        return weakest
