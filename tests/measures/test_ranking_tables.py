"""Rankings of every kind, volume, places and sources on the command line: what they print, and how they fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.study.facts import hour, numbered, written
from tests.study.rig import Run
from waterbed.model.facts import Report
from waterbed.study.study import Study, open_study

TABLES = (
    "hoster",
    "asn",
    "country",
    "delegated",
    "registered",
    "seat",
    "upstream",
    "platform",
    "category",
    "site-type",
    "commercial",
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which tables have room."""
    monkeypatch.setenv("COLUMNS", "140")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A study: hoster a removes all within hours, b a third, c (too few) nothing; a lies at home, the others abroad."""
    up = "u" * 40
    seen = {f"a{n:02}": ("u" * (3 + n)).ljust(40, "d") for n in range(12)} | numbered("b", 8, up) | numbered("c", 3, up)
    seen |= {f"b{n:02}": ("u" * n).ljust(40, "d") for n in range(8, 12)}
    with written(tmp_path, seen, apart=16) as study:
        places = tmp_path / "places.csv"
        places.write_text("28.0.0.0,28.0.255.255,NL\n28.1.0.0,28.2.255.255,DE\n")
        study.add_table(places, date(2026, 1, 5), kind="places")
    return tmp_path / "study"


def opened(folder: Path) -> Study:
    """The study, its clock held."""
    study = open_study(folder)
    study.folder.clock = lambda: hour(40 + 11 * 16)
    return study


def rows(said: tuple[int, str, str]) -> dict[str, dict[str, object]]:
    """The rows of a JSON answer by their key."""
    assert said[0] == 0, said
    return {row["key"]: row for row in json.loads(said[1])["rows"]}


def refused(said: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2 and one sentence with these parts."""
    assert (said[0], said[1], said[2].strip().count("\n")) == (2, "", 0), said
    assert all(part in said[2] for part in parts), said[2]


def test_every_kind_is_ranked(run: Run, folder: Path) -> None:
    """Each kind gives a table, each of the 27 hosts under one key or as not attributed."""
    for by in TABLES:
        found = rows(run("-C", folder, "rank", "--by", by, "--format", "json"))
        assert sum(row["hosts"] for row in found.values()) == 27, by


@pytest.mark.parametrize("by", ["upstream", "site-type", "commercial", "registrar", "tld"])
def test_kinds_without_data_are_not_attributed(run: Run, folder: Path, by: str) -> None:
    """Without registrations, answers or words of reports all is under one row without a place, which says so."""
    found = rows(run("-C", folder, "rank", "--by", by, "--format", "json"))
    assert (list(found), found["unknown"]["place"]) == (["unknown"], None)
    assert (
        f"Nothing in the study tells the {by.replace('-', ' ')} of any URL" in run("-C", folder, "rank", "--by", by)[1]
    )


def test_what_all_does_not_end_is_said(run: Run, folder: Path) -> None:
    """Who acted has a row of all URLs in which a move to another key is no end: a note says so."""
    out = " ".join(run("-C", folder, "rank", "--table", "actors")[1].split())
    assert "a move ends its clock in that row and none in all" in out


def test_category_is_ranked_with_its_share(run: Run, folder: Path) -> None:
    """The category of the reports is a key like others: removed are 16 of 27."""
    found = rows(run("-C", folder, "rank", "--by", "category", "--format", "json"))["phishing"]
    assert (found["hosts"], found["class"]) == (27, "ranked")
    assert found["removed_24h"] == pytest.approx(16 / 27, abs=0.01)


def test_kinds_of_site_and_commerce_are_ranked_and_what_has_no_address_is_counted(run: Run, folder: Path) -> None:
    """Commercial content has a row and a share of its own; Tor is counted by medium, and is at no hoster."""
    with opened(folder) as study:
        reports = list(study.conclude().facts.reports)
        urls = sorted({one.url_id for one in reports})
        tor = replace(reports[0], report_id="tor", url_id="0" * 32, medium="tor", site_type="forum")
        target = replace(study.conclude().facts.targets[urls[0]], url_id="0" * 32, host_id="1" * 32, site_id="2" * 32)
        paid = [
            replace(one, report_id=f"paid {n}", commercial=n < 14, site_type="forum")
            for n, one in enumerate(sorted(reports, key=lambda one: one.url_id))
        ]
        study.folder.store.add([target, tor, *paid])
    found = rows(run("-C", folder, "rank", "--by", "commercial", "--format", "json"))
    assert {key: row["hosts"] for key, row in found.items()} == {"commercial": 14, "not commercial": 13, "not told": 1}
    assert found["commercial"]["removed_24h"] is not None
    assert found["not told"]["class"] == "no address"
    told = rows(run("-C", folder, "rank", "--by", "site-type", "--format", "json"))
    assert {key: row["hosts"] for key, row in told.items()} == {"forum": 28}
    by_medium = rows(run("-C", folder, "rank", "--by", "medium", "--format", "json"))
    assert {key: (row["urls"], row["class"]) for key, row in by_medium.items()} == {
        "web": (27, "ranked"),
        "tor": (1, "no address"),
    }
    code, out, _ = run("-C", folder, "rank")
    assert (code, "not attributed" in out) == (0, False)
    assert "1 reported URLs have no address to check (Tor and its like 1)" in " ".join(out.split())
    complied = run("-C", folder, "compliance", "--by", "commercial", "--clock", "reported", "--format", "json")
    assert {row["key"] for row in json.loads(complied[1])["rows"]} == {"commercial", "not commercial"}
    refused(run("-C", folder, "compliance", "--by", "category", "--table", "returns"), "by hoster, asn or country")


