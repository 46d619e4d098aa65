"""What is kept of a study's conclusions is what would be concluded now."""

import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.graphs.test_name_ends import answer
from tests.publish.study import HOURS, small_study
from tests.study.facts import _canary, _looks, hour, numbered, report, resolution, target, written
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.window import Window
from waterbed.store import retention
from waterbed.store.kept import FOLDER
from waterbed.store.lake import rows
from waterbed.store.lake.sealing import seal
from waterbed.store.store import Store
from waterbed.study import guarded, look_reader, looks
from waterbed.study.conclusions import Conclusions
from waterbed.study.digest import StudyDigest
from waterbed.study.study import Study, open_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with small_study(tmp_path) as study:
        yield study


def told(conclusions: Conclusions) -> list[Any]:
    """All that is kept."""
    tables = [RankingTables(conclusions=conclusions, kind=kind, clock="reported") for kind in ("hoster", "category")]
    return [
        *(conclusions.episodes, conclusions.hops, conclusions.quarantines, conclusions.outcomes, conclusions.answers),
        *(conclusions.notices, conclusions.hosters, conclusions.until, conclusions.look_count),
        *((its.rows, its.weighing(), its.appearances) for its in tables),
    ]


def _more_reports(study: Study) -> None:
    study.folder.store.add([report("a00", report_id="later", received_at=hour(HOURS), reported_at=hour(3))])


def _a_late_look(study: Study) -> None:
    look = list(_looks("a00", "uu", "28.0.0.7"))[1]
    study.folder.store.add([replace(look, observation_id="late", observed_at=look.observed_at + timedelta(minutes=1))])


def _a_new_url(study: Study) -> None:
    first = hour(1)
    new = report("e00", reported_at=first, received_at=first)
    study.folder.store.add([target("e00"), new, *_looks("e00", "uuuddd", "28.3.0.9")])


def _a_canary(study: Study) -> None:
    study.folder.store.add([replace(_canary(0, False), canary_id="late", observed_at=hour(0.5))])


def _a_table(study: Study) -> None:
    table = study.path.parent / "later.csv"
    table.write_text("28.0.0.0,28.0.255.255,64999,Another\n")
    study.add_table(table, date(2026, 1, 5))


def _a_book(study: Study) -> None:
    book = study.path.parent / "hosters.toml"
    book.write_text('[[hoster]]\nkey = "one"\nname = "One"\nasns = [64500, 64501]\n')
    study.set_hosters(book)


def _a_setting(study: Study) -> None:
    settings = study.path / "waterbed.toml"
    text = settings.read_text()
    assert "confirm_looks = 3\n" in text
    settings.write_text(text.replace("confirm_looks = 3\n", "confirm_looks = 30\n"))


def _sealed_and_pruned(study: Study) -> None:
    study.folder.clock = lambda: hour(HOURS + 24 * 9)
    seal(study.folder)
    retention.prune(study.folder, date(2026, 1, 6))


