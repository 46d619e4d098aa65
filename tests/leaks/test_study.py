"""Whole studies on the lab, searched for every host there was: files, logs, output, failures."""

import sys
from pathlib import Path
from typing import Any

import pytest

import waterbed.cli
from tests.leaks.names import names_of
from tests.leaks.running import clean, config_home, say
from tests.leaks.search import Search
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.lab.truth import simulate
from waterbed.lab.world import read_world
from waterbed.model.canonical import spell
from waterbed.model.facts import Report
from waterbed.rehearsal import run_scenario
from waterbed.report import publish_study
from waterbed.study import open_study

WORLD = """
name = "leaks"
seed = 4711
start = 2026-01-05T00:00:00Z
days = 1.5
step_s = 5400.0
home = "NL"
[[hoster]]
key = "alpha"
name = "Alpha"
asn = 64496
country = "NL"
v4 = ["28.1.0.0/20"]
removal.median_hours = 4.0
[[hoster]]
key = "beta"
name = "Beta"
asn = 64497
country = "FR"
v4 = ["28.2.0.0/20"]
removal = { median_hours = 6.0, answer_after_removal = "suspended" }
[[hoster]]
key = "gamma"
name = "Gamma"
asn = 64498
country = "US"
v4 = ["28.3.0.0/20"]
v6 = ["2d00:1000::/32"]
[[hoster]]
key = "pages"
name = "Pages"
asn = 64499
country = "US"
v4 = ["28.4.0.0/20"]
kind = "platform"
suffixes = ["github.io"]
[[hoster]]
key = "proxy"
name = "Proxy"
asn = 64500
country = "US"
v4 = ["28.5.0.0/20"]
kind = "proxy"
[sites]
count = 24
behind_proxy = 0.2
suffixes = ["com", "nl", "co.uk", "xn--p1ai"]
categories = { phishing = 3.0, abuse-material = 1.0 }
reported_over_days = [0.0, 0.6]
[movement]
after_takedown = 0.8
delay_hours = [1.0, 6.0]
report_delay_hours = [1.0, 3.0]
[servers]
https_redirect = 0.3
catch_all = 0.1
head_refused = 0.2
body_on_head = 0.2
"""
"""Everything that makes host names travel: moves, redirects, proxies, a platform, IDNA suffixes, suspensions."""


def test_a_whole_study_holds_no_host(tmp_path: Path, out: Path) -> None:
    """Simulated, measured, published, printed in every format: no form of any host is anywhere; a planted one is."""
    (tmp_path / "world.toml").write_text(WORLD)
    done = run_scenario(str(tmp_path / "world.toml"), tmp_path / "study", lambda *_: None)
    hosts = {shown.host for shown in done.truth.shown.values()}
    assert hosts == {shown.host for shown in simulate(read_world(tmp_path / "world.toml")).shown.values()}
    assert (len(hosts) > 24, done.looks > 300, done.score.hops_measured > 0) == (True, True, True)
    study = tmp_path / "study"
    with open_study(study) as opened:
        publish_study(opened, tmp_path / "published")
    for what in ("rank", "hops", "episodes", "verdicts", "attribute"):
        assert say(out, study, what) == 0
    for form in ("csv", "json"):
        assert say(out, study, "episodes", "--format", form) == 0
    assert say(out, study, "recheck", "--all") == 2  # the lab is gone

    search = Search(names_of(hosts))
    assert search.names.count("label") > 10
    found = clean(search, study, tmp_path / "published", out, config_home())
    assert found.files > 40
    log = (out / "debug.log").read_text()
    assert all(said in log for said in ("DEBUG scrapy.crawler", "INFO scrapy.core.engine", "DEBUG sqlalchemy.engine"))

    with open_study(study) as opened, opened.folder.store.writing() as connection:
        connection.exec_driver_sql("UPDATE run SET version = ?", (min(hosts),))
    hits = search.over([study]).hits
    assert {Path(hit.where.partition("!")[0]).name for hit in hits} <= {"waterbed.db", "waterbed.db-wal"}
    assert hits


