"""A study's rankings of every kind.

Volume and speed, volume against size, places, sources side by side.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import numpy as np

from waterbed.graphs.hops import side_of
from waterbed.measures.actors import EVERYTHING, OF_NAMES, actor_shares
from waterbed.measures.clocks import clocks_of_groups, running_clocks
from waterbed.measures.constancy import Part, part_of_share
from waterbed.measures.dependence import clusters_of_sites, labels_of
from waterbed.measures.hiding import shares_if_hiding, views_differ
from waterbed.measures.incidents import complaints, incidents
from waterbed.measures.keys import (
    KINDS,
    UNTOLD,
    Appearance,
    Kind,
    grouped,
    keys_of,
    names_organisations,
    ranking_kind,
    reported_keys,
    size_kind,
    told_kinds,
)
from waterbed.measures.labels import Labels
from waterbed.measures.ranking import Each, rank, undecided, volumes_of
from waterbed.measures.registered import credited, keys_of_episode, keys_of_site
from waterbed.measures.speed_ranks import speed_places, unplaced
from waterbed.measures.structure import Structure
from waterbed.measures.takedown import (
    By,
    Clock,
    clocks,
    episodes_by_key,
)
from waterbed.measures.totals import Weighing, weighing
from waterbed.measures.volume import volume_rows
from waterbed.model.actors import Actor
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Attribution, ClockKind, Episode, RankingRow, Size
from waterbed.model.facts import Medium, Target
from waterbed.model.mediums import mediums_without_address
from waterbed.model.message import NOTHING, Message
from waterbed.model.results import PlaceRow, VolumeRow
from waterbed.model.takedown import ActorShare, TakedownClock
from waterbed.store.forked import in_processes
from waterbed.study.answered import Answered
from waterbed.study.conclusions import Conclusions

Side = Literal["home", "abroad"]
_NO_STRUCTURE: Structure = {}
PLACES_METHOD = (
    "places by share removed within 24 h, 1 = slowest: sets that hold all true places at once at 95% (step-down over "
    "studentised differences, site clusters resampled over all groups), see docs/ranking.md"
)
_PLACES = ("hoster", "asn", "country", "delegated")
"""Kinds whose keys may be the target of an event."""
_SHARED = 20_000
"""Episodes from which several processes share the rows of a ranking."""
SEED = 20_260
"""Seed of the resampling: the same study gives the same places."""

Made = TypeVar("Made")


@dataclass(kw_only=True)
class RankingTables:
    """One kind of ranking of one study.

    With `side` only of what lies at home or abroad, with `source` only of what one source reported.
    """

    conclusions: Conclusions
    kind: Kind
    side: Side | None = None
    source: str | None = None
    clock: ClockKind = "reported"
    """Origin of the takedown clocks; places by speed always run from the report."""
    events: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    """Dates of declared events by target (`event_dates`): of all for the study's own people, of public ones else."""
    together: float = 1.0
    """Sites for which decisions are made at once, as intervals are to take it."""
    _same: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Equal keys are one object."""

    @cached_property
    def appearances(self) -> list[Appearance]:
        """Each URL with all keys of this kind.

        The keys are all that its addresses ever gave it.
        """
        return self._kept(f"appearances.{self._name}", list[Appearance], self._appeared)

    def _appeared(self) -> list[Appearance]:
        grown, targets = self.conclusions.grown, self.conclusions.facts.targets
        # where a hoster's seat is may be told later, and decides sides
        former = (
            grown.former(f"appearances.{self._name}", list[Appearance])
            if grown and not self.side and self.kind in KINDS and not self._by_domain
            else None
        )
        if grown is None or former is None:
            return self._appeared_of(targets, self.conclusions.answered)
        if self._of_reports is not None:  # the first report that tells gives all a key
            former = [replace(one, keys=self._keys(one.url_id, ())) for one in former]
        some = {url_id: targets[url_id] for url_id in grown.changed}
        _ = self.conclusions.episodes  # which goes through all runs
        known = {one.url_id: one for one in [*former, *self._appeared_of(some, grown.answers.found)]}
        return [known[url_id] for url_id in targets if url_id in known]

    def _appeared_of(self, targets: Mapping[str, Target], answered: Mapping[str, Answered]) -> list[Appearance]:
        found = []
        for url_id, target in targets.items():
            told = answered.get(url_id, Answered())
            answers = self._here(told.every)
            nowhere = self._of_reports is None and url_id in self.without_address
            if nowhere or (self.side and not answers) or (self.source and url_id not in self._reported):
                continue
            its = Appearance.of(
                url_id,
                host_id=target.host_id,
                site_id=target.site_id,
                answers=answers,
                decided=bool(self._here(told.decided)) if self.side else told.was_decided,
                keys=partial(self._keys, url_id),
                since=self.conclusions.notice_context.since(url_id, self.clock),
                medium=self.without_address.get(url_id, "web"),
            )
            found.append(replace(its, proxy=False, fronts=()) if self._by_domain else its)
        return found

    @cached_property
    def episodes(self) -> list[Episode]:
        """The episodes that belong to this ranking."""
        home, seats = self.conclusions.config.home, self.conclusions.seats
        return [
            episode
            for episode in self.conclusions.episodes
            if (not self.source or episode.url_id in self._reported)
            and (not self.side or side_of(episode.countries, episode.hoster, home, seats) == self.side)
        ]

    @cached_property
    def groups(self) -> Mapping[str, Sequence[Episode]]:
        """The episodes under each key."""
        by: By | None = size_kind(self.kind)
        if by:
            return episodes_by_key(self.episodes, by)
        if self._by_domain:
            found = grouped(credited(self.episodes, self.kind), self._episode_keys)
            return {key: group for key, group in found.items() if key != UNTOLD}  # nobody was asked of their holds
        return grouped(self.episodes, self._episode_keys)

    @cached_property
    def names(self) -> dict[str, str]:
        """A name for people for each key."""
        keys = {key for appearance in self.appearances for key in appearance.keys}
        name: Callable[[str], str] = self.conclusions.attributor.name_of if names_organisations(self.kind) else str
        if self.kind == "registrar":
            name = self.conclusions.domains.name_of
        return {key: name(key) for key in keys}

    @cached_property
    def rows(self) -> list[RankingRow]:
        """The ranking: volume and speed."""
        return self._kept(f"ranking.{self._name}", list[RankingRow], self._ranked)

    def _kept(self, name: str, form: Any, make: Callable[[], Made], whose: Conclusions | None = None) -> Made:
        """What is kept, or made and kept; of a plug-in's ranking always made: its code may be another by now."""
        found: Made = (whose or self.conclusions).kept(name, form, make) if self.kind in KINDS else make()
        return found

    @property
    def _name(self) -> str:
        """What tells this ranking from others of the study."""
        source = sha256(self.source.encode()).hexdigest()[:16] if self.source else "all"
        dates = sha256(repr(sorted(self._dates.items())).encode()).hexdigest()[:16] if self._dates else "none"
        together = "" if self.together == 1.0 else f".together {self.together:g}"
        return f"{self.kind}.{self.side or 'both'}.{self.clock}.{source}.{dates}{together}"

    @property
    def _dates(self) -> Mapping[str, Sequence[datetime]]:
        """The dates of events at keys of this kind."""
        return self.events if self.kind in _PLACES else {}

    @cached_property
    def brief_rows(self) -> list[RankingRow]:
        """The ranking without medians, each share over all reports even if it changed."""
        return self._kept(f"brief.{self._name}", list[RankingRow], partial(self._ranked, brief=True))

    @property
    def each(self) -> Each:
        """Work rows out, in processes if there are many."""
        return partial(in_processes, processes=self.conclusions.processes) if self.shared else map

    @property
    def shared(self) -> bool:
        """True if several processes share the work on its rows."""
        return len(self.episodes) >= _SHARED and self.conclusions.processes > 1

    def _ranked(self, *, brief: bool = False) -> list[RankingRow]:
        return rank(
            self.appearances,
            self.episodes,
            by=size_kind(self.kind) or "hoster",
            names=self.names,
            until=self.conclusions.until,
            groups=self.groups,
            started=self.started,
            differing=self.differing,
            if_hiding={} if brief else self._if_hiding,
            each=self.each,
            brief=brief,
            splits=names_organisations(self.kind) or self.kind == "registrar",
            dates=self._dates,
            alike=self.conclusions.once("rows by content", dict),
            labels=self.labels,
            together=self.together,
        )

    @cached_property
    def differing(self) -> frozenset[str]:
        """The keys whose content goes by our looks.

        By all reports, whatever the source, the side and the window.
        """
        if not self.conclusions.config.schedule.rare_share:
            return frozenset()
        return frozenset(self._kept(f"differing.{self.kind}", list[str], self._differing, self.conclusions.whole))

    def _differing(self) -> list[str]:
        whole = RankingTables(conclusions=self.conclusions.whole, kind=self.kind)
        return sorted(views_differ(whole.groups, self.conclusions.config.schedule))

    @property
    def _if_hiding(self) -> dict[str, float]:
        """The share of each key that it surely removed even if it hides."""
        if self.clock != "reported":
            return {}
        schedule = self.conclusions.config.schedule
        return shares_if_hiding(self.groups, schedule, until=self.conclusions.until, labels=self.labels)

    @cached_property
    def clocks(self) -> dict[str, list[TakedownClock]]:
        """The takedown clocks under each key."""
        context = self.conclusions.notice_context
        hosters, registrars = self.kind == "hoster", self.kind == "registrar"
        return clocks_of_groups(
            self.groups, context, hosters=hosters, clock=self.clock, registrars=registrars, labels=self.labels
        )

    @property
    def started(self) -> Mapping[str, Sequence[Clock]] | None:
        """The clocks under each key, in the form for estimators.

        None where they run from the report.
        """
        if self.clock == "reported":
            return None
        return {key: running_clocks(group) for key, group in self.clocks.items()}

    @property
    def labels(self) -> Labels:
        """The labels of the study's reports, by which outcomes may depend on each other."""
        return labels_of(self.conclusions)

    @property
    def clusters(self) -> dict[str, int]:
        """The cluster of each site.

        Sites that share a content id are one.
        """
        return clusters_of_sites(self.conclusions)

    def weighing(self) -> Weighing | None:
        """The removal share by hoster and by content."""
        return self._kept(f"weighing.{self._name}", Weighing | None, lambda: weighing(self.rows))

    def actors(self) -> list[ActorShare]:
        """The share that each actor ended, by key."""
        until = self.conclusions.until
        if until is None:
            return []
        named = [replace(one, proxy=False) for one in self.episodes] if self._by_domain else self.episodes
        groups = grouped(named, self._episode_keys) if self._by_domain else self.groups
        rows = {row.key: row for row in self.rows}
        made = {EVERYTHING: Part(clocks(named, self.labels), undecided(self.appearances, self.labels))}
        for key, group in groups.items():
            own = clocks(group, self.labels), self.hidden.get(key, ())
            made[key] = part_of_share(rows[key], *own) if key in rows else Part(*map(list, own))
        withheld = {key for key, row in rows.items() if row.removed_24h is None}
        asked = self.conclusions.domains.answers
        unasked = {key: OF_NAMES for key in made if not asked or (self._by_domain and key == UNTOLD)}
        ranked: Actor = "registrar" if self.kind == "registrar" else "registry" if self._by_domain else "hoster"
        return actor_shares(made, self.names, until=until, withheld=withheld, unasked=unasked, ranked=ranked)

    @property
    def unplaced(self) -> list[PlaceRow]:
        """The rows of `places`, without any place."""
        return unplaced(self.rows, self.groups, self.labels)

    def places(self, worst: int, among: Collection[str] | None = None) -> list[PlaceRow]:
        """Places by speed, slowest first, among some keys."""
        return speed_places(
            [row for row in self.rows if among is None or row.key in among],
            self.groups,
            self.labels,
            until=self.conclusions.until,
            norm=self.conclusions.config.norm,
            rng=np.random.default_rng(SEED),
            worst=worst,
            each=self.each,
            hidden=self.hidden,
            together=self.together,
        )

    def part(self, row: RankingRow) -> Part:
        """The clocks that a row's share is of, and those of which no check could be decided."""
        return part_of_share(row, self.running(row.key), self.hidden.get(row.key, ()))

    def running(self, key: str) -> list[Clock]:
        """The clocks behind the row of a key."""
        started = self.clock != "reported"
        return running_clocks(self.clocks.get(key, ())) if started else clocks(self.groups.get(key, ()), self.labels)

    @cached_property
    def hidden(self) -> Mapping[str, Sequence[Clock]]:
        """The clocks by key of which no check could be decided."""
        return {key: its.hidden for key, its in volumes_of(self.appearances, self.labels).items() if its.hidden}

    def volume(
        self,
        sizes: Sequence[Size],
        worst: int,
        structure: Structure = _NO_STRUCTURE,
        among: Collection[str] | None = None,
    ) -> tuple[list[VolumeRow], Message]:
        """Volume against size and covariates, and a remark on its method.

        Without sizes there are counts alone. The remark says if few rows decide. Places are `among` some keys.
        """
        rows, expected = volume_rows(
            self.appearances,
            self.incidents,
            self.clusters,
            names=self.names,
            frame=sizes,
            structure=structure,
            rng=np.random.default_rng(SEED),
            worst=worst,
            among=among,
        )
        return rows, expected.remark if expected else NOTHING

    @cached_property
    def incidents(self) -> list[set[str]]:
        """The URLs of each incident."""
        facts = self.conclusions.facts
        own = [r for r in facts.reports if not self.source or r.source == self.source]
        make = partial(incidents, complaints(own, facts.targets))
        return list((make() if self.source else self.conclusions.once("incidents", make)).values())

    @cached_property
    def _reported(self) -> set[str]:
        return {report.url_id for report in self.conclusions.facts.reports if report.source == self.source}

    @cached_property
    def _of_reports(self) -> dict[str, tuple[str, ...]] | None:
        """The keys that reports give each URL; None where addresses give them."""
        found = reported_keys(self.conclusions.facts.reports, self.kind)
        untold = found and all(keys == (UNTOLD,) for keys in found.values())
        return {} if untold and not told_kinds(self.conclusions.whole.facts.reports, (self.kind,)) else found

    @property
    def without_address(self) -> Mapping[str, Medium]:
        """The medium of each URL without an address.

        It is in rankings by what reports tell, and at no place.
        """
        return self.conclusions.once("mediums", lambda: mediums_without_address(self.conclusions.facts.reports))

    def _here(self, answers: Sequence[Attribution]) -> list[Attribution]:
        """Those of some attributions that lie on the side asked for."""
        return [answer for answer in answers if not self.side or self._at_home(answer) == (self.side == "home")]

    def _at_home(self, answer: Attribution) -> bool:
        home = self.conclusions.config.home
        if answer.countries:
            return home in answer.countries
        return any(self.conclusions.seats.get(key) == home for key in answer.hosters)

    @property
    def _by_domain(self) -> bool:
        return ranking_kind(self.kind).by_domain

    def _keys(self, url_id: str, answers: Sequence[Attribution]) -> tuple[str, ...]:
        if self._by_domain:
            return keys_of_site(self.conclusions.domains, self.kind, self.conclusions.facts.targets[url_id].site_id)
        if self._of_reports is not None:
            return self._of_reports.get(url_id, ())
        found = keys_of(answers, self.kind)
        return self._same.setdefault(found, found)

    def _episode_keys(self, episode: Episode) -> tuple[str, ...]:
        """The keys of an episode.

        Those of the looks in it, else of the URL's first look that had an answer.
        """
        if self._of_reports is not None:
            return self._of_reports.get(episode.url_id, ())
        if self._by_domain:
            return keys_of_episode(self.conclusions.domains, self.kind, episode)
        told = self.conclusions.answered.get(episode.url_id, Answered())
        ever = {self._keys(episode.url_id, (answer,)) for answer in told.every}
        if len(ever) < 2:  # whatever the looks in it
            return ever.pop() if ever else ()
        seen = [run for run in self.conclusions.runs.get(episode.url_id, ()) if run.answered]
        begin, end = microseconds(episode.known_up_at), microseconds(episode.last_up)
        own = [
            answer
            for run in seen
            if episode.hoster in run.hosters or not run.hosters
            for answer in run.answers(bisect_left(run.at, begin), bisect_right(run.at, end))
        ]
        return self._keys(episode.url_id, own or [run.answer(0) for run in seen[:1]])


def ranking_of(
    conclusions: Conclusions, by: By = "hoster", events: Mapping[str, Sequence[datetime]] = MappingProxyType({})
) -> list[RankingRow]:
    """The ranking by hoster, origin AS or country.

    It uses the clock of the settings.
    """
    return RankingTables(conclusions=conclusions, kind=by, clock=conclusions.config.clock, events=events).rows
