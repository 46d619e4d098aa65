"""Second opinions of MaxMind databases: what each type says, and files that say nothing."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from waterbed.attribution.lookups.tables.geoip import opinions
from waterbed.model.errors import InputError

TOLD: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "GeoLite2-Country": (
        {"country": {"iso_code": "NL"}, "registered_country": {"iso_code": "DE"}},
        [("country", "NL"), ("registered country", "DE")],
    ),
    "GeoLite2-City": ({"country": {"iso_code": "NL"}, "city": {"names": {"en": "Delft"}}}, [("country", "NL")]),
    "GeoLite2-ASN": (
        {"autonomous_system_number": 64500, "autonomous_system_organization": "First\x1b[31m"},
        [("AS", "AS64500 (First [31m)")],
    ),
    "GeoIP2-ISP": (
        {"autonomous_system_number": 64500, "isp": "First", "organization": "Second"},
        [("AS", "AS64500"), ("ISP", "First"), ("organisation", "Second")],
    ),
    "GeoIP2-Anonymous-IP": (
        {"is_anonymous": True, "is_tor_exit_node": True},
        [("use", "anonymous, tor exit node")],
    ),
}


def database(path: Path, kind: str, record: dict[str, Any]) -> Path:
    """A database of a type with one network."""
    writer = MMDBWriter(6, kind, ipv4_compatible=True)
    writer.insert_network(IPSet(["28.0.0.0/8"]), record)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize("kind", TOLD)
def test_each_type_says_what_it_knows(tmp_path: Path, kind: str) -> None:
    """Country, AS, ISP and use are told with type and day; an address that is not there has no opinion."""
    record, expected = TOLD[kind]
    path = database(tmp_path / "x.mmdb", kind, record)
    found = opinions(path, "28.0.0.7")
    assert [(one.what, one.value) for one in found] == expected
    assert {(one.source, one.built_at.tzinfo) for one in found} == {(kind, UTC)}
    assert opinions(path, "29.0.0.7") == []


def test_what_is_no_such_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Another type, a text, half a file and a missing one are named with what was expected."""
    path = database(tmp_path / "x.mmdb", "Speed-Of-Lines", {"speed": 7})
    with pytest.raises(InputError, match=r"of type 'Speed-Of-Lines'; one of Country, .* was expected"):
        opinions(path, "28.0.0.7")
    whole = path.read_bytes()
    for content in (b"text", whole[: len(whole) // 2], whole[len(whole) // 2 :]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no MaxMind database, or damaged"):
            opinions(path, "28.0.0.7")
    with pytest.raises(InputError, match="No such file"):
        opinions(tmp_path / "none.mmdb", "28.0.0.7")
