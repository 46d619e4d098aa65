"""Mass flips, by cycle and group; decisions on them; canary and feed."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.flips import START, Story, decision, held, hour, urls
from waterbed.judging.flip_baseline import Count, FlipBaseline
from waterbed.judging.quarantines import (
    Decisions,
    GuardRules,
    canary_quarantines,
    failed_cycles,
    feed_quarantines,
    quarantine_id,
    standing_id,
)
from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.facts import CanaryLook
from waterbed.model.urls import network_of


def groups(found) -> list[tuple[str, str]]:
    return [(one.kind, one.scope) for one in found]


def test_a_hoster_that_answers_404_to_everything_at_once_is_not_believed() -> None:
    """All sites of one hoster flip in one hour: one quarantine of that hoster, others are believed."""
    story = Story()
    story.hourly(urls(12), "uuuudddu", hoster="acme")
    story.hourly(urls(12, "v"), "uuuuuudd", hoster="other", net=1)
    story.hourly(["w000"], "uuuudddd", hoster="third", net=2)
    found, told = story.guarded()
    assert groups(found) == [("hoster", "acme"), ("hoster", "other")]
    assert set(list(told.values())[:12]) == {"uuuuqqqu"}
    assert told["w000"] == "uuuudddd"
    first = found[0]
    assert (first.began_at, first.ended_at) == (hour(4), hour(7))
    assert (first.looked, first.flipped, first.usual, first.status, first.reason) == (12, 12, 0.0, "open", None)


def test_a_flip_of_everything_is_one_quarantine_over_all() -> None:
    """When several hosters flip together the whole cycle is not believed; hosters are not listed one by one."""
    story = Story()
    for number, hoster in enumerate(("a", "b", "c")):
        story.hourly(urls(10, hoster), "uuuddu", hoster=hoster, net=number)
    found, told = story.guarded()
    assert groups(found) == [("all", "")]
    assert set(told.values()) == {"uuuqqu"}


def test_an_hour_is_not_mixed_with_the_hour_before() -> None:
    """Of sites of which no hoster and no address is known, twelve flip in an hour in which no other is seen."""
    story = Story()
    story.hourly(urls(12), "u  dd", hoster="", net=None)
    story.hourly(urls(100, "v"), "uuu", hoster="", net=None)
    found, told = story.guarded()
    assert groups(found) == [("all", "")]
    assert set(list(told.values())[:12]) == {"uqq"}


def test_many_small_hosters_that_flip_together_are_seen_over_all() -> None:
    """No hoster has enough sites, all together have."""
    story = Story()
    for number in range(10):
        story.hourly([f"u{number}"], "uuddu", hoster=f"h{number}", net=number)
    found, told = story.guarded()
    assert groups(found) == [("all", "")]
    assert set(told.values()) == {"uuqqu"}


def test_a_prefix_shared_by_several_hosters_is_a_group() -> None:
    """One rack with the sites of many hosters goes dark while most others stay."""
    story = Story()
    for number in range(10):
        story.hourly([f"u{number}"], "uuddu", hoster=f"h{number}", net=7)
        story.hourly(urls(4, f"v{number}"), "uuuuu", hoster=f"h{number}", net=100 + number)
    found, told = story.guarded()
    assert groups(found) == [("prefix", "28.10.7.0/24")]
    assert {told[f"u{n}"] for n in range(10)} == {"uuqqu"}


def test_prefixes_are_24_and_48_bits() -> None:
    """IPv4 by /24, IPv6 by /48."""
    assert network_of("28.10.7.9") == "28.10.7.0/24"
    assert network_of("2d00:1:2:3::4") == "2d00:1:2::/48"


def test_one_site_with_many_urls_is_one_site() -> None:
    """A hundred URLs of a site that goes are one flip, which is a removal."""
    story = Story()
    story.hourly(urls(100), "uuuddd", hoster="acme", site="big")
    story.hourly(urls(10, "v"), "uuuuuu", hoster="acme")
    found, told = story.guarded()
    assert found == []
    assert told["u000"] == "uuuddd"


def test_a_hoster_with_one_site_is_never_suspect() -> None:
    """Of a group of one site every flip is all of it; that is no mass flip."""
    story = Story()
    story.hourly(["u"], "uuuddd", hoster="tiny")
    assert story.guarded()[0] == []


def test_with_nothing_to_compare_with_a_first_flip_is_suspect_all_the_same() -> None:
    """What was seen up once and is all gone an hour later is not believed; `usual` is then empty."""
    story = Story()
    story.hourly(urls(8), "ud", hoster="acme")
    found, told = story.guarded()
    assert [(one.kind, one.usual) for one in found] == [("hoster", None)]
    assert set(told.values()) == {"uq"}


def test_what_was_never_seen_up_cannot_flip() -> None:
    """URLs that are down at their first look are removals that the report preceded, not a flip."""
    story = Story()
    story.hourly(urls(40), "ddd", hoster="acme")
    found, told = story.guarded()
    assert found == []
    assert set(told.values()) == {"ddd"}


def test_unknown_looks_say_nothing_of_who_was_up() -> None:
    """A server error between leaves a site up when last decided."""
    story = Story()
    story.hourly(urls(9), "u?d?du", hoster="acme")
    _, told = story.guarded()
    assert set(told.values()) == {"u?q?qu"}


def test_a_removal_spread_over_hours_is_believed() -> None:
    """One hoster removes everything within 12 hours, evenly: every flip is believed."""
    story = Story()
    for number, url in enumerate(urls(120)):
        at = 24 + number % 12
        story.hourly([url], "u" * at + "d" * (40 - at), hoster="acme")
    found, told = story.guarded()
    assert found == []
    assert held(told) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_removal_seen_by_sparse_looks_is_believed(seed: int) -> None:
    """The same at chance hours, when old URLs are looked at only every six hours, in turn."""
    story, chance = Story(), random.Random(seed)
    for number, url in enumerate(urls(80)):
        gone = 48 + chance.randrange(12)
        for at in range(number % 6, 72, 6):
            story.see(url, hour(at), "u" if at < gone else "d", hoster="acme", site=url)
    found, told = story.guarded()
    assert found == []
    assert held(told) == 0


def test_a_group_that_flips_much_every_day_needs_far_more_to_be_suspect() -> None:
    """Where a tenth flips in every cycle, a third is no wonder and two thirds are."""
    calm, wild = Story(), Story()
    for story, last in ((calm, 14), (wild, 40)):
        for number, url in enumerate(urls(60)):
            states = ["u"] * 12
            states[number % 10 + 1] = "d"
            states += ["d" if number < last else "u"]
            story.hourly([url], "".join(states), hoster="acme")
    assert calm.guarded()[0] == []
    assert [one.began_at for one in wild.guarded()[0]] == [hour(12)]


def test_what_goes_at_a_steady_pace_goes_on_while_nobody_looks() -> None:
    """After hours without a look much has gone, as much as at that pace; a sudden flip is more than that."""
    story, chance = Story(), random.Random(5)
    for url in urls(100):
        states = "".join("d" if gone else "u" for gone in removals(chance, 24, pace=0.08))
        story.hourly([url], states[:12] + " " * 6 + states[18:], hoster="acme")
    assert story.guarded()[0] == []
    slow = Story()
    for url in urls(100):
        states = "".join("d" if gone else "u" for gone in removals(chance, 24, pace=0.005))
        slow.hourly([url], states[:12] + " " * 6 + "d" * 6, hoster="acme")
    assert [one.began_at for one in slow.guarded()[0]] == [hour(18)]


def removals(chance: random.Random, hours: int, *, pace: float) -> list[bool]:
    """Whether a page is gone by each hour, if it goes at a steady pace."""
    gone, states = False, []
    for _ in range(hours):
        gone = gone or chance.random() < pace
        states.append(gone)
    return states


def test_a_quarantine_goes_on_over_hours_without_looks() -> None:
    """Looks on the confirmation ladder leave hours out; it is one quarantine still, with one id."""
    story = Story()
    story.hourly(urls(10), "uud d   d u", hoster="acme")
    found, told = story.guarded()
    assert groups(found) == [("hoster", "acme")]
    assert found[0].ended_at == hour(9)
    assert set(told.values()) == {"uuqqqu"}


def test_stragglers_of_a_quarantined_hoster_are_held_too() -> None:
    """Sites that are looked at an hour later are too few to be suspect by themselves, and not believed."""
    story = Story()
    story.hourly(urls(10), "uud   u", hoster="acme")
    story.hourly(urls(3, "late"), "uu d  u", hoster="acme")
    _, told = story.guarded()
    assert told["late000"] == "uuqu"


def test_the_id_is_the_same_however_much_comes_later() -> None:
    """More looks, later or of others, do not change what a quarantine is called."""
    short, long = Story(), Story()
    for story, states in ((short, "uuud"), (long, "uuudddddd")):
        story.hourly(urls(10), states, hoster="acme")
    long.hourly(urls(10, "v"), "uuuuuuuuu", hoster="other", net=1)
    before, after = short.guarded()[0], long.guarded()[0]
    assert [one.quarantine_id for one in before] == [one.quarantine_id for one in after]
    assert before[0].ended_at < after[0].ended_at


def test_released_looks_are_believed() -> None:
    """A released mass removal is believed from its first look, and does not come up again."""
    story = Story()
    story.hourly(urls(10), "uuudddd", hoster="acme")
    (found,), _ = story.guarded()
    again, told = story.guarded([decision(found, "release", hour(5))])
    assert [(one.quarantine_id, one.status, one.reason) for one in again] == [
        (found.quarantine_id, "released", "looked into")
    ]
    assert again[0].ended_at == hour(4)
    assert set(told.values()) == {"uuudddd"}


def _standing(what: str, when: datetime, group: tuple[str, str] = ("hoster", "acme")) -> QuarantineDecision:
    return QuarantineDecision(
        decision_id=f"standing {what} {when}",
        quarantine_id=standing_id(group),  # type: ignore[arg-type]  # a kind and a scope
        decision=what,  # type: ignore[arg-type]
        who="somebody",
        reason="it removes in batches",
        decided_at=when,
    )


def test_a_hoster_that_is_released_from_now_on_stays_released_until_that_is_taken_back() -> None:
    """Its later batches are on record and believed, an earlier one and others' are not, nor what flips with others."""
    story = Story()
    story.hourly(urls(10, "a"), "uuuddddddddddddd", hoster="acme")
    story.hourly(urls(10, "b"), "uuuuuuuudddddddd", hoster="acme")
    story.hourly(urls(10, "c"), "uuuuuuuuuuuuuddd", hoster="acme")
    story.hourly(urls(10, "o"), "uuuuuuuudddddddd", hoster="other", net=1)
    story.hourly(urls(40, "x"), "uuuuuuuuuuuuuuuu", hoster="third", net=2)
    first = story.guarded()[0][0]
    now_on = [decision(first, "release", hour(5)), _standing("release", hour(5))]
    found, told = story.guarded([*now_on, _standing("void", hour(11))])
    of = {(one.scope, one.began_at): (one.status, one.reason) for one in found}
    assert of == {
        ("acme", hour(3)): ("released", "looked into"),
        ("acme", hour(8)): ("released", "it removes in batches"),
        ("acme", hour(13)): ("open", None),
        ("other", hour(8)): ("open", None),
    }
    assert (told["a000"][:13], told["b000"][:13]) == ("uuu" + 10 * "d", "uuuuuuuu" + 5 * "d")
    assert told["c000"].endswith("uqqq")
    wide = Story()
    for number, hoster in enumerate(("acme", "b", "c")):
        wide.hourly(urls(10, hoster), "uuuddu", hoster=hoster, net=number)
    found, told = wide.guarded(_standing("release", hour(0)) for _ in range(1))
    assert [(one.kind, one.status) for one in found] == [("all", "open")]
    assert set(told.values()) == {"uuuqqu"}


