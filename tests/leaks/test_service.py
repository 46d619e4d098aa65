"""A service that is looked over: its log in both forms, its metrics, its health and its folder hold no host."""

import signal
from pathlib import Path

import msgspec
import pytest

from tests.leaks.names import names_of
from tests.leaks.running import clean, processes_watched, started
from tests.leaks.search import Search
from tests.service.conftest import _nothing_outlives_its_test  # noqa: F401 (a fixture)
from tests.service.rig import QUICK, STARTED, awaited, fetched, set_service
from tests.study.rig import lab_study, reports_csv
from waterbed.model.bookkeeping import Run
from waterbed.model.facts import Observation
from waterbed.store.machine_settings import Chore, Log

WORDS = ("quarzfelsen", "moorweide", "brandgans", "heidschnucke", "zwergtaucher", "eiderente")


@pytest.mark.long
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_service_tells_no_host(form: str, tmp_path: Path, out: Path) -> None:
    """Run with everything logged, a chore, and looks that fail; no form of any host is anywhere, a planted one is."""
    hosts = [f"{word}.{other}-haus.com" for word in WORDS for other in WORDS]
    pairs = [(f"http://{host}/{WORDS[n % 6]}-pfad/login", f"28.10.{n}.7") for n, host in enumerate(hosts)]
    pairs += [
        ("http://innen.quarzfelsen-haus.com/x", "10.0.0.1"),
        ("https://klartext.moorweide-haus.com/x", "28.11.0.1"),
    ]
    search = Search(names_of([address.split("/")[2] for address, _ in pairs]))
    with lab_study(pairs, tmp_path) as (study, _):
        listen = "127.0.0.1:0"
        chores = (Chore(command="doctor", every_hours=1.0),)
        set_service(study, msgspec.structs.replace(QUICK, listen=listen, chores=chores), log=Log(format=form))
        reports = reports_csv(pairs, tmp_path)
        study.import_reports(reports)
        reports.unlink()
        folder, store = study.folder.path, study.folder.store
        with processes_watched(out) as seen:
            running = started(out, folder, "run")
            STARTED.append(running)
            awaited(lambda: store.count(Observation) == len(pairs) or running.poll() is not None)
            said = next(out.glob("*-run.txt"))
            awaited(lambda: b"/health" in said.read_bytes())
            where = next(line for line in said.read_text().splitlines() if line.startswith("health at")).split(
                "/health"
            )[0]
            address = where.removeprefix("health at ")
            awaited(lambda: [run for run in store.all(Run) if run.kind.startswith("chore ")])
            for path in ("health", "metrics"):
                (out / path).write_bytes(fetched(f"{address}/{path}")[1])
            running.send_signal(signal.SIGTERM)
            assert running.wait(120) == 0
        assert len(seen) >= 2
        assert b"waterbed_looks_total" in (out / "metrics").read_bytes()
        log = said.read_text()
        assert "health" in log
        assert "Traceback" not in log
        clean(search, out, folder)
        with said.open("a") as file:
            file.write(f"looked at {hosts[3]}\n")
        assert search.over([out]).hits
