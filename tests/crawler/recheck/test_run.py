"""A pass of the production crawler over a lab study."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.study.rig import NOON, feed, lab_study, reports_csv
from waterbed.cli.commands.crawl import print_pass
from waterbed.crawler.probe.prober import HostFacts, HostResult
from waterbed.crawler.recheck.recorder import Recorder
from waterbed.crawler.recheck.run import SharedPass, run_recheck
from waterbed.model.bookkeeping import Due, Run, RunEnd, Sealed
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, Observation, Resolution, Target
from waterbed.store.config import write_toml
from waterbed.store.folder import LAB
from waterbed.store.leases import lease
from waterbed.study.study import Study, open_study


def outcomes(study: Study) -> Counter[str]:
    return Counter(verdict.outcome for verdict in study.conclude().verdicts)


def test_every_due_url_gets_one_look(store_url: str, tmp_path: Path) -> None:
    """Each reported URL is looked at once, on SQLite and PostgreSQL alike; a second pass finds nothing due."""
    pairs = feed(60, 3)
    with lab_study(pairs, tmp_path, store=store_url) as (study, servers):
        report = study.import_reports(reports_csv(pairs, tmp_path))
        assert (report.imported, report.known, report.rejected) == (180, 0, ())
        passed = run_recheck(study.folder)
        assert (passed.due, passed.looks, passed.stopped) == (180, 180, None)
        assert run_recheck(study.folder).looks == 0
        assert outcomes(study) == {"up": 180}
        store = study.folder.store
        looks = store.all(Observation)
        assert {look.url_id for look in looks} == {target.url_id for target in store.all(Target)}
        assert len(store.all(Resolution)) == 60
        assert all(look.profile == "headers" and look.method == "HEAD" for look in looks)
        assert store.count(CanaryLook) >= 4
        assert {end.outcome for end in store.all(RunEnd)} == {"finished"}
        counts = servers.counts()
        assert (counts.excess_plain_total, counts.excess_tls_total) == (0, 0)


def test_checks_before_our_resolver_failed_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that fails is a canary that failed, at every vantage: what was seen just before is our fault."""
    from waterbed.crawler.recheck import session

    answers = iter([True, False])

    async def answered(*_: object, **__: object) -> bool:
        return next(answers)

    monkeypatch.setattr(session, "resolver_answers", answered)
    pairs = feed(4)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        passed = run_recheck(study.folder)
        assert (passed.looks, passed.stopped) == (4, "resolver")
        looks = sorted(study.folder.store.all(CanaryLook), key=lambda look: look.observed_at)
        assert [look.reached == look.targets > 0 for look in looks] == [True, False]
        assert looks[-1].reached == 0
        assert outcomes(study) == {"our_fault": 4}


def test_a_pass_that_cannot_be_made_is_not_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no resolver can be made no run begins: none is left that seems to go on, and all stays due."""
    from waterbed.crawler.recheck import session

    def refused(*_: object, **__: object) -> None:
        raise InputError("no resolver")

    monkeypatch.setattr(session, "Resolver", refused)
    pairs = feed(1)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        before = study.folder.store.count(Run)
        with pytest.raises(InputError, match="no resolver"):
            run_recheck(study.folder)
        assert study.folder.store.count(Run) == before
        assert study.folder.store.count_due(study.folder.clock()) == 1


def test_a_write_that_is_slow_at_the_end_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is being written when the last look ends is counted, and its leases are answered, not dropped."""
    from waterbed.crawler.recheck import recorder

    pairs = feed(150)
    quick = recorder.record

    def slow(*args):  # (a slow disk)
        time.sleep(0.8)
        return quick(*args)

    monkeypatch.setattr(recorder, "record", slow)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        assert run_recheck(study.folder).looks == 150
        store = study.folder.store
        assert store.count(Observation) == 150
        assert store.count_due(study.folder.clock()) == 0


def test_importing_twice_adds_nothing(tmp_path: Path) -> None:
    """The same file again: all reports are already known."""
    pairs = feed(10)
    with lab_study(pairs, tmp_path) as (study, _):
        path = reports_csv(pairs, tmp_path)
        study.import_reports(path)
        again = study.import_reports(path)
        assert (again.imported, again.known) == (0, 10)