def test_voided_looks_never_are_and_what_goes_on_is_a_new_quarantine() -> None:
    """After a decision the same flip is a new quarantine that begins there, open again."""
    story = Story()
    story.hourly(urls(10), "uuuddddu", hoster="acme")
    (found,), _ = story.guarded()
    middle = hour(4) + timedelta(minutes=30)
    again, told = story.guarded([decision(found, "void", middle)])
    assert [(one.began_at, one.ended_at, one.status) for one in again] == [
        (hour(3), middle, "voided"),
        (hour(5), hour(7), "open"),
    ]
    assert set(told.values()) == {"uuuqqqqu"}


def test_a_decision_within_a_cycle_splits_it() -> None:
    """Looks after the decision are not decided by it, in the same hour either."""
    story = Story()
    for number, url in enumerate(urls(20)):
        story.hourly([url], "uuu", hoster="acme")
        story.see(url, hour(3) + timedelta(minutes=2 * number), "d", hoster="acme")
    (found,), _ = story.guarded()
    voided, told = story.guarded([decision(found, "void", hour(3) + timedelta(minutes=19))])
    assert [(one.began_at, one.flipped, one.status) for one in voided] == [
        (hour(3), 10, "voided"),
        (hour(3) + timedelta(minutes=19), 10, "open"),
    ]
    assert set(told.values()) == {"uuuq"}
    released, told = story.guarded([decision(found, "release", hour(3) + timedelta(minutes=19))])
    assert [one.status for one in released] == ["released", "open"]
    assert [told[url][-1] for url in urls(20)] == ["d"] * 10 + ["q"] * 10


