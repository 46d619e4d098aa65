"""Rehearsals: the production crawler on the lab's Internet, and how true it was."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
import uvloop

from crawler.probe.link_checks import LINK_CHECKS
from crawler.recheck.run import PassReport, run_recheck
from crawler.registry.run import enrich
from waterbed.analysis.rankings.tables import ranking_of
from waterbed.lab.score.attribution import AttributionScore, score_attribution
from waterbed.lab.score.compare import Scorecard, compare
from waterbed.lab.score.hops import KindTally, looked_at, score_hops, sight_of
from waterbed.lab.score.looks import Group, LookScore, score_looks
from waterbed.lab.score.paired import Paired, compare_runs
from waterbed.lab.servers.counts import Counts
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.rdap import RdapServers
from waterbed.lab.servers.rdap_papers import registries_of
from waterbed.lab.servers.scene import WorldScene
from waterbed.lab.virtual_time import Told, drive
from waterbed.lab.world.allocations import Papers
from waterbed.lab.world.file import World, read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.replay import read_feed
from waterbed.lab.world.tables import country_csv, hosters_toml, link_checks_toml, routing_csv
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Episode, HopKind, RankingRow
from waterbed.model.errors import InputError
from waterbed.model.facts import Profile
from waterbed.model.urls import spell
from waterbed.store.config import Canary, Config, Lab, Names, Probe, Registry, Schedule, Vantage, write_toml
from waterbed.store.folder import LAB, SETTINGS
from waterbed.study.study import ImportReport, Study, create_study, open_study

BESIDE = "beside"
"""Folder of the second run, in that of the first."""


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
    attribution_score: AttributionScore
    look_scores: Mapping[Group, LookScore]
    hop_tallies: Mapping[HopKind, KindTally]
    episodes: Sequence[Episode] = field(repr=False)
    rows: Sequence[RankingRow] = field(repr=False)
    url_ids: Mapping[str, str] = field(repr=False)
    """By true URL: its keyed id in this study."""
    marker: str
    """The word that all bodies of the lab's servers were full of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A lab run, and the second one that its world asks for."""

    first: Rehearsed
    beside: Rehearsed | None
    paired: Paired | None
    """What the disturbance changed, if the second run was undisturbed."""


def _config(
    *,
    name: str,
    home: str,
    canaries: Sequence[str],
    vantages: tuple[Vantage, ...] = (),
    probe: Probe | None = None,
    schedule: Schedule | None = None,
) -> Config:
    """Settings for loopback: no pause between requests, short patience."""
    return Config(
        study=uuid.uuid4().hex,
        name=name,
        home=home,
        contact="lab@localhost",
        vantage="lab",
        network="first",
        vantages=vantages,
        names=Names(timeout_s=1.5, tries=2),
        probe=probe or _probe(),
        schedule=schedule or Schedule(),
        canary=Canary(targets=tuple(canaries)),
    )


def _probe(*, profile: Profile | None = None, controls: bool = True, timeout_s: float = 8.0) -> Probe:
    probe = Probe(
        delay_s=0.0,
        network_delay_s=0.0,
        per_address=256,
        per_network=4096,
        hosts_at_once=128,
        timeout_s=timeout_s,
        controls=controls,
    )
    if profile is None:
        return probe
    return msgspec.structs.replace(probe, profiles=dict.fromkeys(probe.profiles, profile), default_profile=profile)


def _vantages(world: World, servers: LabServers) -> tuple[Vantage, ...]:
    known = {
        "second": Vantage(name="second", network="second", address="127.0.0.2"),
        "proxy": Vantage(name="via-proxy", network="third", proxy=servers.proxy),
    }
    return tuple(known[name] for name in world.vantages)


def _opened(out: Path, servers: LabServers, now: datetime, config: Config) -> Study:
    """The study of a rehearsal: a new one, or the one that was interrupted."""
    lab = Lab(resolver=servers.resolver, clock=now, connect_to=servers.connect_to)
    if not (out / SETTINGS).exists():
        return create_study(out, config, lab)
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
        _opened(
            out, servers, noon, _config(name=f"Replay of {feed.name}", home="NL", canaries=servers.canary_urls)
        ) as study,
    ):
        for number, table in enumerate(routes):
            told("routing tables", number, len(routes))
            study.add_table(table, day)
        imported = study.import_reports(feed, progress=lambda done: told("import", done, 0))
        passed = run_recheck(study.folder, progress=lambda done, due: told("looks", done, due))
        return Replayed(imported=imported, passed=passed, counts=servers.counts())


def rehearse(scenario: str, out: Path, told: Told, *, profile: Profile | None = None) -> Rehearsal:
    """Run a scenario, and the second run that its world asks for, in the folder `beside` of the first."""
    world = read_world(scenario_path(scenario))
    first = run_world(world, out, told, profile=profile)
    if world.beside == "nothing":
        return Rehearsal(first=first, beside=None, paired=None)
    other = out / BESIDE
    if world.beside == "without_controls":
        beside = run_world(world, other, told, profile=profile, controls=False)
        return Rehearsal(first=first, beside=beside, paired=None)
    beside = run_world(world.undisturbed(), other, told, profile=profile)
    paired = compare_runs(
        first.truth,
        undisturbed=(beside.episodes, beside.rows, beside.url_ids.__getitem__),
        disturbed=(first.episodes, first.rows, first.url_ids.__getitem__),
    )
    return Rehearsal(first=first, beside=beside, paired=paired)


