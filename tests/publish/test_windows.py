"""Publications of windows, weeks in every publication, and what changed since the edition before."""

import csv
import json
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from tests.publish.study import small_study
from tests.study.facts import hour
from waterbed.model.conclusions import RankingRow
from waterbed.model.window import Window
from waterbed.publish.api.source import served_of
from waterbed.publish.build_publication import publication_of
from waterbed.publish.changes import change_rows, ranked_in
from waterbed.publish.edition import Ranked, editions
from waterbed.publish.policy import publishable
from waterbed.publish.release import publish_all
from waterbed.study.study import Study
from waterbed.study.windowed import within


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a published table."""
    return list(csv.DictReader((folder / f"{name}.csv").read_text().splitlines()))


def test_weeks_are_published_and_none_follows_from_the_others(tmp_path: Path) -> None:
    """A week with too few sites is left out, and so is another, since a hoster's weeks add up to its row."""
    with small_study(tmp_path, least=3) as study:
        publish_all(study, tmp_path / "out")
    whole = {row["key"]: int(row["urls"]) for row in rows(tmp_path / "out", "ranking-hoster")}
    weeks = rows(tmp_path / "out", "weeks-hoster")
    assert {row["window"] for row in weeks} == {"2026-W02", "2026-W03"}
    for key, urls in whole.items():
        rest = urls - sum(int(row["urls"]) for row in weeks if row["key"] == key)
        assert rest == 0 or rest >= 3
    with small_study(tmp_path / "few", least=5) as study:
        publish_all(study, tmp_path / "few" / "out")
    assert rows(tmp_path / "few" / "out", "weeks-hoster") == []


def test_a_publication_of_a_window_is_about_it_and_says_so(tmp_path: Path) -> None:
    """Tables, pages and feeds hold its reports alone, under ids of their own, and its files go into another folder."""
    with small_study(tmp_path, least=1, tlp="clear") as study:
        week = study.conclude(window=Window(since=hour(0), until=hour(7 * 24)))
        publish_all(study, tmp_path / "whole", override="a test")
        publish_all(study, tmp_path / "week", week, override="a test")
    assert [int(row["urls"]) for row in rows(tmp_path / "week", "ranking-hoster")] == [8, 8, 2, 2]
    info = json.loads((tmp_path / "week" / "ranking-hoster.json").read_text())
    assert info["reports"] == "URLs first reported from 2026-01-05 and before 2026-01-12, followed to 2026-01-12"
    assert "first reported from 2026-01-05" in (tmp_path / "week" / "index.html").read_text()
    assert not (tmp_path / "week" / "weeks-hoster.csv").exists()
    whole, part = (json.loads((tmp_path / name / "stix.json").read_text())["objects"] for name in ("whole", "week"))
    ours = {one["id"] for one in part if one["type"] == "infrastructure"}
    assert ours
    assert not ours & {one["id"] for one in whole}


@pytest.mark.long
@pytest.mark.parametrize(("begin", "end"), [(-1, 100), (60, 150), (0, 168), (168, 290)])
def test_no_hidden_count_is_a_difference_of_the_study_and_windows(tmp_path: Path, begin: int, end: int) -> None:
    """Whatever windows were published before: what any two tell of a key differs by nobody or by enough."""
    with small_study(tmp_path, least=3) as study:
        whole = study.conclude()
        windows = [Window(since=hour(0), until=hour(168)), Window(since=hour(begin), until=hour(end))]
        told = [publishable(publication_of(study, whole), ())]
        for window in windows:
            before = [one.edition for one in reversed(told) if one.edition]
            told.append(publishable(publication_of(study, within(whole, window), before), before))
        shown = [{row.key for row in one.table("ranking-hoster").rows} for one in told]
        parts = [within(whole, one.window).facts.targets for one in told]
        for key, (one, other) in product(shown[0], product(range(3), repeat=2)):
            if key in shown[one] and key in shown[other]:
                mine, theirs = ({url for url in parts[at] if _at(key, url)} for at in (one, other))
                assert not 0 < len({url[1:] for url in mine - theirs}) < 3, (key, one, other)
        assert all(not cell_weeks_outside(one) for one in told[1:])
        assert all(set(one.cells.members) <= set(told[0].cells.members) for one in told[1:])
        assert (
            told[0].edition
            == publishable(publication_of(study, whole), [one.edition for one in told[:0:-1] if one.edition]).edition
        )


def _at(key: str, url: str) -> bool:
    return key == f"AS{64500 + ord(url[0]) - ord('a')}"


def cell_weeks_outside(found: object) -> list[object]:
    """Cells of a publication that do not lie in its window whole."""
    from waterbed.graphs.network.weeks import week_window

    cells, window = found.cells, found.window  # type: ignore[attr-defined]  # a publication
    inside = [window.holds(week_window(week)[0]) for week in cells.weeks]
    return [cell for cell in cells.cells if not (inside[cell.first] and inside[cell.last])]


