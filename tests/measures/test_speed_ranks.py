"""Places by speed: sets, the worst, one site left out, and hosters beside content."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from waterbed.estimators.survival.incidence import NOTHING
from waterbed.measures.labels import Label, Labels
from waterbed.measures.ranking import rank
from waterbed.measures.removal import removal
from waterbed.measures.speed_ranks import _against, _group, speed_places
from waterbed.measures.takedown import REMOVED, Clock, episodes_by_key, never_seen
from waterbed.measures.totals import weighing
from waterbed.model.conclusions import RankingRow
from waterbed.store.settings import Norm

from .episodes import SPREAD_H, appearance, episode, hours, spread


def world(shares, each=60):
    """Hosters that remove these shares of their URLs within a day, and the rest not."""
    seen, ends = [], []
    for h, share in enumerate(shares):
        for k in range(each):
            n = f"{h}-{k}"
            seen.append(appearance(n, f"k{h}"))
            quick = k < share * each
            ends.append(episode(n, 2 if quick else 80, 3 if quick else None, "removed", hoster=f"k{h}"))
    return seen, ends


def placed(seen, ends, labels=None, **options):
    """The ranking, its groups and the places by key."""
    ends, until = spread(ends), hours(SPREAD_H + 90)
    rows = rank(seen, ends, by="hoster", names={}, until=until)
    groups = episodes_by_key(ends, "hoster")
    found = speed_places(
        rows,
        groups,
        labels,
        until=until,
        rng=np.random.default_rng(1),
        resamples=400,
        **({"worst": 1} | options),
    )
    return rows, groups, {row.key: row for row in found}


def test_clear_differences_have_one_place():
    """The slowest is first; hosters far apart have sets of one place."""
    rows = placed(*world([0.95, 0.5, 0.05]))[2]
    assert [(r.key, r.place_low, r.place_high) for r in rows.values()] == [("k2", 1, 1), ("k1", 2, 2), ("k0", 3, 3)]
    assert [r.among_worst for r in rows.values()] == pytest.approx([1.0, 0.0, 0.0], abs=0.02)


def test_pairs_are_ordered_though_their_places_overlap():
    """Of a slow, a quick and an unsure hoster the first is told to be slower than the second; ranks count pairs."""
    (seen, ends), (few, of_few) = world([0.75, 0.25]), world([0.9, 0.9, 0.5], each=16)
    own = [n for n, one in enumerate(of_few) if one.hoster == "k2"]
    rows = placed(seen + [few[n] for n in own], ends + [of_few[n] for n in own])[2]
    slow, quick, unsure = rows["k1"], rows["k0"], rows["k2"]
    assert (slow.slower_than, quick.slower_than, unsure.slower_than) == (("k0",), (), ())
    assert (slow.place_low, slow.place_high, quick.place_low, quick.place_high) == (1, 2, 2, 3)
    for row in rows.values():
        assert row.place_low == 1 + sum(row.key in other.slower_than for other in rows.values())
        assert row.place_high == len(rows) - len(row.slower_than)


def test_who_surely_removes_less_than_the_norm_is_named():
    """The slow one is below half, not those at it, above it, or without a share; another norm names others."""
    seen, ends = world([0.95, 0.5, 0.1])
    rows = placed(seen, ends)[2]
    assert {key: row.below_norm for key, row in rows.items()} == {"k2": True, "k1": False, "k0": False}
    assert rows["k2"].norm_p <= 0.05 < rows["k1"].norm_p
    assert rows["k2"].removed_24h < rows["k2"].norm_bound < 0.5
    strict = placed(seen, ends, norm=Norm(share=0.99, rate=0.1))[2]
    assert [key for key, row in strict.items() if row.below_norm] == ["k2", "k1"]
    assert {row.norm for row in rows.values()} == {0.5}
    shares = [0.9, 0.8, 0.85, 0.9, 0.8, 0.85, 0.9, 0.8, 0.85, 0.1]
    relative = placed(*world(shares), norm=Norm(below_median=0.3))[2]
    assert [key for key, row in relative.items() if row.below_norm] == ["k9"]
    assert relative["k9"].norm == pytest.approx(0.85 - 0.3)
    assert placed(*world(shares[1:]), norm=Norm(below_median=0.3))[2]["k8"].norm is None
    few = placed(*world([0.9, 0.0], each=9))[2]
    assert [(row.norm_p, row.below_norm) for row in few.values()] == [(None, False)] * 2


def test_equals_share_all_places():
    """Hosters with equal shares may have any place, and one among them is as likely the worst as another."""
    rows = placed(*world([0.5, 0.5, 0.5, 0.5]))[2]
    assert {(r.place_low, r.place_high) for r in rows.values()} == {(1, 4)}
    assert [r.among_worst for r in rows.values()] == pytest.approx([0.25] * 4, abs=0.1)
    assert all(r.own_low >= r.place_low and r.own_high <= r.place_high for r in rows.values())


def test_a_hoster_whose_clocks_all_agree_is_not_certain():
    """Twelve of twelve removed is no proof of being quicker than eleven of twelve."""
    seen, ends = world([1.0, 11 / 12], each=12)
    rows = placed(seen, ends)[2]
    assert (rows["k0"].place_low, rows["k0"].place_high) == (1, 2)


def test_one_site_that_carries_a_hoster_is_shown():
    """Without the one site that has most URLs the share is another."""
    seen, ends = world([0.5, 0.5])
    ends = [
        episode(f"1-{k}", 2, 3, "removed", hoster="k1", site_id="big" if k < 40 else f"s{k}")
        if k < 40
        else episode(f"1-{k}", 80, None, hoster="k1")
        for k in range(60)
    ] + [e for e in ends if e.hoster == "k0"]
    rows = placed(seen, ends)[2]
    assert rows["k1"].without_one_low == pytest.approx(0.0)
    assert rows["k0"].without_one_high - rows["k0"].without_one_low < 0.03
    assert (rows["k1"].sites, rows["k0"].sites) == (21, 60)


def test_sites_joined_by_content_are_one():
    """Sites of six contents that are each decided once are worth six, so that the places of two hosters meet."""
    seen, ends = world([4 / 6, 2 / 6])
    sure = placed(seen, ends)[2]["k0"]
    joined = {f"u{h}-{k}": f"c{h}-{k // 10 * 10}" for h in range(2) for k in range(60)}
    unsure = placed(seen, ends, Labels(contents=joined))[2]["k0"]
    assert (sure.place_low, unsure.place_low, unsure.sites) == (2, 1, 60)


def test_classes_without_a_share_keep_their_row():
    """A hoster too small to have a share is listed after the others, without a place."""
    seen, ends = world([0.9, 0.4])
    seen += [appearance(f"x{n}", "small") for n in range(3)]
    rows = placed(seen, ends)[2]
    last = list(rows.values())[-1]
    assert (last.key, last.place_low, last.among_worst, last.rank_class) == ("small", None, None, "too few")
    assert placed(seen[-3:], [])[2]["small"].removed_24h is None


def test_rows_without_a_place_are_found_without_comparing_rows(monkeypatch):
    """Which rows have a place is asked of each row once: no row is compared with any other."""
    seen, ends = world([0.9, 0.4])
    seen += [appearance(f"x{n}", f"small{n}") for n in range(3)]

    def compared(*_):
        raise AssertionError("rows were compared")

    monkeypatch.setattr(RankingRow, "__eq__", compared)
    rows, _, found = placed(seen, ends)
    assert len(found) == len(rows) == 5


def test_places_are_the_same_for_the_same_seed():
    """Resampling follows its generator alone."""
    assert placed(*world([0.6, 0.4, 0.5]))[2] == placed(*world([0.6, 0.4, 0.5]))[2]


def test_hosters_weigh_otherwise_than_content():
    """Many quick hosters and one slow one with most content: each way of weighing says another thing."""
    seen, ends = world([0.9] * 4, each=20)
    more, slow = world([0.1], each=200)
    seen += [appearance(f"b{a.url_id}", "big", site_id=f"b{a.site_id}") for a in more]
    ends += [
        episode(f"bu{e.url_id[1:]}", 2 if e.cause else 80, 3 if e.cause else None, "removed", hoster="big")
        for e in slow
    ]
    rows, _, _ = placed(seen, ends)
    found = weighing(rows)
    assert (found.hosters, found.slow, found.clocks) == (5, 1, 280)
    assert found.by_hoster.single == pytest.approx((4 * 0.9 + 0.1) / 5, abs=0.01)
    assert found.by_hoster.worst == pytest.approx(found.by_hoster.best)
    assert found.by_content.single == pytest.approx((72 + 20) / 280, abs=0.01)
    clocks = sum(row.episodes for row in rows)
    assert found.by_content.single == sum(row.removed_24h * row.episodes for row in rows) / clocks
    assert found.middle.single == pytest.approx(0.9, abs=0.01)
    assert weighing([]) is None


@settings(max_examples=40)
@given(
    share=st.sampled_from([0.0, 0.05, 0.1]),
    n=st.integers(90, 250),
    days=st.integers(30, 180),
    added=st.integers(1, 120),
    within_days=st.sampled_from([0.01, 1, 14, 1000]),
    how=st.sampled_from(["false reports", "undecided", "hides its own"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_false_reports_and_hiding_take_no_slow_hoster_off_the_list(share, n, days, added, within_days, how, seed):
    """A tenth of them at any time leaves the name; of more the row says how many decide; no place is quick."""
    rng, until = np.random.default_rng(seed), hours(24 * days + 100)

    def named(ends, hidden):
        group = [replace(one, hoster="slow") for one in ends]
        seen = [appearance(one.url_id.removeprefix("u"), "slow") for one in group]
        rows = rank(seen, group, by="hoster", names={}, until=until)
        options = {"until": until, "rng": np.random.default_rng(1), "resamples": 50, "worst": 1}
        (row,) = speed_places(rows, {"slow": group}, None, hidden={"slow": hidden}, **options)
        return row

    own = [
        episode(n, *((2, 3) if rng.random() < share else (90, None)), "removed", at=float(at))
        for n, at in enumerate(np.sort(rng.uniform(0, 24 * days, n)))
    ]
    assume(named(own, ()).below_norm)
    first = float(rng.uniform(0, 24 * max(0.0, days - within_days)))
    times = rng.uniform(first, first + 24 * min(days, within_days), added)
    hidden = [never_seen(f"h{n}", hours(float(at))) for n, at in enumerate(times)] if how == "undecided" else []
    if how == "false reports":
        own += [replace(episode(f"f{n}", 0, 1, "removed", at=float(at)), first_up=None) for n, at in enumerate(times)]
    if how == "hides its own":
        after = [k for k, one in enumerate(own) if one.first_down is None and one.reported_at >= hours(first)][:added]
        hidden = [never_seen(own[k].site_id, own[k].reported_at) for k in after]
        own = [one for k, one in enumerate(own) if k not in set(after)]
        assume(len(own) > 60)
    row = named(own, hidden)
    unseen = len(hidden) + sum(not one.seen for one in own)
    assert row.below_norm or row.below_norm_but_for == unseen
    if unseen <= 0.11 * (len(own) + len(hidden)):
        assert row.below_norm


def test_owners_who_move_content_away_make_no_slow_hoster():
    """Of a hoster that removes 95% others see three times as much moved away within hours: it had not its day."""
    seen, ends = world([0.95, 0.95], each=60)
    for n in range(180):
        seen.append(appearance(f"m{n}", "k1"))
        ends.append(episode(f"m{n}", 2, 4, "moved", hoster="k1"))
    rows = placed(seen, ends)[2]
    assert rows["k1"].removed_24h < 0.3
    assert (rows["k1"].below_norm, rows["k1"].below_norm_but_for) == (False, 180)
    slow = placed(*world([0.95, 0.05], each=60))[2]["k1"]
    assert (slow.below_norm, slow.below_norm_but_for) == (True, None)


def test_dated_sightings_of_what_our_checks_never_saw_make_nobody_quick():
    """Its best case counts an analyst's sightings, its rank does not: a hoster can answer our first check otherwise."""
    seen, ends = world([0.95, 0.5, 0.4])

    def dated(one):
        return replace(one, first_up=None, confirmed_at=one.last_up) if one.hoster == "k0" and one.first_down else one

    looked, by_others = placed(seen, ends)[2], placed(seen, [dated(one) for one in ends])[2]
    assert by_others["k0"].removed_24h_best == looked["k0"].removed_24h_best
    assert by_others["k0"].removed_24h_worst < 0.1 < looked["k0"].removed_24h_worst
    assert {key: row.slower_than for key, row in looked.items()} == {"k0": (), "k1": ("k0",), "k2": ("k0",)}
    assert {row.slower_than for row in by_others.values()} == {()}
    slow = placed(seen, [dated(one) for one in ends], norm=Norm(share=0.99))[2]
    assert slow["k2"].below_norm


