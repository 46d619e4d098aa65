"""Files of notices, searched for every host there was: output, store, failures."""

from pathlib import Path

from tests.leaks.names import names_of
from tests.leaks.running import clean, config_home, say
from tests.leaks.search import Search
from tests.study.rig import feed, reports_csv
from waterbed.model.facts import Notice
from waterbed.model.urls import canonicalize
from waterbed.study.study import open_study


def test_notices_hold_no_host(tmp_path: Path, out: Path) -> None:
    """Good notices, bad lines of every kind and files of the wrong kind: nothing repeats an address."""
    pairs = feed(12)
    hosts = [canonicalize(url).host for url, _ in pairs]
    lines = ["url,recipient,sent_at,kind,sender,batch,response"]
    for url, _ in pairs:
        host = canonicalize(url).host
        lines += [
            f"{url},AS64500,2026-01-05,ntd,us,1,done",
            f"{url},abuse@{host},2026-01-05,ntd,us,1,",
            f"{url},http:{host},2026-01-05,ntd,us,1,",
            f"{url},whois:{host}/x,2026-01-05,ntd,us,1,",
            f"{url},AS64500,{host},ntd,us,1,",
            f"{url},AS64500,2026-01-05,{host},us,1,",
            f"{url},AS64500,2026-01-05,ntd,{host},1,",
            f"{url},AS64500,2026-01-05,ntd,us,{host},",
            f"{url},AS64500,2026-01-05,ntd,us,1,see {host}",
            f'"{url},AS64500,2026-01-05,ntd,us,1,',
            f"http://other.{host}/,AS64500,2026-01-05,ntd,us,1,",
            f"{host},AS64500,2026-01-05,ntd,us,1,",
        ]
    (tmp_path / "sent.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "headless.csv").write_text("\n".join(lines[1:]) + "\n")
    study = tmp_path / "study"
    assert say(out, study, "init", str(study)) == 0
    assert say(out, study, "import", str(reports_csv(pairs, tmp_path))) == 0
    assert say(out, study, "notices", str(tmp_path / "sent.csv")) == 1
    assert say(out, study, "notices", str(tmp_path / "headless.csv")) == 2
    assert say(out, study, "notices", str(tmp_path / "sent.csv"), "--sender", hosts[0]) == 2
    assert say(out, study, "fact-sheet", hosts[0]) == 2
    assert say(out, study, "compliance", "--table", "notices") == 0
    assert say(out, study, "fact-sheet", "AS64500", "--format", "json") == 0
    with open_study(study) as opened:
        assert opened.folder.store.count(Notice) == len(pairs)
    search = Search(names_of([*hosts, *(f"other.{host}" for host in hosts)]))
    clean(search, study, out, config_home())
    assert search.over([tmp_path / "sent.csv"]).hits
