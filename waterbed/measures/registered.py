"""Rankings by registrar and by top-level domain."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from waterbed.attribution.lookups.rdap.domain_index import DomainIndex
from waterbed.measures.keys import UNTOLD, Kind
from waterbed.model.conclusions import EndCause, Episode

CREDITED: Final[dict[Kind, EndCause]] = {"registrar": "registrar_hold", "tld": "registry_hold"}
"""Ends that those who are ranked bring about, where these are no hosters."""


def keys_of_site(domains: DomainIndex, kind: Kind, site_id: str) -> tuple[str, ...]:
    """The registrars of a domain, or its top-level domain.

    UNTOLD where no registry was asked about it, or none tells it; none at all where none was ever asked.
    """
    tld = domains.tld(site_id)
    found = domains.registrars(site_id) if kind == "registrar" else (tld,) if tld else ()
    return found or ((UNTOLD,) if domains.answers else ())


def keys_of_episode(domains: DomainIndex, kind: Kind, episode: Episode) -> tuple[str, ...]:
    """The registrar of the end's time, or top-level domain."""
    if kind != "registrar":
        return keys_of_site(domains, kind, episode.site_id)
    return (domains.registrar(episode.site_id, episode.last_up) or UNTOLD,) if domains.answers else ()


def credited(episodes: Iterable[Episode], kind: Kind) -> list[Episode]:
    """Episodes as whoever is ranked ends them.

    Registrars and registries act on names: their holds stand for removals, and a hoster's removal is one more competing
    end. A reverse proxy hinders neither, and a removal that was not confirmed is no hold. What is lost at a hoster is
    none either: its name stood.
    """
    theirs = CREDITED[kind]
    swapped: dict[EndCause | None, EndCause | None] = {theirs: "removed", "removed": theirs, "lost": "network"}
    return [
        replace(one, cause=swapped.get(one.cause, one.cause), proxy=False, flap_last_up=None, flap_first_down=None)
        for one in episodes
    ]