@pytest.mark.parametrize(("few", "sure"), [(0.9, False), (0.65, False), (0.55, True)])
def test_content_that_goes_after_one_or_two_checks_makes_nobody_quick(few, sure):
    """A hoster that hides content from the third check on looks as quick as one that removes most within hours.

    What it removed after more checks alone is surely removed; the best case is that of all.
    """
    seen, ends = world([0.95, 0.5, 0.4])
    gone = [one.url_id for one in ends if one.hoster == "k0" and one.first_down]
    first = set(gone[: round(few * len(gone))])
    ends = [replace(one, looks_until_last=1 + n % 2) if one.url_id in first else one for n, one in enumerate(ends)]
    rows = placed(seen, ends)[2]
    assert [rows[key].slower_than for key in ("k0", "k1", "k2")] == [(), *[("k0",) if sure else ()] * 2]
    assert rows["k0"].removed_24h_best > 0.9
    assert (rows["k0"].removed_24h is not None) is sure
    if not sure:
        left = rows["k0"].removed_24h_best * (1.0 - few)
        assert rows["k0"].removed_24h_worst == pytest.approx(left, abs=0.02)


def _clock(n, at, removed, *, seen=True, labels=()):
    ended = {"left_h": 6.0 if seen else 0.0, "right_h": 8.0, "cause": REMOVED}
    own = ended if removed else {"left_h": 400.0, "right_h": inf, "cause": NOTHING}
    return Clock(**own, site_id=f"s{n}", origin=hours(at), seen=seen, labels=labels)


