"""Rates by address, expected counts, shrunk ratios and their places."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.model.said import said
from waterbed.measures.volume import expectation, rate, volume_rows
from waterbed.model.codec import columns
from waterbed.model.conclusions import Size

from .episodes import appearance

INTERISLE = [
    (13335, 2637568, 160406, 608.2), (22612, 101568, 3778, 372.0), (59371, 62464, 1850, 296.2),
    (197695, 101376, 2023, 199.6), (133199, 67072, 1201, 179.1), (209242, 128256, 2206, 172.0),
    (140227, 57344, 755, 131.7), (50613, 87296, 1113, 127.5), (19871, 251392, 3002, 119.4),
    (132203, 2747904, 31117, 113.2), (47583, 460800, 5089, 110.4), (138995, 57856, 624, 107.9),
    (54113, 1188352, 10050, 84.6), (138915, 173568, 1460, 84.1), (44066, 294144, 2118, 72.0),
    (54467, 88064, 629, 71.4), (397423, 80896, 564, 69.7), (399077, 142976, 688, 48.1),
    (979, 53760, 255, 47.4), (396356, 111616, 524, 46.9),
]  # fmt: skip
"""AS, routed IPv4 addresses, attacks, published score; of the last row 47.0 was printed, which its numbers are not."""


def size(key, v4, **other):
    """The size of one key, unknown but for its routed addresses."""
    values = dict.fromkeys(columns(Size))
    values |= {"key": key, "name": key, "day": datetime(2026, 3, 1, tzinfo=UTC), "announced_v4": v4, "stale": False}
    return Size(**values | {"urls": 0, "hosts": 0, "sites": 0} | other)


@pytest.mark.parametrize(("asn", "routed", "attacks", "score"), INTERISLE)
def test_rates_are_interisles(asn, routed, attacks, score):
    """Attacks per 10,000 routed addresses give the published scores to 0.1."""
    assert round(rate(attacks, routed), 1) == score, asn


def test_small_and_unknown_sizes_have_no_rate():
    """Below the size floor, or without a size, there is no rate."""
    assert rate(10, 49_999) is None
    assert rate(10, None) is None
    assert rate(10, 0) is None
    assert rate(10, 256, floor=256) == pytest.approx(390.625)


def world(seed=1, keys=400, outlier="k7"):
    """A frame of hosters whose sites follow their size, but for one that has ten times what it should."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(9.0, 1.5, keys)).astype(int) + 256
    counts = rng.poisson(0.002 * sizes**0.9 * rng.gamma(5.0, 0.2, keys))
    named = [f"k{n}" for n in range(keys)]
    at = named.index(outlier)
    counts[at] = max(40, 10 * int(0.002 * sizes[at] ** 0.9))
    frame = [size(key, int(v4)) for key, v4 in zip(named, sizes, strict=True)]
    seen = [
        appearance(f"{key}-{n}", key, site_id=f"{key}/{n}")
        for key, count in zip(named, counts, strict=True)
        for n in range(count)
    ]
    return frame, seen, dict(zip(named, counts.tolist(), strict=True))


def ranked(seen, frame=(), clusters=None, urls=None, **options):
    """The rows by key, in order."""
    sites = {a.site_id: n for n, a in enumerate(seen)}
    each = [{a.url_id} for a in seen] if urls is None else urls
    rng = np.random.default_rng(3)
    rows, _ = volume_rows(seen, each, clusters or sites, names={}, frame=frame, rng=rng, resamples=300, **options)
    return {row.key: row for row in rows}


def test_expectation_follows_size_over_the_whole_frame():
    """The slope on log size is that of the world, zeros included; expected counts add up to the observed."""
    frame, _, counts = world(keys=3_000)
    found = expectation(frame, counts)
    assert found.columns == ("announced_v4",)
    assert found.model.coefficients[1] == pytest.approx(0.9, abs=0.05)
    assert sum(found.sites.values()) == pytest.approx(sum(counts.values()), rel=0.1)


def test_a_row_that_alone_decides_the_slope_is_told():
    """A hoster of another size and count turns the slope: the remark says by how much; else there is none."""
    frame, _, counts = world()
    plain = expectation(frame, counts)
    assert said(plain.remark) == f"sizes explain {plain.explained:.0%} of the deviance"
    assert 0.2 < plain.explained < 0.9
    alike = [size(f"a{n}", 1000 + n % 3) for n in range(60)]
    found = expectation([*alike, size("huge", 1004)], {**{f"a{n}": 2 for n in range(60)}, "huge": 900})
    assert found.model.influential.tolist() == [False] * 60 + [True]
    assert abs(found.model.coefficients[1]) > 100
    assert abs(found.without.coefficients[1]) < 1
    assert "; the expectation hangs on 1 of 61 rows of the frame: slope on log announced_v4 " in said(found.remark)


