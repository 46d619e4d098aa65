"""A study of the lab, windows of it, and the same study cut to a window: judged anew from what is left of its facts."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from waterbed.graphs.linking.evidence import KINDS
from waterbed.judging.rules import read_rules
from waterbed.lab.simulate.facts import LookPlan, virtual_facts
from waterbed.lab.simulate.study import attributor_of_world
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.measures.by_source import cards, side_by_side
from waterbed.measures.clocks import clocks_of_groups
from waterbed.measures.notices.compliance import compliance, trends, unanswered
from waterbed.measures.notices.effect import notice_effects
from waterbed.measures.notices.returns import returns
from waterbed.measures.ranking import volumes_of
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Hop
from waterbed.model.facts import Notice, reported_at
from waterbed.model.window import Window
from waterbed.store.config import Config
from waterbed.store.settings import CycleGuard, Judge, Linking
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts
from waterbed.study.windowed import within

_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
_KINDS = ("hoster", "asn", "country", "seat", "category")


@dataclass(kw_only=True)
class LabStudy:
    """A study of the lab without an outage, and its windows.

    Nothing that is judged looks across URLs: no guard, no links. With `confirming` a loss takes three checks over two
    hours, and the last four hours are not believed; else each check counts.
    """

    scenario: str
    confirming: bool
    every_hours: float = 3.0

    @cached_property
    def config(self) -> Config:
        judge = Judge() if self.confirming else Judge(confirm_looks=1, confirm_s=0.0, freeze_s=0.0)
        return Config(
            study="w" * 32,
            home="NL",
            judge=judge,
            cycle_guard=CycleGuard(least_sites=100_000),
            linking=Linking(off=tuple(KINDS)),
        )

    @cached_property
    def world(self) -> Any:
        return read_world(scenario_path(self.scenario))

    @cached_property
    def facts(self) -> Facts:
        """All facts, with notices to the hoster of then about two of three URLs, some of which never arrived."""
        rng = random.Random(self.scenario)
        plan = LookPlan(every_hours=self.every_hours, late_hours=0.5 if self.confirming else 6.0)
        seen = virtual_facts(simulate(self.world), plan, rng)
        plain = Facts(
            targets=seen.targets,
            reports=[replace(r, source=rng.choice(("hotline", "feed"))) for r in seen.reports],
            looks=seen.looks,
            resolutions=seen.resolutions,
            controls=seen.controls,
            canaries=seen.canaries,
        )
        there = {one.url_id: one.hoster for one in self.concluded(plain).episodes}
        notices = [
            _notice(url_id, hoster, min(reported_at(r) for r in plain.reports if r.url_id == url_id), rng)
            for url_id, hoster in sorted(there.items())
            if rng.random() < 0.66
        ]
        return replace(plain, notices=notices)

    @cached_property
    def attributor(self) -> Any:
        return attributor_of_world(self.world)

    def concluded(self, facts: Facts) -> Conclusions:
        return Conclusions(facts, self.attributor, read_rules(), self.config)

    @cached_property
    def whole(self) -> Conclusions:
        return self.concluded(self.facts)

    def cut(self, since: datetime, until: datetime, end: datetime, last: datetime) -> Facts:
        """What is left of the facts of URLs first reported from `since` to before `until`.

        Reports and notices before `end`, and checks before `last`.
        """
        kept = self.facts
        first: dict[str, datetime] = {}
        for report in kept.reports:
            first[report.url_id] = min(first.get(report.url_id, reported_at(report)), reported_at(report))
        urls = {url_id for url_id, when in first.items() if since <= when < until}
        return replace(
            kept,
            targets={url_id: one for url_id, one in kept.targets.items() if url_id in urls},
            reports=[one for one in kept.reports if one.url_id in urls and reported_at(one) < end],
            looks=[one for one in kept.looks if one.url_id in urls and one.observed_at < last],
            notices=[
                replace(one, delivered_at=one.delivered_at if one.delivered_at and one.delivered_at < end else None)
                for one in kept.notices
                if one.url_id in urls and one.sent_at < end
            ],
        )

    def pairs(self, number: int, seed: int) -> Iterator[tuple[Conclusions, Conclusions, Conclusions]]:
        """Of random windows: the window, the study cut to it, and the study that ended with it.

        A study ends with its last check, less the time that confirmation takes; the window is followed to that time.
        """
        rng = random.Random(seed)
        times = sorted(map(reported_at, self.facts.reports))
        first, span = times[0], self.facts.looks and max(one.observed_at for one in self.facts.looks) - times[0]
        freeze = timedelta(seconds=self.config.judge.freeze_s)
        made = 0
        while made < number:
            since, until = sorted(first + rng.random() * span for _ in range(2))
            end = until + rng.choice((0.0, 0.1, 0.5)) * rng.random() * span
            looks = self.cut(since, until, end, end + freeze).looks
            if not looks:
                continue
            last = max(one.observed_at for one in looks) + _MICROSECOND
            end = last - freeze
            until = min(until, end)
            looks = self.cut(since, until, end, last).looks if since < until else ()
            if max((one.observed_at for one in looks), default=None) != last - _MICROSECOND:
                continue  # with fewer URLs the study ends before the window
            window = Window(since=since, until=until, follow=end - until)
            cut = self.concluded(self.cut(since, until, end, last))
            if _losses(self.whole, cut, end, last) != _losses(cut, cut, end, last):
                continue  # checks after the cut study's last one confirmed a loss: a window knows it
            assert cut.until == end - _MICROSECOND, "the study must end with the window"
            cut.__dict__["until"] = end  # its last check lies before the end, not at it
            # whom a notice reached rests on the check nearest to it in the whole study, like all that is judged
            cut.__dict__["notices"] = [
                replace(notice, delivered_at=known.delivered_at)
                for notice in self.whole.notices
                for known in cut.facts.notices
                if known.notice_id == notice.notice_id
            ]
            ended = self.concluded(self.cut(first, end, end, last))
            made += 1
            yield within(self.whole, window), cut, ended


def _losses(conclusions: Conclusions, cut: Conclusions, end: datetime, last: datetime) -> set[tuple[str, int]]:
    """The confirmed absences before the end, of the URLs of the cut study.

    Those before the last check, where no check before the end had an answer: the first one after it tells whose the
    address was, if it is believed.
    """
    limits = microseconds(last), microseconds(end)
    answered = {url_id: any(run.answered and run.at[0] < limits[1] for run in own) for url_id, own in cut.runs.items()}
    return {
        (url_id, int(when))
        for url_id in cut.runs
        for run in conclusions.runs[url_id]
        if run.down
        for when in run.at
        if when < limits[answered[url_id]]
    }


def _notice(url_id: str, hoster: str, reported: datetime, rng: random.Random) -> Notice:
    sent = reported + rng.random() * 12 * _HOUR
    arrived = sent + rng.random() * 6 * _HOUR
    return Notice(
        notice_id=f"n{url_id}",
        url_id=url_id,
        kind="ntd",
        sender="hotline",
        recipient=hoster,
        batch=rng.choice((None, f"{sent:%j}")),
        channel=None,
        reminder=False,
        sent_at=sent,
        delivered_at=arrived if rng.random() < 0.9 else None,
        bounced=False,
        acknowledged_at=None,
        response=None,
        held_for_police=False,
        received_at=sent,
    )


def volume_tables(conclusions: Conclusions) -> Iterator[tuple[str, Any]]:
    """All that counts what was checked."""
    for kind in _KINDS:
        its = RankingTables(conclusions=conclusions, kind=kind)  # type: ignore[arg-type]  # one of them
        yield f"ranking by {kind}", its.rows
        yield f"volume by {kind}", its.volume((), 3)
    noticed = RankingTables(conclusions=conclusions, kind="hoster", clock="notice_delivered")
    yield "ranking from notices", noticed.rows
    two = len({report.source for report in conclusions.facts.reports}) > 1
    yield "sources side by side", side_by_side(RankingTables(conclusions=conclusions, kind="hoster")) if two else None
    yield "cards", [replace(card, deliveries=0) for card in cards(conclusions)]


def clock_tables(conclusions: Conclusions, ended: Conclusions) -> Iterator[tuple[str, Any]]:
    """All that follows content; `ended` has all to which content may have come back."""
    until = conclusions.until
    assert until is not None
    # that a loss after the end was confirmed later is known of a window: then no check of it was undecided
    episodes = [replace(one, looks=0, unknown_looks=0) for one in conclusions.episodes]
    yield "episodes", sorted(episodes, key=lambda one: (one.url_id, one.known_up_at, one.hoster))
    for kind in ("hoster", "country"):
        its = RankingTables(conclusions=conclusions, kind=kind)  # type: ignore[arg-type]  # one of them
        yield f"places by {kind}", its.places(3)
        back = returns(its.groups, ended.everywhere, {}, until=until, by=kind)  # type: ignore[arg-type]
        yield f"returns by {kind}", back
        for clock in ("reported", "notice_delivered", "notice_sent"):
            told = clocks_of_groups(its.groups, conclusions.notice_context, hosters=kind == "hoster", clock=clock)  # type: ignore[arg-type]
            hidden = {key: volume.hidden for key, volume in volumes_of(its.appearances).items()}
            yield f"clocks {kind} {clock}", told
            yield f"compliance {kind} {clock}", compliance(told, {}, until=until, weeks=True, hidden=hidden)
            yield f"trends {kind} {clock}", trends(told, {}, until=until, rng=_rng(), rounds=50)
            yield f"unanswered {kind} {clock}", unanswered(told, {}, after_h=12.0)
    by_report = RankingTables(conclusions=conclusions, kind="hoster")
    yield "effects", notice_effects(by_report.clocks, conclusions.notice_context.notices, _rng())


def _rng() -> Any:
    import numpy as np

    return np.random.default_rng(1)


def hops_between(hops: list[Hop], since: datetime, until: datetime) -> list[Hop]:
    """Those that were first seen to arrive then."""
    return [hop for hop in hops if since <= hop.arrived_before < until]


def differences(study: LabStudy, number: int, seed: int = 0) -> Iterator[str]:
    """The tables of random windows that differ from those of the study cut to the window."""
    for its, cut, ended in study.pairs(number, seed):
        window = its.window
        assert window.since
        assert window.until
        mine = (*volume_tables(its), *clock_tables(its, its))
        for (name, ours), (_, theirs) in zip(mine, (*volume_tables(cut), *clock_tables(cut, ended)), strict=True):
            if ours != theirs:
                yield f"{window.words}: {name}"
        if its.hops != hops_between(study.whole.hops, window.since, window.until):
            yield f"{window.words}: hops"