def test_the_strictest_category_decides_how_a_url_is_looked_at(tmp_path: Path) -> None:
    """A URL first reported as phishing is looked at strictly once anyone reports abuse material there, for good."""
    pairs = feed(4)
    with lab_study(pairs, tmp_path) as (study, _):
        path = reports_csv(pairs, tmp_path)
        study.import_reports(path, category="phishing")
        study.import_reports(reports_csv(pairs[:2], tmp_path, "more.csv"), category="abuse-material")
        study.import_reports(path, category="malware")
        run_recheck(study.folder)
        assert Counter(look.profile for look in study.folder.store.all(Observation)) == {"strict": 2, "headers": 2}


def test_a_limit_is_kept_and_the_rest_stays_due(tmp_path: Path) -> None:
    """A limited pass takes so many looks and no more."""
    pairs = feed(30)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        assert run_recheck(study.folder, limit=7).looks == 7
        assert run_recheck(study.folder).looks == 23
        assert run_recheck(study.folder, everything=True).looks == 30


def test_non_public_answers_are_refused_with_a_reason(tmp_path: Path) -> None:
    """A name that points inside is looked at by nobody, and the look says why."""
    pairs = [("http://inside.lab-example.com/x", "10.0.0.1"), ("http://[::ffff:127.0.0.1]/x", "127.0.0.1")]
    with lab_study(pairs, tmp_path) as (study, servers):
        study.import_reports(reports_csv(pairs, tmp_path))
        before = servers.counts().requests.get("HEAD", 0)
        run_recheck(study.folder)
        looks = study.folder.store.all(Observation)
        assert {(look.phase, look.failure) for look in looks} == {("guard", "non_public_address")}
        assert outcomes(study) == {"refused_by_us": 2}
        canaries = 2 * study.folder.store.count(CanaryLook)
        assert servers.counts().requests.get("HEAD", 0) - before <= canaries


@pytest.mark.parametrize("processes", [1, 2])
def test_a_pass_that_learned_little_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], processes: int) -> None:
    """Where most checks decide nothing they are counted, with the commonest reason; otherwise nothing is said."""
    pairs = [(f"http://shop{n}.lab-example.com/x", "10.0.0.1" if n < 4 else f"28.10.0.{n}") for n in range(7)]
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        if processes > 1:
            passed = SharedPass(study.path, processes, everything=False, limit=None).wait(print)
        else:
            passed = run_recheck(study.folder)
    assert (passed.looks, passed.unknown) == (7, {"refused_by_us, non_public_address": 4})
    print_pass(passed)
    told = "4 of 7 are unknown, 4 of them refused by us, non public address (docs/method.md, Outcomes)"
    assert told in " ".join(capsys.readouterr().out.split())
    print_pass(replace(passed, unknown={"challenge": 3}))
    assert "unknown" not in capsys.readouterr().out


def test_urls_of_a_host_that_is_left_alone_wait(store_url: str, tmp_path: Path) -> None:
    """None is due before the wait is over, a day at most, and unchecked ones count no look; but a 200 asks for none."""
    pairs = feed(1, 4)
    with lab_study(pairs, tmp_path, store=store_url) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        run_recheck(study.folder)
        folder, store = study.folder, study.folder.store
        by_url = {look.url_id: look for look in store.all(Observation)}
        cases = (
            (7200.0, 404, None, 7200, 7260),
            (0.0, 429, 9000, 9000, 9060),
            (0.0, 503, 9000, 9000, 9060),
            (0.0, 200, 86_400, 60, 7200),
            (0.0, 404, 86_400, 60, 7200),
            (30 * 86_400.0, 404, None, 86_400, 86_460),
        )
        for wait_s, status, heard_s, least_s, most_s in cases:
            now = folder.clock()
            store.make_all_due(now)
            with folder.run("recheck") as run:
                first, second, *rest = sorted(lease(store, run.run_id, due_by=now, limit=9), key=lambda due: due.url_id)
                seen = replace(by_url[first.url_id], observation_id=os.urandom(16).hex(), status=404, observed_at=now)
                other = replace(
                    seen, observation_id=os.urandom(16).hex(), vantage="v", status=status, retry_after_s=heard_s
                )
                result = HostResult(due=first, observations=(seen, other), control=None, fingerprint="f", target=None)
                unasked = (second, *rest) if wait_s else ()
                facts = HostFacts(
                    host_id=first.host_id, facts=(seen, other), answered=(result,), unasked=unasked, wait_s=wait_s
                )
                assert Recorder(folder).write(run.run_id, [facts]).looks == 1
                dues = {due.url_id: due for due in store.all(Due)}
                for left in (first, *unasked):
                    wait = dues[left.url_id].due_at - now
                    assert timedelta(seconds=least_s) <= wait < timedelta(seconds=most_s)
                    assert dues[left.url_id].lease_run_id is None
                assert all(dues[due.url_id].day_looks == due.day_looks for due in unasked)