def test_pages_say_why_no_hop_is_shown(tmp_path: Path) -> None:
    """Of a window hops need an edition of the whole study; few hops are held back; of parallel copies none was seen."""
    wanted = {
        "window": "only as far as an edition of the whole study",
        "few": "fewer than 13 sites",
        "copies": "No hop",
    }
    with small_study(tmp_path, least=13) as study:
        whole = study.conclude()
        assert any(hop.order != "parallel" for hop in whole.hops)
        publish_all(study, tmp_path / "window", within(whole, Window(since=hour(0), until=hour(168))))
        publish_all(study, tmp_path / "few", whole)
        whole.__dict__["hops"] = [replace(hop, order="parallel") for hop in whole.hops]
        publish_all(study, tmp_path / "copies", whole)
    for name, words in wanted.items():
        for page in ("index", "displacement", "letter"):
            text = (tmp_path / name / f"{page}.html").read_text()
            assert [one for one in wanted.values() if one in text] == [words], (name, page)
        totals = json.loads((tmp_path / name / "data/totals.json").read_text())["rows"]
        assert [row["value"] for row in totals if row["name"] == "hops"] == [0 if name == "copies" else None]


def test_a_server_answers_about_the_window_it_was_given(tmp_path: Path) -> None:
    """Its tables are those of the window, and it says what changed like any edition."""
    with small_study(tmp_path, least=1) as study:
        served = served_of(study, Window(since=hour(0), until=hour(7 * 24)))
        assert [row.urls for row in served.publication.table("ranking-hoster").rows] == [8, 8, 2, 2]
        assert served.publication.table("changes-hoster").rows == ()
        assert "first reported from 2026-01-05" in served.publication.title


def test_editions_of_a_window_do_not_push_out_those_of_the_study(tmp_path: Path) -> None:
    """Six of each are on record, and the study's stay however many windows were published."""
    with small_study(tmp_path) as study:
        whole = study.conclude()
        publish_all(study, tmp_path / "whole", whole)
        for days in range(3):
            window = Window(since=hour(0), until=hour(168 + 24 * days))
            for _ in range(2):
                publish_all(study, tmp_path / f"w{days}", within(whole, window))
        found = editions(study.folder)
        assert sum(not one.window for one in found) == 1
        assert len({one.window.until for one in found if one.window}) == 3


def test_what_changed_is_told_against_the_last_edition_with_older_checks(tmp_path: Path) -> None:
    """The first edition has no row; publishing the same again tells the same; later checks are compared with it."""
    with small_study(tmp_path, least=3) as study:
        publish_all(study, tmp_path / "out")
        assert rows(tmp_path / "out", "changes-hoster") == []
        assert (
            "no edition with older checks"
            in json.loads((tmp_path / "out" / "changes-hoster.json").read_text())["method"]
        )
        for _ in range(2):
            _later(study)
            publish_all(study, tmp_path / "out")
            made = json.loads((tmp_path / "out" / "changes-hoster.json").read_text())
            assert "against the edition with checks to 2026-01-" in made["method"]


def _later(study: Study) -> None:
    """One more check of what is up, a day later, once."""
    from waterbed.model.facts import Observation

    looks = study.store.all(Observation)
    last = max(looks, key=lambda one: one.observed_at)
    if last.observation_id.endswith("later"):
        return
    later = last.observed_at + timedelta(days=1)
    study.store.add(
        [replace(last, observation_id=f"{last.observation_id}later", observed_at=later, scheduled_at=later)]
    )
    study.folder.clock = lambda: later


def row(key: str, rank_class: str = "ranked", removed: float | None = 0.5, **ends: float | None) -> Ranked:
    low, high = ends.get("low", 0.4), ends.get("high", 0.6)
    return Ranked(key=key, name=key, rank_class=rank_class, removed=removed, low=low, high=high, sites=12)


def test_a_hoster_comes_goes_changes_class_or_moves_beyond_its_interval() -> None:
    """One row each, in this order; a share within its interval of then is no change, nor is one without."""
    before = [row("went"), row("same"), row("class"), row("up"), row("none", "too few", None, low=None, high=None)]
    now = [
        row("same", removed=0.59),
        row("class", "too few days", None, low=None, high=None),
        row("up", removed=0.61),
        row("came"),
        row("none", "too few", None, low=None, high=None),
    ]
    found = change_rows(before, now)
    assert [(one.change, one.key) for one in found] == [
        ("came", "came"),
        ("went", "went"),
        ("class", "class"),
        ("share", "up"),
    ]
    assert (found[0].class_before, found[1].class_now) == (None, None)
    assert (found[3].removed_before_high, found[3].removed_now) == (0.6, 0.61)
    assert change_rows(before, before) == []


def test_only_what_is_told_is_on_record(tmp_path: Path) -> None:
    """The record of an edition names the hosters of its table, and none that is hidden."""
    with small_study(tmp_path, least=3) as study:
        found = publishable(publication_of(study, study.conclude()), ())
        shown: list[RankingRow] = list(found.table("ranking-hoster").rows)
        assert [one.key for one in ranked_in(found.tables)] == [one.key for one in shown] == ["AS64500", "AS64501"]
        assert found.edition is not None
        assert found.edition.ranked == ranked_in(found.tables)