@pytest.mark.parametrize("when", [-30, 0], ids=["before", "as it began"])
def test_a_decision_dated_before_its_quarantine_holds_for_the_first_cycle(when: int) -> None:
    """A clock that is behind dates it so: what was decided on is decided, and what goes on is a new quarantine."""
    story = Story()
    story.hourly(urls(10), "uuuddddu", hoster="acme")
    (found,), _ = story.guarded()
    dated = hour(3) + timedelta(minutes=when)
    again, told = story.guarded([decision(found, "void", dated)])
    assert [(one.began_at, one.ended_at, one.status) for one in again] == [
        (hour(3), hour(4), "voided"),
        (hour(4), hour(7), "open"),
    ]
    assert set(told.values()) == {"uuuqqqqu"}
    again, told = story.guarded([decision(found, "release", dated)])
    assert [(one.quarantine_id, one.status) for one in again] == [(found.quarantine_id, "released")]
    assert set(told.values()) == {"uuuddddu"}


def test_a_cycle_may_be_split_by_any_number_of_decisions() -> None:
    """Each new quarantine of the cycle has its own; a package of others may hold thousands."""
    story = Story()
    story.hourly(urls(20), "uuu", hoster="acme")
    for number, url in enumerate(urls(20)):
        story.see(url, hour(3) + timedelta(minutes=59, seconds=2 * number), "d", hoster="acme")
    (first,), _ = story.guarded()
    times = [hour(3) + timedelta(seconds=number) for number in range(2001)]
    ids = [quarantine_id(("hoster", "acme"), at) for at in times]
    found, told = story.guarded(
        decision(replace(first, quarantine_id=one), "void", later)
        for one, later in zip(ids[:-1], times[1:], strict=True)
    )
    assert (len(found), found[-1].status, found[-1].flipped) == (2001, "open", 20)
    assert set(told.values()) == {"uuuq"}


