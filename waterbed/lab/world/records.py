"""The truth of a simulated world, as values only."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from waterbed.lab.world.file import Hoster, World
from waterbed.model.conclusions import HopKind

T = TypeVar("T")
TrueCause = Literal[
    "removed",
    "name",
    "seized",
    "moved",
    "masked",
    "unmasked",
    "lineage",
    "registrar_hold",
    "registry_hold",
    "deleted",
    "expired",
]
Page = Literal["up", "404", "410", "suspended", "parked", "seized", "moved"]
"""The state of a URL at its server."""
Length = Literal["stated", "chunked", "close"]
"""How a page's length is given: stated, by chunks, or by the end of the connection."""
Dynamic = Literal["no", "numbers", "words"]
"""Variable content of a page; length and ETag vary too."""
Head = Literal["plain", "refused", "body"]
"""HEAD answered well, refused with 405, or with a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Generic[T]):
    """A value that changes at known instants.

    `values[i]` holds from `starts[i]` on.
    """

    starts: tuple[datetime, ...]
    values: tuple[T, ...]

    def at(self, moment: datetime) -> T | None:
        """Give the value at an instant, None before the first."""
        place = bisect_right(self.starts, moment)
        return self.values[place - 1] if place else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The registration of one domain, for a while."""

    registrar: int
    created: datetime
    expires: datetime
    states: tuple[str, ...] = ("active",)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrueReport:
    """One report that reaches the study."""

    url: str
    reported_at: datetime
    category: str
    content_id: str
    source: str
    site_type: str | None = None
    commercial: bool | None = None
    parent: str | None = None
    """URL of the page that shows it."""

    def __repr__(self) -> str:
        """Say nothing of the URL."""
        return f"<TrueReport {self.reported_at:%Y-%m-%d %H:%M}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrueNotice:
    """One notice, delivered as it is sent."""

    url: str
    kind: str
    recipient: str
    sent_at: datetime
    due_at: datetime | None

    def __repr__(self) -> str:
        """Say nothing of the URL."""
        return f"<TrueNotice {self.kind} {self.sent_at:%Y-%m-%d %H:%M}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrueEpisode:
    """A spell of a URL being up at one hoster.

    `end` is None if it outlives the world.

    `hoster` is whose addresses answer; `origin` differs from it behind a reverse proxy only.
    """

    url: str
    content_id: str
    hoster: str
    origin: str
    start: datetime
    end: datetime | None
    cause: TrueCause | None

    def __repr__(self) -> str:
        """Say nothing of the URL."""
        return f"<TrueEpisode at {self.hoster} from {self.start:%Y-%m-%d %H:%M}, {self.cause or 'open'}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrueHop:
    """Content that left one hoster and is up at another.

    It may be up there before it leaves, or later.
    """

    content_id: str
    from_url: str
    to_url: str
    from_hoster: str
    to_hoster: str
    left: datetime
    arrived: datetime
    kind: HopKind
    parallel: bool
    """True if the arrival came before the leaving."""
    reported: bool
    """True if the URL of the arrival is ever reported (on a relocation it is the old URL)."""
    detectable: bool
    """True if both ends were up after the first report of their URL."""
    masked: bool
    """True if the place it left stood behind a reverse proxy."""

    def __repr__(self) -> str:
        """Say nothing of the URLs."""
        return f"<TrueHop {self.kind} {self.from_hoster} to {self.to_hoster}, {self.arrived:%Y-%m-%d %H:%M}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalShare:
    """Share of a hoster's reported URLs removed within 24 hours.

    `share` is what happened, `expected` the mean over repetitions of the hoster's process for the same reports and
    sites: how the hoster works. What owners do does not enter it. None where an intervention changes the process.
    """

    share: float
    expected: float | None
    urls: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SiteTraits:
    """The behaviour of a host's servers, independent of content."""

    https: bool
    https_redirect: bool
    catch_all: bool
    indistinct: bool
    head: Head
    length: Length = "stated"
    no_etag: bool = False
    echo: bool = False
    dynamic: Dynamic = "no"
    spa: bool = False
    head_lie: int = 0
    """Status of every answer to HEAD; 0: the true one."""
    https_root: bool = False
    root_denied: bool = False
    """True if the root, when nothing is there, gives 403 rather than 404."""
    alias: bool = False
    """True if its name is an alias of a name of its hoster."""

    def __repr__(self) -> str:
        """Name the class alone: it is listed beside hosts."""
        return "<SiteTraits>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Shown:
    """The content of one URL while it is up."""

    url: str
    host: str
    target: str
    media_type: str
    image: bool
    content_id: str

    def __repr__(self) -> str:
        """Say nothing of the URL."""
        return "<Shown>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Truth:
    """All that happens in a world, in time order."""

    world: World
    reports: tuple[TrueReport, ...]
    episodes: tuple[TrueEpisode, ...]
    hops: tuple[TrueHop, ...]
    removal: Mapping[str, RemovalShare]
    """By hoster key; hosters without a full day after any report are missing."""
    hosts: Mapping[str, Timeline[tuple[str, ...] | None]]
    """By host: all its addresses, None while the name does not exist."""
    places: Mapping[str, Timeline[str]]
    """By host: the key of the hoster whose addresses answer."""
    pages: Mapping[str, Timeline[Page]]
    """By URL."""
    traits: Mapping[str, SiteTraits]
    shown: Mapping[str, Shown]
    moved: Mapping[str, str]
    """By host that redirects elsewhere for good: scheme and host of where it went."""
    moved_urls: Mapping[str, str]
    """By URL that moved so: the URL that its content has now."""
    further_hosters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By host: keys of further hosters at which it answers, besides its hoster."""

    domains: Mapping[str, Timeline[Domain | None]] = field(default_factory=dict)
    """By registered domain: its registration, None once it is deleted."""
    elsewhere: tuple[TrueReport, ...] = ()
    """Reports of what nobody can look at: at Tor, in chats, in live streams."""
    notices: tuple[TrueNotice, ...] = ()

    def is_up(self, url: str, moment: datetime) -> bool:
        """True if a URL's content is there at an instant."""
        timeline = self.pages.get(url)
        return timeline is not None and timeline.at(moment) == "up"

    def __repr__(self) -> str:
        """Say how much there is, and nothing of URLs."""
        return (
            f"<Truth of {self.world.name}: {len(self.reports)} reports, "
            f"{len(self.episodes)} episodes, {len(self.hops)} hops>"
        )


HOUR = 3600
"""Seconds."""


@dataclass(slots=True, kw_only=True)
class Placement:
    """An episode as it is being made."""

    url: str
    content_id: str
    hoster: str
    origin: str
    start: int
    end: int | None = None
    cause: TrueCause | None = None
    reported: int | None = None
    goes_on: "Placement | None" = None
    """The placement that it became when a proxy was put in front."""


@dataclass(slots=True, kw_only=True)
class Link:
    """One movement of content from one placement to another."""

    before: Placement
    after: Placement
    kind: HopKind

    @property
    def left(self) -> Placement:
        """The placement that was left.

        A proxy put in front of the first one does not count as leaving.
        """
        placement = self.before
        while placement.goes_on is not None:
            placement = placement.goes_on
        return placement


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
        """The hoster whose addresses answer."""
        return self.front or self.operator


@dataclass(slots=True, kw_only=True, eq=False)
class Leaf:
    """One URL of a site."""

    site: Site
    shown: Shown
    placement: Placement | None = None
    last: Placement | None = None
    copied: bool = False
