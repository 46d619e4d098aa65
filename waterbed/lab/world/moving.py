"""Where content goes: re-pointing, copies, fronting, renumbering."""

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from random import Random
from typing import Protocol

from waterbed.lab.world.addressing import Chances, address_in, addresses_at, arrangement_of
from waterbed.lab.world.file import Hoster, Renumbering, World
from waterbed.lab.world.records import HOUR, Leaf, Link, Page, Placement, Site, TrueCause
from waterbed.model.conclusions import HopKind


class EventQueue(Protocol):
    """What moves of content need of the course of a world."""

    world: World
    rng: Random
    sites: list[Site]
    links: list[Link]
    hosts: dict[str, list[tuple[int, tuple[str, ...] | None]]]
    places: dict[str, list[tuple[int, str]]]
    beside: dict[str, tuple[str, ...]]
    moved: dict[str, str]
    moved_urls: dict[str, str]

    def later(self, when: int, happen: Callable[[int], object]) -> None:
        """Something will happen at a time."""

    def hours(self, low_high: tuple[float, float]) -> int:
        """Seconds drawn from a range of hours."""

    def new_site(self, operator: Hoster, front: Hoster | None, category: str, source: str, *, label: str = "") -> Site:
        """A new name at an operator."""

    def new_leaf(self, site: Site, number: int, original: Leaf | None) -> Leaf:
        """A new URL of a site."""

    def appear(self, site: Site, now: int) -> None:
        """A site answers from now on."""

    def begin(self, leaf: Leaf, now: int) -> Placement:
        """A URL is up from now on."""

    def report(self, leaf: Leaf, now: int) -> None:
        """A URL is reported."""

    def finish(self, leaf: Leaf, now: int, cause: TrueCause, page: Page | None) -> None:
        """A URL's stay is over."""


def react(course: EventQueue, site: Site, gone: list[Leaf], now: int) -> None:
    """What the owner does about a takedown: nothing, or content appears again."""
    movement = course.world.movement
    if not gone or course.rng.random() >= movement.after_takedown:
        return
    when = now + max(60, course.hours(movement.delay_hours))
    weights = {"relocation": movement.relocation, "copy": movement.copy, "back": movement.back}
    kind = course.rng.choices(list(weights), weights=list(weights.values()))[0] if any(weights.values()) else "copy"
    if kind == "back":
        course.later(when, partial(_come_back, course, site, site.moves))
        return
    # Behind a proxy, on a platform and without a name, the same name cannot be re-pointed to be seen elsewhere.
    nameless = site.operator.removal.answer_after_removal in ("name_gone", "parked")
    fixed = nameless or site.front is not None or site.operator.kind == "platform"
    if kind == "copy" or fixed:
        plan_copy(course, gone, when)
        return
    course.later(when, partial(_relocate, course, site, site.moves))


