"""Dated tables on the command line: added, listed, checked, put together."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.study.copies import copied, kept
from tests.study.rig import Run, feed, lab_study, reports_csv
from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.crawler.recheck.run import run_recheck
from waterbed.study.dated_tables import folder_name
from waterbed.study.study import open_study

LOOKED_ON = "2026-01-05"
ROUTES = "28.10.0.0/16\t64500\n"
DELEGATED = """2|{name}|20260105|1|19830705|20260105|+0000
{name}|*|ipv4|*|1|summary
{name}|{country}|ipv4|{first}|{count}|20000101|allocated
"""
AS2ORG = """# format:org_id|changed|org_name|country|source
EXA-1-ARIN|20200101|Example, Inc.|US|ARIN
# format:aut|changed|aut_name|org_id|opaque_id|source
64500|20200101|EXA|EXA-1-ARIN||ARIN
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose hosts were looked at once: ten addresses in 28.10.0.0/16."""

    def make(folder: Path) -> None:
        pairs = feed(10)
        with lab_study(pairs, folder) as (study, _):
            study.import_reports(reports_csv(pairs, folder))
            run_recheck(study.folder)

    return kept(tmp_path_factory.mktemp("looked"), make)


@pytest.fixture
def looked(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


def _file(folder: Path, text: str, name: str = "table") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _checked(run: Run, study: Path, *words: object) -> tuple[int, list[dict]]:
    code, out, err = run("-C", study, "tables", "check", *words, "--format", "json")
    assert not err
    return code, json.loads(out)["rows"]


def test_a_good_table_passes(run: Run, looked: Path, tmp_path: Path) -> None:
    """A table of the day that covers all addresses has no finding, and its figures are exact."""
    table = _file(tmp_path, ROUTES + "28.10.4.0/24\t64501\n28.10.4.0/24\t64502\n10.0.0.0/24\t64503\n")
    assert run("-C", looked, "tables", "add", table, "--date", LOOKED_ON, "--licence", "CC0-1.0")[0] == 0
    code, (one,) = _checked(run, looked)
    assert code == 0, one
    assert (one["rows"], one["covered"], one["overlapping"], one["several"]) == (4, 65_536 + 256, 1, 1)
    assert (one["share"], one["reserved"], one["addresses"], one["known"]) == (65_792 / 2**32, 256, 10, 10)
    assert (one["kind"], one["form"], one["findings"], round(one["age_days"], 1)) == ("routes", "pyasn", [], 0.5)
    shown = run("-C", looked, "tables", "check")[1]
    assert "100%" in shown
    listed = run("-C", looked, "tables", "list", "--format", "csv")[1]
    assert listed.splitlines() == [
        "kind,form,family,date,rows,source,licence,built",
        f"routes,pyasn,IPv4,{LOOKED_ON},4,table,CC0-1.0,-",
    ]


@pytest.mark.parametrize(
    ("text", "day", "says"),
    [
        ("28.10.0.0/30\t64500\n", LOOKED_ON, "knows 1 of the study's 10 addresses, 90% are wanted"),
        (ROUTES, "2025-11-01", "stale: 65 days older than the newest check, 31 are allowed"),
        (ROUTES, "2026-02-01", "younger than the newest check"),
        ("0.0.0.0/0\t64500\n", LOOKED_ON, "covers reserved space"),
    ],
)
def test_what_is_amiss_is_a_finding(run: Run, looked: Path, tmp_path: Path, text: str, day: str, says: str) -> None:
    """Too few addresses, a wrong age or a default route end in exit code 1 and a sentence."""
    run("-C", looked, "tables", "add", _file(tmp_path, text), "--date", day)
    code, out, _ = run("-C", looked, "tables", "check")
    assert code == 1
    assert says in out


def test_only_the_table_in_force_is_held_to_its_age(run: Run, looked: Path, tmp_path: Path) -> None:
    """An old table beside one of the day is history, not a finding; kind and date choose what is shown."""
    table = _file(tmp_path, ROUTES)
    for day in ("2025-01-01", LOOKED_ON):
        run("-C", looked, "tables", "add", table, "--date", day)
    code, found = _checked(run, looked)
    assert (code, [one["findings"] for one in found]) == (0, [[], []])
    assert len(_checked(run, looked, "--date", LOOKED_ON, "--kind", "routes")[1]) == 1
    assert run("-C", looked, "tables", "check", "--kind", "places")[0] == 2
    assert run("-C", looked, "tables", "check", "--kind", "planets")[0] == 2


def test_two_tables_of_one_day_may_not_differ(run: Run, looked: Path, tmp_path: Path) -> None:
    """The same answers in two files are no finding; other answers are, with how many addresses differ."""
    run("-C", looked, "tables", "add", _file(tmp_path, ROUTES), "--date", LOOKED_ON)
    same = _file(tmp_path, "28.10.0.0,28.10.255.255,64500\n", "same")
    run("-C", looked, "tables", "add", same, "--date", LOOKED_ON)
    assert _checked(run, looked)[0] == 0
    run("-C", looked, "tables", "add", _file(tmp_path, ROUTES + "28.10.9.0/24\t7\n", "other"), "--date", LOOKED_ON)
    code, found = _checked(run, looked)
    assert code == 1
    assert [len(one["findings"]) for one in found] == [1, 1, 2]
    assert found[0]["findings"] == ["another table of this day differs in 256 addresses: other"]


def test_a_table_added_again_applies(run: Run, looked: Path, tmp_path: Path) -> None:
    """Of one day the table added last holds, also where it was there before another; twice is no more than once."""
    one, other = _file(tmp_path, ROUTES), _file(tmp_path, "28.10.0.0/16\t64501\n", "other")

    def added(file: Path) -> tuple[int, int]:
        assert run("-C", looked, "tables", "add", file, "--date", LOOKED_ON)[0] == 0
        with open_study(looked) as study:
            attributed = study.attributor().routes.on(date.fromisoformat(LOOKED_ON), 4)
            assert attributed is not None
            ((origin,),) = attributed.table.origins_of(["28.10.0.1"])
            return origin, len(study.snapshots())

    assert [added(file) for file in (one, one, other, one, one, other)] == [
        (64500, 1),
        (64500, 1),
        (64501, 2),
        (64500, 3),
        (64500, 3),
        (64501, 4),
    ]
    assert len(list((looked / "tables").iterdir())) == 4


def test_a_damaged_table_that_another_replaced_is_mended(run: Run, looked: Path, tmp_path: Path) -> None:
    """Added again it is whole, and the other still applies."""
    one, other = _file(tmp_path, ROUTES), _file(tmp_path, "28.10.0.0/16\t64501\n", "other")
    run("-C", looked, "tables", "add", one, other, "--date", LOOKED_ON)
    with open_study(looked) as study:
        (first, _) = (folder_name(snapshot) for snapshot in study.snapshots())
    for file in (looked / "tables" / first).iterdir():
        file.unlink()
    assert run("-C", looked, "tables", "check")[0] == 2
    run("-C", looked, "tables", "add", one, "--date", LOOKED_ON)
    with open_study(looked) as study:
        assert len(study.snapshots()) == 2
        assert len(study.tables("routes")) == 2


def test_registries_of_one_day_count_together(run: Run, looked: Path, tmp_path: Path) -> None:
    """Delegated files of several registries are one table; of one registry the later file counts."""
    parts = [
        _file(tmp_path, DELEGATED.format(name=name, country=country, first=first, count=count), f"{name}{n}")
        for n, (name, country, first, count) in enumerate(
            [("arin", "US", "28.10.0.0", 1024), ("apnic", "JP", "28.10.4.0", 64512), ("arin", "CA", "28.10.0.0", 1024)]
        )
    ]
    words = ["-C", looked, "tables", "add", *parts[:2], "--date", LOOKED_ON, "--kind", "places"]
    assert run(*words)[0] == 0
    assert run(*words)[0] == 0
    assert len(list((looked / "tables").iterdir())) == 2
    assert _checked(run, looked)[0] == 0
    run("-C", looked, "tables", "add", parts[2], "--date", LOOKED_ON, "--kind", "places")
    with open_study(looked) as study:
        ((day, places),) = study.tables("places")
    assert day == date.fromisoformat(LOOKED_ON)
    assert places.countries_by_row(pack(["28.10.0.1", "28.10.4.1"])) == [("CA",), ("JP",)]
    code, found = _checked(run, looked)
    assert code == 1
    assert [one["findings"] for one in found if one["source"] == "apnic1"] == [[]]


def test_organisations_have_no_family(run: Run, looked: Path, tmp_path: Path) -> None:
    """A table of organisations is one snapshot of family 0, opened lazily, and differs by its bytes alone."""
    table = _file(tmp_path, AS2ORG)
    assert run("-C", looked, "tables", "add", table, "--date", LOOKED_ON, "--kind", "organisations")[0] == 0
    with open_study(looked) as study:
        ((_, organisations),) = study.tables("organisations")
        assert [(one.family, one.rows, one.form) for one in study.snapshots()] == [(0, 1, "as2org")]
    assert organisations.of(64500).holder == "arin:EXA-1"
    assert _checked(run, looked)[0] == 0
    other = _file(tmp_path, AS2ORG.replace("US", "CA"), "other")
    run("-C", looked, "tables", "add", other, "--date", LOOKED_ON, "--kind", "organisations")
    assert "another table of this day differs: other" in run("-C", looked, "tables", "check")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kind", "planets"], "--kind 'planets' is unknown"),
        (["--kind", "places"], "a table of routes"),
        (["--kind", "organisations"], "no known kind"),
        (["--licence", "x" * 200], "the licence must be plain text"),
        (["--licence", "a\x1b[31m"], "the licence must be plain text"),
    ],
)
def test_a_wrong_word_changes_nothing(run: Run, tmp_path: Path, words: list[str], says: str) -> None:
    """A wrong kind or licence is one sentence, exit code 2, and no table is kept."""
    study = tmp_path / "s"
    run("init", study)
    code, _, err = run("-C", study, "tables", "add", _file(tmp_path, ROUTES), "--date", LOOKED_ON, *words)
    assert code == 2
    assert says in err
    assert err.strip().count("\n") == 0
    with open_study(study) as opened:
        assert opened.snapshots() == []
        assert not opened.folder.tables.exists() or not list(opened.folder.tables.iterdir())


def test_the_envelope_names_each_kind_once(run: Run, looked: Path, tmp_path: Path) -> None:
    """Published rows say of which date each kind of table was, organisations without a family."""
    run("-C", looked, "tables", "add", _file(tmp_path, ROUTES), "--date", LOOKED_ON)
    run("-C", looked, "tables", "add", _file(tmp_path, AS2ORG, "o"), "--date", LOOKED_ON, "--kind", "organisations")
    _, out, _ = run("-C", looked, "rank", "--format", "json")
    assert json.loads(out)["data_dates"] == {"routes IPv4": LOOKED_ON, "organisations": LOOKED_ON}
