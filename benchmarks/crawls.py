"""The crawls that are compared, each of processes of its own, measured alike."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from inside import HERE
from servers import OUR_RESOLVER, PEER_RESOLVER, WEB, Servers
from sqlalchemy import distinct, func, select
from work import Work

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.reports import Defaults
from waterbed.model.facts import Observation
from waterbed.model.urls import CanonicalUrl
from waterbed.store.config import Config, read_config, write_toml
from waterbed.store.machine_settings import ConnectTo, Lab
from waterbed.store.own_files import SETTINGS
from waterbed.store.settings import Probe
from waterbed.store.tables import TABLES
from waterbed.store.vault import KEYS_ENVIRONMENT, Keys
from waterbed.study.study import Study, create_study, open_study

COMMAND = ("-m", "waterbed", "-C")
"""The command, as it is started; the study's folder and what it is to do follow."""

LONGEST_S = 900
"""How long one crawl may take, seconds."""

_SENTENCE = re.compile(r"([\d,]+) of [\d,]+ due checks recorded in ([\d.]+) s")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PROBE = Probe(per_address=100_000, delay_s=0.0, per_network=100_000, network_delay_s=0.0)
"""Manners off, as the peers have none; the rest is what a new study has."""
AT_ONCE = 256
"""Requests that `curl` may have in flight, as the other peers have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One crawl: its times, its memory, what the servers counted, and what it says itself.

    `wall_s` is the whole process, `crawl_s` without interpreter start and imports, `cpu_s` user and system time,
    `peak_mib` the most memory that was resident. Of several processes: until the last has ended, the longest, the sums;
    of a command's own workers the sum of times, and the peak of the largest.
    """

    wall_s: float
    crawl_s: float
    cpu_s: float
    peak_mib: float
    queries: int
    requests: int
    answered: int
    said: tuple[dict[str, Any], ...]
    """What each process says of itself: `answered`, `seconds` and whatever else; nothing of curl."""
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
            lines = (report_line(n, url) for n, url in enumerate(work.urls, 1))
            report = study.import_lines(lines, Defaults(source="benchmark", category="phishing"))
        if report.imported != len(work.urls):
            raise RuntimeError("the work holds a URL twice")

    def ours(self, *, controls: bool, words: Sequence[str] = (), script: Sequence[str | Path] = ()) -> Measured:
        """`waterbed recheck` over a fresh copy of the study, or a script, checked by what is on record."""
        path = self._folder / "study"
        shutil.copytree(self._template, path)
        try:
            config = read_config(path / SETTINGS)[0]
            probe = msgspec.structs.replace(config.probe, controls=controls)
            write_toml(path / SETTINGS, msgspec.structs.replace(config, probe=probe))
            line = [script[0], path, *script[1:]] if script else [*COMMAND, path, "recheck", *words]
            found = self._measure([sys.executable, *line], "", OUR_RESOLVER)
            with open_study(path) as study:
                looks, looked_at, ok = _on_record(study)
                still_due = study.folder.store.count_due(NOON)
        finally:
            shutil.rmtree(path)
        found = replace(found, ok=ok)
        urls, hosts = len(self._work.urls), self._work.hosts
        return _checked(
            found,
            (looks == looked_at, f"{looks - looked_at:,} looks doubled"),
            (looked_at == urls and not still_due, f"{looked_at:,} URLs looked at, {still_due:,} still due"),
            (found.answered == urls, f"{found.answered:,} looks in its own count"),
            (found.ok == urls, f"{found.ok:,} answers with status 200"),
            (found.queries >= 2 * hosts, "fewer DNS queries than A and AAAA of each host"),
            (found.requests == urls or (controls and found.requests > urls), "not one HTTP request for each URL"),
        )

    def stock(self) -> Measured:
        """One run of the stock spider."""
        return self._script("stock_spider.py")

    def aiohttp(self) -> Measured:
        """One run of the bare loop."""
        return self._script("aiohttp_heads.py")

    def curl(self) -> Measured:
        """One run of curl, which reads the URLs from standard input and fails at the first status of 400 or more."""
        text = "".join(f'url = "{url.url}"\noutput = "/dev/null"\n' for url in self._work.urls)
        words = ("--head", "--silent", "--fail-early", "--fail", "--parallel", "--parallel-max", str(AT_ONCE))
        found = self._measure(["curl", *words, "--config", "-"], text, PEER_RESOLVER)
        return self._as_asked(replace(found, answered=found.requests, ok=found.requests, crawl_s=found.wall_s))

    def _script(self, name: str) -> Measured:
        text = "\n".join(url.url for url in self._work.urls)
        return self._as_asked(self._measure([sys.executable, HERE / "peers" / name], text, PEER_RESOLVER))

    def _as_asked(self, found: Measured) -> Measured:
        urls = len(self._work.urls)
        return _checked(
            found,
            (found.answered == found.ok == urls, f"{found.answered:,} answers, {found.ok:,} with status 200"),
            (found.queries >= self._work.hosts, "fewer DNS queries than hosts"),
            (found.requests == urls, "not one HTTP request for each URL"),
        )

    def _measure(self, command: Sequence[str | Path], text: str, resolver: tuple[str, int]) -> Measured:
        queries, requests = self._servers.queries(resolver), self._servers.requests()
        program = shutil.which(command[0])
        if program is None:
            raise RuntimeError(f"{command[0]} is not installed")
        # the small process between measures: one started from here would be told this one's peak as its own
        starter = [sys.executable, "-I", "-S", HERE / "copies.py", "1"]
        # standard error is dropped: a stock spider's log names what it asks for
        done = subprocess.run(
            [*starter, program, *command[1:]],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=LONGEST_S,
            check=True,
        )
        *lines, last = done.stdout.splitlines()
        used, said = json.loads(last), [one for one in map(_said, lines) if one]
        return Measured(
            wall_s=used["wall_s"],
            crawl_s=max((one["seconds"] for one in said), default=0.0),
            cpu_s=used["cpu_s"],
            peak_mib=sum(used["peaks_mib"]),
            queries=self._servers.queries(resolver) - queries,
            requests=self._servers.requests() - requests - 1,
            answered=sum(one["answered"] for one in said),
            said=tuple(said),
            ok=sum(one.get("ok", 0) for one in said),
        )


def _said(line: str) -> dict[str, Any]:
    """What a process says of itself: a JSON object, or the sentence of `waterbed recheck`; nothing of what it adds."""
    if sentence := _SENTENCE.match(line):
        return {"answered": int(sentence[1].replace(",", "")), "seconds": float(sentence[2])}
    return dict(json.loads(line)) if line.startswith("{") else {}


def _on_record(study: Study) -> tuple[int, int, int]:
    """How many looks are on record, of how many URLs, how many with status 200; counted by the database."""
    seen = TABLES[Observation].c
    with study.folder.store.reading() as connection:
        looks, urls = connection.execute(select(func.count(), func.count(distinct(seen.url_id)))).one()
        return looks, urls, connection.scalar(select(func.count()).where(seen.status == 200)) or 0


def _checked(found: Measured, *conditions: tuple[bool, str]) -> Measured:
    return replace(found, wrong="; ".join(said for holds, said in conditions if not holds))


def report_line(number: int, url: CanonicalUrl) -> ReportLine:
    """An invented URL as a line of a reports file."""
    return ReportLine(
        line=number,
        canonical=url,
        reported_at=NOON,
        verified_at=None,
        source=None,
        category=None,
        content_id=None,
        site_type=None,
        commercial=None,
        assessed_illegal=None,
    )
