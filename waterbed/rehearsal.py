"""Rehearsals: the production crawler on the lab's Internet, and how true it was."""

import asyncio
import csv
import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from crawler.recheck import PassReport, recheck
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults
from waterbed.lab.compare import Scorecard, compare
from waterbed.lab.http_server import Counts
from waterbed.lab.records import TrueReport, Truth
from waterbed.lab.replay import read_feed
from waterbed.lab.servers import LabServers
from waterbed.lab.state import WorldScene
from waterbed.lab.tables import country_csv, hosters_toml, routing_csv
from waterbed.lab.truth import simulate
from waterbed.lab.world import read_world, scenario_path
from waterbed.model.canonical import spell
from waterbed.model.errors import InputError
from waterbed.store.config import Canary, Config, Lab, Names, Probe, write_toml
from waterbed.store.folder import LAB, SETTINGS
from waterbed.study import ImportReport, Study, create_study, open_study

Told = Callable[[str, int, int], None]
"""Told what is going on, how much is done, how much there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay of a real feed did."""

    imported: ImportReport
    passed: PassReport
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a lab run measured, and how true it was."""

    truth: Truth
    passes: int
    looks: int
    seconds: float
    counts: Counts
    score: Scorecard


def _config(*, name: str, home: str, canaries: Sequence[str]) -> Config:
    """Settings for loopback: no pause between requests, short patience."""
    return Config(
        study=uuid.uuid4().hex,
        name=name,
        home=home,
        contact="lab@localhost",
        vantage="lab",
        names=Names(timeout_s=3.0, tries=2),
        probe=Probe(delay_s=0.0, per_address=256, hosts_at_once=128, timeout_s=8.0),
        canary=Canary(targets=tuple(canaries)),
    )


def _opened(out: Path, servers: LabServers, now: datetime, *, name: str, home: str) -> Study:
    """The study of a rehearsal: a new one, or the one that was interrupted."""
    lab = Lab(resolver=servers.resolver, clock=now, connect_to=servers.connect_to)
    if not (out / SETTINGS).exists():
        return create_study(out, _config(name=name, home=home, canaries=servers.canary_urls), lab)
    if not (out / LAB).exists():
        raise InputError(f"{out} holds a study that is not of the lab; choose another folder")
    write_toml(out / LAB, lab)
    return open_study(out)


def replay(feed: Path, routes: Sequence[Path], day: date, out: Path, told: Told) -> Replayed:
    """Import a real feed, let its hosts answer on loopback, look at each URL once.

    Called again after an interruption, it goes on where it stopped.
    """
    world = read_feed(feed)
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    with (
        LabServers(world, noon) as servers,
        _opened(out, servers, noon, name=f"Replay of {feed.name}", home="NL") as study,
    ):
        for number, table in enumerate(routes):
            told("routing tables", number, len(routes))
            study.add_table(table, day)
        imported = study.import_reports(feed, progress=lambda done: told("import", done, 0))
        passed = study.recheck(progress=lambda done, due: told("looks", done, due))
        return Replayed(imported=imported, passed=passed, counts=servers.counts())


def run_scenario(scenario: str, out: Path, told: Told) -> Rehearsed:
    """Simulate a scenario, measure it with the production crawler, compare with the truth."""
    if (out / SETTINGS).exists():
        raise InputError(f"{out} holds a study already; choose another folder or remove it first")
    world = read_world(scenario_path(scenario))
    truth = simulate(world)
    with LabServers(WorldScene(truth), world.start) as servers:
        now = [world.start]
        with _opened(out, servers, world.start, name=f"Lab scenario {world.name}", home=world.home) as study:
            study.folder.clock = lambda: now[0]
            _add_tables(study, truth)
            measured = asyncio.run(_drive(study, truth, servers, now, told))
            counts = servers.counts()
            lab = Lab(resolver=servers.resolver, clock=now[0], connect_to=servers.connect_to)
            write_toml(out / LAB, lab)
            conclusions = study.conclude()
            vault = study.folder.vault
            score = compare(
                truth,
                hops=conclusions.hops,
                episodes=conclusions.episodes,
                rows=conclusions.rank("hoster"),
                url_id=lambda url: vault.keyed_id("url", spell(url).url),
            )
    return Rehearsed(
        truth=truth,
        passes=len(measured),
        looks=sum(report.looks for report in measured),
        seconds=sum(report.seconds for report in measured),
        counts=counts,
        score=score,
    )


def _add_tables(study: Study, truth: Truth) -> None:
    """The world's own dated tables; they name invented companies, no host."""
    folder = study.folder.path / "lab-tables"
    folder.mkdir(exist_ok=True)
    day = truth.world.start.date()
    for name, text, kind in (
        ("routes.csv", routing_csv(truth.world), "routes"),
        ("places.csv", country_csv(truth.world), "places"),
    ):
        (folder / name).write_text(text)
        study.add_table(folder / name, day, kind=kind)
    (folder / "hosters.toml").write_text(hosters_toml(truth.world))
    study.set_hosters(folder / "hosters.toml")


async def _drive(study: Study, truth: Truth, servers: LabServers, now: list[datetime], told: Told) -> list[PassReport]:
    """Walk through virtual time: reports come in, what is due is looked at."""
    reports = sorted(truth.reports, key=lambda report: report.reported_at)
    step = timedelta(seconds=truth.world.step_s)
    steps = int((truth.world.end - truth.world.start) / step)
    passes: list[PassReport] = []
    at = 0
    for number in range(steps + 1):
        now[0] = truth.world.start + number * step
        servers.set_time(now[0])
        arrived = at
        while arrived < len(reports) and reports[arrived].reported_at <= now[0]:
            arrived += 1
        if arrived > at:
            _import(study, reports[at:arrived])
            at = arrived
        due = study.folder.store.next_due()
        if due is not None and due <= now[0]:
            passes.append(await recheck(study.folder))
        told("virtual hours", number, steps)
    return passes


def _import(study: Study, reports: Sequence[TrueReport]) -> None:
    """Through the ordinary intake, but in memory: no file ever holds a URL in the clear."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("url", "reported_at", "source", "category", "content_id"))
    for report in reports:
        writer.writerow((report.url, report.reported_at.isoformat(), report.source, report.category, report.content_id))
    lines = parse_csv_reports(text.getvalue().splitlines(), "the lab's reports")
    study.import_lines(lines, Defaults(source="lab", category="phishing"))
