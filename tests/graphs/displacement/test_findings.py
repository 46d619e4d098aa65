"""Answers against known truth: what moved is found, what did not is not, and what cannot be told is refused."""

import ast
import importlib
import inspect
import math
import pkgutil
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import waterbed.graphs.displacement
from tests.graphs.displacement.movements import DAY_H, HEADING, day, event, gain, movements, series, world
from tests.graphs.test_hops import hour, stay
from tests.model.said import said
from tests.study.facts import report as told_of
from waterbed.graphs.displacement.answers import CLAIMS, claimed
from waterbed.graphs.displacement.event import Detection, OtherEvent
from waterbed.graphs.displacement.findings import Findings, of_event, overall
from waterbed.graphs.displacement.movements import Movements, PlacedReport, gather
from waterbed.graphs.displacement.returns import unseen
from waterbed.graphs.displacement.takedowns import takedowns
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.conclusions import Hop
from waterbed.model.errors import InputError
from waterbed.model.facts import Report
from waterbed.model.results import Answer
from waterbed.questions.intervention.estimate import findings
from waterbed.study.conclusions import Conclusions


def told(found: Findings, name: str, reading: str = "not parallel") -> Answer:
    """The one answer of a name in a reading."""
    (one,) = [answer for answer in found.answers if (answer.name, answer.reading) == (name, reading)]
    return one


@pytest.fixture(scope="module")
def displaced() -> Findings:
    """The target falls to a third, and half of what was taken down there came up in the buffer."""
    return of_event(series(world(1, fall=1 / 3, moved=0.5)), HEADING, {})


@pytest.fixture(scope="module")
def conclusions() -> Conclusions:
    """What a study of a small waterbed world concludes."""
    plain = read_world(scenario_path("waterbed"))
    small = msgspec.structs.replace(plain, sites=msgspec.structs.replace(plain.sites, count=80, big_site=8))
    return virtual_study(simulate(small), LookPlan(every_hours=3.0), random.Random(1)).conclusions


def test_a_fall_is_found_beside_its_controls(displaced: Findings) -> None:
    """The mean change is near log(1/3), inside its interval, with the least p that its placebos allow."""
    one = told(displaced, "mean change")
    assert one.estimate == pytest.approx(math.log(1 / 3), abs=0.35)
    assert one.p == pytest.approx(one.smallest_p)
    assert one.smallest_p == pytest.approx(1 / 21)
    assert one.low is not None
    assert one.high is not None
    assert one.low < math.log(1 / 3) < one.high < 0
    assert told(displaced, "mean change, places").smallest_p == pytest.approx(1 / 25)


def test_what_was_displaced_is_found_in_the_buffer(displaced: Findings) -> None:
    """WDQ is below zero, net effect positive, and the excess is the true share of what came up elsewhere."""
    wdq, net = told(displaced, "WDQ"), told(displaced, "TNE")
    assert wdq.estimate is not None
    assert wdq.high is not None
    assert wdq.high < 0
    assert net.estimate is not None
    assert net.estimate > 0
    excess = told(displaced, "excess reappearance")
    true = world(1, fall=1 / 3, moved=0.5)
    ended = {s.content_id for s in true.spells if s.place == "t" and 160 * DAY_H <= s.gone < 167 * DAY_H}
    returned = {one.content_id for one in true.gains if one.left} & ended
    assert excess.estimate == pytest.approx(len(returned) / len(ended), abs=0.08)
    assert excess.p is not None
    assert excess.p < 0.05


def test_destinations_and_their_lift_are_found(displaced: Findings) -> None:
    """All of it went to the buffer, abroad: the rows say so, and the destination null rejects for that pair."""
    (pair,) = [row for row in displaced.pairs if row.to_key == "b" and row.reading == "sequential"]
    assert pair.lift is not None
    assert pair.lift > 5
    assert pair.destination_p is not None
    assert pair.destination_p < 0.05
    abroad = next(row for row in displaced.destinations if row.key == "abroad")
    assert abroad.share_after == 1.0
    assert said(told(displaced, "lift, destinations").note).endswith("t to b")


@pytest.mark.long
def test_undetected_arrivals_widen_the_share() -> None:
    """With a stated detection the bounds hold the true share; without one there is a refusal."""
    found = world(2, fall=1 / 3, moved=0.4)
    kept = [one for one in found.gains if one.left is None or one.cluster % 2]
    half = movements(kept, list(found.spells))
    plain = of_event(series(half), HEADING, {})
    assert "detection" in said(told(plain, "displaced share", "all").refusal)
    stated = Detection(home=(0.7, 0.9), abroad=(0.4, 0.6))
    answered = of_event(series(half, detection=stated), HEADING, {})
    one = told(answered, "displaced share", "all")
    assert one.low is not None
    assert one.high is not None
    assert one.low < 0.4 < one.high