CHANGES: list[Callable[[Study], None]] = [
    _more_reports, _a_late_look, _a_new_url, _a_canary, _a_table, _a_book, _a_setting, _sealed_and_pruned,
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whatever_changes_is_seen(study: Study, change: Callable[[Study], None]) -> None:
    """After each change the conclusions are those of a study in which nothing is kept."""
    told(study.conclude())
    assert (study.path / FOLDER).is_dir()
    change(study)
    with open_study(study.path, study.clock) as anew:
        found = told(anew.conclude())
        again = anew.conclude()
        assert told(again) == found
        assert not {"looks", "all_facts"} & vars(again).keys()
        anew.kept().drop()
        assert told(anew.conclude()) == found


def test_an_answer_that_a_registry_gives_later_tells_who_ended_a_name(study: Study) -> None:
    """It is worked into kept episodes and windows; a later one of another kind is worked in anew."""
    looks = [
        one if one.status == 200 else replace(one, phase="dns", failure="nxdomain", status=None)
        for one in _looks("e00", "uuuddddddd", "28.0.0.9")
    ]
    seen = resolution("e00", "28.0.0.9", resolved_at=hour(0))
    made = [target("e00"), report("e00", reported_at=hour(1), received_at=hour(1)), seen, *looks]
    study.folder.store.add(made)

    def cause_and_actor() -> list[Any]:
        with open_study(study.path, study.clock) as anew:
            conclusions = anew.conclude()
            (episode,) = [one for one in conclusions.episodes if one.url_id == "e00"]
            (windowed,) = [one for one in anew.conclude(window=Window(until=hour(20))).episodes if one.url_id == "e00"]
            ranked = RankingTables(conclusions=conclusions, kind="registrar", clock="reported")
            keys = [one.keys for one in ranked.appearances if one.url_id == "e00"]
            ended = {one.actor: one.ended for one in ranked.actors() if one.key == "iana:1" and one.within_h == 24.0}
            return [episode.cause, windowed.cause, *keys, ended.get("registrar")]

    told(study.conclude())
    assert cause_and_actor() == ["name", "name", (), None]
    answers = [
        answer(0, "server hold", site_id="s-e00", answer_id="b", fetched_at=hour(3.2)),
        answer(0, "client hold", site_id="s-e00", answer_id="a", fetched_at=hour(2.5)),
    ]
    study.folder.store.add(answers[:1])
    assert cause_and_actor() == ["registry_hold", "registry_hold", ("iana:1",), 0]
    study.folder.store.add(answers[1:])
    assert cause_and_actor() == ["registrar_hold", "registrar_hold", ("iana:1",), 1]


def test_a_digest_sees_the_commits_of_this_store_and_of_others(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts are counted again after each commit, whoever made it, and only then; they give what a first count gives."""
    counted: list[type] = []
    count = Store.newest_of
    monkeypatch.setattr(Store, "newest_of", lambda self, cls, *of: (counted.append(cls), count(self, cls, *of))[1])
    with small_study(tmp_path, store=store_url if store_url.startswith("postgresql") else "sqlite") as study:
        digest = StudyDigest(study.folder)
        seen = [digest()]
        once = len(counted)
        assert digest() == seen[0]
        assert len(counted) == once > 0
        _a_canary(study)
        seen.append(digest())
        with open_study(study.path, study.clock) as other:
            with other.store.writing() as going_on:
                new = report("a00", report_id="later", received_at=hour(HOURS), reported_at=hour(3))
                other.store.add([new], going_on)
                seen.append(digest())  # nobody else sees it yet
            seen.append(digest())
        assert seen[2] == seen[1]
        assert len(set(seen)) == 3
        assert seen[-1] == StudyDigest(study.folder)()


def test_nothing_is_read_twice(study: Study) -> None:
    """A second command on the same facts reads no fact, and other choices are worked out of facts."""
    first = told(study.conclude())
    second = study.conclude()
    assert told(second) == first
    assert not {"looks", "all_facts"} & vars(second).keys()
    other = second.with_(config=replace_judge(study))
    assert other.episodes != first[0]


def replace_judge(study: Study) -> Any:
    """The settings with absences that are hard to confirm."""
    from msgspec.structs import replace as changed

    return changed(study.config, judge=changed(study.config.judge, confirm_looks=31))


def test_processes_that_share_the_work_conclude_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked processes read sealed days and judge blocks of URLs, beside days that are still open."""
    states = {**numbered("a", 4, "u" * 96), **numbered("b", 4, "u" * 40 + "d" * 56), "c00": "uu??" * 24}
    with written(tmp_path, states) as study:
        study.folder.clock = lambda: hour(80)
        seal(study.folder)
        study.folder.clock = lambda: hour(96)
        alone = study.conclude(processes=1)
        wanted = [told(alone), alone.verdicts, alone.attributions]
        study.kept().drop()
        for module in (look_reader, guarded):
            monkeypatch.setattr(module, "IN_BLOCK", 100)
        monkeypatch.setattr(look_reader, "SHARED", 0)
        monkeypatch.setattr(rows, "IN_STRETCH", 100)
        shared = study.conclude(processes=3)
        assert [told(shared), shared.verdicts, shared.attributions] == wanted
        assert len([length for length in shared.looks.lengths if length]) > 3


def _at(conclusions: Conclusions, url_id: str) -> list[Any]:
    runs = conclusions.past[url_id]
    return [(run.state, run.hosters, run.at.tolist(), run.every_answer) for run in runs]


def test_runs_stay_true_while_another_command_keeps_newer_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that goes through kept runs sees each URL's own hosters, though a look came and others kept it."""
    for module in (look_reader, looks, guarded):
        monkeypatch.setattr(module, "IN_BLOCK", 30)
    seen = {f"{letter}{n:02}": "u" * 12 for letter in "bcde" for n in range(6)}
    with written(tmp_path, seen) as study:
        wanted = {url_id: _at(study.conclude(), url_id) for url_id in sorted(seen)}
        first = study.conclude()
        ids = iter(first.past)
        began = [next(ids) for _ in range(4)]
        assert [_at(first, url_id) for url_id in began] == [wanted[url_id] for url_id in began]
        new = report("a00", reported_at=hour(1), received_at=hour(1))
        study.folder.store.add([target("a00"), new, *_looks("a00", "uuuuu", "28.3.200.9")])
        newer = study.conclude()
        assert _at(newer, "a00")
        rest = list(ids)
        assert [*began, *rest] == sorted(seen)
        assert {url_id: _at(first, url_id) for url_id in sorted(seen)} == wanted


@pytest.mark.parametrize("window", [Window(), Window(until=hour(20))])
def test_conclusions_go_with_their_last_user(study: Study, window: Window) -> None:
    """They hold much and do not refer to themselves: a server that draws them anew does not keep the old ones."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):  # nothing is kept, then all is
            drawn = study.conclude(window=window)
            assert drawn.past is not None
            assert drawn.births is not None
            told(drawn)
            gone = weakref.ref(drawn)
            del drawn
            assert gone() is None
    finally:
        gc.enable()
