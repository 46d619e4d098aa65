"""Births of reported names: of other names in the same file, nothing is kept, counted or said."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.study.facts import config
from tests.study.rig import Run
from waterbed.governance.keys import forget
from waterbed.model.bookkeeping import STORED
from waterbed.model.errors import InputError
from waterbed.model.facts import Birth
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, create_study, open_study

DAY = date(2026, 2, 1)
REPORTED = (
    "http://shop.forgetme-example.com/a",
    "http://forgetme-example.com/b",
    "http://forgetme-example.co.uk/",
    "http://forgetme.blogspot.nl/",
    "http://xn--frgetme-90a.nl/",
    "http://28.1.2.3/",
)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with create_study(tmp_path / "study", config()) as study:
        study.folder.clock = lambda: datetime(2026, 2, 2, tzinfo=UTC)
        reports = tmp_path / "reports.csv"
        reports.write_text("\n".join(["url", *REPORTED]) + "\n")
        study.import_reports(reports)
        yield study


def kept(study: Study, *rows: str, header: str = "domain,created") -> list[tuple[str, str, datetime]]:
    """The births that a file leaves, by the name that is meant."""
    path = study.path.parent / "births.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    study.add_births(path, DAY)
    names = {
        study.vault.keyed_id(kind, name): name
        for kind, name in [("site", "forgetme-example.com"), ("site", "forgetme-example.co.uk"),
                           ("site", "xn--frgetme-90a.nl"), ("host", "shop.forgetme-example.com"),
                           ("host", "forgetme-example.com")]
    }  # fmt: skip
    return sorted((names[one.name_id], one.kind, one.born_at) for one in study.store.all(Birth))


def january(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def everything(study: Study) -> dict[str, list[object]]:
    """Every row of the study's database."""
    with study.store.reading() as connection:
        return {cls.__name__: list(connection.execute(TABLES[cls].select())) for cls in STORED}


def test_a_creation_is_kept_to_the_hour_under_the_sites_id(study: Study) -> None:
    """Any spelling of a registered domain is met; the hour is rounded down, a day begins at 00:00 UTC."""
    found = kept(
        study, "FORGETME-example.com.,2026-01-05T10:59:59+01:00", "forgetme-example.co.uk,2026-01-06",
        '"frögetme.nl",2026-01-07', "fôrgetme.nl,2026-01-08",
    )  # fmt: skip
    assert found == [
        ("forgetme-example.co.uk", "creation", january(6)),
        ("forgetme-example.com", "creation", january(5, 9)),
    ]
    assert not any(b"forgetme" in file.read_bytes() for file in study.path.rglob("*") if file.is_file())
    assert kept(study, "xn--frgetme-90a.nl,2026-01-07")[-1] == ("xn--frgetme-90a.nl", "creation", january(7))


def test_hosts_platforms_addresses_and_suffixes_have_no_creation(study: Study) -> None:
    """The domain of a platform, or of a name below, says nothing of what is under it."""
    rows = ("shop.forgetme-example.com", "forgetme.blogspot.nl", "blogspot.nl", "28.1.2.3", "com", "co.uk", "")
    assert kept(study, *(f"{name},2026-01-05" for name in rows)) == []


def test_of_one_file_the_registration_in_force_and_the_last_zone_count(study: Study) -> None:
    """Several rows of one name: its newest creation, and the newest zone file without it."""
    found = kept(
        study, "forgetme-example.com,2019-03-01,2026-01-04", "forgetme-example.com,2026-01-03,2026-01-05",
        header="domain,created,absent_from_zone",
    )  # fmt: skip
    assert found == [
        ("forgetme-example.com", "creation", january(3)),
        ("forgetme-example.com", "zone", january(5)),
    ]


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        ("shop.forgetme-example.com", True),
        ("shop.forgetme-example.com forgetme-example.com www.forgetme-example.com", True),
        ("*.forgetme-example.com shop.forgetme-example.com", False),
        ("*.forgetme-example.com", False),
        ("shop.forgetme-example.com shop.another-example.com", False),
        ("forgetme.blogspot.nl", False),
        ("www.forgetme-example.com", False),
    ],
)
def test_only_a_certificate_for_exactly_this_name_counts(study: Study, names: str, counts: bool) -> None:
    """Wildcards, certificates of several domains, and those of platforms give nothing; of others the first counts."""
    found = kept(
        study, *(f"{day},{names}" for day in ("2026-01-09", "2026-01-08")), header="entry_timestamp,name_value"
    )
    host = ("shop.forgetme-example.com", "certificate", january(8))
    assert (host in found, bool(found)) == (counts, counts)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_certificates_may_stand_between_semicolons_or_tabs(study: Study, mark: str) -> None:
    """The header decides, as in any file of reports."""
    found = kept(study, f"shop.forgetme-example.com{mark}2026-01-09", header=f"name_value{mark}entry_timestamp")
    assert found == [("shop.forgetme-example.com", "certificate", january(9))]


def test_a_file_of_a_day_to_come_is_refused(run: Run, study: Study) -> None:
    """One sentence with the day, exit code 2."""
    path = study.path.parent / "feed.csv"
    path.write_text("domain,created\n")
    add = ("-C", study.path, "tables", "add", path, "--date", "2999-01-01", "--kind", "births")
    code, out, problem = run(*add)
    assert (code, out) == (2, "")
    assert "--date 2999-01-01 is out of range; a day from 1980 to today was expected (docs/tables.md)" in problem