def test_home_and_abroad_part_the_ranking(run: Run, folder: Path) -> None:
    """What lies at home and what lies abroad are two rankings that together are the whole."""
    home = rows(run("-C", folder, "rank", "--by", "asn", "--home", "--format", "json"))
    abroad = rows(run("-C", folder, "rank", "--by", "asn", "--abroad", "--format", "json"))
    assert (set(home), set(abroad)) == ({"AS64500"}, {"AS64501", "AS64502"})
    said = json.loads(run("-C", folder, "rank", "--home", "--format", "json")[1])
    assert said["what"] == "ranking, home"


@pytest.mark.parametrize("table", ["ranking", "volume", "places", "sources", "actors"])
def test_a_side_stands_in_the_title(run: Run, folder: Path, table: str) -> None:
    """Each table's title says of which side it is, and both sides at once are refused."""
    second_feed(folder)
    asked = ("-C", folder, "rank", "--by", "asn", "--table", table)
    for side, words in (("--home", "content at home"), ("--abroad", "content abroad")):
        assert f"by asn, {words}" in run(*asked, side)[1]
    refused(run(*asked, "--home", "--abroad"), "--home and --abroad", "docs/ranking.md")


def test_roles_are_rankings_of_organisations(run: Run, folder: Path) -> None:
    """The holders of the origin ASes can be ranked; a role beside another kind is refused."""
    found = rows(run("-C", folder, "rank", "--role", "as-holder", "--format", "json"))
    assert sum(row["hosts"] for row in found.values()) == 27
    refused(run("-C", folder, "rank", "--by", "asn", "--role", "proxy"), "--role is for --by hoster")


def test_share_by_hoster_stands_beside_that_by_content(run: Run, folder: Path) -> None:
    """Under the table: a mean of hosters, and the share of all their clocks; nothing of it for tools."""
    code, out, _ = run("-C", folder, "rank")
    assert code == 0
    assert "67% by hoster (mean of 2, median 67%; 1 removed less than half), 67% by content (24 clocks" in out
    assert "by content" not in run("-C", folder, "rank", "--format", "csv")[1]


@pytest.mark.parametrize(("unseen", "told"), [("b", True), ("bc", False)])
def test_a_total_says_what_it_covers_or_is_withheld(run: Run, tmp_path: Path, unseen: str, told: bool) -> None:
    """Where hosters with enough sites have no share, the total says so; with less than half of them there is none."""
    seen = {f"a{n:02}": ("u" * (3 + n)).ljust(40, "d") for n in range(12)}
    seen |= {url: states for name in unseen for url, states in numbered(name, 12, "?" * 40).items()}
    with written(tmp_path, seen, apart=16):
        pass
    code, out, _ = run("-C", tmp_path / "study", "rank")
    covered = f"only 1 of {1 + len(unseen)} hosters with at least 10 sites has a share, with 12 of 12 clocks"
    said = " ".join(out.split())
    assert (code, covered in said, "no total" in said, "by content" in said) == (0, True, not told, told), out


def test_places_say_who_is_slowest_and_how_sure(run: Run, folder: Path) -> None:
    """The slower hoster may be first, the one with too few sites has no place; notes explain each column."""
    found = rows(run("-C", folder, "rank", "--by", "asn", "--table", "places", "--worst", "1", "--format", "json"))
    assert list(found) == ["AS64501", "AS64500", "AS64502"]
    assert found["AS64501"]["place_low"] == 1
    assert found["AS64501"]["among_worst"] > 0.9
    assert found["AS64501"]["without_one_low"] < found["AS64501"]["removed_24h"]
    assert (found["AS64502"]["class"], found["AS64502"]["place_low"]) == ("too few", None)
    code, out, _ = run("-C", folder, "rank", "--by", "asn", "--table", "places")
    assert code == 0
    notes = (
        "1 the slowest",
        "slower than: the rows that surely removed a larger share",
        "among the 10 slowest",
        "norm: below where",
    )
    assert all(part in " ".join(out.split()) for part in notes)


