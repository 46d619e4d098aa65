"""Event files that a publication may name."""

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.said import said
from tests.publish.study import HOURS, _url, small_study
from tests.questions.intervention.test_estimate import EVENT
from tests.study.facts import _canary, hour
from tests.study.rig import Run
from waterbed.graphs.displacement.event import read_event
from waterbed.measures.about import own_events
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.errors import InputError
from waterbed.publish.release import publish_all
from waterbed.questions.intervention.declared_events import public_events
from waterbed.questions.intervention.estimate import findings_of
from waterbed.study.study import Study, open_study


def test_a_broken_event_file_stops_a_publication_that_stands(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page would vanish without a word: the file is named, and what was published stays."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    study, out = tmp_path / "study", tmp_path / "out"
    assert run("init", study)[0] == 0
    (tmp_path / "r.csv").write_text("url\nhttp://shop.example.com/\n")
    run("-C", study, "import", tmp_path / "r.csv")
    assert run("-C", study, "publish", out)[0] == 0
    before = (out / "SHA256SUMS").read_bytes()
    (study / "events").mkdir(exist_ok=True)
    (study / "events" / "one.toml").write_text("target = 'a\n")
    code, said, error = run("-C", study, "publish", out)
    assert (code, said, error.count("\n"), "one.toml" in error) == (2, "", 1, True), error
    assert (out / "SHA256SUMS").read_bytes() == before
    with open_study(study) as opened, pytest.raises(InputError, match=r"one\.toml"):
        public_events(opened)


DAYS, DATE_H = 19, 216
"""Length of the study, too short for a change that is looked for; hour of the event."""


def raid(at_h: float) -> str:
    """The file of a public event at hoster B."""
    event = EVENT.replace('"AS64500"', '"AS64501"').replace('["AS64501", "AS64502"]', '["AS64500"]')
    event = re.sub("(?s)\nbuffer = .*buffer_controls = [^\n]*", "", event)
    return event.replace("2026-01-05T12:00:00", hour(at_h).isoformat()).replace("11:00:00", "10:00:00")


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Study]:
    """Hoster B removes nothing of what is reported before the event, and everything of what is reported after it."""
    with small_study(tmp_path) as study:
        study.folder.clock = lambda: hour(24 * DAYS)
        facts: list[object] = [_canary(n, True) for n in range(HOURS, 24 * DAYS)]
        for number in range(60):
            at = 2 + 7 * number
            up = 3 if at >= DATE_H else 30
            facts += _url("b", 20 + number, (" " * at + "u" * up).ljust(at + 34, "d" if up == 3 else "u"))
        study.folder.store.add(facts)
        yield study


@pytest.mark.parametrize("hours", [0, 2, 5 * 24])
def test_a_private_event_beside_a_public_one_changes_no_published_byte(
    changed: Study, tmp_path: Path, hours: int
) -> None:
    """At the same target, within its periods or after them: answer, page and files are those without it."""

    def published(name: str, beside: str | None) -> dict[str, bytes]:
        place = tmp_path / name / "study"
        shutil.copytree(changed.folder.path, place)
        (place / "events").mkdir()
        (place / "events" / "raid.toml").write_text(raid(DATE_H))
        if beside is not None:
            (place / "events" / "other.toml").write_text(beside)
        with open_study(place) as study:
            study.folder.clock = lambda: hour(24 * DAYS)
            publish_all(study, tmp_path / name / "out")
        out = tmp_path / name / "out"
        return {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}

    private = raid(DATE_H + hours).replace("public = true", "public = false").replace("before = 10", "before = 11")
    without, beside = published("without", None), published("beside", private)
    assert [name for name in without if without[name] != beside.get(name)] == []
    assert beside.keys() == without.keys()
    with open_study(tmp_path / "beside" / "study") as study:
        found = findings_of(study, read_event(study.path / "events" / "raid.toml"))
    assert any("nother event" in said(note) for note in found.notes) == (hours == 2)


def test_a_private_event_splits_its_own_row_and_changes_no_published_byte(changed: Study, tmp_path: Path) -> None:
    """The study's own people see its target changed at its date; what is published is the same to the byte.

    Once it is public, the published row is split, too.
    """

    def published(name: str, text: str | None) -> tuple[dict[str, bytes], str]:
        shutil.copytree(changed.folder.path, tmp_path / name / "study")
        if text is not None:
            (tmp_path / name / "study" / "events").mkdir()
            (tmp_path / name / "study" / "events" / "raid.toml").write_text(text)
        with open_study(tmp_path / name / "study") as study:
            study.folder.clock = lambda: hour(24 * DAYS)
            tables = RankingTables(conclusions=study.conclude(), kind="hoster", events=own_events(study))
            own = {row.key: row.rank_class for row in tables.rows}["AS64501"]
            publish_all(study, tmp_path / name / "out")
        out = tmp_path / name / "out"
        return {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}, own

    event = raid(DATE_H)
    without, before = published("without", None)
    private, own = published("private", event.replace("public = true", "public = false"))
    assert (before, own) == ("ranked", "changed")
    assert private.keys() == without.keys()
    assert [name for name in without if without[name] != private[name]] == []
    public, _ = published("public", event)
    rows = {row["key"]: row for row in csv.DictReader(public["ranking-hoster.csv"].decode().splitlines())}
    assert rows["AS64501"]["class"] == "changed"
    assert b"changed between" in public["ranking.html"]
