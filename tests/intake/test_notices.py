"""Notices from CSV files: what is kept, what is kept out, and why."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.store.study_folder import made, report
from waterbed.governance.keys import forget
from waterbed.intake.csv_notices import COLUMNS, NoticeLine, parse_csv_notices, read_csv_notices
from waterbed.intake.csv_table import Rejected, in_future
from waterbed.intake.notices import NoticeDefaults, NoticeImport, import_notices
from waterbed.model.bookkeeping import Due
from waterbed.model.errors import InputError
from waterbed.model.facts import Notice, Target
from waterbed.model.notices import latest_notices, standing_notices
from waterbed.store.folder import Folder
from waterbed.store.tables import TABLES

ONE, TWO = "http://one.forgetme-example.com/a?b=1", "http://two.forgetme-example.com/"
HEADER = "url,recipient,sent_at,delivered_at\n"
NOW = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
SENT, ARRIVED = "2026-01-05T10:00:00Z", "2026-01-05T12:00:00+01:00"


def imported(folder: Folder, path: Path, content: bytes) -> NoticeImport:
    """Import a file's bytes."""
    path.write_bytes(content)
    return import_notices(folder, read_csv_notices(path), NoticeDefaults(sender="hotline"))


def reasons(lines: str, header: str = HEADER) -> list[str]:
    """Why each line is no notice; `good` if it is one."""
    found = parse_csv_notices((header + lines).splitlines(), "n.csv")
    return ["good" if isinstance(line, NoticeLine) else line.reason for line in found]


