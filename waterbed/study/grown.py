"""Conclusions after more facts: the new ones are worked out.

All else is as it was kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.graphs.episodes import EpisodeRules, all_episodes
from waterbed.graphs.linking.evidence import Sign
from waterbed.graphs.linking.signs import Span
from waterbed.judging.columns import NOTHING, Array, Numbered
from waterbed.judging.guard_state import packed, unpacked
from waterbed.model.codec import microseconds, moment
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Observation
from waterbed.model.progress import stage
from waterbed.store.engine import Part
from waterbed.store.kept import Kept
from waterbed.store.lake.rows import in_stretches
from waterbed.study.answered import Answers
from waterbed.study.attributed import Attributed, hosters_of
from waterbed.study.digest import of_rules, of_tables
from waterbed.study.facts import Facts
from waterbed.study.guarded import KeptGuard
from waterbed.study.judgements import Judgements
from waterbed.study.kept_urls import (
    ASKED,
    NAME,
    URL_COLUMNS,
    URLS,
    Beginning,
    KeptUrls,
    asked_before,
    canaries_before,
    changes_before,
    closed,
    placed,
    reports_of,
)
from waterbed.study.link_signs import LookSigns
from waterbed.study.linking import known_of
from waterbed.study.look_reader import Before
from waterbed.study.looks import Looks

_LED: Final = ("url_id", "redirect_url_id", "redirect_site_id")
_REDIRECTED: Final = """
SELECT DISTINCT url_id FROM observation
WHERE redirect_url_id IN (SELECT id FROM led_url) OR redirect_site_id IN (SELECT id FROM led_site)
"""
_SEEN: Final = "SELECT DISTINCT url_id FROM observation WHERE epoch_us(observed_at) >= $since"
Value = TypeVar("Value")
Whole = TypeVar("Whole", bound=Judgements)
"""The conclusions of all URLs, and of some."""
OfSome = Callable[[Facts, Beginning], Whole]
"""Draws conclusions of some URLs alone, from a beginning on."""


class MergedSigns:
    """The signs of all looks, of which some were kept."""

    def __init__(self, urls: Sequence[str], facts: Facts, kept: pa.Table, looks: Looks) -> None:
        """Take those kept, by the places of these URLs, and those of the looks at all others."""
        self._found, self._servers = LookSigns(urls, facts.place), Numbered[str]()
        self._found.add(kept, self._servers)
        place = pc.index_in(pa.array(looks.urls, pa.string()), pa.array(urls, pa.string()))
        self._found.add(placed(looks.link_signs.table(looks.coder.name_servers.values), place), self._servers)

    def table(self) -> pa.Table:
        """All of them."""
        return self._found.table(self._servers.values)

    def signs(self) -> list[Sign]:
        """As `Looks.signs`."""
        return self._found.signs(self._servers)

    def answered(self) -> Mapping[str, Span]:
        """As `Looks.answered`."""
        return self._found.answered()


class Grown(Generic[Whole]):
    """The news since something was kept, beside all that was."""

    def __init__(self, conclusions: Whole, of_some: OfSome[Whole], kept: Kept, was: KeptUrls, digest: bytes) -> None:
        """Take what was kept under a digest, and the conclusions to draw."""
        self._conclusions, self._kept, self.was, self._digest = conclusions, kept, was, digest
        self._of_some = of_some
        self._urls = unpacked(was.urls)
        self.changed: set[str] = set()
        self.part: Whole

    def begins(self) -> bool:
        """True if all that was kept still holds.

        But for URLs at which something is new.
        """
        conclusions, was = self._conclusions, self.was
        facts = conclusions.facts
        ids = self._urls.column("url_id").combine_chunks()
        now = pa.array(sorted(facts.targets), pa.string())
        if not (
            was.rules == of_rules(facts, conclusions.config, facts.folder)
            and was.files == closed(facts.folder, was.since)[0]
            and was.canaries == canaries_before(facts.canaries, was.since, conclusions.config.judge.canary_within_s)
            and was.changes == changes_before(conclusions.attributor, was.since)
            and pc.all(pc.is_in(ids, now)).as_py() is not False
            and not any(url_id in facts.targets for url_id in was.aside)
            and self._attributed_alike()
        ):
            return False
        episodes = self.former("episodes", list[Episode])
        if episodes is None:
            return False
        self._episodes: list[Episode] = episodes
        fresh = now.filter(pc.invert(pc.is_in(now, ids)))
        again = ids.filter(
            pc.not_equal(reports_of(facts, ids.to_pylist()), self._urls.column("reports").combine_chunks())
        )
        origins = {report.url_id for report in facts.reports if report.origin_address}
        if origins & set(again.to_pylist()):
            return False
        self.changed = {
            *fresh.to_pylist(),
            *again.to_pylist(),
            *(notice.url_id for notice in facts.notices),
            *(one.url_id for one in facts.external_observations if one.received_at >= moment(self.was.since)),
            *self._led_to(fresh),
            *self._seen_since(),
        } & facts.targets.keys()
        self._part(facts, ids)
        return not self.part.looks.neighbours_asked and bool(len(self.part.looks))

    def _attributed_alike(self) -> bool:
        """Whether earlier looks are attributed as they were, whatever was told since."""
        if self.was.tables == of_tables(self._conclusions.facts.folder, self.was.since):
            return True
        asked = unpacked(self.was.asked)
        return bool(asked.equals(asked_before(self._conclusions.attributor, asked)))

    def _seen_since(self) -> list[str]:
        """The URLs with a look that may change what is concluded."""
        facts = replace(self._conclusions.facts, since=moment(self.was.since).date())
        found = facts.selected(Observation, ["url_id", "observed_at"], _SEEN, {"since": self.was.since})
        urls: list[str] = pc.unique(found.column("url_id")).to_pylist()
        return urls

    def _led_to(self, fresh: pa.Array) -> list[str]:
        """The URLs with a redirect to a URL or a site that is new."""
        if not len(fresh):
            return []
        facts = self._conclusions.facts
        new = fresh.to_pylist()
        sites = {facts.targets[url_id].site_id for url_id in new}
        old = {facts.targets[url_id].site_id for url_id in self._urls.column("url_id").to_pylist()}
        named = {
            "led_url": pa.table({"id": pa.array(new, pa.string())}),
            "led_site": pa.table({"id": sorted(sites - old)}),
        }

        def read(parts: Mapping[type, Part]) -> list[str]:
            found: list[str] = []
            for sql in in_stretches(parts, {Observation: _LED}, Observation, folder=facts.place):
                for name, table in named.items():
                    sql.add(name, table.cast(pa.schema([("id", pa.string())])))
                found += sql.table(_REDIRECTED).column("url_id").to_pylist()
            return found

        return facts.rows([Observation], read)

    def _part(self, facts: Facts, ids: pa.Array) -> None:
        """Set up the conclusions of the changed URLs."""
        was = self.was
        mine = pa.array(sorted(self.changed), pa.string())
        firsts = self._urls.column("first").combine_chunks().filter(pc.is_in(ids, mine))
        first = min(pc.min(firsts).as_py() or was.since, was.since)
        targets = facts.targets
        usable = unpacked(was.usable)
        some = replace(
            facts,
            targets={url_id: targets[url_id] for url_id in mine.to_pylist()},
            reports=[report for report in facts.reports if report.url_id in self.changed],
            since=moment(first).date(),
        )
        known = pa.table(
            {
                "url_id": pa.array(targets.keys(), pa.string()),
                "site_id": pa.array([target.site_id for target in targets.values()], pa.string()),
            }
        )
        guard = KeptGuard(
            since=was.since,
            state=was.guard,
            urls=self._urls,
            hosters=was.hosters,
            prefixes=was.prefixes,
            held=unpacked(was.held).column("id").combine_chunks(),
        )
        before = Before(known=known, usable=usable.filter(pc.less(usable.column("since"), was.since)))
        self.part = self._of_some(some, Beginning(before=before, guard=guard))

    def former(self, name: str, form: Any) -> Any:
        """The value kept under a name, or None."""
        return self._kept.former(name, form, self._digest)

    def merged(self, former: Iterable[Value], fresh: Iterable[Value], url_of: Callable[[Value], str]) -> list[Value]:
        """Kept values of unchanged URLs, with others' new ones.

        In the order of URLs.
        """
        return sorted([*(one for one in former if url_of(one) not in self.changed), *fresh], key=url_of)

    def episodes(self, rules: EpisodeRules) -> list[Episode]:
        """The episodes of all URLs.

        Those of changed ones have yet to be named by content.
        """
        fresh = all_episodes(known_of(self.part.facts), self.answers, rules)
        return self.merged(self._episodes, fresh, lambda one: one.url_id)

    def end(self) -> None:
        """Let go of the kept episodes, once all are followed."""
        self._episodes = []

    @cached_property
    def answers(self) -> Answers:
        """The runs of the changed URLs.

        They are gone through with the episodes.
        """
        return Answers(self.part.runs)

    @cached_property
    def unchanged(self) -> pa.Table:
        """The kept columns of URLs that have not changed."""
        changed = pa.array(sorted(self.changed), pa.string())
        return self._urls.filter(pc.invert(pc.is_in(self._urls.column("url_id"), changed)))

    @cached_property
    def signs(self) -> MergedSigns:
        """The signs of all looks."""
        urls = sorted(self._conclusions.facts.targets)
        kept = pc.index_in(self._urls.column("url_id").combine_chunks(), pa.array(urls, pa.string()))
        changed = np.asarray(pc.is_in(pa.array(urls, pa.string()), pa.array(sorted(self.changed), pa.string())))
        table = placed(unpacked(self.was.signs), kept)
        table = table.filter(pa.array(~changed[np.asarray(table.column("url"))]))
        return MergedSigns(urls, self._conclusions.facts, table, self.part.looks)

    @cached_property
    def extent(self) -> tuple[int, tuple[int, int] | None]:
        """Number of looks, and the first and last one's times."""
        looks, firsts = (self.unchanged.column(name) for name in ("looks", "first"))
        span = self.part.looks.span or self.was.span
        first = pc.min(firsts.filter(pc.greater(looks, 0))).as_py() if len(firsts) else None
        begun = span[0] if first is None else min(first, span[0])
        return (pc.sum(looks).as_py() or 0) + len(self.part.looks), (begun, span[1])

    @property
    def hosters(self) -> list[str]:
        """The keys of all hosters in any attribution."""
        return sorted({*self.was.keys, *hosters_of(self.part.attributed)})


