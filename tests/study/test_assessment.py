"""Analysts' assessments decide which reports count; the others are kept, and counted apart."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.publish.study import hour, report, small_study
from waterbed.measures.by_source import cards
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import Assessment
from waterbed.model.facts import Report
from waterbed.service.doctor import examine
from waterbed.study.study import Study

Run = Callable[..., tuple[int, str, str]]
A = [f"a{number:02}" for number in range(12)]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study of three hosters whose feeds assess nothing."""
    with small_study(tmp_path) as made:
        yield made


def assess(study: Study, url_ids: list[str], illegal: bool | None, source: str = "police", when: int = 1) -> None:
    """Add a report of each URL with an assessment."""
    facts = [
        report(
            url_id,
            report_id=f"{url_id} {source} {illegal} {when}",
            source=source,
            received_at=hour(when),
            assessed_illegal=illegal,
        )
        for url_id in url_ids
    ]
    study.folder.store.add(facts)


def ranked(study: Study, assessment: Assessment = "decides") -> dict[str, int]:
    """The URLs of each hoster in the ranking."""
    judge = msgspec.structs.replace(study.config.judge, assessment=assessment)
    study.folder.config = msgspec.structs.replace(study.folder.config, judge=judge)
    return {row.key: row.urls for row in ranking_of(study.conclude())}


def test_what_was_found_not_illegal_counts_nowhere(study: Study) -> None:
    """Neither ranking, notices, episodes nor hops know it; its source and the doctor count it apart."""
    before = ranked(study)
    assess(study, A[:10], False)
    after = ranked(study)
    assert (before["AS64500"], after["AS64500"]) == (12, 2)
    assert {key: n for key, n in before.items() if key != "AS64500"} == {
        key: n for key, n in after.items() if key != "AS64500"
    }
    conclusions = study.conclude()
    gone = set(A[:10])
    assert not gone & {episode.url_id for episode in conclusions.episodes}
    assert not gone & {url_id for hop in conclusions.hops for url_id in (hop.from_url_id, hop.to_url_id)}
    assert not gone & {notice.url_id for notice in conclusions.notices}
    assert not gone & {verdict.url_id for verdict in conclusions.verdicts}
    police = next(card for card in cards(conclusions) if card.source == "police")
    assert (police.reports, police.not_illegal) == (10, 10)
    assert any(found.what == "reported URLs count nowhere" for found in examine(study))
    assert ranked(study, "ignored") == before


def test_a_hoster_of_which_nothing_is_illegal_is_not_named(study: Study) -> None:
    """A company whose every report was found to be not illegal is in no table."""
    assess(study, A, False)
    assert "AS64500" not in ranked(study)


def test_the_last_assessment_decides(study: Study) -> None:
    """An assessment can be taken back: in either direction the newest one holds, whoever made it."""
    assess(study, A, False, when=1)
    assess(study, A[:6], True, source="second opinion", when=2)
    assert ranked(study)["AS64500"] == 6
    assess(study, A[:6], False, when=3)
    assert "AS64500" not in ranked(study)


def test_of_two_assessments_at_one_time_that_in_favour_holds(study: Study) -> None:
    """Where a delivery contradicts itself, nobody is named for it."""
    assess(study, A, True)
    assess(study, A, False)
    assert "AS64500" not in ranked(study)


def test_unassessed_reports_of_who_assesses_wait(study: Study) -> None:
    """A source that assesses some reports has its others not counted yet; those of other sources count as ever."""
    assess(study, ["b00"], True, source="hotline")
    conclusions = study.conclude()
    aside = conclusions.set_aside
    assert "b00" not in aside
    assert {"a00", "b02", "c00"} <= aside.unassessed  # only `hotline` reported them
    assert not {"a01", "b01", "c01"} & aside.unassessed  # `second` did too, and assesses nothing
    assert {one.source for one in conclusions.facts.reports if one.url_id == "a01"} == {"second"}


def test_an_assessment_that_arrives_later_is_taken_in(study: Study, tmp_path: Path) -> None:
    """The same rows with an assessment decide, whatever was imported before, and count as the same reports."""
    rows = "http://one.example.com/,2026-01-05,{}\nhttp://two.example.com/,,{}\n"
    returned = list[tuple[int, int]]()
    file = tmp_path / "police.csv"
    found, began = [], study.folder.clock()
    told_on = (("", ""), ("yes", "yes"), ("yes", "no"), ("yes", "no"), ("yes", "yes"), ("", "yes"), ("no", "no"))
    for day, told in enumerate(told_on):
        study.folder.clock = partial(began.__add__, timedelta(days=day))
        file.write_text(f"url,date,illegal\n{rows.format(*told)}" + "\n" * day)  # another file each day
        done = study.import_reports(file)
        conclusions = study.conclude()
        mine = [one for one in conclusions.facts.reports if one.source == "police"]
        aside = conclusions.set_aside
        card = next(card for card in cards(conclusions) if card.source == "police")
        found.append((done.imported, done.known, len(mine), len(aside.not_illegal), card.reports))
        returned.append((done.returned.counted, done.returned.older))
    assert returned == [(0, 0)] * 4 + [(1, 0), (0, 0), (1, 0)]
    assert found == [
        (2, 0, 2, 0, 2),
        (2, 0, 2, 0, 2),
        (1, 1, 1, 1, 2),
        (0, 2, 1, 1, 2),
        (1, 1, 2, 0, 2),  # `yes` once more, after `no`
        (0, 2, 2, 0, 2),
        (2, 0, 0, 2, 2),
    ]
    ranked(study, "ignored")
    assert len([one for one in study.conclude().facts.reports if one.source == "police"]) == 2


