"""Tables of ASes of one organisation: the same groups from each form, and one sentence for any other file."""

import gzip
import json
from pathlib import Path

import pytest

from waterbed.attribution.lookups.tables.siblings import SiblingTable, read_siblings
from waterbed.model.errors import InputError

IIL = {
    "64500": {"Status": "matched", "Sibling ASNs": ["64500", "64501"], "Reference Orgs": [{"name": "secret"}]},
    "64501": {"Status": "matched", "Sibling ASNs": [64500]},
    "64502": {"Status": "no hint of error", "Sibling ASNs": []},
    "64503": {"Status": "matched", "Sibling ASNs": ["64504"]},
}
NETS = [
    {"asn": asn, "org_id": org, "name": "x"}
    for asn, org in ((64500, 7), (64501, 7), (64502, 8), (64503, 9), (64504, 9))
]
LATER = {
    "metadata": {"file_format": "ff003"},
    "organizations": [{"orgID": "1", "Reference Names": ["secret"]}],
    "as2org": {
        f"AS{asn}": {"OrgID": org, "Status": "matched"}
        for asn, org in ((64500, "1"), (64501, "1"), (64502, "2"), (64503, "3"), (64504, "3"))
    },
}
CSV = "asn,organisation\nAS64500,Acme\n64501,acme\n64502,other\n64503,Third\n64504,third\n"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (json.dumps(IIL).encode(), "iil-as2org"),
        (gzip.compress(json.dumps(IIL, indent=1).encode(), mtime=0), "iil-as2org"),
        (json.dumps(LATER).encode(), "iil-as2org"),
        (json.dumps({"meta": {}, "data": NETS}).encode(), "peeringdb"),
        (json.dumps({"org": {"data": [{"id": 7}]}, "net": {"meta": [], "data": NETS}}).encode(), "peeringdb"),
        (CSV.encode(), "csv"),
    ],
)
def test_each_form_tells_the_same_groups(tmp_path: Path, data: bytes, form: str) -> None:
    """Two groups of two, and one that is alone and left out, before and after saving."""
    path = tmp_path / "siblings"
    path.write_bytes(data)
    table = read_siblings(path)
    table.save(tmp_path / "saved")
    for one in (table, SiblingTable.load(tmp_path / "saved")):
        assert (one.form, len(one)) == (form, 4)
        groups = [one.group_of(asn) for asn in (64500, 64501, 64503, 64504)]
        assert groups[0] == groups[1] != groups[2] == groups[3]
        assert [one.group_of(asn) for asn in (64502, 0, -1, 1 << 40)] == [None] * 4


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x00", "binary"),
        (b"<html>secret.example", "no known kind"),
        (b"asn,organisation\n64500,a\nsecret.example,a\n", "row 2 needs an AS"),
        (b"asn,organisation\n64500,a\n64501,b\n", "names no two ASes"),
        (b'{"64500": {"Sibling ASNs": ["secret.example"]}}', "entry 1 has a sibling that is no AS"),
        (b'{"64500": ["64501"]}', "entry 1 is no AS with Sibling ASNs"),
        (b'{"64500": {"Sibling ASNs": ["64501"]}', "near entry 1"),
        (b'{"as2org": {"AS64500": {"OrgID": null}}}', "entry 1 is no AS with OrgID"),
        (b'{"as2org": {"secret.example": {"OrgID": "1"}}}', "entry 1 is no AS with OrgID"),
        (b'{"data": [{"asn": 64500, "org_id": "secret"}]}', "network 1 needs the numbers"),
        (b'{"data": [{"asn": 4294967296, "org_id": 1}]}', "network 1 needs the numbers"),
        (b'{"secret.example": 1}', "names no two ASes"),
        (b'{"data": "\xff\xfe"}', "its text is not UTF-8"),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    """Wrong, damaged and half files are told without their text."""
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        read_siblings(path)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
