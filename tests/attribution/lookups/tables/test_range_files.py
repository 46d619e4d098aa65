"""CAIDA's pfx2as: origins as the file has them, several kept as a set."""

import gzip
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.range_files import read_columns
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes
from waterbed.model.errors import InputError

PFX2AS = (
    "192.0.2.0\t24\t64500\n"
    "192.0.2.128\t25\t64501_64502\n"
    "198.51.100.0\t24\t64503,64504\n"
    "203.0.113.0\t24\t64505_{64506,64507}\n"
    "203.0.113.128\t25\t64505_64506,64508\n"
    "2001:db8::\t32\t64509\n"
)
EXPECTED = {
    "192.0.2.1": (64500,),
    "192.0.2.200": (64501, 64502),
    "198.51.100.9": (64503, 64504),
    "203.0.113.9": (64505, 64506, 64507),
    "203.0.113.200": (64505, 64506, 64508),
    "2001:db8::1": (64509,),
    "8.8.8.8": (),
}


def _file(folder: Path, data: bytes | str) -> Path:
    path = folder / "table"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("data", [PFX2AS.encode(), gzip.compress(PFX2AS.encode(), mtime=0)], ids=["plain", "gzip"])
def test_several_origins_and_as_sets_are_sets(tmp_path: Path, data: bytes) -> None:
    """Multi-origin prefixes and AS sets keep all members; rows are those of the file."""
    tables = read_routes(_file(tmp_path, data))
    assert dict(zip(EXPECTED, tables.origins_of(list(EXPECTED)), strict=True)) == EXPECTED
    assert (tables.rows_v4, tables.rows_v6, tables.about.form, tables.about.prefixes) == (5, 1, "pfx2as", True)
    assert (tables.about.overlapping_v4, tables.about.overlapping_v6) == (2, 0)
    tables.save(tmp_path / "saved")
    assert RouteTables.load(tmp_path / "saved").about == tables.about


@pytest.mark.parametrize(
    ("last", "says"),
    [
        ("192.0.2.0\t33\t64500\n", "row 61 needs a prefix"),
        ("secret.example\t24\t64500\n", "row 61 needs a prefix"),
        ("192.0.2.0\t24\t64500_\n", "row 61 needs an AS"),
        ("192.0.2.0\t24\t{64500\n", "row 61 needs an AS"),
        ("192.0.2.0\t24\t1_4294967296\n", "row 61 needs an AS"),
        ("192.0.2.0\t24\n", "row 61 has not the 3 columns"),
    ],
)
def test_a_bad_row_is_named_by_its_number(tmp_path: Path, last: str, says: str) -> None:
    """One bad row refuses the file, in one sentence without its text."""
    with pytest.raises(InputError, match=says) as caught:
        read_routes(_file(tmp_path, "192.0.2.0\t24\t64500\n" * 60 + last))
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="a table of routes"):
        read_countries(_file(tmp_path, PFX2AS))


prefixes = st.builds(
    lambda number, length: ip_network((number & (0xFFFFFFFF << 32 - length) & 0xFFFFFFFF, length)),
    st.integers(0, 0xFFFFFFFF).map(lambda n: n & 0xC0000007),
    st.sampled_from([0, 1, 2, 29, 30, 31, 32]),
)
groups = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), min_size=1, max_size=3)


@settings(max_examples=60)
@given(st.dictionaries(prefixes, groups, min_size=1, max_size=8), st.booleans())
def test_any_file_answers_like_a_plain_scan(
    tmp_path_factory: pytest.TempPathFactory, table: dict, braces: bool
) -> None:
    """The longest matching line decides, with all its members but AS0."""
    shape = "{{{}}}" if braces else "{}"
    lines = [
        f"{p.network_address}\t{p.prefixlen}\t" + "_".join(shape.format(",".join(map(str, g))) for g in sets) + "\n"
        for p, sets in table.items()
    ]
    tables = read_routes(_file(tmp_path_factory.mktemp("t"), "".join(lines)))
    edges = sorted({int(p[i]) + d for p in table for i in (0, -1) for d in (-1, 0, 1)})
    asked = [ip_address(n) for n in edges if 0 <= n < 1 << 32]
    expected = []
    for address in asked:
        holding = [p for p in table if address in p]
        members = {a for g in table[max(holding, key=lambda p: p.prefixlen)] for a in g} if holding else set()
        expected.append(tuple(sorted(members - {0})))
    assert tables.origins_of([str(address) for address in asked]) == expected


def test_a_text_without_rows_is_refused(tmp_path: Path) -> None:
    """Comments alone are no table, whatever ends their lines."""
    with pytest.raises(InputError, match=r"has no rows \(docs/tables\.md\)"):
        list(read_columns([b"# one\r\r;two\n\n", b"#three"], 2, tmp_path / "table"))
