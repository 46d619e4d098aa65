"""The command about hosters that may be one company."""

import json
from pathlib import Path

import pytest

from tests.study.facts import written
from tests.study.rig import Run
from waterbed.governance import hosters
from waterbed.model.decisions import HosterChange
from waterbed.study.study import open_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with looks at three hosters, AS64500 to AS64502; the first has most hosts."""
    with written(tmp_path, {"a0": "uu", "a1": "uu", "b0": "uu", "c0": "uu"}):
        pass
    return tmp_path / "study"


def test_siblings_are_proposed_and_merged_only_by_people(run: Run, study: Path, tmp_path: Path) -> None:
    """Tables that put two hosters together are named; once two people accept that with sources, they are one."""
    command = ("-C", study, "hosters", "siblings")
    code, out, err = run(*command)
    assert (code, out, "no table of organisations or siblings" in err) == (2, "", True)
    (tmp_path / "siblings.json").write_text(json.dumps({"64500": {"Sibling ASNs": ["64501", "64999"]}}))
    add = ("-C", study, "tables", "add", tmp_path / "siblings.json", "--date", "2026-01-04", "--kind", "siblings")
    assert run(*add)[0] == 0
    (row,) = json.loads(run(*command, "--format", "json")[1])["rows"]
    assert row == {
        **{"key": "AS64501", "into": "AS64500", "hosts": 1, "into_hosts": 2, "queue": "new"},
        **{"sources": ["iil-as2org of 2026-01-04"], "ases": ["AS64500", "AS64501"]},
    }
    assert "1 proposals wait for two coders" in run(*command, "--propose", "tables of January")[1]
    assert "0 proposals wait" in run(*command, "--propose", "tables of January")[1]
    with open_study(study) as opened:
        (change,) = opened.store.all(HosterChange)
        assert (change.kind, change.since, change.reason) == (
            *("proposal", None),
            "tables of January (by iil-as2org of 2026-01-04: AS64500, AS64501)",
        )
        assert opened.book().on(opened.clock().date()).key_of_as(64501) == "AS64501"
        for person in ("bob", "cas"):
            hosters.code(opened.folder, change.change_id, "accept", note="annual report 2025", person=person)
        assert opened.book().on(opened.clock().date()).key_of_as(64501) == "AS64500"
        assert opened.book().lineage() == ()
    assert json.loads(run(*command, "--format", "json")[1])["rows"] == []