def test_the_newest_decision_counts() -> None:
    """A release can be taken back."""
    story = Story()
    story.hourly(urls(10), "uuuddu", hoster="acme")
    (found,), _ = story.guarded()
    decisions = [decision(found, "void", hour(9)), decision(found, "release", hour(8))]
    again, told = story.guarded(decisions)
    assert [one.status for one in again] == ["voided"]
    assert held(told) == 20


def test_a_look_in_two_quarantines_needs_both_released() -> None:
    """Released for the hoster, but the rack is still doubted: not believed."""
    story = Story()
    story.hourly(urls(10), "uuud", hoster="acme", net=7)
    story.hourly(urls(6, "v"), "uuud", hoster="other", net=7)
    story.hourly(urls(40, "w"), "uuuu", hoster="other", net=8)
    found, told = story.guarded()
    assert groups(found) == [("hoster", "acme"), ("prefix", "28.10.7.0/24")]
    again, told = story.guarded([decision(found[0], "release", hour(9))])
    assert [one.status for one in again] == ["released", "open"]
    assert held(told) == 16


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ud?", min_size=1, max_size=8), min_size=1, max_size=14))
def test_only_down_looks_are_held_and_fewer_than_eight_sites_never(states: list[str]) -> None:
    """Whatever is seen, up and unknown looks stay; small groups are never suspect."""
    story = Story()
    for number, own in enumerate(states):
        story.hourly([f"u{number:02}"], own, hoster="acme")
    found, told = story.guarded()
    for number, own in enumerate(states):
        assert told[f"u{number:02}"].replace("q", "d") == own
    if len(states) < GuardRules().least_sites:
        assert found == []
    assert (held(told) > 0) == bool(found)


