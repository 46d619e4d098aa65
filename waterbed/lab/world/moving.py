"""Movement of content: re-pointing, copies, fronting, renumbering."""

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
    """The interface to the world's events that movement needs."""

    world: World
    rng: Random
    sites: list[Site]
    links: list[Link]
    hosts: dict[str, list[tuple[int, tuple[str, ...] | None]]]
    places: dict[str, list[tuple[int, str]]]
    further_hosters: dict[str, tuple[str, ...]]
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


def react(events: EventQueue, site: Site, gone: list[Leaf], now: int, *, nameless: bool = False) -> None:
    """Let the owner react to a takedown.

    Nothing happens, or content reappears; under a new name if the old one is lost.
    """
    movement = events.world.movement
    if not gone or events.rng.random() >= movement.after_takedown:
        return
    when = now + max(60, events.hours(movement.delay_hours))
    weights = {"relocation": movement.relocation, "copy": movement.copy, "back": movement.back}
    kind = events.rng.choices(list(weights), weights=list(weights.values()))[0] if any(weights.values()) else "copy"
    if kind == "back":
        events.later(when, partial(_come_back, events, site, site.moves))
        return
    # Behind a proxy, on a platform and without a name, the same name cannot be re-pointed to be seen elsewhere.
    nameless = nameless or site.operator.removal.answer_after_removal in ("name_gone", "parked")
    fixed = nameless or site.front is not None or site.operator.kind == "platform"
    if kind == "copy" or fixed:
        plan_copy(events, gone, when)
        return
    events.later(when, partial(relocate, events, site, site.moves))


