"""Tables of address ranges and random addresses for origins.py, in the forms that each library reads."""

import csv
import gzip
import ipaddress
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

Range = tuple[int, int, int]
"""First and last address, and the origin AS."""

SEED = 20250411
GLOBAL = 0x2000 << 112, 0x4000 << 112
_KEPT, _ANNOUNCED, _LAST = 0.79, 0.17, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """A table: disjoint ranges of both families, sorted; `given` has the rows as they stood, perhaps overlapping."""

    v4: list[Range]
    v6: list[Range]
    given: dict[int, list[Range]]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The addresses that every library is asked for."""

    v4: list[int]
    v6: list[int]

    def save(self, folder: Path) -> None:
        """Write them as numbers and as text."""
        np.save(folder / "v4.npy", np.array(self.v4, np.uint32))
        words = [(n >> 64, n & 0xFFFF_FFFF_FFFF_FFFF) for n in self.v6]
        np.save(folder / "v6.npy", np.array(words, np.uint64))
        (folder / "v4.txt").write_text("\n".join(str(ipaddress.IPv4Address(n)) for n in self.v4))
        (folder / "v6.txt").write_text("\n".join(str(ipaddress.IPv6Address(n)) for n in self.v6))


def invented() -> Ranges:
    """A table as large as a real one: prefixes of all lengths, most of them /24, and gaps."""
    chance = random.Random(SEED)
    ases = [chance.randrange(1, 400_000) for _ in range(80_000)]
    v4: list[Range] = []
    blocks = [n << 24 for n in range(1, 224)]
    for length in range(8, 25):
        size, below = 1 << (32 - length), []
        for first in blocks:
            drawn = chance.random()
            if length == 24:
                if drawn < _LAST:
                    v4.append((first, first + size - 1, chance.choice(ases)))
            elif drawn < _KEPT:
                below += [first, first + size // 2]
            elif drawn < _KEPT + _ANNOUNCED:
                v4.append((first, first + size - 1, chance.choice(ases)))
        blocks = below
    v6: list[Range] = []
    for network in sorted(chance.sample(range(0x2001_0000, 0x2C10_0000), 73_000)):
        lengths = [32] if chance.random() < 0.5 else [48, 48]
        inside = sorted(chance.sample(range(1 << 16), len(lengths)))
        for length, place in zip(lengths, inside, strict=True):
            first = network << 96 if length == 32 else network << 96 | place << 80
            v6.append((first, first + (1 << (128 - length)) - 1, chance.choice(ases)))
    rows = {4: sorted(v4), 6: sorted(v6)}
    return Ranges(v4=rows[4], v6=rows[6], given=rows, said="invented")


def read_ranges(paths: Sequence[Path]) -> Ranges:
    """The rows of CSV ranges, plain or gzip, read the plainest way."""
    rows: dict[int, list[Range]] = {4: [], 6: []}
    for path in paths:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
            for first, last, asn, *_ in csv.reader(file):
                address = ipaddress.ip_address(first)
                rows[address.version].append((int(address), int(ipaddress.ip_address(last)), int(asn)))
    for each in rows.values():
        each.sort()
    said = ", ".join(path.name for path in paths)
    return Ranges(v4=_disjoint(rows[4]), v6=_disjoint(rows[6]), given=rows, said=said)


def _disjoint(rows: Sequence[Range]) -> list[Range]:
    """Sorted ranges cut where they overlap: the smaller one wins, of equally large ones the later."""
    found: list[Range] = []
    for cluster in _clusters(rows):
        if len(cluster) == 1:
            found += cluster
            continue
        edges = sorted({edge for first, last, _ in cluster for edge in (first, last + 1)})
        for start, stop in pairwise(edges):
            over = [row for row in cluster if row[0] <= start <= row[1]]
            if over:
                found.append((start, stop - 1, min(over, key=lambda row: (row[1] - row[0], -row[0]))[2]))
    return found


def _clusters(rows: Sequence[Range]) -> Iterator[list[Range]]:
    """Sorted ranges, those together that overlap."""
    cluster: list[Range] = []
    reached = -1
    for row in rows:
        if cluster and row[0] > reached:
            yield cluster
            cluster = []
        cluster.append(row)
        reached = max(reached, row[1]) if len(cluster) > 1 else row[1]
    if cluster:
        yield cluster


def random_addresses(ranges: Ranges, v4: int, v6: int) -> Asked:
    """Addresses of which half lie in a range drawn by chance, and half anywhere."""
    chance = random.Random(SEED + 1)

    def drawn(rows: Sequence[Range], count: int, space: tuple[int, int]) -> list[int]:
        inside = [chance.randint(first, last) for first, last, _ in chance.choices(rows, k=count // 2)]
        found = inside + [chance.randrange(*space) for _ in range(count - len(inside))]
        chance.shuffle(found)
        return found

    return Asked(v4=drawn(ranges.v4, v4, (0, 1 << 32)), v6=drawn(ranges.v6, v6, GLOBAL))


def walked(ranges: Ranges, asked: Asked) -> Any:
    """The origin AS of each address by walking rows and sorted addresses side by side; 0 for none."""
    found = []
    for rows, addresses in ((ranges.v4, asked.v4), (ranges.v6, asked.v6)):
        answers = [0] * len(addresses)
        row = 0
        for place in sorted(range(len(addresses)), key=addresses.__getitem__):
            while row < len(rows) and rows[row][1] < addresses[place]:
                row += 1
            if row < len(rows) and rows[row][0] <= addresses[place]:
                answers[place] = rows[row][2]
        found += answers
    return np.array(found, np.uint32)


def as_csv(ranges: Ranges) -> str:
    """The table as CSV ranges, as our import reads it."""
    lines = []
    for kind, rows in ((ipaddress.IPv4Address, ranges.given[4]), (ipaddress.IPv6Address, ranges.given[6])):
        lines += [f"{kind(first)},{kind(last)},{asn},Organisation {asn}\n" for first, last, asn in rows]
    return "".join(lines)


def prefixes(rows: Iterable[Range], bits: int) -> Iterator[tuple[int, int, int]]:
    """Each range as prefixes: first address, length, AS."""
    for start, last, asn in rows:
        first = start
        while first <= last:
            free = min((first & -first).bit_length() - 1 if first else bits, (last - first + 1).bit_length() - 1)
            yield first, bits - free, asn
            first += 1 << free


def write_dat(ranges: Ranges, path: Path) -> int:
    """The table as pyasn reads it; gives the number of prefixes."""
    lines = [f"{ipaddress.IPv4Address(n)}/{length}\t{asn}\n" for n, length, asn in prefixes(ranges.v4, 32)]
    lines += [f"{ipaddress.IPv6Address(n)}/{length}\t{asn}\n" for n, length, asn in prefixes(ranges.v6, 128)]
    path.write_text("".join(lines))
    return len(lines)


def write_mmdb(ranges: Ranges, path: Path) -> None:
    """The table as an MMDB of ASes, IPv4 at ::/96 as MaxMind's own files have it."""
    from mmdb_writer import MMDBWriter  # noqa: PLC0415 (only this form needs it)
    from netaddr import IPNetwork, IPSet  # noqa: PLC0415 (it comes with mmdb_writer)

    held: dict[int, list[Any]] = defaultdict(list)
    for rows, bits, family in ((ranges.v4, 32, 4), (ranges.v6, 128, 6)):
        for first, length, asn in prefixes(rows, bits):
            network = IPNetwork((first, length), version=family)
            held[asn].append(network)
    writer = MMDBWriter(
        ip_version=6, ipv4_compatible=True, database_type="GeoLite2-ASN", languages=["en"], description="x"
    )
    for asn, networks in held.items():
        content = {"autonomous_system_number": asn, "autonomous_system_organization": f"Organisation {asn}"}
        writer.insert_network(IPSet(networks), content)
    writer.to_db_file(str(path))
