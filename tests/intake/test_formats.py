"""Every form of reports file: each case is a file and what must be read from it."""

import bz2
import gzip
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import Rejected, WithoutUrl
from waterbed.intake.formats import FORMATS, Reading, detect_format, read_reports
from waterbed.model.errors import InputError

CASES = Path(__file__).parent / "cases"
FILES = sorted(path for path in CASES.glob("*/*") if not path.name.endswith(".expected.json"))
BY_NAME = ("openphish", "phishtank", "scart-input")
"""Forms that look like another one: they are read alike, or only when named."""


def plain(line: ReportLine | Rejected | WithoutUrl) -> list[Any]:
    """A line as a list for JSON: number alone without a URL, number and reason, or number and what is known."""
    if isinstance(line, WithoutUrl):
        return [line.line]
    if isinstance(line, Rejected):
        return [line.line, line.reason]
    told = {
        field: getattr(line, field)
        for field in ("source", "category", "content_id", "site_type", "commercial", "assessed_illegal")
    }
    times = {field: getattr(line, field) for field in ("reported_at", "verified_at")}
    known = {**told, **{field: when.isoformat() if when else None for field, when in times.items()}}
    if line.sighting:
        seen = {field: value for field, value in asdict(line.sighting).items() if value not in (None, False)}
        known["saw"] = {key: one.isoformat() if isinstance(one, datetime) else one for key, one in seen.items()}
    others = {"parent": line.parent, "referer": line.referer}
    known |= {field: other.url if other else None for field, other in others.items()}
    known["supplement"] = line.supplement or None
    return [line.line, line.canonical.url, {field: value for field, value in known.items() if value is not None}]


def case_name(path: Path) -> str:
    """A case by its form and file."""
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=case_name)
def test_a_file_of_each_form_is_read_as_expected(path: Path) -> None:
    """Good lines with all that they say, bad ones with number and reason, as in the file of expectations beside it."""
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text())
    assert [plain(line) for line in read_reports(path, Reading(form=path.parent.name))] == expected


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name not in BY_NAME], ids=case_name)
def test_a_form_is_told_from_the_first_lines(path: Path) -> None:
    """Without a --format the file is read as its own form."""
    assert detect_format(path.read_text().splitlines(keepends=True)) == path.parent.name


def test_every_form_has_a_case() -> None:
    """No form is without a file to read."""
    assert {path.parent.name for path in FILES} == set(FORMATS)


@pytest.mark.parametrize(
    ("text", "category", "read"),
    [
        ("url;first seen;last seen\nhttp://a.example.com/;2026-01-01;2026-01-02\n", None, "abuse-material"),
        ("url;first seen;last seen\nhttp://a.example.com/;2026-01-01;2026-01-02\n", "phishing", "phishing"),
        ("url;first_seen;category\nhttp://a.example.com/;2026-01-01;abuse-material\n", None, "abuse-material"),
        ("date,score,url,ip,category\n2026-01-01,1,http://a.example.com/,,abuse-material\n", None, "abuse-material"),
        ("url,date\nhttp://a.example.com/,2026-01-01\n", None, None),
        ("url;category;ip\nhttp://a.example.com/;malware;192.0.2.1\n", None, "malware"),
        ("url;first seen;last seen;status;category\nhttp://a.example.com/;;;;malware\n", None, "malware"),
        ("URL;Datum\nhttp://a.example.com/;2026-01-01\n", None, None),
    ],
)
def test_no_category_is_lost_to_a_form(tmp_path: Path, text: str, category: str | None, read: str | None) -> None:
    """Hotlines' files are of abuse material unless a person names another category; no column is dropped."""
    path = tmp_path / "r.csv"
    path.write_text(text)
    (line,) = read_reports(path, Reading(category=category))
    assert isinstance(line, ReportLine)
    assert line.category == read


@pytest.mark.parametrize("gap", [",", ";", "\t"])
def test_notices_are_told_from_reports(tmp_path: Path, gap: str) -> None:
    """Whatever stands between cells; a file of reports may say to whom it went, beside what a report has."""
    path = tmp_path / "r.csv"
    path.write_text(gap.join(("url", "to", "sent")) + "\n")
    with pytest.raises(InputError, match="it is a file of notices"):
        list(read_reports(path))
    path.write_text(gap.join(("url", "date", "recipient", "sent_at")) + "\n")
    assert list(read_reports(path)) == []


