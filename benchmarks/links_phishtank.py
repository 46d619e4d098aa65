"""PhishTank's listings as keyed ids: steps of labels, and links by path and label."""

import csv
import gzip
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from publicsuffixlist import PublicSuffixList

from waterbed.graphs.label_hops import LabelSpell, label_hops
from waterbed.graphs.linking.clusters import cluster
from waterbed.graphs.linking.evidence import Home, Sign
from waterbed.graphs.linking.links import find_links
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.errors import BadUrl
from waterbed.model.urls import canonicalize, platform_suffix, registrable_domain

START = datetime(2018, 10, 25, tzinfo=UTC)
"""When the first dump was taken."""


def keyed(kind: str, text: str) -> str:
    """An id that tells nothing of the text, as the vault's ids do."""
    return hashlib.blake2b(f"{kind}:{text}".encode(), digest_size=16, key=b"benchmark").hexdigest()


@dataclass(frozen=True, slots=True)
class Phish:
    """One listed URL: keyed ids, times, and the brand it imitates."""

    url_id: str
    host_id: str
    site_id: str
    label_id: str
    path_id: str
    registry_site: str
    registry_label: str
    label_letters: int
    registry_letters: int
    platform: bool
    cohort: bool
    target: str
    submitted: datetime
    first: int
    last: int


