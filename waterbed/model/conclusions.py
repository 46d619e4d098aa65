"""Conclusions: recomputed from facts, never edited, each naming its rule."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

State = Literal["up", "down", "unknown"]
EndCause = Literal[
    "removed",
    "name",
    "network",
    "seized",
    "moved",
    "masked",
    "lost",
    "lineage",
    "registrar_hold",
    "registry_hold",
    "deleted",
    "expired",
]
"""`lineage`: the addresses stayed, and who answers for them changed; a move of the hoster, not of its customer. The
last four refine `name` where the registry tells more."""

TOLD_BY_REGISTRIES: Final[tuple[EndCause, ...]] = ("registrar_hold", "registry_hold", "deleted", "expired")
"""Causes that only a registry of names tells."""
NAME_ENDS: Final[tuple[EndCause, ...]] = ("name", *TOLD_BY_REGISTRIES)
"""Ends of a name: `name` where no registry tells why."""
NAME_ONLY: Final[tuple[EndCause, ...]] = ("name", "seized")
"""Causes of a check that saw the name alone: its addresses are a parking service's or a banner's, which never held the
content, so that no hoster is named for them in results."""

Confidence = Literal["high", "medium", "low"]
OrderClass = Literal["sequential", "parallel", "unknown", "repointed"]
HopKind = Literal["relocation", "reappearance", "redirect", "tld", "copy"]
"""Kinds of hops: a name pointed elsewhere, a URL that came back elsewhere, a new URL that the old one redirects to,
the same label under another suffix, any other new URL of the content."""

EvidenceKind = Literal[
    "content_id",
    "same_url",
    "redirect_url",
    "redirect_site",
    "path",
    "label",
    "fuzzy_label",
    "alike_name",
    "page",
    "title",
    "etag",
    "certificate",
    "public_key",
    "name_servers",
]
"""Kinds of evidence that URLs share content (docs/linking.md)."""
LinkStrength = Literal["strong", "weak"]
QuarantineKind = Literal["canary", "all", "hoster", "prefix", "feed"]
NO_VERDICT: Final[tuple[QuarantineKind, ...]] = ("canary", "feed")
"""Kinds of quarantines that change no verdict."""
QuarantineStatus = Literal["open", "released", "voided"]
WholeClass = Literal[
    "ranked", "too few", "too few followed", "too few days", "views differ", "unmeasurable", "proxy", "no address"
]
"""Whether a share of all reports is given, and if not why."""
RankClass = Literal[WholeClass, "changed"]
"""The same. `changed`: shares are given of the reports before a change, and of those since."""
OF_VOLUME: Final[tuple[RankClass, ...]] = ("no address", "proxy", "too few")
"""Classes of rows for which no share is looked for."""
NO_SHARE: Final[tuple[RankClass, ...]] = (*OF_VOLUME, "too few followed", "unmeasurable")
"""Classes of rows of which no share is given, even where both cases are known."""
WITH_SHARE: Final[tuple[RankClass, ...]] = ("ranked", "changed")
"""Classes of rows with a share and its interval."""
Assessment = Literal["decides", "ignored"]
"""What analysts' assessments do: reports count by them, or all reports count."""
HosterWord = Literal["counts", "ignored"]
"""What hosters' own link checks do: their answers are looks like any, or tell nothing."""
ClockKind = Literal["first_seen", "reported", "notice_sent", "notice_delivered", "legal_order", "episode_start"]
"""Origin of a takedown clock. `legal_order`: a delivered legal order, and no other notice."""

Addressed = Literal["direct", "indirect", "misaddressed", "unattributed"]
"""The addressee of a notice: the hoster of that time; its upstream, operator, AS holder, proxy or registrar; another;
or the hoster of that time is unknown."""