def test_bad_lines_hold_no_host(tmp_path: Path, out: Path) -> None:
    """Bad lines of every kind, and files of the wrong kind, are refused without their text."""
    hosts = [spell(url).host for url, _ in feed(20)]
    lines = ["url,reported_at,source,category,assessed_illegal"]
    for number, host in enumerate(hosts):
        lines += [
            f"http://{host}/x,soon,s,phishing,",
            f'"http://{host}/x,2026-01-01,s,phishing,',
            f"{host},2026-01-01,s,phishing,",
            f"ftp://{host}/,2026-01-01,s,phishing,",
            f"http://{host}/\x00,2026-01-01,s,phishing,",
            f"http://{host}:99999/,2026-01-01,s,phishing,",
            f"http://{host}/x,2026-01-01,{host},phishing,",
            f"http://{host}/x,2026-01-01,s,http://{host}/,",
            f"http://{host}/x,2026-01-01,s,phishing,{host}",
            f"http://{host}/{number}",
            f"http://a..{host}.{host}/{'x' * 70_000},2026-01-01,s,phishing,",
            f"http://good.{host}/x,2026-01-01,s,phishing,yes",
        ]
    (tmp_path / "broken.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "headless.csv").write_text("\n".join(lines[1:]) + "\n")
    (tmp_path / "page.csv").write_text(f"<html>{hosts[0]}</html>\n")
    (tmp_path / "wrong.toml").write_text(f'[[hoster]]\nname = "{hosts[0]}"\n')
    study = tmp_path / "study"
    assert say(out, study, "init", str(study)) == 0
    assert say(out, study, "import", str(tmp_path / "broken.csv")) == 1
    for words in (("import", "headless.csv"), ("import", "page.csv")):
        assert say(out, study, words[0], str(tmp_path / words[1])) == 2
    with open_study(study) as opened:
        assert opened.folder.store.count(Report) == len(hosts)
    search = Search(names_of([*hosts, *(f"good.{host}" for host in hosts)]))
    clean(search, study, out, config_home())
    assert search.over([tmp_path / "broken.csv"]).hits


PLACES = [
    "crawler.look.Looker.look",
    "crawler.follow.redirect_of",
    "crawler.look.Looker.reaches",
    "crawler.exchange.HostConnections.ask",
    "crawler.recorder.Recorder.write",
    "crawler.session.Session.record",
    "crawler.session.Session._lease",
    "crawler.session.Session._ask_canary",
    "crawler.recorder.next_due",
    "crawler.session.Session.close",
    "attribution.lookups.names.Resolver.resolve",
    "waterbed.store.vault.Vault.open",
    "waterbed.store.sql.Store.record",
    "waterbed.standings.Standings.rows",
]
"""Where bugs are put: each raises an error whose message holds URLs."""


@pytest.mark.parametrize("place", PLACES)
def test_a_bug_whose_message_holds_urls_tells_none(
    place: str, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever breaks, neither log nor output nor store repeats what the error says."""
    pairs = feed(12)
    said = " ".join(url for url, _ in pairs)

    def bug(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"bug near {said}")

    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        with monkeypatch.context() as patched:
            patched.setattr(place, bug)
            codes = [run(study.folder.path, patched, *words) for words in (("recheck",), ("rank",))]
    heard = capfd.readouterr()
    (out / "stdout").write_text(heard.out)
    (out / "stderr").write_text(heard.err)
    search = Search(names_of(spell(url).host for url, _ in pairs))
    clean(search, study.folder.path, out, config_home())
    assert 3 in codes


def run(study: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command line in this process, as the shell would see it end."""
    monkeypatch.setattr(sys, "argv", ["waterbed", "-C", str(study), "--verbose", *words])
    with pytest.raises(SystemExit) as end:
        waterbed.cli.main()
    return int(end.value.code or 0)