def test_domains_join_the_expectation_where_all_have_them():
    """Hosted domains are a second size only if every row of the frame tells them."""
    frame, _, counts = world()
    told = [size(row.key, row.announced_v4, domains=10 + n) for n, row in enumerate(frame)]
    assert expectation(told, counts).columns == ("announced_v4", "domains")
    assert expectation([*told[:-1], frame[-1]], counts).columns == ("announced_v4",)


def test_too_small_a_frame_gives_no_expectation():
    """A handful of sizes, or a frame in which nothing was seen, is no base."""
    frame, _, counts = world()
    assert expectation(frame[:20], counts) is None
    assert expectation(frame, {}) is None


def test_the_one_that_has_more_than_its_size_leads_and_the_large_do_not():
    """Places go by the shrunk ratio: the outlier is first for certain, the largest hoster is not."""
    frame, seen, _ = world()
    rows = ranked(seen, frame)
    first = next(iter(rows.values()))
    assert (first.key, first.place_low, first.place_high, first.among_worst) == ("k7", 1, 1, 1.0)
    assert first.shrunk_low < first.shrunk < first.ratio
    most = max((row for row in rows.values() if row.key != "k7"), key=lambda row: row.sites)
    assert most.place_high > 10
    placed = [row for row in rows.values() if row.place_low]
    assert all(row.sites >= 10 for row in placed)
    assert sum(row.among_worst for row in placed) == pytest.approx(10, abs=0.01)


def test_places_among_some_keys_count_these_alone():
    """Without the first key another leads: expectations stay, and no place tells of the one that is left out."""
    frame, seen, _ = world()
    every = ranked(seen, frame)
    some = ranked(seen, frame, among=every.keys() - {"k7"})
    assert [row.shrunk for row in some.values()] == [row.shrunk for row in every.values()]
    assert some["k7"].place_low is None
    placed = [row for row in some.values() if row.place_low]
    assert len(placed) == sum(row.place_low is not None for row in every.values()) - 1
    assert min(row.place_low for row in placed) == 1
    assert max(row.place_high for row in placed) == len(placed)
    assert sum(row.among_worst for row in placed) == pytest.approx(10, abs=0.01)


def test_sites_of_one_cluster_make_places_unsure():
    """The same count of sites that all share content says less."""
    frame, seen, _ = world()
    sure = ranked(seen, frame)["k7"]
    together = {a.site_id: ("one" if "k7" in a.keys else a.site_id) for a in seen}
    unsure = ranked(seen, frame, clusters=together)["k7"]
    assert unsure.place_high > sure.place_high
    assert unsure.sites == sure.sites


def test_without_sizes_there_are_counts_alone():
    """No frame: incidents and counts, by sites, and nothing about size; what is not attributed comes last."""
    seen = [appearance(1, "a"), appearance(2, "a"), appearance(3, "b"), appearance(4, "b", "a"), appearance(5)]
    rows = ranked(seen, urls=[{"u1", "u3"}, {"u2"}, {"u4"}, {"u5"}])
    assert list(rows) == ["a", "b", "unknown"]
    assert (rows["a"].incidents, rows["a"].incidents_fractional) == (3, 2.0)
    assert (rows["b"].incidents, rows["b"].incidents_fractional, rows["b"].urls) == (2, 1.0, 2)
    assert (rows["unknown"].incidents, rows["unknown"].name) == (1, "not attributed")
    assert {row.expected for row in rows.values()} == {row.score for row in rows.values()} == {None}


def test_the_same_seed_gives_the_same_places():
    """Nothing but the argument decides the resampling."""
    frame, seen, _ = world()
    assert ranked(seen, frame) == ranked(seen[::-1], frame)


def test_every_process_gives_the_same_places():
    """The order of sets differs between processes; no number depends on it."""
    asked = (
        "from tests.measures.test_volume import appearance, ranked, world; frame, seen, _ = world(keys=60);"
        "seen += [appearance(f'b{n}', f'k{n % 9}', f'k{n % 7}', site_id=f'b/{n}') for n in range(90)];"
        "print(ranked(seen, frame))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