Timing = Literal["after", "open", "before"]
"""Position of an end: after a clock's origin, before it, or in an interval that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The interpretation of one check."""

    observation_id: Annotated[str, "the check"]
    url_id: Annotated[str, "the URL"]
    observed_at: Annotated[datetime, "when it was checked"]
    ruleset: Annotated[str, "name and checksum of the rule set"]
    rule: Annotated[str, "id of the rule that decided"]
    outcome: Annotated[str, "up, gone, soft_gone, suspended, no_name, ..."]
    state: Annotated[State, "up, down or unknown: unknown is never down"]
    cause: Annotated[EndCause | None, "the end cause it stands for, if down"]
    layer: Annotated[str, "who can have acted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Checks of one cycle, or a delivery, not believed."""

    quarantine_id: Annotated[str, "id made of kind, scope and beginning: the same whenever it is computed"]
    kind: Annotated[QuarantineKind, "canary: our own network; all, hoster, prefix: a mass flip; feed: a delivery"]
    scope: Annotated[str, "vantage, hoster key, prefix or feed; empty for all"]
    began_at: Annotated[datetime, "start of its first cycle, or when the delivery came"]
    ended_at: Annotated[datetime, "end of its last cycle"]
    looked: Annotated[int, "sites (feed: usual reports) that could have flipped"]
    flipped: Annotated[int, "sites that flipped (feed: reports that came)"]
    usual: Annotated[float | None, "share that flips in other cycles, 0..1; null: nothing to compare with"]
    status: Annotated[QuarantineStatus, "open: not believed until a person decides; released: believed; voided: never"]
    reason: Annotated[str | None, "the reason the person gave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The parties responsible for one set of addresses, by day."""

    addresses: Annotated[tuple[str, ...], "the resolved set"]
    suffix_id: Annotated[str | None, "the platform suffix of the name, if any"]
    day: Annotated[datetime, "the day it holds for"]
    origins: Annotated[tuple[int, ...], "distinct origin AS numbers, sorted"]
    organisations: Annotated[tuple[str, ...], "names of the AS holders, sorted"]
    countries: Annotated[tuple[str, ...], "ISO codes the addresses are delegated to, sorted"]
    hosters: Annotated[tuple[str, ...], "keys of the hoster entities, sorted"]
    proxy: Annotated[bool, "whether all of them are reverse proxies: the origin is unknown"]
    rule: Annotated[str, "id of the rule that chose the hosters"]
    routes_date: Annotated[datetime | None, "date of the routing table used"]
    stale: Annotated[bool, "whether that table is older than the policy allows"]
    address_hosters: Annotated[
        tuple[str, ...], "hoster key of each address, in their order; several joined by +, none: empty text"
    ] = ()
    prefixes: Annotated[tuple[str, ...], "smallest routed range of each address, in their order; none: empty text"] = ()
    moas: Annotated[bool, "whether one range has several origin ASes"] = False
    platform: Annotated[str | None, "hoster key of the platform the name hangs on"] = None
    proxies: Annotated[tuple[str, ...], "hoster keys of the reverse proxies among the addresses, sorted"] = ()
    known_origins: Annotated[tuple[str, ...], "hoster keys behind a proxy, as a reporter knew them"] = ()
    operators: Annotated[tuple[str, ...], "hoster keys of the holders of the smallest registrations, sorted"] = ()
    upstreams: Annotated[tuple[str, ...], "hoster keys of the holders of the networks above these, sorted"] = ()
    as_holders: Annotated[tuple[str, ...], "hoster keys of the holders of the origin ASes, sorted"] = ()
    transits: Annotated[tuple[str, ...], "hoster keys of the holders of these ASes' providers, sorted"] = ()
    registered_countries: Annotated[tuple[str, ...], "ISO codes the smallest registrations give, sorted"] = ()
    seats: Annotated[tuple[str, ...], "ISO codes of the hosters' legal seats, sorted"] = ()
    registered_at: Annotated[datetime | None, "when the oldest registration used was fetched"] = None
    registration_stale: Annotated[bool, "whether that is older than the policy allows, or younger than the day"] = False
    confidence: Annotated[Confidence, "how well the hosters are founded: see docs/attribution.md"] = "medium"
    unreviewed: Annotated[bool, "whether a decision behind a hoster was not seen by two people"] = False
    ruleset: Annotated[str, "name of the rule set"] = ""


Rent = Literal["transit", "reseller of"]
"""How one company rents from another: it carries the other's ASes, or the other's networks lie in its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A company that a hoster's reported hosts are reached through."""

    key: Annotated[str, "the carrier, or the company whose networks it rents"]
    name: Annotated[str, "name for people"]
    kind: Annotated[Rent, "transit: it carries the hoster's ASes; reseller of: the hoster's networks lie in its own"]
    hosts: Annotated[int, "the hoster's reported hosts for which that holds"]
    of: Annotated[int, "all of its reported hosts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One link of the chain from subject to responsible party.

    The subject is what was asked about. Each link stands once, with the first and the last time at which it held.
    """

    since: Annotated[datetime | None, "first check or day for which the link holds; null: not bound to a time"] = None
    until: Annotated[datetime | None, "last check or day for which it holds; null: to this day"] = None
    about: Annotated[str, "what the link starts from: the URL's id, an address, a range, a registrant, a hoster"]
    step: Annotated[str, "report, look, change, address, range, origin, registration, holder, operator, hoster, ..."]
    value: Annotated[str, "what it leads to"]
    source: Annotated[str, "who says so: a table, a registry, the book of hosters, a rule set"]
    data_date: Annotated[datetime | None, "the day of these data"] = None
    rule: Annotated[str | None, "id of the rule that decided, where one did"] = None
    confidence: Annotated[Confidence | None, "of the hoster set"] = None
    note: Annotated[str, "stale, early, MOAS, no BGP prefix, not seen by two people, ...; empty: nothing to note"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which content was up at one hoster.

    The end is the half-open interval (last_up, first_down]; null first_down is right-censored at last_up.
    """

    url_id: Annotated[str, "the URL"]
    content_id: Annotated[str, "the content: the hotline's id, else an id of the URLs linked to it"]
    site_id: Annotated[str, "its registrable domain: the cluster"]
    hoster: Annotated[str, "key of the hoster entity"]
    hosters: Annotated[tuple[str, ...], "all hoster entities at the start"]
    origins: Annotated[tuple[int, ...], "origin ASes at the start"]
    countries: Annotated[tuple[str, ...], "countries at the start"]
    addresses: Annotated[tuple[str, ...], "addresses at the start"]
    own_addresses: Annotated[
        tuple[str, ...], "of these, those of this hoster; none: no table tells whose they are"
    ] = ()
    prefixes: Annotated[tuple[str, ...], "smallest routed ranges of these, sorted"] = ()
    proxy: Annotated[bool, "whether that hoster is a reverse proxy"]
    known_up_at: Annotated[datetime, "first time it was known up: a report's or a check's"]
    reported_at: Annotated[datetime | None, "first report of it while it was there; null: never reported there"]
    claimed_at: Annotated[
        datetime | None,
        "earliest time that a report received later claims, if before reported_at; null: none",
    ] = None
    absent_at: Annotated[datetime | None, "last time before it that it was known not to be up there"]
    first_up: Annotated[datetime | None, "first check that saw it up"]
    confirmed_at: Annotated[
        datetime | None,
        "last time before its end at which an analyst or another observer saw it up, if no check did; null: none did",
    ] = None
    last_up: Annotated[datetime, "last time it was known up"]
    first_down: Annotated[datetime | None, "first confirmed check that saw it down or elsewhere"]
    cause: Annotated[EndCause | None, "why it ended"]
    looks: Annotated[int, "checks in the episode"]
    looks_until_last: Annotated[int, "of these, until it was last known up"] = 0
    unknown_looks: Annotated[int, "of these, undecided"]
    flap_last_up: Annotated[datetime | None, "last time known up before the flap"] = None
    flap_first_down: Annotated[
        datetime | None,
        "first check that saw it removed after the report, and back unconfirmed or within a day; null: none",
    ] = None
    flap_up_again: Annotated[datetime | None, "first check after the flap that saw it up"] = None

    @property
    def seen(self) -> bool:
        """True if anybody but a bare report saw it up: a check, an analyst who dated it, another observer."""
        return self.first_up is not None or self.confirmed_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalEpisode(Episode):
    """An episode as another observer reports it.

    Its checks are that observer's. It is never among the study's own episodes.
    """

    observer: Annotated[str, "whose checks these were: scart"]
    source: Annotated[str, "by whom the observer's word came: the source of the report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Content that was up at another hoster after leaving one."""

    content_id: Annotated[str, "the content"]
    from_url_id: Annotated[str, "URL it left"]
    to_url_id: Annotated[str, "URL it was seen at"]
    from_hoster: Annotated[str, "hoster it left"]
    to_hoster: Annotated[str, "hoster it arrived at"]
    from_countries: Annotated[tuple[str, ...], "countries before"]
    to_countries: Annotated[tuple[str, ...], "countries after"]
    left_after: Annotated[datetime, "last known up at the old hoster"]
    left_before: Annotated[datetime, "first confirmed away from it"]
    arrived_after: Annotated[
        datetime | None, "last known absent at the new hoster, by a check or a birth; null: never known absent"
    ]
    arrived_before: Annotated[datetime, "first known up at the new hoster"]
    kind: Annotated[HopKind, "what moved: the name, the URL, or the content to another URL"]
    order: Annotated[OrderClass, "sequential, parallel, unknown, or repointed (one name, one interval)"]
    levels: Annotated[
        tuple[str, ...], "what changed: address, prefix, as, organisation, country, home_abroad, tld, registrar"
    ]
    evidence: Annotated[tuple[str, ...], "kinds of evidence that link the two URLs; same_url alone: it is one URL"]
    strength: Annotated[LinkStrength, "of the weakest link between the two URLs; strong: it is one URL"] = "strong"
    sources: Annotated[int, "hosters that the content may have come from; above 1 the one named is the likeliest"] = 1
    arrival_evidence: Annotated[
        tuple[str, ...],
        "creation or zone: the birth that arrived_after rests on; certificate_after, certificate_before: the first "
        "known certificate of the name is from after or before the loss, which orders nothing",
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRow:
    """One hoster, AS or country in a ranking."""

    PUBLIC: ClassVar = {"rank_class": "class"}
    """Names of fields outside Python, where the name is a keyword here."""

    place: Annotated[int | None, "place by volume, 1 = most hosts; null for what no table could attribute"]
    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    urls: Annotated[int, "distinct URLs"]
    hosts: Annotated[int, "distinct hosts, each once for each distinct key of its addresses"]
    sites: Annotated[int, "distinct registrable domains"]
    hosts_fractional: Annotated[float, "hosts, each shared equally among its keys"]
    removed_24h: Annotated[
        float | None,
        "share removed within 24 h of the report, 0..1; of class too few days: what happened; of class changed: of the "
        "reports since the change, as are its ends, cases and hours; null: none, or worst and best case are more than "
        "10 points apart",
    ]
    removed_24h_low: Annotated[
        float | None,
        "lower end of the 95% interval, from the worst case, of its expected value over repetitions of the process",
    ]
    removed_24h_high: Annotated[float | None, "upper end of this interval, to best case"]
    removed_or_moved_24h: Annotated[float | None, "the same with leaving for another hoster counted too: upper bound"]
    removed_24h_worst: Annotated[
        float | None, "share if nothing was removed that was out of sight, or that no check, or too few, saw up"
    ] = None
    removed_24h_best: Annotated[float | None, "share if all of it was removed in time"] = None
    removed_24h_if_hiding: Annotated[
        float | None,
        "lower 95% bound of the share if each check could be the last answered truly; null: no rare checks",
    ] = None
    removed_24h_before: Annotated[
        float | None, "of class changed: the share of the reports before the change; null: another class, or no number"
    ] = None
    removed_24h_before_low: Annotated[float | None, "lower end of its 95% interval, from the worst case"] = None
    removed_24h_before_high: Annotated[float | None, "upper end, to the best case"] = None
    removed_24h_overall: Annotated[
        float | None, "of class changed: the share of all reports, before, since and between, as totals count it"
    ] = None
    removed_24h_overall_worst: Annotated[float | None, "the same in the worst case"] = None
    removed_24h_overall_best: Annotated[float | None, "the same in the best case"] = None
    changed_after: Annotated[
        datetime | None,
        "of class changed: reports up to then were made before the change; null: no date, it may have been gradual, "
        "and the parts are the first and the second half of the reports",
    ] = None
    changed_before: Annotated[
        datetime | None, "reports from then on were made after the change: with 95% confidence it lies between"
    ] = None
    changed_sites: Annotated[
        int | None, "sites whose clocks are behind the share before or since, whichever are fewer; null: not changed"
    ] = None
    constancy_p: Annotated[
        float | None, "p of the share having stayed the same, for this row alone; null: not tested"
    ] = None
    spans_change: Annotated[
        bool, "whether the share of a row that is not split, as of a country, holds reports before and after a change"
    ] = False
    median_h: Annotated[
        float | None, "hours from the report until half was gone, by any cause; null: not seen, or too few"
    ] = None
    median_h_low: Annotated[float | None, "lower end of its 95% interval"] = None
    median_h_high: Annotated[float | None, "upper end; null: later than anything was followed"] = None
    episodes: Annotated[int, "takedown clocks, of URLs of which a check could be decided"]
    first_down: Annotated[int, "of these, down at the first check: nobody but the report ever saw these URLs up"] = 0
    removals: Annotated[int, "of these, removed after somebody but the report saw the content up"] = 0
    batches: Annotated[int, "fewest times at which all these removals can have happened"] = 0
    dependence: Annotated[
        str | None,
        "what makes outcomes depend on each other the most, as the interval counts it: sites, time, regimes, bursts, "
        "content, address, network, registration or delivery; null: no interval",
    ] = None
    regimes: Annotated[
        float | None,
        "stretches of one way of working that outcomes show; below 4 the interval may not hold; null: they show one",
    ] = None
    unknown: Annotated[int, "URLs of which no check could be decided: not among the clocks, but in worst and best case"]
    rank_class: Annotated[RankClass, "ranked, or why no share is given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Size of one hoster, AS or country on a day.

    Denominators, by address family. IPv4 addresses and IPv6 /64s are never added up. Ranges with several origins count
    in full for each of its keys; the fractional count shares it among them.
    """

    key: Annotated[str, "hoster key, AS number as AS13335, or ISO country code"]
    name: Annotated[str, "name for people"]
    day: Annotated[datetime, "the day it holds for"]
    announced_v4: Annotated[int | None, "IPv4 addresses routed to it, overlaps removed; null: no table of routes"]
    announced_v4_fractional: Annotated[float | None, "the same, shared among its keys where there are several"]
    announced_v6_64s: Annotated[int | None, "IPv6 /64s routed to it, wholly or in part"]
    announced_v6_64s_fractional: Annotated[float | None, "the same, shared among its keys where there are several"]
    hosting_v4: Annotated[int | None, "distinct IPv4 addresses that the study's hosts had in the window"]
    hosting_v6_64s: Annotated[int | None, "distinct IPv6 /64s that the study's hosts had an address in"]
    domains: Annotated[int | None, "domains hosted, by the table of domains; null: it does not say"]
    delegated_v4: Annotated[int | None, "IPv4 addresses delegated to it (countries only)"]
    delegated_v6_64s: Annotated[int | None, "IPv6 /64s delegated to it (countries only)"]
    registered_v4: Annotated[int | None, "IPv4 addresses registered to it, of the networks the registries told"]
    registered_v6_64s: Annotated[int | None, "IPv6 /64s registered to it, of the networks the registries told"]
    delegated_v4_there: Annotated[int | None, "IPv4 addresses of those networks delegated to it (countries only)"]
    delegated_v6_64s_there: Annotated[int | None, "IPv6 /64s of those networks delegated to it (countries only)"]
    hosting_v4_registered: Annotated[int | None, "as hosting_v4, by the registered country or holder"]
    hosting_v6_64s_registered: Annotated[int | None, "as hosting_v6_64s, by the registered country or holder"]
    urls: Annotated[int, "the study's distinct URLs there"]
    hosts: Annotated[int, "the study's distinct hosts there"]
    sites: Annotated[int, "the study's distinct registrable domains there"]
    routes_v4_date: Annotated[datetime | None, "date of the IPv4 routing table used"]
    routes_v6_date: Annotated[datetime | None, "date of the IPv6 routing table used"]
    places_date: Annotated[datetime | None, "date of the oldest table of places used (countries only)"]
    domains_date: Annotated[datetime | None, "date of the table of domains used"]
    stale: Annotated[bool, "whether a routing table used is older than the policy allows, or younger than the day"]
