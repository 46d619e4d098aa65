"""Row types of rankings, displacement, sensitivity, shared exports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from waterbed.model.conclusions import RankClass

Reading = Literal["sequential", "not parallel", "all"]
"""Arrivals that count: those surely after the end, all that are not surely before it, or any (order plays no part)."""

Area = Literal["target", "control", "buffer", "buffer control"]
Side = Literal["home", "abroad", "unknown"]
PlaceboKind = Literal["window", "place"]
TestRole = Literal["", "first", "primary", "secondary"]
"""Tests are made in this order, each if the one before rejects; secondaries by Holm."""
Why = TypeVar("Why")
"""A refusal as it is worked out; text where it is published."""
Said = TypeVar("Said")
"""A message as it is worked out; text where it is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[Why, Said]):
    """One question, with its number or a refusal.

    The refusal is the reason why there is no number.
    """

    question: Annotated[str, "what is asked"]
    name: Annotated[str, "what the number is: a short name, the same in every file"]
    estimator: Annotated[str, "the function that gives it, in waterbed/estimators"]
    reading: Annotated[Reading, "which arrivals count: sequential, not parallel, or all where order plays no part"]
    n: Annotated[int, "how many things the number rests on"]
    n_of: Annotated[str, "what these are"]
    estimate: Annotated[float | None, "the number; null: refused, beyond bounds, or cases too far apart"] = None
    unit: Annotated[str, "unit of the number"] = ""
    low: Annotated[float | None, "lower end of its interval; null: it has none"] = None
    high: Annotated[float | None, "upper end of its interval; null: it has none"] = None
    p: Annotated[float | None, "probability of as much under the null; null: it has no test"] = None
    smallest_p: Annotated[float | None, "least value that p can take"] = None
    test: Annotated[TestRole, "its place in the sequence of tests; empty: it is described, not tested"] = ""
    adjusted: Annotated[
        float | None, "p in the sequence of tests, all of which err in 5% of studies; null: no test"
    ] = None
    refusal: Annotated[Why | None, "why there is no number; null: there is one"] = None
    note: Annotated[Said, "what else must be known to read it; empty: nothing"]
    may: Annotated[str, "what may be said with it"] = ""
    may_not: Annotated[str, "what may not be said with it"] = ""


