"""MMDB files: ASes, countries and uses of networks, written by another library."""

import contextlib
import gzip
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.hosting import HostingTables, read_hosting
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes
from waterbed.model.errors import InputError
from waterbed.store.bounded.memory import bounded_work

Networks = dict[str, dict[str, Any]]
ASES: Networks = {
    "192.0.2.0/25": {"autonomous_system_number": 64500, "autonomous_system_organization": "First\x1b[31m, Inc."},
    "192.0.2.128/25": {"autonomous_system_number": 64501, "isp": "Second"},
    "198.51.100.0/24": {"isp": "no AS at all"},
    "2001:db8::/32": {"autonomous_system_number": 64502},
}


def _mmdb(path: Path, networks: Networks, *, version: int = 6, built: int = 1_744_329_600, alias: bool = False) -> Path:
    writer = MMDBWriter(version, "Test-DB", ipv4_compatible=version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    if alias:
        _repeat_v4(writer)
    writer.to_db_file(str(path))
    data = path.read_bytes()
    head, found, tail = data.rpartition(b"build_epoch")
    size = tail[0]  # an unsigned integer of as many octets, extended type 2
    path.write_bytes(head + found + tail[:2] + built.to_bytes(size, "big") + tail[2 + size :])
    return path


def _repeat_v4(writer: MMDBWriter) -> None:
    """Hang the IPv4 tree under 2002::/16 and ::ffff:0:0/96 too, as published files have it."""
    from mmdb_writer import SearchTreeNode

    root: Any = writer.tree
    for _ in range(96):
        root = root[0]
    for prefix, length in ((0x2002 << 112, 16), (0xFFFF << 32, 96)):
        node: Any = writer.tree
        for bit in range(length - 1):
            side = prefix >> 127 - bit & 1
            if not isinstance(node[side], SearchTreeNode):
                node[side] = SearchTreeNode()
            node = node[side]
        node[prefix >> 128 - length & 1] = root


@pytest.mark.parametrize("alias", [False, True], ids=["plain", "aliased"])
@pytest.mark.parametrize("packed", [False, True], ids=["file", "gzip"])
def test_origins_are_read_once(tmp_path: Path, alias: bool, packed: bool) -> None:
    """IPv4 networks repeated under 6to4 and mapped prefixes are read once; names lose their control characters."""
    path = _mmdb(tmp_path / "as.mmdb", ASES, alias=alias)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    tables = read_routes(path)
    tables.save(tmp_path / "saved")
    for each in (tables, RouteTables.load(tmp_path / "saved")):
        asked = ["192.0.2.1", "192.0.2.200", "198.51.100.1", "2001:db8::9", "2002:c000:201::", "203.0.113.1"]
        assert each.origins_of(asked) == [(64500,), (64501,), (), (64502,), (), ()]
        assert (each.rows_v4, each.rows_v6, each.organisations) == (2, 1, {64500: "First [31m, Inc."})
        assert (each.about.form, each.about.prefixes) == ("mmdb", False)
        assert each.about.built_at == datetime(2025, 4, 11, tzinfo=UTC)


def test_a_table_of_ipv4_alone_is_read(tmp_path: Path) -> None:
    """A file of 32-bit addresses covers IPv4 and nothing else."""
    v4 = {network: record for network, record in ASES.items() if ":" not in network}
    tables = read_routes(_mmdb(tmp_path / "as.mmdb", v4, version=4))
    assert (tables.origins_of(["192.0.2.1", "2001:db8::1"]), tables.families) == ([(64500,), ()], (4,))


def test_countries_are_read_from_each_layout(tmp_path: Path) -> None:
    """The country counts, else the one it is registered in; a flat country code does too."""
    path = _mmdb(
        tmp_path / "country.mmdb",
        {
            "192.0.2.0/26": {"country": {"iso_code": "NL"}, "registered_country": {"iso_code": "US"}},
            "192.0.2.64/26": {"registered_country": {"iso_code": "DE"}},
            "192.0.2.128/26": {"country_code": "fr"},
            "192.0.2.192/26": {"continent": {"code": "EU"}},
        },
    )
    tables = read_countries(path)
    asked = ["192.0.2.1", "192.0.2.65", "192.0.2.129", "192.0.2.193"]
    assert tables.countries_by_row(pack(asked)) == [("NL",), ("DE",), ("FR",), ()]


def test_uses_are_read_as_sets_of_tags(tmp_path: Path) -> None:
    """Flags that are true and kinds of user become tags, from the record and from its traits."""
    path = _mmdb(
        tmp_path / "use.mmdb",
        {
            "192.0.2.0/26": {"is_anonymous": True, "is_hosting_provider": True, "is_tor_exit_node": False},
            "192.0.2.64/26": {"traits": {"user_type": "content_delivery_network", "is_anycast": True}},
            "192.0.2.128/26": {"traits": {"user_type": "Secret.Example/ x"}},
            "2001:db8::/32": {"is_anonymous_vpn": True},
        },
    )
    tables = read_hosting(path)
    tables.save(tmp_path / "saved")
    for each in (tables, HostingTables.load(tmp_path / "saved")):
        assert each.tags_of(["192.0.2.1", "192.0.2.65", "192.0.2.129", "2001:db8::1"]) == [
            ("anonymous", "hosting_provider"),
            ("anycast", "user_type:content_delivery_network"),
            (),
            ("anonymous_vpn",),
        ]
        assert (each.rows_v4, each.rows_v6, each.families) == (2, 1, (4, 6))


def test_a_file_without_what_is_wanted_is_refused(tmp_path: Path) -> None:
    """Each kind needs its own fields; the sentence names the file's type."""
    path = _mmdb(tmp_path / "as.mmdb", ASES)
    for read, kind in ((read_countries, "places"), (read_hosting, "hosting")):
        with pytest.raises(InputError, match=rf"is an MMDB of type Test-DB; a table of {kind} .*docs/tables\.md"):
            read(path)
    text = tmp_path / "text"
    text.write_text("192.0.2.0,192.0.2.255,64500\n")
    with pytest.raises(InputError, match="a table of routes"):
        read_hosting(text)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """A file cut anywhere is told in one sentence; an archive is to be unpacked first."""
    data = _mmdb(tmp_path / "as.mmdb", ASES).read_bytes()
    cut = tmp_path / "cut.mmdb"
    for part in (data[: len(data) // 2], data[len(data) // 2 :], data[:-40]):
        cut.write_bytes(part)
        with pytest.raises(InputError, match=r"docs/tables\.md"):
            read_routes(cut)
    cut.write_bytes(bytes(257) + b"ustar" + bytes(250))
    with pytest.raises(InputError, match="a tar archive: unpack it"):
        read_routes(cut)


@pytest.mark.long
@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_never_runs_on(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever octets are changed, the file is read or refused, though its library may end the process."""
    folder = tmp_path_factory.mktemp("t")
    whole = bytearray(_mmdb(folder / "as.mmdb", ASES, alias=True).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = folder / "damaged"
    damaged.write_bytes(whole)
    with contextlib.suppress(InputError):
        bounded_work(damaged, "docs/tables.md", lambda: read_routes(damaged).rows_v4)


@pytest.mark.parametrize("bits", [24, 28, 32])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "loop"])
def test_a_loop_is_no_tree(tmp_path: Path, bits: int, shared: bool) -> None:
    """Nodes that lead back to themselves, or share all below them, are refused in records of each size."""
    nodes = 60
    pairs = [(n + 1, n + 1) if shared else (0, 0) for n in range(nodes - 1)] + [(nodes, nodes + 16)]
    path = tmp_path / "loop.mmdb"
    path.write_bytes(_raw(pairs, bits))
    with pytest.raises(InputError, match="damaged MMDB"):
        read_routes(path)


@pytest.mark.parametrize("bits", [24, 28, 32])
def test_records_of_each_size_are_read(tmp_path: Path, bits: int) -> None:
    """One node whose right side has a record covers the upper half of IPv6."""
    path = tmp_path / "half.mmdb"
    path.write_bytes(_raw([(1, 1 + 16)], bits))
    assert read_routes(path).origins_of(["8000::1", "7fff::1", "192.0.2.1"]) == [(64500,), (), ()]


def _raw(pairs: list[tuple[int, int]], bits: int) -> bytes:
    """A file with this tree and one record."""
    if bits == 28:
        octets = b"".join(n.to_bytes(3, "big") + b"\0" + m.to_bytes(3, "big") for n, m in pairs)
    else:
        octets = b"".join(n.to_bytes(bits // 8, "big") for pair in pairs for n in pair)
    about = _map(
        binary_format_major_version=2,
        binary_format_minor_version=0,
        build_epoch=1_744_329_600,
        database_type="Test-DB",
        description={},
        ip_version=6,
        languages=[],
        node_count=len(pairs),
        record_size=bits,
    )
    return octets + bytes(16) + _map(autonomous_system_number=64500) + b"\xab\xcd\xefMaxMind.com" + about


def _map(**values: Any) -> bytes:
    """A map as the format spells it."""

    def text(value: str) -> bytes:
        size = len(value)
        return (bytes([2 << 5 | size]) if size < 29 else bytes([2 << 5 | 29, size - 29])) + value.encode()

    def spelled(name: str, value: Any) -> bytes:
        if isinstance(value, str):
            return text(value)
        if name == "build_epoch":
            return b"\x08\x02" + value.to_bytes(8, "big")  # 64 bits
        if name in ("node_count", "autonomous_system_number"):
            return bytes([6 << 5 | 4]) + value.to_bytes(4, "big")  # 32 bits
        if isinstance(value, int):
            return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")  # 16 bits
        return b"\xe0" if isinstance(value, dict) else b"\x00\x04"

    return bytes([7 << 5 | len(values)]) + b"".join(text(name) + spelled(name, one) for name, one in values.items())


prefixes = st.builds(
    lambda number, length: ip_network((number & (0xFFFFFFFF << 32 - length) & 0xFFFFFFFF, length)),
    st.integers(0, 0xFFFFFFFF).map(lambda n: n & 0xC0000007),
    st.sampled_from([2, 8, 29, 30, 31, 32]),
)


@settings(max_examples=60)
@given(st.dictionaries(prefixes, st.integers(1, 5), min_size=1, max_size=8))
def test_any_file_answers_like_its_own_library(tmp_path_factory: pytest.TempPathFactory, table: dict) -> None:
    """For every address near an edge the table says what maxminddb finds in the file."""
    largest_first = sorted(table.items(), key=lambda item: item[0].prefixlen)
    networks = {str(p): {"autonomous_system_number": asn} for p, asn in largest_first}
    path = _mmdb(tmp_path_factory.mktemp("t") / "as.mmdb", networks, alias=True)
    edges = sorted({int(p[i]) + d for p in table for i in (0, -1) for d in (-1, 0, 1)})
    asked = [str(ip_address(n)) for n in edges if 0 <= n < 1 << 32]
    with maxminddb.open_database(path) as reader:
        found = [reader.get(address) for address in asked]
    expected = [(record["autonomous_system_number"],) if record else () for record in found]  # type: ignore[index,call-overload]  # our own records
    assert read_routes(path).origins_of(asked) == expected
