"""Whole studies on the lab, searched for every host there was: files, logs, output, failures."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.leaks.names import names_of
from tests.leaks.running import clean, config_home, say, started
from tests.leaks.search import Search
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.lab.run import run_scenario
from waterbed.lab.world.reading import read_world
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.facts import Report
from waterbed.model.urls import canonicalize
from waterbed.publish.release import publish_all
from waterbed.publish.sharing.share import export
from waterbed.store.lake.sealing import seal
from waterbed.store.settings import Publish
from waterbed.study.study import open_study

WORLD = """
name = "leaks"
seed = 4711
start = 2026-01-05T00:00:00Z
days = 1.2
step_s = 7200.0
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
count = 14
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


PRINTED = (
    *((what,) for what in ("hops", "episodes", "verdicts", "attribute")),
    *(("episodes", "--format", form) for form in ("csv", "json")),
    ("rank", "--by", "platform", "--abroad"),
    ("rank", "--table", "volume", "--by", "asn"),
    ("rank", "--table", "places"),
    ("rank", "--table", "sources", "--format", "csv"),
    ("compliance", "--weeks"),
    ("compliance", "--table", "unanswered", "--after", "1"),
    ("fact-sheet", "pages", "--format", "json"),
    ("rank", "--window", "week", "--format", "csv"),
    ("episodes", "--window", "month", "--format", "json"),
)
"""What a study prints: cases, and all that it says of hosters and sources."""
AFTERWARDS = (
    ("report", "--month", "2026-01", "--out", ":report"),
    ("overdue", "--after", "0", "--csv", ":overdue.csv"),
    ("protocol", "init"),
    ("protocol", "lock", "--reason", "a study that is searched"),
    ("protocol", "show"),
    ("reply", "preview", ":previews"),
    ("reply", "list"),
    ("code", "sheet", ":codes.csv", "--coder", "ann"),
    ("code", "effect"),
    ("backup", ":backups"),
    ("lag",),
    ("lake", "verify"),
    ("freeze", ":frozen"),
)
"""What a study gives away after it was measured: to hosters, coders, backups, archives."""


def test_a_whole_study_holds_no_host(tmp_path: Path, out: Path) -> None:
    """Simulated, measured, published, printed in every format: no form of any host is anywhere; a planted one is."""
    (tmp_path / "world.toml").write_text(WORLD)
    done = run_scenario(str(tmp_path / "world.toml"), tmp_path / "study")
    hosts = {shown.host for shown in done.truth.shown.values()}
    assert hosts == {shown.host for shown in simulate(read_world(tmp_path / "world.toml")).shown.values()}
    assert (len(hosts) > 14, done.looks > 200, done.score.hops_measured > 0) == (True, True, True)
    assert {"com", "nl", "co.uk", "xn--p1ai", "github.io"} <= {host.partition(".")[2] for host in hosts}
    study = tmp_path / "study"
    assert say(out, study, "rank") == 0
    for words in (
        ("--format", "json"),
        ("--out", str(tmp_path / "displaced")),
        ("--event", planted_event(tmp_path, hosts)),
    ):
        assert say(out, study, "displacement", *words) == (2 if words[0] == "--event" else 0)
    assert say(out, study, "event", "check", str(tmp_path / "event.toml")) == 2
    for host in sorted(hosts)[:3]:
        assert say(out, study, "event", "init", host, "--date", "2025-04-03") == 2
    (tmp_path / "event.toml").unlink()
    assert started(out, study, "recheck", "--all").wait(120) == 2  # the lab is gone
    (tmp_path / "sent.csv").write_text(sent(done.truth))
    (tmp_path / "told.csv").write_text("\n".join(["url", *(one.url for one in done.truth.shown.values())]) + "\n")
    (tmp_path / "stays.csv").write_text(presence(hosts))
    assert say(out, study, "import", str(tmp_path / "told.csv"), "--source", "other") == 0
    assert say(out, study, "notices", str(tmp_path / "sent.csv")) == 0
    with open_study(study) as opened:
        publish_all(opened, tmp_path / "published")
        allowed = Publish(cases=True, addresses=True, least=1)
        opened.folder.config = msgspec.structs.replace(opened.folder.config, publish=allowed)
        publish_all(opened, tmp_path / "all")
        later = opened.folder.clock() + timedelta(days=30)
        opened.folder.clock = lambda: later
        assert seal(opened.folder).facts > done.looks
        export(opened, tmp_path / "shared", "partner")
    stays = ("sources", "--source", "other", "--presence", str(tmp_path / "stays.csv"))
    codes = {words: say(out, study, *words) for words in (*PRINTED, stays)}
    assert {words for words, code in codes.items() if code} == {stays}
    assert codes[stays] == 1
    for words in AFTERWARDS:
        assert say(out, study, *(str(tmp_path / "given" / w[1:]) if w[:1] == ":" else w for w in words)) < 2

    search = Search(names_of(hosts))
    assert search.names.count("label") > 10
    found = clean(search, study, tmp_path / "published", tmp_path / "all", tmp_path / "displaced", out, config_home())
    clean(search, tmp_path / "shared", tmp_path / "given")
    assert {path.name for path in (tmp_path / "given").iterdir()} == {
        word[1:] for words in AFTERWARDS for word in words if word[:1] == ":"
    }
    assert list((study / "lake").rglob("*.parquet"))
    assert found.files > 40
    log = (out / "debug.log").read_text()
    assert all(said in log for said in ("DEBUG scrapy.crawler", "INFO scrapy.core.engine", "DEBUG sqlalchemy.engine"))

    with open_study(study) as opened, opened.folder.store.writing() as connection:
        connection.exec_driver_sql("UPDATE run SET version = ?", (min(hosts),))
    hits = search.over([study]).hits
    assert {Path(hit.where.partition("!")[0]).name for hit in hits} <= {"waterbed.db", "waterbed.db-wal"}
    assert hits