def test_notices_are_kept_by_id_alone(store_url: str, tmp_path: Path) -> None:
    """Any spelling of a known URL finds it; every field is kept; importing again adds nothing."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [ONE, TWO])
    header = (
        "to,kind,sender,batch,channel,reminder,sent,delivered,bounced,acknowledged_at,response,held_for_police,url\n"
    )
    lines = (
        f"as64500,Legal Order,police,2026-7,mail,no,{SENT},{ARRIVED},0,2026-01-05T13:00:00Z,will act,yes,"
        "hxxp://ONE.forgetme-example[.]com:80/a?b=1\n"
        f"ripe:org-ab1-ripe,,,,,,{SENT},,1,,,,{TWO}\n"
    )
    found = imported(folder, tmp_path / "n.csv", (header + lines).encode())
    assert (found.imported, found.known, found.rejected) == (2, 0, ())
    assert found.recipients == {"AS64500": (2, 1), "ripe:ORG-AB1-RIPE": (3, 1)}
    first, second = sorted(folder.store.all(Notice), key=lambda notice: notice.recipient)
    ids = {target.url_id for target in folder.store.all(Target)}
    assert {first.url_id, second.url_id} == ids
    assert (first.kind, first.sender, first.batch, first.channel, first.response) == (
        "legal_order",
        "police",
        "2026-7",
        "mail",
        "will act",
    )
    assert first.delivered_at == datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert (first.reminder, first.bounced, first.held_for_police) == (False, False, True)
    assert (second.kind, second.sender, second.bounced, second.delivered_at) == ("ntd", "hotline", True, None)
    again = imported(folder, tmp_path / "n.csv", (header + lines).encode())
    assert (again.imported, again.known, folder.store.count(Notice)) == (0, 2, 2)
    assert (found.repeated, again.repeated) == (0, 0)
    other = header + f"ripe:org-ab1-ripe,,desk,,,,{SENT},,,,,,{TWO}\nripe:org-ab1-ripe,,desk,,,,{ARRIVED},,,,,,{TWO}\n"
    told = imported(folder, tmp_path / "n.csv", other.encode())
    assert (told.imported, told.repeated) == (2, 1), "the first is another sender's, to the second"
    folder.close()


def test_no_address_gets_into_the_store(tmp_path: Path) -> None:
    """Neither the database nor a rejected line's reason nor a line's repr holds a host name."""
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    recipients = ("abuse@one.forgetme-example.com", "http:one.forgetme-example.com", "acme")
    lines = "".join(f"{ONE},{recipient},{SENT},\n" for recipient in recipients)
    found = imported(folder, tmp_path / "n.csv", (HEADER + lines).encode())
    assert [line.line for line in found.rejected] == [2, 3]
    assert (found.imported, "forgetme" in repr(found)) == (1, False)
    (good,) = parse_csv_notices([HEADER, f"{ONE},acme,{SENT},"], "n.csv")
    assert repr(good) == "<NoticeLine 2>"
    folder.close()
    assert all(b"forgetme" not in path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: gzip.compress(text.encode(), mtime=0),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: ("# sent by us\n\n" + text).encode(),
    ],
)
def test_files_come_in_many_forms(changed, tmp_path: Path) -> None:
    """Gzip, byte-order marks, UTF-16, other line ends and comments are understood, as for reports."""
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    found = imported(folder, tmp_path / "n.csv", changed(f"{HEADER}{ONE},acme,{SENT},\n"))
    assert (found.imported, found.rejected) == (1, ())
    folder.close()


def test_bad_lines_are_told_with_number_and_reason() -> None:
    """Each line that cannot be true or be read is named, and the others are kept."""
    assert reasons(
        f"{ONE},acme,{SENT},2026-01-05T09:59:59Z\n"
        f"{ONE},acme,,\n"
        f",acme,{SENT},\n"
        f"{ONE},,{SENT},\n"
        f"{ONE},acme.example,{SENT},\n"
        f"{ONE},acme,yesterday,\n"
        f"{ONE},acme,1970-01-01T00:00:00Z,\n"
        f"{ONE},acme,9999-12-31,\n"
        f"{ONE},acme\n"
        f'"{ONE},acme,{SENT},\n'
        f"one.example,acme,{SENT},\n"
        f"{ONE},acme,{SENT},{ARRIVED}\n"
    ) == [
        "delivered_at is before sent_at",
        "sent_at is empty: the time of sending is needed",
        "url and url_id are empty: one of them is needed",
        "recipient must be a hoster's key, AS64500 or registry:HANDLE; waterbed hosters show lists the keys",
        "recipient must be a hoster's key, AS64500 or registry:HANDLE; waterbed hosters show lists the keys",
        "sent_at must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z (docs/intake.md, Dates)",
        "sent_at must lie in the years 1985 to 2200",
        "sent_at must lie in the years 1985 to 2200",
        "2 columns; the header promises at least 4",
        "broken quoting (unexpected end of data)",
        "address lacks an http:// or https:// scheme",
        "good",
    ]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("url_id", "xyz", "url_id must be 32 hexadecimal digits"),
        ("kind", "letter", "kind must be one of ntd, legal_order, nl_order, tco, dsa, citizen"),
        ("bounced", "perhaps", "bounced must be yes or no"),
        ("bounced", "yes", "bounced, but has a delivered_at"),
        ("acknowledged_at", "2026-01-05T10:30:00Z", "acknowledged_at is before delivered_at"),
        ("sender", "a.example", "sender must be 1 to 64 letters, digits, spaces, '_' or '-'"),
        ("batch", "x/y", "batch must be 1 to 64 letters, digits, spaces, '_' or '-'"),
        ("response", "see http://x.example", "response must be 1 to 64 letters, digits, spaces, '_' or '-'"),
    ],
)
def test_each_cell_is_checked(name: str, value: str, reason: str) -> None:
    """A cell that may not be kept in the clear, or contradicts another, keeps its line out."""
    header = HEADER.strip() + f",{name}\n"
    assert reasons(f"{ONE},acme,{SENT},{ARRIVED},{value}\n", header) == [reason]


def test_what_the_study_does_not_know_is_kept_out(tmp_path: Path) -> None:
    """Unknown and forgotten URLs, two URLs in one line and times in the future have a reason; nothing is lost."""
    folder = made(tmp_path / "s")
    folder.clock = lambda: NOW
    report(folder, [ONE, TWO])
    ids = {name: folder.vault.keyed_id("url", name) for name in (ONE, TWO)}
    gone = ids[TWO]
    forget(folder, gone, "a test")
    tomorrow = (folder.clock() + timedelta(days=1)).isoformat()
    header = "url,url_id,recipient,sent_at,delivered_at\n"
    lines = (
        f"http://three.forgetme-example.com/,,acme,{SENT},\n"
        f",{gone},acme,{SENT},\n"
        f"{ONE},{gone},acme,{SENT},\n"
        f"{ONE},,acme,{tomorrow},\n"
        f"{ONE},,acme,{SENT},{tomorrow}\n"
        f",{ids[ONE].upper()},acme,{SENT},\n"
        f"{ONE},{ids[ONE]},acme,{SENT},\n"
    )
    found = imported(folder, tmp_path / "n.csv", (header + lines).encode())
    assert [line.reason for line in found.rejected] == [
        "its URL is unknown to the study; import its report first",
        "its URL was forgotten",
        "url and url_id are different URLs",
        in_future("sent_at", NOW),
        in_future("delivered_at", NOW),
    ]
    assert "the clock of the study says 2026-03-05T12:30Z" in found.rejected[-1].reason
    assert (found.imported, found.known) == (1, 1)
    folder.close()


@pytest.mark.parametrize(
    "content", [b"<html>", b"[]", b"url,recipient\nx,y\n", b"recipient,sent_at\n", b"url,sent_at\n", b"", b"# none\n"]
)
def test_a_file_of_the_wrong_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    """Without its three columns it is one sentence, and nothing is written."""
    folder = made(tmp_path / "s")
    with pytest.raises(InputError, match=r"docs/notices\.md"):
        imported(folder, tmp_path / "n.csv", content)
    assert folder.store.count(Notice) == 0
    folder.close()


def test_a_later_word_is_a_fact_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same notice told again with its answer is added, in whatever transactions the lines come."""
    monkeypatch.setattr("waterbed.intake.notices._LINES_AT_ONCE", 1)
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    lines = f"{ONE},acme,{SENT},\n{ONE},acme,{SENT},{ARRIVED}\n{ONE},acme,{SENT},\n"
    found = imported(folder, tmp_path / "n.csv", (HEADER + lines).encode())
    assert (found.imported, found.updated, found.known) == (1, 1, 1)
    assert "sent_at" in COLUMNS
    folder.close()


