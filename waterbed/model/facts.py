"""Facts: reports, observations and imported tables. Only ever added.

These dataclasses are the one schema: tables, Arrow schemas, JSON Schemas and `docs/schema.md` are made from them.
Each field is `Annotated` with what it means and its unit. `KEY` names the primary key, `INDEX` further look-ups.
Times are aware UTC. Ids are keyed (HMAC): no field of any fact holds a URL or a host name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal

Profile = Literal["strict", "headers", "text"]
Phase = Literal["schedule", "dns", "guard", "connect", "tls", "http"]
NoticeKind = Literal["ntd", "legal_order", "nl_order", "tco", "dsa", "citizen"]
"""`legal_order`: of a court or an authority; `nl_order`: administrative, of the Dutch authority against online abuse
imagery and terrorist content; `tco`: a removal order under Regulation (EU) 2021/784."""
BirthKind = Literal["creation", "zone", "certificate"]
Medium = Literal["web", "ipfs", "tor", "chat", "live"]
"""Where a report says content is: `ipfs` is the web through a gateway, `tor` a hidden service of Tor or its like."""
NameStatus = Literal[
    "ok",
    "literal",
    "nxdomain",
    "nodata",
    "servfail",
    "refused",
    "timeout",
    "bad_answer",
    "too_long",
    "bad_name",
    "special_use",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reported URL, known by its keyed ids."""

    KEY: ClassVar = ("url_id",)
    INDEX: ClassVar = (("host_id",),)

    url_id: Annotated[str, "keyed id of the canonical URL"]
    host_id: Annotated[str, "keyed id of its host name or address literal"]
    site_id: Annotated[str, "keyed id of the registrable domain (public suffix plus one label)"]
    label_id: Annotated[str, "keyed id of the registrable domain's first label"]
    path_id: Annotated[str, "keyed id of path and query"]
    suffix_id: Annotated[str | None, "keyed id of the private public suffix it hangs on (a platform), else null"]
    spelling: Annotated[str, "version of the canonical spelling"]
    suffix_list: Annotated[str, "version of the Public Suffix List"]
    added_at: Annotated[datetime, "when the study first knew it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One complaint about one URL, as received."""

    KEY: ClassVar = ("report_id",)
    INDEX: ClassVar = (("url_id",),)

    report_id: Annotated[str, "id made of source, URL, content, category, time and assessment"]
    url_id: Annotated[str, "the reported URL"]
    source: Annotated[str, "who reported: a feed or hotline, by name"]
    category: Annotated[str, "what was reported: phishing, malware, abuse-material, ..."]
    site_type: Annotated[str | None, "kind of site as the reporter names it"]
    commercial: Annotated[bool | None, "whether the reporter holds it to be commercial"]
    assessed_illegal: Annotated[bool | None, "the analyst's assessment"]
    verified_at: Annotated[datetime | None, "when an analyst last saw it up"]
    content_id: Annotated[str | None, "keyed id of the content, as the hotline names it"]
    reported_at: Annotated[datetime | None, "when it was reported to the source"]
    received_at: Annotated[datetime, "when this study imported it"]
    origin_address: Annotated[str | None, "address behind a reverse proxy, if the reporter knows it"] = None
    medium: Annotated[Medium, "web, ipfs (a gateway), tor, chat or live; only the first two are checked"] = "web"
    parent_id: Annotated[str | None, "the reported page that shows it; null: none is known"] = None
    referer_id: Annotated[str | None, "where the reporter came from: kept, never checked"] = None


def reported_at(report: Report) -> datetime:
    """The time of a report.

    It is not later than the report came here.
    """
    return min(report.reported_at or report.received_at, report.received_at)


def as_counted(reports: Sequence[Report]) -> Sequence[Report]:
    """The reports, none of them earlier than the report of its URL that was received first.

    A source that tells late cannot begin a clock before the one that told first. Of reports received together the
    earliest is the first. The given ones themselves where nothing changes. Linear in the reports.
    """
    first: dict[str, tuple[datetime, datetime]] = {}
    for report in reports:
        when = report.received_at, reported_at(report)
        first[report.url_id] = min(first.get(report.url_id, when), when)
    early = {at for at, one in enumerate(reports) if reported_at(one) < first[one.url_id][1]}
    if not early:
        return reports
    return [replace(one, reported_at=first[one.url_id][1]) if at in early else one for at, one in enumerate(reports)]


def named_contents(reports: Iterable[Report]) -> dict[str, str]:
    """The content id of each URL that has one: of reports that name one, that of the one received first.

    A source that tells later cannot join what others keep apart. Of reports received together the smallest id counts.
    """
    first: dict[str, tuple[datetime, str]] = {}
    for report in reports:
        if report.content_id:
            own = report.received_at, report.content_id
            first[report.url_id] = min(first.get(report.url_id, own), own)
    return {url_id: content_id for url_id, (_, content_id) in first.items()}


def claimed_before(reports: Sequence[Report], counted: Sequence[Report]) -> dict[tuple[str, str], datetime]:
    """The earliest time that each source claims for each URL, where that is before the time that counts.

    By URL and source. `counted` are the same reports as they count (`as_counted`). Linear in the reports.
    """
    found: dict[tuple[str, str], datetime] = {}
    for told, one in zip(reports, counted, strict=True):
        if told is not one:
            key, when = (told.url_id, told.source), reported_at(told)
            found[key] = min(found.get(key, when), when)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice about one URL to one recipient, as sent."""

    KEY: ClassVar = ("notice_id",)
    INDEX: ClassVar = (("url_id",),)

    notice_id: Annotated[str, "id made of all that the line says: a later word on a notice is a fact of its own"]
    url_id: Annotated[str, "the URL it is about"]
    kind: Annotated[NoticeKind, "ntd, legal_order, nl_order, tco, dsa or citizen"]
    sender: Annotated[str, "who sent it, by name"]
    recipient: Annotated[str, "the hoster's key in the book, AS64500, or registry:HANDLE"]
    batch: Annotated[str | None, "the sender's batch it went out with: a cluster"]
    channel: Annotated[str | None, "how it was sent: mail, form, api, ..."]
    reminder: Annotated[bool, "whether it repeats an earlier notice"]
    sent_at: Annotated[datetime, "when it was sent"]
    delivered_at: Annotated[datetime | None, "when it is known to have arrived; null: not known"]
    bounced: Annotated[bool, "whether it came back"]
    acknowledged_at: Annotated[datetime | None, "when the recipient answered"]
    response: Annotated[str | None, "what the recipient answered, as a short word"]
    held_for_police: Annotated[bool, "whether removal was to wait for the police"]
    received_at: Annotated[datetime, "when this study imported it"]
    due_at: Annotated[datetime | None, "when the order says that it must be gone; null: it states no time"] = None
    withdrawn: Annotated[bool | None, "whether it was wrong or taken back, and counts nowhere; null: not said"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalObservation:
    """Another observer's observation of one URL.

    Not a check of ours: it opens, prolongs and ends none of our episodes.
    """

    TABLE: ClassVar = "testimony"
    KEY: ClassVar = ("testimony_id",)
    INDEX: ClassVar = (("url_id",),)

    testimony_id: Annotated[str, "id made of all that the line says: a later word is a fact of its own"]
    url_id: Annotated[str, "the URL it is about"]
    observer: Annotated[str, "whose own checks these were: scart"]
    source: Annotated[str, "by whom it came: the source of the report"]
    reference: Annotated[str | None, "the observer's own number of the case"]
    first_seen: Annotated[datetime | None, "when the observer first knew it up"]
    last_seen: Annotated[datetime | None, "when it last saw it up; null: it never checked again"]
    status: Annotated[str | None, "state of the case in the observer's own word: close_offline, close, ..."]
    gone: Annotated[bool, "whether that state says that it was gone"]
    since: Annotated[datetime | None, "since when state or address are so, where the observer says it"]
    address: Annotated[str | None, "IP address it had, as the observer says"]
    looks: Annotated[int | None, "checks that saw it up, as the observer counts them"]
    received_at: Annotated[datetime, "when this study imported it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """The time at which a reported name began.

    From a dated file, of names alone that the study had by then.
    """

    KEY: ClassVar = ("birth_id",)
    INDEX: ClassVar = (("name_id",),)

    birth_id: Annotated[str, "id made of name, kind, time, date and source"]
    name_id: Annotated[str, "keyed id of the site; of the host for a certificate"]
    kind: Annotated[
        BirthKind,
        "creation of the registration in force; zone: last zone file without it; certificate: first one logged",
    ]
    born_at: Annotated[datetime, "that time, rounded down to the hour"]
    data_date: Annotated[datetime, "the day whose state the file gives"]
    source: Annotated[str, "name of the file, as a word"]
    licence: Annotated[str | None, "licence of the data, as the user names it"]
    received_at: Annotated[datetime, "when this study imported it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The resolver's answer for one host."""

    KEY: ClassVar = ("resolution_id",)
    INDEX: ClassVar = (("host_id", "resolved_at"),)

    resolution_id: Annotated[str, "id of this answer"]
    host_id: Annotated[str, "the host asked for"]
    run_id: Annotated[str, "the run that asked"]
    vantage: Annotated[str, "where it was asked from"]
    status: Annotated[NameStatus, "the outcome over A and AAAA together"]
    addresses: Annotated[tuple[str, ...], "all IPv4 and IPv6 addresses, sorted"]
    cname_ids: Annotated[tuple[str, ...], "keyed ids of the CNAME chain, in order"]
    ttl_s: Annotated[int | None, "smallest TTL of the answers, seconds"]
    ede: Annotated[tuple[int, ...], "extended DNS error codes (RFC 8914)"]
    resolver: Annotated[str, "address and port of the resolver"]
    resolved_at: Annotated[datetime, "when it was asked for; the answer may be remembered, for its TTL at most"]
    name_server_ids: Annotated[tuple[str, ...], "keyed ids of the registrable domain's name servers, sorted"] = ()
    name_servers_at: Annotated[datetime | None, "when the name servers were asked for; null: not yet"] = None
    tags: Annotated[
        tuple[str, ...],
        "what known lists say of addresses and CNAMEs: parking, seized; `_by_name_servers` if name servers alone do",
    ] = ()


OriginOutcome = Literal["told", "not_behind", "not_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An answer of a CDN's origin service about one host.

    Told in confidence: no address of it is connected to, and no output for others rests on it.
    """

    KEY: ClassVar = ("origin_id",)
    INDEX: ClassVar = (("host_id", "told_at"),)

    origin_id: Annotated[str, "id of this answer"]
    host_id: Annotated[str, "the host asked about"]
    proxy: Annotated[str, "key of the CDN in the book of hosters"]
    told_at: Annotated[datetime, "when the service said so"]
    outcome: Annotated[OriginOutcome, "told, not_behind (the host does not use this CDN) or not_known"]
    addresses: Annotated[tuple[str, ...], "public addresses behind the CDN, as told, sorted"] = ()
    asn: Annotated[int | None, "AS of the hoster, as told; null: not told"] = None
    hoster: Annotated[str | None, "name of the hoster, as told; null: not told, or it is a host name"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The result of one check of one URL, without verdict."""

    KEY: ClassVar = ("observation_id",)
    INDEX: ClassVar = (("url_id", "observed_at"), ("observed_at",))

    observation_id: Annotated[str, "id made of URL, due time and vantage: a check is recorded once"]
    url_id: Annotated[str, "the URL checked"]
    run_id: Annotated[str, "the run that checked"]
    vantage: Annotated[str, "where it was checked from"]
    scheduled_at: Annotated[datetime, "when the check was due"]
    observed_at: Annotated[datetime, "when it started"]
    resolution_id: Annotated[str | None, "the resolver's answer for the host it ended at, after redirects"]
    profile: Annotated[Profile, "how much the check was allowed to ask"]
    method: Annotated[str | None, "HTTP method of the deciding request"]
    address: Annotated[str | None, "the public address that was checked and connected"]
    port: Annotated[int | None, "TCP port of the URL"]
    phase: Annotated[Phase, "the last phase reached"]
    failure: Annotated[str | None, "what went wrong in that phase, null if a response head was read"]
    status: Annotated[int | None, "HTTP status code"]
    media_type: Annotated[
        str | None, "media type of the response, if a registered top-level type; /*: the rest may name a host"
    ]
    content_length: Annotated[int | None, "declared length, bytes"]
    etag_id: Annotated[str | None, "keyed hash of ETag"]
    last_modified_id: Annotated[str | None, "keyed hash of Last-Modified"]
    server: Annotated[str | None, "server family, from a closed list"]
    marks: Annotated[
        tuple[str, ...], "known marks of answer or page: CDN, challenge, suspended, removed, parked, seized"
    ]
    redirect: Annotated[
        str | None,
        "kind of the last redirect: same (scheme, www or slash only), front (the site's front page; early versions: "
        "site), site, other, bad",
    ]
    redirect_url_id: Annotated[str | None, "keyed id of the redirect's target"]
    redirect_site_id: Annotated[str | None, "keyed id of its registrable domain"]
    steps: Annotated[int, "redirect steps followed within this check"]
    retry_after_s: Annotated[int | None, "Retry-After, seconds"]
    tls_version: Annotated[str | None, "negotiated TLS version"]
    tls_problem: Annotated[str | None, "why the certificate would not be trusted, null if it would"]
    certificate_id: Annotated[str | None, "keyed hash of the certificate"]
    public_key_id: Annotated[str | None, "keyed hash of its public key"]
    control_id: Annotated[str | None, "the control check it is compared with"]
    bytes_read: Annotated[int, "bytes taken from the socket, TLS included"]
    connect_ms: Annotated[float | None, "time to connect, milliseconds"]
    head_ms: Annotated[float | None, "time from request to end of the response head, milliseconds"]
    network: Annotated[str, "the network the vantage lies in; two vantages of one network count once"] = ""
    head_status: Annotated[int | None, "what HEAD had answered, where GET decided"] = None
    link_check: Annotated[str | None, "the hoster's link check that answered in place of the URL"] = None
    link_exists: Annotated[bool | None, "what it said: there, or not; null: unclear"] = None
    title_id: Annotated[str | None, "keyed hash of the page's title (profile text)"] = None
    page_id: Annotated[str | None, "keyed hash of the page's words without numbers (profile text)"] = None
    page_bytes: Annotated[int | None, "bytes of page read for these two (profile text)"] = None
    authenticated: Annotated[
        bool | None, "whether TLS authenticated the response heads; null: one came without TLS, or it was not recorded"
    ] = None
    tls_trust: Annotated[
        str | None,
        "whether the chain ends in a root of certifi: trusted, incomplete_chain, untrusted; null: not asked",
    ] = None
    certificate_from: Annotated[
        datetime | None,
        "begin of its validity, rounded down to the hour, if it names this host and others of its domain alone",
    ] = None
    agent_id: Annotated[str | None, "keyed id of the vantage's own user agent; null: the usual one"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLook:
    """The answer to a random path of a host."""

    KEY: ClassVar = ("control_id",)
    INDEX: ClassVar = (("host_id", "observed_at"),)

    control_id: Annotated[str, "id of this control check"]
    host_id: Annotated[str, "the host"]
    run_id: Annotated[str, "the run that checked"]
    vantage: Annotated[str, "where it was checked from"]
    observed_at: Annotated[datetime, "when it started"]
    failure: Annotated[str | None, "what went wrong, null if a response head was read"]
    status: Annotated[int | None, "HTTP status code"]
    media_type: Annotated[str | None, "media type of the response"]
    content_length: Annotated[int | None, "declared length, bytes"]
    etag_id: Annotated[str | None, "keyed hash of ETag"]
    redirect: Annotated[str | None, "kind of the redirect"]
    redirect_site_id: Annotated[str | None, "keyed id of the redirect's registrable domain"]
    unstable: Annotated[tuple[str, ...], "features in which two random paths differed: they tell nothing"] = ()
    place_id: Annotated[
        str | None, "keyed id of scheme, host, port, folder, file extension and method; null: not recorded"
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryLook:
    """The reachability of known targets from our own network."""

    KEY: ClassVar = ("canary_id",)
    INDEX: ClassVar = (("vantage", "observed_at"),)

    canary_id: Annotated[str, "id of this canary check"]
    run_id: Annotated[str, "the run that checked"]
    vantage: Annotated[str, "where it was checked from"]
    observed_at: Annotated[datetime, "when it was checked"]
    targets: Annotated[int, "canary targets tried"]
    reached: Annotated[int, "canary targets that answered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A dated table that was imported."""

    KEY: ClassVar = ("snapshot_id",)
    INDEX: ClassVar = (("kind", "data_date"),)

    snapshot_id: Annotated[str, "id made of kind, date, checksum and family, and how often it was added to apply again"]
    kind: Annotated[
        str,
        "routes, places, organisations, hosting, domains, covariates, relations or siblings: see docs/attribution.md",
    ]
    family: Annotated[int, "4 or 6: the address family it covers; 0: it has no addresses"]
    source: Annotated[str, "file name it was imported from"]
    data_date: Annotated[datetime, "the day whose state it gives"]
    rows: Annotated[int, "rows read"]
    checksum: Annotated[str, "SHA-256 of the file"]
    imported_at: Annotated[datetime, "when it was imported"]
    form: Annotated[
        str,
        "how the file is laid out: csv, pyasn, pfx2as, mmdb, delegated, as2org, asdb, peeringdb, "
        "bgptools, serial-1, serial-2, as2rel, iil-as2org",
    ] = ""
    built_at: Annotated[datetime | None, "when its source says it was built (MMDB build_epoch)"] = None
    licence: Annotated[str | None, "licence of the data, as the user or the catalogue names it"] = None
