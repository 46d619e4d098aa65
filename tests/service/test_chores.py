"""Commands of ours that a service runs now and then."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.service.rig import until
from waterbed.model.errors import InputError
from waterbed.service.chores import DONE, Chores, words_of
from waterbed.store.config import Config
from waterbed.store.machine_settings import Chore
from waterbed.study.study import create_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    with create_study(tmp_path / "study", Config(study="5" * 32)):
        return tmp_path / "study"


def chores(study: Path, *commands: str, every_hours: float = 1.0) -> tuple[Chores, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    some = tuple(Chore(command=command, every_hours=every_hours) for command in commands)
    return Chores(study, some, lambda *ended: told.append(ended)), told


@pytest.mark.parametrize(
    "command", ["", "reveal ID", "key rotate", "forget ID", "sh -c true", 'backup "x', "import http://example.com/x"]
)
def test_only_harmless_commands_are_chores(command: str) -> None:
    """What reveals, forgets, changes keys or is no command of ours is refused; and no address stands in one."""
    with pytest.raises(InputError, match=r"service\.chores"):
        words_of(Chore(command=command))


def test_a_chore_runs_when_its_time_has_come(study: Path) -> None:
    """Each runs once, one after the other, and again only after its hours; what ran is known after a restart."""
    some, told = chores(study, "doctor", "import nothing.csv")
    asyncio.run(some.run_due())
    assert told == [("doctor", "finding"), ("import", "failed")]
    asyncio.run(some.run_due())
    again, later = chores(study, "doctor")
    asyncio.run(again.run_due())
    assert (len(told), later) == (2, [])
    assert set(json.loads((study / DONE).read_text())) == {"doctor"}
    (done, last, every_s), failed = some.successes()
    assert (done, last > 0, every_s, failed) == ("doctor", True, 3600, ("import", 0.0, 3600))
    for when in (time.time() - 3601, time.time() + 86_400):
        (study / DONE).write_text(json.dumps({"doctor --help": when}))
        overdue, then = chores(study, "doctor --help")
        asyncio.run(overdue.run_due())
        assert then == [("doctor", "done")]


@pytest.mark.parametrize("text", ["", "[]", "null", '{"doctor --help": "soon"}', "\xff"])
def test_a_broken_record_of_chores_is_as_none(text: str, study: Path) -> None:
    """Whatever stands in chores.json, the chore runs."""
    (study / DONE).write_text(text, encoding="latin-1")
    some, told = chores(study, "doctor --help")
    asyncio.run(some.run_due())
    assert told == [("doctor", "done")]


def test_a_chore_that_runs_is_ended_with_the_service(study: Path) -> None:
    """Stopping does not wait for a long chore: it is asked to end, then made to."""
    some, told = chores(study, f"import --watch {study}")

    async def stopped() -> None:
        running = asyncio.create_task(some.run_due())
        await until(lambda: some._process is not None)
        await some.stop(0.2)
        await running

    asyncio.run(stopped())
    assert [chore for chore, _ in told] == ["import"]
