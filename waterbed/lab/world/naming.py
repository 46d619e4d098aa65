"""Domains of a world: registrars, holds, deletions, expiries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from waterbed.lab.world.addressing import Chances
from waterbed.lab.world.file import Registrar, World
from waterbed.lab.world.records import HOUR, Domain, Site, TrueCause

_DAY: Final = 24 * HOUR
_YEAR: Final = timedelta(days=365)


class NamedEvents(Protocol):
    """The methods of a simulation that domains need."""

    world: World
    domains: dict[str, list[tuple[int, Domain | None]]]

    def later(self, when: int, happen: partial[None]) -> None:
        """Something will happen at a time."""

    def take_name(self, site: Site, cause: TrueCause, now: int) -> None:
        """Take a name out of the zone."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """What will become of a name, and how long after its report."""

    cause: TrueCause
    after: int


def domain_of(site: Site) -> str:
    """The registrable domain of a site's name."""
    return site.host.removeprefix("www.")


def register(events: NamedEvents, site: Site, now: int) -> None:
    """Register a site's name by the time it appears.

    Names of platforms are not registered one by one.
    """
    world, name = events.world, domain_of(site)
    if not world.registrar or site.operator.kind == "platform" or name in events.domains:
        return
    rng = Chances(world, name).rng("registration")
    (registrar,) = rng.choices(world.registrar, weights=[one.weight for one in world.registrar])
    created = world.start + timedelta(seconds=now) - timedelta(days=rng.uniform(1, 120))
    domain = Domain(registrar=registrar.iana, created=created, expires=created + _YEAR)
    events.domains[name] = [(now, domain)]
    lapses = rng.random() < world.naming.lapses
    if lapses:
        expires = now + round(rng.uniform(1, max(2.0, world.days)) * _DAY)
        events.domains[name] = [(now, replace(domain, expires=world.start + timedelta(seconds=expires)))]
        events.later(expires, partial(_end, events, site, "expired"))


def reported(events: NamedEvents, site: Site, now: int) -> None:
    """A site was reported first; registrar and registry may act."""
    name = domain_of(site)
    known = events.domains.get(name)
    if known is None or known[0][1] is None:
        return
    registrar = next(one for one in events.world.registrar if one.iana == known[0][1].registrar)
    fate = _drawn(events.world, registrar, name)
    if fate is not None:
        events.later(now + fate.after, partial(_end, events, site, fate.cause))


def _drawn(world: World, registrar: Registrar, name: str) -> _Fate | None:
    rng = Chances(world, name).rng("fate")
    share = rng.random()
    chances: Sequence[tuple[TrueCause, float]] = (
        ("registrar_hold", registrar.holds),
        ("registry_hold", world.naming.holds),
        ("deleted", registrar.deletes),
    )
    for cause, chance in chances:
        share -= chance
        if share < 0:
            return _Fate(cause, round(rng.uniform(*registrar.hours) * HOUR))
    return None


def _end(events: NamedEvents, site: Site, cause: TrueCause, now: int) -> None:
    """A name is held, deleted or not renewed, unless it was already."""
    name = domain_of(site)
    domain = events.domains[name][-1][1]
    if domain is None or domain.states != ("active",):
        return
    rng = Chances(events.world, name).rng("end")
    after: Domain | None = domain
    if cause == "registrar_hold":
        after = replace(domain, states=("client hold", "client transfer prohibited"))
    elif cause == "registry_hold":
        after = replace(domain, states=("server hold",))
    elif cause == "deleted":
        after = replace(domain, states=("pending delete", "redemption period")) if rng.random() < 0.5 else None
    elif rng.random() < 0.5:  # renewed by the registry itself, and held until somebody pays
        after = replace(domain, states=("auto renew period", "client hold"), expires=domain.expires + _YEAR)
    else:
        after = replace(domain, states=("client hold",))
    events.domains[name].append((now, after))
    events.take_name(site, cause, now)
