"""Tables of covariates, in the forms in which their sources give them."""

import gzip
import json
from pathlib import Path

import pytest

from waterbed.attribution.lookups.tables.covariates import CovariateTable, read_covariates
from waterbed.model.errors import InputError

OWN = "key,price_class,kind\nAS64500,2,reseller\nexample-hosting,3.5,\nNL,,country\n"
ASDB = (
    'ASN,"Category 1 - Layer 1","Category 1 - Layer 2","Category 2 - Layer 1","Category 2 - Layer 2"\n'
    'AS64500,"Computer and Information Technology","Hosting, Cloud Provider",Service,\nAS64501,,,,\n'
    "AS64502,Education and Research,,,\n"
)
CLASSES = 'asn,name,class,cc\nAS64500,"Example, Inc.",Content,NL\nAS64501,Other,Unknown,DE\n'
TAGS = 'vpsh,AS64500,"Example, Inc."\nvpsh,as64501\ncdn,AS64501,Other\n'
NET = {"id": 1, "asn": 64500, "info_type": "Content", "info_types": ["Content", "NSP"], "info_prefixes4": 20}
OTHER = {"id": 2, "asn": 64501, "info_type": "Not Disclosed", "info_prefixes4": 0, "notes": None}


@pytest.mark.parametrize(
    ("text", "form", "columns"),
    [
        (
            OWN,
            "csv",
            {"price_class": {"AS64500": 2.0, "example-hosting": 3.5}, "kind": {"AS64500": "reseller", "NL": "country"}},
        ),
        (
            ASDB,
            "asdb",
            {
                "business": {
                    "AS64500": "Computer and Information Technology",
                    "AS64502": "Education and Research",
                },
                "business_detail": {"AS64500": "Hosting, Cloud Provider"},
            },
        ),
        (CLASSES, "bgptools", {"network_class": {"AS64500": "Content"}}),
        (TAGS, "bgptools", {"tag_vpsh": {"AS64500": 1.0, "AS64501": 1.0}, "tag_cdn": {"AS64501": 1.0}}),
        (
            json.dumps({"meta": {}, "data": [NET, OTHER]}),
            "peeringdb",
            {"network_type": {"AS64500": "Content"}, "network_prefixes": {"AS64500": 20.0}},
        ),
        (
            json.dumps({"net": {"data": [NET]}, "org": {"data": []}}),
            "peeringdb",
            {"network_type": {"AS64500": "Content"}, "network_prefixes": {"AS64500": 20.0}},
        ),
    ],
    ids=["own", "asdb", "classes", "tags", "peeringdb", "dump"],
)
def test_each_form_is_known_by_its_content(tmp_path: Path, text: str, form: str, columns: dict) -> None:
    """Plain or gzip, saved and loaded, the covariates are the same, and what is not known is in no column."""
    path = tmp_path / "whatever"
    for data in (text.encode(), gzip.compress(b"\xef\xbb\xbf" + text.encode(), mtime=0)):
        path.write_bytes(data)
        table = read_covariates(path)
        assert (table.form, table.columns) == (form, columns)
    table.save(tmp_path / "saved")
    assert CovariateTable.load(tmp_path / "saved") == table
    assert len(table) == len({key for column in columns.values() for key in column})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("a\0b", "is a binary file"),
        ("1.0.0.0,1.0.0.255,13335\n", "is of no known kind"),
        ("key\nAS1\n", "needs 1 to 20 names"),
        ("key,a,a\nAS1,1,2\n", "needs 1 to 20 names"),
        ("key,Price!\nAS1,1\n", "needs 1 to 20 names"),
        ("key,a\nAS1\n", "row 1 has not as many columns"),
        ("key,a\nsecret host,1\n", "row 1 needs a key"),
        ("key,a\nAS1,1\nAS1,2\n", "row 2 has a key that another row has"),
        ("key,a\nAS1,\n", "names no covariate"),
        ("key,a\nAS1," + "x" * 81 + "\n", "row 1 has a word of more than 80"),
        ("asn,name,class\n13335x,a,Content\n", "row 1 needs an AS"),
        ("vpsh,AS1\nvpsh,AS99999999999\n", "row 1 needs an AS"),
        ("vpsh,AS1\nVPS host,AS2\n", "row 1 needs a tag and an AS"),
        ('{"data": [{"asn": "x"}]}', "is JSON, and not PeeringDB's"),
        ('{"data": [{"asn": 0}]}', "network 1 needs the number of an AS"),
        ('{"data": [{"asn": 1, "info_prefixes4": -5}]}', "network 1 needs a number of IPv4 prefixes"),
        (f'{{"data": [{{"asn": 1, "info_prefixes4": {"9" * 400}}}]}}', "network 1 needs a number of IPv4 prefixes"),
        ("[1]", "is JSON, and not PeeringDB's"),
        ('key,a\nAS1,"1\n', "is not a readable CSV file"),
    ],
)
def test_anything_else_is_refused_without_its_text(tmp_path: Path, text: str, says: str) -> None:
    """One sentence with the row's number; the words of a wrong file are not repeated."""
    path = tmp_path / "wrong"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read_covariates(path)
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    """Half a table is none."""
    (tmp_path / "half").mkdir()
    with pytest.raises(InputError, match="import its file again"):
        CovariateTable.load(tmp_path / "half")
