"""The measuring itself: what copies.py tells of the processes it starts, and what the suite makes of figures."""

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from waterbed.store.config import Config
from waterbed.study.study import create_study

COPIES = Path(__file__).parents[1] / "benchmarks" / "copies.py"


_IMPORT = """
import importlib, sys
sys.path[:0] = sys.argv[1:3]
for name in sys.argv[3:]:
    try:
        importlib.import_module(name)
    except Exception as problem:
        print(f"{name}: {problem!r}")
"""


def _copies(count: int, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", COPIES, str(count), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_peak_is_that_of_the_process_itself() -> None:
    """A small process is not told the memory of the large one that measures it."""
    ballast = b"x" * (256 << 20)
    done = _copies(1, "print('{}')")
    assert len(ballast) == 256 << 20
    assert json.loads(done.stdout.splitlines()[-1])["peaks_mib"][0] < 128


def test_each_copy_speaks_and_the_last_line_is_the_measure() -> None:
    """Two copies print a line each; then comes what both used."""
    done = _copies(2, "print('{\"answered\": 1}')")
    *said, used = map(json.loads, done.stdout.splitlines())
    assert said == [{"answered": 1}] * 2
    assert set(used) == {"wall_s", "cpu_s", "peaks_mib"}
    assert len(used["peaks_mib"]) == 2


def test_a_broken_copy_breaks_the_measure() -> None:
    """If one process fails, nothing is told as measured."""
    done = _copies(2, "raise SystemExit(3)")
    assert done.returncode
    assert not done.stdout


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The suite's module; its folder is no package."""
    monkeypatch.syspath_prepend(str(COPIES.parent))
    return importlib.import_module("suite")


def _script(suite: ModuleType, folder: Path, code: str, monkeypatch: pytest.MonkeyPatch, figures: int = 1) -> Any:
    """A benchmark of one line of code in a folder of its own."""
    (folder / "invented.py").write_text(f"import sys\nsys.path.insert(0, {str(COPIES.parent)!r})\n{code}\n")
    monkeypatch.setattr(suite, "HERE", folder)
    return suite.Script(name="invented", figures=figures)


WORD = re.compile(r'"(--[a-z0-9-]+)"')
FIGURE = (
    "from figures import Figure, tell\n"
    "tell(Figure(work='counting', ours=2.0, peer=8.0, peer_name='a peer', unit='s', value=4.0, "
    "bound='at least', target=TARGET))"
)


def test_what_a_benchmark_tells_becomes_a_row(
    suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite runs a benchmark, reads its figure, and renders ours, peer, ratio, target and verdict."""
    for target, verdict in ((3.0, "met"), (5.0, "**missed**")):
        script = _script(suite, tmp_path, FIGURE.replace("TARGET", str(target)), monkeypatch)
        figures, wrong = suite.run(script)
        assert not wrong
        row = suite.rendered({"invented": figures}).splitlines()[-1]
        assert row == f"| counting (`invented.py`) | 2 s | 8 s (a peer) | 4 | at least {target:g} | {verdict} |"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("pass", "told 0 figures, 1 were expected"),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os\nopen(os.environ['WATERBED_FIGURES'], 'a').write('{}')", "line 1 of the figures is no figure"),
    ],
)
def test_a_missing_figure_is_an_error(
    suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    """A benchmark that breaks, tells nothing or tells nonsense is named, and its row says that it is missing."""
    figures, wrong = suite.run(_script(suite, tmp_path, code, monkeypatch))
    assert said in wrong
    assert "**missing**" in suite.rendered({"invented": figures})


def test_a_run_that_misses_a_figure_keeps_no_table(
    suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last whole table stays until another is whole; then it takes its place, and nothing else changes."""
    results = tmp_path / "results.md"
    results.write_text(f"above\n{suite.BEGINS}old\n{suite.ENDS}below\n")
    monkeypatch.setattr(suite, "RESULTS", results)
    monkeypatch.setattr(sys, "argv", ["suite.py"])
    monkeypatch.setattr(suite, "SCRIPTS", (_script(suite, tmp_path, "pass", monkeypatch),))
    assert suite.main() == 3
    assert "old" in results.read_text()
    for target, status in ((3.0, 0), (5.0, 1)):
        script = _script(suite, tmp_path, FIGURE.replace("TARGET", str(target)), monkeypatch)
        monkeypatch.setattr(suite, "SCRIPTS", (script,))
        assert suite.main() == status
        kept = results.read_text()
        assert kept.startswith(f"above\n{suite.BEGINS}Measured on ")
        assert "counting" in kept
        assert "old" not in kept
        assert kept.endswith(f"{suite.ENDS}below\n")


def test_a_machine_is_told_without_its_name(suite: ModuleType) -> None:
    """Processor, cores and versions stand above the table; host name and paths do not."""
    told = suite.machine()
    assert f"{os.cpu_count()} cores" in told
    assert platform.python_version() in told
    assert str(COPIES.parents[1]) not in told
    assert not re.search(rf"\b{re.escape(platform.node())}\b", told)


def test_each_script_of_the_suite_is_there(suite: ModuleType) -> None:
    """Every benchmark that the suite starts exists, knows its words, tells figures, and is described."""
    readme = (COPIES.parent / "README.md").read_text()
    known = {word for file in COPIES.parent.glob("*.py") for word in WORD.findall(file.read_text())}
    for script in suite.SCRIPTS:
        assert (COPIES.parent / f"{script.name}.py").is_file()
        assert {word for word in (*script.words, *script.small) if word.startswith("--")} <= known
        assert script.figures > 0
        assert f"## {script.name}.py" in readme


@pytest.mark.long
def test_each_program_starts() -> None:
    """What each file of the benchmarks names elsewhere is there; `copies.py` imports the standard library alone."""
    names = sorted({path.stem for path in COPIES.parent.glob("*.py")} - {COPIES.stem})
    words = [sys.executable, "-c", _IMPORT, str(COPIES.parents[1]), str(COPIES.parent), *names]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert len(names) > 50
    assert (done.stdout, done.returncode) == ("", 0), done.stdout + done.stderr


def test_growth_is_told_as_an_exponent(suite: ModuleType) -> None:
    """What does not grow has 0, what grows in proportion 1, what grows with the square 2."""
    exponent = importlib.import_module("scale").exponent
    sizes = [10.0, 100.0, 1000.0]
    for power in (0.0, 1.0, 2.0):
        assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_a_multiplied_study_has_the_conclusions_of_its_copies(
    suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times a study has three times its URLs and episodes: the scale benchmark measures real conclusions."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    worlds, scale = importlib.import_module("scale_worlds"), importlib.import_module("scale")
    truth = worlds.happened(12, 5)
    config = Config(study="b" * 32, home=truth.world.home)
    with create_study(tmp_path / "study", config, scale._lab(truth.world.end)) as study:
        worlds.record(study, truth, 5)
        once = study.conclude().episodes
        worlds.multiply(study.folder.store, 3)
        assert len(study.conclude().episodes) == 3 * len(once)
        assert once


@pytest.mark.long
def test_a_clock_that_jumps_back_and_forth_within_a_pass_loses_and_removes_nothing() -> None:
    """The campaign of faults, its jumps of the clock on SQLite alone: each URL is looked at in each round, once."""
    words = [sys.executable, COPIES.parent / "faults.py", "--only", "SQLite: clock jumps", "--seed", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "13 jumps in 7 passes, 1,600 looks; 0 lost after acknowledgement, 0 doubled, 0 integrity" in done.stdout


def test_a_campaign_resumes_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies that the results file has are not made again; a torn last line is."""
    monkeypatch.syspath_prepend(str(COPIES.parent))
    chance = importlib.import_module("shared_chance")
    results = tmp_path / "results.jsonl"
    cell = ("batches 30 h", 10)
    options = argparse.Namespace(
        kinds=["batches 30 h"], days=[10], studies=2, seed=1, workers=1, results=results, sums=None
    )
    whole = chance.campaign(options)
    first, second = results.read_text().splitlines()
    results.write_text(first.replace('"number": 0', '"number": 0, "kept": true') + "\n" + second[:40])
    again = chance.campaign(options)
    rows = [json.loads(line) for line in results.read_text().splitlines() if line.endswith("}")]
    assert [row.pop("kept", False) for row in rows] == [True, False]
    assert again == whole
    assert whole[cell].studies == 2
    assert {row["number"] for row in rows} == {0, 1}
    assert all(row["interval"][0] <= row["share"] <= row["interval"][1] for row in rows if row["interval"])


def test_a_campaign_goes_on_on_another_machine(tmp_path: Path) -> None:
    """Sums of two seeds tell the mean and error of all their studies; a seed's fewer studies never replace its more."""
    from benchmarks.resumed import pooled, tallied

    sums = tmp_path / "sums.jsonl"
    rows = [{"false": float(n % 3 == 0), "share": n / 7} for n in range(20)] + [{"false": 1.0}]
    cell = ("batches", 30)
    pooled({cell: tallied(rows[:12])}, 1, sums)
    pooled({cell: tallied(rows[:3])}, 1, sums)
    found = pooled({cell: tallied(rows[12:])}, 2, sums)[cell]
    whole = tallied(rows)
    assert (found.studies, found.n("share")) == (21, 20)
    for name in ("false", "share"):
        assert (found.mean(name), found.error(name)) == pytest.approx((whole.mean(name), whole.error(name)), abs=1e-5)
    assert found.error("false") == pytest.approx(
        (found.mean("false") * (1 - found.mean("false")) / 21) ** 0.5, abs=1e-5
    )
    assert pooled({("quiet", 30): tallied(rows)}, 3, sums).keys() == {cell, ("quiet", 30)}


def test_the_crawls_that_are_compared_have_settings_that_a_study_may_have(suite: ModuleType) -> None:
    """With manners off, one worker is compared with its peers."""
    assert Config(study="b" * 32, probe=importlib.import_module("crawls").PROBE).probe.delay_s == 0


def test_the_messy_study_is_concluded(suite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the largest studies are made by has every column that a crawler records, and conclusions can be drawn."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    world = importlib.import_module("conclusions_world")
    with world.write_study(tmp_path / "study", world.Messy(looks=400, looks_a_url=20, reported_over_days=3)) as study:
        drawn = study.conclude()
        assert len(drawn.verdicts) > 300
        assert len(drawn.episodes) > 10