def canary(minute: float, reached: int, vantage: str = "here") -> CanaryLook:
    when = START + timedelta(minutes=minute)
    return CanaryLook(
        canary_id=f"{vantage}{minute}", run_id="r", vantage=vantage, observed_at=when, targets=2, reached=reached
    )


def test_cycles_in_which_the_canary_failed_are_listed_by_vantage() -> None:
    """Consecutive failed cycles are one quarantine of their vantage; a decision closes it."""
    canaries = [canary(minute, 0 if 60 <= minute < 180 else 2) for minute in range(0, 300, 10)]
    canaries += [canary(minute, 2, "there") for minute in range(0, 300, 10)]
    failed = failed_cycles(canaries, GuardRules(), need=0.5)
    found = canary_quarantines(
        failed, {("here", GuardRules().cycle_of(hour(1.5))): ({0}, set())}, GuardRules(), Decisions()
    )
    assert [(one.kind, one.scope, one.began_at, one.ended_at, one.looked, one.flipped) for one in found] == [
        ("canary", "here", hour(1), hour(3), 1, 0)
    ]
    decided = Decisions([decision(found[0], "void", hour(2) - timedelta(minutes=1))])
    again = canary_quarantines(failed, {}, GuardRules(), decided)
    assert [(one.began_at, one.status) for one in again] == [(hour(1), "voided"), (hour(2), "open")]


def delivery(day: int, reports: int, source: str = "hotline") -> Delivery:
    return Delivery(
        delivery_id=f"{source}{day}",
        source=source,
        run_id="r",
        received_at=START + timedelta(days=day),
        reports=reports,
        new=reports,
        rejected=0,
    )


def test_an_empty_or_halved_delivery_is_quarantined() -> None:
    """Less than half of the usual, or empty after any that was not, unless chance explains it; each source alone."""
    sizes = [100, 110, 90, 60, 45, 0, 100]
    deliveries = [delivery(day, size) for day, size in enumerate(sizes)]
    deliveries += [delivery(day, size, "new") for day, size in enumerate((0, 50, 40, 0))]
    deliveries += [delivery(day, size, "small") for day, size in enumerate((4, 5, 4, 1, 0, 4, 6, 0))]
    found = feed_quarantines(deliveries, GuardRules(), Decisions())
    assert [(one.scope, one.began_at.day - START.day, one.looked, one.flipped) for one in found] == [
        ("new", 3, 40, 0),
        ("hotline", 4, 95, 45),
        ("hotline", 5, 95, 0),
    ]
    released = feed_quarantines(deliveries, GuardRules(), Decisions([decision(found[1], "release", hour(999))]))
    assert [one.status for one in released] == ["open", "released", "open"]


def test_a_feed_that_was_always_empty_is_no_finding() -> None:
    """Nothing to compare with."""
    assert feed_quarantines([delivery(day, 0) for day in range(9)], GuardRules(), Decisions()) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("uuud?", min_size=8, max_size=8), min_size=8, max_size=16), st.integers(1, 8))
