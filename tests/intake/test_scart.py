"""SCART's log of notices: each case is a file and what must be read from it."""

import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.store.study_folder import made, report
from waterbed.attribution.hosters.book import book_from
from waterbed.intake.csv_notices import NoticeLine
from waterbed.intake.csv_table import Rejected, zone_of
from waterbed.intake.notices import NOTICE_FORMATS, read_notices
from waterbed.intake.scart import parse_scart_notices
from waterbed.model.errors import InputError
from waterbed.model.facts import Notice
from waterbed.study.study import Study

CASES = Path(__file__).parent / "notice_cases"
FILES = sorted(CASES.glob("*/*.csv"))
LOG = CASES / "scart" / "ntd.csv"
TOLD = ("recipient", "batch", "channel", "bounced")


def keyed(text: str) -> str:
    """Stands for the vault's keyed id."""
    return f"{len(text):032x}"


def plain(line: NoticeLine | Rejected) -> list[Any]:
    """A line as a list for JSON: number and reason, or number and what is known."""
    if isinstance(line, Rejected):
        return [line.line, line.reason]
    times = {name: when.isoformat() for name in ("sent_at", "delivered_at") if (when := getattr(line, name))}
    told = {name: value for name in TOLD if (value := getattr(line, name))}
    return [line.line, line.canonical.url if line.canonical else None, {**told, **times}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_log_is_read_as_expected(path: Path) -> None:
    """Good lines with all that they say, bad ones with number and reason, as in the file of expectations beside it."""
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text())
    assert [plain(line) for line in parse_scart_notices(path.open(), path.name, keyed)] == expected


def test_every_form_of_notices_has_a_case() -> None:
    """No form is without a file to read; CSV has tests of its own."""
    assert {path.parent.name for path in FILES} == set(NOTICE_FORMATS) - {"csv"}


def test_times_are_those_of_the_zone_named() -> None:
    """Noon in Amsterdam is ten o'clock UTC in summer."""
    first = next(parse_scart_notices(LOG.open(), "n", keyed, zone_of("Europe/Amsterdam")))
    assert isinstance(first, NoticeLine)
    assert first.sent_at.isoformat() == "2025-07-02T08:00:00+00:00"


def test_an_owner_that_names_a_host_is_kept_as_a_keyed_id(tmp_path: Path) -> None:
    """Neither the database nor a reason holds a host name or a mailbox of the log, packed or not."""
    folder = made(tmp_path / "s")
    report(folder, [f"http://img.example.com/{letter}" for letter in "abcdefg"])
    packed = tmp_path / "ntd.csv.gz"
    packed.write_bytes(gzip.compress(LOG.read_bytes(), mtime=0))
    with Study(folder) as study:
        found = study.import_notices(packed, sender="hotline", form="scart")
        kept = {notice.recipient for notice in folder.store.all(Notice)}
    assert found.imported == 4
    assert {line.line for line in found.rejected} == {2, *range(6, 13)}
    (hidden,) = [one for one in kept if one.startswith("scart-registrar:")]
    assert len(hidden.partition(":")[2]) == 32
    assert "scart:SOCIETE-EXEMPLE" in kept
    written = [path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()]
    for secret in (b"forgetme", b"img.example", b"hosting.example", b"police.example"):
        assert not any(secret in data for data in written)
        assert secret.decode() not in repr(found)


def test_a_zip_of_a_log_is_read(tmp_path: Path) -> None:
    """A zip with the log in it is read like the log."""
    packed = tmp_path / "ntd.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(LOG, "ntd.csv")
    folder = made(tmp_path / "s")
    assert len(list(read_notices(packed, "scart", folder.vault))) == 12
    folder.close()


@pytest.mark.parametrize(
    ("form", "zone", "content", "said"),
    [
        ("xml", None, "", "--format 'xml' is not known"),
        ("scart", None, "filenumber;url;status;\n", "lacks columns named NTD status time, abuse owner, NTD status in"),
        ("scart", "Mars/Phobos", "", "is not a time zone"),
    ],
)
def test_a_log_that_lacks_its_form_is_one_sentence(
    tmp_path: Path, form: str, zone: str | None, content: str, said: str
) -> None:
    """Refused whole, with what was expected and where it is described."""
    path = tmp_path / "n.csv"
    path.write_text(content)
    folder = made(tmp_path / "s")
    with Study(folder) as study, pytest.raises(InputError, match=said) as told:
        study.import_notices(path, form=form, zone=zone)
    assert "docs/" in str(told.value)


def test_an_owner_can_be_a_member_of_a_hoster() -> None:
    """What the log calls somebody is given to a company by the book, and to none before that."""
    book = book_from(b'[[hoster]]\nkey = "example"\nname = "Example"\nholders = ["scart:EXAMPLE-HOSTING-B-V"]\n')
    (first, *_) = parse_scart_notices(LOG.open(), "n", keyed)
    assert isinstance(first, NoticeLine)
    assert book.on(first.sent_at.date()).company(first.recipient) == "example"
    assert book_from(b"").on(first.sent_at.date()).company(first.recipient) == first.recipient


def test_a_sighting_after_the_import_is_rejected(tmp_path: Path) -> None:
    """A time ahead of the clock has a reason that names --zone; with the zone, the line is kept."""
    folder, path, noon = made(tmp_path / "s"), tmp_path / "closed.csv", datetime(2026, 7, 5, 12, tzinfo=UTC)
    folder.clock = lambda: noon
    path.write_text(
        "url;first seen;last seen;status;\n"
        "http://img.example.com/a;2026-07-05 08:00:00;2026-07-05 13:30:00;close_offline;\n"
        "http://img.example.com/b;2200-01-01 00:00:00;;grade;\n"
    )
    with Study(folder) as study:
        found = study.import_reports(path, source="hotline", form="scart")
        assert [line.line for line in found.rejected] == [2, 3]
        assert all("is in the future" in line.reason and "--zone" in line.reason for line in found.rejected)
        told = study.import_reports(path, source="hotline", form="scart", zone="Europe/Amsterdam")
        assert (told.imported, told.external, [line.line for line in told.rejected]) == (1, 1, [3])