def _of(clocks):
    return _group(
        clocks, range(len(clocks)), np.ones((2, len(clocks)), np.uint8), until=hours(3840), hides=False, together=1.0
    )


def test_a_share_of_two_halves_is_below_the_norm_only_if_both_surely_are():
    """The half with the smaller share says little of eleven customers: the row is not named by the other one."""
    rng = np.random.default_rng(5)
    first = _of([_clock(n, 1440 * n / 150, rng.random() < 0.25) for n in range(150)])
    address = [(Label(kind="address", value=f"a{n % 11}"),) for n in range(150)]
    second = _of([_clock(n, 1440 + 1440 * n / 150, n % 11 < 2, labels=address[n]) for n in range(150)])
    assert second.best.share < first.best.share
    for parts, below in (([first], True), ([second], False), ([first, second], False)):
        assert _against(Norm(), [type(first).over(parts)])[0]["below_norm"] is below


def test_what_is_open_of_other_rows_lends_no_leniency():
    """Of 21 alike rows none says that its own 16 reports decide: were they not removed, it alone would not be below."""

    def row(seed, share, number):
        removed = np.random.default_rng(seed).permutation(60) < round(60 * share)
        own = [_clock(n, 2880 * n / 60, one) for n, one in enumerate(removed)]
        return own + [_clock(60 + n, 2880 * n / number, True, seen=False) for n in range(number)]

    alike = [_of(row(seed, 0.42, 16)) for seed in range(21)]
    assert {one["below_norm_but_for"] for one in _against(Norm(), alike) if "below_norm_but_for" in one} <= {None}
    (alone,) = _against(Norm(), [_of(row(3, 0.3, 16))])
    assert (alone["below_norm"], alone["below_norm_but_for"]) == (False, 16)