def test_an_older_file_turns_no_assessment_back(study: Study, tmp_path: Path) -> None:
    """Imported again after a newer one, or with an older verification, it changes nothing unless that is asked for."""
    head, url = "url,date,illegal,verified_at\n", "http://one.example.com/,2026-01-05"
    old, new, other = (tmp_path / f"{name}.csv" for name in ("old", "new", "other"))
    old.write_text(f"{head}{url},yes,\n")
    new.write_text(f"{head}{url},no,2026-01-08\n")
    other.write_text(f"{head}{url},yes,2026-01-07\n")
    found, began = [], study.folder.clock()
    for day, (file, asked) in enumerate(((old, False), (new, False), (old, False), (other, False), (old, True))):
        study.folder.clock = partial(began.__add__, timedelta(days=day))
        done = study.import_reports(file, source="police", reassess=asked)
        found.append(
            (done.imported, done.returned.counted, done.returned.older, len(study.conclude().set_aside.not_illegal))
        )
    assert found == [(1, 0, 0, 0), (1, 0, 0, 1), (0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 0, 0)]


def test_a_supplement_assesses_the_report_that_it_belongs_to(study: Study, tmp_path: Path) -> None:
    """An export of SCART without the time of receipt adds no report, and its assessment is the newest."""
    file, found, began = tmp_path / "police.csv", [], study.folder.clock()
    row = '"http://img.example.com/a";"{}";"2026-01-05 09:00:00";"close";\n'
    whole = f'"url";"classification";"received";"status";\n{row}'
    short = f'"url";"classification";"first seen";"status";\n{row.replace("09:", "10:")}'
    told_on = ((whole, "unset"), (short, "unset"), (short, "illegal"), (short, "not_illegal"), (short, "illegal"))
    for day, (export, told) in enumerate(told_on):
        study.folder.clock = partial(began.__add__, timedelta(days=day))
        file.write_text(export.format(told))
        study.import_reports(file, source="police", form="scart", reassess=day == 4)
        mine = [one for one in study.folder.store.all(Report) if one.source == "police"]
        counted = [one for one in study.conclude().facts.reports if one.source == "police"]
        found.append((len(mine), len({one.reported_at for one in mine}), len(counted)))
    assert found == [(1, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 0), (4, 1, 1)]


def test_the_page_is_not_assessed_with_the_image(study: Study, tmp_path: Path) -> None:
    """An image found not illegal leaves the page that shows it as it was."""
    (tmp_path / "police.csv").write_text(
        "url,parent,illegal\nhttp://img.example.com/a.jpg,http://forum.example.com/1,no\nhttp://forum.example.com/1,,yes\n"
    )
    study.import_reports(tmp_path / "police.csv")
    vault, aside = study.folder.vault, study.conclude().set_aside
    assert vault.keyed_id("url", "http://img.example.com/a.jpg") in aside.not_illegal
    assert vault.keyed_id("url", "http://forum.example.com/1") not in aside


def test_looks_at_what_is_not_illegal_end(run: Run, study: Study, tmp_path: Path) -> None:
    """After the import of such an assessment a URL is not due, whatever else reports it; found illegal, it is again."""
    folder, files = study.folder.path, tmp_path / "files"
    files.mkdir()

    def due(name: str, lines: str) -> int:
        (files / f"{name}.csv").write_text(f"url,illegal\n{lines}")
        assert run("-C", folder, "import", files / f"{name}.csv", "--source", name)[0] == 0
        return study.folder.store.count(Due)

    before = study.folder.store.count(Due)
    assert due("feed", "http://one.example.com/,\nhttp://two.example.com/,\n") == before + 2
    assert due("hotline", "http://one.example.com/,no\n") == before + 1
    assert due("second", "http://one.example.com/,\n") == before + 1
    assert due("police", "http://one.example.com/,yes\n") == before + 2


def test_assessments_that_are_ignored_end_no_looks(study: Study, tmp_path: Path) -> None:
    """Where the settings ignore them, what was found not illegal stays due."""
    ranked(study, "ignored")
    before = study.folder.store.count(Due)
    (tmp_path / "police.csv").write_text("url,illegal\nhttp://one.example.com/,no\n")
    study.import_reports(tmp_path / "police.csv")
    assert study.folder.store.count(Due) == before + 1
