"""How much is leased by network, and when a pass ends."""

from pathlib import Path

import msgspec
import pytest

from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.facts import Observation
from waterbed.store.config import read_config, write_toml
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import open_study


@pytest.mark.parametrize("limit", [1, 7, 80])
def test_a_limit_is_kept_and_used_up(limit: int, tmp_path: Path) -> None:
    """As many URLs are checked as the limit says, on a first pass and on later ones, also where it cuts a host."""
    pairs = feed(120, 3)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        for passes in (1, 2):
            assert run_recheck(study.folder, everything=passes == 2, limit=limit).looks == limit


def test_a_pass_ends_with_the_hour_s_limit(tmp_path: Path) -> None:
    """Once so many checks of the hour are taken nothing is waited for: the rest stays due."""
    pairs = feed(12)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        path = study.folder.path / SETTINGS
        config = read_config(path)[0]
        schedule = msgspec.structs.replace(config.schedule, looks_an_hour=5)
        write_toml(path, msgspec.structs.replace(config, schedule=schedule))
        with open_study(study.folder.path) as limited:
            assert run_recheck(limited.folder).looks == 5
            assert run_recheck(limited.folder).looks == 0
        assert study.folder.store.count(Observation) == 5
