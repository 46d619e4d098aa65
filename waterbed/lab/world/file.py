"""The world file: the settings of a simulated Internet, validated."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
Key = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$")]
Asn = Annotated[int, msgspec.Meta(ge=1, le=4_294_967_295)]
Network: TypeAlias = IPv4Network | IPv6Network

CANARY_NETWORKS = ("33.255.255.0/28", "2d00:ffff::/64")
"""Networks of the canary hosts; no hoster may overlap them."""

PARKING, SEIZED = "parking", "seized"
"""Reserved hoster keys of names that lead to no hoster: to a parking service, to a banner of the police."""
BEYOND: Final[Mapping[str, str]] = {PARKING: "33.255.254.0/28", SEIZED: "33.255.254.16/28"}
"""Their networks; no hoster may overlap them."""

Source = Literal["first", "second", "proxy"]
"""A place we look from: this machine, its second address, the lab's proxy."""


class Removal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The policy of a hoster on a report."""

    removes: Share = 0.9
    """Share of reports it acts on at all."""
    median_hours: Positive = 24.0
    """Median time from report to removal, of a lognormal distribution."""
    sigma: NotNegative = 1.0
    """Standard deviation of the logarithm of that time."""
    answer_after_removal: Literal["404", "410", "name_gone", "suspended", "parked", "moved"] = "404"
    """`404` and `410` remove one URL, the others act on the whole host; `moved` is its owner's doing."""
    batch_hours: NotNegative = 0.0
    """Mean working hours between the times at which it works its queue off; 0: each report is removed when ready."""
    office_hours: tuple[float, float] = (0.0, 24.0)
    """Its working day, hours UTC: its clock runs in it alone."""
    weekdays: bool = False
    """True if it works from Monday to Friday only."""
    whole_sites: bool = False
    """True if it decides once for all URLs of a site."""
    slower_by_size: NotNegative = 0.0
    """Exponent: a site of n URLs takes n to this power times as long."""
    on_notice_hours: NotNegative = 0.0
    """Median working hours from a notice to the removal, apart from its queue; 0: a notice changes nothing."""
    put_back: Share = 0.0
    """Probability that removed content is back at the same URL, after each removal."""
    put_back_hours: tuple[float, float] = (1.0, 48.0)
    """From the removal to its return, uniform."""
    put_back_most: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Most returns of one URL; after each it is removed again as after a report."""


class Hoster(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One hoster, reverse proxy or platform."""

    key: Key
    name: str
    asn: Asn
    country: Country
    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    weight: NotNegative = 1.0
    """Relative frequency of choosing it, within its kind."""
    kind: Literal["hoster", "proxy", "platform"] = "hoster"
    suffixes: tuple[str, ...] = ()
    """Suffixes under which a platform names its customers' sites."""
    removal: Removal = Removal()
    catch_all: bool = False
    """True if all its hosts answer 200 with one page of its own for missing content."""
    link_check: bool = False
    """True if it is an image host that says at /api/exists/NAME if an image is there; HEAD it refuses."""
    blind_to: tuple[Source, ...] = ()
    """Vantage points that it blocks, from `blind_from_hour` on."""
    blind_from_hour: NotNegative = 0.0
    blind_to_hour: NotNegative = 24.0 * 366 * 2
    """Until when."""
    blind_how: Literal["hang", "reset", "404", "403", "blank", "301", "302", "seized"] = "hang"
    """`301` and `302` redirect each path of a host to a site of the hoster's own, `seized` is a banner at each path."""
    blind_share: Share = 1.0
    """Share of its URLs that it hides; of its hosts, where it answers each path alike."""
    blind_after_looks: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Looks at one URL from such a place that it answers truly, at one host where it answers each path alike."""
    blind_at_random: bool = False
    """True if that number differs by URL, geometric with this mean."""
    false_reports: Share = 0.0
    """Share of its reported sites that never held what was reported: each URL of them is answered with 404."""
    within: str = ""
    """The hoster in whose prefixes its own lie: a reseller, announced by that one's AS, registered in its own name."""
    also_announced_by: tuple[Key, ...] = ()
    """Hosters whose ASes announce its prefixes too."""
    further_as: dict[str, Asn] = {}
    """By prefix: a further AS of its own that announces it."""

    @property
    def hides_hosts(self) -> bool:
        """True if it answers each path of a host alike."""
        return self.blind_how in ("301", "302", "seized")

    @property
    def cloaks(self) -> bool:
        """True if it hides single URLs or hosts.

        One that blocks a place for a time hides neither.
        """
        return bool(self.blind_to) and (self.blind_after_looks > 0 or self.blind_share < 1 or self.hides_hosts)

    @property
    def domain(self) -> str:
        """The invented domain of its name servers and aliases."""
        return f"{self.key}-hosting.net"

    def networks(self) -> tuple[Network, ...]:
        """Its prefixes of both families, in the file's order."""
        return tuple(ip_network(prefix) for prefix in (*self.v4, *self.v6))


