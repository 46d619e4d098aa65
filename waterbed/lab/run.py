"""Runs a world with the production crawler in virtual time.

Also replays a feed.
"""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import uvloop

from waterbed.crawler.probe.link_checks import LINK_CHECKS
from waterbed.crawler.recheck.run import PassReport, recheck, run_recheck
from waterbed.crawler.registry.run import enrich
from waterbed.intake.importer import ImportReport
from waterbed.lab.deliveries import deliver_nothing, import_reports, notify
from waterbed.lab.score.actors import ActorScore, score_actors
from waterbed.lab.score.attribution import AttributionScore, score_attribution
from waterbed.lab.score.compare import RunComparison, Scorecard, compare, compare_runs
from waterbed.lab.score.hop_score import KindTally, looked_at, score_hops, sight_of
from waterbed.lab.score.hotline import HotlineScore, score_hotline
from waterbed.lab.score.looks import Group, LookScore, score_looks
from waterbed.lab.servers.counts import Counts
from waterbed.lab.servers.process import LabServers
from waterbed.lab.servers.rdap import RdapServers
from waterbed.lab.servers.rdap_data import registries_of
from waterbed.lab.servers.scene import WorldScene, down
from waterbed.lab.study_folder import CONTROL_RUN, FolderBefore, opened
from waterbed.lab.world.allocations import Allocations, country_csv, hosters_toml, link_checks_toml, routing_csv
from waterbed.lab.world.file import World
from waterbed.lab.world.hotline import as_hotline
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.replay import read_feed
from waterbed.lab.world.truth import simulate
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.conclusions import Episode, HopKind, RankingRow
from waterbed.model.errors import InputError
from waterbed.model.facts import Profile
from waterbed.model.paces import RARE_SHARE
from waterbed.model.progress import stage, staged
from waterbed.model.urls import canonicalize
from waterbed.store.config import Config, read_config, write_toml
from waterbed.store.folder import LAB
from waterbed.store.machine_settings import Lab
from waterbed.store.own_files import SETTINGS
from waterbed.store.settings import ABUSE_MATERIAL, Canary, Domains, Names, Probe, Registry, Schedule, Vantage
from waterbed.study.study import Study

_ASK_S = 6 * 3600.0
"""Virtual time between two rounds of registries, seconds."""


async def drive(
    study: Study,
    truth: Truth,
    servers: LabServers,
    now: list[datetime],
    *,
    ask: Callable[[], Awaitable[object]] | None = None,
) -> list[PassReport]:
    """Walk through virtual time: import reports, check due URLs.

    `now` holds the study's clock. After the first pass of each quarter of a day `ask` is called: registries are asked
    then. A signal that stopped a pass is raised as KeyboardInterrupt.
    """
    world = truth.world
    reports = sorted((*truth.reports, *truth.elsewhere), key=lambda report: report.reported_at)
    notices = deque(truth.notices)
    empty = [world.start + timedelta(hours=hours) for hours in sorted(world.empty_delivery_hours)]
    step = timedelta(seconds=world.step_s)
    steps = int((world.end - world.start) / step)
    passes: list[PassReport] = []
    at = 0
    for number in staged("steps of virtual time", range(steps + 1)):
        now[0] = world.start + number * step
        servers.set_time(now[0])
        # While our network is down no feed reaches us: what it holds comes afterwards, as after an empty delivery.
        if empty and empty[0] <= now[0]:
            empty.pop(0)
            deliver_nothing(study, world.sites.sources[0])
        elif not down(world, now[0]):
            arrived = at
            while arrived < len(reports) and reports[arrived].reported_at <= now[0]:
                arrived += 1
            import_reports(study, reports[at:arrived])
            at = arrived
        notify(study, [notices.popleft() for _ in range(sum(one.sent_at <= now[0] for one in notices))])
        due = study.store.next_due()
        if due is not None and due <= now[0]:
            passes.append(await recheck(study.folder))
            if passes[-1].stopped == "signal":  # it ended the pass in order, and ends the run too
                raise KeyboardInterrupt
        if ask and number % max(1, round(_ASK_S / world.step_s)) == 0:
            await ask()
    return passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The result of replaying a real feed."""

    imported: ImportReport
    passed: PassReport
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRun:
    """The measurements of a lab run and their scores."""

    truth: Truth
    passes: int
    looks: int
    seconds: float
    counts: Counts
    score: Scorecard
    attribution_score: AttributionScore
    actor_score: ActorScore
    hotline_score: HotlineScore | None
    """None where no hotline adds to the reports."""
    look_scores: Mapping[Group, LookScore]
    hop_tallies: Mapping[HopKind, KindTally]
    episodes: Sequence[Episode] = field(repr=False)
    rows: Sequence[RankingRow] = field(repr=False)
    url_ids: Mapping[str, str] = field(repr=False)
    """By true URL: its keyed id in this study."""
    marker: str
    """The word that all bodies of the lab's servers were full of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRuns:
    """A lab run, and its control run if requested."""

    first: LabRun
    control_run: LabRun | None
    comparison: RunComparison | None
    """The effect of the disturbance, if the control run was undisturbed."""


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


