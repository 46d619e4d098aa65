"""Dated routing and country tables: files read, stretches searched, saved and loaded."""

import gzip
import random
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.countries import CountryTables, read_countries
from waterbed.attribution.lookups.tables.ranges import Rows, build, words
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes
from waterbed.model.addresses import canonical_address
from waterbed.model.errors import InputError

CSV = """192.0.2.0,192.0.2.127,64500,"First, Inc."
192.0.2.128,192.0.2.255,64501,Second ""quoted"" Ltd
198.51.100.0,198.51.100.255,64500,"First, Inc."
2001:db8::,2001:db8::ffff:ffff:ffff:ffff,64502,Third
203.0.113.0,203.0.113.255,0,Not routed
255.255.255.255,255.255.255.255,4294967295,Last
"""
LOOKED_UP = ["192.0.2.0", "192.0.2.128", "192.0.3.0", "2001:db8::1", "2001:db8:0:1::", "203.0.113.9", "255.255.255.255"]
ORIGINS = [(64500,), (64501,), (), (64502,), (), (), (4294967295,)]


def _file(folder: Path, data: bytes | str, name: str = "table") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def _spelled_as_numbers(text: str) -> str:
    rows = [line.split(",", 2) for line in text.splitlines()]
    return "".join(f"{int(ip_address(a))},{int(ip_address(b))},{rest}\n" for a, b, rest in rows)


@pytest.mark.parametrize(
    "data",
    [
        CSV,
        CSV.replace("\n", "\r\n"),
        "# one\r" + CSV.replace("\n", "\r;two\r"),
        "\ufeff" + CSV,
        CSV.rstrip("\n"),
        _spelled_as_numbers(CSV),
        gzip.compress(CSV.encode(), mtime=0),
        gzip.compress(CSV[:70].encode(), mtime=0) + gzip.compress(CSV[70:].encode(), mtime=0),
        "".join(sorted(CSV.splitlines(keepends=True), reverse=True)),
    ],
    ids=["plain", "crlf", "cr", "bom", "no last newline", "numbers", "gzip", "gzip members", "unsorted"],
)
def test_ranges_are_read_from_each_spelling(tmp_path, data):
    """Text, whole numbers, gzip and any order give the same table; the kind is told by content."""
    tables = read_routes(_file(tmp_path, data, "anything.bin"))
    assert tables.origins_of(LOOKED_UP) == ORIGINS
    assert (tables.rows_v4, tables.rows_v6, tables.families) == (5, 1, (4, 6))
    assert tables.organisations[64500] == "First, Inc."


def test_a_name_in_latin_1_is_read(tmp_path):
    """A file that is not UTF-8 is taken as Latin-1, never refused for a name."""
    path = _file(tmp_path, "192.0.2.0,192.0.2.255,64500,Gr\xfcn\n".encode("latin-1"))
    assert read_routes(path).organisations == {64500: "Grün"}


DAT = """; IP-ASN32-DAT file
; CIDRs : 7
192.0.2.0/24\t64500
192.0.2.128/25\t64501
192.0.2.129/32\t64502
198.51.100.0/24\t64511
198.51.100.0/24\t64500
2001:db8::/32\t64510
2001:db8::8000:0:0:0/65\t64503
"""


@pytest.mark.parametrize("data", [DAT, gzip.compress(DAT.encode(), mtime=0)], ids=["plain", "gzip"])
def test_of_prefixes_the_longest_match_wins(tmp_path, data):
    """Nested prefixes become stretches; one prefix with several ASes has an origin set."""
    tables = read_routes(_file(tmp_path, data))
    asked = [
        "192.0.2.1",
        "192.0.2.128",
        "192.0.2.129",
        "192.0.2.130",
        "198.51.100.7",
        "2001:db8::1",
        "2001:db8::9000:0:0:1",
    ]
    assert tables.origins_of(asked) == [
        (64500,),
        (64501,),
        (64502,),
        (64501,),
        (64500, 64511),
        (64510,),
        (64503,),
    ]
    assert (tables.rows_v4, tables.rows_v6) == (5, 2)


prefixes = st.builds(
    lambda number, length: ip_network((number & (0xFFFFFFFF << 32 - length) & 0xFFFFFFFF, length)),
    st.integers(0, 0xFFFFFFFF).map(lambda n: n & 0xC00000C3),
    st.sampled_from([0, 1, 2, 8, 24, 25, 26, 30, 31, 32]),
)


