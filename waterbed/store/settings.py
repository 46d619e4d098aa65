"""The sections of settings about the study itself."""

from typing import Annotated, Final, Literal

import msgspec

from waterbed.model.conclusions import Assessment, EvidenceKind, HosterWord, LinkStrength
from waterbed.model.facts import Profile

ABUSE_MATERIAL: Final = "abuse-material"
"""The category whose URLs are asked by HEAD alone, whatever is set."""


class Names(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Settings of name resolution."""

    resolver: str = "127.0.0.1:53"
    timeout_s: float = 5.0
    tries: int = 2
    in_flight: int = 200
    name_server_hours: float = 12.0


class Probe(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Permitted requests of a look, and their rate limits."""

    profiles: dict[str, Profile] = msgspec.field(
        default_factory=lambda: {"phishing": "headers", "malware": "headers", ABUSE_MATERIAL: "strict"}
    )
    default_profile: Profile = "strict"
    controls: bool = True
    strict_controls: bool = False
    control_hours: Annotated[float, msgspec.Meta(ge=0, le=8784)] = 12.0
    timeout_s: float = 20.0
    hosts_at_once: int = 128
    per_address: int = 4
    delay_s: float = 0.5
    per_network: int = 16
    network_delay_s: float = 0.05
    redirect_steps: int = 3
    look_at_redirect_targets: bool = False
    live: tuple[str, ...] = ("live", "live stream", "live_stream", "livestream", "webcam")
    batch: int = 1000

    def __post_init__(self) -> None:
        """Refuse to ask for what nobody may see."""
        if (given := self.profile_of(ABUSE_MATERIAL)) != "strict":
            raise ValueError(
                f"probe.profiles gives {ABUSE_MATERIAL} the profile {given!r}; 'strict' was expected, as its URLs "
                "are asked by HEAD alone (docs/ethics.md)"
            )
        if self.default_profile == "text":
            raise ValueError(
                "probe.default_profile is 'text'; 'strict' or 'headers' was expected, as pages are read only in "
                "categories that you name (docs/ethics.md)"
            )

    def profile_of(self, category: str) -> Profile:
        """The profile of a category's looks."""
        return self.profiles.get(category, self.default_profile)


_YEAR_S = 366 * 86_400.0


class Schedule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The schedule of looks at a URL."""

    young_hours: float = 48.0
    young_interval_s: float = 3600.0
    interval_s: float = 6 * 3600.0
    confirm_s: tuple[float, ...] = (600.0, 1800.0, 7200.0)
    removed_interval_s: float = 6 * 3600.0
    ladder_s: tuple[float, ...] = ()
    """Looks so long after a report or notice; empty: each `young_interval_s` for `young_hours`."""
    age_share: float = 0.015
    """Share of its age after which an older URL is looked at again, between its interval and `longest_interval_s`."""
    longest_interval_s: float = 86_400.0
    jitter: float = 0.1
    rare_share: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.0
    """Share of the URLs, drawn by their keyed ids, that are looked at half as often: it shows who hides from looks."""
    looks_a_day: int = 48
    looks_an_hour: int = 0
    """Looks of the whole study in 60 minutes; 0: no bound."""
    lease_s: float = 60.0
    late_s: Annotated[float, msgspec.Meta(ge=0, le=31_622_400)] = 900.0
    """A look that was due so long ago is overdue."""

    @property
    def fresh_s(self) -> float:
        """Seconds of frequent looks after a report or notice."""
        return self.ladder_s[-1] if self.ladder_s else self.young_hours * 3600

    def __post_init__(self) -> None:
        """Refuse ladders and bounds that cannot be kept."""
        if list(self.ladder_s) != sorted(set(self.ladder_s)) or not all(0 <= step <= _YEAR_S for step in self.ladder_s):
            raise ValueError(f"schedule.ladder_s {list(self.ladder_s)} must rise from 0 or later to a year at most")
        for name in ("young_interval_s", "interval_s", "removed_interval_s", "lease_s", "confirm_s"):
            given = getattr(self, name)
            for seconds in given if name == "confirm_s" else (given,):
                if not 1 <= seconds <= _YEAR_S:
                    raise ValueError(
                        f"schedule.{name} {seconds:g} is out of range; 1 to {_YEAR_S:g} seconds were expected, a year"
                    )
        if not 0 <= self.jitter < 1:
            raise ValueError(f"schedule.jitter {self.jitter:g} is out of range; 0 or more and below 1 was expected")


class Judge(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Criteria for believing a look."""

    confirm_looks: int = 3
    confirm_s: float = 7200.0
    leave_looks: int = 2
    rotation_hours: float = 24.0
    rotation_days: float = 7.0
    networks: int = 2
    vantage_within_s: float = 900.0
    canary_within_s: float = 300.0
    freeze_s: float = 4 * 3600.0
    assessment: Assessment = "decides"
    """Whether analysts' assessments decide which reports count."""
    hoster_word: HosterWord = "counts"
    """Whether the answers of hosters' own link checks tell anything."""

    def __post_init__(self) -> None:
        """Refuse to count losses that no look can confirm."""
        if self.freeze_s < self.confirm_s:
            raise ValueError(
                f"judge.freeze_s {self.freeze_s:g} is shorter than judge.confirm_s {self.confirm_s:g}; as much "
                "was expected, as losses need that long to be confirmed (docs/method.md, Episodes)"
            )


class Canary(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Well-known targets that tell our outage from theirs."""

    targets: tuple[str, ...] = ()
    every_s: float = 60.0
    need: float = 0.5


class CycleGuard(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Limits above which simultaneous flips are not believed."""

    cycle_s: float = 3600.0
    share: float = 0.3
    least_sites: int = 8
    times_usual: float = 5.0
    usual_days: float = 7.0
    feed_share: float = 0.5


class Norm(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The norm that places hold hosters against."""

    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    """Share of reported content that is to be removed within 24 hours."""
    rate: Annotated[float, msgspec.Meta(gt=0, le=0.2)] = 0.05
    """Of those named, the share that may be wrong, on average over many studies."""
    below_median: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """The norm is the median of all shares less so much; 0: it is `share`."""


class Registry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Settings of registry requests (RDAP) and their caching."""

    fresh_days: float = 30.0
    retry_hours: float = 6.0
    a_minute: dict[str, float] = msgspec.field(
        default_factory=lambda: {"lacnic": 9.0, "afrinic": 20.0, "apnic": 30.0, "arin": 30.0, "ripe": 60.0}
    )
    default_a_minute: float = 10.0
    bases: dict[str, str] = msgspec.field(default_factory=dict)
    """Base URL of each registry, in place of the bootstrap's."""
    timeout_s: float = 30.0
    tries: int = 4
    most_levels: int = 6
    ipwhois: bool = False
    cymru: bool = False


class Domains(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Settings of requests about domains; off without categories.

    Pace, tries and time-outs are those of `Registry`, by the host of a registry's server.
    """

    categories: tuple[str, ...] = ()
    """Categories of reports whose domains are asked for; none may have the profile strict."""
    bases: dict[str, str] = msgspec.field(default_factory=dict)
    """Base URL by top-level domain, in place of the bootstrap's."""
    fresh_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 30.0
    """How long an answer serves while the name has addresses."""
    before_expiry_days: Annotated[float, msgspec.Meta(ge=0, le=366)] = 10.0
    after_expiry_days: Annotated[float, msgspec.Meta(ge=0, le=366)] = 45.0
    """A hold or a drop so near to the expiry is `expired`: no company is credited with it. Registries renew by
    themselves, and registrars can take that back for 45 days."""
    within_days: Annotated[float, msgspec.Meta(gt=0, le=366)] = 7.0
    """An answer fetched so long after an end tells of it; later ones tell of something else."""


class Origins(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Questions to a CDN's origin service for trusted reporters."""

    url: str = ""
    """Address of the service, with {case} in its path; empty: nothing is asked."""
    proxy: str = ""
    """Key of the CDN in the book of hosters: only hosts behind it are asked about."""
    categories: tuple[str, ...] = ()
    """Categories of reports whose hosts may be named to it."""
    a_minute: Annotated[float, msgspec.Meta(gt=0, le=6000)] = 6.0
    a_day: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100
    fresh_days: Annotated[float, msgspec.Meta(ge=0, le=366)] = 7.0
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 20.0
    in_rankings: bool = False
    """True if `rank --told-origins` may use the answers, once the agreement is on record."""


class Coding(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The use of codes by two people for doubtful cases."""

    apply: bool = True
    """True if what they agree on, or a third settles, takes the place of what the rules say."""
    checks: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Cases of each outcome, and of each role, that are drawn at random to be coded beside the doubtful ones."""
    seed: int = 1
    """Which ones are drawn."""


class Linking(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Criteria for linking URLs with the same content."""

    least: LinkStrength = "strong"
    near_labels: bool = False
    """True if names are opened in memory to find labels that look alike."""
    names: Literal["off", "brands", "kits"] = "off"
    """The population that names come from, by whose weights names alone link; they are opened in memory."""
    name_least: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    """Least probability that two names are of one content."""
    name_odds: float = 0.0
    """Prior: nats for (or against) all pairs, beside the share of them where the weights were learned."""
    weak: float = 4.0
    strong: float = 6.0
    agreement: float = 2.0
    common_share: float = 0.2
    all_pairs: int = 8
    neighbours: int = 2
    most_keys: int = 32
    largest: int = 500
    caps: dict[EvidenceKind, int] = msgspec.field(default_factory=dict)
    """Caps by kind of evidence, in place of those of docs/linking.md; so with the next two."""
    doubts: dict[EvidenceKind, float] = msgspec.field(default_factory=dict)
    weights: dict[EvidenceKind, float] = msgspec.field(default_factory=dict)
    off: tuple[EvidenceKind, ...] = ()


class ExternalSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The use of external observations."""

    in_series: bool = True
    """True if they stand in series from before our first look."""
    within_hours: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    """What another closed as gone had gone so long after it last saw it; 0: that is not known."""


class Vantage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A further vantage point that checks absences again."""

    name: str
    network: str
    address: str | None = None
    """Outgoing address of this machine; else the usual one."""
    proxy: str | None = None
    """HTTP CONNECT proxy, address:port. It gets the checked address, never a name."""
    agent: str | None = None
    """User agent in place of the usual one; it names the contact, too."""


Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
"""Traffic light protocol 2.0 of FIRST."""


class Guard(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Networks and ports that checks may connect to or not."""

    deny: tuple[str, ...] = ()
    """Networks that are refused, beside all that are not public: our own, or of those who asked us to stay away."""
    ports: tuple[Annotated[int, msgspec.Meta(ge=1, le=65535)], ...] = ()
    """Ports that are allowed although they usually serve other protocols."""


class Publish(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Publication policy and labels."""

    publisher: str = ""
    """Who publishes; empty: the study's name."""
    tlp: Tlp = "amber"
    licence: Annotated[str, msgspec.Meta(pattern="^[-A-Za-z0-9.+]{1,60}$")] = "LicenseRef-none"
    """SPDX identifier."""
    least: Annotated[int, msgspec.Meta(ge=1)] = 3
    cases: bool = False
    addresses: bool = False
    plugins: tuple[str, ...] = ()
    """Exports and pages of plug-ins in each publication, by name."""


class Reply(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Time for hosters to answer before publication of their names."""

    period_days: Annotated[float, msgspec.Meta(ge=0)] = 14.0
    valid_days: Annotated[float, msgspec.Meta(ge=0)] = 90.0
    """How much newer published data may be than those of a preview."""


_Words = Annotated[str, msgspec.Meta(max_length=5000)]


class Creator(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Somebody whom a citation of the study names."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """A person's as "Family, Given"."""
    kind: Literal["person", "organisation"] = "person"
    orcid: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{4}-\d{4}-\d{3}[\dX])?$")] = ""
    affiliation: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Citation(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Citation metadata of a frozen study."""

    title: _Words = ""
    """Empty: the study's name."""
    description: _Words = ""
    creators: tuple[Creator, ...] = ()
    """Empty: the publisher."""
    licence: Annotated[str, msgspec.Meta(pattern="^[-A-Za-z0-9.+]{0,60}$")] = ""
    """SPDX identifier of the package; empty: publish.licence."""
    keywords: tuple[str, ...] = ()
    version: Annotated[str, msgspec.Meta(pattern="^[-A-Za-z0-9.+]{1,40}$")] = "1"
    doi: Annotated[str, msgspec.Meta(pattern=r"^(10\.\d{4,9}/\S+)?$")] = ""
    """As a repository reserved it; empty: none yet."""

    def __post_init__(self) -> None:
        """Refuse what no metadata can hold."""
        texts = (self.title, *self.keywords, *(text for one in self.creators for text in (one.name, one.affiliation)))
        if not all(text.isprintable() for text in (*texts, self.description.replace("\n", " "))):
            raise ValueError("citation: title, keywords, names and description may hold no control characters")
