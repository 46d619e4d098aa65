"""The commands about sizes and about what changed between two days: what they print, and how they fail."""

import json
from pathlib import Path

import pytest

from tests.study.facts import written
from tests.study.rig import Run
from waterbed.model.facts import Snapshot
from waterbed.study.study import open_study

ROUTES = (
    "28.0.0.0,28.0.255.255,64500,Hoster a\n28.1.0.0,28.1.255.255,64501,Hoster b\n28.2.0.0,28.2.3.255,64502,Hoster c\n"
)
LATER = "28.0.0.0,28.0.127.255,64500,A\n28.0.128.0,28.0.255.255,64777,New\n28.1.0.0,28.1.255.255,64501,B\n"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with looks at two hosters on 5 January 2026, and a third AS in its routing table."""
    with written(tmp_path, {"a0": "uu", "a1": "ud", "b0": "uu"}) as opened:
        (tmp_path / "more.csv").write_text(ROUTES)
        (tmp_path / "places.csv").write_text("28.0.0.0,28.0.255.255,NL\n28.1.0.0,28.1.255.255,DE\n")
        for kind, name in (("routes", "more.csv"), ("places", "places.csv")):
            opened.add_table(tmp_path / name, opened.folder.clock().date(), kind=kind)
    return tmp_path / "study"


def rows(said: tuple[int, str, str]) -> dict[str, dict[str, object]]:
    """The rows of a JSON answer by their key."""
    assert said[0] == 0, said
    return {row["key"]: row for row in json.loads(said[1])["rows"]}


def refused(said: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2 and one sentence with these parts."""
    assert (said[0], said[1], said[2].strip().count("\n")) == (2, "", 0), said
    assert all(part in said[2] for part in parts), said[2]


def test_sizes_of_what_the_study_saw(run: Run, study: Path) -> None:
    """Without --frame only what the study has is listed, with its counts and the dates of the tables."""
    said = run("-C", study, "sizes", "--by", "asn", "--as-of", "2026-01-05", "--format", "json")
    found = rows(said)
    assert set(found) == {"AS64500", "AS64501"}
    first = found["AS64500"]
    assert (first["announced_v4"], first["hosting_v4"], first["urls"], first["hosts"]) == (65536, 2, 2, 2)
    assert (first["announced_v6_64s"], first["domains"], first["name"]) == (None, None, "Hoster a")
    heading = json.loads(said[1])
    assert (heading["what"], heading["by"], heading["data_dates"]) == ("sizes", "asn", {"routes IPv4": "2026-01-05"})
    assert heading["window"] == "2025-12-07T00:00:00+00:00/2026-01-06T00:00:00+00:00"


def test_the_frame_has_zeros(run: Run, study: Path) -> None:
    """With --frame every AS of the routing table and every country of the places is there, seen or not."""
    by_as = rows(run("-C", study, "sizes", "--by", "asn", "--frame", "--as-of", "2026-01-05", "--format", "json"))
    assert (by_as["AS64502"]["announced_v4"], by_as["AS64502"]["urls"], by_as["AS64502"]["hosting_v4"]) == (1024, 0, 0)
    countries = rows(run("-C", study, "sizes", "--by", "country", "--frame", "--format", "json"))
    assert {key: row["delegated_v4"] for key, row in countries.items()} == {"NL": 65536, "DE": 65536}


def test_hosting_outside_the_window_is_not_counted(run: Run, study: Path) -> None:
    """The window ends with the day and is as long as told."""
    words = ("-C", study, "sizes", "--by", "asn", "--format", "json", "--as-of")
    assert rows(run(*words, "2026-01-20"))["AS64500"]["hosting_v4"] == 2
    assert rows(run(*words, "2026-01-20", "--window", "10"))["AS64500"]["hosting_v4"] == 0
    assert rows(run(*words, "2026-01-04"))["AS64500"]["hosting_v4"] == 0


def test_domains_are_added_and_shown(run: Run, study: Path, tmp_path: Path) -> None:
    """The user's table is a dated snapshot without a family; hosters that the book does not know are named."""
    table = tmp_path / "domains.csv"
    table.write_text("key,domains\nAS64500,120\nNL,7\n")
    code, out, _ = run("-C", study, "sizes", "add", table, "--date", "2026-01-02")
    assert (code, "2 keys" in out) == (0, True)
    found = rows(run("-C", study, "sizes", "--by", "hoster", "--as-of", "2026-01-05", "--format", "json"))
    assert (found["AS64500"]["domains"], found["AS64501"]["domains"]) == (120, None)
    assert found["AS64500"]["domains_date"] == "2026-01-02T00:00:00Z"
    table.write_text("key,domains\nnobody-known,1\n")
    code, out, _ = run("-C", study, "sizes", "add", table, "--date", "2026-01-03")
    assert (code, "nobody-known" in out) == (1, True)
    with open_study(study) as opened:
        kept = [one for one in opened.folder.store.all(Snapshot) if one.kind == "domains"]
    assert {(one.family, one.rows, one.form) for one in kept} == {(0, 2, "csv"), (0, 1, "csv")}


def test_each_format_has_every_row(run: Run, study: Path) -> None:
    """The table for people names its data and what it leaves out; CSV has a header and all columns."""
    code, out, _ = run("-C", study, "sizes", "--by", "asn", "--as-of", "2026-01-05")
    assert code == 0
    assert "routes IPv4 of 2026-01-05" in out
    assert "65,536" in out
    code, out, _ = run("-C", study, "sizes", "--by", "country", "--as-of", "2026-01-05")
    assert (code, "by registration" in out) == (0, True)
    lines = run("-C", study, "sizes", "--by", "asn", "--frame", "--format", "csv")[1].splitlines()
    assert lines[0].startswith("key,name,day,announced_v4,")
    assert len(lines) == 4


