"""No host name of a whole lab study leaves the vault, whatever fails on the way."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.look import Looker
from tests.confidentiality.names import Secrets
from tests.confidentiality.search import search
from tests.study.rig import feed, lab_study, reports_csv
from tests.study.test_rehearsal import shortened, told
from waterbed.model.errors import OwnFailure
from waterbed.model.facts import Target
from waterbed.rehearsal import Rehearsed, run_scenario
from waterbed.report import publish_study
from waterbed.study import open_study


@pytest.fixture
def debug_log(tmp_path: Path) -> Iterator[Path]:
    """Everything that any logger says, at DEBUG level, in a file."""
    path = tmp_path / "debug.log"
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield path
    root.setLevel(before)
    root.removeHandler(handler)
    handler.close()


def _said(out: Path, study: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "waterbed.cli", "-C", str(study), "--verbose", *words], capture_output=True, check=False
    )
    (out / f"{'-'.join(words[:3])}.out".replace("/", "_")).write_bytes(done.stdout + done.stderr)


def _hosts(done: Rehearsed) -> list[str]:
    return [shown.host for shown in done.truth.shown.values()]


def test_a_whole_run_leaks_no_name(tmp_path: Path, debug_log: Path) -> None:
    """Simulate, measure, publish and print everything at DEBUG level: no form of any host is in any file."""
    out = tmp_path / "out"
    out.mkdir()
    done = run_scenario(shortened("waterbed", tmp_path, days="3", count="40", day="1.0"), tmp_path / "study", told)
    with open_study(tmp_path / "study") as study:
        publish_study(study, out / "published")
    for words in (
        ["rank"],
        ["hops"],
        ["episodes"],
        ["verdicts", "--format", "csv"],
        ["attribute"],
        ["recheck", "--all"],
    ):
        _said(out, tmp_path / "study", *words)
    secrets = Secrets(_hosts(done))
    found = search([tmp_path / "study", out, debug_log], secrets)
    assert found.files > 30
    assert found.hits == []
    planted = out / "planted.log"
    planted.write_text(f"GET http://{_hosts(done)[0]}/ 200\n")
    assert search([out], secrets).hits


def test_failures_leak_no_name(tmp_path: Path, debug_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad lines, and bugs whose messages hold the URL: neither log nor output nor database repeats it."""
    pairs = feed(20)
    out = tmp_path / "out"
    out.mkdir()
    broken = tmp_path / "broken.csv"
    broken.write_text("url,date\n" + "".join(f'"{url}x,2026\n{url},nonsense\n' for url, _ in pairs))
    good = Looker.look

    async def bug(self, work):
        if int(work.host_id, 16) % 2:
            raise RuntimeError(f"bug near {work.items[0][1].url}")
        return await good(self, work)

    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        _said(out, study.folder.path, "import", str(broken))
        monkeypatch.setattr(Looker, "look", bug)
        with pytest.raises(OwnFailure) as problem:
            study.recheck()
        assert len({target.host_id for target in study.folder.store.all(Target)}) == 20
    (out / "raised").write_text(str(problem.value))
    secrets = Secrets([url.split("/")[2] for url, _ in pairs])
    found = search([tmp_path / "study", out, debug_log], secrets)
    assert "a host's looks failed: RuntimeError at" in debug_log.read_text()
    assert found.hits == []