@pytest.mark.parametrize("hiders", [3, 5])
def test_hiding_raises_no_norm_of_the_others(hiders):
    """Where slow hosters leave most of what stays up undecided, the norm below the median is not stricter."""
    shares = [0.3 + 0.04 * n for n in range(12)]
    seen, ends = world(shares, each=50)
    plain = placed(seen, ends, norm=Norm(below_median=0.05))[2]["k0"].norm
    rng, dark = np.random.default_rng(2), {}
    for one in list(ends):
        if one.hoster in {f"k{n}" for n in range(hiders)} and one.first_down is None and rng.random() < 0.9:
            dark.setdefault(one.hoster, []).append(one)
            ends.remove(one)
    at = {one.url_id: one.reported_at for one in spread(ends)}
    hidden = {key: [never_seen(one.site_id, min(at.values())) for one in its] for key, its in dark.items()}
    assert placed(seen, ends, norm=Norm(below_median=0.05), hidden=hidden)[2]["k0"].norm <= plain + 0.02


def test_quick_customers_whom_nobody_saw_up_make_no_false_names():
    """Hosters at the norm decide at once for an eighth of their customers: their part varies, and intervals heed it."""
    until, false, held = hours(24 * 102), 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        at_once, chance = rng.random(40) < 0.13, (0.5 - 0.13) / 0.87
        group = []
        for n, at in enumerate(rng.uniform(0, 24 * 98, 800)):
            label = (Label(kind="address", value=f"a{n % 40}"),)
            made = {"site_id": f"s{n}", "origin": hours(float(at)), "labels": label}
            if at_once[n % 40]:
                group.append(Clock(left_h=0.0, right_h=1.0, cause=REMOVED, seen=False, **made))
            elif rng.random() < chance:
                group.append(Clock(left_h=7.0, right_h=8.0, cause=REMOVED, **made))
            else:
                group.append(Clock(left_h=96.0, right_h=inf, cause=NOTHING, **made))
        found = removal(group, until=until)
        held += found.low <= 0.5 <= found.high
        one = _group(group, range(800), np.ones((2, 800), np.uint8), until=until, hides=False, together=1.0)
        false += bool(_against(Norm(), [one])[0]["below_norm"])
    assert false <= 1
    assert held >= 37