def test_sizes_need_a_table(run: Run, study: Path, tmp_path: Path) -> None:
    """Without tables, or with a wrong file or day, one sentence says what is missing and nothing is changed."""
    assert run("init", tmp_path / "bare")[0] == 0
    refused(run("-C", tmp_path / "bare", "sizes"), "needs a table of routes or places", "docs/sizes.md")
    refused(run("-C", study, "sizes", "--as-of", "0001-01-01"), "not in the years")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("AS64500,12\n")
    refused(run("-C", study, "sizes", "add", wrong, "--date", "2026-01-02"), "header key,domains", "docs/sizes.md")
    with open_study(study) as opened:
        assert "domains" not in {one.kind for one in opened.folder.store.all(Snapshot)}


def test_two_days_are_compared(run: Run, study: Path, tmp_path: Path) -> None:
    """Rows whose origin set changed are counted by both sets, beside the change of all address space."""
    (tmp_path / "later.csv").write_text(LATER)
    assert run("-C", study, "tables", "add", tmp_path / "later.csv", "--date", "2026-03-01")[0] == 0
    feed = tmp_path / "feed.csv"
    feed.write_text("ip\n28.0.0.1\n28.0.200.1\n28.0.200.2\n28.2.0.1\n28.9.9.9\nnone\n")
    words = ("-C", study, "attribute", "--csv", feed, "--as-of", "2026-01-05", "--against", "2026-03-01")
    code, out, _ = run(*words)
    assert code == 0
    assert "3 of 6 rows have origins on both days; 2 of them (66.67%)" in out
    assert "1 rows have none any more, 0 had none before" in out
    assert "Of all 131,072 IPv4 addresses routed on 2026-01-05 and 2026-03-01, 25.00% changed" in out
    found = json.loads(run(*words, "--format", "json")[1])
    assert found == [
        {"before": "AS64500", "after": "AS64777", "rows": 2, "share": "0.3333"},
        {"before": "AS64502", "after": "none", "rows": 1, "share": "0.1667"},
    ]


def test_a_table_is_not_compared_with_itself(run: Run, study: Path, tmp_path: Path) -> None:
    """Two days that use one table, a study without routes, and --against without --csv are refused."""
    feed = tmp_path / "feed.csv"
    feed.write_text("ip\n28.0.0.1\n")
    both = ("--as-of", "2026-01-05", "--against", "2026-01-06")
    refused(run("-C", study, "attribute", "--csv", feed, *both), "both use the routes of 2026-01-05")
    refused(run("-C", study, "attribute", "--against", "2026-01-06"), "belong to --csv")
    assert run("init", tmp_path / "bare")[0] == 0
    refused(run("-C", tmp_path / "bare", "attribute", "--csv", feed, *both), "no table of routes")


def test_names_with_addresses_are_counted_by_as_and_dropped(run: Run, study: Path, tmp_path: Path) -> None:
    """Distinct registered domains of each AS, of rows that hold on the day; no name is in the study or told."""
    rows_ = [
        *(
            "www.Secret-one.com,28.0.0.9,2026-01-01,2026-02-01",
            "secret-one.com.,28.0.0.9 28.1.0.4,2026-01-01,2026-02-01",
        ),
        *("a.secret-two.net,28.0.9.9,2025-12-01T00:00:00+00:00,2026-01-05", "gone.org,28.0.0.9,2025-01-01,2025-02-01"),
        "nowhere.org,192.0.2.1,2026-01-01,2026-02-01",
    ]
    (tmp_path / "pdns.csv").write_text("rrname,addresses,first,last\n" + "\n".join(rows_) + "\n")
    code, out, err = run("-C", study, "sizes", "add", tmp_path / "pdns.csv", "--date", "2026-01-05")
    assert (code, "2 keys with their domains" in out, "secret" in (out + err).lower()) == (0, True, False)
    found = rows(run("-C", study, "sizes", "--by", "asn", "--as-of", "2026-01-05", "--format", "json"))
    assert {key: row["domains"] for key, row in found.items()} == {"AS64500": 2, "AS64501": 1}
    held = b"".join(path.read_bytes() for path in study.rglob("*") if path.is_file())
    assert b"secret-one" not in held.lower()
    for bad, part in (
        ("x,28.0.0.9,never,2026-02-01", "ISO dates"),
        ("x,28.0.0.9,2026-01-01+02:00,2026-02-01", "ISO dates"),
        ("x,28.0.0.9,2026-01-01,9999-12-31T23:59:59-14:00", "ISO dates"),
        ("x,28.0.0.9", "columns"),
        (",28.0.0.9,2026-01-01,2026-01-02", "a name"),
        ("x,foo,2026-01-01,2026-02-01", "IP addresses"),
        ("x,28.0.0.9 fe80::1%x.example.com,2026-01-01,2026-02-01", "IP addresses"),
    ):
        (tmp_path / "bad.csv").write_text(f"rrname,addresses,first,last\n{bad}\n")
        refused(run("-C", study, "sizes", "add", tmp_path / "bad.csv", "--date", "2026-01-05"), "row 1", part)
    for without, part in (
        ("x.org,28.0.0.9,2020-01-01,2020-02-01", "no row that holds on 2026-01-05"),
        ("x.org,203.0.113.9,2026-01-01,2026-02-01", "no address that is routed on 2026-01-05"),
    ):
        (tmp_path / "old.csv").write_text(f"rrname,addresses,first,last\n{without}\n")
        refused(run("-C", study, "sizes", "add", tmp_path / "old.csv", "--date", "2026-01-05"), part, "docs/sizes.md")