def test_nothing_moves_in_a_quiet_world() -> None:
    """No test rejects by far, and no answer allows more to be said than that nothing was shown."""
    found = of_event(series(world(3)), HEADING, {})
    tested = [claimed(one) for one in found.answers if one.p is not None]
    assert len(tested) >= 8
    assert min(one.p for one in tested if one.p is not None) > 0.01
    assert all("did not show it" in one.may for one in tested if (one.p or 0) > 0.05)
    assert told(found, "WDQ").refusal is not None


def test_what_a_control_received_is_not_counted_there() -> None:
    """Arrivals from the target are none of the control's own, at all times."""
    full = world(5, fall=1 / 3, moved=1.0, to="c0")
    counted = series(full).counts("not parallel", ["c0"])
    assert counted.sum() == len(
        {(one.site_id, one.seen // DAY_H) for one in full.gains if one.place == "c0" and not one.left}
    )


def test_order_decides_what_counts() -> None:
    """Sure arrivals count in both readings, open ones in one, parallel ones in none."""
    kinds = {"sequential": (1, 1), "repointed": (1, 1), "unknown": (0, 1), "parallel": (0, 0)}
    for order, expected in kinds.items():
        one = gain("b", 100.0, 1, left="t", order=order)
        assert (one.moved("sequential"), one.moved("not parallel")) == expected
    assert gain("b", 100.0, 1).counts("sequential")


def test_counts_are_of_sites_by_period() -> None:
    """Several URLs of one site count once a period; a period begins with the event."""
    found = movements([gain("t", 160 * DAY_H + h, 1, url_id=f"u{h}") for h in (-1, 0, 1, 23.9, 24.0)])
    counted = series(found, since=day(0)).counts("not parallel", ["t"])[:, 0]
    assert counted[159:162].tolist() == [1, 1, 1]
    assert series(found, since=day(0), period_h=12.0, before=8).index == 320


def test_feeds_tell_what_they_missed() -> None:
    """Two feeds that find independently give the true number of arrivals within the interval."""
    rng = random.Random(7)
    gains = [gain("b", 162 * DAY_H + n / 10, n, left="t", order="sequential", first_ever=False) for n in range(400)]
    sources_of = {
        one.url_id: frozenset(f for f, part in (("a", 0.6), ("b", 0.5)) if rng.random() < part) for one in gains
    }
    seen = [one for one in gains if sources_of[one.url_id]]
    found = of_event(series(replace(movements(seen), sources_of=sources_of)), HEADING, {})
    (one,) = [a for a in found.answers if a.name == "arrivals in all" and a.unit == "arrivals abroad"]
    assert one.low is not None
    assert one.high is not None
    assert one.low < 400 < one.high
    (part,) = [a for a in found.answers if a.name == "detection"]
    assert part.estimate == pytest.approx(0.8, abs=0.1)


@pytest.mark.long
def test_many_events_are_one_answer() -> None:
    """Events at different times are compared with places not yet pressed; a handful is refused."""
    few = of_event(series(world(8), events=(OtherEvent(target="c3", date=day(165)),)), HEADING, {})
    assert "clusters of treated" in said(told(few, "many events").refusal)
    others = tuple(OtherEvent(target=f"c{n}", date=day(150 + n)) for n in range(12))
    many = told(of_event(series(world(8), events=others), HEADING, {}), "many events")
    assert many.refusal is None
    assert many.low is not None
    assert many.high is not None
    assert many.low < 0 < many.high


def test_takedowns_have_no_order() -> None:
    """Where takedowns are counted there is one reading, and the pressed target shows its rise."""
    found = of_event(series(world(9), outcome="takedowns"), HEADING, {})
    one = told(found, "mean change", "all")
    assert one.estimate is not None
    assert one.estimate > 0.3
    assert {row.reading for row in found.periods} == {"all"}


def test_the_whole_study_has_answers_too() -> None:
    """Without an event: excess, home and abroad, and pairs of the largest places."""
    found = overall(world(10, fall=1 / 3, moved=0.5, days=60, at=40), HEADING, {})
    assert told(found, "abroad").estimate == 1.0
    assert (found.periods, found.destinations) == ((), ())
    assert len(found.pairs) == 2 * 56
    assert told(found, "excess reappearance").refusal is None


def test_every_answer_has_its_claims(displaced: Findings) -> None:
    """No answer is given without what may and may not be said with it, and the same facts give the same answers."""
    assert {one.name for one in displaced.answers} <= set(CLAIMS)
    again = of_event(series(world(1, fall=1 / 3, moved=0.5)), HEADING, {})
    assert again.answers == displaced.answers
    assert again.pairs == displaced.pairs


def gathered(conclusions: Conclusions, **asked: Any) -> Movements:
    """The movements of a study."""
    assert conclusions.until is not None
    return gather(
        conclusions.episodes,
        conclusions.hops,
        conclusions.facts.reports,
        home="NL",
        seats=conclusions.seats,
        until=conclusions.until,
        **asked,
    )


def test_facts_become_movements(conclusions: Conclusions) -> None:
    """Every hop between two places is a gain that moved; stays hold each content once at a time."""
    found = gathered(conclusions)
    moved = [one for one in found.gains if one.left is not None]
    assert len(moved) == len({(h.to_url_id, h.to_hoster, h.arrived_before) for h in conclusions.hops})
    assert Counter(one.place for one in found.gains if one.first_ever).total() == len(
        {e.content_id for e in conclusions.episodes if e.seen}
    )
    assert {one.order for one in found.gains if one.left is None} == {None}
    assert all(one.started <= one.last_up < one.gone for one in found.spells)
    countries = gathered(conclusions, kind="country", declared=("NL",))
    assert {one.side for one in countries.gains if one.place == "NL"} == {"home"}
    assert sum(one.left is not None for one in countries.gains) < len(moved)


def of_urls(urls: str) -> list[Report]:
    """One report of each URL."""
    report = Report(
        report_id="r",
        url_id="u",
        source="s",
        category="phishing",
        site_type=None,
        commercial=None,
        assessed_illegal=None,
        verified_at=None,
        content_id=None,
        reported_at=hour(0),
        received_at=hour(0),
    )
    return [replace(report, report_id=url, url_id=url) for url in urls]


def test_what_nobody_saw_up_arrives_nowhere_and_leaves_nothing() -> None:
    """Reports of URLs that never existed, elsewhere or at the target, add no gain, no spell, no takedown and no hop."""
    seen = [stay("A", 0, 20, 24), stay("B", 30, 40, url="v", absent=26), stay("A", 3, 40, url="w", content="d")]
    false = [
        replace(stay(place, at, at, at + 2, url=url, content=content, absent=at - 1), first_up=None)
        for url, place, at, content in (("x", "B", 25, "c"), ("y", "A", 2, "c"), ("z", "C", 28, "d"))
    ]
    context = HopContext(home="NL", seats={})
    made = []
    for episodes in (seen, [*seen, *false]):
        hops = find_hops(episodes, context)
        found = gather(episodes, hops, of_urls("uvwxyz"), home="NL", seats={}, until=hour(50))
        ended = takedowns(episodes, hops, home="NL", seats={}, within=timedelta(hours=24), until=hour(50))
        made.append((hops, found.gains, found.spells, ended))
    assert made[0] == made[1]
    assert [(one.url_id, one.left) for one in made[0][1]] == [("u", None), ("w", None), ("v", "A")]
    nothing = gather(false, [], of_urls("xyz"), home="NL", seats={}, until=hour(50))
    assert (nothing.gains, nothing.spells) == ([], [])


def test_a_networks_new_owner_gains_nothing() -> None:
    """Content that stays up while its network is sold arrives nowhere; what comes to the buyer later does."""
    episodes = [
        stay("A", 0, 20, 24, cause="lineage"),
        stay("B", 24, 40),
        stay("B", 30, 40, url="v"),
        stay("B", 2, 40, url="w"),
        stay("A", 1, 20, 24, cause="lineage", url="w"),
    ]
    found = gather(episodes, [], of_urls("uvw"), home="NL", seats={}, until=hour(50))
    assert [(one.url_id, one.place) for one in found.gains] == [("u", "A"), ("w", "A"), ("w", "B"), ("v", "B")]


def test_a_study_answers_an_event(conclusions: Conclusions) -> None:
    """From conclusions to answers, by hoster and by country; a category narrows it."""
    start = min(e.known_up_at for e in conclusions.episodes)
    asked = {
        "target": "moerashost",
        "date": start.replace(day=8, hour=0, minute=0, second=0, microsecond=0),
        "chosen_until": start,
        "controls": ("birkenwald", "fjordnett", "dolmen", "terpdata"),
        "buffer": (),
        "buffer_controls": (),
        "period_h": 6.0,
        "before": 8,
        "after": 4,
    }
    found = findings(conclusions, "NL", HEADING, event(**asked))
    assert {one.question for one in found.answers}
    assert told(found, "displaced share", "all").n > 0
    assert found.names["moerashost"] == "Moerashost Offshore B.V."
    fewer = findings(conclusions, "NL", HEADING, event(**asked, categories=("phishing",)))
    assert sum(row.reports for row in fewer.periods) < sum(row.reports for row in found.periods)
    places = {**asked, "target": "NL", "controls": ("DE", "NO", "FR", "SI")}
    assert findings(conclusions, "NL", HEADING, event(**places)).names == {}
    with pytest.raises(InputError, match="does not know the hoster nobody"):
        findings(conclusions, "NL", HEADING, event(**{**asked, "controls": ("nobody",)}))


def test_every_estimator_that_an_answer_names_is_there() -> None:
    """What the column `estimator` may hold is a function of that module of waterbed.estimators."""
    named = set[str]()
    for module in pkgutil.iter_modules(waterbed.graphs.displacement.__path__, "waterbed.graphs.displacement."):
        source = inspect.getsource(importlib.import_module(module.name))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(node.value)):
                named.add(node.value)
    named -= {"detection.home", "detection.abroad"}
    assert len(named) > 15
    for one in named:
        module, _, function = one.partition(".")
        assert callable(getattr(importlib.import_module(f"waterbed.estimators.{module}"), function)), one


@pytest.mark.parametrize("unlike", [False, True])
def test_three_feeds_tell_at_least_how_many_and_at_most_what_part(unlike: bool) -> None:
    """Of 600 arrivals that the feeds find alike or unlike, the number is no less than the end, the part no more."""
    rng, held = random.Random(3), 0
    for _ in range(40):
        found = {
            n: frozenset(feed for feed in "abc" if rng.random() < ((0.6, 0.05)[n % 2] if unlike else 0.4))
            for n in range(600)
        }
        gains = {
            gain("b", 1.0, n, order="unknown", left="t", left_at=0.5): feeds for n, feeds in found.items() if feeds
        }
        known = replace(movements([*gains]), sources_of={one.url_id: feeds for one, feeds in gains.items()})
        _, number, part = unseen(known, lambda _: True, reading="not parallel", of_what="")
        assert (number.name, number.high, part.name, part.low) == ("arrivals in all", None, "detection", 0.0)
        assert (said(number.note), said(part.note)) == ("at least, by 3 feeds", "at most, by 3 feeds")
        held += number.low <= 600 and len(gains) / 600 <= part.high
    assert held >= 38


def test_what_came_from_elsewhere_came_up_whatever_is_asked_for() -> None:
    """Of content reported as phishing alone, what it left may be a URL of another category."""
    episodes = [stay("A", 0, 20, 24), stay("B", 24, 40, url="v")]
    hop = Hop(
        content_id=episodes[0].content_id,
        from_url_id=episodes[0].url_id,
        to_url_id="v",
        from_hoster="A",
        to_hoster="B",
        from_countries=(),
        to_countries=(),
        left_after=episodes[0].last_up,
        left_before=hour(24),
        arrived_after=None,
        arrived_before=episodes[1].known_up_at,
        kind="copy",
        order="unknown",
        levels=(),
        evidence=("content_id",),
    )
    told = [(episodes[0].url_id, "malware"), ("v", "phishing")]
    reports = [told_of(url_id, report_id=url_id, category=category) for url_id, category in told]
    found = gather(episodes, [hop], reports, home="NL", seats={}, until=hour(50), categories=["phishing"])
    (came,) = found.gains
    assert (came.url_id, came.place, came.left, came.first_ever) == ("v", "B", "A", False)


def test_empty_periods_are_no_placebos() -> None:
    """One old report elsewhere, or at the target, changes no p: periods begin when reports do."""
    plain = world(3, days=60, at=45)
    when = {"date": day(45), "chosen_until": day(44), "before": 20, "after": 7}
    shift = 400 * DAY_H

    def older(place: str) -> Movements:
        gains = [replace(one, seen=one.seen + shift, left_at=one.left_at + shift) for one in plain.gains]
        told = [replace(one, when=one.when + shift) for one in plain.reports]
        lone = PlacedReport(when=1.0, place=place, source="feed", cluster=10**6)
        return replace(
            plain,
            zero=plain.zero - timedelta(days=400),
            gains=[gain(place, 1.0, 10**6), *gains],
            reports=[lone, *told],
        )

    expected = series(plain, **when)
    for place in ("elsewhere", "t"):
        found = series(older(place), **when)
        assert abs(found.index - expected.index) <= 1
