"""The looks of an export, by day and prefix."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from waterbed.judging.columns import Array, mixed
from waterbed.model.conclusions import Attribution
from waterbed.model.progress import stage
from waterbed.model.results import SharedLook
from waterbed.store.lake.kinds import DAY_US, day_of
from waterbed.store.spool import Spool
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import arrow_schema, flat
from waterbed.study.judged import JudgedBlock

_NOBODY: Final = ("",)
"""The cell of observations without an address; it must be large enough too."""
_ROW: Final = ("url", "day", "prefix", "hosters", "told")
"""What looks of one row have in common."""


class _Ranked(NamedTuple):
    """Distinct values in order, and the place of each given one."""

    values: list[Any]
    of: Array


class SharedLooks:
    """All looks of a study, and the rows chosen.

    They are counted block by block: memory does not grow with the looks.
    """

    rows = 0
    """The number of rows chosen."""

    def __init__(self, conclusions: Conclusions, renamed: Callable[[str], str]) -> None:
        """Number all that occurs; numbers have the order of rows."""
        self._judged, looks = conclusions.judged, conclusions.looks
        self._site_ids = [conclusions.facts.targets[url_id].site_id for url_id in looks.urls]
        self._urls = _ranked(map(renamed, looks.urls))
        sites = {site_id: renamed(site_id) for site_id in set(self._site_ids)}
        self._sites = [sites[self._site_ids[place]] for place in np.argsort(self._urls.of).tolist()]
        self._hosters = _ranked([*map(_hosters, self._judged.made), ()])
        addresses = looks.coder.address.values
        self._prefixes = _ranked([*(prefix_of(address) if address else None for address in addresses), None])
        self._told = _ranked(((verdict.state, verdict.outcome) for verdict in looks.walk.verdicts), tuple)
        self._kept = Spool(looks.folder)
        self._days: set[int] = set()

    @property
    def days(self) -> tuple[str, str] | None:
        """The first and the last day of a row."""
        return (day_of(min(self._days)).isoformat(), day_of(max(self._days)).isoformat()) if self._days else None

    def sites(self) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """The sites of each hoster and of each prefix."""
        hosters, prefixes = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
        for its in self._judged.blocks():
            for url, keys in self._pairs(its, self._hosters.of[its.attributed]):
                for key in self._hosters.values[keys] or _NOBODY:
                    hosters[key].add(self._site_ids[url])
            for url, number in self._pairs(its, self._prefixes.of[its.block.address]):
                prefix = self._prefixes.values[number]
                if prefix is not None:
                    prefixes[prefix].add(self._site_ids[url])
        return hosters, prefixes

    def _pairs(self, its: JudgedBlock, numbers: Array) -> Iterator[tuple[int, int]]:
        """A URL of each site and a number, each such pair once."""
        first, _ = mixed([self._judged.looks.sites[its.block.url], numbers])
        return zip(its.block.url[first].tolist(), numbers[first].tolist(), strict=True)

    def choose(self, enough: set[str], shown_prefixes: set[str]) -> int:
        """Choose the looks whose hosters are all large enough.

        Prefixes that are not `shown_prefixes` are hidden. Returns the number of looks left out.
        """
        large = np.array([enough.issuperset(keys or _NOBODY) for keys in self._hosters.values], np.bool_)
        none = self._prefixes.values.index(None)
        seen = np.array(
            [n if prefix in shown_prefixes else none for n, prefix in enumerate(self._prefixes.values)], np.int32
        )
        left_out, parts, urls = 0, len(self._judged.looks.lengths), len(self._urls.values)
        with stage("checks shared", len(self._judged.looks)) as advance:
            for its in self._judged.blocks():
                rows = np.flatnonzero(large[self._hosters.of[its.attributed]])
                left_out += len(its.block) - len(rows)
                advance(len(its.block))
                if not len(rows):
                    continue
                cells = {
                    "url": self._urls.of[its.block.url[rows]],
                    "day": (its.block.at[rows] // DAY_US).astype(np.int32),
                    "prefix": seen[self._prefixes.of[its.block.address[rows]]],
                    "hosters": self._hosters.of[its.attributed[rows]],
                    "told": self._told.of[its.verdicts[rows]],
                }
                self._days.update(np.unique(cells["day"]).tolist())
                first, number = mixed(list(cells.values()))
                counted = {name: cell[first] for name, cell in cells.items()}
                counted["looks"] = np.bincount(number)
                self.rows += len(first)
                part = counted["url"].astype(np.int64) * parts // urls
                for part_number in np.unique(part).tolist():
                    self._kept.add(part_number, {name: cell[part == part_number] for name, cell in counted.items()})
        return left_out

    def tables(self) -> Iterator[pa.Table]:
        """The chosen rows, in their order."""
        texts = {
            "prefix": pa.array(self._prefixes.values, pa.string()),
            "hosters": pa.array([flat(keys) for keys in self._hosters.values], pa.string()),
            "state": pa.array([state for state, _ in self._told.values], pa.string()),
            "outcome": pa.array([outcome for _, outcome in self._told.values], pa.string()),
            "url_id": pa.array(self._urls.values, pa.string()),
            "site_id": pa.array(self._sites, pa.string()),
        }
        for part in self._kept.numbers():
            cells = self._kept.get(part)
            order = np.lexsort([cells[name] for name in reversed(_ROW)])
            days, of_day = np.unique(cells["day"][order], return_inverse=True)
            of = {"url_id": "url", "site_id": "url", "state": "told", "outcome": "told"}
            columns = {name: text.take(pa.array(cells[of.get(name, name)][order])) for name, text in texts.items()}
            columns["day"] = pa.array([day_of(day).isoformat() for day in days.tolist()]).take(pa.array(of_day))
            columns["looks"] = pa.array(cells["looks"][order])
            schema = arrow_schema(SharedLook)
            yield pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _ranked(given: Iterable[Any], order: Callable[[Any], Any] = str) -> _Ranked:
    entry_list = list(given)
    values = sorted(set(entry_list), key=order)
    places = {value: place for place, value in enumerate(values)}
    return _Ranked(values, np.array([places[value] for value in entry_list], np.int32))


def _hosters(answer: Attribution) -> tuple[str, ...]:
    return tuple(sorted(set(answer.hosters)))


def prefix_of(address: str) -> str:
    """The IPv4 /24 or IPv6 /48 of an address."""
    ip = ip_address(address)
    return str(ip_network((ip, 24 if ip.version == 4 else 48), strict=False))
