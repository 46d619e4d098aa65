"""An attacker who reads what is published and works out, by linear programs, what is hidden.

He knows the hosters, their ASes and countries, which of them share URLs, the policy, and the sums of
docs/publishing.md; he does not know the program. Each of his equations is one sentence of that page.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

Tables = Mapping[str, Mapping[str, Any]]
"""Each published table by name: its metadata, and `rows`."""
Unknown = Hashable
FEWEST = 10
"""Sites that a place by speed needs."""
LEVELS = (("hoster", "hoster"), ("as", "asn"), ("country", "country"))
"""Levels of the displacement page, and the rankings of their keys."""
CLOSE = 1e-4
"""Published shares are rounded to a millionth."""


@dataclass
class System:
    """Equations and inequalities over unknown counts, none of them negative."""

    numbers: dict[Unknown, int] = field(default_factory=dict)
    equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    most: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def terms(self, found: Iterable[tuple[Unknown, float]]) -> dict[int, float]:
        sums: dict[int, float] = defaultdict(float)
        for unknown, factor in found:
            sums[self.numbers.setdefault(unknown, len(self.numbers))] += factor
        return dict(sums)

    def equals(self, found: Iterable[tuple[Unknown, float]], value: float) -> None:
        self.equal.append((self.terms(found), value))

    def at_most(self, found: Iterable[tuple[Unknown, float]], value: float) -> None:
        self.most.append((self.terms(found), value))

    def at_least(self, found: Iterable[tuple[Unknown, float]], value: float) -> None:
        self.at_most([(unknown, -factor) for unknown, factor in found], -value)

    def exist(self, sums: Iterable[Sequence[tuple[Unknown, float]]], number: float, least: int = 1) -> None:
        """At least a number of some sums are `least` or more."""
        if number <= 0:
            return
        every = []
        for at, own in enumerate(sums):
            flag = ("exists", len(self.most), at)
            self.at_most([(flag, 1.0)], 1.0)
            self.at_most([(flag, float(least)), *((unknown, -factor) for unknown, factor in own)], 0.0)
            every.append((flag, 1.0))
        self.at_least(every, number)

    def ranges(self, wanted: Mapping[Hashable, Sequence[tuple[Unknown, float]]]) -> dict[Hashable, tuple[float, float]]:
        """The least and most that each wanted sum can be; RuntimeError if the equations contradict each other."""
        sums = {name: self.terms(found) for name, found in wanted.items()}
        size = max(len(self.numbers), 1)
        a_eq, b_eq = _matrix(self.equal, size)
        a_ub, b_ub = _matrix(self.most, size)
        found = {}
        for name, terms in sums.items():
            cost = np.zeros(size)
            for at, factor in terms.items():
                cost[at] = factor
            ends = []
            for sign in (1, -1):
                done = linprog(sign * cost, A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq, method="highs")
                if done.status == 3:
                    ends.append(-sign * np.inf)
                elif done.status:
                    raise RuntimeError(f"{name}: {done.message}")
                else:
                    ends.append(sign * done.fun)
            found[name] = (ends[0], ends[1])
        return found


def _matrix(rows: Sequence[tuple[dict[int, float], float]], size: int) -> tuple[Any, Any]:
    if not rows:
        return None, None
    places = [(row, at, factor) for row, (terms, _) in enumerate(rows) for at, factor in terms.items()]
    row, column, factor = zip(*places, strict=True) if places else ((), (), ())
    return csr_matrix((factor, (row, column)), shape=(len(rows), size)), np.array([value for _, value in rows])


Signature = frozenset[tuple[str, str]]
"""Keys of a URL in the rankings of networks: kind and key."""


APART = {"ranking-category", "ranking-site_type", "ranking-commercial"}
"""Rankings by what reports tell: nobody knows how these lie to networks."""


def with_rankings(
    system: System,
    tables: Tables,
    signatures: Sequence[Signature],
    *,
    count: str,
    edition: int = 0,
    total: int | None = None,
) -> Callable[[tuple[str, str]], list[tuple[Unknown, float]]]:
    """Adds what the rankings tell of the URLs, hosts or sites with each signature; returns the sum of a key."""

    def of(key: tuple[str, str]) -> list[tuple[Unknown, float]]:
        return [((edition, count, one), 1.0) for one in signatures if key in one]

    shown: dict[str, set[str]] = {}
    for name, table in tables.items():
        if name.startswith("ranking-") and name not in APART:
            kind = name.removeprefix("ranking-")
            shown[kind] = {row["key"] for row in table["rows"]}
            for row in table["rows"]:  # a row counts everything that lies under its key
                system.equals(of((kind, row["key"])), row[count])
    if count == "hosts":  # each host is shared equally among its keys that are shown
        for kind, keys in shown.items():
            for row in tables[f"ranking-{kind}"]["rows"]:
                parts = [
                    ((edition, count, one), 1 / len({key for key in keys if (kind, key) in one}))
                    for one in signatures
                    if (kind, row["key"]) in one
                ]
                system.at_most(parts, row["hosts_fractional"] + CLOSE)
                system.at_least(parts, row["hosts_fractional"] - CLOSE)
    if total is not None:  # the first page has the number of all URLs
        system.equals([((edition, count, one), 1.0) for one in signatures], total)
    return of


def with_left_out(
    system: System,
    tables: Tables,
    signatures: Sequence[Signature],
    of: Callable[[tuple[str, str]], list[tuple[Unknown, float]]],
    *,
    sources: int,
) -> None:
    """Adds how many rows are said to be left out, and the places that are missing.

    A table by source has a row for each key and source; a place by speed needs FEWEST sites.
    """
    for name, table in tables.items():
        what, _, kind = name.partition("-")
        if what not in ("ranking", "places", "feeds") or name in APART or not kind:
            continue
        shown = {row["key"] for row in tables[f"ranking-{kind}"]["rows"]}
        hidden = [of(key) for key in sorted({key for one in signatures for key in one if key[0] == kind})
                  if key[1] not in shown]  # fmt: skip
        gone = table["left_out"]
        system.exist(hidden, (len(table["rows"]) + gone) / sources - len(shown) if what == "feeds" else gone)
        placed = sorted(row["place_low"] for row in table["rows"] if row.get("place_low"))
        system.exist(hidden, max([place - at for at, place in enumerate(placed, 1)], default=0), FEWEST)


def with_categories(system: System, tables: Tables, categories: Sequence[str], total: int) -> None:
    """Adds the ranking by category: a URL of the simulation has one category."""
    rows = {row["key"]: row["urls"] for row in tables["ranking-category"]["rows"]}
    for key, urls in rows.items():
        system.equals([(("category", key), 1.0)], urls)
    system.equals([(("category", key), 1.0) for key in categories], total)


Reported = tuple[Signature, frozenset[str]]


def reported(
    kinds: Iterable[Reported],
    source: str | None = None,
    *,
    key: tuple[str, str] | None = None,
    others: bool = False,
    edition: int = 0,
) -> list[tuple[Unknown, float]]:
    """URLs that a source, or any, reported of a key, or of any; of these, those that others reported too."""
    return [
        ((edition, "reported", one), 1.0)
        for one in kinds
        if source in (None, *one[1]) and (key is None or key in one[0]) and (not others or len(one[1]) > 1)
    ]


def with_sources(
    system: System, tables: Tables, kinds: Iterable[Reported], total: int | None = None, edition: int = 0
) -> None:
    """Adds cards, shares of what another source reported too, and the rankings by each source."""
    every = list(kinds)

    def those(source: str | None = None, **of: Any) -> list[tuple[Unknown, float]]:
        return reported(every, source, **of, edition=edition)

    for card in tables["feeds"]["rows"]:
        system.equals(those(card["source"]), card["urls"])
        if card["shared"] is not None:
            system.at_most(those(card["source"], others=True), (card["shared"] + 1e-6) * card["urls"])
            system.at_least(those(card["source"], others=True), (card["shared"] - 1e-6) * card["urls"])
    for name, table in tables.items():
        kind = name.partition("-")[2]
        for row in table["rows"] if name.startswith("feeds-") else ():
            if row["hosts"] is not None:
                system.equals(those(row["source"], key=(kind, row["key"])), row["hosts"])
        every_host = {row["key"]: row["hosts"] for row in tables.get(f"ranking-{kind}", {"rows": ()})["rows"]}
        for row in table["rows"] if name.startswith("feeds-") else ():
            if row["removed_24h"] is not None:  # a quotient of whole numbers, as far as its digits tell it
                sizes = list(_denominators(row["removed_24h"], every_host[row["key"]]))
                system.at_least(those(row["source"], key=(kind, row["key"])), min(sizes))
                system.at_most(those(row["source"], key=(kind, row["key"])), max(sizes))
        placed = sorted(
            (row["source"], row["place"], row["key"])
            for row in (table["rows"] if name.startswith("feeds-") else ())
            if row["place"] is not None
        )
        for (source, _, key), (other, _, after) in pairwise(placed):
            if source == other:  # a place by hosts orders the keys of its source
                more = [(unknown, -factor) for unknown, factor in those(source, key=(kind, key))]
                system.at_most([*more, *those(source, key=(kind, after))], 0.0)
        for source in {source for source, _, _ in placed}:
            own = [place for one, place, _ in placed if one == source]
            keys = {key for one in every for key in one[0] if key[0] == kind} - {(kind, row[2]) for row in placed}
            missing = max(place - at for at, place in enumerate(own, 1))
            system.exist([those(source, key=key) for key in sorted(keys)], missing)
        for row in table["rows"] if name.startswith("ranking-") and name not in APART else ():
            system.equals(those(key=(kind, row["key"])), row["hosts"])
    if total is not None:
        system.equals(those(), total)


def _denominators(share: float, most: int) -> Iterable[int]:
    """All numbers of URLs, enough for a share, of which a part may be a share as told."""
    close = 0.05 if share == round(share, 1) else 5e-7
    return (size for size in range(FEWEST, most + 1) if abs(round(share * size) / size - share) <= close + 1e-12)


def with_notices(
    system: System, tables: Tables, signatures: Sequence[Signature], weeks: Sequence[str], edition: int = 0
) -> None:
    """Adds the clocks that notices started, of each key, and of each hoster by week."""
    for name, table in tables.items():
        kind = name.partition("-")[2]
        for row in table["rows"] if name.startswith("compliance-") else ():
            system.equals(
                [
                    ((edition, "clocks", one, week), 1.0)
                    for one in signatures
                    if (kind, row["key"]) in one
                    for week in weeks
                    if row["week"] in (None, week)
                ],
                row["clocks"],
            )
        if name.startswith("compliance-"):
            shown = {(row["key"], row["week"]) for row in table["rows"]}
            keys = sorted({key for one in signatures for key in one if key[0] == kind})

            def clocks(key: tuple[str, str], week: str) -> list[tuple[Unknown, float]]:
                return [((edition, "clocks", one, week), 1.0) for one in signatures if key in one]

            rows = [
                [term for week in weeks for term in clocks(key, week)] for key in keys if (key[1], None) not in shown
            ]
            rows += [clocks(key, week) for key in keys for week in weeks if (key[1], week) not in shown]
            system.exist(rows, table["left_out"])  # a row for each key, and for each of its weeks


def with_hops(
    system: System,
    tables: Tables,
    places: Mapping[str, Mapping[str, str]],
    home: str,
    cells: Sequence[Mapping[str, Any]],
    edition: int = 0,
) -> None:
    """Adds flows, shares with what they are of, and the cells of the displacement page.

    `places` has the AS and country of each hoster; `cells` their hops, weeks left out.
    """
    pairs = [(a, b) for a in places for b in places if a != b]
    rows = tables["flows"]["rows"]
    own = {(row["from_key"], row["to_key"]) for row in rows}

    def way(a: str, b: str) -> str:
        left, arrived = (places[one]["country"] == home for one in (a, b))
        return ("stays home" if arrived else "leaves home") if left else "comes home" if arrived else "stays abroad"

    def stands_in(a: str, b: str) -> list[tuple[str, str]]:
        """The rows of flows that hops of a pair can be in; in the first edition it is the first of these."""
        fitting = [ends for ends in ((a, b), (a, "others"), ("others", "others")) if ends in own]
        return fitting if edition else fitting[:1]

    def hops(chosen: Iterable[tuple[str, str]], *wanted: tuple[str, str]) -> list[tuple[Unknown, float]]:
        return [
            ((edition, pair, ends), 1.0) for pair in chosen for ends in stands_in(*pair) if not wanted or ends in wanted
        ]

    sums: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        ends = row["from_key"], row["to_key"]
        sums[ends] += row["hops"]
        if row["passage"] is not None:
            system.at_least(hops((pair for pair in pairs if way(*pair) == row["passage"]), ends), row["hops"])
    for ends, total in sums.items():
        system.equals(hops(pairs, ends), total)
    for pair in pairs:  # all hops of a pair: later editions let new ones wait, and the first has all or none
        waiting = [((edition, pair, "waits"), 1.0)] if edition or not rows else []
        system.equals([((edition, "hops", pair), -1.0), *hops([pair]), *waiting], 0.0)
    for kind in ("hoster", "asn", "country"):
        for row in tables[f"flow-shares-{kind}"]["rows"]:
            a, b = row["from_key"], row["to_key"]
            from_there = [pair for pair in pairs if _key(places, pair[0], kind) == a]
            there = [pair for pair in from_there if b in ("others", _key(places, pair[1], kind))]
            system.at_least(hops(there), row["hops_fractional"])
            if row["left"] is not None:
                system.equals([((edition, "hops", pair), 1.0) for pair in from_there], row["left"])
                assert abs(row["share"] * row["left"] - row["hops_fractional"]) < CLOSE
    for cell in cells:
        fitting = [
            pair
            for pair in pairs
            if (cell["passage"] is None or way(*pair) == cell["passage"])
            and all(
                not cell[kind]
                or all(not side or _key(places, one, kind) in side for side, one in zip(cell[kind], pair, strict=True))
                for kind in ("hoster", "asn", "country")
            )
        ]
        system.at_least(hops(fitting), cell["hops"])


def with_chains(
    system: System,
    rows: Iterable[Mapping[str, Any]],
    places: Mapping[str, Mapping[str, str]],
    edition: int = 0,
) -> None:
    """Adds the table of chains, where each content hops once: those on a level hop from one of its keys to another."""
    kinds = dict(LEVELS)
    counted: dict[str, int] = defaultdict(int)
    for row in rows:
        counted[kinds[row["level"]]] += row["possibly"]
    for kind, contents in counted.items():
        pairs = [(a, b) for a in places for b in places if _key(places, a, kind) != _key(places, b, kind)]
        system.at_least([((edition, "hops", pair), 1.0) for pair in pairs], contents)


def _key(places: Mapping[str, Mapping[str, str]], hoster: str, kind: str) -> str:
    return hoster if kind == "hoster" else places[hoster][kind]


def read_tables(folder: Path) -> dict[str, Any]:
    """The tables of a published folder, by name."""
    names = [path.name.removesuffix(".schema.json") for path in folder.glob("*.schema.json")]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names if "stix" not in name}


def read_cells(folder: Path) -> list[dict[str, Any]]:
    """The cells in the script of the displacement page, weeks left out."""
    text = (folder / "displacement.html").read_text()
    found = re.search(r'<script type="application/json" id="hops">(.*?)</script>', text, re.DOTALL)
    if found is None:
        return []
    data = json.loads(found[1])
    words = [None if way == "held back" else way for way in data["passages"]]

    def ends(level: str, number: int) -> list[list[str]] | None:
        keys, told = data["levels"][level]["keys"], data["ends"][level][number]
        return told and [[keys[at]["key"] for at in (side if isinstance(side, list) else [side])] for side in told]

    return [
        {
            "passage": words[passage],
            "hops": hops,
            **{kind: ends(level, number) for level, kind in LEVELS},
        }
        for number, passage, hops in zip(*(data["cells"][name] for name in ("ends", "passage", "hops")), strict=True)
    ]


def read_chains(folder: Path) -> list[dict[str, Any]]:
    """The table of chains beside the displacement page."""
    found: list[dict[str, Any]] = json.loads((folder / "data/hop-chains.json").read_text())["rows"]
    return found


def read_total(folder: Path, name: str) -> int:
    """A number about the whole study, beside the first page."""
    rows = json.loads((folder / "data/totals.json").read_text())["rows"]
    return next(int(row["value"]) for row in rows if row["name"] == name)
