"""Causes of ends and who acted: the one definition."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from waterbed.model.conclusions import EndCause

Actor = Literal["hoster", "registrar", "registry", "owner", "police", "nobody known"]
"""Parties that can end content's stay, as far as it can be seen from outside."""

ACTORS: Final[tuple[Actor, ...]] = get_args(Actor)

ACTED: Final[Mapping[EndCause, Actor]] = {
    "removed": "hoster",
    "registrar_hold": "registrar",
    "registry_hold": "registry",
    "expired": "owner",
    "moved": "owner",
    "masked": "owner",
    "seized": "police",
    "deleted": "nobody known",
    "name": "nobody known",
    "network": "nobody known",
    "lost": "nobody known",
    "lineage": "nobody known",
}
"""Who acted, by cause. A registrar deletes a domain by its own will or on its owner's wish, and no registry tells which
(docs/decisions/0037-who-acted.md)."""

WHY: Final[Mapping[EndCause, str]] = {
    "registrar_hold": "hold, reason unknown",
    "registry_hold": "hold, reason unknown",
    "deleted": "deleted, reason unknown",
    "expired": "not renewed",
}
"""Why, as far as a registry tells it: an EPP status names who set it, and no reason."""
