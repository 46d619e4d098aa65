"""Virtual studies: facts in memory, the production's conclusions, no network."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from ipaddress import ip_network
from pathlib import Path

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.judging.rules import read_rules
from waterbed.lab.score.hop_score import KindTally, looked_at, score_hops, sight_of
from waterbed.lab.simulate.facts import LookPlan, virtual_facts
from waterbed.lab.simulate.single_facts import keyed, url_id_of
from waterbed.lab.world.allocations import Allocation, Allocations, country_csv, handle_of, hosters_toml, routing_csv
from waterbed.lab.world.file import World
from waterbed.lab.world.records import Truth
from waterbed.model.conclusions import HopKind
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.store.settings import Judge
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts
from waterbed.study.linking import ROOT, OpenedNames


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualStudy:
    """The conclusions of a virtual study, and its keyed ids.

    `url_ids` is by true URL.
    """

    conclusions: Conclusions
    judge: Judge
    url_ids: dict[str, str] = field(repr=False)


def virtual_study(truth: Truth, plan: LookPlan, rng: random.Random) -> VirtualStudy:
    """Record a virtual study and draw the production's conclusions.

    Only the network is left out: judging, attribution as of the day from the world's own tables and registrations,
    confirmation, episodes, links and hops are those of any study.
    """
    seen = virtual_facts(truth, plan, rng)
    facts = Facts(
        targets=seen.targets,
        reports=seen.reports,
        looks=seen.looks,
        resolutions=seen.resolutions,
        controls=seen.controls,
        canaries=seen.canaries,
    )
    config = Config(study="virtual", name=truth.world.name, home=truth.world.home)
    return VirtualStudy(
        conclusions=Conclusions(
            facts,
            attributor_of_world(truth.world),
            read_rules(),
            config,
            OpenedNames(common=frozenset([keyed("path", ROOT)])),
        ),
        judge=config.judge,
        url_ids={url: url_id_of(url) for url in truth.shown},
    )


def score_virtual(truth: Truth, study: VirtualStudy) -> dict[HopKind, KindTally]:
    """Score the hops of a virtual study by kind."""
    conclusions = study.conclusions
    sight = sight_of(study.judge, conclusions.until)
    return score_hops(truth, conclusions.hops, looked_at(conclusions.verdicts), sight, study.url_ids.__getitem__)


def attributor_of_world(world: World) -> Attributor:
    """Attribute addresses in a world by its own daily tables.

    There is one set of tables for each day on which something changes.
    """
    allocations = Allocations(world)
    book = book_from(hosters_toml(world).encode())
    routes, countries = [], []
    with tempfile.TemporaryDirectory(prefix="waterbed-virtual-") as name:
        path = Path(name) / "table.csv"
        for day in allocations.days():
            moment = datetime.combine(day, time.max, world.start.tzinfo)
            path.write_text(routing_csv(world, moment=moment))
            routes.append((day, read_routes(path)))
            path.write_text(country_csv(world, moment=moment))
            countries.append((day, read_countries(path)))
    registrations = list(_registrations(world, allocations)) if world.registries else []
    return Attributor(
        routes=routes,
        countries=countries,
        registered=RegistrationIndex(registrations) if registrations else None,
        book=book,
        suffixes={keyed("suffix", suffix): suffix for suffix in book.suffixes()},
        max_age_days=31.0,
    )


def _registrations(world: World, allocations: Allocations) -> Iterator[Registration]:
    """Yield each network's registration on each day of change."""
    for day in allocations.days():
        moment = datetime.combine(day, time.max, world.start.tzinfo)
        for allocation in allocations.of_day(moment):
            level, above = 0, allocation
            while True:
                yield _registration(allocation, above, level, moment)
                if above.parent is None:
                    break
                level, above = level + 1, above.parent


def _registration(asked: Allocation, allocation: Allocation, level: int, moment: datetime) -> Registration:
    network = ip_network(allocation.network)
    return Registration(
        registration_id=keyed("registration", f"{asked.network} {allocation.network} {moment.isoformat()}"),
        asked=str(asked.network[0]),
        kind="network",
        level=level,
        status="ok",
        reason=None,
        registry=allocation.registry,
        first=str(network[0]),
        last=str(network[-1]),
        handle=f"NET-{network}",
        parent_handle=f"NET-{allocation.parent.network}" if allocation.parent else None,
        name=f"{allocation.holder.key.upper()}-NET",
        allocation="ASSIGNED PA" if allocation.parent else "ALLOCATED PA",
        country=allocation.holder.country,
        holder=handle_of(allocation.holder),
        holder_name=allocation.holder.name,
        abuse_id=None,
        etag=None,
        source="rdap",
        fetched_at=moment,
    )
