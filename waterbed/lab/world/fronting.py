"""Sites that go behind a reverse proxy while they are up: their hoster stays, and is seen no more."""

from collections.abc import Sequence

from waterbed.lab.world.actors import Site
from waterbed.lab.world.addressing import addresses_at, arrangement_of
from waterbed.lab.world.file import Hoster, World
from waterbed.lab.world.moving import Course
from waterbed.lab.world.traits import Chances


def put_in_front(course: Course, proxy: Hoster, share: float, now: int) -> None:
    """Put a proxy in front of a share of the plain sites that are up."""
    for site in _chosen(course.world, course.sites, share):
        site.front = proxy
        site.moves += 1
        before = [(leaf, leaf.stay) for leaf in site.leaves]
        for leaf, stay in before:
            if stay is not None:
                course.finish(leaf, now, "masked", None)
        rng = Chances(course.world, site.host).rng("front addresses")
        course.hosts[site.host].append((now, addresses_at(proxy, course.world.sites, rng)))
        course.places[site.host].append((now, proxy.key))
        for leaf, stay in before:
            if stay is not None:
                stay.goes_on = course.begin(leaf, now)


def take_away(course: Course, proxy: Hoster, now: int) -> None:
    """Let the sites behind a proxy answer from their hosters again."""
    for site in course.sites:
        if site.front is not proxy:
            continue
        site.front = None
        site.moves += 1
        before = [(leaf, leaf.stay) for leaf in site.leaves]
        for leaf, stay in before:
            if stay is not None:
                course.finish(leaf, now, "unmasked", None)
        if course.hosts.get(site.host, [(0, None)])[-1][1] is None:
            continue
        rng = Chances(course.world, site.host).rng("back addresses")
        course.hosts[site.host].append((now, addresses_at(site.operator, course.world.sites, rng)))
        course.places[site.host].append((now, site.operator.key))
        for leaf, stay in before:
            if stay is not None:
                stay.goes_on = course.begin(leaf, now)


def _chosen(world: World, sites: Sequence[Site], share: float) -> list[Site]:
    return [
        site
        for site in sites
        if site.front is None
        and site.operator.kind == "hoster"
        and arrangement_of(world, site.host, site.operator) == "plain"
        and Chances(world, site.host).share("front") < share
        and any(leaf.stay is not None for leaf in site.leaves)
    ]
