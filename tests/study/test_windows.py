"""A window of a study gives what a study gives that holds nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.publish.study import small_study
from tests.study.facts import hour, numbered, report, written
from tests.study.windows import LabStudy, differences, volume_tables
from waterbed.graphs.episodes import UrlHistory
from waterbed.measures.about import ranking_info
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.errors import InputError
from waterbed.model.window import ALL, Window
from waterbed.questions.intervention.removed import mixed
from waterbed.store.kept import FOLDER
from waterbed.study.windowed import by_window, within


@pytest.mark.long
@pytest.mark.parametrize(("scenario", "confirming", "windows"), [("quiet", False, 3), ("churn", True, 2)])
def test_every_table_of_a_window_is_that_of_a_study_cut_to_it(scenario: str, confirming: bool, windows: int) -> None:
    """The cut study is judged anew from its own facts: random windows, and all that is counted or followed."""
    study = LabStudy(scenario=scenario, confirming=confirming)
    assert list(differences(study, windows, seed=7)) == []


def test_a_window_around_everything_is_the_whole_study(tmp_path: Path) -> None:
    """Tables do not change when nothing is cut; conclusions without a window are not even copied."""
    with small_study(tmp_path) as study:
        whole = study.conclude()
        wide = within(whole, Window(since=hour(-1), until=hour(9_000)))
        assert within(whole, ALL) is whole
        assert wide is not whole
        assert [one for _, one in volume_tables(wide)][:-1] == [one for _, one in volume_tables(whole)][:-1]
        assert (wide.episodes, wide.hops, wide.notices) == (whole.episodes, whole.hops, whole.notices)


def test_weeks_hold_each_url_once_and_each_hop_once(tmp_path: Path) -> None:
    """What weeks count adds up to the study, and every hop lies in the week in which it was seen to arrive."""
    with small_study(tmp_path) as study:
        whole = study.conclude()
        weeks = by_window(whole, Window(), "week")
        assert [one.window.name for one in weeks] == ["2026-W02", "2026-W03"]
        urls = [url_id for week in weeks for url_id in week.facts.targets]
        assert sorted(urls) == sorted(whole.facts.targets)
        assert len(set(urls)) == len(urls)
        assert [hop for week in weeks for hop in week.hops] == sorted(whole.hops, key=lambda hop: hop.arrived_before)
        assert len(whole.hops) > 5


def test_a_url_that_is_reported_again_stays_in_the_window_of_its_first_report(tmp_path: Path) -> None:
    """A second report, later, does not bring it into a later window, and its clock runs from the first one."""
    with written(tmp_path, numbered("a", 2, "u" * 60)) as study:
        study.folder.store.add([report("a00", report_id="again", reported_at=hour(40), received_at=hour(40))])
        whole = study.conclude()
        assert within(whole, Window(since=hour(30))).facts.targets == {}
        early = within(whole, Window(until=hour(30)))
        assert sorted(early.facts.targets) == ["a00", "a01"]
        assert len(early.facts.reports) == 2
        assert {one.last_up for one in early.episodes} == {hour(29) + timedelta(minutes=5)}


def test_a_loss_after_the_end_is_not_known_and_following_on_shows_it(tmp_path: Path) -> None:
    """Clocks are censored at the window's end, or after it by `follow`; the study's own end is never passed."""
    with written(tmp_path, numbered("a", 1, "u" * 20 + "d" * 20)) as study:
        whole = study.conclude()

        def ends(follow: float) -> list[object]:
            window = Window(since=hour(-1), until=hour(10), follow=timedelta(hours=follow))
            return [one.first_down for one in within(whole, window).episodes]

        assert ends(0) == [None]
        assert ends(10) == [None]
        assert ends(11) == [hour(20) + timedelta(minutes=5)]
        assert within(whole, Window(until=hour(10), follow=timedelta(days=900))).until == whole.until


def test_what_is_kept_of_checks_gives_the_same_windows_without_reading_them(tmp_path: Path) -> None:
    """A second command cuts kept runs; so do blocks of any size, and a source's own reports."""
    with small_study(tmp_path) as study:
        window = Window(since=hour(20), until=hour(150))
        first = study.conclude(window=window)
        made = (first.episodes, first.answered, RankingTables(conclusions=first, kind="seat").rows)
        assert (study.path / FOLDER / "runs").is_file()
        second = study.conclude(window=window)
        assert (second.episodes, second.answered, RankingTables(conclusions=second, kind="seat").rows) == made
        assert "looks" not in vars(second.whole)
        ours = within(second.whole, window, "second")
        assert {one.source for one in ours.facts.reports} == {"second"}
        assert set(ours.facts.targets) < set(second.facts.targets)


def test_a_table_says_of_which_reports_it_is(tmp_path: Path) -> None:
    """Its metadata names the window and to when it is followed, and the time measured is within."""
    with small_study(tmp_path) as study:
        window = Window(since=hour(24), until=hour(72), follow=timedelta(days=1))
        info = ranking_info(study, RankingTables(conclusions=study.conclude(window=window), kind="hoster"), "ranking")
        assert info.reports == "URLs first reported from 2026-01-06 and before 2026-01-08, followed to 2026-01-09"
        assert info.window == "2026-01-06T00:00:00+00:00/2026-01-09T00:00:00+00:00"
        assert info.reports in info.remarks


def test_a_window_before_the_first_report_is_refused(tmp_path: Path) -> None:
    """One sentence says when the first report was; a window after the last one is empty, which is no mistake."""
    with written(tmp_path, numbered("a", 1, "uuuuuu")) as study:
        with pytest.raises(InputError, match="before the study's first report at 2026-01-05 00:00"):
            study.conclude(window=Window(until=hour(0)))
        late = study.conclude(window=Window(since=hour(1)))
        assert RankingTables(conclusions=late, kind="hoster").rows == []
        assert by_window(study.conclude(), Window(since=hour(1)), "week") == []


def test_a_report_that_came_later_with_an_earlier_date_changes_no_clock(tmp_path: Path) -> None:
    """No episode, window, cut or mix: a source cannot date reports of what another reported back to before it did.

    The date that it claims stays beside, for the worst case.
    """
    with written(tmp_path, {**numbered("a", 4, "u" * 60), **numbered("b", 4, "uuuddd" + "d" * 54)}) as study:
        asked = Window(since=hour(-400), until=hour(-100))

        def told() -> tuple[list[object], dict[str, UrlHistory]]:
            whole = study.conclude()
            weeks = [one.window.name for one in by_window(whole, Window(), "week")]
            mix, cut = mixed(whole.facts.reports, {"hotline", "late"}), whole.before(hour(-24)).facts.targets
            return [whole.episodes, weeks, mix, cut], dict(whole.known)

        before, known = told()
        study.folder.store.add(
            report(
                url_id,
                report_id=f"late {url_id}",
                source="late",
                reported_at=hour(-240),
                received_at=hour(500),
                verified_at=hour(-200),
            )
            for url_id in known
        )
        (episodes, *after), again = told()
        assert {one.claimed_at for one in episodes} == {hour(-240)}
        assert [[replace(one, claimed_at=None) for one in episodes], *after] == before
        for url_id, one in again.items():
            assert (one.known_up_at, min(one.reported)) == (known[url_id].known_up_at, min(known[url_id].reported))
        with pytest.raises(InputError):
            within(study.conclude(), asked)