def _schedule(world: World) -> Schedule:
    """Two runs that are compared look at the same times; who hides is found by URLs with rare looks."""
    hides = any(hoster.cloaks for hoster in world.hoster)
    return Schedule(
        jitter=0.0 if world.beside == "undisturbed" else Schedule().jitter,
        rare_share=RARE_SHARE if hides else 0.0,
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
    named = {one: profile for one in probe.profiles if one != ABUSE_MATERIAL}
    return msgspec.structs.replace(probe, profiles=named, default_profile="strict")


def _vantages(world: World, servers: LabServers) -> tuple[Vantage, ...]:
    known = {
        "second": Vantage(name="second", network="second", address="127.0.0.2"),
        "proxy": Vantage(name="via-proxy", network="third", proxy=servers.proxy),
    }
    return tuple(known[name] for name in world.vantages)


def replay(feed: Path, routes: Sequence[Path], day: date, out: Path) -> Replayed:
    """Import a real feed; check each URL once on loopback.

    Called again after an interruption, it goes on where it stopped.
    """
    world = read_feed(feed)
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    before = FolderBefore.of(out)
    with LabServers(world, noon) as servers:
        config = _config(name=f"Replay of {feed.name}", home="NL", canaries=servers.canary_urls)
        with before.unless_whole(config.study), opened(out, servers, noon, config, replay=True) as study:
            return _replayed(study, feed, routes, day, servers)


def _replayed(study: Study, feed: Path, routes: Sequence[Path], day: date, servers: LabServers) -> Replayed:
    for table in staged("routing tables", routes):
        study.add_table(table, day)
    imported, passed = study.import_reports(feed), run_recheck(study.folder)
    return Replayed(imported=imported, passed=passed, counts=servers.counts())


def run_lab(scenario: str, out: Path, *, profile: Profile | None = None) -> LabRuns:
    """Run a scenario, and its control run if requested.

    The control run lies in the folder `beside` of the first. With a profile, all categories but abuse material are
    looked at in it.
    """
    world, before = read_world(scenario_path(scenario)), FolderBefore.of(out)
    first = run_world(world, out, profile=profile)
    if world.beside == "nothing":
        return LabRuns(first=first, control_run=None, comparison=None)
    with before.unless_whole(read_config(out / SETTINGS)[0].study):
        return _compared(world, first, out / CONTROL_RUN, profile)


def _compared(world: World, first: LabRun, control_folder: Path, profile: Profile | None) -> LabRuns:
    if world.beside == "without_controls":
        control_run = run_world(world, control_folder, profile=profile, controls=False)
        return LabRuns(first=first, control_run=control_run, comparison=None)
    control_run = run_world(world.undisturbed(), control_folder, profile=profile)
    comparison = compare_runs(
        first.truth,
        undisturbed=(control_run.episodes, control_run.rows, control_run.url_ids.__getitem__),
        disturbed=(first.episodes, first.rows, first.url_ids.__getitem__),
    )
    return LabRuns(first=first, control_run=control_run, comparison=comparison)


def run_scenario(scenario: str, out: Path, *, profile: Profile | None = None) -> LabRun:
    """Simulate a scenario, measure it with the crawler, score it."""
    return run_world(read_world(scenario_path(scenario)), out, profile=profile)


def run_world(world: World, out: Path, *, profile: Profile | None = None, controls: bool = True) -> LabRun:
    """The same for a world, if wanted without control looks."""
    before = FolderBefore.of(out)
    if (out / SETTINGS).exists():
        raise InputError(f"{out} holds a study already; choose another folder or remove it first")
    with stage("simulating the world"):
        truth = as_hotline(simulate(world))
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
            schedule=_schedule(world),
        )
        with before.unless_whole(config.study), opened(out, servers, world.start, config) as study:
            study.folder.clock = lambda: now[0]
            _add_tables(study, truth)
            passes = uvloop.run(_driven(study, truth, servers, now))
            counts = servers.counts()
            lab = Lab(resolver=servers.resolver, clock=now[0], connect_to=servers.connect_to)
            write_toml(out / LAB, lab)
            return _scored(study, truth, passes, counts, scene.marker)


