"""Volume, places and classes."""

import random

import pytest

from waterbed.measures.keys import Appearance, keys_of
from waterbed.measures.ranking import rank, volumes_of
from waterbed.model.conclusions import Attribution

from .episodes import START, appearance, episode, hours, spread


def ranked(appearances, episodes=(), by="hoster", **options):
    return {row.key: row for row in rank(appearances, list(episodes), by=by, names={"acme": "Acme BV"}, **options)}


def test_counts_urls_hosts_and_sites_once():
    """Two URLs on one host are one host, two hosts of one domain one site."""
    rows = ranked(
        [
            appearance(1, "acme", host_id="h", site_id="s"),
            appearance(2, "acme", host_id="h", site_id="s"),
            appearance(3, "acme", host_id="i", site_id="s", decided=False),
        ]
    )
    row = rows["acme"]
    assert (row.urls, row.hosts, row.sites, row.unknown, row.name) == (3, 2, 1, 1, "Acme BV")


def test_what_has_no_address_is_counted_and_not_judged():
    """A row of hidden services alone is of that class, and none of them is an undecided check."""
    hidden = [appearance(n, "tor", medium="tor", decided=False) for n in range(20)]
    rows = ranked([*hidden, *(appearance(n, "web") for n in range(20, 32))])
    assert (rows["tor"].rank_class, rows["tor"].urls, rows["tor"].unknown) == ("no address", 20, 0)
    assert rows["web"].rank_class != "no address"


def test_host_with_two_keys_counts_once_under_each_and_half_fractionally():
    """Full counts may add up to more than the hosts there are, fractional ones never do."""
    rows = ranked([appearance(1, "a", "b"), appearance(2, "a")])
    assert (rows["a"].hosts, rows["b"].hosts) == (2, 1)
    assert (rows["a"].hosts_fractional, rows["b"].hosts_fractional) == (1.5, 0.5)


def test_fractional_counts_add_up_to_the_hosts():
    """Over any assignment of keys, fractional counts sum to the number of distinct hosts."""
    draw = random.Random(7)
    seen = [
        appearance(n, *draw.sample(["a", "b", "c"], draw.randint(0, 3)), host_id=f"h{draw.randint(0, 60)}")
        for n in range(200)
    ]
    total = sum(row.hosts_fractional for row in ranked(seen).values())
    assert total == pytest.approx(len({a.host_id for a in seen}), abs=1e-4)


def test_keys_of_one_url_are_in_order():
    """Groups come in the order of the URLs that they are of, and those of one URL by key: no hash decides it."""
    keys = [f"AS{number}" for number in range(64500, 64530)]
    found = volumes_of([appearance(1, *reversed(keys)), appearance(2, "AS64500", "AS1")])
    assert list(found) == [*keys, "AS1"]


def test_place_is_by_hosts_then_urls_then_key():
    """Places are distinct, whatever the class, and the same whatever the order of the input."""
    seen = [appearance(1, "b"), appearance(2, "b"), appearance(3, "a"), appearance(4, "c"), appearance(5, "d")]
    seen.append(appearance(6, "d", host_id="h5"))
    rows = rank(seen, [], by="hoster", names={})
    assert [(row.place, row.key) for row in rows] == [(1, "b"), (2, "d"), (3, "a"), (4, "c")]
    assert rank(seen[::-1], [], by="hoster", names={}) == rows


def test_unattributed_comes_last_without_a_place():
    """What no data could attribute is counted, not ranked, even if it is the most."""
    rows = rank([appearance(n) for n in range(9)] + [appearance(10, "acme")], [], by="hoster", names={})
    assert [(row.place, row.key, row.hosts) for row in rows] == [(1, "acme", 1), (None, "unknown", 9)]


def test_url_without_keys_has_those_of_its_host():
    """A URL that never resolved while its host did is not unattributed."""
    rows = ranked([appearance(1, "acme", host_id="h"), appearance(2, host_id="h")])
    assert (list(rows), rows["acme"].urls) == (["acme"], 2)


def test_classes():
    """Proxy, too few, too few days, unmeasurable and ranked, with a share if ranked, or if only its days are few."""
    seen = [appearance(n, "proxy", proxy=True) for n in range(20)]
    seen += [appearance(n, "small") for n in range(20, 29)]
    seen += [appearance(n, "dark", decided=False) for n in range(30, 50)]
    seen += [appearance(n, "acme") for n in range(50, 70)]
    ends = [episode(n, 2, 3, "removed", hoster="proxy", proxy=True) for n in range(20)]
    ends += [episode(n, 2, 3, "removed", hoster="small") for n in range(20, 29)]
    ends += [episode(n, 2, 3, "removed") for n in range(50, 65)] + [episode(n, 80, None) for n in range(65, 70)]
    ends = spread(ends)
    seen += [appearance(n, "young") for n in range(70, 90)]
    ends += [episode(n, 2, 3, "removed", hoster="young") for n in range(70, 90)]
    rows = ranked(seen, ends)
    assert {key: row.rank_class for key, row in rows.items()} == {
        "proxy": "proxy",
        "small": "too few",
        "dark": "unmeasurable",
        "acme": "ranked",
        "young": "too few days",
    }
    assert rows["acme"].removed_24h == pytest.approx(0.75, abs=1e-3)
    assert rows["acme"].removed_24h_low < 0.75 < rows["acme"].removed_24h_high
    assert rows["acme"].episodes == 20
    young = rows["young"]
    assert (young.removed_24h, young.removed_24h_low, young.removed_24h_high, young.median_h) == (1.0, None, None, None)
    others = [row for key, row in rows.items() if key not in ("acme", "young")]
    assert {row.removed_24h for row in others} | {row.removed_24h_low for row in others} == {None}
    assert {row.removed_or_moved_24h for row in others} == {None}
    assert rows["dark"].unknown == 20
    assert (rows["young"].removed_24h_worst, rows["young"].removals, rows["young"].batches) == (1.0, 20, 1)


