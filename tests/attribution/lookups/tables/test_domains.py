"""Tables of domains, as the user counted them."""

import gzip
from pathlib import Path

import pytest

from waterbed.attribution.lookups.tables.domains import DomainTable, read_domains
from waterbed.model.errors import InputError

GOOD = "key,domains\nAS64500,12\nexample-hosting,3\nNL,0\nripe:ORG-AB1-RIPE,4\n"
FOUND = {"AS64500": 12, "example-hosting": 3, "NL": 0, "ripe:ORG-AB1-RIPE": 4}


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf# counted by us\n" + GOOD.encode(),
        gzip.compress(GOOD.encode(), mtime=0),
        GOOD.replace("AS64500,12", '"AS64500", 12').encode(),
    ],
    ids=["plain", "crlf", "comment", "gzip", "quoted"],
)
def test_a_table_is_read_from_each_spelling(tmp_path: Path, data: bytes) -> None:
    """Plain or gzip, with comments, quotes and either line end, the domains are the same, saved and loaded too."""
    path = tmp_path / "domains"
    path.write_bytes(data)
    table = read_domains(path)
    assert table.domains == FOUND
    table.save(tmp_path / "saved")
    assert DomainTable.load(tmp_path / "saved") == table
    assert len(table) == len(FOUND)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin with the header"),
        (b"AS64500,12\n", "does not begin with the header"),
        (b"<html></html>", "does not begin with the header"),
        (b"key,domains\n", "lacks rows below its header"),
        (b"key,domains\nAS64500\n", "row 1 has not two columns"),
        (b"key,domains\nAS64500,1\nAS64500,2\n", "row 2 has a key that another row has"),
        (b"key,domains\nsecret.example,1\n", "row 1 needs a key"),
        (b"key,domains\nAS4294967296,1\n", "row 1 needs a key"),
        (b"key,domains\nAS0,1\n", "row 1 needs a key"),
        (b"key,domains\nNLD,1\n", "row 1 needs a key"),
        (b"key,domains\nNL,-1\n", "row 1 needs a whole number"),
        (b"key,domains\nNL,1.5\n", "row 1 needs a whole number"),
        (b"key,domains\nNL,99999999999\n", "row 1 needs a whole number"),
        ("key,domains\nNL,\u0661\n".encode(), "row 1 needs a whole number"),
        (b'key,domains\n"NL,1\n', "not a readable CSV"),
        (b"key,domains\nNL,1\x00\n", "binary file"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "breaks off"),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    """The error names the row by number and never repeats its text."""
    path = tmp_path / "domains"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"docs/\w+\.md") as caught:
        read_domains(path)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    """What is not a whole table of domains says what to do."""
    (tmp_path / "about.json").write_text('{"format":1,"kind":"routes"}')
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="import its file again"):
            DomainTable.load(folder)