@settings(max_examples=60)
@given(st.dictionaries(prefixes, st.sets(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=12))
def test_any_set_of_prefixes_is_searched_like_a_plain_scan(tmp_path_factory, table):
    """For every address near an edge the stretches give what the longest match gives, in both families."""
    edges = {int(p[i]) + d for p in table for i in (0, -1) for d in (-1, 0, 1)}
    asked = [n for n in edges if 0 <= n < 1 << 32]
    as_v6 = {IPv6Network((int(p[0]) << 60, p.prefixlen + 36)): asns for p, asns in table.items()}
    lines = [f"{p}\t{asn}\n" for t in (table, as_v6) for p, asns in t.items() for asn in asns]
    tables = read_routes(_file(tmp_path_factory.mktemp("t"), "".join(lines)))
    for kind, shift, held in ((IPv4Address, 0, table), (IPv6Address, 60, as_v6)):
        spelled = [kind(n << shift) for n in sorted(asked)]
        expected = [
            tuple(sorted(held[max(m, key=lambda p: p.prefixlen)])) if (m := [p for p in held if a in p]) else ()
            for a in spelled
        ]
        assert tables.origins_of([str(a) for a in spelled]) == expected


ranges = st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(1, 5))


@given(st.lists(ranges, min_size=1, max_size=10), st.sampled_from([0, (1 << 64) - 40, (1 << 128) - 90]))
def test_where_ranges_overlap_the_smaller_one_wins(rows, offset):
    """Of overlapping ranges the smaller, then the later one decides, across word borders and at the last address."""
    spans = {(a + offset, min(a + size + offset, (1 << 128) - 1)) for a, size, _ in rows}
    numbers = {s: {n for a, size, n in rows if (a + offset, a + size + offset) == s} for s in spans}
    flat = [(a, b, n) for (a, b), ns in numbers.items() for n in ns]
    (fh, fl), (lh, ll) = words([r[0] for r in flat]), words([r[1] for r in flat])
    number = np.array([r[2] for r in flat], np.uint64)
    none = np.zeros(0, np.uint64)
    v6 = Rows(first_high=fh, first_low=fl, last_high=lh, last_low=ll, number=number)
    v4 = Rows(first_high=none, first_low=none, last_high=none, last_low=none, number=none)
    table = build(v4, v6)
    asked = [n + offset for n in range(-2, 86) if 0 <= n + offset < 1 << 128]
    expected = []
    for n in asked:
        holding = [(b - a, -a, a, b) for a, b in spans if a <= n <= b]
        expected.append(tuple(sorted(numbers[min(holding)[2:]])) if holding else ())
    assert table.members_by_row(table.v6_set_of(*words(asked))) == expected


def test_an_ipv4_mapped_address_is_the_ipv4_address(tmp_path):
    """`::ffff:192.0.2.1` has the origin of 192.0.2.1; a table's own mapped range does not spill into IPv4."""
    mapped = "::ffff:0:0,::ffff:ffff:ffff,64999,Bogus\n"
    tables = read_routes(_file(tmp_path, CSV + mapped))
    assert tables.origins_of(["::ffff:192.0.2.1", "8.8.8.8"]) == [(64500,), ()]


def test_text_that_is_no_address_has_no_origin(tmp_path):
    """Names, scopes, short forms and NULs make empty rows, never errors."""
    tables = read_routes(_file(tmp_path, CSV))
    odd = ["", "x", "192.0.2", "192.0.2.01", "fe80::1%eth0", "192.0.2.1\x00", "192.0.2.1 ", "\ud800", "1.2.3.4.5"]
    assert tables.origins_of(odd) == [()] * len(odd)
    assert [canonical_address(text) for text in odd] == [None] * len(odd)
    assert tables.origins_of([]) == []


def test_packed_addresses_are_searched_by_column(tmp_path):
    """Set numbers come for a mixed column, in its order, and open into origins."""
    tables = read_routes(_file(tmp_path, CSV))
    sets = tables.origin_sets(pack([*LOOKED_UP, "x"]))
    assert [tables.table.members_of(int(s)) for s in sets] == [*ORIGINS, ()]


def test_a_table_is_saved_and_loaded_whole(tmp_path):
    """A saved table answers as before, from memory-mapped arrays; saving again replaces it."""
    tables = read_routes(_file(tmp_path, CSV))
    tables.save(tmp_path / "saved")
    tables.save(tmp_path / "saved")
    loaded = RouteTables.load(tmp_path / "saved")
    assert loaded.origins_of(LOOKED_UP) == ORIGINS
    assert (loaded.rows_v4, loaded.rows_v6, loaded.organisations) == (5, 1, tables.organisations)
    assert isinstance(loaded.table.v4_first, np.memmap)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["saved", "table"]


def test_a_damaged_or_foreign_folder_is_refused(tmp_path):
    """A missing, cut or other table is an input error that says what to do."""
    read_routes(_file(tmp_path, CSV)).save(tmp_path / "saved")
    with pytest.raises(InputError, match="import its file again"):
        CountryTables.load(tmp_path / "saved")
    array = tmp_path / "saved" / "members.npy"
    array.write_bytes(array.read_bytes()[:-2])
    for folder in ("saved", "nowhere"):
        with pytest.raises(InputError, match="import its file again"):
            RouteTables.load(tmp_path / folder)


