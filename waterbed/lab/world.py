"""The world file: what a simulated Internet is made of, checked as it is read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from waterbed.model.errors import InputError

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
Key = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$")]
Network: TypeAlias = IPv4Network | IPv6Network

CANARY_NETWORKS = ("33.255.255.0/28", "2d00:ffff::/64")
"""Where the lab's two well-behaved hosts answer; no hoster may lie in them."""

_SCENARIOS = Path(__file__).parent / "scenarios"
_SEE = "see docs/lab.md, World files"


class Removal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a hoster does about a report."""

    removes: Share = 0.9
    """Share of reports it acts on at all."""
    median_hours: Positive = 24.0
    """Median time from report to removal, of a lognormal distribution."""
    sigma: NotNegative = 1.0
    """Standard deviation of the logarithm of that time."""
    answer_after_removal: Literal["404", "410", "name_gone", "suspended"] = "404"
    """`404` and `410` remove one URL; `name_gone` and `suspended` take the whole host."""


class Hoster(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One hoster, reverse proxy or platform."""

    key: Key
    name: str
    asn: Annotated[int, msgspec.Meta(ge=1, le=4_294_967_295)]
    country: Country
    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    weight: NotNegative = 1.0
    """How many sites choose it, against the other weights of its kind."""
    kind: Literal["hoster", "proxy", "platform"] = "hoster"
    suffixes: tuple[str, ...] = ()
    """Suffixes under which a platform names its customers' sites."""
    removal: Removal = Removal()

    def networks(self) -> tuple[Network, ...]:
        """Its prefixes of both families, in the file's order."""
        return tuple(ip_network(prefix) for prefix in (*self.v4, *self.v6))


