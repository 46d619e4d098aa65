"""Where a study stands: when a first ranking can mean something."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.study.facts import START, hour, report, written
from tests.study.rig import Run
from waterbed.model.facts import Report
from waterbed.service.status import standing
from waterbed.store.tables import TABLES


@pytest.mark.parametrize(("days", "promised"), [((2, 90), None), ((2, 0.5), 7.5), ((90, -3), 11), ((-3, -4), 11)])
def test_a_first_ranking_waits_for_reports_that_are_checked_within_a_day(
    tmp_path: Path, days: tuple[float, ...], promised: float | None
) -> None:
    """Reports older than that at the first check promise none; others do, eight days after the first of them."""
    with written(tmp_path, {"a1": "uuu"}) as study:
        with study.store.writing() as connection:
            connection.execute(TABLES[Report].delete())
        when = [hour(5 / 60) - timedelta(days=one) for one in days]
        study.store.add([report(f"a{n}", reported_at=one, received_at=max(one, START)) for n, one in enumerate(when)])
        study.folder.clock = lambda: hour(7 * 24)
        found = standing(study)
        assert found.phase == "measuring"
        assert found.ranking_at == (hour(5 / 60) + timedelta(days=promised) if promised else None)


def test_a_backdated_import_does_not_make_a_study_measured(run: Run, tmp_path: Path) -> None:
    """However long checks go on: no report came while they ran, and `status` says what a ranking needs."""
    with written(tmp_path, {"a1": "uuu"}) as study:
        with study.store.writing() as connection:
            connection.execute(TABLES[Report].update().values(reported_at=START - timedelta(days=30)))
        study.folder.clock = lambda: hour(60 * 24)
        assert (standing(study).phase, standing(study).ranking_at) == ("measuring", None)
        said = " ".join(run("-C", study.path, "status")[1].split())
    assert "It needs reports that come while checks run" in said
    assert "can mean something from" not in said
