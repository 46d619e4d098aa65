"""Links on real data, whose truth is moves of sites and kits shared between domains, and links at scale."""

import argparse
import csv
import gzip
import math
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from links_phishtank import START, keyed, labels_table, phishtank_links, read_dumps, read_phishtank

from waterbed.graphs.linking.clusters import cluster
from waterbed.graphs.linking.evidence import Home, LinkRules, Sign
from waterbed.graphs.linking.links import find_links
from waterbed.graphs.linking.near_labels import near_labels
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.urls import registrable_domain

Pair = tuple[str, str]
SEED = 20_261_125
USABLE = 0.2
"""Tuning precision below which a way of linking by name is not counted in."""


def pair(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)


# names: precision and recall of links by name


@dataclass(frozen=True, slots=True)
class Names:
    """Domains by id, the pairs of them that truly belong together, and independent groups of domains."""

    host: Mapping[str, str]
    true: frozenset[Pair]
    group: Mapping[str, str]


def read_kits(path: Path) -> list[tuple[str, str]]:
    """Domain and kit of each row."""
    with gzip.open(path, "rt", newline="") as lines:
        return [(row["domain"].strip().lower().rstrip("."), row["kit_hash"]) for row in csv.DictReader(lines)]


def read_moves(path: Path) -> list[tuple[str, str]]:
    """Domain and site of both ends of each move."""
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [(row[end].strip().lower().rstrip("."), row["site"]) for row in rows for end in ("from_domain", "to_domain")]


def halves(rows: Iterable[tuple[str, str]], rng: random.Random | None = None) -> tuple[Names, Names]:
    """Two random halves, parted by groups of domains that share kits or sites, so that no pair is torn."""
    above: dict[str, str] = {}

    def root(node: str) -> str:
        while above.setdefault(node, node) != node:
            node = above[node]
        return node

    rows = list(rows)
    for domain, kit in rows:
        above[root("d" + domain)] = root("k" + kit)
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for domain, kit in rows:
        groups[root("k" + kit)].append((domain, kit))
    order = sorted(groups)
    (rng or random.Random(SEED)).shuffle(order)
    parts = [{name: groups[name] for name in order[start::2]} for start in (0, 1)]
    return _names(parts[0]), _names(parts[1])


def _names(groups: Mapping[str, list[tuple[str, str]]]) -> Names:
    of_kit: dict[str, set[str]] = defaultdict(set)
    host, group = {}, {}
    for name, rows in groups.items():
        for domain, kit in rows:
            one = keyed("host", domain)
            of_kit[kit].add(one)
            host[one], group[one] = domain, name
    true = {pair(a, b) for ids in of_kit.values() for a, b in combinations(sorted(ids), 2)}
    return Names(host, frozenset(true), group)


def parts_of(label: str, least: int) -> set[str]:
    """The words of a label: what stands between hyphens and digits."""
    plain = "".join(c if c.isalpha() else " " for c in label)
    return {word for word in plain.split() if len(word) >= least}


def letters_of(label: str) -> str:
    """A label without its digits and separators."""
    return "".join(c for c in label if not c.isdigit() and c not in "-_")


def linked(names: Names, way: str, least: int, cap: int) -> set[Pair]:
    """The pairs that one way of linking by name gives: a key on up to `cap` domains links each with each."""
    members: dict[str, set[str]] = defaultdict(set)
    label = {one: registrable_domain(host).partition(".")[0] for one, host in names.host.items()}
    if way in ("homoglyph", "digits", "edit"):
        ids: dict[str, set[str]] = defaultdict(set)
        for one, text in label.items():
            ids[keyed("label", text)].add(one)
        texts = {keyed("label", text): text for text in label.values()}
        near = [n for n in near_labels(texts, least=least) if n.likeness == way]
        degree: dict[str, int] = defaultdict(int)
        for n in near:
            degree[n.a] += 1
            degree[n.b] += 1
        kept = [n for n in near if max(degree[n.a], degree[n.b]) < cap]
        return {pair(a, b) for n in kept for a in ids[n.a] for b in ids[n.b] if len(ids[n.a]) + len(ids[n.b]) <= cap}
    for one, host in names.host.items():
        if way == "same site":
            members[registrable_domain(host)].add(one)
        elif way == "exact label" and len(label[one]) >= least:
            members[label[one]].add(one)
        elif way == "letters alone" and len(letters := letters_of(label[one])) >= least:
            members[letters].add(one)
        elif way == "part of label":
            for word in parts_of(label[one], least):
                members[word].add(one)
    pairs = {pair(a, b) for ids in members.values() if len(ids) <= cap for a, b in combinations(sorted(ids), 2)}
    if way in ("exact label", "letters alone"):
        site = {one: registrable_domain(host) for one, host in names.host.items()}
        pairs = {(a, b) for a, b in pairs if site[a] != site[b]}
    return pairs


WAYS = ("same site", "exact label", "letters alone", "homoglyph", "digits", "edit", "part of label")


