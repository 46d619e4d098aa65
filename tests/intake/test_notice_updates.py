"""Lines that name a known notice: which of them are about another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.test_notices import HEADER, ONE, TWO
from tests.store.study_folder import made, report
from waterbed.governance.keys import forget
from waterbed.intake.csv_notices import read_csv_notices
from waterbed.intake.notices import NoticeDefaults, NoticeImport, import_notices
from waterbed.model.facts import Notice
from waterbed.model.notices import standing_notices
from waterbed.store.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A study with one notice."""
    opened = made(tmp_path / "s")
    report(opened, [ONE, TWO])
    read(opened, HEADER + f"{ONE},AS64501,2026-03-04T09:28:56Z,\n")
    yield opened
    opened.close()


def read(folder: Folder, text: str, dates: str | None = None) -> NoticeImport:
    """Import a file of such a text."""
    path = folder.path.parent / "n.csv"
    path.write_text(text)
    return import_notices(folder, read_csv_notices(path, dates), NoticeDefaults(sender="hotline"))


@pytest.mark.parametrize(
    ("dates", "sent", "reason"),
    [
        ("day-first", "04.03.2026 09:28", ""),
        ("day-first", "04.03.2026 9:28:56", ""),
        ("month-first", "3/4/2026 9:28 AM", ""),
        ("day-first", "04.03.2026 09:29", "sent_at is not that of the notice with its notice_id"),
        ("day-first", "28.02.2026 10:00", "sent_at is not that of the notice with its notice_id"),
        (None, "28.02.2026 10:00", "sent_at is a date that ends with the year: say which number comes first"),
        (None, "28 Feb 26 10:00", "sent_at must be an ISO 8601 date or time"),
    ],
)
def test_a_spreadsheets_time_of_sending_is_compared(folder: Folder, dates: str | None, sent: str, reason: str) -> None:
    """A time as spreadsheets write it is that of the notice, or the line is refused."""
    (known,) = folder.store.all(Notice)
    found = read(folder, f"notice_id;sent_at;response\n{known.notice_id};{sent};no\n", dates)
    assert found.updated == (not reason)
    assert [one.reason.startswith(reason) for one in found.rejected] == [True] * bool(reason)


@pytest.mark.parametrize("name", ["url", "url_id", "recipient", "kind"])
def test_what_describes_another_notice_is_refused(folder: Folder, name: str) -> None:
    """Beside a notice_id another URL, recipient or kind is no update; its own one is."""
    (known,) = folder.store.all(Notice)
    other = {"url": TWO, "url_id": folder.vault.keyed_id("url", TWO), "recipient": "as64502", "kind": "tco"}[name]
    own = {"url": ONE, "url_id": known.url_id, "recipient": "as64501", "kind": "NTD"}[name]
    text = f"notice_id,{name},response\n{known.notice_id},{other},no\n{known.notice_id},{own},no\n"
    found = read(folder, text)
    assert [(one.line, one.reason.partition(" is not that")[0]) for one in found.rejected] == [(2, name)]
    assert found.updated == 1


def test_a_notice_about_a_forgotten_url_can_be_withdrawn(folder: Folder) -> None:
    """Its URL is gone, its id is known; a further notice about it stays refused."""
    (known,) = folder.store.all(Notice)
    forget(folder, known.url_id, "by request")
    assert read(folder, f"notice_id,withdrawn\n{known.notice_id},yes\n").updated == 1
    assert standing_notices(folder.store.all(Notice))[0] == []
    again = read(folder, HEADER + f"{ONE},AS64501,2026-03-04T10:00Z,\n")
    assert [one.reason for one in again.rejected] == ["its URL was forgotten"]
