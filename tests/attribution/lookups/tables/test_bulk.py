"""Long columns of addresses against a plain walk over all rows."""

import random
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import numpy as np

from waterbed.attribution.lookups.tables.addresses import Packed, pack
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes

GLOBAL = 0x2000 << 112
BITS = {4: 32, 6: 128}
KIND = {4: IPv4Address, 6: IPv6Address}


def _table(chance: random.Random, family: int, count: int) -> list[tuple[int, int, int]]:
    """Ranges that may overlap: first, last, AS."""
    rows = []
    for _ in range(count):
        size = 1 << chance.randrange(0, BITS[family] - 4)
        first = chance.randrange((1 << 32) - size) if family == 4 else GLOBAL + chance.randrange((1 << 124) - size)
        rows.append((first, first + size - 1, chance.randrange(1, 1 << 32)))
    return rows


def _scanned(rows: list[tuple[int, int, int]], address: int) -> int:
    """The AS of the smallest range around an address, of equally large ones that of the later; 0 for none."""
    around = [(last - first, -first, asn) for first, last, asn in rows if first <= address <= last]
    return min(around, default=(0, 0, 0))[2]


def _asked(chance: random.Random, rows: list[tuple[int, int, int]], count: int) -> list[int]:
    """Edges of ranges, and addresses inside them."""
    edges = [edge for first, last, _ in rows for edge in (first, last)]
    return chance.choices(edges, k=count // 2) + [
        chance.randint(*row[:2]) for row in chance.choices(rows, k=count // 2)
    ]


def test_a_long_column_agrees_with_a_plain_walk(tmp_path: Path) -> None:
    """Of 4,000 addresses, packed or as text, each has the origin that a scan of all rows finds."""
    chance = random.Random(11)
    rows = {family: _table(chance, family, 250) for family in (4, 6)}
    lines = [f"{KIND[f](first)},{KIND[f](last)},{asn}\n" for f, held in rows.items() for first, last, asn in held]
    (tmp_path / "routes.csv").write_text("".join(lines))
    read_routes(tmp_path / "routes.csv").save(tmp_path / "saved")
    asked = [(family, address) for family in (4, 6) for address in _asked(chance, rows[family], 2_000)]
    chance.shuffle(asked)
    expected = [(found,) if (found := _scanned(rows[family], address)) else () for family, address in asked]
    tables = RouteTables.load(tmp_path / "saved")
    texts = [str(KIND[family](address)) for family, address in asked]
    packed = Packed(
        family=np.array([family for family, _ in asked], np.uint8),
        high=np.array([address >> 64 for _, address in asked], np.uint64),
        low=np.array([address & 0xFFFF_FFFF_FFFF_FFFF for _, address in asked], np.uint64),
    )
    assert tables.origins_of(texts) == expected
    assert tables.table.members_by_row(tables.origin_sets(packed)) == expected
    assert (pack(texts).low == packed.low).all()
