"""Commands of ours that a service runs now and then."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.crawler.recheck.test_processes import workers
from tests.service.rig import QUICK, awaited, set_service, started, until
from tests.study.rig import feed, lab_study
from waterbed.model.bookkeeping import Beat, Run, RunEnd
from waterbed.model.errors import InputError
from waterbed.service.chores import REFRESH, Chores, words_of
from waterbed.store.config import Config
from waterbed.store.folder import Folder, open_folder
from waterbed.store.machine_settings import Chore, StoreAt
from waterbed.store.settings import Schedule
from waterbed.study.study import create_study


@pytest.fixture
def folder(store_url: str, tmp_path: Path) -> Iterator[Folder]:
    with create_study(tmp_path / "study", Config(study="5" * 32, store=StoreAt(url=store_url))) as study:
        yield study.folder


Told = list[tuple[str, str]]


def chores(folder: Folder, *commands: str, every_hours: float = 3.0) -> tuple[Chores, Told]:
    told: Told = []
    some = tuple(Chore(command=command, every_hours=every_hours) for command in commands)
    return Chores(folder, some, lambda *ended: told.append(ended)), told


def outcomes(folder: Folder) -> Counter[str]:
    """How the runs of chores ended."""
    kinds = {run.run_id: run.kind for run in folder.store.all(Run)}
    return Counter(end.outcome for end in folder.store.all(RunEnd) if kinds[end.run_id].startswith("chore "))


@pytest.mark.parametrize(
    "command", ["", "reveal ID", "key rotate", "forget ID", "sh -c true", 'backup "x', "import http://example.com/x"]
)
def test_only_harmless_commands_are_chores(command: str) -> None:
    """What reveals, forgets, changes keys or is no command of ours is refused; and no address stands in one."""
    with pytest.raises(InputError, match=r"service\.chores"):
        words_of(Chore(command=command))


def test_a_chore_runs_when_its_time_has_come(folder: Folder) -> None:
    """One after the other, again only after its hours, and after one where it failed; a wrong clock delays none."""
    some, told = chores(folder, "doctor", "import nothing.csv")
    asyncio.run(some.run_due())
    assert told == [("doctor", "finding"), ("import", "failed")]
    asyncio.run(some.run_due())
    assert len(told) == 2
    (done, last, every_s), failed = some.successes()
    assert (done, last > 0, every_s, failed) == ("doctor", True, 10_800, ("import", 0.0, 10_800))
    with closing(open_folder(folder.path)) as other:  # what ran is known after a restart, and to other services
        again, later = chores(other, "doctor", "import nothing.csv")
        now = other.clock()
        for hours, runs in ((0.9, []), (1.1, ["import"]), (2.0, []), (3.1, ["doctor", "import"]), (-48, later)):
            later.clear()
            other.clock = lambda hours=hours: now + timedelta(hours=hours)
            asyncio.run(again.run_due())
            assert [chore for chore, _ in later] == (runs if hours > 0 else ["doctor", "import"])
    assert not folder.store.count(Beat)


def test_a_chore_that_failed_is_told_with_its_sentence(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what a person at a terminal would read, but no address."""
    (folder.path.parent / "r.csv").write_text("header\nshop.example.com\n")
    some, _ = chores(folder, f"import {folder.path.parent / 'r.csv'} --source www.shop-example.com")
    asyncio.run(some.run_due())
    (ended,) = [record for record in caplog.records if record.message == "a chore ended"]
    assert (ended.outcome, ended.exit_code) == ("failed", 2)
    assert len(ended.said) > 20
    assert "example.com" not in ended.said


def test_the_cache_is_refreshed_a_day_after_the_first_run(folder: Folder) -> None:
    """Not in a study that is new."""
    told: Told = []
    some = Chores(folder, (REFRESH,), lambda *ended: told.append(ended))
    asyncio.run(some.run_due())
    with folder.run("import"):
        pass
    asyncio.run(some.run_due())
    assert told == []
    now = folder.clock()
    folder.clock = lambda: now + timedelta(hours=25)
    asyncio.run(some.run_due())
    assert told == [("cache", "done")]


def test_a_chore_that_runs_is_ended_with_the_service(folder: Folder) -> None:
    """Stopping does not wait for a long chore, which another service makes up for at once."""
    some, told = chores(folder, f"import --watch {folder.path}")

    async def stopped(chores: Chores) -> None:
        running = asyncio.create_task(chores.run_due())
        await until(lambda: chores._process is not None)
        await chores.stop(0.2)
        await running

    asyncio.run(stopped(some))
    assert [chore for chore, _ in told] == ["import"]
    assert outcomes(folder) == {"stopped": 1}
    asyncio.run(some.run_due())
    assert len(told) == 1, "one that was stopped begins nothing"
    asyncio.run(stopped(chores(folder, f"import --watch {folder.path}")[0]))
    assert outcomes(folder) == {"stopped": 2}


def test_of_two_services_one_runs_a_chore(folder: Folder) -> None:
    """However they begin at the same time, each chore runs once."""
    commands = ("doctor", "doctor --format json", "lake verify")

    async def at_once(services: list[Chores]) -> None:
        await asyncio.gather(*(service.run_due() for service in services))

    with closing(open_folder(folder.path)) as second, closing(open_folder(folder.path)) as third:
        three = [chores(one, *commands) for one in (folder, second, third)]
        asyncio.run(at_once([service for service, _ in three]))
    assert Counter(chore for _, told in three for chore, _ in told) == {"doctor": 2, "lake": 1}
    assert outcomes(folder) == {"finished": 3}


@pytest.mark.long
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_another_service_takes_over_from_one_that_is_killed(store_url: str, tmp_path: Path) -> None:
    """Two services on one store do each chore once; one killed amid a chore is followed by the other."""
    (tmp_path / "reports").mkdir()
    long, short = f"import --watch {tmp_path / 'reports'}", "doctor"
    settings = msgspec.structs.replace(QUICK, chores=(Chore(command=short), Chore(command=long)), listen="")
    with lab_study(feed(1), tmp_path, store=store_url) as (study, _):
        set_service(study, settings, schedule=Schedule(lease_s=2.0))
        folder = study.folder
        kind = Chores(folder, (), lambda *_: None).kind(long.split())
        runs = lambda: [run.run_id for run in folder.store.newest_runs(kind, 9)]  # noqa: E731 (asked again and again)
        first = started(folder.path)
        awaited(lambda: runs() or first.poll() is not None)
        second = started(folder.path)
        awaited(lambda: folder.store.count(Run) >= 4 or second.poll() is not None)
        assert len(runs()) == 1
        (chore,) = workers(first.pid)
        first.kill()
        awaited(lambda: not Path(f"/proc/{chore}").exists())
        awaited(lambda: len(runs()) == 2 or second.poll() is not None)
        second.terminate()
        log = second.communicate(timeout=120)[1].decode()
        assert second.returncode == 0, log
        assert outcomes(folder) == {"finished": 1, "killed": 1, "stopped": 1}