def test_of_two_lines_about_a_notice_the_later_one_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later line's answer counts, in one transaction and in several, though the clock stands still."""
    monkeypatch.setattr("waterbed.intake.notices._LINES_AT_ONCE", 30)
    folder, now = made(tmp_path / "s"), datetime(2026, 3, 5, tzinfo=UTC)
    folder.clock = lambda: now
    urls = [f"{TWO}{n}" for n in range(20)]
    report(folder, urls)
    lines = [f"{url},acme,{SENT},{answer}\n" for answer in ("will act", "acted") for url in urls]
    header = "url,recipient,sent_at,response\n"
    found = imported(folder, tmp_path / "n.csv", (header + "".join(lines)).encode())
    assert (found.imported, found.updated) == (20, 20)
    assert {one.response for one in latest_notices(folder.store.all(Notice))} == {"acted"}
    folder.close()


def test_a_line_with_a_notice_id_updates_that_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no URL, recipient or time, whatever the recipient was called; once told again it is known."""
    folder = made(tmp_path / "s")
    report(folder, [ONE, TWO])
    lines = f"{ONE},AS64501,{SENT},\n{TWO},AS64501,{SENT},{ARRIVED}\n"
    imported(folder, tmp_path / "n.csv", (HEADER + lines).encode())
    ids = {one.url_id: one.notice_id for one in folder.store.all(Notice)}
    first, second = (ids[folder.vault.keyed_id("url", url)] for url in (ONE, TWO))
    answers = (
        "key,kind,deadline,acknowledged,notice_id,delivered_at,acknowledged_at,response\n"
        f"traaghost,ntd,asked,false,{first.upper()},{ARRIVED},,\n"
        f"traaghost,ntd,asked,false,{first},,2026-01-06T09:30Z,will act\n"
        f"traaghost,ntd,asked,false,{second},,,\n"
        f"traaghost,ntd,asked,false,{second},,{SENT},\n"
        f"traaghost,ntd,asked,false,{second},,9999-12-31,\n"
        f"traaghost,ntd,asked,false,{'0' * 32},,2026-01-06T09:30Z,\n"
    )
    for updated, known in ((2, 1), (0, 3)):
        monkeypatch.setattr("waterbed.intake.notices._LINES_AT_ONCE", 1 + updated)
        found = imported(folder, tmp_path / "a.csv", answers.encode())
        assert (found.imported, found.updated, found.known, found.recipients) == (0, updated, known, {})
        assert [(line.line, line.reason.partition(";")[0]) for line in found.rejected] == [
            (5, "acknowledged_at is before delivered_at"),
            (6, "acknowledged_at must lie in the years 1985 to 2200"),
            (7, "its notice_id is of no notice of the study"),
        ]
    kept = {one.url_id: one for one in latest_notices(folder.store.all(Notice))}
    answered = kept[folder.vault.keyed_id("url", ONE)]
    assert (len(kept), answered.recipient, answered.response) == (2, "AS64501", "will act")
    assert answered.acknowledged_at == datetime(2026, 1, 6, 9, 30, tzinfo=UTC)
    assert answered.delivered_at == datetime(2026, 1, 5, 11, tzinfo=UTC)
    back = f"notice_id,bounced\n{first},yes\n".encode()
    assert imported(folder, tmp_path / "b.csv", back).updated == 1
    (bounced,) = (one for one in latest_notices(folder.store.all(Notice)) if one.bounced)
    assert (bounced.url_id, bounced.delivered_at, bounced.acknowledged_at) == (answered.url_id, None, None)
    folder.close()


def test_a_wrong_notice_is_withdrawn(tmp_path: Path) -> None:
    """It counts nowhere, even if its file comes again or tells more; the word that holds is the last one."""
    folder = made(tmp_path / "s")
    report(folder, [ONE, TWO])
    sent = HEADER + f"{ONE},AS64501,{SENT},\n"

    def read(text: str) -> tuple[tuple[int, int, int, int], int]:
        found = imported(folder, tmp_path / "n.csv", text.encode())
        assert found.rejected == ()
        standing, withdrawn = standing_notices(folder.store.all(Notice))
        assert len(latest_notices(folder.store.all(Notice))) == len(latest_notices(standing)) + len(withdrawn)
        return (found.imported, found.updated, found.known, found.withdrawn), len(latest_notices(standing))

    assert read(sent) == ((1, 0, 0, 0), 1)
    (first,) = (one.notice_id for one in folder.store.all(Notice))
    for _ in range(2):
        assert read(f"notice_id,withdrawn\n{first},yes\n") == ((0, 1, 0, 0), 0)
        assert read(f"notice_id,withdrawn\n{first},yes\n") == ((0, 0, 1, 0), 0)
        assert read(sent) == ((0, 0, 1, 1), 0)
        assert read(f"notice_id,withdrawn\n{first},\n") == ((0, 0, 1, 0), 0)
        assert read(f"notice_id,withdrawn\n{first},no\n") == ((0, 1, 0, 0), 1)
    assert read(f"notice_id,withdrawn\n{first},no\n") == ((0, 0, 1, 0), 1)
    assert read(f"notice_id,withdrawn\n{first},yes\n{first},no\n{first},yes\n") == ((0, 3, 0, 0), 0)
    assert read(HEADER + f"{ONE},AS64501,{SENT},{ARRIVED}\n") == ((0, 1, 0, 1), 0)
    assert read(HEADER + f"{ONE},AS64502,{SENT},\n") == ((1, 0, 0, 0), 1)
    folder.close()


def test_a_notice_is_withdrawn_by_its_id_alone() -> None:
    """A line that describes a notice may describe another one."""
    header = "url,recipient,sent_at,withdrawn\n"
    needs = "withdrawn needs the notice_id of the notice; waterbed compliance --table notices --format csv lists them"
    assert reasons(f"{ONE},AS64501,{SENT},yes\n{ONE},AS64501,{SENT},\n", header) == [needs, "good"]


def test_the_last_word_is_later_than_the_one_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, or goes back, does not turn two words about one notice."""
    folder = made(tmp_path / "s")
    report(folder, [ONE, TWO])
    lines = f"{ONE},AS64501,{SENT},\n{TWO},AS64501,{SENT},\n"
    imported(folder, tmp_path / "n.csv", (HEADER + lines).encode())
    ids = [one.notice_id for one in folder.store.all(Notice)]
    now = folder.clock()
    monkeypatch.setattr(type(folder), "clock", lambda _: now)
    for word, standing in (("yes", 0), ("no", 2), ("yes", 0)):
        told = "".join(f"{one},{word}\n" for one in reversed(ids))
        assert imported(folder, tmp_path / "n.csv", f"notice_id,withdrawn\n{told}".encode()).updated == 2
        assert len(latest_notices(standing_notices(folder.store.all(Notice))[0])) == standing
        now -= timedelta(seconds=1)
    folder.close()