class Sites(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The sites that are reported first, and their traits."""

    count: Annotated[int, msgspec.Meta(ge=1)] = 100
    urls_per_site: tuple[int, int] = (1, 3)
    tail: NotNegative = 0.0
    """Exponent of a Pareto distribution of the URLs of a site between those two numbers; 0: uniform."""
    big_site: Annotated[int, msgspec.Meta(ge=0)] = 0
    """URLs of the one site that holds far more than others; 0: there is none."""
    multi_address: Share = 0.1
    v6: Share = 0.3
    behind_proxy: Share = 0.0
    roots: Share = 0.0
    """Sites whose first reported URL is the root, on top of those that are by chance."""
    cname: Share = 0.0
    """Sites whose name is an alias of a name of their hoster."""
    v6_only: Share = 0.0
    """Share without IPv4, of sites at hosters with IPv6."""
    split: Share = 0.0
    """Sites with addresses at a second hoster too."""
    geo: Share = 0.0
    """Sites whose name server says either their hoster's address or a second one's, by where it is asked from."""
    flux: Share = 0.0
    """Sites whose name is given new addresses all over the world again and again."""
    turns: Share = 0.0
    """Sites that stand at two hosters by turns."""
    turn_hours: tuple[float, float] = (2.0, 11.0)
    """Length of a turn."""
    churn: Share = 0.0
    """Sites whose name is given other addresses of whoever holds it again and again."""
    several_cdns: Share = 0.0
    """Share of proxied sites that alternate between two proxies."""
    dns_errors: Share = 0.0
    """Sites whose name servers now and then fail for an hour, or deny name or addresses."""
    suffixes: tuple[str, ...] = ("com", "net", "org", "nl", "xyz")
    categories: dict[str, Positive] = msgspec.field(default_factory=lambda: {"phishing": 1.0})
    """Weight of each report category."""
    sources: tuple[str, ...] = ("hotline",)
    up_before_hours: tuple[float, float] = (1.0, 72.0)
    """Hours that a site is up before its first report."""
    reported_over_days: tuple[float, float] | None = None
    """First and last day of first reports; by default from the start to three days before the end."""
    campaigns: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Campaigns, each of many names at one hoster, first reported within half a day; 0: each site comes by itself."""


class Movement(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The movement of content after a takedown."""

    after_takedown: Share = 0.0
    """Probability that it appears again elsewhere."""
    home_share: Share = 0.3
    """Probability that the new hoster is in the home country."""
    relocation: NotNegative = 1.0
    """Weight of re-pointing the same name to another hoster."""
    copy: NotNegative = 1.0
    """Weight of a new URL under a new name, with the same content id."""
    back: NotNegative = 0.0
    """Weight of the same URL at the same hoster again."""
    same_label: Share = 0.0
    """Share of copies that keep their label under another suffix."""
    flight: Share = 0.0
    """Probability that the owner leaves between the report and the removal."""
    redirect: Share = 0.0
    """Share of these with a redirected new name; others re-point."""
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


class FeedChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A day on which a feed reports a hoster otherwise."""

    hoster: str
    day: NotNegative
    factor: NotNegative
    """Reports an hour against those before: 0 if the feed stops, 2 if it doubles."""


class Intervention(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """From this day one hoster removes everything reported to it."""

    hoster: str
    day: NotNegative
    within_hours: Positive = 12.0


class Seizure(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """On this day the police take over some names.

    Their servers stay as they are, and nobody finds them by name.
    """

    day: NotNegative
    share: Share
    """Of the names that lead to a plain hoster then."""
    hoster: str = ""
    """Of that one alone; empty: of all."""


class Registrar(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One registrar of names, and its policy."""

    iana: Annotated[int, msgspec.Meta(ge=1, le=9_999_999)]
    name: str
    weight: Positive = 1.0
    """Relative frequency of registering with it."""
    holds: Share = 0.0
    """Share of reported domains that it puts on hold."""
    deletes: Share = 0.0
    """Share that it deletes instead."""
    hours: tuple[float, float] = (1.0, 72.0)
    """From the first report to either, uniform; a registry takes as long."""


class Naming(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The behaviour of registries of names and owners."""

    holds: Share = 0.0
    """Share of reported domains that their registry puts on hold."""
    lapses: Share = 0.0
    """Share of domains that are not renewed while the world runs."""
    spellings: tuple[Literal["rdap", "epp", "linked"], ...] = ("rdap", "epp", "linked")
    """How registries write statuses, one after the other."""


class Hotline(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Words that a hotline adds, and notices that it sends."""

    site_types: dict[str, Positive] = {}
    """Weight of each kind of site that reports name; none: they name no kind."""
    commercial: Share = 0.0
    """Contents that are said to be commercial, the others not to be; 0: nothing is said."""
    parents: Share = 0.0
    """Reported URLs that a page with an address of its own shows."""
    notices: Share = 0.0
    """Reported URLs whose hoster gets a notice an hour after the report."""
    orders: dict[str, Positive] = msgspec.field(default_factory=lambda: {"ntd": 1.0})
    """Weight of each kind of notice."""
    order_hours: Positive = 24.0
    """What an administrative order gives."""
    beyond: dict[Literal["tor", "chat", "live"], Share] = {}
    """Removed contents that are reported there within a day."""


class Sale(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """From this day another hoster holds a prefix.

    All that is in it goes along.
    """

    prefix: str
    to: str
    day: NotNegative


class Renaming(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """From this day a hoster has another name.

    Name, AS and registrations change, nothing else.
    """

    hoster: str
    to: str
    day: NotNegative


class Fronting(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A day on which sites go behind a reverse proxy."""

    proxy: str
    day: NotNegative
    share: Share
    until_day: NotNegative | None = None
    """Day on which the proxy goes; none: it remains."""


class Renumbering(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """On this day sites get other addresses at their hoster."""

    hoster: str
    prefix: str
    """Prefix of the new addresses: its own, or bought earlier."""
    day: NotNegative
    share: Share = 1.0


class Outage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Hours since the start with an outage.

    It is of our own network, or of one vantage point.
    """

    from_hour: NotNegative
    to_hour: NotNegative
    source: Literal["all"] | Source = "all"


class Servers(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Shares of sites, or of URLs, with peculiar servers."""

    https: Share = 0.5
    https_redirect: Share = 0.0
    """Share of http sites that redirect to https."""
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
    no_length: Share = 0.0
    """Sites that state no length: half of them send chunks, half end by closing."""
    no_etag: Share = 0.0
    """Sites without ETag and Last-Modified."""
    echo: Share = 0.0
    """Sites whose page for what is not there repeats the asked path."""
    dynamic: Share = 0.0
    """Sites that make each page anew: length and ETag differ each time, for half of them some words too."""
    spa: Share = 0.0
    """Single-page sites: one page at every path, for as long as anything is up there."""
    head_lies: Share = 0.0
    """Sites that answer HEAD with 404, 403 or 500 whatever GET would give."""
    https_root: Share = 0.0
    """Share of http sites that redirect all to https root."""


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
    feed: tuple[FeedChange, ...] = ()
    """At most one a hoster; the number of its sites stays, their first reports come at other times."""
    intervention: tuple[Intervention, ...] = ()
    seizure: tuple[Seizure, ...] = ()
    registrar: tuple[Registrar, ...] = ()
    """Registrars; with any, registries of names answer, and are asked four times a day."""
    naming: Naming = Naming()
    hotline: Hotline = msgspec.field(default_factory=Hotline)
    sale: tuple[Sale, ...] = ()
    renaming: tuple[Renaming, ...] = ()
    fronting: tuple[Fronting, ...] = ()
    renumbering: tuple[Renumbering, ...] = ()
    registries: bool = False
    """True if registries answer for its networks, and are asked once a day."""
    outage: tuple[Outage, ...] = ()
    servers: Servers = Servers()
    vantages: tuple[Literal["second", "proxy"], ...] = ()
    """Further places to look from."""
    empty_delivery_hours: tuple[NotNegative, ...] = ()
    """Hours since the start at which a feed delivers nothing; what it held back comes with the next delivery."""
    beside: Literal["nothing", "undisturbed", "without_controls"] = "nothing"
    """The control run that is measured too."""

    @property
    def end(self) -> datetime:
        """The instant at which the world stops."""
        return self.start + timedelta(days=self.days)

    @property
    def beyond(self) -> dict[str, str]:
        """Networks of parked and seized names, by reserved key."""
        parks = any(hoster.removal.answer_after_removal == "parked" for hoster in self.hoster)
        return {key: BEYOND[key] for key, can in ((PARKING, parks), (SEIZED, bool(self.seizure))) if can}

    def undisturbed(self) -> "World":
        """Return the same world and truth without obstacles to measurement."""
        hosters = tuple(msgspec.structs.replace(hoster, blind_to=()) for hoster in self.hoster)
        return msgspec.structs.replace(self, outage=(), empty_delivery_hours=(), hoster=hosters)