def plan_flight(events: EventQueue, leaf: Leaf, now: int, removed: int) -> None:
    """Let the owner of a reported page leave before removal.

    An owner who has moved before stays.

    With several pages reported, the first flight takes all along.
    """
    site, movement = leaf.site, events.world.movement
    chances = Chances(events.world, leaf.shown.url)
    bound = site.moves > 0 or site.front is not None or site.operator.kind != "hoster"
    if bound or removed <= now + HOUR or chances.share("flight") >= movement.flight:
        return
    leads = chances.share("redirect") < movement.redirect
    when = round(chances.rng("flight hour").uniform(now + HOUR // 2, removed - HOUR // 2))
    events.later(when, partial(_flee, events, leaf, leaf.placement, site.moves, leads))


def _flee(events: EventQueue, leaf: Leaf, placement: Placement | None, moves: int, leads: bool, now: int) -> None:
    site = leaf.site
    if site.moves != moves or leaf.placement is not placement:
        return
    if leads:
        site.moves += 1
        move(events, site, now)
    else:
        relocate(events, site, moves, now)


def _come_back(events: EventQueue, site: Site, moves: int, now: int) -> None:
    """The whole site is up again where it was."""
    if site.moves != moves or any(leaf.placement is not None for leaf in site.leaves):
        return
    site.moves += 1
    if events.hosts[site.host][-1][1] is None:
        events.hosts[site.host].append((now, ()))  # the name exists again
    events.appear(site, now)
    plan_report(events, site, site.operator, now)


def relocate(events: EventQueue, site: Site, moves: int, now: int) -> None:
    """Point a site's name to another hoster, unless it has moved since."""
    to = destination(events.world, events.rng, site, ("hoster",))
    if site.moves != moves or to is None:
        return
    site.moves += 1
    before: list[tuple[Leaf, Placement | None, HopKind]] = []
    for leaf in site.leaves:
        kind: HopKind = "reappearance" if leaf.placement is None else "relocation"
        if leaf.placement is not None:
            events.finish(leaf, now, "moved", None)
        before.append((leaf, leaf.last, kind))
    site.operator = to
    events.appear(site, now)
    for leaf, placement, kind in before:
        if placement is not None and leaf.placement is not None:
            events.links.append(Link(before=placement, after=leaf.placement, kind=kind))
    plan_report(events, site, to, now)


def move(events: EventQueue, site: Site, now: int) -> None:
    """Move the whole site to a new name.

    The old name redirects there permanently.
    """
    leaves = [leaf for leaf in site.leaves if leaf.placement is not None]
    placements = [leaf.placement for leaf in leaves]
    new = _copy(events, leaves, placements, "redirect", now)
    for leaf in leaves:
        events.finish(leaf, now, "moved", "404" if new is None else "moved")
    if new is not None:
        events.moved[site.host] = f"{new.scheme}://{new.host}"
        events.moved_urls.update((a.shown.url, b.shown.url) for a, b in zip(leaves, new.leaves, strict=True))


def plan_copy(events: EventQueue, leaves: list[Leaf], when: int) -> None:
    """Plan copies of a site's URLs under a new name.

    Some of the URLs are copied.
    """
    placements = [leaf.placement or leaf.last for leaf in leaves]
    events.later(when, partial(_copy, events, leaves, placements, "copy"))


def _copy(
    events: EventQueue, leaves: list[Leaf], placements: list[Placement | None], kind: HopKind, now: int
) -> Site | None:
    old = leaves[0].site
    to = destination(events.world, events.rng, old, ("hoster", "platform"))
    if to is None:
        return None
    label = _label_kept(events, old, to) if kind == "copy" else ""
    site = events.new_site(to, None, old.category, old.source, label=label)
    site.moves = int(kind == "redirect")  # it is the one that fled
    kind = "tld" if label and _label(site) == label else kind
    for number, leaf in enumerate(leaves):
        events.new_leaf(site, number, leaf)
    events.appear(site, now)
    for leaf, placement in zip(site.leaves, placements, strict=True):
        if placement is not None and leaf.placement is not None:
            events.links.append(Link(before=placement, after=leaf.placement, kind=kind))
    plan_report(events, site, to, now)
    return site


def _label_kept(events: EventQueue, old: Site, to: Hoster) -> str:
    """The old label, if the copy keeps it.

    Names of a platform are its own.
    """
    share = events.world.movement.same_label
    if not share or to.kind == "platform" or Chances(events.world, old.host).share("label") >= share:
        return ""
    return _label(old)


def _label(site: Site) -> str:
    return site.host.removeprefix("www.").partition(".")[0]


def plan_report(events: EventQueue, site: Site, to: Hoster, now: int) -> None:
    """Schedule the report of arrived content, if it is reported."""
    movement = events.world.movement
    at_home = to.country == events.world.home
    for leaf in site.leaves:
        if events.rng.random() < (movement.reported_home if at_home else movement.reported_abroad):
            delay = events.hours(movement.report_delay_hours)
            events.later(now + delay, partial(events.report, leaf))


def put_in_front(events: EventQueue, proxy: Hoster, share: float, now: int) -> None:
    """Put a proxy in front of some plain sites."""
    for site in chosen_sites(events.world, events.sites, share, "front"):
        site.front = proxy
        site.moves += 1
        before = [(leaf, leaf.placement) for leaf in site.leaves]
        for leaf, placement in before:
            if placement is not None:
                events.finish(leaf, now, "masked", None)
        rng = Chances(events.world, site.host).rng("front addresses")
        events.hosts[site.host].append((now, addresses_at(proxy, events.world.sites, rng)))
        events.places[site.host].append((now, proxy.key))
        for leaf, placement in before:
            if placement is not None:
                placement.goes_on = events.begin(leaf, now)


def take_away(events: EventQueue, proxy: Hoster, now: int) -> None:
    """Let sites behind a proxy answer from their hosters again."""
    for site in events.sites:
        if site.front is not proxy:
            continue
        site.front = None
        site.moves += 1
        before = [(leaf, leaf.placement) for leaf in site.leaves]
        for leaf, placement in before:
            if placement is not None:
                events.finish(leaf, now, "unmasked", None)
        if events.hosts.get(site.host, [(0, None)])[-1][1] is None:
            continue
        rng = Chances(events.world, site.host).rng("back addresses")
        events.hosts[site.host].append((now, addresses_at(site.operator, events.world.sites, rng)))
        events.places[site.host].append((now, site.operator.key))
        for leaf, placement in before:
            if placement is not None:
                placement.goes_on = events.begin(leaf, now)


def chosen_sites(world: World, sites: Sequence[Site], share: float, what: str) -> list[Site]:
    """Choose a share of the sites at plain hosters."""
    return [
        site
        for site in sites
        if site.front is None
        and site.operator.kind == "hoster"
        and arrangement_of(world, site.host, site.operator) == "plain"
        and Chances(world, site.host).share(what) < share
        and any(leaf.placement is not None for leaf in site.leaves)
    ]


def renumber(events: EventQueue, event: Renumbering, now: int) -> None:
    """Move some sites of a hoster into one prefix.

    Addresses of the other family stay.
    """
    network = ip_network(event.prefix)
    listed = next(hoster for hoster in events.world.hoster if event.prefix in (*hoster.v4, *hoster.v6))
    for site in events.sites:
        said = events.hosts.get(site.host)
        plain = arrangement_of(events.world, site.host, site.operator) == "plain"
        if site.operator.key != event.hoster or site.front or not plain or not said or not said[-1][1]:
            continue
        chances = Chances(events.world, f"{site.host} {event.prefix}")
        if chances.share("renumbered") >= event.share:
            continue
        kept = [address for address in said[-1][1] if ip_address(address).version != network.version]
        said.append((now, tuple(sorted({*kept, address_in(network, chances.rng("address"))}))))
        if listed is not site.operator:  # bought: the seller's listener still plays that prefix
            events.further_hosters[site.host] = (*events.further_hosters.get(site.host, ()), listed.key)


def chosen(rng: Random, hosters: list[Hoster]) -> Hoster:
    """One of some hosters, by weight."""
    return rng.choices(hosters, weights=[h.weight for h in hosters])[0]


def destination(world: World, rng: Random, site: Site, kinds: tuple[str, ...]) -> Hoster | None:
    """Choose another hoster for leaving content, at home or abroad."""
    found = [h for h in world.hoster if h.kind in kinds and h is not site.operator and h.weight > 0]
    at_home = rng.random() < world.movement.home_share
    wished = [h for h in found if (h.country == world.home) == at_home]
    return chosen(rng, wished or found) if found else None