def test_a_stored_url_that_cannot_be_read_any_more_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Overlong URLs that an earlier version stored are put off by a day and counted; others are checked."""
    from waterbed.model import urls

    pairs = feed(3)
    grown = [(f"http://grown{n}.lab1-example.com/" + "ü" * 5_000, "28.10.1.1") for n in range(4)]
    with lab_study(pairs, tmp_path, batch=2) as (study, _):
        with monkeypatch.context() as earlier:
            earlier.setattr(urls, "MAX_URL", 100_000)
            assert study.import_reports(reports_csv([*grown, *pairs], tmp_path)).imported == 7
        passed = run_recheck(study.folder)
        assert (passed.due, passed.looks, passed.stopped) == (7, 3, None)
        assert study.folder.store.count_due(study.folder.clock()) == 0
        later = [due for due in study.folder.store.all(Due) if not due.day_looks]
        assert len(later) == 4
        assert all(due.lease_run_id is None and due.due_at > NOON + timedelta(hours=23) for due in later)
        assert sum(int(line.split()[0]) for line in caplog.messages if "cannot be read" in line) == 4
        assert "grown" not in caplog.text
        assert study.import_reports(reports_csv(grown, tmp_path, "more.csv")).imported == 0


def test_our_own_outage_takes_no_look(tmp_path: Path) -> None:
    """When the canary fails the pass stops: nothing is concluded, everything stays due."""
    pairs = feed(20)
    with lab_study(pairs, tmp_path, canaries=("http://nobody.lab-example.com/",)) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        passed = run_recheck(study.folder)
        assert (passed.looks, passed.stopped) == (0, "canary")
        assert study.folder.store.count(Observation) == 0
        assert study.folder.store.count_due(study.folder.clock()) == 20


def test_a_lab_study_without_its_servers_is_left_as_it_is(tmp_path: Path) -> None:
    """Once the lab has stopped, a pass is refused: its silence must not void what was seen before."""
    from waterbed.model.errors import InputError

    pairs = feed(5)
    with lab_study(pairs, tmp_path) as (study, servers):
        study.import_reports(reports_csv(pairs, tmp_path))
        run_recheck(study.folder)
        servers.stop()
        with pytest.raises(InputError, match="servers of this study have stopped"):
            run_recheck(study.folder, everything=True)
        assert outcomes(study) == {"up": 5}


def test_an_import_that_dies_takes_all_of_a_batch_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports, their due looks and how strictly to look come in together; importing again makes it whole."""
    from waterbed.store.store import Store

    pairs = feed(3)

    def dies(*_: object) -> None:
        raise RuntimeError

    with lab_study(pairs, tmp_path) as (study, _):
        path = reports_csv(pairs, tmp_path)
        study.import_reports(path, category="phishing")
        monkeypatch.setattr(Store, "set_category", dies)
        with pytest.raises(RuntimeError):
            study.import_reports(path, category="abuse-material")
        monkeypatch.undo()
        assert study.import_reports(path, category="abuse-material").imported == 3
        assert {due.category for due in study.folder.store.all(Due)} == {"abuse-material"}


