"""Actors of ends, as measured and as true. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from waterbed.graphs.name_ends import NameEnds
from waterbed.lab.world.records import Domain, Timeline, TrueEpisode, Truth
from waterbed.model.actors import ACTED
from waterbed.model.conclusions import TOLD_BY_REGISTRIES, Episode
from waterbed.model.urls import registrable_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorScore:
    """Ends of names that registries tell, and their actors.

    Of measured ends that are one true end each, at names that a registry was asked for.
    """

    ends: int
    """True ends by registrar, registry or owner that were measured."""
    told: int
    """Of these, with another cause than `name`."""
    right: int
    """Of these, with the true cause and actor."""
    near_expiry: int
    """Further ends, of names that were held or deleted so near to their expiry that no registry tells why."""
    others: int
    """Measured ends with another true cause, at names to which nothing happened in the same interval."""
    wrong: int
    """Of those, called an end by registrar, registry or owner."""


def score_actors(
    truth: Truth, episodes: Iterable[Episode], ends_told: NameEnds, url_id: Callable[[str], str]
) -> ActorScore:
    """Score the causes of measured ends.

    `ends_told` are the answers that the measurement had. A measured end is the true end of its URL that lies in its
    interval; two in one interval are left out.
    """
    by_url: dict[str, list[TrueEpisode]] = defaultdict(list)
    for true in truth.episodes:
        by_url[url_id(true.url)].append(true)
    ends = told = right = near = others = wrong = 0
    for episode in episodes:
        if episode.first_down is None:
            continue
        inside = [
            one
            for one in by_url.get(episode.url_id, ())
            if one.end is not None and episode.last_up < one.end <= episode.first_down
        ]
        if len(inside) != 1:
            continue
        (true,) = inside
        if true.cause in TOLD_BY_REGISTRIES:
            if episode.site_id in ends_told.answers and _near_expiry(truth, true, ends_told):
                near += 1
            elif episode.site_id in ends_told.answers:
                ends += 1
                told += episode.cause in TOLD_BY_REGISTRIES
                right += episode.cause == true.cause and ACTED[true.cause] == ACTED[episode.cause]
        elif not _changed(truth, true, episode):
            others += 1
            wrong += episode.cause in TOLD_BY_REGISTRIES
    return ActorScore(ends=ends, told=told, right=right, near_expiry=near, others=others, wrong=wrong)


def _near_expiry(truth: Truth, true: TrueEpisode, ends_told: NameEnds) -> bool:
    """True if a name's end by a company lies where nobody is credited."""
    domain = _domain(truth, true)
    known = domain.at(true.end - timedelta(seconds=1)) if domain and true.end else None
    if true.cause == "expired" or known is None or true.end is None:
        return False
    return (
        true.end - ends_told.after - timedelta(days=1) < known.expires < true.end + ends_told.before + timedelta(days=1)
    )


def _domain(truth: Truth, true: TrueEpisode) -> Timeline[Domain | None] | None:
    return truth.domains.get(registrable_domain(truth.shown[true.url].host))


def _changed(truth: Truth, true: TrueEpisode, episode: Episode) -> bool:
    """True if its name was held or deleted in the interval too: nobody can tell which came first."""
    domain = _domain(truth, true)
    last, down = episode.last_up, episode.first_down
    return domain is not None and down is not None and any(last < when <= down for when in domain.starts[1:])
