"""How hosters remove: working time, queues, whole sites, returns, and the chances that follow from them."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from waterbed.lab.world.arrivals import report_days, site_sizes
from waterbed.lab.world.file import FeedChange, Hotline, Removal, Sites, World
from waterbed.lab.world.hotline import as_hotline
from waterbed.lab.world.reading import parse_world
from waterbed.lab.world.removing import chance_within, delays, heeded_at, hours_until, queue_times, removed_at
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError

START = datetime(2025, 4, 2, 7, 30, tzinfo=UTC)
OFFICE = Removal(median_hours=3.0, office_hours=(9.0, 17.0), weekdays=True)


@pytest.mark.parametrize(
    "policy",
    [
        Removal(removes=0.8, median_hours=6.0),
        Removal(removes=0.9, median_hours=2.0, batch_hours=30.0),
        OFFICE,
        msgspec.structs.replace(OFFICE, batch_hours=10.0, slower_by_size=0.5),
    ],
)
def test_chances_are_what_repetitions_of_the_process_give(policy: Removal) -> None:
    """The expected share in closed form is the mean of many simulated repetitions, for the same reports and sites."""
    rng = np.random.default_rng(11)
    reported, sizes = np.sort(rng.uniform(0.0, 240.0, 40)), rng.integers(1, 9, 40)
    shares = []
    for _ in range(1_500):
        delay = delays(policy, rng.standard_normal(40), sizes)
        gone = removed_at(policy, START, reported, delay, queue_times(policy, START, rng))
        assert (gone >= reported).all()
        shares.append(np.mean((gone - reported <= 24.0) & (rng.random(40) < policy.removes)))
    expected = chance_within(policy, START, reported, sizes, 24.0).mean()
    assert expected == pytest.approx(np.mean(shares), abs=4 * np.std(shares) / np.sqrt(len(shares)))
    half = hours_until(policy, START, reported, sizes)
    assert chance_within(policy, START, reported, sizes, half).mean() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.8])
def test_chances_with_notices_are_what_repetitions_give(sigma: float) -> None:
    """A notice is a second way to be removed; without one, or where none is heeded, nothing changes."""
    rng = np.random.default_rng(12)
    policy = msgspec.structs.replace(OFFICE, on_notice_hours=2.0, sigma=sigma, removes=0.8, batch_hours=40.0)
    reported = np.sort(rng.uniform(0.0, 240.0, 60))
    notified = np.where(rng.random(60) < 0.6, reported + rng.uniform(1.0, 40.0, 60), np.inf)
    shares = []
    for _ in range(1_500):
        delay, queue = delays(policy, rng.standard_normal(60), 1), queue_times(policy, START, rng)
        gone = removed_at(policy, START, reported, delay, queue)
        gone = np.minimum(gone, heeded_at(policy, START, notified, rng.standard_normal(60)))
        assert (gone >= reported).all()
        shares.append(np.mean((gone - reported <= 24.0) & (rng.random(60) < policy.removes)))
    expected = chance_within(policy, START, reported, 1, 24.0, notified).mean()
    assert expected == pytest.approx(np.mean(shares), abs=4 * np.std(shares) / np.sqrt(len(shares)))
    without = chance_within(policy, START, reported, np.ones(60), 24.0)
    assert expected > without.mean() + 0.05
    unheard = chance_within(policy, START, reported, np.ones(60), 24.0, np.full(60, np.inf))
    assert unheard == pytest.approx(without, abs=1e-12)
    deaf = msgspec.structs.replace(policy, on_notice_hours=0.0)
    assert np.isinf(heeded_at(deaf, START, notified, rng.standard_normal(60))).all()


def test_an_office_removes_in_its_hours_alone() -> None:
    """All removals fall on weekdays between the hours, and a queue is worked off for several reports at once."""
    rng = np.random.default_rng(3)
    reported = rng.uniform(0.0, 500.0, 200)
    policy = msgspec.structs.replace(OFFICE, batch_hours=4.0)
    gone = removed_at(
        policy, START, reported, delays(policy, rng.standard_normal(200), 1), queue_times(policy, START, rng)
    )
    times = [START + timedelta(hours=float(hour)) for hour in gone]
    assert all(time.weekday() < 5 and 9 <= time.hour + time.minute / 60 <= 17 for time in times)
    assert len(set(times)) < 150


def test_sites_have_tails_and_feeds_change() -> None:
    """Sizes stay between their ends, most of them small with a tail; a feed stops, or doubles, on its day."""
    u = (np.arange(1_000) + 0.5) / 1_000
    sizes = site_sizes(Sites(urls_per_site=(1, 200), tail=1.0), u)
    assert (sizes.min(), sizes.max()) == (1, pytest.approx(175, abs=25))
    assert np.mean(sizes == 1) == pytest.approx(0.5, abs=0.02)
    assert set(site_sizes(Sites(urls_per_site=(1, 3)), u)) == {1, 2, 3}
    stopped = report_days(0.0, 9.0, FeedChange(hoster="a", day=3.0, factor=0.0), u)
    doubled = report_days(0.0, 9.0, FeedChange(hoster="a", day=3.0, factor=2.0), u)
    assert stopped.max() <= 3.0
    assert np.mean(doubled > 3.0) == pytest.approx(12 / 15, abs=0.01)
    assert report_days(0.0, 9.0, None, u).max() == pytest.approx(9.0, abs=0.01)


def test_a_world_with_shared_chance_knows_what_to_expect(small_text: str) -> None:
    """Batches remove many at one second; content is put back without a report; truth knows both numbers."""
    plain = parse_world(small_text)
    policy = Removal(
        removes=1.0, median_hours=0.2, batch_hours=20.0, put_back=1.0, put_back_hours=(2.0, 3.0), put_back_most=2
    )
    world = msgspec.structs.replace(plain, movement=type(plain.movement)(), hoster=_with(plain, "polder", policy))
    truth = simulate(world)
    polder = [episode for episode in truth.episodes if episode.hoster == "polder"]
    ends = [episode.end for episode in polder if episode.end]
    assert len(set(ends)) < len(ends) / 2
    by_url: dict[str, int] = {}
    for episode in polder:
        by_url[episode.url] = by_url.get(episode.url, 0) + 1
    assert max(by_url.values()) == 3
    share = truth.removal["polder"]
    assert share.urls == len(
        {(r.url) for r in truth.reports if r.reported_at <= world.end - timedelta(days=1)} & set(by_url)
    )
    assert share.expected == pytest.approx(1 - np.exp(-23.7 / 20.0), abs=0.02)
    assert share.share != share.expected


def test_a_site_taken_as_a_whole_has_one_fate(small_text: str) -> None:
    """Either all reported URLs of a site are acted on, or none."""
    plain = parse_world(small_text)
    policy = Removal(removes=0.5, median_hours=1.0, sigma=0.1, whole_sites=True)
    world = msgspec.structs.replace(
        plain,
        movement=type(plain.movement)(),
        hoster=_with(plain, "polder", policy),
        sites=msgspec.structs.replace(plain.sites, behind_proxy=0.0),
    )
    fates: dict[str, set[bool]] = {}
    truth = simulate(world)
    for episode in truth.episodes:
        if episode.hoster == "polder":
            fates.setdefault(truth.shown[episode.url].host, set()).add(episode.end is not None)
    assert all(len(fate) == 1 for fate in fates.values())
    assert {True, False} == set.union(*fates.values())


def _with(world: World, key: str, policy: Removal) -> tuple:
    return tuple(msgspec.structs.replace(h, removal=policy) if h.key == key else h for h in world.hoster)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("removes = 1.0, median_hours = 6.0", "office_hours = [17.0, 9.0]", "within one day"),
        ("removes = 1.0, median_hours = 6.0", "put_back_hours = [9.0, 2.0]", "the smaller first"),
        ("[movement]", '[[feed]]\nhoster = "x"\nday = 1.0\nfactor = 2.0\n\n[movement]', "feed change's hoster x"),
    ],
)
def test_impossible_processes_are_refused(small_text: str, old: str, new: str, message: str) -> None:
    """An office that closes before it opens, or a feed change of an unknown hoster, ends with one sentence."""
    with pytest.raises(InputError, match=message):
        parse_world(small_text.replace(old, new, 1))


def test_a_notice_speeds_removal_in_a_world(small_text: str) -> None:
    """What a hoster got a notice of goes hours after it, the rest when it likes; the truth expects both."""
    plain = parse_world(small_text)
    policy = Removal(removes=1.0, median_hours=400.0, sigma=0.1, on_notice_hours=3.0)
    world = msgspec.structs.replace(
        plain,
        movement=type(plain.movement)(),
        hoster=_with(plain, "polder", policy),
        hotline=Hotline(notices=0.5, orders={"notice": 1.0}),
    )
    truth = as_hotline(simulate(world))
    sent = {one.url: one.sent_at for one in truth.notices}
    ends = {one.url: one.end for one in truth.episodes if one.hoster == "polder"}
    first = {one.url: one.reported_at for one in reversed(truth.reports) if one.url in ends}
    settled = {url for url, at in first.items() if at <= world.end - timedelta(days=1)}
    heeded = [ends[url] - sent[url] for url in settled & sent.keys() if ends[url]]
    assert len(heeded) == len(settled & sent.keys()) > 5
    assert all(timedelta(hours=2) < one < timedelta(hours=5) for one in heeded)
    assert all(ends[url] is None for url in settled - sent.keys())
    share = truth.removal["polder"]
    assert share.expected == share.share == len(heeded) / len(settled)