AnswerRow = Answer[str, str]
"""An answer as readers get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow(Generic[Said]):
    """One line of an event's plan, or of its check.

    A number and its sentence; without a number the sentence says why.
    """

    topic: Annotated[
        str, "what it is about: power, least effect, placebo dates, read date, days, quarantine, answer, ..."
    ]
    text: Annotated[Said, "one sentence for people"]
    value: Annotated[float | None, "the number; null: none, the sentence says why"] = None
    unit: Annotated[str, "unit of the number"] = ""
    stops: Annotated[bool, "whether no answer can be had before this is mended"] = False
    command: Annotated[str, "the command that mends it; empty: none does"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One period around the event.

    Counts by area, and the target beside the number expected from the controls.
    """

    reading: Annotated[Reading, "which arrivals count"]
    age: Annotated[int, "periods since the event; negative: before it"]
    begins_at: Annotated[datetime, "start of the period"]
    target: Annotated[int | None, "sites counted at the target; null: too few to be told"]
    control: Annotated[int | None, "sites counted at the controls"]
    buffer: Annotated[int | None, "sites counted in the buffer"]
    buffer_control: Annotated[int | None, "sites counted at the buffer's controls"]
    reports: Annotated[int | None, "reports made in the period"]
    observed: Annotated[float | None, "the target's series, log rate; null: outside the window"]
    foretold: Annotated[
        float | None, "the same as expected from the weighted controls, at the mean level before the event"
    ]
    gap: Annotated[float | None, "observed less expected (`foretold`)"]
    p: Annotated[float | None, "rank of the scaled gap among controls treated as targets; null: before, or refused"]
    smallest_p: Annotated[float | None, "least value that p can take"]
    foretold_sites: Annotated[float | None, "sites expected at the target from the weighted controls"] = None
    placebo_low: Annotated[
        float | None, "the least that it would be if the target strayed as placebos do; null: below two placebos"
    ] = None
    placebo_high: Annotated[float | None, "the most"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCurveRow:
    """Share removed by an hour, before or after an event."""

    area: Annotated[Literal["target", "controls"], "the target, or all controls together"]
    when: Annotated[Literal["before", "after"], "reports first made before the event, or after it"]
    hour: Annotated[float, "hours since the report"]
    removed: Annotated[float, "share removed by then, 0..1"]
    low: Annotated[float | None, "lower end of its 95% interval, for this hour alone; null: too few days of reports"]
    high: Annotated[float | None, "upper end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRow:
    """One placebo: a date without event, or a treated control."""

    reading: Annotated[Reading, "which arrivals count"]
    kind: Annotated[PlaceboKind, "window: another date; place: another place"]
    label: Annotated[str, "the date, or the place's key"]
    effect: Annotated[
        float, "size of its mean gap over the spread of its gaps before; of places over that of places of its size"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRow:
    """Next place of content that left the target or controls.

    Before and after the event.
    """

    reading: Annotated[Reading, "which arrivals count"]
    key: Annotated[str, "the destination's key, or home, abroad, unknown"]
    name: Annotated[str, "name for people"]
    before: Annotated[int | None, "arrivals from the target there before the event; null: too few to be told"]
    after: Annotated[int | None, "arrivals from the target there after it"]
    control_before: Annotated[int | None, "arrivals from the controls there before the event"]
    control_after: Annotated[int | None, "arrivals from the controls there after it"]
    share_before: Annotated[float | None, "share of the target's arrivals before; null: there was none"]
    share_after: Annotated[float | None, "share of the target's arrivals after"]
    low: Annotated[float | None, "lowest share after at the stated detection; null: none is stated"]
    high: Annotated[float | None, "highest share after at the stated detection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """Excess moves from one place to another.

    Against the number of first appearances there.
    """

    reading: Annotated[Reading, "which arrivals count"]
    from_key: Annotated[str, "the place left"]
    from_name: Annotated[str, "its name for people"]
    to_key: Annotated[str, "the place arrived at"]
    to_name: Annotated[str, "its name for people"]
    moves: Annotated[int, "arrivals from the one at the other"]
    sites: Annotated[int, "site clusters among these"]
    foretold: Annotated[float, "moves expected from where content first appears"]
    lift: Annotated[float | None, "moves / expected (`foretold`); null: none is expected"]
    soon: Annotated[int | None, "of the first arrivals, those soon after an end; null: the timing null is refused"]
    soon_foretold: Annotated[float | None, "as many as expected under the timing null"]
    destination_p: Annotated[float | None, "destination null, of all pairs at once (maxT); null: refused"]
    timing_p: Annotated[float | None, "timing null, of all pairs at once (maxT); null: refused"]
    smallest_p: Annotated[float | None, "least value that either can take"]


Estimability = Literal[
    "told",
    "too few",
    "too few followed",
    "too few days",
    "views differ",
    "unmeasurable",
    "proxy",
    "no address",
    "nothing",
]
"""`told`: the specification gives the number; else the reason why not. `nothing`: the group does not exist in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """Volume of one hoster, AS or country, against size."""

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    urls: Annotated[int, "distinct URLs"]
    hosts: Annotated[int, "distinct hosts"]
    sites: Annotated[int, "distinct registrable domains"]
    incidents: Annotated[int, "incidents, each once for each distinct key of its URLs"]
    incidents_fractional: Annotated[float, "incidents, each shared equally among its keys"]
    routed_v4: Annotated[int | None, "IPv4 addresses routed to it; null: not known"]
    score: Annotated[float | None, "10,000 x incidents / routed IPv4 addresses; null below the size floor"]
    expected: Annotated[float | None, "sites expected of its size and covariates, over all that exist; null: no size"]
    ratio: Annotated[float | None, "sites / expected"]
    shrunk: Annotated[float | None, "the same drawn towards what all have in common"]
    shrunk_low: Annotated[float | None, "lower end of its 95% interval"]
    shrunk_high: Annotated[float | None, "upper end of its 95% interval"]
    place_low: Annotated[int | None, "best of the places by the shrunk ratio that it may have, 1 = most; all at 95%"]
    place_high: Annotated[int | None, "last of these places"]
    among_worst: Annotated[float | None, "probability to be among the worst, 0..1"]
    twins: Annotated[int | None, "keys nearest to it in size and covariates; null: too few"] = None
    twins_sites: Annotated[float | None, "mean sites of these; never published"] = None
    twins_fewer: Annotated[float | None, "share of these with fewer sites, equal ones half; never published"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """Possible places by speed of one hoster, AS or country."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    removed_24h: Annotated[
        float | None,
        "share removed within 24 h of the report, 0..1; of class changed: since the change; null: not estimable, worst "
        "and best case are far apart, or it may have changed gradually, and both cases are those of both halves",
    ]
    removed_24h_worst: Annotated[float | None, "share in the worst case, on which quick places rest"] = None
    removed_24h_best: Annotated[float | None, "share in the best case, on which slow places and the norm rest"] = None
    first_down: Annotated[int, "takedown clocks that ended at the first check: only the report saw these URLs up"] = 0
    place_low: Annotated[int | None, "first of the places that it may have, 1 = slowest; all rows at once at 95%"]
    place_high: Annotated[int | None, "last of these places"]
    slower_than: Annotated[tuple[str, ...], "keys of rows that surely removed more; all pairs at once at 95%"] = ()
    own_low: Annotated[int | None, "first place of the set that holds at 95% for this row alone"]
    own_high: Annotated[int | None, "last place of that set"]
    among_worst: Annotated[
        float | None, "probability to be among the slowest, 0..1: at least, if the worst case is not the best"
    ]
    without_one_low: Annotated[float | None, "least share removed if any one site is left out"]
    without_one_high: Annotated[float | None, "largest share removed if any one site is left out"]
    norm: Annotated[float | None, "the norm that it was tested against; null: not tested"] = None
    norm_p: Annotated[float | None, "p, adjusted for all rows, of removals and moves as many as the norm asks"] = None
    norm_bound: Annotated[float | None, "upper 99% bound of its share removed or moved, for this row alone"] = None
    below_norm: Annotated[bool, "surely below the norm: few of such rows are wrong, on average over studies"] = False
    below_norm_but_for: Annotated[
        int | None,
        "reports that decide: only they saw their content up, the checks leave open when it went, or it moved away "
        "first; had none of it been removed, the row would surely be below the norm; null: no such case",
    ] = None
    sites: Annotated[int, "sites behind the share"]
    rank_class: Annotated[RankClass, "ranked, or why no share is given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowedRow:
    """Share of one hoster, AS or country, borrowed from all: for the study's own people, never published."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    clocks: Annotated[int, "takedown clocks that could be followed for 24 h; what was out of sight counts, too"]
    effective_clocks: Annotated[
        float | None, "independent outcomes that these are worth; null: no clock, or too few keys to borrow from"
    ]
    borrowed_24h_worst: Annotated[
        float | None, "share to expect removed within 24 h, leaning on all keys, if what was out of sight was not"
    ]
    borrowed_24h_best: Annotated[float | None, "the same if it was: on this case the list rests"]
    borrowed_24h_low: Annotated[float | None, "lower end of the 95% interval, which covers both cases"]
    borrowed_24h_high: Annotated[float | None, "upper end"]
    norm: Annotated[float | None, "the norm that it was tested against; null: not tested"] = None
    own_p: Annotated[float | None, "p value, of its own clocks alone, of removing as much as the norm asks"] = None
    posterior_error: Annotated[
        float | None, "probability, given all keys, that it removes as much as the norm asks; the largest of all priors"
    ] = None
    worth_a_look: Annotated[bool, "listed: probably below the norm; it leans on other keys, and proves nothing"] = False
    rank_class: Annotated[RankClass, "ranked, or why it has no share of its own"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One hoster, AS or country by one source of reports."""

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    source: Annotated[str, "the feed or hotline, by name"]
    place: Annotated[
        int | None, "place by hosts among what this source reported; null: it reported none there, or held back"
    ]
    hosts: Annotated[int | None, "distinct hosts it reported there; null: held back"]
    removed_24h: Annotated[
        float | None,
        "share of what it reported removed within 24 h, in tenths if hosts are held back; null: not estimable",
    ]
    latent: Annotated[
        float | None, "what all sources tell of the key beside its size, 0 in the middle, spread 1; never published"
    ] = None
    latent_low: Annotated[float | None, "lower end of its 95% interval, given the model"] = None
    latent_high: Annotated[float | None, "upper end of this interval"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCard:
    """One source of reports, and its deliveries."""

    source: Annotated[str, "the feed or hotline, by name"]
    reports: Annotated[int, "reports"]
    urls: Annotated[int, "distinct URLs"]
    hosts: Annotated[int, "distinct hosts"]
    sites: Annotated[int, "distinct registrable domains"]
    first_day: Annotated[datetime | None, "day of its first report"]
    last_day: Annotated[datetime | None, "day of its last report"]
    days_covered: Annotated[int, "days between these with at least one report"]
    days: Annotated[int, "days between these"]
    undated: Annotated[int, "reports without a time of their own"]
    delay_median_h: Annotated[float | None, "median hours from report to receipt here; null: none is dated"]
    delay_p90_h: Annotated[float | None, "90th percentile of these hours"]
    shared: Annotated[float | None, "share of its URLs that another source reported too, 0..1; null: held back"]
    first_here: Annotated[
        float | None, "of the shared ones, share that reached us from it first; null: none shared, or held back"
    ]
    deliveries: Annotated[int, "deliveries on record"]
    empty: Annotated[int, "of these, without any report"]
    suspect: Annotated[int, "of these, held as empty or much too small"]
    not_illegal: Annotated[int, "of its URLs, those last assessed as not illegal: they count nowhere"] = 0
    unassessed: Annotated[int, "of its URLs, those that count nowhere until somebody assesses them"] = 0
    followed: Annotated[int, "of its URLs, those of which a check decided whether they were up"] = 0
    first_down: Annotated[
        int, "of these, down at the first check, seen up by reports alone: removed fast, hidden or reported wrongly"
    ] = 0
    retention_day: Annotated[
        int | None, "age in days at which entries leave it by rule; null: none found, or unknown"
    ] = None
    window_entries: Annotated[
        int | None, "entries that it always lists, so that no stay is told; null: not a window, or unknown"
    ] = None
    listed_median_low_d: Annotated[
        float | None, "days by which half of its entries left it, lower end; null: unknown"
    ] = None
    listed_median_high_d: Annotated[float | None, "upper end of these days; null: unknown, or not yet half"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLook:
    """Checks of one URL on one day with one answer."""

    url_id: Annotated[str, "id of the URL, made for this partner alone"]
    site_id: Annotated[str, "id of its registrable domain, made for this partner alone"]
    day: Annotated[str, "day of the checks, UTC"]
    prefix: Annotated[str | None, "IPv4 /24 or IPv6 /48 connected; null: none, or with too few sites"]
    hosters: Annotated[tuple[str, ...], "keys of the hosters that answered for it, sorted; none if it had no address"]
    state: Annotated[str, "up, down or unknown"]
    outcome: Annotated[str, "the verdict's outcome, by the rule set of the export"]
    looks: Annotated[int, "how many checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedEpisode:
    """Days on which one URL was up at one hoster."""

    url_id: Annotated[str, "id of the URL, made for this partner alone"]
    site_id: Annotated[str, "id of its registrable domain, made for this partner alone"]
    content_id: Annotated[str, "id of the content, made for this partner alone"]
    hoster: Annotated[str, "key of the hoster"]
    proxy: Annotated[bool, "whether that is a reverse proxy"]
    known_up_day: Annotated[str, "day from which it is known to have been up there"]
    reported_day: Annotated[str | None, "day of the report that it was up for"]
    last_up_day: Annotated[str, "day on which it was last known up there"]
    first_down_day: Annotated[str | None, "day on which it was first known gone; null: not yet"]
    cause: Annotated[str | None, "how it ended"]
    looks: Annotated[int, "checks that decided it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledHoster:
    """One hoster in the exports of several studies."""

    hoster: Annotated[str, "key of the hoster"]
    studies: Annotated[int, "studies whose export names it"]
    sites: Annotated[int, "sites there, each study's counted apart"]
    urls: Annotated[int, "URLs there, each study's counted apart"]
    episodes: Annotated[int, "episodes there"]
    ended: Annotated[int, "of these, ended"]
    removed: Annotated[int, "of these, because the content was removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The export from which a pooled row comes."""

    export_id: Annotated[str, "id of the export: SHA-256 of its files' checksums"]
    study: Annotated[str, "id of the study, made for this partner alone: the same in each of its exports"]
    publisher: Annotated[str, "who made it, as they call themselves"]
    partner: Annotated[str, "whom it was made for"]
    licence: Annotated[str, "SPDX identifier"]
    tlp: Annotated[str, "traffic light protocol 2.0"]
    made_on: Annotated[str, "day on which it was made"]
    first_day: Annotated[str | None, "day of the first check; null: no check"]
    last_day: Annotated[str | None, "day of the last check"]
    version: Annotated[str, "version of Waterbed"]
    ruleset: Annotated[str, "the rules by which checks were judged"]
    least: Annotated[int, "sites below which a hoster is left out and a prefix hidden"]
    looks: Annotated[int, "rows of checks"]
    episodes: Annotated[int, "rows of episodes"]
    left_out: Annotated[int, "rows left out because their hoster has too few sites"]
    hidden: Annotated[int, "prefixes hidden because they have too few sites"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowShare:
    """Removals of one key among the reports of a week."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    window: Annotated[str, "ISO week of the first report, as 2026-W12"]
    window_since: Annotated[datetime | None, "begin of the week"]
    window_until: Annotated[datetime | None, "end of the week: first reports lie before it"]
    followed_to: Annotated[datetime | None, "its URLs were followed to this time, if the study goes on so long"]
    key: Annotated[str, "hoster key"]
    name: Annotated[str, "name for people"]
    urls: Annotated[int, "distinct URLs"]
    sites: Annotated[int, "distinct registrable domains"]
    removed_24h: Annotated[float | None, "share removed within 24 h of the report; null: not estimable"]
    removed_24h_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_24h_high: Annotated[float | None, "upper end"]
    removed_24h_worst: Annotated[float | None, "what happened, if what we could not see had not been removed"]
    removed_24h_best: Annotated[float | None, "what happened, if all of it had been removed"]
    episodes: Annotated[int, "takedown clocks"]
    first_down: Annotated[int, "of these, clocks that ended at the first check: only the report saw these URLs up"]
    rank_class: Annotated[RankClass, "ranked, or why no share is given"]


Changed = Literal["came", "went", "class", "share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One hoster that changed since the edition before."""

    key: Annotated[str, "hoster key"]
    name: Annotated[str, "name for people"]
    change: Annotated[
        Changed, "came or went: in the ranking now, or then; class; share: it lies outside its interval of then"
    ]
    class_before: Annotated[str | None, "its class then; null: it was not in the ranking"]
    class_now: Annotated[str | None, "its class now; null: it is not in the ranking"]
    removed_before: Annotated[float | None, "share removed within 24 h then; null: not told"]
    removed_before_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_before_high: Annotated[float | None, "upper end"]
    removed_now: Annotated[float | None, "share removed now; null: not told"]
    removed_now_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_now_high: Annotated[float | None, "upper end"]
    sites: Annotated[int, "sites now, or those of then where it went"]