def test_of_other_names_nothing_is_kept_counted_or_said(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred look-alikes of reported names among a million others: no row, no count, no log line, no file."""
    with create_study(tmp_path / "study", config()) as study:
        reports = tmp_path / "reports.csv"
        reports.write_text("\n".join(["url", *REPORTED]) + "\n")
        study.import_reports(reports)
        before = everything(study)
    alike = [f"f0rgetme{n}-example.com" for n in range(50)] + [f"forgetme-examp1e{n}.com" for n in range(50)]
    others = "".join(f"other{n}-example.com,2026-01-05\n" for n in range(100_000))
    broken = 'never-closed-example.com,"2026\nforgetme-example.com2,no time\nonly-a-name-example.com\n'
    path = tmp_path / "zone.csv"
    path.write_text("domain,created\n" + "".join(f"{name},2026-01-05\n" for name in alike) + others + broken)
    files = set((tmp_path / "study").rglob("*"))
    with caplog.at_level(logging.DEBUG):
        code, out, err = run("-C", tmp_path / "study", "tables", "add", path, "--date", DAY, "--kind", "births")
    assert (code, out + err) == (0, "zone.csv: 0 births of this study's names kept, 0 already known\n")
    assert not [one for one in caplog.records if "example" in one.getMessage() or "100" in one.getMessage()]
    with open_study(tmp_path / "study") as study:
        assert everything(study) == before
    assert set((tmp_path / "study").rglob("*")) == files


def test_a_bad_time_of_a_reported_name_is_a_finding_and_costs_that_row_alone(run: Run, study: Study) -> None:
    """The line is named by its number, and the rest is kept; again, nothing new; the list names the file."""
    path = study.path.parent / "feed.csv"
    rows = ("forgetme-example.com,soon", "forgetme-example.com,2026-02-03", "forgetme-example.co.uk,2026-01-06")
    path.write_text("\n".join(["domain,created", *rows]) + "\n")
    add = ("-C", study.path, "tables", "add", path, "--date", DAY, "--kind", "births", "--licence", "CC0-1.0")
    code, out, _ = run(*add)
    assert code == 1
    assert "feed.csv: 1 births of this study's names kept, 0 already known" in out
    assert "line 2: created must be an ISO 8601 date or time" in out
    assert "line 3: created must lie from 1985 to the day of the file, 2026-02-01" in out
    assert "0 births of this study's names kept, 1 already known" in run(*add)[1]
    _, listed, _ = run("-C", study.path, "tables", "list", "--format", "csv")
    assert listed.splitlines()[1:] == ["births,creation,-,2026-02-01,1,feed,CC0-1.0,-"]


@pytest.mark.parametrize(
    ("header", "line", "reason"),
    [
        ("domain,created", "FORGETME-example.com.", "1 columns; the header promises at least 2"),
        ("created\tdomain\textra", "2026-01-05", None),
        ("domain,created", 'forgetme-example.com,"2026-01-05', "broken quoting"),
        ("domain,created", "forgetme-example.com,\udcff", "line is not valid UTF-8"),
        ("domain,created", f"forgetme-example.com,{'x' * 70_000}", "line of more than 65536 characters"),
        ("domain,created", "f\u00f4rgetme.nl", None),
        ("domain,created", "shop.forgetme-example.com", None),
        ("name_value,entry_timestamp", "shop.forgetme-example.com", "1 columns; the header promises at least 2"),
        ("name_value,entry_timestamp", "www.forgetme-example.com", None),
    ],
)
def test_an_unreadable_line_about_a_reported_name_is_a_finding(
    study: Study, header: str, line: str, reason: str | None
) -> None:
    """The line has its number and a reason; one about any other name is passed over."""
    path = study.path.parent / "births.csv"
    path.write_text(f"{header}\n{line}\n", encoding="utf-8", errors="surrogateescape")
    found = study.add_births(path, DAY)
    assert [one.line for one in found.rejected] == ([2] if reason else [])
    assert all(one.reason.startswith(str(reason)) for one in found.rejected)
    assert "forgetme" not in repr(found)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name,created", "lacks a column named domain"),
        ("domain,expires", "lacks a column named created or absent_from_zone"),
        ("logged_at,issuer", "lacks a column named names"),
        ("<html>", "is HTML or JSON, not CSV"),
    ],
)
def test_a_file_of_another_form_is_refused_whole(study: Study, header: str, said: str) -> None:
    """The header decides, and the message names the page."""
    with pytest.raises(InputError, match=said):
        kept(study, "forgetme-example.com,2026-01-05", header=header)


def test_a_file_named_after_a_host_is_refused(study: Study) -> None:
    """Its name would stand in the database."""
    path = study.path.parent / "forgetme-example.com.csv"
    path.write_text("domain,created\n")
    with pytest.raises(InputError, match="rename the file"):
        study.add_births(path, DAY)


def test_what_was_forgotten_gets_no_birth(study: Study) -> None:
    """A domain all of whose hosts were forgotten is as unknown as any other."""
    forget(study.folder, study.vault.keyed_id("host", "forgetme-example.co.uk"), "case closed")
    forget(study.folder, study.vault.keyed_id("host", "forgetme-example.com"), "case closed")
    rows = ("forgetme-example.co.uk,2026-01-05", "forgetme-example.com,2026-01-05")
    assert kept(study, *rows) == [("forgetme-example.com", "creation", january(5))]
