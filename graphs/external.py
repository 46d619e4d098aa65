"""Episodes as another observer tells them: where a URL was seen up, and until when it was gone. Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from graphs.episodes import UNATTRIBUTED, UrlHistory, routed
from waterbed.model.conclusions import Attribution, EndCause, ExternalEpisode
from waterbed.model.facts import ExternalObservation

Attribute = Callable[[str, str, datetime], Attribution | None]
"""Who answered for a URL's address at a time; None where nobody can say so as of that day."""


class _Seen(NamedTuple):
    """One time at which it was up, or by which it was gone, and the address it had."""

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
    words: Iterable[ExternalObservation],
    known: Mapping[str, UrlHistory],
    attribute: Attribute,
    *,
    within: timedelta | None,
) -> list[ExternalEpisode]:
    """The episodes that testimonies tell of, for each URL, observer and source by itself, in the order of time.

    An end is an interval: from the last time the observer saw it up until the time of closing, else `within` so long
    after it, else the import. A case that was closed for another reason, or not at all, is censored where it was last
    seen up. `within` None: nothing is known of how often the observer looked.
    """
    grouped: dict[tuple[str, str, str], list[ExternalObservation]] = defaultdict(list)
    for word in words:
        grouped[word.url_id, word.observer, word.source].append(word)
    found = [
        episode
        for (url_id, observer, source), own in sorted(grouped.items())
        for episode in _Telling(known[url_id], observer, source, attribute).episodes(_course(own, within))
    ]
    return sorted(found, key=lambda one: (one.known_up_at, one.url_id, one.observer, one.source, one.hoster))


def episodes_before(
    told: Iterable[ExternalEpisode], own: Collection[str], *, began: datetime, until: datetime
) -> list[ExternalEpisode]:
    """Those that begin before our first look, of URLs that are not among our own, censored where our own are."""
    return [_censored(one, until) for one in told if one.url_id not in own and one.known_up_at < min(began, until)]


def _censored(told: ExternalEpisode, until: datetime) -> ExternalEpisode:
    """The same as it is known at a time: what ended later has not ended."""
    if told.first_down is None or told.first_down <= until:
        return told if told.last_up <= until else replace(told, last_up=until)
    return replace(told, first_down=None, cause=None, last_up=min(told.last_up, until))


def _course(words: Sequence[ExternalObservation], within: timedelta | None) -> list[_Seen]:
    """All that was seen of one URL in time order; what was seen up at a time was not gone by then."""
    ups = sorted({when for word in words for when in (word.first_seen, word.last_seen) if when})
    held = sorted(
        (when, word.address)
        for word in words
        if word.address and (when := word.since or word.last_seen or word.first_seen)
    )
    seen = [_Seen(when, True, _address_at(held, when)) for when in ups]
    gone = {end for word in words if word.gone and (end := _gone_by(word, words, ups, within))} - {*ups}
    return sorted([*seen, *(_Seen(end, False, None) for end in gone)])


def _address_at(held: Sequence[tuple[datetime, str]], when: datetime) -> str | None:
    """The address that was last told by then, else the first that was told."""
    before = [address for since, address in held if since <= when]
    return before[-1] if before else held[0][1] if held else None


def _gone_by(
    word: ExternalObservation, words: Sequence[ExternalObservation], ups: Sequence[datetime], within: timedelta | None
) -> datetime | None:
    """By when a closed case was gone; None where nobody can say, or where it was seen up in that time."""
    if word.since:
        return min(word.since, word.received_at)
    if word.last_seen is None:
        return None
    last = word.last_seen
    later = [up for up in ups if up > last]
    said = [other.since for other in words if other.gone and other.since and other.since > last]
    if said and (not later or min(said) < later[0]):
        return min(said)
    by = min(last + within, word.received_at) if within else word.received_at
    return by if by > last and (not later or by < later[0]) else None


class _Telling:
    """Walks through what one observer says of one URL."""

    def __init__(self, known: UrlHistory, observer: str, source: str, attribute: Attribute) -> None:
        self.known, self.observer, self.source, self.attribute = known, observer, source, attribute

    def episodes(self, course: Iterable[_Seen]) -> Iterator[ExternalEpisode]:
        """The episodes of its course."""
        now: _Open | None = None
        before: datetime | None = None
        for seen in course:
            if not seen.up:
                if now:
                    yield from self._ended(now, seen.when, "removed")
                now, before = None, seen.when
                continue
            there = self.attribute(self.known.url_id, seen.address, seen.when) if seen.address else None
            cause = _left(now, seen.address, there) if now else None
            if now and cause:
                yield from self._ended(now, seen.when, cause)
                now = None
            if now:
                now.last_up, now.looks, now.address = seen.when, now.looks + 1, seen.address
            else:
                now = _Open(
                    first_address=seen.address,
                    address=seen.address,
                    attribution=there,
                    known_up_at=seen.when,
                    absent_at=before,
                    last_up=seen.when,
                )
            before = seen.when
        if now:
            yield from self._ended(now, None, None)

    def _ended(self, now: _Open, when: datetime | None, cause: EndCause | None) -> Iterator[ExternalEpisode]:
        answer = now.attribution
        reported = (r for r in self.known.reported if (now.absent_at is None or r > now.absent_at))
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
                reported_at=next((r for r in reported if when is None or r < when), None),
                absent_at=now.absent_at,
                first_up=now.known_up_at,
                last_up=now.last_up,
                first_down=when,
                cause=cause,
                looks=now.looks,
                unknown_looks=0,
                observer=self.observer,
                source=self.source,
            )


def _hosters(answer: Attribution | None) -> tuple[str, ...]:
    return (answer.hosters if answer else ()) or (UNATTRIBUTED,)


def _left(now: _Open, address: str | None, there: Attribution | None) -> EndCause | None:
    """Why it is not where it was, None if it is.

    At one address it left nobody: where both hosters are known and differ, the address went to another one.
    """
    before, after = set(_hosters(now.attribution)), set(_hosters(there))
    if before & after:
        return None
    if address == now.address:
        return None if UNATTRIBUTED in before | after else "lineage"
    if there and now.attribution and there.proxy and not now.attribution.proxy:
        return "masked"
    return "moved"
