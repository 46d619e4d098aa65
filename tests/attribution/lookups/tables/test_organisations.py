"""CAIDA's AS-to-organisation files: who holds an AS, as registry:HANDLE."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.attribution.lookups.tables.organisations import (
    AsOrganisations,
    Organisation,
    holder_of,
    read_organisations,
)
from waterbed.model.errors import InputError

ORGS = """# format:org_id|changed|org_name|country|source
EXA-1-ARIN|20200101|Example\x1b[2J, Inc.|US|ARIN
ORG-EX1-RIPE|20200101|Exämple B.V.|NL|RIPE
ORG-EX2-AP-APNIC|20200101|Example Pty|AU|APNIC
@family-7|20200101|Unsorted||ARIN
"""
ASES = """# format:aut|changed|aut_name|org_id|opaque_id|source
64500|20200101|EXA|EXA-1-ARIN|e5e3_ARIN|ARIN
64501|20200101|EXB|ORG-EX1-RIPE|b1b1_RIPE|RIPE
64502|20200101|EXC|ORG-EX2-AP-APNIC||APNIC
64503|20200101|EXD|ORG-GONE-RIPE||RIPE
64504|20200101|EXE|@family-7||ARIN
64505|20200101|EXF|EXA-1-ARIN||ARIN
"""
OLD_ASES = ASES.replace("|opaque_id", "").replace("|e5e3_ARIN", "").replace("|b1b1_RIPE", "").replace("||", "|")
EXPECTED = {
    64499: None,
    64500: Organisation(holder="arin:EXA-1", name="Example [2J, Inc.", country="US"),
    64501: Organisation(holder="ripe:ORG-EX1-RIPE", name="Exämple B.V.", country="NL"),
    64502: Organisation(holder="apnic:ORG-EX2-AP", name="Example Pty", country="AU"),
    64503: Organisation(holder="ripe:ORG-GONE-RIPE", name="", country=None),
    64504: Organisation(holder="arin:@family-7", name="Unsorted", country=None),
    64505: Organisation(holder="arin:EXA-1", name="Example [2J, Inc.", country="US"),
    64506: None,
}


def _json(text: str) -> str:
    lines = []
    for line in text.splitlines():
        cells = line.split("|")
        if line.startswith("#"):
            continue
        if len(cells) == 6:
            record = dict(zip(("asn", "changed", "name", "organizationId", "opaqueId", "source"), cells, strict=True))
            lines.append({"type": "ASN", **record})
        else:
            record = dict(zip(("organizationId", "changed", "name", "country", "source"), cells, strict=True))
            lines.append({"type": "Organization", **record})
    return "\n".join(json.dumps(line) for line in lines) + "\n"


def _file(folder: Path, data: bytes | str) -> Path:
    path = folder / "as2org"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        ORGS + ASES,
        ASES + ORGS,
        "# a comment\n\n" + ORGS + OLD_ASES,
        _json(ORGS + ASES),
        _json(ASES + ORGS),
        gzip.compress((ORGS + ASES).encode(), mtime=0),
        gzip.compress(_json(ORGS + ASES).encode(), mtime=0),
    ],
    ids=["text", "ases first", "without opaque id", "json", "json ases first", "gzip", "json gzip"],
)
def test_each_form_names_the_same_holders(tmp_path: Path, data: bytes | str) -> None:
    """Sections in any order and JSON lines give the same organisations, before and after saving."""
    table = read_organisations(_file(tmp_path, data))
    table.save(tmp_path / "saved")
    loaded = AsOrganisations.load(tmp_path / "saved")
    for each in (table, loaded):
        assert {asn: each.of(asn) for asn in EXPECTED} == EXPECTED
        assert (len(each), each.form) == (6, "as2org")
        assert each.of(-1) is each.of(1 << 40) is None
    assert isinstance(loaded.text.base, np.memmap)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
@pytest.mark.parametrize("form", [str, lambda text: text.replace("\n", "\r"), lambda text: text.replace("\n", "\r\n")])
def test_a_break_inside_a_name_ends_no_line(tmp_path: Path, form: Callable[[str], str], mark: str) -> None:
    """Lines end at CR, LF or both; another break becomes a space of the name."""
    text = form(ORGS.replace("Example Pty", f"Example{mark}Pty") + ASES)
    table = read_organisations(_file(tmp_path, text))
    assert {asn: table.of(asn) for asn in EXPECTED} == EXPECTED


def test_handles_are_those_of_the_registry() -> None:
    """What CAIDA adds is taken off; handles that end in the registry's name by themselves stay."""
    assert holder_of("GOGL-ARIN", "ARIN") == "arin:GOGL"
    assert holder_of("ORG-NL21-RIPE", "RIPE") == "ripe:ORG-NL21-RIPE"
    assert holder_of("ORG-TPL1-AP-APNIC", "APNIC") == "apnic:ORG-TPL1-AP"
    assert holder_of("BR-EXEX-LACNIC", "LACNIC") == "lacnic:BR-EXEX-LACNIC"
    assert holder_of("ORG-X", "") == "unknown:ORG-X"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x00\x00", "binary"),
        (b"<html>secret.example</html>", "no known kind"),
        (b"192.0.2.0,192.0.2.255,64500\n", "no known kind"),
        (ORGS, "names no ASes: half a file"),
        (ASES, "names no organisations: half a file"),
        (ORGS + ASES + "64506|20200101|secret.example\n", "line 13 has 3 columns where its section has 6"),
        (ORGS + ASES + "AS1|2020|secret.example|X-ARIN||ARIN\n", "line 13 names no AS and organisation"),
        (ORGS + ASES + "1|2020|secret.example|X ARIN||ARIN\n", "line 13 names no AS and organisation"),
        (_json(ORGS + ASES)[:-30], "line 10 is not a complete JSON object"),
        (_json(ORGS + ASES) + "[" * 100_000, "line 11 is not a complete JSON object"),
        (_json(ORGS + ASES) + '{"type": "Person"}\n', "line 11 is not an ASN or Organization"),
        (gzip.compress((ORGS + ASES).encode(), mtime=0)[:-9], "breaks off"),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(tmp_path: Path, data: bytes | str, says: str) -> None:
    """Wrong, damaged and half files are told without their text."""
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        read_organisations(_file(tmp_path, data))
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    """A missing or cut folder is an input error that says what to do."""
    read_organisations(_file(tmp_path, ORGS + ASES)).save(tmp_path / "saved")
    array = tmp_path / "saved" / "text.npy"
    array.write_bytes(array.read_bytes()[:-2])
    for name in ("saved", "nowhere"):
        with pytest.raises(InputError, match="import its file again"):
            AsOrganisations.load(tmp_path / name)


names = st.text(st.characters(codec="utf-8", exclude_characters="|", exclude_categories=("C", "Z")), max_size=12)


@settings(max_examples=60)
@given(st.dictionaries(st.integers(1, 40), st.tuples(st.sampled_from("abc"), names), min_size=1))
def test_any_table_answers_like_a_plain_scan(tmp_path_factory: pytest.TempPathFactory, table: dict) -> None:
    """For every AS the table says what its two rows say."""
    organisations = dict(table.values())
    text = "# format:aut|org_id|source\n" + "".join(f"{asn}|{identity}|RIPE\n" for asn, (identity, _) in table.items())
    text += "# format:org_id|org_name|country|source\n"
    text += "".join(f"{identity}|{name}|NL|RIPE\n" for identity, name in organisations.items())
    read = read_organisations(_file(tmp_path_factory.mktemp("t"), text))
    for asn in range(42):
        found = read.of(asn)
        if asn not in table:
            assert found is None
        else:
            identity = table[asn][0]
            expected = Organisation(holder=f"ripe:{identity}", name=organisations[identity], country="NL")
            assert found == expected
