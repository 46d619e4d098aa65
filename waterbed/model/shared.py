"""What partners may have: looks and episodes under other ids, by day and prefix."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLook:
    """Looks of one day at one URL with one answer."""

    url_id: Annotated[str, "id of the URL, made for this partner alone"]
    site_id: Annotated[str, "id of its registrable domain, made for this partner alone"]
    day: Annotated[str, "day of the looks, UTC"]
    prefix: Annotated[str | None, "IPv4 /24 or IPv6 /48 connected; null: none, or with too few sites"]
    hosters: Annotated[tuple[str, ...], "keys of the hosters that answered for it, sorted; none if it had no address"]
    state: Annotated[str, "up, down or unknown"]
    outcome: Annotated[str, "the verdict's outcome, by the rule set of the export"]
    looks: Annotated[int, "how many looks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedEpisode:
    """When one URL was up at one hoster, by days."""

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
    looks: Annotated[int, "looks that decided it"]


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
    """Where a pooled row comes from: one export."""

    export_id: Annotated[str, "id of the export: SHA-256 of its files' checksums"]
    study: Annotated[str, "id of the study, made for this partner alone: the same in each of its exports"]
    publisher: Annotated[str, "who made it, as they call themselves"]
    partner: Annotated[str, "whom it was made for"]
    licence: Annotated[str, "SPDX identifier"]
    tlp: Annotated[str, "traffic light protocol 2.0"]
    made_on: Annotated[str, "day on which it was made"]
    first_day: Annotated[str | None, "day of the first look; null: no look"]
    last_day: Annotated[str | None, "day of the last look"]
    version: Annotated[str, "version of Waterbed"]
    ruleset: Annotated[str, "the rules by which looks were judged"]
    least: Annotated[int, "sites below which a hoster is left out and a prefix hidden"]
    looks: Annotated[int, "rows of looks"]
    episodes: Annotated[int, "rows of episodes"]
    left_out: Annotated[int, "rows left out because their hoster has too few sites"]
    hidden: Annotated[int, "prefixes hidden because they have too few sites"]