def test_what_cannot_be_true_can_be_withdrawn(tmp_path: Path) -> None:
    """Two lines together may contradict one another; withdrawing the notice is then the way out."""
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    head = "url,recipient,sent_at,delivered_at,acknowledged_at\n"
    for line in (f"{ONE},AS64501,{SENT},,2026-01-05T10:30Z", f"{ONE},AS64501,{SENT},{ARRIVED},"):
        assert imported(folder, tmp_path / "n.csv", f"{head}{line}\n".encode()).rejected == ()
    first = folder.store.all(Notice)[0].notice_id
    assert imported(folder, tmp_path / "w.csv", f"notice_id,withdrawn\n{first},yes\n".encode()).updated == 1
    standing, withdrawn = standing_notices(folder.store.all(Notice))
    assert (standing, [one.withdrawn for one in withdrawn]) == ([], [True])
    folder.close()


def test_a_withdrawn_notice_asks_for_no_check_and_repeats_nothing(tmp_path: Path) -> None:
    """A fresh notice has its URL checked at once; none of it is left, nor a hint at another sender's."""
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    now = f"{folder.clock():%Y-%m-%dT%H:%M:%SZ}"

    def due_after(text: str) -> int:
        with folder.store.writing() as connection:
            connection.execute(update(TABLES[Due]).values(due_at=folder.clock() + timedelta(days=1)))
        assert imported(folder, tmp_path / "n.csv", text.encode()).rejected == ()
        return folder.store.count_due(folder.clock())

    assert due_after(HEADER + f"{ONE},AS64501,{now},\n") == 1
    (first,) = (one.notice_id for one in folder.store.all(Notice))
    assert due_after(f"notice_id,withdrawn\n{first},yes\n") == 0
    assert due_after(HEADER + f"{ONE},AS64501,{now},{now}\n") == 0
    again = f"url,recipient,sent_at,sender\n{ONE},AS64501,{now},other\n"
    assert imported(folder, tmp_path / "n.csv", again.encode()).repeated == 0
    assert due_after(f"notice_id,withdrawn\n{first},no\n") == 1
    folder.close()


