"""What an operator is told of a study's state."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.store.lake.rig import in_store, virtual
from waterbed.model.facts import CanaryLook
from waterbed.store.backlog import schedule_lag
from waterbed.store.backup.make import make_backup
from waterbed.store.folder import Folder
from waterbed.store.lake.sealing import seal
from waterbed.store.settings import Canary
from waterbed.study.condition import condition


def measured(folder: Folder, name: str) -> float:
    """One figure."""
    return condition(folder, schedule_lag(folder))[name]


def test_each_act_is_told_once_it_was_done(tmp_path: Path) -> None:
    """A backup, a sealing, also one that found nothing, and a pass; one that failed does not count."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    names = [f"last_{what}_timestamp_seconds" for what in ("backup", "seal", "pass")]
    assert [measured(folder, name) for name in names] == [0.0, 0.0, 0.0]
    seal(folder)
    first = measured(folder, names[1])
    before = folder.clock()
    folder.clock = lambda: before + timedelta(minutes=1)
    assert seal(folder).files == 0
    assert measured(folder, names[1]) == first + 60
    make_backup(folder.path, tmp_path / "backups")
    assert measured(folder, names[0]) > 0
    with pytest.raises(RuntimeError), folder.run("recheck"):
        raise RuntimeError
    assert measured(folder, names[2]) == 0.0
    with folder.run("recheck"):
        pass
    assert measured(folder, names[2]) == folder.clock().timestamp()
    folder.close()


def test_the_canary_is_healthy_if_each_vantage_point_reaches_enough_now(tmp_path: Path) -> None:
    """Its newest check counts; without a target, and without a check in an hour, it is not healthy."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    folder.config = msgspec.structs.replace(folder.config, canary=Canary(targets=("https://a/", "https://b/")))
    seen = []
    for minutes, targets, reached in ((120, 2, 2), (30, 2, 0), (20, 2, 1), (10, 0, 0)):
        when = folder.clock() - timedelta(minutes=minutes)
        folder.store.add(
            [
                CanaryLook(
                    canary_id=f"{minutes}",
                    run_id="run",
                    vantage=folder.config.vantage,
                    observed_at=when,
                    targets=targets,
                    reached=reached,
                )
            ]
        )
        seen.append(measured(folder, "canary_healthy"))
    assert seen == [0.0, 0.0, 1.0, 0.0]
    folder.close()