def grown_of(conclusions: Whole, of_some: OfSome[Whole], kept: Kept) -> Grown[Whole] | None:
    """The news since something was kept, or None.

    None if all must be worked out.
    """
    found = kept.newest(NAME, KeptUrls)
    if found is None:
        return None
    grown = Grown(conclusions, of_some, kept, *found)
    with stage("kept conclusions compared", 1):
        return grown if grown.begins() else None


def keep_urls(
    conclusions: Whole, span: tuple[datetime, datetime] | None, kept: Kept, grown: "Grown[Whole] | None"
) -> None:
    """Keep values of all URLs for later conclusions."""
    part = grown.part if grown else conclusions
    looks, guard, facts = part.looks, part.believed.kept, conclusions.facts
    if guard is None or looks.neighbours_asked or span is None:
        return
    if grown and guard.since < grown.was.since:
        return
    config, folder = conclusions.config, facts.folder
    first, last = span
    urls, others, tables = _urls_of(looks, guard.urls, part.facts), [guard.held], [looks.usable]
    hosters, prefixes = list(guard.hosters), list(guard.prefixes)
    asked = asked_before(conclusions.attributor, _asked_of(part.attributed, guard.since), part.attributed.made)
    keys = hosters_of(part.attributed)
    if grown:
        urls = pa.concat_tables([urls, _renamed(grown, hosters, prefixes)])
        held = unpacked(grown.was.held).column("id").combine_chunks()
        others.append(held.filter(pc.invert(pc.is_in(held, guard.held))))
        hosts = pa.array({target.host_id for target in part.facts.targets.values()}, pa.string())
        usable = unpacked(grown.was.usable)
        tables.append(usable.filter(pc.invert(pc.is_in(usable.column("host_id"), hosts))))
        asked = pa.concat_tables([unpacked(grown.was.asked), asked])
        keys |= set(grown.was.keys)
    urls = urls.sort_by("url_id")
    signs = grown.signs.table() if grown else looks.link_signs.table(looks.coder.name_servers.values)
    kept.keep(
        NAME,
        KeptUrls(
            rules=of_rules(facts, config, folder),
            since=guard.since,
            files=closed(folder, guard.since)[0],
            canaries=canaries_before(facts.canaries, guard.since, config.judge.canary_within_s),
            changes=changes_before(conclusions.attributor, guard.since),
            span=(microseconds(first), microseconds(last)),
            aside=tuple(sorted({*conclusions.set_aside.not_illegal, *conclusions.set_aside.unassessed})),
            urls=packed(urls),
            usable=packed(pa.concat_tables(tables)),
            signs=packed(signs),
            held=packed(pa.table({"id": pa.concat_arrays(others)})),
            tables=of_tables(folder, guard.since),
            asked=packed(_newest(asked)),
            keys=tuple(sorted(keys)),
            guard=guard.state,
            hosters=tuple(hosters),
            prefixes=tuple(prefixes),
        ),
    )