def test_volume_without_a_frame_has_counts_and_rates(run: Run, folder: Path) -> None:
    """Three ASes are no base for an expectation; the rate by address needs none."""
    found = rows(run("-C", folder, "rank", "--by", "asn", "--table", "volume", "--format", "json"))
    first = found["AS64500"]
    assert (first["sites"], first["incidents"], first["routed_v4"], first["expected"]) == (12, 12, 65536, None)
    assert first["score"] == pytest.approx(1e4 * 12 / 65536, abs=1e-5)
    assert "routed IPv4" in run("-C", folder, "rank", "--by", "asn", "--table", "volume")[1]


def _many_ases(folder: Path, tmp_path: Path) -> None:
    """A table of routes with 60 ASes that have no report, beside the three that have some."""
    routes = tmp_path / "many.csv"
    lines = [f"28.{n}.0.0,28.{n}.255.255,{64500 + n},Hoster {n}" for n in range(3)]
    lines += [f"29.{n}.0.0,29.{n}.{2 ** (n % 8) - 1}.255,{65000 + n},Idle {n}" for n in range(60)]
    routes.write_text("\n".join(lines) + "\n")
    with opened(folder) as study:
        study.add_table(routes, date(2026, 1, 5))


def test_volume_is_held_against_all_that_exist(run: Run, folder: Path, tmp_path: Path) -> None:
    """With a table of many ASes, most of them without any report, each has what its size lets expect."""
    _many_ases(folder, tmp_path)
    found = rows(run("-C", folder, "rank", "--by", "asn", "--table", "volume", "--format", "json"))
    assert set(found) == {"AS64500", "AS64501", "AS64502"}
    first = found["AS64500"]
    assert 0 < first["expected"] < 12
    assert first["shrunk_low"] < first["shrunk"] < first["shrunk_high"]
    assert (first["place_low"], first["place_high"], found["AS64502"]["place_low"]) == (1, 2, None)
    assert (first["twins"], 0 < first["twins_sites"] < 12, first["twins_fewer"] > 0.8) == (10, True, True)
    abroad = rows(run("-C", folder, "rank", "--by", "asn", "--abroad", "--table", "volume", "--format", "json"))
    assert {row["expected"] for row in abroad.values()} == {None}


def test_covariates_of_a_day_enter_the_expectation(run: Run, folder: Path, tmp_path: Path) -> None:
    """Tables of several forms are one; who is of a kind with many sites is held against that kind."""
    _many_ases(folder, tmp_path)
    before = rows(run("-C", folder, "rank", "--by", "asn", "--table", "volume", "--format", "json"))["AS64500"]
    asdb, price = tmp_path / "asdb.csv", tmp_path / "price.csv"
    kinds = [(64500, "Hosting"), (64501, "ISP"), *((65000 + n, "Hosting" if n < 29 else "ISP") for n in range(60))]
    asdb.write_text(
        'ASN,"Category 1 - Layer 1","Category 1 - Layer 2"\n'
        + "".join(f'AS{asn},"Computer and Information Technology",{kind}\n' for asn, kind in kinds)
    )
    price.write_text("key,price_class\n" + "".join(f"AS{asn},{1 + asn % 3}\n" for asn, _ in kinds))
    for path in (asdb, price):
        done = run(
            "-C", folder, "tables", "add", path, "--date", "2026-01-05", "--kind", "covariates", "--licence", "ours"
        )
        assert done[0] == 0
    after = rows(run("-C", folder, "rank", "--by", "asn", "--table", "volume", "--format", "json"))["AS64500"]
    assert after["expected"] != before["expected"]
    out = " ".join(run("-C", folder, "rank", "--by", "asn", "--table", "volume")[1].split())
    assert "of the deviance, with business_detail, price_class " in out
    assert rows(run("-C", folder, "rank", "--by", "hoster", "--table", "volume", "--format", "json"))
    assert run("-C", folder, "tables", "check")[0] in (0, 1)


def second_feed(folder: Path) -> None:
    """Another source that reported part of the same URLs, a day later."""
    with opened(folder) as study:
        store = study.folder.store
        told = [report for report in store.all(Report) if report.url_id[0] in "bc"]
        store.add(
            [
                replace(r, report_id=f"x{r.report_id}", source="other", received_at=r.received_at + timedelta(hours=30))
                for r in told
            ]
        )