def test_semicolons_do_not_cut_an_address(tmp_path: Path) -> None:
    """A first line with an address is SCART's only with the fields of its import; a named column is CSV's."""
    path = tmp_path / "r.csv"
    path.write_text("http://a.example.com/x;jsessionid=1\n")
    with pytest.raises(InputError, match="lacks a column named url"):
        list(read_reports(path))
    path.write_text("link;seen\nhttp://a.example.com/x;2026-01-01\n")
    (line,) = read_reports(path, Reading(columns={"url": "link", "reported_at": "seen"}))
    assert isinstance(line, ReportLine)
    assert line.reported_at is not None


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    """A header of --column that the file lacks is no reason to take another, or none."""
    path = tmp_path / "r.csv"
    path.write_text("url,category\nhttp://a.example.com/,abuse-material\n")
    with pytest.raises(InputError, match="lacks a column named knid"):
        list(read_reports(path, Reading(columns={"category": "knid"})))


def _packed(path: Path, content: bytes) -> Iterator[Path]:
    for name, data in (("r.gz", gzip.compress(content, mtime=0)), ("r.bz2", bz2.compress(content))):
        (path / name).write_bytes(data)
        yield path / name
    with zipfile.ZipFile(path / "r.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed/", b"")
        archive.writestr("feed/r.csv", content)
    yield path / "r.zip"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path, encoding: str) -> None:
    """Gzip, bzip2 and a zip with one file in it, in any encoding that is understood."""
    content = "url,category\nhttp://a.example.com/é,malware\n".encode(encoding)
    for packed in _packed(tmp_path, content):
        assert [plain(line) for line in read_reports(packed)] == [
            [2, "http://a.example.com/%C3%A9", {"category": "malware"}]
        ]


@pytest.mark.parametrize("names", [(), ("a.csv", "b.csv")])
def test_a_zip_holds_one_file(tmp_path: Path, names: tuple[str, ...]) -> None:
    """With none or several nobody can say which one is meant: one sentence, with their number."""
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/", b"")
        for name in names:
            archive.writestr(name, b"url\n")
    with pytest.raises(InputError, match=f"a zip with {len(names)} files"):
        list(read_reports(path))


def test_a_broken_zip_is_one_sentence(tmp_path: Path) -> None:
    """A zip that breaks off is named as such, whether at its end or in its data."""
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("r.csv", "url\n" + "".join(f"http://a.example.com/{n * n}\n" for n in range(500)))
    whole = path.read_bytes()
    for damaged in (whole[:200], whole[:500] + bytes(20) + whole[520:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            list(read_reports(path))


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("json", "{", "is not JSON"),
        ("json", '{"a": 1}', "without an array of reports"),
        ("json", "[\ud800]", "is not JSON"),
        ("misp", '{"a": 1}', "without MISP events"),
        ("misp", '{"response":' * 200_000 + "{}" + "}" * 200_000, "nested too deeply"),
        ("misp", '{"response": {"response": {"Event": {}}}}', "without MISP events"),
        ("stix", '{"type": "report"}', "not a STIX bundle"),
        ("urlhaus", "id,url\n", "lacks a column named url|column"),
        ("scart", "host;IP\nx;y\n", "lacks a column named url"),
        ("csv", f"url,{'x' * 65_536}\n", "has a first line of more than 65536 characters"),
        ("csv", "url,url,source\n", "has 2 columns named url in its first line"),
        ("csv", "url,recipient,kind,sent_at\n", "named recipient and sent_at: it is a file of notices"),
        (None, "<html>", "is HTML or JSON"),
        ("xml", "", "is not known"),
    ],
)
def test_a_file_that_lacks_its_form_is_one_sentence(tmp_path: Path, form: str | None, content: str, said: str) -> None:
    """Refused whole, naming the file and what was expected, and where it is described."""
    path = tmp_path / "r"
    path.write_bytes(content.encode(errors="surrogatepass"))
    if form == "urlhaus":
        assert [plain(line) for line in read_reports(path, Reading(form=form))] == []
        return
    with pytest.raises(InputError, match=said) as told:
        list(read_reports(path, Reading(form=form)))
    assert re.search("docs/(intake|notices).md", str(told.value))
