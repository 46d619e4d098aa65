"""Which hoster a site chooses, and where its content goes next."""

from random import Random

from waterbed.lab.world.actors import Site
from waterbed.lab.world.file import Hoster, World


def chosen(rng: Random, hosters: list[Hoster]) -> Hoster:
    """One of some hosters, by weight."""
    return rng.choices(hosters, weights=[h.weight for h in hosters])[0]


def destination(world: World, rng: Random, site: Site, kinds: tuple[str, ...]) -> Hoster | None:
    """Where content goes that leaves a site: at home or abroad, never where it was."""
    found = [h for h in world.hoster if h.kind in kinds and h is not site.operator and h.weight > 0]
    at_home = rng.random() < world.movement.home_share
    wished = [h for h in found if (h.country == world.home) == at_home]
    return chosen(rng, wished or found) if found else None
