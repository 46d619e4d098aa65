"""Sites that get other addresses at the hoster that they have: nothing moves."""

from ipaddress import ip_address, ip_network

from waterbed.lab.world.addressing import address_in, arrangement_of
from waterbed.lab.world.file import Renumbering
from waterbed.lab.world.moving import Course
from waterbed.lab.world.traits import Chances


def renumber(course: Course, event: Renumbering, now: int) -> None:
    """Give a share of a hoster's sites addresses in one prefix; those of the other family stay."""
    network = ip_network(event.prefix)
    listed = next(hoster for hoster in course.world.hoster if event.prefix in (*hoster.v4, *hoster.v6))
    for site in course.sites:
        said = course.hosts.get(site.host)
        plain = arrangement_of(course.world, site.host, site.operator) == "plain"
        if site.operator.key != event.hoster or site.front or not plain or not said or not said[-1][1]:
            continue
        chances = Chances(course.world, f"{site.host} {event.prefix}")
        if chances.share("renumbered") >= event.share:
            continue
        kept = [address for address in said[-1][1] if ip_address(address).version != network.version]
        said.append((now, tuple(sorted({*kept, address_in(network, chances.rng("address"))}))))
        if listed is not site.operator:  # bought: the seller's listener still plays that prefix
            course.beside[site.host] = (*course.beside.get(site.host, ()), listed.key)
