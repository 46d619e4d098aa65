"""Nothing is public before its time: by a day that cannot be meant, a clock set back, another table, or a race."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.publish.study import small_study
from waterbed.cli.commands.reply import _folder
from waterbed.governance.reply import decide, next_edition, record, rows, show, take
from waterbed.model.errors import InputError
from waterbed.publish import release
from waterbed.publish.build_publication import publication_of
from waterbed.publish.named import named_hosters
from waterbed.publish.policy import publishable
from waterbed.publish.release import publish_all
from waterbed.study.study import Study

NAMED = ["AS64500", "AS64501"]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A small study that is to be public."""
    with small_study(tmp_path, tlp="clear") as found:
        yield found


def at(study: Study, days: float) -> None:
    """Set the clock so many days after the last look."""
    until = study.conclude().until
    assert until is not None
    study.folder.clock = lambda: until + timedelta(days=days)


def test_an_answer_belongs_to_the_preview_that_it_answers(study: Study) -> None:
    """No objection to a first preview, recorded after a second one, does not end the second one's period."""
    first = show(study.folder, "AS64500", {}, None)
    at(study, 20)
    second = show(study.folder, "AS64500", {}, None)
    came = first.starts_at + timedelta(days=3)
    assert take(study.folder, "AS64500", "no objection", "fine", came).preview_id == first.preview_id
    assert [row.state for row in rows(study.folder, ["AS64500"])] == ["may reply"]
    assert take(study.folder, "AS64500", "no objection", "fine", None).preview_id == second.preview_id
    assert [row.state for row in rows(study.folder, ["AS64500"])] == ["done"]


@pytest.mark.parametrize(("days", "told"), [(-1, "had not been shown a preview by"), (3, "lies in the future")])
def test_an_answer_comes_after_its_preview_and_not_tomorrow(study: Study, days: int, told: str) -> None:
    """A day before the preview, or one that is still to come, is refused."""
    shown = show(study.folder, "AS64500", {}, None)
    with pytest.raises(InputError, match=told):
        take(study.folder, "AS64500", "no objection", "fine", shown.starts_at + timedelta(days=days))
    assert not record(study.folder).replies


def test_a_preview_cannot_have_been_given_before_there_was_anything(study: Study) -> None:
    """A slip of the year ends no period; what was given during the looks holds data until then."""
    first = study.conclude().facts.looks[0].observed_at
    with pytest.raises(InputError, match="before the first check"):
        show(study.folder, "AS64500", {}, first - timedelta(days=365))
    assert show(study.folder, "AS64500", {}, first).data_until == first


def test_a_correction_is_printed_though_the_clock_was_set_back(study: Study, tmp_path: Path) -> None:
    """A ruling that comes after an edition is an erratum of the next one, whatever the clock said."""
    for hoster in NAMED:
        show(study.folder, hoster, {}, None)
    dispute = take(study.folder, "AS64501", "dispute", "it was gone", None)
    at(study, 20)
    publish_all(study, tmp_path / "out", override="parliament asked")
    at(study, 19)
    decide(study.folder, dispute.reply_id, "upheld", "they are right", "it counts as removed")
    at(study, 21)
    publish_all(study, tmp_path / "out")
    assert [one.errata for one in record(study.folder).editions] == ["", "AS64501: it counts as removed"]


@pytest.mark.parametrize("policy", ["cases", "addresses"])
def test_whoever_is_named_is_waited_for(tmp_path: Path, policy: str) -> None:
    """A hoster too small for any ranking is waited for where single cases or addresses name it."""
    with small_study(tmp_path, tlp="clear", **{policy: True}) as study:  # type: ignore[arg-type]
        assert named_hosters(publishable(publication_of(study, study.conclude()))) == [*NAMED, "AS64502", "AS64503"]
        for hoster in (*NAMED, "AS64503"):
            show(study.folder, hoster, {}, None)
        at(study, 20)
        with pytest.raises(InputError, match=r"AS64502 \(not shown\)"):
            publish_all(study, tmp_path / "out")


def test_of_two_publications_at_once_one_is_refused(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edition that is published is on record with its own reason: no number is given twice."""

    def overtaken(study_: Study, *args: object, **more: object) -> object:
        made = next_edition(study.folder, override="the first", more="", tables=b"")
        study.folder.store.add([made])
        return made

    made = release._edition(study, {}, "the second", "")
    monkeypatch.setattr(release, "_edition", lambda *_: (overtaken(study), made)[1])
    with pytest.raises(InputError, match="publish again"):
        publish_all(study, tmp_path / "out", override="the second")
    assert [one.override for one in record(study.folder).editions] == ["the first"]
    assert not (tmp_path / "out" / "index.html").exists()


def test_no_two_hosters_share_a_folder() -> None:
    """Handles that differ in what a file's name cannot hold get folders of their own."""
    keys = ["AS64500", "ripe:ORG_A-RIPE", "ripe:ORG/A-RIPE", "arin:X"]
    assert len({_folder(key) for key in keys}) == len(keys)
    assert all("/" not in _folder(key) and ":" not in _folder(key) for key in keys)
