"""Seizures, pages, orders and Tor, as measured and as true."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from waterbed.lab.world.file import SEIZED
from waterbed.lab.world.records import TrueEpisode, Truth
from waterbed.model.conclusions import Episode, Hop
from waterbed.model.facts import Report
from waterbed.model.takedown import TakedownClock


@dataclass(frozen=True, slots=True, kw_only=True)
class HotlineScore:
    """Counts of what a hotline's study must not get wrong."""

    seized: int
    """Measured ends that were truly seizures."""
    seized_right: int
    """Of these, with the cause `seized`."""
    seized_removed: int
    """Of these, called a removal."""
    seized_hops: int
    """Hops to or from the network of banners, and hops from what was seized that are no true ones."""
    parents: int
    """Reports that truly name a page that shows them."""
    parents_known: int
    """Of these, with that page on record."""
    orders: int
    """Measured clocks of notices with a deadline whose interval tells if it was met."""
    orders_right: int
    """Of these, as they truly were."""
    elsewhere: int
    """True reports of what nobody can look at."""
    elsewhere_counted: int
    """Of these, counted at their medium."""
    special_queries: int
    """Queries for names of special use that the resolver saw."""


def score_hotline(
    truth: Truth,
    *,
    episodes: Iterable[Episode],
    hops: Iterable[Hop],
    reports: Sequence[Report],
    clocks: Iterable[TakedownClock],
    url_id: Callable[[str], str],
    special_queries: int,
) -> HotlineScore:
    """Score a study of a hotline's world. Pure."""
    by_url: dict[str, list[TrueEpisode]] = {}
    for true in truth.episodes:
        by_url.setdefault(url_id(true.url), []).append(true)
    ends = [episode.cause for episode in episodes if _true_cause(episode, by_url) == "seized"]
    gone = {url for url, own in by_url.items() if any(one.cause == "seized" for one in own)}
    true_hops = {(url_id(one.from_url), url_id(one.to_url)) for one in truth.hops}
    pages = {(one.url_id, one.parent_id) for one in reports if one.parent_id}
    named = [one for one in truth.reports if one.parent]
    told = [(clock, met) for clock in clocks if (met := _met(clock)) is not None]
    held = {one.url_id for one in reports if one.medium in ("tor", "chat", "live")}
    return HotlineScore(
        seized=len(ends),
        seized_right=sum(cause == "seized" for cause in ends),
        seized_removed=sum(cause == "removed" for cause in ends),
        seized_hops=sum(
            SEIZED in (hop.from_hoster, hop.to_hoster)
            or (hop.from_url_id in gone and (hop.from_url_id, hop.to_url_id) not in true_hops and _after(hop, by_url))
            for hop in hops
        ),
        parents=len(named),
        parents_known=sum((url_id(one.url), url_id(one.parent or "")) in pages for one in named),
        orders=len(told),
        orders_right=sum(met == _truly(clock, by_url) for clock, met in told),
        elsewhere=len(truth.elsewhere),
        elsewhere_counted=sum(url_id(one.url) in held for one in truth.elsewhere),
        special_queries=special_queries,
    )


def _true_cause(episode: Episode, by_url: Mapping[str, Sequence[TrueEpisode]]) -> str | None:
    """The cause of the one true end in a measured end's interval."""
    if episode.first_down is None:
        return None
    inside = [
        one
        for one in by_url.get(episode.url_id, ())
        if one.end is not None and episode.last_up < one.end <= episode.first_down
    ]
    return inside[0].cause if len(inside) == 1 else None


def _after(hop: Hop, by_url: Mapping[str, Sequence[TrueEpisode]]) -> bool:
    """True if what left in the hop's interval was seized."""
    return any(
        one.cause == "seized" and one.end is not None and hop.left_after < one.end <= hop.left_before
        for one in by_url[hop.from_url_id]
    )


def _met(clock: TakedownClock) -> bool | None:
    """Whether a deadline was met; None where its interval does not tell, or another end came first."""
    if clock.due_h is None or clock.left_h < 0:
        return None
    if clock.left_h >= clock.due_h:
        return False
    gone = clock.right_h is not None and clock.right_h <= clock.due_h
    return True if gone and clock.cause == "removed" else None


def _truly(clock: TakedownClock, by_url: Mapping[str, Sequence[TrueEpisode]]) -> bool:
    due = clock.origin + timedelta(hours=clock.due_h or 0.0)
    return any(
        one.cause == "removed" and one.end is not None and clock.origin <= one.end <= due
        for one in by_url.get(clock.url_id, ())
    )