async def _driven(study: Study, truth: Truth, servers: LabServers, now: list[datetime]) -> list[PassReport]:
    """Walk through the world's time; ask its registries too.

    Registries answer from their state at that virtual time.
    """
    world = truth.world
    if not world.registries and not world.registrar:
        return await drive(study, truth, servers, now)
    async with RdapServers(registries_of(truth, now[0]), lambda: now[0]) as registries:
        # an answer serves for less than a day, so that what is sold is known on its day
        names = {name: base for name, base in registries.bases.items() if name in world.sites.suffixes}
        numbers = {name: base for name, base in registries.bases.items() if name not in names}
        asked = Registry(bases=numbers, fresh_days=0.2, retry_hours=1.0, default_a_minute=600.0)
        kinds = [one for one in world.sites.categories if study.config.probe.profile_of(one) != "strict"]
        domains = Domains(categories=tuple(kinds), bases=names) if names else Domains()
        study.folder.config = msgspec.structs.replace(study.config, registry=asked, domains=domains)

        async def ask() -> None:
            registries.set_registries(registries_of(truth, now[0]))
            if (await enrich(study.folder)).stopped:
                raise KeyboardInterrupt

        return await drive(study, truth, servers, now, ask=ask)


@stage("scoring")
def _scored(study: Study, truth: Truth, passes: Sequence[PassReport], counts: Counts, marker: str) -> LabRun:
    conclusions, vault = study.conclude(), study.vault
    url_ids = {url: vault.keyed_id("url", canonicalize(url).url) for url in truth.shown}
    rows = ranking_of(conclusions)
    hotline = None
    if truth.elsewhere or truth.notices:
        ordered = compliance_of(study, clock="legal_order", conclusions=conclusions).clocks
        hotline = score_hotline(
            truth,
            episodes=conclusions.episodes,
            hops=conclusions.hops,
            reports=conclusions.facts.reports,
            clocks=[clock for group in ordered.values() for clock in group],
            url_id=lambda url: vault.keyed_id("url", canonicalize(url).url),
            special_queries=counts.dns_special,
        )
    return LabRun(
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
                (verdict.url_id for verdict in conclusions.verdicts),
                (verdict.observed_at for verdict in conclusions.verdicts),
                conclusions.attributions,
                strict=True,
            ),
            conclusions.episodes,
            conclusions.hops,
            url_ids.__getitem__,
        ),
        actor_score=score_actors(truth, conclusions.episodes, conclusions.name_ends, url_ids.__getitem__),
        hotline_score=hotline,
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
    """Add the world's dated tables.

    They name invented companies, no host.
    """
    folder = study.path / "lab-tables"
    folder.mkdir(exist_ok=True)
    for day in Allocations(truth.world).days():
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
