"""Lab runs end to end: the production crawler against known truth."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from waterbed.lab.run import run_scenario
from waterbed.lab.world.reading import scenario_path
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.errors import InputError
from waterbed.publish.release import publish_all
from waterbed.study.study import open_study


def shortened(name: str, folder: Path, **changes: str) -> str:
    """A shipped scenario with fewer sites and days; `changes` replace whole lines by their key."""
    lines = []
    for line in scenario_path(name).read_text().splitlines():
        key = line.split(" = ")[0]
        lines.append(f"{key} = {changes[key]}" if key in changes else line)
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.long
def test_a_quiet_world_has_no_hop_and_true_shares(tmp_path: Path) -> None:
    """Takedowns without movement: no hop is seen, shares are near the truth, no body byte is taken."""
    done = run_scenario(
        shortened("quiet", tmp_path, days="2.5", count="40", step_s="7200.0", reported_over_days="[0.0, 1.0]"),
        tmp_path / "s",
    )
    assert (done.score.hops_measured, done.score.hops_true) == (0, 0)
    assert done.score.ends_covered == 1.0
    assert done.score.removal
    assert done.score.removal_most_off is not None
    assert done.score.removal_most_off < 0.1
    # HEAD is answered as it should be; 404 is confirmed by GET, whose page is a line long
    assert max(done.counts.excess_plain_most, done.counts.excess_tls_most) <= 100


@pytest.mark.long
def test_a_moving_world_gives_its_hops(tmp_path: Path) -> None:
    """Detectable hops are found, and hardly any that did not happen."""
    world = shortened("waterbed", tmp_path, days="5", count="60", day="2.5", step_s="7200.0")
    done = run_scenario(world, tmp_path / "s")
    score = done.score
    assert score.hops_detectable > 15
    assert score.hop_precision is not None
    assert score.hop_precision > 0.9
    assert score.hop_recall is not None
    assert score.hop_recall > 0.85
    assert score.order_wrong == 0
    with open_study(tmp_path / "s") as study:
        files = publish_all(study, tmp_path / "out")
    assert files[-1].name == "index.html"
    page = files[-1].read_text()
    shown = done.truth.shown.values()
    assert not [None for one in shown if one.host in page]


@pytest.mark.long
def test_a_hostile_world_takes_no_content_and_believes_no_outage(tmp_path: Path) -> None:
    """Images behind refused and lying HEADs are not taken; our outage makes no removal; proxies are not ranked."""
    done = run_scenario(
        shortened(
            "hostile",
            tmp_path,
            days="1.5",
            count="24",
            step_s="7200.0",
            reported_over_days="[0.0, 0.5]",
            from_hour="20.0",
            to_hour="26.0",
            head_refused="0.3",
        ),
        tmp_path / "s",
    )
    assert done.counts.requests["GET"] > 0
    assert 0 < done.counts.excess_plain_most <= 2048
    assert 0 < done.counts.excess_tls_most <= 16_384
    with open_study(tmp_path / "s") as study:
        conclusions = study.conclude()
        rows = {row.key: row for row in ranking_of(conclusions)}
        outage = done.truth.world.outage[0]
        start = done.truth.world.start
    proxies = [hoster.key for hoster in done.truth.world.hoster if hoster.kind == "proxy"]
    assert [rows[key].rank_class for key in proxies if key in rows] == ["proxy"] * sum(key in rows for key in proxies)
    inside = [
        verdict
        for verdict in conclusions.verdicts
        if outage.from_hour * 3600 <= (verdict.observed_at - start).total_seconds() < outage.to_hour * 3600
    ]
    assert not [verdict for verdict in inside if verdict.state == "down"]


def test_a_study_is_never_overwritten_by_a_rehearsal(tmp_path: Path) -> None:
    """A folder with a study is refused, and so is an unknown scenario."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "waterbed.toml").write_text("study = 'x'\n")
    with pytest.raises(InputError, match="holds a study already"):
        run_scenario("quiet", tmp_path / "s")
    with pytest.raises(InputError):
        run_scenario("no-such-scenario", tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_run(tmp_path: Path, number: signal.Signals) -> None:
    """Heard within a pass it ends the whole run, with one sentence on what is left."""
    started = "import sys; sys.argv[0] = 'waterbed'; from waterbed.cli.main import main; main()"
    line = [sys.executable, "-c", started, "lab", "run", "waterbed", "--out", str(tmp_path / "s")]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        try:
            while time.monotonic() < until and not (tmp_path / "s" / "waterbed.db").exists():
                time.sleep(0.1)
            time.sleep(3)  # passes follow upon each other now
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    if number is signal.SIGINT or process.returncode != -number:  # between two passes SIGTERM is the kernel's
        assert process.returncode == 130
        assert said == (
            f"waterbed: stopped; the study in {tmp_path / 's'} is half written: remove that folder, or name another "
            "one, before you start again\n"
        )
