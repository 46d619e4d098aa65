"""RankingTables: volume against size, places with their uncertainty, and cards of sources; recomputed, never stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from waterbed.model.conclusions import RankClass


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """How much one hoster, AS or country has, against its size."""

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    urls: Annotated[int, "distinct URLs"]
    hosts: Annotated[int, "distinct hosts"]
    sites: Annotated[int, "distinct registrable domains"]
    incidents: Annotated[int, "incidents, each once for each distinct key of its URLs"]
    incidents_fractional: Annotated[float, "incidents, each shared equally among its keys"]
    routed_v4: Annotated[int | None, "IPv4 addresses routed to it; null: not known"]
    score: Annotated[float | None, "10,000 x incidents / routed IPv4 addresses; null below the size floor"]
    expected: Annotated[float | None, "sites expected of its size, over all that exist; null: no size"]
    ratio: Annotated[float | None, "sites / expected"]
    shrunk: Annotated[float | None, "the same drawn towards what all have in common"]
    shrunk_low: Annotated[float | None, "lower end of its 95% interval"]
    shrunk_high: Annotated[float | None, "upper end of its 95% interval"]
    place_low: Annotated[int | None, "best of the places by the shrunk ratio that it may have, 1 = most; all at 95%"]
    place_high: Annotated[int | None, "last of these places"]
    among_worst: Annotated[float | None, "probability to be among the worst, 0..1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """Which places by speed one hoster, AS or country may have."""

    PUBLIC: ClassVar = {"rank_class": "class"}

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    removed_24h: Annotated[float | None, "share removed within 24 h of the report, 0..1; null where not estimable"]
    place_low: Annotated[int | None, "first of the places that it may have, 1 = slowest; all rows at once at 95%"]
    place_high: Annotated[int | None, "last of these places"]
    own_low: Annotated[int | None, "first place of the set that holds at 95% for this row alone"]
    own_high: Annotated[int | None, "last place of that set"]
    among_worst: Annotated[float | None, "probability to be among the slowest, 0..1"]
    without_one_low: Annotated[float | None, "least share removed if any one site cluster is left out"]
    without_one_high: Annotated[float | None, "largest share removed if any one site cluster is left out"]
    sites: Annotated[int, "site clusters behind the share"]
    rank_class: Annotated[RankClass, "ranked, too few, unmeasurable or proxy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One hoster, AS or country by one source of reports."""

    key: Annotated[str, "hoster key, AS number as AS13335, ISO country code, or category"]
    name: Annotated[str, "name for people"]
    source: Annotated[str, "the feed or hotline, by name"]
    place: Annotated[int | None, "place by hosts among what this source reported; null: it reported none there"]
    hosts: Annotated[int, "distinct hosts it reported there"]
    removed_24h: Annotated[float | None, "share of what it reported removed within 24 h; null where not estimable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCard:
    """What one source of reports delivers, and how."""

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
    shared: Annotated[float, "share of its URLs that another source reported too, 0..1"]
    first_here: Annotated[float | None, "of the shared ones, share that reached us from it first; null: none shared"]
    deliveries: Annotated[int, "deliveries on record"]
    empty: Annotated[int, "of these, without any report"]
    suspect: Annotated[int, "of these, held as empty or much too small"]
    retention_day: Annotated[
        int | None, "age in days at which entries leave it by rule; null: none found, or unknown"
    ] = None
    listed_median_low_d: Annotated[
        float | None, "days by which half of its entries left it, lower end; null: unknown"
    ] = None
    listed_median_high_d: Annotated[float | None, "upper end of these days; null: unknown, or not yet half"] = None
