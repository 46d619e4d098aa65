"""Delegated files of the registries: countries of addresses and ASes."""

import gzip
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.countries import CountryTables, read_countries, together
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.model.errors import InputError

RIPE = """# a comment
2|ripencc|1744322399|7|19830705|20250410|+0200
ripencc|*|ipv4|*|4|summary
ripencc|*|asn|*|2|summary
ripencc|*|ipv6|*|2|summary
ripencc|NL|ipv4|192.0.2.0|192|20000101|allocated|aaa-111
ripencc|de|ipv4|192.0.2.192|64|20000101|assigned|bbb-222
ripencc||ipv4|198.51.100.0|256||available
ripencc|ZZ|ipv4|203.0.113.0|256||reserved|ripencc
ripencc|SE|ipv6|2001:db8::|33|20000101|allocated|ccc-333
ripencc|FR|ipv6|2001:db8:8000::|33|20000101|reserved|ccc-333
ripencc|NL|asn|64500|3|20000101|allocated|aaa-111
ripencc||asn|64510|5||available
"""
APNIC = """2|apnic|20250411|1|19830705|20250410|+1000
apnic|*|ipv4|*|1|summary
apnic|JP|ipv4|198.51.100.0|300|20000101|allocated
"""


def _file(folder: Path, data: bytes | str, name: str = "delegated") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("data", [RIPE.encode(), gzip.compress(RIPE.encode(), mtime=0)], ids=["plain", "gzip"])
def test_what_was_given_out_has_its_country(tmp_path: Path, data: bytes) -> None:
    """Counts that are no power of two, prefixes and AS ranges are read; available and reserved rows are not."""
    tables = read_countries(_file(tmp_path, data))
    tables.save(tmp_path / "saved")
    asked = ["192.0.2.191", "192.0.2.192", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:db8:8000::1"]
    for each in (tables, CountryTables.load(tmp_path / "saved")):
        assert each.countries_by_row(pack(asked)) == [("NL",), ("DE",), (), (), ("SE",), ()]
        assert (each.rows_v4, each.rows_v6, each.about.form, each.about.registry) == (2, 1, "delegated", "ripencc")
        assert each.as_countries() == {64500: "NL", 64501: "NL", 64502: "NL"}


def test_files_of_several_registries_are_one_table(tmp_path: Path) -> None:
    """Put together, each address has the country its registry gave it."""
    both = together([read_countries(_file(tmp_path, RIPE)), read_countries(_file(tmp_path, APNIC))])
    assert both.countries_by_row(pack(["192.0.2.1", "198.51.101.43", "198.51.101.44", "2001:db8::"])) == [
        ("NL",),
        ("JP",),
        (),
        ("SE",),
    ]
    assert (both.families, both.rows_v4, both.as_countries()[64501]) == ((4, 6), 3, "NL")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (RIPE.rpartition("ripencc|")[0], "has 1 asn rows where its summary says 2"),
        (RIPE.replace("ripencc|*|ipv4|*|4|summary\n", ""), "has 4 ipv4 rows where its summary says 0"),
        ("".join(RIPE.splitlines(keepends=True)[:2]), "lacks summary lines"),
        (APNIC.replace("allocated", "reserved"), "gives no address a country"),
        (APNIC.replace("|300|", "|0|"), "row 3 reaches past"),
        (APNIC.replace("198.51.100.0|300", "255.255.255.0|300"), "row 3 reaches past"),
        (APNIC.replace("198.51.100.0", "secret.example"), "row 3 needs an address"),
        (APNIC.replace("JP", "JPN"), "row 3 needs a country code"),
        (APNIC.replace("|300|", "|many|"), "row 3 needs a value"),
        (APNIC + "<html>secret.example\n", "row 4 is not registry"),
        (APNIC.replace("|1|summary", "|x|summary"), "row 2 is not a summary line"),
        (RIPE.replace("|33|20000101|allocated", "|129|20000101|allocated"), "row 9 reaches past"),
        (RIPE.replace("|64500|3", "|4294967295|3"), "row 11 reaches past"),
        (RIPE.replace("|64500|3", "|AS64500|3"), "row 11 needs an AS number"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, data: str, says: str) -> None:
    """Half files and bad rows are told in one sentence, without the row's text."""
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        read_countries(_file(tmp_path, data))
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_delegated_file_has_no_routes(tmp_path: Path) -> None:
    """It says who was given addresses, not who announces them."""
    with pytest.raises(InputError, match="a table of places"):
        read_routes(_file(tmp_path, RIPE))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.sampled_from(["NL", "DE", "SE"])), min_size=1))
def test_any_counts_answer_like_a_plain_scan(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    """Of overlapping rows the smaller decides, then the later start; the same row twice has both countries."""
    base = int(IPv4Address("198.51.100.0"))
    text = f"2|arin|1|{len(rows)}|1|1|+0000\narin|*|ipv4|*|{len(rows)}|summary\n"
    text += "".join(f"arin|{cc}|ipv4|{IPv4Address(base + a)}|{n}|20200101|assigned\n" for a, n, cc in rows)
    tables = read_countries(_file(tmp_path_factory.mktemp("t"), text))
    expected = []
    for address in range(75):
        holding = [(n, -a) for a, n, _ in rows if a <= address < a + n]
        best = min(holding) if holding else None
        expected.append(tuple(sorted({cc for a, n, cc in rows if (n, -a) == best})))
    assert tables.countries_by_row(pack([str(IPv4Address(base + n)) for n in range(75)])) == expected