PLACES = (
    "192.0.2.0,192.0.2.255,NL\n192.0.2.8,192.0.2.15,DE\n198.51.100.0,198.51.100.255,ZZ\n2001:db8::,2001:db8::ff,us\n"
)


def test_countries_are_read_and_searched(tmp_path):
    """The smaller range wins; ZZ is no country; codes are upper case."""
    places = read_countries(_file(tmp_path, PLACES))
    places.save(tmp_path / "saved")
    for each in (places, CountryTables.load(tmp_path / "saved")):
        asked = ["192.0.2.1", "192.0.2.9", "198.51.100.1", "2001:db8::1", "203.0.113.1", "x"]
        assert each.countries_by_row(pack(asked)) == [("NL",), ("DE",), (), ("US",), (), ()]
        assert each.families == (4, 6)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"; only\n; comments\n", "is empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b'{"a": 1}', "JSON"),
        (b"\x7fELF\x00\x00\x01", "binary"),
        (CSV.encode("utf-16"), "binary"),
        (gzip.compress(b"<html>", mtime=0), "HTML"),
        (gzip.compress(CSV.encode(), mtime=0)[:-20], "breaks off"),
        (b"\x1f\x8b" + bytes(30), "is damaged"),
        (PLACES.encode(), "a table of places"),
        (b"https://secret.example/x,1,2\n", "no known kind"),
        (b"start,end,asn,org\n192.0.2.0,192.0.2.255,64500,X\n", "no known kind"),
        (b"192.0.2.0,192.0.2.255,64500,A,B\n", "no known kind"),
        (CSV.encode() * 20 + b"secret.example,192.0.2.255,64500,A\n", "row 121 needs two addresses"),
        (CSV.encode() * 20 + b"192.0.2.0,192.0.2.x,64500,A\n", "row 121 needs two addresses"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b"192.0.2.0,2001:db8::,64500,A\n", "row 61 needs two addresses"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b"192.0.2.9,192.0.2.1,64500,A\n", "row 61 ends before"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b"192.0.2.0,192.0.2.1,4294967296,A\n", "row 61 needs an AS"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b"<html>\n", "row 61 has not the 4 columns"),
        (b"1,2,64500,A\n" * 60 + b"1,x,64500,A\n", "row 61 needs two addresses as whole"),
        (b"1,2,64500,A\n" * 60 + b"1,%d,64500,A\n" % (1 << 128), "row 61 needs two addresses as whole"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b'192.0.2.0,192.0.2.1,1,"A\n', "row 61 has a cell with a line"),
        (b"192.0.2.0,192.0.2.255,64500,A\n" * 60 + b'192.0.2.0,192.0.2.1,1,"A', "row 61 has a cell with a line"),
        (b'192.0.2.0,192.0.2.1,1,"A\r\n192.0.2.0,192.0.2.1,1,A"\r\n', "row 1 has a cell with a line"),
        (b'192.0.2.0,192.0.2.1,1,A\n192.0.2.0,192.0.2.1,1,"A\n' + CSV.encode(), "row 2 has not the 4 columns"),
        (b"192.0.2.0/24\t64500\n" * 60 + b"192.0.2.0/33\t64500\n", "row 61 needs a prefix"),
        (b"192.0.2.0/24\t64500\n" * 60 + b"secret.example\t64500\n", "row 61 needs a prefix"),
        (b"192.0.2.0/24\t64500\n" * 60 + b"192.0.2.0/24\tAS1\n", "row 61 needs an AS"),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(tmp_path, data, says):
    """The error says what it is and where to look, and never repeats the file's text."""
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        read_routes(_file(tmp_path, data))
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (CSV.encode(), "a table of routes"),
        (DAT.encode(), "a table of routes"),
        (PLACES.encode() * 20 + b"192.0.2.0,192.0.2.255,NLD\n", "row 81 needs a country"),
    ],
)
def test_a_routing_table_is_no_country_table(tmp_path, data, says):
    """Tables of routes, and bad codes, are refused where countries are wanted."""
    with pytest.raises(InputError, match=says):
        read_countries(_file(tmp_path, data))


def test_a_missing_file_is_an_input_error(tmp_path):
    """A path that cannot be read is told, with the system's reason."""
    with pytest.raises(InputError, match="No such file"):
        read_routes(tmp_path / "none")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    """A gzip file that unpacks to more than the limit is refused before it fills the memory."""
    monkeypatch.setattr("waterbed.attribution.lookups.tables.contents.MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than 1,000 bytes"):
        read_routes(_file(tmp_path, gzip.compress(bytes(100_000), mtime=0)))


def test_random_columns_keep_their_rows(tmp_path):
    """In a long shuffled column each row gets its own origin."""
    tables = read_routes(_file(tmp_path, "".join(f"10.{i}.0.0/16\t{i + 1}\n" for i in range(256))))
    order = random.Random(5).choices(range(256), k=5000)
    assert tables.origins_of([f"10.{i}.3.4" for i in order]) == [(i + 1,) for i in order]
