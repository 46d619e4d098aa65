"""Causes of names' ends, as platforms and registries tell. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.model.conclusions import NAME_ENDS, EndCause, Episode
from waterbed.model.registrations import DomainRegistration

_DAY: Final = timedelta(days=1)
_CACHED: Final = timedelta(days=2)
"""Resolvers may answer from their caches so long after a name left the zone: the time that zones give name servers."""
_DROPPED: Final = frozenset({"redemption period", "pending delete"})
_HOLDS: Final[Mapping[str, EndCause]] = {"client hold": "registrar_hold", "server hold": "registry_hold"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NameEnds:
    """Givers of names, and the answers of registries.

    `gives` tells if a hoster gives a URL its name, under a suffix of its own, on the day of a time.
    `answers` are those of each site in order of time: registered or not. Nobody is credited from `before` to `after`
    the expiry; an answer tells of an end for `within` after it.
    """

    gives: Callable[[str, str, datetime], bool] = lambda _hoster, _url_id, _when: False
    answers: Mapping[str, Sequence[DomainRegistration]] = field(default_factory=dict)
    before: timedelta = timedelta(days=10)
    after: timedelta = timedelta(days=45)
    within: timedelta = timedelta(days=7)

    def told(self, episodes: list[Episode]) -> list[Episode]:
        """The episodes, with the causes that are told.

        Only ends of names are refined, and always anew from the cause `name`. A platform that takes back a name that
        it gave has removed what was there (decision 0043). Linear.
        """
        return [self._told(episode) for episode in episodes]

    def _told(self, episode: Episode) -> Episode:
        if episode.cause not in NAME_ENDS or episode.first_down is None:
            return episode
        if self.gives(episode.hoster, episode.url_id, episode.first_down):
            return replace(episode, cause="removed")
        cause = self.cause(episode.site_id, episode.last_up, episode.first_down)
        return episode if cause == episode.cause else replace(episode, cause=cause)

    def cause(self, site_id: str, last_up: datetime, first_down: datetime) -> EndCause:
        """The cause of a name's end in (last_up, first_down].

        By the first answer fetched after `last_up` that tells one. The last that is asked is the first one fetched
        after the end, if not later than `within`: what it does not tell came afterwards.

        - not registered, registered anew, in redemption or pending delete: `expired` near the expiry, else `deleted`;
          `name` where no expiry is known;
        - a hold: `expired` near the expiry, else of who set it; `name` where registrar and registry both did;
        - neither, but past the expiry and near it: `expired`.

        What was so already while the content was up explains nothing.
        """
        answers = self.answers.get(site_id, ())
        first = bisect_right(answers, last_up, key=lambda answer: answer.fetched_at)
        count_before = bisect_right(answers, last_up - _CACHED, key=lambda answer: answer.fetched_at)
        stood = frozenset(answers[count_before - 1].states) if count_before else frozenset()
        for place in range(first, len(answers)):
            if answers[place].fetched_at > first_down + self.within:
                break
            cause = self._by(answers[: place + 1], stood, last_up, first_down)
            if cause is not None or answers[place].fetched_at >= first_down:
                return cause or "name"
        return "name"

    def _by(
        self, answers: Sequence[DomainRegistration], stood: frozenset[str], last_up: datetime, first_down: datetime
    ) -> EndCause | None:
        """What the last of some answers tells, None if nothing."""
        *earlier, answer = answers
        registered = [registration for registration in earlier if registration.status == "ok"]
        former = registered[-1].created_on if registered else None
        anew = answer.created_on is not None and former is not None and answer.created_on > former
        is_gone = answer.status == "not_found" or (
            anew and answer.created_on is not None and answer.created_on + _DAY > last_up
        )
        registrations = registered if is_gone else [*registered, answer]
        expiries = [
            registration.expires_on
            for registration in registrations
            if registration.expires_on and registration.created_on == registrations[-1].created_on
        ]
        near = any(last_up - self.after - _DAY < day <= first_down + self.before for day in expiries)
        new = frozenset(answer.states) - stood
        if is_gone or new & _DROPPED:
            near = near or any("auto renew period" in registration.states for registration in registrations[-1:])
            return None if not registrations else "expired" if near else "deleted" if expiries else "name"
        near = near or "auto renew period" in answer.states
        holds = [cause for state, cause in _HOLDS.items() if state in new]
        if holds:
            return "expired" if near else holds[0] if len(holds) == 1 else "name"
        lapsed = "auto renew period" in answer.states or any(day <= first_down for day in expiries)
        return "expired" if near and lapsed else None
