"""Several workers on one database: a lost one, a frozen one, one with a place of its own."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.study.rig import Run as Call
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, Observation
from waterbed.store.config import read_config, write_toml
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study, open_study

COMPOSE = Path(__file__).parents[3] / "docs" / "examples" / "compose.yaml"


def worker(study: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "waterbed.cli", "-C", str(study), *words, "recheck"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def short_leases(study: Study, seconds: float) -> None:
    path = study.folder.path / SETTINGS
    config = read_config(path)[0]
    schedule = msgspec.structs.replace(config.schedule, lease_s=seconds)
    write_toml(path, msgspec.structs.replace(config, schedule=schedule))


@pytest.mark.long
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_frozen_worker_writes_nothing_when_it_wakes(store_url: str, tmp_path: Path) -> None:
    """What it held is looked at by another one, once; it says that it stood still, and its run counts as killed."""
    pairs = feed(60, 5)
    with lab_study(pairs, tmp_path, store=store_url, batch=60, hosts_at_once=4) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        short_leases(study, 2.0)
        path, store = study.folder.path, study.folder.store
        frozen = worker(path)
        deadline = time.monotonic() + 120
        while not store.count(Observation) and time.monotonic() < deadline:
            time.sleep(0.02)
        frozen.send_signal(signal.SIGSTOP)
        while store.count_due(study.folder.clock()) and time.monotonic() < deadline:
            time.sleep(0.3)
            with open_study(path) as other:
                run_recheck(other.folder)
        frozen.send_signal(signal.SIGCONT)
        said, _ = frozen.communicate(timeout=120)
        assert frozen.returncode == 1, said
        assert "stood still for longer than its lease" in said
        assert "Traceback" not in said
        looks = Counter(look.url_id for look in store.all(Observation))
        assert (len(looks), set(looks.values())) == (300, {1})
        assert Counter(end.outcome for end in store.all(RunEnd))["killed"] == 1
        assert [store.count(left) for left in (Beat, Reserved)] == [0, 0]
        assert not [due for due in store.all(Due) if due.lease_run_id]


def test_a_worker_has_a_place_of_its_own(tmp_path: Path) -> None:
    """Looks, canary checks and the run bear the name that the command line gives, before that of the environment."""
    pairs = feed(10)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        done = subprocess.run(
            [sys.executable, "-m", "waterbed.cli", "-C", study.folder.path, "--vantage", "ams-1", "recheck"],
            env={**os.environ, "WATERBED_VANTAGE": "elsewhere", "WATERBED_NETWORK": "AS1103"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        store = study.folder.store
        assert {(look.vantage, look.network) for look in store.all(Observation)} == {("ams-1", "AS1103")}
        assert {look.vantage for look in store.all(CanaryLook)} == {"ams-1"}
        assert {run.vantage for run in store.all(Run) if run.kind == "recheck"} == {"ams-1"}
        assert study.folder.config.vantage == "lab"


@pytest.mark.parametrize("name", ["shop.example.com", "a b", "-x", "x" * 41])
def test_a_place_needs_a_plain_name(name: str, tmp_path: Path, run: Call) -> None:
    """A name that could be a host's or cannot be read is refused with exit code 2, and what is expected."""
    code, _, said = run("init", tmp_path / "s", "--name", "x")
    assert code == 0
    code, _, said = run("-C", tmp_path / "s", f"--vantage={name}", "recheck")
    assert (code, "is not a name like ams-1" in said) == (2, True)


def test_an_environment_without_places_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty variables, as a compose file passes them, leave the study's own names."""
    monkeypatch.setenv("WATERBED_VANTAGE", "")
    monkeypatch.setenv("WATERBED_NETWORK", "")
    with lab_study(feed(1), tmp_path) as (study, _), open_study(study.folder.path) as again:
        assert again.folder.config.vantage == "lab"
    monkeypatch.setenv("WATERBED_NETWORK", "no name")
    with pytest.raises(InputError, match="the network 'no name'"):
        open_study(study.folder.path)


def test_the_compose_file_is_one() -> None:
    """The example meets the Compose specification, and its commands are Waterbed's."""
    from typer.main import get_command

    from waterbed.cli.app import app

    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ours = {name: service["command"] for name, service in services.items() if name != "database"}
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group
    assert set(ours) == {"setup", "worker", "serve"}
    for program, word, *options in ours.values():
        assert program == "waterbed"
        known = {flag for parameter in commands[word].params for flag in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= known
