"""Episodes from external observations: a third party's sightings. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from waterbed.graphs.episodes import UrlHistory, routed
from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.model.addresses import canonical_address
from waterbed.model.conclusions import Attribution, EndCause, ExternalEpisode
from waterbed.model.facts import ExternalObservation

Attribute = Callable[[str, str, datetime], Attribution | None]
"""Attribution of a URL's address at a time; None if no table of that day knows it."""


class _Event(NamedTuple):
    """A time at which it was up, or by which it was gone, with its address."""

    when: datetime
    up: bool
    address: str | None


@dataclass(slots=True, kw_only=True)
class _Open:
    first_address: str | None
    address: str | None
    attribution: Attribution | None
    known_up_at: datetime
    absent_at: datetime | None
    last_up: datetime
    looks: int = 1


def external_episodes(
    observations: Iterable[ExternalObservation],
    histories: Mapping[str, UrlHistory],
    attribute: Attribute,
    *,
    within: timedelta | None,
) -> list[ExternalEpisode]:
    """Return the episodes of external observations, in time order.

    Each URL, observer and source has episodes of its own. An end is an interval: from the last time the observer saw it
    up until the time of closing, else `within` so long after it, else the import. A case that was closed for another
    reason, or not at all, is censored where it was last seen up. `within` None: the observer's interval between
    checks is unknown.
    """
    grouped: dict[tuple[str, str, str], list[ExternalObservation]] = defaultdict(list)
    for observation in observations:
        grouped[observation.url_id, observation.observer, observation.source].append(observation)
    episodes = [
        episode
        for (url_id, observer, source), group in sorted(grouped.items())
        for episode in _Walk(histories[url_id], observer, source, attribute).episodes(_events(group, within))
    ]
    return sorted(episodes, key=lambda e: (e.known_up_at, e.url_id, e.observer, e.source, e.hoster))


def episodes_before(
    external: Iterable[ExternalEpisode], checked_urls: Collection[str], *, began: datetime, until: datetime
) -> list[ExternalEpisode]:
    """Return external episodes that began before our first check.

    Only of URLs without an episode of our own; they are censored where ours are.
    """
    return [_censored(e, until) for e in external if e.url_id not in checked_urls and e.known_up_at < min(began, until)]


def _censored(episode: ExternalEpisode, until: datetime) -> ExternalEpisode:
    """Return the episode as known at a time.

    An end after that time is dropped.
    """
    if episode.first_down is None or episode.first_down <= until:
        return episode if episode.last_up <= until else replace(episode, last_up=until)
    return replace(episode, first_down=None, cause=None, last_up=min(episode.last_up, until))


def _events(observations: Sequence[ExternalObservation], within: timedelta | None) -> list[_Event]:
    """Return all sightings of one URL in time order.

    A URL seen up at a time was not gone by then.
    """
    ups = sorted(
        {when for observation in observations for when in (observation.first_seen, observation.last_seen) if when}
    )
    addresses = sorted(
        (when, observation.address)
        for observation in observations
        if observation.address
        and canonical_address(observation.address)
        and (when := observation.since or observation.last_seen or observation.first_seen)
    )
    seen = [_Event(when, True, _address_at(addresses, when)) for when in ups]
    ends = {
        end
        for observation in observations
        if observation.gone and (end := _gone_by(observation, observations, ups, within))
    } - {*ups}
    return sorted([*seen, *(_Event(end, False, None) for end in ends)])


def _address_at(addresses: Sequence[tuple[datetime, str]], when: datetime) -> str | None:
    """Return the latest address reported by then, else the first."""
    earlier = [address for since, address in addresses if since <= when]
    return earlier[-1] if earlier else addresses[0][1] if addresses else None


def _gone_by(
    observation: ExternalObservation,
    observations: Sequence[ExternalObservation],
    ups: Sequence[datetime],
    within: timedelta | None,
) -> datetime | None:
    """Return the time by which a closed case was gone.

    None if that is unknown, or if it was seen up in that time.
    """
    if observation.since:
        return min(observation.since, observation.received_at)
    if observation.last_seen is None:
        return None
    last = observation.last_seen
    later = [up for up in ups if up > last]
    others_ends = [other.since for other in observations if other.gone and other.since and other.since > last]
    if others_ends and (not later or min(others_ends) < later[0]):
        return min(others_ends)
    by = min(last + within, observation.received_at) if within else observation.received_at
    return by if by > last and (not later or by < later[0]) else None


class _Walk:
    """Builds the episodes of one URL, observer and source."""

    def __init__(self, known: UrlHistory, observer: str, source: str, attribute: Attribute) -> None:
        self.known, self.observer, self.source, self.attribute = known, observer, source, attribute

    def episodes(self, events: Iterable[_Event]) -> Iterator[ExternalEpisode]:
        """Yield the episodes of events in time order."""
        now: _Open | None = None
        absent_at: datetime | None = None
        for seen in events:
            if not seen.up:
                if now:
                    yield from self._ended(now, seen.when, "removed")
                now, absent_at = None, seen.when
                continue
            attribution = self.attribute(self.known.url_id, seen.address, seen.when) if seen.address else None
            cause = _left(now, seen.address, attribution) if now else None
            if now and cause:
                yield from self._ended(now, seen.when, cause)
                now = None
            if now:
                now.last_up, now.looks, now.address = seen.when, now.looks + 1, seen.address
            else:
                now = _Open(
                    first_address=seen.address,
                    address=seen.address,
                    attribution=attribution,
                    known_up_at=seen.when,
                    absent_at=absent_at,
                    last_up=seen.when,
                )
            absent_at = seen.when
        if now:
            yield from self._ended(now, None, None)

    def _ended(self, now: _Open, when: datetime | None, cause: EndCause | None) -> Iterator[ExternalEpisode]:
        answer = now.attribution
        since = (r for r in self.known.reported if now.absent_at is None or r > now.absent_at)
        reported_at = next((r for r in since if when is None or r < when), None)
        for hoster in _hosters(answer):
            yield ExternalEpisode(
                url_id=self.known.url_id,
                content_id=self.known.content_id,
                site_id=self.known.site_id,
                hoster=hoster,
                hosters=answer.hosters if answer else (),
                origins=answer.origins if answer else (),
                countries=answer.countries if answer else (),
                addresses=(now.first_address,) if now.first_address else (),
                prefixes=routed(answer) if answer else (),
                proxy=bool(answer and answer.proxy),
                known_up_at=now.known_up_at,
                reported_at=reported_at,
                claimed_at=None if reported_at is None or now.absent_at is not None else self.known.claimed_at,
                absent_at=now.absent_at,
                first_up=now.known_up_at,
                last_up=now.last_up,
                first_down=when,
                cause=cause,
                looks=now.looks,
                looks_until_last=now.looks,
                unknown_looks=0,
                observer=self.observer,
                source=self.source,
            )


def _hosters(answer: Attribution | None) -> tuple[str, ...]:
    return (answer.hosters if answer else ()) or (UNATTRIBUTED,)


def _left(now: _Open, address: str | None, there: Attribution | None) -> EndCause | None:
    """Return why content left its hoster, None if it stayed.

    At the same address it left no hoster: if both hosters are known and differ, the address changed hands.
    """
    hosters_before, after = set(_hosters(now.attribution)), set(_hosters(there))
    if hosters_before & after:
        return None
    if address == now.address:
        return None if UNATTRIBUTED in hosters_before | after else "lineage"
    if there and now.attribution and there.proxy and not now.attribution.proxy:
        return "masked"
    return "moved"