def planted_event(folder: Path, hosts: set[str]) -> str:
    """An event file that takes a host for a hoster."""
    path = folder / "event.toml"
    path.write_text(f'target = "{min(hosts)}"\ndate = 2025-04-02\nchosen_until = 2025-04-01\ncontrols = ["a", "b"]\n')
    return str(path)


def sent(truth: Truth) -> str:
    """A notice about each URL that was ever shown, as a file."""
    lines = [f"{one.url},AS64496,2026-01-05T06:00Z,2026-01-05T07:00Z" for one in truth.shown.values()]
    return "\n".join(["url,recipient,sent_at,delivered_at", *lines]) + "\n"


def presence(hosts: set[str]) -> str:
    """A presence list in which hosts stand where times belong, and among them an entry."""
    lines = [f"{host},2026-01-05,{host}" for host in sorted(hosts)]
    return "\n".join(["entered,last_listed,first_missing", *lines, "2026-01-01,2026-01-05,2026-01-06"]) + "\n"


def test_bad_lines_hold_no_host(tmp_path: Path, out: Path) -> None:
    """Bad lines of every kind, and files of the wrong kind, are refused without their text."""
    hosts = [canonicalize(url).host for url, _ in feed(20)]
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
    "waterbed.crawler.probe.prober.Prober.check",
    "waterbed.crawler.probe.follow.redirect_of",
    "waterbed.crawler.probe.prober.Prober.reaches",
    "waterbed.crawler.net.http.HostConnections.ask",
    "waterbed.crawler.recheck.recorder.Recorder.write",
    "waterbed.crawler.recheck.session.Session.record",
    "waterbed.crawler.recheck.leasing.Leasing._lease",
    "waterbed.crawler.recheck.session.Session._ask_canary",
    "waterbed.crawler.recheck.recorder.next_due",
    "waterbed.crawler.recheck.session.Session.close",
    "waterbed.attribution.lookups.dns.resolver.Resolver.resolve",
    "waterbed.store.vault.Vault.open",
    "waterbed.crawler.recheck.recorder.record",
    "waterbed.measures.ranking_tables.RankingTables.rows",
]
"""Where bugs are put: each raises an error whose message holds URLs."""


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_a_bug_whose_message_holds_urls_tells_none(
    place: str, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
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
            codes = [say(out, study.folder.path, word) for word in ("recheck", "rank")]
    search = Search(names_of(canonicalize(url).host for url, _ in pairs))
    clean(search, study.folder.path, out, config_home())
    assert 3 in codes