def test_hoster_that_lets_us_see_nothing_never_scores():
    """All looks undecided after the first: unmeasurable, not removed."""
    seen = [appearance(n, "acme") for n in range(20)]
    rows = ranked(seen, [episode(n, 0, None) for n in range(20)], until=hours(1000))
    assert (rows["acme"].rank_class, rows["acme"].removed_24h) == ("unmeasurable", None)


def test_a_hoster_that_begins_to_hide_keeps_its_class_and_gets_a_range():
    """Quick with the 30 URLs that were seen, dark for three more: a share; for four more, over 10 points: a range."""
    ends = spread([episode(n, 2, 3, "removed") for n in range(30)])
    seen = [appearance(n, "acme") for n in range(30)]
    dark = [appearance(n, "acme", decided=False, since=hours(5)) for n in range(30, 34)]
    few = ranked([*seen, *dark[:3]], ends, until=hours(700))["acme"]
    assert (few.rank_class, few.removed_24h) == ("ranked", pytest.approx(1))
    assert (few.removed_24h_worst, few.removed_24h_best) == (pytest.approx(30 / 33), pytest.approx(1))
    many = ranked([*seen, *dark], ends, until=hours(700))["acme"]
    assert (many.rank_class, many.removed_24h, many.removed_24h_worst) == ("ranked", None, pytest.approx(30 / 34))
    assert many.removed_24h_low < 30 / 34 < many.removed_24h_high == 1.0


def test_what_is_too_young_to_be_seen_is_not_hidden():
    """URLs reported in the last hours, and those that no look found anywhere, take no share away."""
    ends = spread([episode(n, 2, 3, "removed") for n in range(30)])
    seen = [appearance(n, "acme") for n in range(30)]
    young = [appearance(n, "acme", decided=False, since=hours(690)) for n in range(30, 40)]
    never = [appearance(n, decided=False, since=hours(1), host_id="h0") for n in range(40, 50)]
    row = ranked([*seen, *young, *never], ends, until=hours(700))["acme"]
    assert (row.rank_class, row.unknown) == ("ranked", 20)


def test_ranked_rows_say_when_half_was_gone():
    """Twenty URLs gone after 1 to 20 hours: half after about ten."""
    ends = spread([episode(n, n, n + 1, "removed") for n in range(20)])
    row = ranked([appearance(n, "acme") for n in range(20)], ends, until=hours(700))["acme"]
    assert row.median_h == pytest.approx(10, abs=0.5)
    assert row.median_h_low < row.median_h < row.median_h_high


def test_ranks_ases_and_countries_from_the_same_episodes():
    """The share follows the key: AS numbers and countries of the episodes."""
    ends = spread([episode(n, 2, 3, "removed", origins=(64500, 64501), countries=("NL",)) for n in range(12)])
    by_asn = ranked([appearance(n, "AS64500", "AS64501") for n in range(12)], ends, by="asn")
    by_country = ranked([appearance(n, "NL") for n in range(12)], ends, by="country")
    assert by_asn["AS64501"].removed_24h == pytest.approx(1)
    assert by_country["NL"].removed_24h == pytest.approx(1)


def test_nothing_gives_an_empty_ranking():
    """No appearance, no row."""
    assert rank([], [], by="hoster", names={}) == []


def answered(key, proxy=False):
    """An attribution to a hoster, or to a reverse proxy."""
    return Attribution(
        addresses=("28.0.0.1",),
        suffix_id=None,
        day=START,
        origins=(),
        organisations=(),
        countries=(),
        hosters=(key,),
        proxy=proxy,
        rule="R",
        routes_date=None,
        stale=False,
    )


def test_a_proxy_left_for_a_hoster_stays_a_proxy():
    """A URL that moves from a proxy to a hoster is judged at the hoster alone, and of an unseen URL nothing follows."""
    shown = {"since": START, "medium": "web", "keys": lambda answers: keys_of(answers, "hoster"), "host_id": "h"}
    both = [answered("front", proxy=True), answered("acme")]
    seen = [Appearance.of(f"u{n}", site_id=f"s{n}", answers=both, decided=n > 0, **shown) for n in range(20)]
    unseen = Appearance.of("u20", site_id="s20", answers=[], decided=False, **shown)
    volumes = volumes_of([*seen, unseen])
    assert {key: (len(one.urls), one.own, len(one.hidden)) for key, one in volumes.items()} == {
        "front": (21, 0, 0),
        "acme": (21, 20, 1),
    }
    assert {row.key: row.rank_class for row in rank(seen, [], by="hoster", names={})} == {
        "front": "proxy",
        "acme": "unmeasurable",
    }