def test_a_bug_of_ours_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in a look is our own failure: it is raised, the look stays due, no fact is written."""
    from waterbed.crawler.probe.prober import Prober
    from waterbed.model.errors import OwnFailure

    pairs = feed(5)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        good = Prober.check
        chosen = study.folder.store.all(Target)[0].host_id

        async def sometimes(self, task):
            if task.host_id == chosen:
                raise RuntimeError("bug near http://secret.lab-example.com/")
            return await good(self, task)

        monkeypatch.setattr(Prober, "check", sometimes)
        with pytest.raises(OwnFailure, match="1 hosts could not be checked"):
            run_recheck(study.folder)
        monkeypatch.undo()
        assert study.folder.store.count(Observation) == 4
        assert run_recheck(study.folder).looks == 1


@pytest.mark.parametrize("place", ["leasing.Leasing._lease", "session.Session.record", "recorder.Recorder.write"])
def test_a_pass_that_cannot_lease_or_write_fails(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be leased or recorded is our own failure, never a pass without looks; all stays due."""
    from waterbed.model.errors import OwnFailure

    def broken(*_: object) -> None:
        raise OSError("no space left")

    pairs = feed(5)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        with monkeypatch.context() as patched:
            patched.setattr(f"waterbed.crawler.recheck.{place}", broken)
            with pytest.raises(OwnFailure, match="by our own fault"):
                run_recheck(study.folder)
        assert study.folder.store.all(RunEnd)[-1].outcome == "failed"
        assert study.folder.store.count(Observation) == 0
        assert run_recheck(study.folder).looks == 5


def scrapy(study: Study, *given: str | Path) -> str:
    """What `scrapy crawl recheck` says of a study."""
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "recheck", "-a", f"study={study.folder.path}", *map(str, given)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "-example.com" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_scrapy_crawl_is_the_same_pass(tmp_path: Path) -> None:
    """`scrapy crawl recheck -a study=DIR -O FILE` records what `waterbed recheck` would, with an item for each check.

    Its stats hold the checks by outcome, and no URL is in its log or in an item.
    """
    pairs = feed(12, 2)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        said = scrapy(study, "-L", "DEBUG", "-O", tmp_path / "checks.jsonl")
        looks = study.folder.store.all(Observation)
        items = [json.loads(line) for line in (tmp_path / "checks.jsonl").read_text().splitlines()]
        assert "'waterbed/outcome/up': 24" in said
        assert "'item_scraped_count': 24" in said
        assert "'finish_reason': 'finished'" in said
        assert "-example.com" not in (tmp_path / "checks.jsonl").read_text()
        assert {one["url_id"]: one["observed_at"] for one in items} == {
            look.url_id: look.observed_at.isoformat() for look in looks
        }
        assert len(items) == 24
        assert all((one["state"], one["status"], one["vantage"]) == ("up", 200, looks[0].vantage) for one in items)


def test_scrapy_s_extensions_close_the_pass(tmp_path: Path) -> None:
    """`CLOSESPIDER_ITEMCOUNT` ends it with its reason: what was being checked is recorded, the rest stays due."""
    pairs = feed(400, 1)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        path = study.folder.path / "waterbed.toml"
        settings = tomllib.loads(path.read_text())
        settings["probe"] |= {"hosts_at_once": 4, "batch": 4}
        write_toml(path, settings)
        said = scrapy(study, "-s", "CLOSESPIDER_ITEMCOUNT=10")
        assert "'finish_reason': 'closespider_itemcount'" in said
        looks = study.folder.store.count(Observation)
        assert 10 <= looks < 200
        assert f"'item_scraped_count': {looks}" in said
        assert study.folder.store.all(RunEnd)[-1].outcome == "stopped"
        assert run_recheck(study.folder).looks == 400 - looks


GUARDED = """
import atexit, resource, sys
from scrapy.cmdline import execute
atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE), sys.excepthook.__module__))
execute(["scrapy", "crawl", *sys.argv[1:]])
"""