def names_table(title: str, rows: list[tuple[str, str]]) -> None:
    """Precision and recall of each way, tuned on one half, told of the other with standard errors."""
    tuning, held = halves(rows)
    print(f"{title}: {len(rows):,} rows; tuning half {len(tuning.host):,} domains and {len(tuning.true):,} true pairs,")
    print(
        f"other half {len(held.host):,} domains, {len(held.true):,} true pairs, "
        f"{len(set(held.group.values())):,} groups"
    )
    chance = 2 * len(held.true) / (len(held.host) * (len(held.host) - 1))
    print(f"a pair drawn at random is a true one with probability {chance:.5f}")
    print("way            least  cap  |  pairs  right  precision (se)     recall (se)      (tuning: precision, recall)")
    together: set[Pair] = set()
    for way in WAYS:
        grid = [(least, cap) for least in (4, 5, 6, 8, 10) for cap in (2, 3, 5, 10, 30)]
        scored = [(_f_half(linked(tuning, way, *point), tuning.true), -n, point) for n, point in enumerate(grid)]
        _, _, best = max(scored)
        tuned, found = linked(tuning, way, *best), linked(held, way, *best)
        if _share(tuned, tuning.true) >= USABLE:
            together |= found
        print(f"{way:14} {best[0]:5} {best[1]:4}  | {_told(found, held)}  ({_short(tuned, tuning.true)})")
    print(f"{'together':14} {'':5} {'':4}  | {_told(together, held)}  (ways of tuning precision {USABLE} or more)")


def _f_half(found: set[Pair], true: frozenset[Pair]) -> float:
    """F with precision counted twice as much as recall: a wrong link does more harm than a missing one."""
    right = len(found & true)
    return 1.25 * right / (0.25 * len(true) + len(found)) if right else 0.0


def _share(found: set[Pair], true: frozenset[Pair]) -> float:
    return len(found & true) / len(found) if found else 0.0


def precision_recall(found: set[Pair], names: Names) -> tuple[tuple[float, float], tuple[float, float]]:
    """Precision and recall, each with the standard error that leaving out one group at a time gives.

    A pair goes with either of its groups. NaN where nothing is found.
    """
    right = found & names.true
    shares = []
    for pairs in (found, names.true):
        counts = [_by_group(some, names) for some in (right, pairs)]
        whole = [float(len(right)), float(len(pairs))]
        left = [[whole[n] - counts[n][group] for n in (0, 1)] for group in set(names.group.values())]
        each = [hits / of if of else math.nan for hits, of in left]
        mean = sum(each) / len(each)
        error = math.sqrt((len(each) - 1) / len(each) * sum((one - mean) ** 2 for one in each))
        shares.append((whole[0] / whole[1] if whole[1] else math.nan, error))
    return shares[0], shares[1]


def _by_group(pairs: Iterable[Pair], names: Names) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for one, other in pairs:
        for group in {names.group[one], names.group[other]}:
            counts[group] += 1
    return counts


def _told(found: set[Pair], names: Names) -> str:
    shares = precision_recall(found, names)
    told = "  ".join(
        f"{share:7.3f} ({error:.3f})" if not math.isnan(share) else f"{'-':>15}" for share, error in shares
    )
    return f"{len(found):6} {len(found & names.true):6}  {told}"


def _short(found: set[Pair], true: frozenset[Pair]) -> str:
    right = len(found & true)
    return f"{right / len(found):.3f}, {right / len(true):.3f}" if found else "no pair"


# scale


def invented(urls: int, seed: int) -> tuple[list[Sign], dict[str, Home]]:
    """Six signs a URL; sites of a few URLs; a tenth of the keys shared by few, some by very many."""
    rng = random.Random(seed)
    kinds: tuple[EvidenceKind, ...] = ("path", "label", "page", "certificate", "name_servers", "etag")
    signs, homes = [], {}
    for number in range(urls):
        url, site = f"u{number}", f"s{number // 3}"
        homes[url] = Home(host_id=f"h{number // 2}", site_id=site)
        when = START + timedelta(minutes=number)
        for kind in kinds:
            draw = rng.random()
            key = "common" if draw < 0.2 else f"{rng.randrange(urls // 3 + 1)}" if draw < 0.3 else f"own {number}"
            signs.append(Sign(url_id=url, kind=kind, key=key, first=when, last=when))
    return signs, homes


def scale(numbers: Iterable[int]) -> bool:
    """Processor seconds a million signs at growing sizes; whether the last is at most twice the first."""
    rates = []
    for urls in numbers:
        signs, homes = invented(urls, SEED)
        began = time.process_time()
        links = find_links(signs, homes)
        linked_in = time.process_time()
        clusters = cluster(links)
        done = time.process_time()
        rates.append((done - began) / len(signs) * 1e6)
        print(
            f"scale: {urls:9,} URLs, {len(signs):10,} signs, {len(links):8,} links {linked_in - began:6.1f} s, "
            f"{len(clusters.all):7,} clusters {done - linked_in:5.1f} s: {rates[-1]:.1f} s a million signs"
        )
    signs = [Sign(url_id=f"u{n}", kind="path", key="same", first=START, last=START) for n in range(100_000)]
    homes = {f"u{n}": Home(host_id=f"h{n}", site_id=f"s{n}") for n in range(100_000)}
    began = time.process_time()
    links = find_links(signs, homes)
    rare = find_links(signs, homes, LinkRules(kinds={}))
    print(f"scale: one path on 100,000 hosts: {len(links) + len(rare)} links, {time.process_time() - began:.2f} s")
    return not links and rates[-1] <= 2 * rates[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it, scale alone")
    parser.add_argument("--urls", type=int, nargs="+", default=[50_000, 500_000])
    options = parser.parse_args()
    if options.data:
        names_table("brands", read_moves(options.data / "site-moves-2024-2026.csv"))
        names_table("kits", read_kits(options.data / "phishing-kits-2017-2022.csv.gz"))
        listed, dumps = list(read_phishtank(options.data)), read_dumps(options.data)
        labels_table(listed, dumps)
        phishtank_links(listed, dumps)
    return 0 if scale(options.urls) else 1


if __name__ == "__main__":
    sys.exit(main())
