"""Who rents from whom in lab worlds whose chains are known."""

import random
from datetime import datetime, time
from ipaddress import ip_network
from pathlib import Path

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.relations import read_relations
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.lab.simulate.study import _registrations
from waterbed.lab.world.allocations import Allocations, hosters_toml, routing_csv
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.measures.carriers import rents_of


def test_roles_are_those_of_the_worlds_chains(tmp_path: Path) -> None:
    """Resellers rent from the holders of the networks around theirs, ASes from drawn carriers, nobody else rents."""
    world = read_world(scenario_path("attribution"))
    allocations = Allocations(world)
    day = allocations.days()[0]
    moment = datetime.combine(day, time.max, world.start.tzinfo)
    (tmp_path / "routes.csv").write_text(routing_csv(world, moment=moment))
    routes = read_routes(tmp_path / "routes.csv")
    carried = _drawn(sorted(set(routes.table.members.tolist())), random.Random(5))
    (tmp_path / "relations").write_text("".join(f"{provider}|{asn}|-1\n" for asn, provider in sorted(carried)))
    book = book_from(hosters_toml(world).encode())
    attributor = Attributor(
        routes=[(day, routes)],
        relations=[(day, read_relations(tmp_path / "relations"))],
        registered=RegistrationIndex(_registrations(world, allocations)),
        book=book,
        suffixes={},
        max_age_days=31.0,
    )
    held = list(allocations.of_day(moment))
    addresses = tuple(str(ip_network(one.network)[1]) for one in held)
    found = rents_of(attributor, addresses, day)
    company = book.on(day).key_of_as
    true = {(company(asn), company(provider)) for asn, provider in carried} - {(key, key) for key in book.by_key}
    assert {(a, b) for a, b, kind in found if kind == "transit"} == true
    within = {(one.holder.key, one.parent.holder.key) for one in held if one.parent}
    announced = {
        (one.holder.key, company(asn))
        for one in held
        for asn in one.origins
        if one.holder.key not in map(company, one.origins)
    }
    assert len(within) > 1
    assert {(a, b) for a, b, kind in found if kind == "reseller of"} == within | announced


def _drawn(origins: list[int], rng: random.Random) -> set[tuple[int, int]]:
    """Each AS with one to three carriers, these with one or two above them."""
    carriers, top = list(range(70_001, 70_009)), [80_001, 80_002]
    pairs = {(asn, one) for asn in origins for one in rng.sample(carriers, rng.randint(1, 3))}
    used = {one for _, one in pairs}
    return pairs | {(one, above) for one in used for above in rng.sample(top, rng.randint(1, 2))}