class Sites(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The sites that are reported first, and what they are like."""

    count: Annotated[int, msgspec.Meta(ge=1)] = 100
    urls_per_site: tuple[int, int] = (1, 3)
    big_site: Annotated[int, msgspec.Meta(ge=0)] = 0
    """URLs of the one site that holds far more than others; 0: there is none."""
    multi_address: Share = 0.1
    v6: Share = 0.3
    behind_proxy: Share = 0.0
    suffixes: tuple[str, ...] = ("com", "net", "org", "nl", "xyz")
    categories: dict[str, Positive] = msgspec.field(default_factory=lambda: {"phishing": 1.0})
    """Weight of each report category."""
    sources: tuple[str, ...] = ("hotline",)
    up_before_hours: tuple[float, float] = (1.0, 72.0)
    """How long a site is up before it is first reported."""
    reported_over_days: tuple[float, float] | None = None
    """First and last day of first reports; by default from the start to three days before the end."""


class Movement(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What content does when it is taken down."""

    after_takedown: Share = 0.0
    """Probability that it appears again elsewhere."""
    home_share: Share = 0.3
    """Probability that the new hoster is in the home country."""
    relocation: NotNegative = 1.0
    """Weight of re-pointing the same name to another hoster."""
    copy: NotNegative = 1.0
    """Weight of a new URL under a new name, with the same content id."""
    delay_hours: tuple[float, float] = (2.0, 48.0)
    """From the takedown to the arrival, uniform."""
    parallel: Share = 0.0
    """Probability that a copy stands before the takedown already."""
    reported_home: Share = 0.8
    """Probability that an arrival at home is ever reported."""
    reported_abroad: Share = 0.6
    """Probability that an arrival abroad is ever reported."""
    report_delay_hours: tuple[float, float] = (1.0, 24.0)
    """From the arrival to its report, uniform."""


class Intervention(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A day from which one hoster removes everything reported to it."""

    hoster: str
    day: NotNegative
    within_hours: Positive = 12.0


class Outage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Hours since the start in which our own network is down."""

    from_hour: NotNegative
    to_hour: NotNegative


class Servers(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Shares of sites, or of URLs, whose servers do something particular."""

    https: Share = 0.5
    https_redirect: Share = 0.0
    """Of the sites reported with http: those that redirect to https."""
    catch_all: Share = 0.0
    """Sites that answer 200 to every path, before and after a removal: no 404 ever comes."""
    indistinct: Share = 0.0
    """Sites whose every path gives the very same 200, the reported one too."""
    head_refused: Share = 0.0
    body_on_head: Share = 0.0
    images: Share = 0.3
    """Share of URLs that are images."""
    mislabelled: Share = 0.0
    """Share of images that are labelled text/html."""


class World(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of a world file."""

    name: str
    seed: int
    start: datetime
    days: Annotated[float, msgspec.Meta(gt=0.0, le=366.0)]
    step_s: Positive = 3600.0
    """Virtual time between two passes of the crawler, seconds."""
    home: Country = "NL"
    hoster: tuple[Hoster, ...]
    sites: Sites = msgspec.field(default_factory=Sites)
    movement: Movement = Movement()
    intervention: tuple[Intervention, ...] = ()
    outage: tuple[Outage, ...] = ()
    servers: Servers = Servers()

    @property
    def end(self) -> datetime:
        """The instant at which the world stops."""
        return self.start + timedelta(days=self.days)


def scenario_path(name: str) -> Path:
    """Find a shipped scenario by its name, else the path itself."""
    shipped = _SCENARIOS / f"{name}.toml"
    if shipped.is_file():
        return shipped
    path = Path(name)
    if path.is_file():
        return path
    known = ", ".join(sorted(p.stem for p in _SCENARIOS.glob("*.toml")))
    raise InputError(f"{name} is neither a file nor one of the scenarios {known}; {_SEE}")


def read_world(path: Path) -> World:
    """Read the world in a file; InputError names the first mistake in it."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); {_SEE}") from None
    return parse_world(data, str(path))


def parse_world(data: bytes | str, where: str = "the world file") -> World:
    """Read the world in a TOML text; InputError begins with `where`."""
    try:
        world = msgspec.toml.decode(data, type=World)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{where}: {problem}; {_SEE}") from None
    for mistake in _mistakes(world):
        raise InputError(f"{where}: {mistake}; {_SEE}")
    return world


def _mistakes(world: World) -> Iterator[str]:
    if world.start.tzinfo is None:
        yield "start has no time zone, for example 2025-04-01T00:00:00Z"
    yield from _hoster_mistakes(world)
    yield from _range_mistakes(world)
    keys = {hoster.key for hoster in world.hoster}
    for event in world.intervention:
        if event.hoster not in keys:
            yield f"the intervention's hoster {event.hoster} is not among the hosters' keys"
    for outage in world.outage:
        if outage.to_hour <= outage.from_hour:
            yield f"the outage from hour {outage.from_hour:g} must end after it begins"


def _hoster_mistakes(world: World) -> Iterator[str]:
    seen: set[str] = set()
    numbers: set[int] = set()
    taken: list[tuple[str, Network]] = [("the lab's canary", ip_network(n)) for n in CANARY_NETWORKS]
    for hoster in world.hoster:
        if hoster.key in seen:
            yield f"the hoster key {hoster.key} is given twice"
        if hoster.asn in numbers:
            yield f"hoster {hoster.key}: the AS number {hoster.asn} is another hoster's already"
        seen.add(hoster.key)
        numbers.add(hoster.asn)
        if (hoster.kind == "platform") != bool(hoster.suffixes):
            yield f"hoster {hoster.key}: platforms, and only platforms, have suffixes"
        if not hoster.v4:
            yield f"hoster {hoster.key} needs a v4 prefix"
        yield from _prefix_mistakes(hoster, taken)
    if not any(h.kind == "hoster" and h.weight > 0 for h in world.hoster):
        yield "at least one hoster of kind hoster needs a weight above 0"
    if world.sites.behind_proxy and not any(h.kind == "proxy" and h.weight > 0 for h in world.hoster):
        yield "sites.behind_proxy is above 0, but no hoster of kind proxy has a weight above 0"


def _prefix_mistakes(hoster: Hoster, taken: list[tuple[str, Network]]) -> Iterator[str]:
    for family, prefixes in ((4, hoster.v4), (6, hoster.v6)):
        for prefix in prefixes:
            try:
                network = ip_network(prefix)
            except ValueError:
                yield f"hoster {hoster.key}: {prefix} is no network prefix"
                continue
            if network.version != family or not network.is_global or network.num_addresses < 16:
                yield f"hoster {hoster.key}: {prefix} is no public IPv{family} prefix of 16 addresses or more"
            for other, theirs in taken:
                if network.version == theirs.version and network.overlaps(theirs):
                    yield f"hoster {hoster.key}: {prefix} overlaps a prefix of {other}"
            taken.append((f"hoster {hoster.key}", network))


def _range_mistakes(world: World) -> Iterator[str]:
    sites, movement = world.sites, world.movement
    ranges: list[tuple[str, float, float]] = [
        ("sites.urls_per_site", *sites.urls_per_site),
        ("sites.up_before_hours", *sites.up_before_hours),
        ("movement.delay_hours", *movement.delay_hours),
        ("movement.report_delay_hours", *movement.report_delay_hours),
    ]
    if sites.reported_over_days:
        ranges.append(("sites.reported_over_days", *sites.reported_over_days))
    for name, low, high in ranges:
        if not 0 <= low <= high:
            yield f"{name} = [{low:g}, {high:g}] must be two numbers, not negative, the smaller first"
    if sites.urls_per_site[0] < 1:
        yield "sites.urls_per_site must begin at 1 or more"
    for name, values in (("suffixes", sites.suffixes), ("categories", sites.categories), ("sources", sites.sources)):
        if not values:
            yield f"sites.{name} must not be empty"
    if movement.after_takedown and not movement.relocation + movement.copy:
        yield "movement.relocation and movement.copy must not both be 0 when content moves"