def _asked_of(attributed: Attributed, since: int) -> pa.Table:
    """What attributions were made of, with a time before `since` for which each holds."""
    at = [microseconds(one.day) for one in attributed.made]
    cells: Sequence[Sequence[Any]] = (*attributed.asked, at, [since] * len(at))
    return pa.Table.from_arrays(
        [pa.array(own, field.type) for own, field in zip(cells, ASKED, strict=True)], schema=ASKED
    )


def _newest(asked: pa.Table) -> pa.Table:
    """Each attribution once in a stretch of days, as it was asked for last."""
    own = [*(name for name in ASKED.names if name not in ("at", "until")), "stretch"]
    placed = asked.select(own).append_column("place", pa.array(np.arange(len(asked))))
    last = placed.group_by(own, use_threads=False).aggregate([("place", "max")])
    return asked.take(last.column("place_max")).combine_chunks()


def _urls_of(looks: Looks, states: pa.Table, facts: Facts) -> pa.Table:
    """The columns of URLs that were looked at again."""
    count, first = np.zeros(len(looks.urls), np.int64), np.zeros(len(looks.urls), np.int64)
    for block in looks.blocks():
        url, begin, number = np.unique(block.url, return_index=True, return_counts=True)
        count[url], first[url] = number, block.at[begin]
    found = states.append_column("looks", pa.array(count)).append_column("first", pa.array(first, mask=count == 0))
    found = found.select(URL_COLUMNS).cast(URLS)
    return found.append_column("reports", reports_of(facts, found.column("url_id").to_pylist()))


def _renamed(grown: "Grown[Whole]", hosters: list[tuple[str, ...]], prefixes: list[str]) -> pa.Table:
    """The kept columns of unchanged URLs, by places in these lists, which grow."""
    table, was = grown.unchanged.select(URL_COLUMNS), grown.was
    for name, values, own in (("hosters", hosters, was.hosters), ("prefix", prefixes, was.prefixes)):
        places = _places(values, own)
        column = np.asarray(table.column(name))
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(places[column]))
    return table.cast(URLS).append_column("reports", grown.unchanged.column("reports"))


def _places(values: list[Any], own: Sequence[Any]) -> Array:
    """The place of each of some values in a list to which they are added; that of none is none."""
    known = {value: place for place, value in enumerate(values)}
    places = [known.setdefault(value, len(known)) for value in own]
    values[:] = known
    return np.array([*places, NOTHING], np.int64)