def test_a_reminder_is_no_update_of_the_notice_before_it(tmp_path: Path) -> None:
    """A line with the notice_id of another notice, marked a reminder or sent at another time, is refused."""
    folder = made(tmp_path / "s")
    report(folder, [ONE])
    imported(folder, tmp_path / "n.csv", (HEADER + f"{ONE},AS64501,{SENT},\n").encode())
    (first,) = (one.notice_id for one in folder.store.all(Notice))
    lines = f"{SENT},yes\n", f"{ARRIVED},\n", f"{SENT},\n", "5 Jan 26 9:00,no\n"
    again = "notice_id,sent_at,reminder\n" + "".join(f"{first},{line}" for line in lines)
    found = imported(folder, tmp_path / "again.csv", again.encode())
    assert [(one.line, one.reason.partition(";")[0]) for one in found.rejected] == [
        (2, "reminder is yes, and the notice with its notice_id is none"),
        (3, "sent_at is not that of the notice with its notice_id"),
        (5, "sent_at must be an ISO 8601 date or time, like 2026-01-05 or 2026-01-05T09:30Z (docs/intake.md, Dates)"),
    ]
    assert (found.imported, found.updated, found.known) == (0, 0, 1)
    folder.close()


def test_all_missing_columns_are_named_beside_those_found() -> None:
    """One sentence names them; what may be an address stays out, and a space stands for an underscore."""
    with pytest.raises(InputError) as told:
        reasons("", "link,Sent At,one.forgetme-example.com\n")
    assert "lacks columns named url or url_id, recipient in its first line (3 columns there: link, sent at, [n" in str(
        told.value
    )
    assert "forgetme" not in str(told.value)
    assert reasons(f"{ONE},acme,{SENT}\n", "URL,Hoster,Sent At\n") == ["good"]
    with pytest.raises(InputError, match="has 2 columns named sent_at"):
        reasons("", "url,recipient,Sent At,sent_at\n")


def test_a_like_key_is_asked_about_in_place_of_a_name() -> None:
    """A hoster's name is no key: the key that it is like is told, never the name."""
    lines = [HEADER, f"{ONE},Traaghost B.V.,{SENT},", f"{ONE},one.forgetme-example.com,{SENT},"]
    first, second = parse_csv_notices(lines, "n.csv", keys=lambda: ("polder", "traaghost"))
    assert isinstance(first, Rejected)
    assert isinstance(second, Rejected)
    assert "registry:HANDLE (did you mean traaghost?); waterbed hosters show" in first.reason
    assert second.reason == first.reason.replace(" (did you mean traaghost?)", "")


def test_a_day_that_no_calendar_has_is_shown() -> None:
    """The reason quotes the date, which is made of digits."""
    (line,) = parse_csv_notices(["url,recipient,sent_at", f"{ONE},acme,31-02-2026"], "n.csv", "day-first")
    assert isinstance(line, Rejected)
    assert line.reason.startswith("sent_at 31-02-2026 is no date with the day first")