def test_feeds_side_by_side(run: Run, folder: Path) -> None:
    """Each source has its own places, and Kendall's tau says how far two agree, or that it cannot."""
    second_feed(folder)
    said = json.loads(run("-C", folder, "rank", "--by", "asn", "--table", "sources", "--format", "json")[1])
    found = {(row["key"], row["source"]): (row["place"], row["hosts"]) for row in said["rows"]}
    assert found["AS64500", "hotline"] == (1, 12)
    assert found["AS64500", "other"] == (None, 0)
    assert found["AS64501", "other"] == (1, 12)
    code, out, _ = run("-C", folder, "rank", "--by", "asn", "--table", "sources", "--top", "2")
    assert code == 0
    assert "Kendall's tau-b of hotline and other: not estimable, 3 keys" in out
    assert "needs at least 3 of them" in " ".join(out.split())
    assert {row["latent"] for row in said["rows"]} == {None}


def test_one_feed_has_nothing_beside_it(run: Run, folder: Path) -> None:
    """With one source `--table feeds` says what is missing; two tables at once are refused."""
    refused(run("-C", folder, "rank", "--table", "sources"), "two sources", "docs/ranking.md")
    refused(run("-C", folder, "rank", "--table", "sources", "--table", "places"), "name one of them")


def test_cards_of_sources(run: Run, folder: Path) -> None:
    """One card a source: what it reported, how late, and what it shares."""
    second_feed(folder)
    code, out, _ = run("-C", folder, "sources", "--format", "json")
    found = {row["source"]: row for row in json.loads(out)["rows"]}
    assert (code, found["hotline"]["urls"], found["other"]["urls"]) == (0, 27, 15)
    assert (found["other"]["shared"], found["other"]["first_here"], found["other"]["delay_median_h"]) == (
        1.0,
        0.0,
        30.0,
    )
    assert "hotline" in run("-C", folder, "sources")[1]


def test_a_retention_rule_is_told(run: Run, folder: Path, tmp_path: Path) -> None:
    """A presence list whose entries all leave after ten days is a finding; one that thins out is not."""
    path = tmp_path / "presence.csv"
    kept = [f"2026-01-01,2026-01-{1 + n % 10:02},2026-01-{2 + n % 10:02}" for n in range(600)]
    kept += ["2026-01-01,2026-01-10,2026-01-11"] * 2_000
    path.write_text("\n".join(["entered,last_listed,first_missing", *kept]) + "\n")
    code, out, _ = run("-C", folder, "sources", "--presence", path)
    assert code == 1
    assert "a rule of the feed" in out
    path.write_text("\n".join(["entered,last_listed,first_missing", *kept[:600], "x,y,z"]) + "\n")
    code, out, _ = run("-C", folder, "sources", "--presence", path, "--source", "hotline")
    assert code == 1
    assert "line 602" in out
    refused(run("-C", folder, "sources", "--presence", path, "--source", "nobody"), "--source", "hotline")


def test_deliveries_that_held_nothing_tell_of_no_absence(run: Run, folder: Path, tmp_path: Path) -> None:
    """An empty delivery is named and moves no end; the median is on the card; to ignore entry takes two switches."""
    presence, came = tmp_path / "presence.csv", tmp_path / "came.csv"
    lines = [f"2026-01-01,2026-01-{1 + n % 4:02},," for n in range(40)]
    lines += [f"2025-12-01,2026-01-{1 + n % 8:02},,2026-01-01" for n in range(40)]
    presence.write_text("\n".join(["entered,last_listed,first_missing,first_listed", *lines]) + "\n")
    sizes = [80, 70, 60, 50, 0, 40, 40, 35, 30]
    days = [f"2026-01-{n:02},{size}" for n, size in enumerate(sizes, 1)]
    came.write_text("\n".join(["received,entries", *days]) + "\n")
    words = ("-C", folder, "sources", "--presence", presence, "--deliveries", came)
    code, out, _ = run(*words)
    assert code == 1
    assert "the delivery of 2026-01-05 00:00 held 0 entries for about 65: it tells of no absence." in out
    card = json.loads(run(*words, "--format", "json")[1])["rows"][0]
    assert 0 < card["listed_median_low_d"] <= card["listed_median_high_d"] < 37
    code, out, err = run(*words, "--midpoint", "--ignore-entry")
    assert "late entry ignored" in out
    assert err.startswith("warning: late entry is ignored")
    refused(run(*words, "--ignore-entry"), "--midpoint")
    refused(run("-C", folder, "sources", "--midpoint"), "--presence")


def test_what_cannot_be_asked_is_refused(run: Run, folder: Path) -> None:
    """A day without `--table volume` is refused; a kind that nothing tells says where to look."""
    refused(run("-C", folder, "rank", "--as-of", "2026-01-05"), "--table", "volume")
    said = "Nothing in the study tells the upstream of any URL (docs/ranking.md, What is ranked)."
    assert said in run("-C", folder, "rank", "--by", "upstream")[1]
