"""Sites, URLs and their stays, while a world runs: changed by its course alone."""

from dataclasses import dataclass, field

from waterbed.lab.world.file import Hoster
from waterbed.lab.world.records import Shown, TrueCause
from waterbed.model.conclusions import HopKind

HOUR = 3600
"""Seconds."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """An episode as it is being made."""

    url: str
    content_id: str
    hoster: str
    origin: str
    start: int
    end: int | None = None
    cause: TrueCause | None = None
    reported: int | None = None
    goes_on: "Stay | None" = None
    """The stay that it became when a proxy was put in front."""


@dataclass(slots=True, kw_only=True)
class Link:
    """One movement of content, from one stay to another."""

    before: Stay
    after: Stay
    kind: HopKind

    @property
    def left(self) -> Stay:
        """The stay that was left: a proxy put in front of the first one is no leaving."""
        stay = self.before
        while stay.goes_on is not None:
            stay = stay.goes_on
        return stay


@dataclass(slots=True, kw_only=True, eq=False)
class Site:
    """One host name, and where it is now."""

    host: str
    scheme: str
    operator: Hoster
    front: Hoster | None
    category: str
    source: str
    leaves: list["Leaf"] = field(default_factory=list)
    moves: int = 0

    @property
    def seen(self) -> Hoster:
        """Whose addresses answer."""
        return self.front or self.operator


@dataclass(slots=True, kw_only=True, eq=False)
class Leaf:
    """One URL of a site."""

    site: Site
    shown: Shown
    stay: Stay | None = None
    last: Stay | None = None
    copied: bool = False