def run_scenario(scenario: str, out: Path, told: Told, *, profile: Profile | None = None) -> Rehearsed:
    """Simulate a scenario, measure it with the production crawler, compare with the truth.

    With a profile, all categories are looked at in it.
    """
    return run_world(read_world(scenario_path(scenario)), out, told, profile=profile)


def run_world(
    world: World, out: Path, told: Told, *, profile: Profile | None = None, controls: bool = True
) -> Rehearsed:
    """The same for a world, if wanted without control looks."""
    if (out / SETTINGS).exists():
        raise InputError(f"{out} holds a study already; choose another folder or remove it first")
    truth = simulate(world)
    scene = WorldScene(truth)
    # Where a hoster lets us hang, each of its hosts costs a whole timeout in each pass.
    patience = 2.0 if any(hoster.blind_to for hoster in world.hoster) else 8.0
    with LabServers(scene, world.start) as servers:
        now = [world.start]
        config = _config(
            name=f"Lab scenario {world.name}",
            home=world.home,
            canaries=servers.canary_urls,
            vantages=_vantages(world, servers),
            probe=_probe(profile=profile, controls=controls, timeout_s=patience),
            # Two runs that are compared look at the same times: what differs is the disturbance alone.
            schedule=Schedule(jitter=0.0) if world.beside == "undisturbed" else None,
        )
        with _opened(out, servers, world.start, config) as study:
            study.folder.clock = lambda: now[0]
            _add_tables(study, truth)
            passes = uvloop.run(_driven(study, truth, servers, now, told))
            counts = servers.counts()
            lab = Lab(resolver=servers.resolver, clock=now[0], connect_to=servers.connect_to)
            write_toml(out / LAB, lab)
            return _scored(study, truth, passes, counts, scene.marker)


async def _driven(study: Study, truth: Truth, servers: LabServers, now: list[datetime], told: Told) -> list[PassReport]:
    """Walk through the world's time; if it has registries, ask them too, at the state that they have by then."""
    if not truth.world.registries:
        return await drive(study, truth, servers, now, told)
    async with RdapServers(registries_of(truth.world, now[0]), lambda: now[0]) as registries:
        # an answer serves for less than a day, so that what is sold is known on its day
        asked = Registry(bases=registries.bases, fresh_days=0.2, retry_hours=1.0)
        study.folder.config = msgspec.structs.replace(study.config, registry=asked)

        async def ask() -> None:
            registries.set_registries(registries_of(truth.world, now[0]))
            await enrich(study.folder)

        return await drive(study, truth, servers, now, told, ask=ask)


def _scored(study: Study, truth: Truth, passes: Sequence[PassReport], counts: Counts, marker: str) -> Rehearsed:
    conclusions, vault = study.conclude(), study.vault
    url_ids = {url: vault.keyed_id("url", spell(url).url) for url in truth.shown}
    rows = ranking_of(conclusions)
    return Rehearsed(
        truth=truth,
        passes=len(passes),
        looks=sum(report.looks for report in passes),
        seconds=sum(report.seconds for report in passes),
        counts=counts,
        score=compare(
            truth, hops=conclusions.hops, episodes=conclusions.episodes, rows=rows, url_id=url_ids.__getitem__
        ),
        attribution_score=score_attribution(
            truth,
            zip(
                (look.url_id for look in conclusions.facts.looks),
                (look.observed_at for look in conclusions.facts.looks),
                conclusions.attributions,
                strict=True,
            ),
            conclusions.episodes,
            conclusions.hops,
            url_ids.__getitem__,
        ),
        hop_tallies=score_hops(
            truth,
            conclusions.hops,
            looked_at(conclusions.verdicts),
            sight_of(study.config.judge, conclusions.until),
            url_ids.__getitem__,
        ),
        look_scores=score_looks(truth, conclusions.facts.looks, conclusions.verdicts, url_ids.__getitem__),
        episodes=conclusions.episodes,
        rows=rows,
        url_ids=url_ids,
        marker=marker,
    )


def _add_tables(study: Study, truth: Truth) -> None:
    """The world's own dated tables; they name invented companies, no host."""
    folder = study.path / "lab-tables"
    folder.mkdir(exist_ok=True)
    for day in Papers(truth.world).days():
        moment = datetime.combine(day, time.max, truth.world.start.tzinfo)
        for kind, text in (
            ("routes", routing_csv(truth.world, moment=moment)),
            ("places", country_csv(truth.world, moment=moment)),
        ):
            path = folder / f"{kind}-{day.isoformat()}.csv"
            path.write_text(text)
            study.add_table(path, day, kind=kind)
    (folder / "hosters.toml").write_text(hosters_toml(truth.world))
    study.set_hosters(folder / "hosters.toml")
    checks = link_checks_toml(truth.world)
    if checks:
        (study.path / LINK_CHECKS).write_text(checks)
