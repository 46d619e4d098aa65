"""The addresses of a site, by its DNS arrangement.

A site is at its hoster, at two hosters, at one by vantage point, or all over the world.
"""

from collections.abc import Sequence
from random import Random
from typing import Literal

from waterbed.lab.world.file import Hoster, Network, Sites, World
from waterbed.lab.world.records import Dynamic, Length, SiteTraits

_LIES = (404, 403, 500)


class Chances:
    """Random draws of one host, one generator per purpose."""

    def __init__(self, world: World, host: str) -> None:
        """Take the world's seed and the host's name."""
        self._seed = f"waterbed lab {world.seed} {host}"

    def share(self, what: str) -> float:
        """Return a number in 0..1, fixed for each purpose."""
        return self.rng(what).random()

    def rng(self, what: str) -> Random:
        """Return the random generator of one purpose."""
        return Random(f"{self._seed} {what}")  # noqa: S311 - a simulation must be repeatable


def further_traits(world: World, host: str, first: SiteTraits) -> SiteTraits:
    """Complete the traits of a host.

    `first` holds the traits drawn with the world's events.
    """
    servers, chances = world.servers, Chances(world, host)

    def chosen(what: str, share: float) -> bool:
        return share > 0 and chances.share(what) < share

    def half(what: str) -> bool:
        return chances.share(f"{what}, which") < 0.5

    length: Length = "stated"
    if chosen("no_length", servers.no_length):
        length = "chunked" if half("no_length") else "close"
    dynamic: Dynamic = "no"
    if chosen("dynamic", servers.dynamic):
        dynamic = "words" if half("dynamic") else "numbers"
    lies = chosen("head_lies", servers.head_lies) and first.head == "plain"
    return SiteTraits(
        https=first.https,
        https_redirect=first.https_redirect,
        catch_all=first.catch_all,
        indistinct=first.indistinct,
        head=first.head,
        length=length,
        no_etag=chosen("no_etag", servers.no_etag),
        echo=chosen("echo", servers.echo),
        dynamic=dynamic,
        spa=chosen("spa", servers.spa),
        head_lie=chances.rng("head_lie").choice(_LIES) if lies else 0,
        https_root=chosen("https_root", servers.https_root) and not first.https,
        root_denied=half("root"),
        alias=chosen("cname", world.sites.cname),
    )


Arrangement = Literal["plain", "v6_only", "split", "geo", "flux", "turns", "churn", "several_cdns"]

ROTATING = ("geo", "flux", "turns", "churn", "several_cdns")
"""Arrangements in which a name gives other addresses from one hour to the next."""

_POOL = 64
"""Addresses of a prefix in use: sites share them, as on shared hosting."""

_FLUX_POOL, _FLUX_SAID = 12, 3
"""Addresses that a fast-flux name is ever given, and at once."""


def address_in(network: Network, rng: Random) -> str:
    """Draw an address in a network, of those in use."""
    return str(network[1 + rng.randrange(min(_POOL, network.num_addresses - 2))])


def addresses_at(hoster: Hoster, sites: Sites, rng: Random) -> tuple[str, ...]:
    """Draw addresses of a site at one hoster."""
    networks = hoster.networks()
    v4 = [n for n in networks if n.version == 4]
    v6 = [n for n in networks if n.version == 6]
    wanted = 2 if rng.random() < sites.multi_address else 1
    found = {address_in(network, rng) for network in rng.choices(v4, k=wanted)}
    if v6 and rng.random() < sites.v6:
        found.add(address_in(rng.choice(v6), rng))
    return tuple(sorted(found))


def arrangement_of(world: World, host: str, hoster: Hoster) -> Arrangement:
    """Return the DNS arrangement of a site's name.

    Only sites of plain hosters can be at several of them.
    """
    drawn, sites = Chances(world, host).share("arrangement"), world.sites
    shares: dict[Arrangement, float] = {"churn": sites.churn}
    if hoster.kind == "hoster":
        shares = {"split": sites.split, "geo": sites.geo, "flux": sites.flux, "v6_only": sites.v6_only}
        shares |= {"turns": sites.turns, "churn": sites.churn}
    elif hoster.kind == "proxy":
        shares = {"several_cdns": sites.several_cdns, "churn": sites.churn}
    for kind, share in shares.items():
        if drawn < share:
            return kind if kind != "v6_only" or hoster.v6 else "plain"
        drawn -= share
    return "plain"


class Arranged:
    """The possible addresses of one site's name.

    They are its own, and those elsewhere.
    """

    def __init__(self, world: World, host: str, hoster: Hoster, own: Sequence[str]) -> None:
        """Draw the addresses elsewhere, fixed for a name and hoster."""
        self.kind = arrangement_of(world, host, hoster)
        self._own, self._hoster, self._sites = tuple(own), hoster, world.sites
        self._chances = Chances(world, f"{host} at {hoster.key}")
        rng = self._chances.rng("beside")
        others = [h for h in world.hoster if h.kind == hoster.kind and h.weight > 0 and h is not hoster]
        plain = Sites(multi_address=0.0, v6=0.0)
        self.further_hosters: tuple[Hoster, ...] = ()
        self._elsewhere: tuple[str, ...] = ()
        self._turn = max(1, round(self._chances.rng("turn").uniform(*world.sites.turn_hours)))
        if self.kind == "v6_only":
            network = next(n for n in hoster.networks() if n.version == 6)
            self._own = (address_in(network, rng),)
        elif self.kind not in ("plain", "churn") and others:
            count = _FLUX_POOL if self.kind == "flux" else 1
            self.further_hosters = tuple(rng.choices(others, k=count))
            self._elsewhere = tuple(
                address for other in self.further_hosters for address in addresses_at(other, plain, rng)
            )

    def said(self, hour: int) -> tuple[str, ...]:
        """The addresses that the name has in an hour."""
        rng = self._chances.rng(f"hour {hour}")
        if self.kind == "split":
            return tuple(sorted({*self._own, *self._elsewhere}))
        if self.kind == "churn":
            return addresses_at(self._hoster, self._sites, rng)
        if not self._elsewhere:
            return self._own
        if self.kind in ("geo", "several_cdns"):
            return self._own if rng.random() < 0.5 else self._elsewhere
        if self.kind == "turns":
            return self._own if hour // self._turn % 2 == 0 else self._elsewhere
        return tuple(sorted(rng.sample([*self._own, *self._elsewhere], _FLUX_SAID)))
