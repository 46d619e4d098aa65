"""Simulates a world's events in time order from one seed.

Times are whole seconds since its start.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random

import numpy as np

from waterbed.lab.world.addressing import ROTATING, Arranged, Chances, addresses_at, further_traits
from waterbed.lab.world.allocations import Allocations
from waterbed.lab.world.arrivals import report_days, site_sizes
from waterbed.lab.world.file import PARKING, SEIZED, Hoster, Removal, Seizure, World
from waterbed.lab.world.hotline import SENT_S, is_notified
from waterbed.lab.world.moving import (
    chosen,
    chosen_sites,
    move,
    plan_copy,
    plan_flight,
    put_in_front,
    react,
    renumber,
    take_away,
)
from waterbed.lab.world.names import Namer, beyond_addresses, image_name, target
from waterbed.lab.world.naming import register, reported
from waterbed.lab.world.records import (
    HOUR,
    Domain,
    Leaf,
    Link,
    Page,
    Placement,
    Shown,
    Site,
    SiteTraits,
    TrueCause,
)
from waterbed.lab.world.removing import delays, heeded_at, queue_times, removed_at


class Events:
    """Runs a world and keeps what happened."""

    def __init__(self, world: World) -> None:
        """Draw the first sites; nothing has happened yet."""
        self.world = world
        self.rng = Random(f"waterbed lab {world.seed}")  # noqa: S311 - a simulation must be repeatable
        self.namer = Namer(self.rng)
        self.end = round(world.days * 24 * HOUR)
        self.placements: list[Placement] = []
        self.links: list[Link] = []
        self.sites: list[Site] = []
        self.allocations = Allocations(world)
        self.further_hosters: dict[str, tuple[str, ...]] = {}
        self.reports: list[tuple[int, Leaf]] = []
        self.hosts: dict[str, list[tuple[int, tuple[str, ...] | None]]] = {}
        self.places: dict[str, list[tuple[int, str]]] = {}
        self.pages: dict[str, list[tuple[int, Page]]] = {}
        self.traits: dict[str, SiteTraits] = {}
        self.domains: dict[str, list[tuple[int, Domain | None]]] = {}
        self._names: set[str] = set()
        """Names of sites, "www." aside."""
        self.shown: dict[str, Shown] = {}
        self.moved: dict[str, str] = {}
        self.moved_urls: dict[str, str] = {}
        self._hosters = {hoster.key: hoster for hoster in world.hoster}
        self._strict_from = {i.hoster: (round(i.day * 24 * HOUR), i.within_hours) for i in world.intervention}
        self._feed = {change.hoster: change for change in world.feed}
        self._queues = {
            hoster.key: queue_times(
                hoster.removal,
                world.start,
                np.random.default_rng(Chances(world, hoster.key).rng("queue").getrandbits(64)),
            )
            for hoster in world.hoster
        }
        self._decided: dict[str, tuple[float, float]] = {}
        self._returns: dict[str, int] = {}
        self.notified: dict[str, int] = {}
        """The time of each reported URL's notice, 0 without one."""
        self._queue: list[tuple[int, int, Callable[[int], object]]] = []
        self._contents = 0
        self._order = 0

    def run(self) -> "Events":
        """Let everything happen, up to the world's end."""
        for number in range(self.world.sites.count):
            self._first_site(number)
        for key, (start, _) in self._strict_from.items():
            self.later(start, partial(self._intervene, key))
        for seizure in self.world.seizure:
            self.later(round(seizure.day * 24 * HOUR), partial(self._seize, seizure))
        for event in self.world.fronting:
            proxy = self._hosters[event.proxy]
            self.later(round(event.day * 24 * HOUR), partial(put_in_front, self, proxy, event.share))
            if event.until_day is not None:
                self.later(round(event.until_day * 24 * HOUR), partial(take_away, self, proxy))
        for change in self.world.renumbering:
            self.later(round(change.day * 24 * HOUR), partial(renumber, self, change))
        while self._queue and self._queue[0][0] <= self.end:
            now, _, happen = heappop(self._queue)
            happen(now)
        return self

    def later(self, when: int, happen: Callable[[int], object]) -> None:
        """Something will happen at a time."""
        self._order += 1
        heappush(self._queue, (when, self._order, happen))

    def hours(self, low_high: tuple[float, float]) -> int:
        """Seconds drawn evenly from a range of hours."""
        return round(self.rng.uniform(*low_high) * HOUR)

    # Sites and URLs come to be.

    def _first_site(self, number: int) -> None:
        sites = self.world.sites
        campaign = Chances(self.world, f"campaign {number % sites.campaigns}") if sites.campaigns else None
        operator = chosen(
            campaign.rng("hoster") if campaign else self.rng, [h for h in self.world.hoster if h.kind != "proxy"]
        )
        fronts = [h for h in self.world.hoster if h.kind == "proxy"]
        fronted = operator.kind == "hoster" and self.rng.random() < sites.behind_proxy
        names = list(sites.categories)
        category = self.rng.choices(names, weights=[sites.categories[c] for c in names])[0]
        site = self.new_site(
            operator, chosen(self.rng, fronts) if fronted else None, category, self.rng.choice(sites.sources)
        )
        if number == 0 and sites.big_site:
            urls = sites.big_site
        else:
            urls = int(site_sizes(sites, self.rng.random())) if sites.tail else self.rng.randint(*sites.urls_per_site)
        first, last = sites.reported_over_days or (0.0, max(self.world.days - 3, self.world.days / 2))
        uniform = campaign.share("day") if campaign else self.rng.random()
        day = report_days(first, last, self._feed.get(operator.key), uniform)
        reported = round(float(day) * 24 * HOUR) + (self.hours((0.0, 12.0)) if campaign else 0)
        appeared = reported - self.hours(sites.up_before_hours)
        leaves = [self.new_leaf(site, index, None) for index in range(urls)]
        false = operator.false_reports and Chances(self.world, site.host).share("false") < operator.false_reports
        self.later(appeared, partial(self.appear, site, there=not false))
        for index, leaf in enumerate(leaves):
            delay = 0 if index == 0 else self.hours((0.0, 12.0))
            self.later(reported + delay, partial(self.report, leaf))

    def new_site(self, operator: Hoster, front: Hoster | None, category: str, source: str, *, label: str = "") -> Site:
        """Create a name at an operator, with its traits.

        With a label, it is that one under another suffix.
        """
        servers, rng = self.world.servers, self.rng
        platform = operator.kind == "platform"
        suffix = rng.choice(operator.suffixes if platform else self.world.sites.suffixes)
        host = self.namer.host(suffix, www=0.0 if platform else 0.2)
        host = self._under_label(host, label) or host
        https = rng.random() < servers.https
        head, spread = rng.random(), servers.head_refused + servers.body_on_head
        refused = head < servers.head_refused or operator.link_check
        first = SiteTraits(
            https=https,
            https_redirect=rng.random() < servers.https_redirect and not https,
            catch_all=rng.random() < servers.catch_all,
            indistinct=rng.random() < servers.indistinct,
            head="refused" if refused else "body" if head < spread else "plain",
        )
        traits = further_traits(self.world, host, first)
        # A registrable domain has records of its own, so only a name below it can be an alias.
        host = f"www.{host}" if traits.alias and not platform and not host.startswith("www.") else host
        self.traits[host] = traits
        self._names.add(host.removeprefix("www."))
        scheme = "https" if https else "http"
        site = Site(host=host, scheme=scheme, operator=operator, front=front, category=category, source=source)
        self.sites.append(site)
        return site

    def _under_label(self, host: str, label: str) -> str:
        """Return the name with another label, under a free suffix.

        Empty if no suffix is free.
        """
        free = [suffix for suffix in self.world.sites.suffixes if label and f"{label}.{suffix}" not in self._names]
        www = "www." if host.startswith("www.") else ""
        return f"{www}{label}.{Chances(self.world, host).rng('suffix').choice(free)}" if free else ""

    def new_leaf(self, site: Site, number: int, original: Leaf | None) -> Leaf:
        """Create a URL of a site, possibly a copy.

        With an original it shows the same content.
        """
        servers, rng = self.world.servers, self.rng
        chances = Chances(self.world, f"{site.host} {number}")
        wished = self.world.sites.roots
        root = original is None and number == 0 and wished > 0 and chances.share("root") < wished
        root = root and not site.operator.link_check
        if original is None:
            image = (rng.random() < servers.images or site.operator.link_check) and not root
            media_type = "text/html" if not image or rng.random() < servers.mislabelled else "image/jpeg"
            self._contents += 1
            content_id = f"content-{self._contents:06d}"
        else:
            image, media_type = original.shown.image, original.shown.media_type
            content_id = original.shown.content_id
        same_path = original is not None and rng.random() < 0.5
        path = original.shown.target if original and same_path else target(rng, image=image, number=number)
        if site.operator.link_check:
            path = image_name(chances.rng("path"), image=image)
        elif root:
            path = "/"
        taken = {leaf.shown.target for leaf in site.leaves}
        while path in taken:
            path = target(rng, image=image, number=number)
        url = f"{site.scheme}://{site.host}{path}"
        shown = Shown(url=url, host=site.host, target=path, media_type=media_type, image=image, content_id=content_id)
        leaf = Leaf(site=site, shown=shown)
        site.leaves.append(leaf)
        self.shown[url] = shown
        return leaf

    def appear(self, site: Site, now: int, *, there: bool = True) -> None:
        """Bring up a site and its URLs at its operator.

        The URLs stay away if nothing is there.
        """
        own = addresses_at(site.seen, self.world.sites, self.rng)
        arranged = Arranged(self.world, site.host, site.seen, own)
        if arranged.further_hosters:
            self.further_hosters[site.host] = tuple(sorted({hoster.key for hoster in arranged.further_hosters}))
        self._say(site, arranged, site.moves, now)
        self.places.setdefault(site.host, []).append((now, site.seen.key))
        register(self, site, now)
        for leaf in site.leaves:
            if there:
                self.begin(leaf, now)
            else:
                self.pages[leaf.shown.url] = [(now, "404")]

    def _say(self, site: Site, arranged: Arranged, moves: int, now: int) -> None:
        """Set a name's addresses; rotating ones change an hour later."""
        said = self.hosts.setdefault(site.host, [])
        if site.moves != moves or (said and said[-1][1] is None):
            return
        addresses = arranged.said(now // HOUR)
        if not said or said[-1][1] != addresses:
            said.append((now, addresses))
        if arranged.kind in ROTATING:
            self.later(now + HOUR, partial(self._say, site, arranged, moves))

    def begin(self, leaf: Leaf, now: int) -> Placement:
        """Bring up a URL at its addresses' present holder."""
        site = leaf.site
        seen = self.allocations.key_at(self.hosts[site.host][-1][1] or (), now) or site.seen.key
        placement = Placement(
            url=leaf.shown.url,
            content_id=leaf.shown.content_id,
            hoster=seen,
            origin=site.operator.key if site.front else seen,
            start=now,
        )
        leaf.placement, leaf.copied = placement, False
        self.placements.append(placement)
        self.pages.setdefault(placement.url, []).append((now, "up"))
        return placement

    # They are reported and removed.

    def report(self, leaf: Leaf, now: int) -> None:
        """Report a URL; hoster and owner may react."""
        site_known = any(other.placement and other.placement.reported is not None for other in leaf.site.leaves)
        self.reports.append((now, leaf))
        placement = leaf.placement
        if placement is None or placement.reported is not None:
            return
        placement.reported = now
        if not site_known:
            reported(self, leaf.site, now)
        url = leaf.shown.url
        if url not in self.notified:
            self.notified[url] = now + SENT_S if is_notified(self.world, url) else 0
        removed = self._removal_time(leaf, now)
        if removed is None:
            return
        self.later(removed, partial(self._remove, leaf, placement))
        movement = self.world.movement
        if movement.flight:
            plan_flight(self, leaf, now, removed)
        if self.rng.random() < movement.parallel * movement.after_takedown:
            early = max(now + HOUR // 2, removed - self.hours(movement.delay_hours))
            if early < removed:
                leaf.copied = True
                plan_copy(self, [leaf], early)

    def _removal_time(self, leaf: Leaf, now: int) -> int | None:
        site, operator = leaf.site, leaf.site.operator
        start, within = self._strict_from.get(operator.key, (self.end + 1, 0.0))
        if now >= start:
            return now + self.hours((0.0, within))
        policy = self.policy(leaf, now)
        acts, normal = self._decision(site) if policy.whole_sites else (self.rng.random(), 0.0)
        if acts >= policy.removes:
            return None
        if not policy.whole_sites:
            normal = self.rng.normalvariate()
        delay = delays(policy, normal, len(site.leaves))
        hours = removed_at(policy, self.world.start, now / HOUR, delay, self._queues[operator.key])
        sent = self.notified.get(leaf.shown.url, 0)
        if sent > now:
            normal = Chances(self.world, leaf.shown.url).rng("heeded").normalvariate()
            hours = np.minimum(hours, heeded_at(policy, self.world.start, [sent / HOUR], [normal])[0])
        return max(now + 60, round(float(hours) * HOUR)) if np.isfinite(hours) else None

    def policy(self, leaf: Leaf, now: int) -> Removal:
        """Treatment of a report of this time by the hoster of a URL."""
        return leaf.site.operator.removal

    def _decision(self, site: Site) -> tuple[float, float]:
        """What a hoster that takes sites as a whole decides of one."""
        if site.host not in self._decided:
            rng = Chances(self.world, site.host).rng("decision")
            self._decided[site.host] = rng.random(), rng.normalvariate()
        return self._decided[site.host]

    def _intervene(self, key: str, now: int) -> None:
        _, within = self._strict_from[key]
        sites = {id(leaf.site): leaf.site for _, leaf in self.reports}
        for site in sites.values():
            for leaf in site.leaves:
                placement = leaf.placement
                if placement is not None and placement.reported is not None and placement.origin == key:
                    moment = now + self.hours((0.0, within))
                    self.later(moment, partial(self._remove, leaf, placement))

    def _remove(self, leaf: Leaf, placement: Placement, now: int) -> None:
        while placement.goes_on is not None:
            placement = placement.goes_on
        if leaf.placement is not placement:
            return
        answer = leaf.site.operator.removal.answer_after_removal
        gone = [leaf]
        if answer in ("404", "410"):
            self.finish(leaf, now, "removed", "410" if answer == "410" else "404")
            self._plan_return(leaf, now)
        elif answer == "moved":
            move(self, leaf.site, now)
            return
        elif answer == "suspended":
            gone = [other for other in leaf.site.leaves if other.placement is not None]
            for other in gone:
                self.finish(other, now, "removed", None)
            for other in leaf.site.leaves:
                self.pages[other.shown.url].append((now, "suspended"))
        else:
            gone = [other for other in leaf.site.leaves if other.placement is not None]
            parked = answer == "parked"
            cause: TrueCause = "removed" if leaf.site.operator.kind == "platform" else "name"
            for other in gone:
                self.finish(other, now, cause, "parked" if parked else "404")
            leaf.site.moves += 1  # no address of its own comes after this
            self.hosts[leaf.site.host].append((now, beyond_addresses(PARKING, leaf.site.host) if parked else None))
            if parked:
                self.places[leaf.site.host].append((now, PARKING))
        react(self, leaf.site, [one for one in gone if not one.copied], now)

    def _seize(self, seizure: Seizure, now: int) -> None:
        """Names are taken over: what they led to is lost, and owners react as after a takedown."""
        for site in chosen_sites(self.world, self.sites, seizure.share, f"seizure {seizure.day:g}"):
            if seizure.hoster in ("", site.operator.key):
                self.take_name(site, "seized", now)

    def take_name(self, site: Site, cause: TrueCause, now: int) -> None:
        """Take a name from its site; owners may react."""
        gone = [leaf for leaf in site.leaves if leaf.placement is not None]
        for leaf in gone:
            self.finish(leaf, now, cause, "seized" if cause == "seized" else "404")
        site.moves += 1  # no address of its own comes after this
        self.hosts[site.host].append((now, beyond_addresses(SEIZED, site.host) if cause == "seized" else None))
        if cause == "seized":
            self.places[site.host].append((now, SEIZED))
        react(self, site, [leaf for leaf in gone if not leaf.copied], now, nameless=True)

    def _plan_return(self, leaf: Leaf, now: int) -> None:
        policy, url = leaf.site.operator.removal, leaf.shown.url
        times = self._returns.get(url, 0)
        if not policy.put_back or times >= policy.put_back_most:
            return
        rng = Chances(self.world, url).rng(f"return {times}")
        if rng.random() < policy.put_back:
            self._returns[url] = times + 1
            self.later(now + round(rng.uniform(*policy.put_back_hours) * HOUR), partial(self._return, leaf, leaf.last))

    def _return(self, leaf: Leaf, last: Placement | None, now: int) -> None:
        """Removed content is back, and no report says so."""
        if leaf.placement is not None or leaf.last is not last or not self.hosts[leaf.site.host][-1][1]:
            return
        placement = self.begin(leaf, now)
        removed = self._removal_time(leaf, now)
        if removed is not None:
            self.later(removed, partial(self._remove, leaf, placement))

    def finish(self, leaf: Leaf, now: int, cause: TrueCause, page: Page | None) -> None:
        """A URL's stay is over."""
        placement = leaf.placement
        if placement is None:
            raise AssertionError("only what is up can end")
        placement.end, placement.cause = now, cause
        leaf.placement, leaf.last = None, placement
        if page:
            self.pages[placement.url].append((now, page))