@pytest.mark.long
@pytest.mark.parametrize("spider", ["recheck", "registry"])
def test_a_process_of_scrapy_s_is_guarded(spider: str, tmp_path: Path) -> None:
    """Scrapy's command line leaves neither core dumps nor raw tracebacks, whether it knows a study or none."""
    with lab_study(feed(1), tmp_path) as (study, _):
        for given in ((), ("-a", f"study={study.folder.path}")):
            done = subprocess.run(
                [sys.executable, "-c", GUARDED, spider, *given],
                cwd=Path(__file__).parents[3],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.stdout.splitlines()[-1:] == ["(0, 0) waterbed.crawler.logs"], done.stderr[-2000:]


def test_nothing_of_a_url_is_in_the_open(tmp_path: Path) -> None:
    """Host names stand neither in the database nor in any other file of the study."""
    pairs = feed(15, 2)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        run_recheck(study.folder)
        folder = study.folder.path
        assert study.folder.store.count(Sealed) == 45
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"-example" not in path.read_bytes(), path


def _worker(study: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "waterbed.cli", "-C", str(study), "recheck"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.long
def test_sigkill_loses_and_doubles_nothing(store_url: str, tmp_path: Path) -> None:
    """Killed at any instant and started again, every URL has exactly its one look."""
    pairs = feed(150, 4)
    chance = random.Random(7)
    with lab_study(pairs, tmp_path, store=store_url, batch=40, hosts_at_once=8) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        path, store, kills = study.folder.path, study.folder.store, 0
        for _ in range(3):
            before = store.count(Observation)
            worker = _worker(path)
            deadline = time.monotonic() + 60
            while store.count(Observation) == before and worker.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(chance.random() * 0.3)
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
                kills += 1
            worker.wait(60)
        assert kills >= 1
        last = _worker(path)
        said, _ = last.communicate(timeout=120)
        assert last.returncode == 0, said.decode()[-500:]
        looks = Counter(look.url_id for look in store.all(Observation))
        assert len(looks) == 600
        assert set(looks.values()) == {1}
        assert not [due for due in store.all(Due) if due.lease_run_id]
        ends = Counter(end.outcome for end in store.all(RunEnd))
        assert ends["killed"] == kills
        assert store.count(Run) == sum(ends.values())


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_pass_in_order(number: int, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM: what is in flight is recorded, the run ends as stopped, no lease is left, exit code 1."""
    pairs = feed(150, 4)
    with lab_study(pairs, tmp_path, batch=20, hosts_at_once=4) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        store = study.folder.store
        worker = _worker(study.folder.path)
        deadline = time.monotonic() + 60
        while not store.count(Observation) and time.monotonic() < deadline:
            time.sleep(0.02)
        worker.send_signal(number)
        said, _ = worker.communicate(timeout=60)
        assert worker.returncode == 1, said.decode()
        assert "Stopped by a signal" in said.decode()
        assert "Traceback" not in said.decode()
        assert 0 < store.count(Observation) < 600
        assert [end.outcome for end in store.all(RunEnd)][-1:] == ["stopped"]
        assert not [due for due in store.all(Due) if due.lease_run_id]
        run_recheck(study.folder)
        assert store.count(Observation) == 600


def test_two_passes_at_once_share_the_work(tmp_path: Path) -> None:
    """Two workers on one study take each look once."""
    pairs = feed(80, 3)
    with lab_study(pairs, tmp_path, batch=20) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        workers = [_worker(study.folder.path) for _ in range(2)]
        for worker in workers:
            worker.wait(120)
        assert [worker.returncode for worker in workers] == [0, 0]
        looks = Counter(look.url_id for look in study.folder.store.all(Observation))
        assert (len(looks), set(looks.values())) == (240, {1})
        passes = {run.run_id for run in study.folder.store.all(Run) if run.kind == "recheck"}
        done = [end.done for end in study.folder.store.all(RunEnd) if end.run_id in passes]
        assert (len(done), sum(done)) == (2, 240)


def test_a_lab_listener_off_loopback_is_refused(tmp_path: Path) -> None:
    """A lab study whose map or resolver leaves loopback is refused before any packet."""
    from waterbed.model.errors import InputError

    pairs = feed(3)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        lab = study.folder.lab
        assert lab is not None
        for broken in (
            replace_lab(lab, resolver="9.9.9.9:53"),
            replace_lab(lab, connect_to=tuple(replace_to(entry) for entry in lab.connect_to)),
        ):
            write_toml(study.folder.path / LAB, broken)
            with open_study(study.folder.path) as again, pytest.raises(InputError, match="only loopback"):
                run_recheck(again.folder)
        assert study.folder.store.count(Observation) == 0


def replace_lab(lab, **changes):
    import msgspec

    return msgspec.structs.replace(lab, **changes)


def replace_to(entry):
    return replace_lab(entry, listener="28.10.0.1:80")


def test_environment_proxies_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment changes nothing: we connect to the checked address only."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    pairs = feed(3)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        assert run_recheck(study.folder).looks == 3
        assert outcomes(study) == {"up": 3}
        assert os.environ["http_proxy"]
        assert all(isinstance(due, Due) and replace(due) for due in study.folder.store.all(Due))