def plan_flight(course: EventQueue, leaf: Leaf, now: int, removed: int) -> None:
    """Whether the owner of a reported page leaves before it is removed; who has moved before stays.

    With several pages reported, the first flight takes all along.
    """
    site, movement = leaf.site, course.world.movement
    chances = Chances(course.world, leaf.shown.url)
    bound = site.moves > 0 or site.front is not None or site.operator.kind != "hoster"
    if bound or removed <= now + HOUR or chances.share("flight") >= movement.flight:
        return
    leads = chances.share("redirect") < movement.redirect
    when = round(chances.rng("flight hour").uniform(now + HOUR // 2, removed - HOUR // 2))
    course.later(when, partial(_flee, course, leaf, leaf.stay, site.moves, leads))


def _flee(course: EventQueue, leaf: Leaf, stay: Placement | None, moves: int, leads: bool, now: int) -> None:
    site = leaf.site
    if site.moves != moves or leaf.stay is not stay:
        return
    if leads:
        site.moves += 1
        move(course, site, now)
    else:
        _relocate(course, site, moves, now)


def _come_back(course: EventQueue, site: Site, moves: int, now: int) -> None:
    """The whole site is up again where it was."""
    if site.moves != moves or any(leaf.stay is not None for leaf in site.leaves):
        return
    site.moves += 1
    if course.hosts[site.host][-1][1] is None:
        course.hosts[site.host].append((now, ()))  # the name exists again
    course.appear(site, now)
    hear_of(course, site, site.operator, now)


def _relocate(course: EventQueue, site: Site, moves: int, now: int) -> None:
    to = destination(course.world, course.rng, site, ("hoster",))
    if site.moves != moves or to is None:
        return
    site.moves += 1
    before: list[tuple[Leaf, Placement | None, HopKind]] = []
    for leaf in site.leaves:
        kind: HopKind = "reappearance" if leaf.stay is None else "relocation"
        if leaf.stay is not None:
            course.finish(leaf, now, "moved", None)
        before.append((leaf, leaf.last, kind))
    site.operator = to
    course.appear(site, now)
    for leaf, stay, kind in before:
        if stay is not None and leaf.stay is not None:
            course.links.append(Link(before=stay, after=leaf.stay, kind=kind))
    hear_of(course, site, to, now)


def move(course: EventQueue, site: Site, now: int) -> None:
    """The owner takes the whole site to a new name elsewhere, and lets the old one lead there for good."""
    leaves = [leaf for leaf in site.leaves if leaf.stay is not None]
    stays = [leaf.stay for leaf in leaves]
    new = _copy(course, leaves, stays, "redirect", now)
    for leaf in leaves:
        course.finish(leaf, now, "moved", "404" if new is None else "moved")
    if new is not None:
        course.moved[site.host] = f"{new.scheme}://{new.host}"
        course.moved_urls.update((a.shown.url, b.shown.url) for a, b in zip(leaves, new.leaves, strict=True))


def plan_copy(course: EventQueue, leaves: list[Leaf], when: int) -> None:
    """Copies of some URLs of one site will appear under one new name."""
    stays = [leaf.stay or leaf.last for leaf in leaves]
    course.later(when, partial(_copy, course, leaves, stays, "copy"))


def _copy(
    course: EventQueue, leaves: list[Leaf], stays: list[Placement | None], kind: HopKind, now: int
) -> Site | None:
    old = leaves[0].site
    to = destination(course.world, course.rng, old, ("hoster", "platform"))
    if to is None:
        return None
    label = _label_kept(course, old, to) if kind == "copy" else ""
    site = course.new_site(to, None, old.category, old.source, label=label)
    site.moves = int(kind == "redirect")  # it is the one that fled
    kind = "tld" if label and _label(site) == label else kind
    for number, leaf in enumerate(leaves):
        course.new_leaf(site, number, leaf)
    course.appear(site, now)
    for leaf, stay in zip(site.leaves, stays, strict=True):
        if stay is not None and leaf.stay is not None:
            course.links.append(Link(before=stay, after=leaf.stay, kind=kind))
    hear_of(course, site, to, now)
    return site


def _label_kept(course: EventQueue, old: Site, to: Hoster) -> str:
    """The old name's label, if the copy keeps it; a platform's names are its own."""
    share = course.world.movement.same_label
    if not share or to.kind == "platform" or Chances(course.world, old.host).share("label") >= share:
        return ""
    return _label(old)


def _label(site: Site) -> str:
    return site.host.removeprefix("www.").partition(".")[0]


def hear_of(course: EventQueue, site: Site, to: Hoster, now: int) -> None:
    """Whether what arrived is reported, and when."""
    movement = course.world.movement
    at_home = to.country == course.world.home
    for leaf in site.leaves:
        if course.rng.random() < (movement.reported_home if at_home else movement.reported_abroad):
            delay = course.hours(movement.report_delay_hours)
            course.later(now + delay, partial(course.report, leaf))


def put_in_front(course: EventQueue, proxy: Hoster, share: float, now: int) -> None:
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


def take_away(course: EventQueue, proxy: Hoster, now: int) -> None:
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


def renumber(course: EventQueue, event: Renumbering, now: int) -> None:
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


def chosen(rng: Random, hosters: list[Hoster]) -> Hoster:
    """One of some hosters, by weight."""
    return rng.choices(hosters, weights=[h.weight for h in hosters])[0]


def destination(world: World, rng: Random, site: Site, kinds: tuple[str, ...]) -> Hoster | None:
    """Where content goes that leaves a site: at home or abroad, never where it was."""
    found = [h for h in world.hoster if h.kind in kinds and h is not site.operator and h.weight > 0]
    at_home = rng.random() < world.movement.home_share
    wished = [h for h in found if (h.country == world.home) == at_home]
    return chosen(rng, wished or found) if found else None