def read_phishtank(folder: Path) -> Iterator[Phish]:
    """Each URL that can be spelled and whose host is a name."""
    registries = PublicSuffixList(only_icann=True)
    with gzip.open(folder / "phishtank-2018-2019.csv.gz", "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            try:
                spelled = canonicalize(row["url"])
            except BadUrl:
                continue
            if spelled.literal:
                continue
            site = registrable_domain(spelled.host)
            registry_site = registries.privatesuffix(spelled.host) or ""
            submitted = datetime.fromisoformat(row["submission_time"])
            runs = row["present"].split()
            yield Phish(
                url_id=keyed("url", spelled.url),
                host_id=keyed("host", spelled.host),
                site_id=keyed("site", site),
                label_id=keyed("label", site.partition(".")[0]),
                path_id=keyed("path", spelled.target),
                registry_site=keyed("site", registry_site),
                registry_label=keyed("label", registry_site.partition(".")[0]),
                label_letters=len(site.partition(".")[0]),
                registry_letters=len(registry_site.partition(".")[0]),
                cohort=submitted >= START and not row["present"].startswith("0"),
                platform=platform_suffix(spelled.host) is not None,
                target=row["target"],
                submitted=submitted,
                first=int(runs[0].partition("-")[0]),
                last=int(runs[-1].rpartition("-")[2]),
            )


def read_dumps(folder: Path) -> list[tuple[datetime, int]]:
    """When each dump was taken, and its rows."""
    with (folder / "phishtank-dumps.csv").open(newline="") as lines:
        return [
            (datetime.fromisoformat(row["date"]).replace(tzinfo=UTC), int(row["rows"])) for row in csv.DictReader(lines)
        ]


def phishtank_stays(listed: Iterable[Phish], dumps: list[tuple[datetime, int]]) -> list[LabelSpell]:
    """When each label was up on each site.

    Known up from the submission (or the first dump that has it) to the last dump that has it; gone by the next dump
    that is not empty. That a feed does not list a name yet does not mean that it was absent, so absence is unknown.
    """
    whole = [number for number, (_, rows) in enumerate(dumps) if rows]
    after = dict(pairwise(whole))
    sites: dict[tuple[str, str], list[Phish]] = defaultdict(list)
    for phish in listed:
        sites[phish.label_id, phish.site_id].append(phish)
    stays = []
    for (label_id, site_id), its in sites.items():
        last = max(phish.last for phish in its)
        first_up = min(min(phish.submitted, dumps[phish.first][0]) for phish in its)
        stays.append(
            LabelSpell(
                label_id=label_id,
                site_id=site_id,
                platform=its[0].platform,
                countries=(),
                absent_at=None,
                first_up=first_up,
                last_up=max(first_up, dumps[last][0]),
                gone_by=dumps[after[last]][0] if last in after else None,
            )
        )
    return stays


def labels_table(listed: list[Phish], dumps: list[tuple[datetime, int]]) -> dict[str, int]:
    """Steps of labels of six letters and more, by order class and by the first-seen rule; printed and returned."""
    counts: dict[str, int] = {}
    long = [phish for phish in listed if phish.label_letters >= 6]
    plain = [
        replace(phish, site_id=phish.registry_site, label_id=phish.registry_label)
        for phish in listed
        if phish.cohort and phish.registry_letters >= 6
    ]
    hosts = [replace(phish, site_id=phish.host_id) for phish in plain]
    site_of = {phish.host_id: phish.registry_site for phish in plain}
    readings = {
        "platforms' suffixes too": long,
        "no platforms": [phish for phish in long if not phish.platform],
        "cohort, registries' suffixes": plain,
        "the same, host by host": hosts,
    }
    for name, chosen in readings.items():
        steps = label_hops(phishtank_stays(chosen, dumps))
        steps = [s for s in steps if site_of.get(s.from_site_id) != site_of.get(s.to_site_id, s.to_site_id)]
        by_order = {order: sum(s.order == order for s in steps) for order in ("sequential", "parallel", "unknown")}
        # what a first-seen rule does: first seen at the new site after last seen at the old one
        naive = sum(s.arrived_before > s.left_after for s in steps)
        labels, several = len({phish.label_id for phish in chosen}), len({s.label_id for s in steps})
        most = len(steps) - by_order["parallel"]
        print(f"labels, {name}: {several:,} of {labels:,} on two sites or more, {len(steps):,} steps")
        print(f"  first-seen rule: {naive:,} sequential ({naive / len(steps):.3f}); ours: {by_order}")
        print(f"  hops between {by_order['sequential']:,} and {most:,} ({most / len(steps):.3f} of the steps)")
        counts |= {f"{name}: {key}": n for key, n in by_order.items()}
        counts |= {f"{name}: labels": labels, f"{name}: several": several, f"{name}: first seen": naive}
    return counts


def signs_and_homes(listed: Iterable[Phish], dumps: list[tuple[datetime, int]]) -> tuple[list[Sign], dict[str, Home]]:
    """Path and label of each URL."""
    signs, homes = [], {}
    for phish in listed:
        homes[phish.url_id] = Home(host_id=phish.host_id, site_id=phish.site_id)
        first = min(phish.submitted, dumps[phish.first][0])
        kinds: tuple[tuple[EvidenceKind, str], ...] = (("path", phish.path_id), ("label", phish.label_id))
        signs += [
            Sign(url_id=phish.url_id, kind=kind, key=key, first=first, last=max(first, dumps[phish.last][0]))
            for kind, key in kinds
        ]
    return signs, homes


def phishtank_links(listed: list[Phish], dumps: list[tuple[datetime, int]]) -> None:
    """Whether linked URLs imitate the same brand, by the kinds of their evidence and by rarity."""
    target = {phish.url_id: phish.target for phish in listed}
    named = [brand for brand in target.values() if brand not in ("", "Other")]
    shares = defaultdict(int)
    for brand in named:
        shares[brand] += 1
    chance = sum(n * n for n in shares.values()) / len(named) ** 2
    signs, homes = signs_and_homes(listed, dumps)
    began = time.perf_counter()
    links = find_links(signs, homes)
    clusters = cluster(links)
    took = time.perf_counter() - began
    strong = sum(link.strength == "strong" for link in links)
    print(
        f"PhishTank: {len(homes):,} URLs, {len(signs):,} signs: "
        f"{len(links):,} links ({strong:,} strong) in {took:.1f} s"
    )
    sizes = sorted((len(c.url_ids) for c in clusters.all), reverse=True)
    print(f"  {len(sizes):,} clusters, largest {sizes[:5]}, links cut {len(clusters.cut):,}")
    print(
        f"  two URLs at random imitate the same brand with probability {chance:.3f}; linked ones, where both are named:"
    )
    groups: dict[str, list[bool]] = defaultdict(list)
    for link in links:
        brands = [target[link.a], target[link.b]]
        if all(brand not in ("", "Other") for brand in brands):
            df = link.evidence[0].frequency
            bucket = "2" if df == 2 else "3-8" if df <= 8 else "9-50"
            kinds = "+".join(sorted({e.kind for e in link.evidence}))
            groups[f"{kinds}, df {bucket}"].append(brands[0] == brands[1])
            groups[link.strength].append(brands[0] == brands[1])
    for name, same in sorted(groups.items()):
        print(f"  {name:24} {len(same):7,} links, same brand {sum(same) / len(same):.3f}")
