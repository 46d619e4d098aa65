"""A simulated world as a scene: responses over time."""

from datetime import datetime, timedelta
from math import log1p
from typing import Final

from waterbed.lab.servers.pages import Pages
from waterbed.lab.servers.state import SOURCES, Behaviour, Listener, page, within
from waterbed.lab.servers.zones import Names
from waterbed.lab.world.addressing import Chances
from waterbed.lab.world.file import BEYOND, SEIZED, Hoster, World
from waterbed.lab.world.records import Shown, SiteTraits, Truth

LINK_CHECK = "/api/exists/"
"""Path of an image host's link checks."""


_ONE_LOOK: Final = timedelta(seconds=60)
"""Requests for one URL from one place that are closer together belong to one look."""


def down(world: World, moment: datetime, of: str = "all") -> bool:
    """True if the world has an outage then.

    Of our whole network (no vantage named), or of one vantage point.
    """
    return any(o.source == of and within(moment, world.start, o.from_hour, o.to_hour) for o in world.outage)


class WorldScene:
    """A simulated world, playable."""

    def __init__(self, truth: Truth, *, marker: str | None = None) -> None:
        """Index a truth by host and path.

        Bodies are full of `marker`, else of a random one.
        """
        self._truth = truth
        self._world = truth.world
        self._hosters = {hoster.key: hoster for hoster in truth.world.hoster}
        beyond = ((key, (network,)) for key, network in truth.world.beyond.items())
        places = [*beyond, *((hoster.key, (*hoster.v4, *hoster.v6)) for hoster in truth.world.hoster)]
        self._listeners = tuple(
            Listener(key=key, port=port, prefixes=prefixes) for key, prefixes in places for port in (80, 443)
        )
        self._by_host: dict[str, dict[str, Shown]] = {}
        for shown in truth.shown.values():
            self._by_host.setdefault(shown.host, {})[shown.target] = shown
        self._looks: dict[tuple[str, str], tuple[int, datetime | None]] = {}
        self._names = Names(truth)
        self._pages = Pages(marker)

    @property
    def marker(self) -> str:
        """The word that all bodies are full of."""
        return self._pages.marker

    def listeners(self) -> tuple[Listener, ...]:
        """Two per hoster and banner: ports 80 and 443."""
        return self._listeners

    def silent(self, moment: datetime) -> bool:
        """True if our whole network has an outage then."""
        return down(self._world, moment)

    def cut_off(self, moment: datetime, source: str) -> bool:
        """True if this one vantage point has an outage then."""
        return down(self._world, moment, SOURCES.get(source, "first"))

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Look the name up."""
        return self._names.addresses(host, moment)

    def alias(self, host: str, moment: datetime) -> str | None:
        """Look the name's alias up."""
        return self._names.alias(host, moment)

    def name_servers(self, domain: str, moment: datetime) -> tuple[str, ...]:
        """Look the domain's name servers up."""
        return self._names.name_servers(domain, moment)

    def fails(self, host: str, moment: datetime) -> bool:
        """True if the name servers of a host fail."""
        return self._names.trouble(host, moment) == "servfail"

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime, source: str) -> Behaviour:
        """Answer like the site that is at this hoster.

        The hoster may refuse this source.
        """
        if listener.key in BEYOND:
            return self._pages.beyond(listener.key, host)
        hoster = self._hosters[listener.key]
        if self._blind(hoster, host, target, moment, source):
            return self._turned_away(hoster, host)
        place = self._truth.places.get(host)
        here = (place.at(moment), *self._truth.further_hosters.get(host, ())) if place else ()
        if listener.key not in here:
            return self._nothing(hoster, None, target, "404")
        traits, shown = self._truth.traits[host], self._by_host[host]
        if hoster.link_check and target.startswith(LINK_CHECK):
            return self._exists(shown, target, moment)
        return self._redirect(listener, traits, host, target, moment) or self._page(
            hoster, traits, host, target, moment
        )

    def _blind(self, hoster: Hoster, host: str, target: str, moment: datetime, source: str) -> bool:
        if SOURCES.get(source, "first") not in hoster.blind_to:
            return False
        since = within(moment, self._world.start, hoster.blind_from_hour, hoster.blind_to_hour)
        hidden = host if hoster.hides_hosts else f"{host}{target}"
        if hoster.blind_share < 1 and Chances(self._world, hidden).share("hidden") >= hoster.blind_share:
            return False
        if not hoster.blind_after_looks:
            return since
        count, last = self._looks.get((hidden, source), (0, None))
        if last is None or moment - last > _ONE_LOOK:
            count += 1
        self._looks[hidden, source] = count, moment
        return since and count > self._borne(hoster, hidden)

    def _borne(self, hoster: Hoster, hidden: str) -> int:
        """How many looks at a URL or a host a hoster answers truly."""
        if not hoster.blind_at_random or hoster.blind_after_looks == 1:
            return hoster.blind_after_looks
        u = Chances(self._world, hidden).share("looks")
        return 1 + int(log1p(-u) / log1p(-1.0 / hoster.blind_after_looks))

    def _turned_away(self, hoster: Hoster, host: str) -> Behaviour:
        if hoster.blind_how in ("301", "302"):
            return _led(_PLAIN, int(hoster.blind_how), f"http://www.{hoster.domain}/")
        if hoster.blind_how == "seized":
            return self._pages.beyond(SEIZED, host)
        if hoster.blind_how in ("hang", "reset"):
            return Behaviour(kind="hang" if hoster.blind_how == "hang" else "reset")
        if hoster.blind_how == "blank":
            return page(b"")
        return self._pages.missing(None, 403 if hoster.blind_how == "403" else 404)

    def _exists(self, shown: dict[str, Shown], target: str, moment: datetime) -> Behaviour:
        wanted = target.removeprefix(LINK_CHECK)
        found = next((s for path, s in shown.items() if _last_name(path) == wanted), None)
        there = found is not None and self._truth.is_up(found.url, moment)
        return Behaviour(status=204) if there else self._pages.missing(None, 404)

    def _redirect(
        self, listener: Listener, traits: SiteTraits, host: str, target: str, moment: datetime
    ) -> Behaviour | None:
        """Return the target of a site-wide redirect, None without one."""
        states = {self._truth.pages[shown.url].at(moment) for shown in self._by_host[host].values()}
        if "suspended" in states:
            scheme = "https" if listener.port == 443 else "http"
            return _led(traits, 302, f"{scheme}://{host}/cgi-sys/suspendedpage.cgi", server="Apache")
        if "moved" in states:
            return _led(traits, 301, self._moved_to(host, target))
        if traits.https_root and listener.port == 80:
            return _led(traits, 301, f"https://{host}/")
        if traits.https_redirect and listener.port == 80:
            return _led(traits, 301, f"https://{host}{target}")
        return None

    def _moved_to(self, host: str, target: str) -> str:
        shown = self._by_host[host].get(target)
        url = self._truth.moved_urls.get(shown.url) if shown else None
        return url or f"{self._truth.moved[host]}{target}"

    def _page(self, hoster: Hoster, traits: SiteTraits, host: str, target: str, moment: datetime) -> Behaviour:
        """Return the response for a path of a site."""
        if traits.indistinct:
            return self._pages.default(traits, host, target)
        shown = self._by_host[host]
        found = shown.get(target)
        alive = traits.spa and any(self._truth.is_up(one.url, moment) for one in shown.values())
        if found and self._truth.is_up(found.url, moment) and (found.image or not alive):
            return self._pages.content(traits, found)
        if alive:
            return self._pages.front(traits, host)
        if traits.https_root and target == "/" and found is None:
            return self._pages.front(traits, host)
        state = self._truth.pages[found.url].at(moment) if found else None
        if traits.catch_all and not hoster.catch_all:
            return self._pages.default(traits, host, target, echo=traits.echo)
        return self._nothing(hoster, traits, target, state)

    def _nothing(self, hoster: Hoster, traits: SiteTraits | None, target: str, state: str | None) -> Behaviour:
        """Return the response of a hoster's server for missing content."""
        if hoster.catch_all:
            return self._pages.default(traits or _PLAIN, hoster.key, target, echo=bool(traits and traits.echo))
        if traits and target == "/" and traits.root_denied and self._world.sites.roots:
            return self._pages.missing(traits, 403)
        return self._pages.missing(traits, 410 if state == "410" else 404)


_PLAIN = SiteTraits(https=False, https_redirect=False, catch_all=False, indistinct=False, head="plain")


def _led(traits: SiteTraits, status: int, where: str, *, server: str = "nginx") -> Behaviour:
    headers = (("Server", server), ("Location", where))
    return Behaviour(status=status, headers=headers, head=traits.head, head_status=traits.head_lie)


def _last_name(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[2].partition(".")[0]
