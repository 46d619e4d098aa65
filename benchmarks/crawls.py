"""The two crawls that are compared, each its own process, measured alike."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from servers import OUR_RESOLVER, PEER_RESOLVER, WEB, Servers
from work import Work

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.reports import Defaults
from waterbed.model.canonical import Spelled
from waterbed.model.facts import Observation
from waterbed.store.config import Config, ConnectTo, Lab, Probe, read_config, write_toml
from waterbed.store.folder import SETTINGS
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys
from waterbed.study import create_study, open_study

HERE = Path(__file__).resolve().parent
LONGEST_S = 900
"""How long one crawl may take, seconds."""

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PROBE = Probe(per_address=100_000, delay_s=0.0, per_network=100_000, network_delay_s=0.0)
"""Manners off, as the peer has none; the rest is what a new study has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One crawl: its times, what the servers counted, and what it says itself.

    `wall_s` is the whole process, `crawl_s` without interpreter start and imports, `cpu_s` user and system time.
    """

    wall_s: float
    crawl_s: float
    cpu_s: float
    queries: int
    requests: int
    answered: int
    ok: int
    wrong: str = ""


class Crawls:
    """Runs either crawler over the same work, against the same servers."""

    def __init__(self, work: Work, servers: Servers, folder: Path) -> None:
        """Import the work once; each pass starts from a copy of that study."""
        self._work = work
        self._servers = servers
        self._folder = folder
        self._template = folder / "template"
        os.environ[KEYS_ENVIRONMENT] = Keys.new().to_toml()  # never on disk: what a killed run leaves cannot be opened
        listener = ConnectTo(prefix="0.0.0.0/0", port=WEB[1], listener=f"{WEB[0]}:{WEB[1]}")
        lab = Lab(resolver=f"{OUR_RESOLVER[0]}:{OUR_RESOLVER[1]}", clock=NOON, connect_to=(listener,))
        with create_study(self._template, Config(study="b" * 32, probe=PROBE), lab) as study:
            lines = (_line(n, url) for n, url in enumerate(work.urls, 1))
            report = study.import_lines(lines, Defaults(source="benchmark", category="phishing"))
        if report.imported != len(work.urls):
            raise RuntimeError("the work holds a URL twice")

    def ours(self, *, controls: bool) -> Measured:
        """One pass of Waterbed over a fresh copy of the study, checked by what it recorded."""
        path = self._folder / "study"
        shutil.copytree(self._template, path)
        try:
            config = read_config(path / SETTINGS)[0]
            probe = msgspec.structs.replace(config.probe, controls=controls)
            write_toml(path / SETTINGS, msgspec.structs.replace(config, probe=probe))
            found = self._measure([sys.executable, HERE / "our_pass.py", path], "", OUR_RESOLVER)
            with open_study(path) as study:
                looks = study.folder.store.all(Observation)
                still_due = study.folder.store.count_due(NOON)
        finally:
            shutil.rmtree(path)
        urls, hosts = len(self._work.urls), self._work.hosts
        found = replace(found, ok=sum(look.status == 200 for look in looks))
        return _checked(
            found,
            (len(looks) == urls and not still_due, f"{len(looks):,} looks on record, {still_due:,} URLs still due"),
            (found.answered == urls, f"{found.answered:,} looks in its own count"),
            (found.ok == urls, f"{found.ok:,} answers with status 200"),
            (found.queries >= 2 * hosts, "fewer DNS queries than A and AAAA of each host"),
            (found.requests == urls or (controls and found.requests > urls), "not one HTTP request for each URL"),
        )

    def peer(self) -> Measured:
        """One run of the stock spider."""
        text = "\n".join(url.url for url in self._work.urls)
        found = self._measure([sys.executable, HERE / "peers" / "stock_spider.py"], text, PEER_RESOLVER)
        urls = len(self._work.urls)
        return _checked(
            found,
            (found.answered == found.ok == urls, f"{found.answered:,} answers, {found.ok:,} with status 200"),
            (found.queries >= self._work.hosts, "fewer DNS queries than hosts"),
            (found.requests == urls, "not one HTTP request for each URL"),
        )

    def _measure(self, command: list[str | Path], text: str, resolver: tuple[str, int]) -> Measured:
        queries, requests = self._servers.queries(resolver), self._servers.requests()
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        # standard error is dropped: a stock spider's log names what it asks for
        done = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=LONGEST_S,
            check=True,
        )
        wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        said = json.loads(done.stdout)
        return Measured(
            wall_s=wall_s,
            crawl_s=said["seconds"],
            cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            queries=self._servers.queries(resolver) - queries,
            requests=self._servers.requests() - requests - 1,
            answered=said["answered"],
            ok=said.get("ok", 0),
        )


def _checked(found: Measured, *conditions: tuple[bool, str]) -> Measured:
    return replace(found, wrong="; ".join(said for holds, said in conditions if not holds))


def _line(number: int, url: Spelled) -> ReportLine:
    return ReportLine(
        line=number,
        spelled=url,
        reported_at=NOON,
        verified_at=None,
        source=None,
        category=None,
        content_id=None,
        site_type=None,
        commercial=None,
        assessed_illegal=None,
    )