def test_what_comes_later_changes_no_quarantine_that_there_was(states: list[str], until: int) -> None:
    """Each quarantine known after some hours is known, under its id, after more of them."""
    short, long = Story(), Story()
    for number, own in enumerate(states):
        short.hourly([f"u{number:02}"], own[:until], hoster=f"h{number % 2}", net=number % 2)
        long.hourly([f"u{number:02}"], own, hoster=f"h{number % 2}", net=number % 2)
    assert {one.quarantine_id for one in short.guarded()[0]} <= {one.quarantine_id for one in long.guarded()[0]}


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=30), st.randoms())
def test_waits_add_up_to_the_same_in_any_order(waits: list[int], random: random.Random) -> None:
    """What a group is expected to flip does not depend on the order of its looks."""
    shuffled = random.sample(waits, len(waits))
    one, other = FlipBaseline(), FlipBaseline()
    for usual, order in ((one, waits), (other, shuffled)):
        count = _waited(order)
        usual.learn(1, looked=len(count.looked), flipped=0, looks=count.looks, waited_us=count.waited_us)
    assert _waited(waits).wait_us == _waited(shuffled).wait_us
    assert one.expected(3.6e9) == other.expected(3.6e9)


def _waited(waits: list[int]) -> Count:
    count = Count()
    for number, wait in enumerate(waits):
        count.add(number, wait, flipped=False)
    return count


def customers(story: Story, *, flap: int | None, at_each: int = 6) -> list[str]:
    """One customer's sites at each of 17 hosters go down at hour 8; of all others one goes now and then."""
    chance = random.Random(at_each)
    others = []
    for hoster in range(17):
        for number in range(20):
            name = f"h{hoster:02}s{number:02}"
            gone = next((hour_ for hour_ in range(1, 96) if chance.random() < 0.01), 96)
            states = "u" * gone + "d" * (96 - gone)
            if number < at_each:
                states = "".join("ud"[n >= 8 and (flap is None or n // flap % 2 == 0)] for n in range(96))
            else:
                others.append(name)
            story.hourly([name], states, hoster=f"h{hoster:02}", net=4 * hoster + number // 6)
    return others


@pytest.mark.parametrize("flap", [None, 1, 2, 6, 12])
def test_sites_of_one_customer_hold_nobody_elses_removals(flap: int | None) -> None:
    """However often they go and come back: a removal elsewhere is believed within two hours, four times in five."""
    story = Story()
    others = customers(story, flap=flap)
    found, told = story.guarded()
    assert {one.kind for one in found} == {"all"}
    waits = [told[name].find("d") - told[name].replace("q", "d").find("d") for name in others if told[name][-1] != "u"]
    assert len(waits) > 100
    assert sum(waits) / len(waits) < 1.5
    assert max(waits) <= 24
    assert sum(wait > 2 for wait in waits) < 0.2 * len(waits)


def test_what_is_held_for_a_day_is_believed_if_others_are_seen() -> None:
    """Sites that stay down are removed in the end; where the whole hoster is gone a person decides."""
    story = Story()
    story.hourly(urls(12, "gone"), "u" * 8 + "d" * 40)
    story.hourly(urls(12, "other"), "u" * 48, net=2)
    story.hourly(urls(12, "all"), "u" * 8 + "d" * 40, hoster="whole", net=3)
    story.hourly(urls(60, "far"), "u" * 48, hoster="far", net=4)
    _, told = story.guarded()
    assert {told[name] for name in urls(12, "gone")} == {"u" * 8 + "q" * 24 + "d" * 16}
    assert {told[name] for name in urls(12, "all")} == {"u" * 8 + "q" * 40}


def test_a_fault_that_grows_is_held_all_the_same() -> None:
    """Sites seen up since it began flip together, an hour later; one that goes alone is believed."""
    story = Story()
    story.hourly(urls(12, "first"), "u" * 8 + "d" * 12)
    story.hourly(urls(12, "then"), "u" * 9 + "d" * 11)
    story.hourly(["alone"], "u" * 12 + "d" * 8)
    story.hourly(urls(60, "far"), "u" * 20, hoster="far", net=4)
    _, told = story.guarded()
    assert {told[name] for name in (*urls(12, "first"), *urls(12, "then"))} == {
        "u" * 8 + "q" * 12,
        "u" * 9 + "q" * 11,
    }
    assert told["alone"] == "u" * 12 + "d" * 8
