"""Notices and reports make looks frequent again; hosters do not come into it."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.study.rig import NOON, feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.bookkeeping import Due
from waterbed.store.config import Config
from waterbed.store.own_files import SETTINGS
from waterbed.store.settings import Schedule
from waterbed.study.study import Study, create_study, open_study


def schedule_of(study: Study, url: str) -> Due:
    vault = study.folder.vault
    (found,) = study.folder.store.by_ids(Due, "url_id", [vault.keyed_id("url", url)])
    return found


def told(folder: Path, url: str, sent: str) -> Path:
    path = folder / "notices.csv"
    path.write_text(f'url,recipient,sent_at\n"{url}",AS64500,{sent}\n')
    return path


@pytest.mark.parametrize(("sent", "fresh"), [("2026-03-05T11:00:00Z", True), ("2026-02-01T11:00:00Z", False)])
def test_a_fresh_notice_asks_for_looks(sent: str, fresh: bool, store_url: str, tmp_path: Path) -> None:
    """A new notice makes an old URL due now and fresh; an old one, and the same one again, change nothing."""
    pairs = feed(2)
    url, other = (address for address, _ in pairs)
    with lab_study(pairs, tmp_path, store=store_url) as (study, servers):
        study.folder.config = msgspec.structs.replace(study.folder.config, schedule=Schedule(jitter=0.0))
        study.import_reports(reports_csv(pairs, tmp_path))
        now = [NOON + timedelta(days=59)]
        study.folder.clock = lambda: now[0]
        servers.set_time(now[0])
        run_recheck(study.folder)
        before = schedule_of(study, url)
        assert before.due_at - now[0] > timedelta(hours=20)
        study.import_notices(told(tmp_path, url, sent))
        after = schedule_of(study, url)
        assert (after.anchor_at, after.due_at) == ((now[0], now[0]) if fresh else (None, before.due_at))
        assert schedule_of(study, other).anchor_at is None
        now[0] += timedelta(hours=1)
        run_recheck(study.folder)
        study.import_notices(told(tmp_path, url, sent))
        wait = schedule_of(study, url).due_at - now[0]
        assert wait == timedelta(hours=1) if fresh else wait > timedelta(hours=19)


def test_a_new_report_makes_an_old_url_fresh_once(tmp_path: Path) -> None:
    """Reported anew after months, a URL is fresh again; a further report while it is fresh begins nothing anew."""
    pairs = feed(1)
    url = pairs[0][0]
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        assert schedule_of(study, url).anchor_at is None
        first = NOON + timedelta(days=40)
        for when in (first, first + timedelta(hours=5)):
            study.folder.clock = lambda when=when: when
            path = tmp_path / f"again-{when:%H}.csv"
            path.write_text(f'url,reported_at\n"{url}",{when.isoformat()}\n')
            assert study.import_reports(path, source=f"hotline-{when:%H}").imported == 1
            assert schedule_of(study, url).anchor_at == first


def test_hosters_that_change_places_change_no_schedule(tmp_path: Path) -> None:
    """Two studies whose hosts have each other's addresses look at every URL at the same times."""
    pairs = feed(12, 2)
    swapped = [(address, pairs[-1 - n][1]) for n, (address, _) in enumerate(pairs)]
    seen = []
    for number, each in enumerate((pairs, swapped)):
        (tmp_path / str(number)).mkdir()
        with lab_study(each, tmp_path / str(number)) as (study, servers):
            study.folder.config = msgspec.structs.replace(study.folder.config, schedule=Schedule(jitter=0.0))
            study.import_reports(reports_csv(each, tmp_path))
            for hours in (0, 1, 2, 30, 60, 70):
                now = NOON + timedelta(hours=hours)
                study.folder.clock = lambda now=now: now
                servers.set_time(now)
                run_recheck(study.folder)
            seen.append({url: (due.due_at, due.day_looks) for url, _ in each for due in [schedule_of(study, url)]})
    assert seen[0] == seen[1]


def test_settings_of_before_are_still_read(tmp_path: Path) -> None:
    """A [schedule] with the keys of older versions alone opens, and the new ones have their defaults."""
    with create_study(tmp_path / "study", Config(study="5" * 32)):
        pass
    (tmp_path / "study" / SETTINGS).write_text(
        f'study = "{"5" * 32}"\n[schedule]\nyoung_hours = 24.0\nyoung_interval_s = 1800.0\ninterval_s = 7200.0\n'
        "confirm_s = [60.0, 120.0]\nremoved_interval_s = 9000.0\njitter = 0.2\nlooks_a_day = 60\nlease_s = 900.0\n"
    )
    with open_study(tmp_path / "study") as study:
        schedule = study.folder.config.schedule
        assert (schedule.young_interval_s, schedule.ladder_s, schedule.looks_an_hour) == (1800.0, (), 0)
        assert schedule.fresh_s == 24 * 3600
