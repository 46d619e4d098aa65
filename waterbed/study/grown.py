"""Conclusions after more facts: what is new is worked out, all else is as it was kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphs.episodes import EpisodeRules, UrlHistory, all_episodes
from graphs.linking.evidence import Sign
from graphs.linking.signs import Span
from waterbed.judging.columns import Numbered
from waterbed.judging.guard_state import unpacked
from waterbed.model.codec import moment
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Observation
from waterbed.model.progress import stage
from waterbed.store.engine import Part
from waterbed.store.kept import Kept
from waterbed.store.lake.rows import in_stretches
from waterbed.study.attributed import hosters_of
from waterbed.study.digest import of_rules, of_tables
from waterbed.study.facts import Facts
from waterbed.study.guarded import KeptGuard
from waterbed.study.judged import Answers
from waterbed.study.kept_urls import (
    NAME,
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
from waterbed.study.look_reader import Before
from waterbed.study.looks import Looks

if TYPE_CHECKING:
    from waterbed.study.conclusions import Conclusions

_LED: Final = ("url_id", "redirect_url_id", "redirect_site_id")
_REDIRECTED: Final = """
SELECT DISTINCT url_id FROM observation
WHERE redirect_url_id IN (SELECT id FROM led_url) OR redirect_site_id IN (SELECT id FROM led_site)
"""
_SEEN: Final = "SELECT DISTINCT url_id FROM observation WHERE epoch_us(observed_at) >= $since"
Value = TypeVar("Value")


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

    def answered(self) -> dict[str, Span]:
        """As `Looks.answered`."""
        return self._found.answered()


class Grown:
    """What is new since something was kept, and what was kept of all else."""

    def __init__(self, conclusions: "Conclusions", kept: Kept, was: KeptUrls, digest: bytes) -> None:
        """Take what was kept under a digest, and the conclusions to draw."""
        self._conclusions, self._kept, self.was, self._digest = conclusions, kept, was, digest
        self._urls = unpacked(was.urls)
        self.changed: set[str] = set()
        self.part: Conclusions

    def begins(self) -> bool:
        """Whether all that was kept still holds, but for URLs at which something is new."""
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
        self.part = self._conclusions.of_some(some, Beginning(before=before, guard=guard))

    def former(self, name: str, form: Any) -> Any:
        """What was kept under a name, None if nothing was."""
        return self._kept.former(name, form, self._digest)

    def merged(self, former: Iterable[Value], fresh: Iterable[Value], url_of: Callable[[Value], str]) -> list[Value]:
        """What was kept of URLs that have not changed, and what is new of the others, in the order of URLs."""
        return sorted([*(one for one in former if url_of(one) not in self.changed), *fresh], key=url_of)

    def episodes(self, known: Mapping[str, UrlHistory], rules: EpisodeRules) -> list[Episode]:
        """The episodes of all URLs."""
        whole = self.merged(self._episodes, all_episodes(known, self.answers, rules), lambda one: one.url_id)
        self._episodes = []
        return [
            one if one.content_id == (its := known[one.url_id].content_id) else replace(one, content_id=its)
            for one in whole
        ]

    @cached_property
    def answers(self) -> Answers:
        """The runs of the changed URLs; they are gone through with the episodes."""
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
        """The number of all looks, and the times of the first and the last one."""
        looks, firsts = (self.unchanged.column(name) for name in ("looks", "first"))
        span = self.part.looks.span or self.was.span
        first = pc.min(firsts.filter(pc.greater(looks, 0))).as_py() if len(firsts) else None
        begun = span[0] if first is None else min(first, span[0])
        return (pc.sum(looks).as_py() or 0) + len(self.part.looks), (begun, span[1])

    @property
    def hosters(self) -> list[str]:
        """The keys of all hosters in any attribution."""
        return sorted({*self.was.keys, *hosters_of(self.part.attributed)})


def grown_of(conclusions: "Conclusions", kept: Kept) -> Grown | None:
    """What is new since something was kept; None if all must be worked out."""
    found = kept.newest(NAME, KeptUrls)
    if found is None:
        return None
    grown = Grown(conclusions, kept, *found)
    with stage("kept conclusions compared", 1):
        return grown if grown.begins() else None
