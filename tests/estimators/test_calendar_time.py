"""What shares are worth where outcomes depend on each other over time, against other libraries and simulation."""

import numpy as np
import numpy.typing as npt
import pytest

from tests.model.said import said
from waterbed.estimators.calendar_time import (
    FEWEST_REGIMES,
    LEAST_TERMS,
    Worth,
    _across,
    cluster_variance,
    cosine_variance,
    days_of_reports,
    effective_number,
    freedom,
    least_batches,
    regimes,
)
from waterbed.estimators.cluster_shares import Correlation
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval

Floats = npt.NDArray[np.float64]


def test_the_variance_over_sites_is_that_of_statsmodels() -> None:
    """A mean's cluster-robust error is the one of a regression on a constant, with its correction for few clusters."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(12), rng.integers(1, 9, 12))
    values = (rng.random(cluster.size) < 0.6).astype(float)
    theirs = sm.OLS(values, np.ones((values.size, 1))).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True}
    )
    assert cluster_variance(values, cluster) == pytest.approx(float(theirs.cov_params()[0, 0]), rel=1e-9)
    with pytest.raises(ValueError, match="two clusters"):
        cluster_variance([1.0, 0.0], [3, 3])


def test_the_variance_over_time_is_the_mean_of_cosine_regressions() -> None:
    """Each term is the squared coefficient that statsmodels gives a cosine, scaled as by Lazarus et al. (2018)."""
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    values, n = rng.random(57), 57
    waves = np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(1, n + 1) - 0.5, np.arange(1, 7)) / n)
    fitted = sm.OLS(values, sm.add_constant(waves)).fit().params[1:]
    assert cosine_variance(values, 6) == pytest.approx(float(np.mean(fitted**2)), rel=1e-9)
    with pytest.raises(ValueError, match="57 cosines"):
        cosine_variance(values, 57)


def test_the_variance_over_time_is_right_for_a_dependent_series() -> None:
    """For a moving average its mean is the known variance of the mean; cosines leave dependence no room to hide."""
    rng = np.random.default_rng(3)
    shocks = rng.standard_normal((400, 303))
    series = (shocks[:, :-3] + shocks[:, 1:-2] + shocks[:, 2:-1] + shocks[:, 3:]) / 2
    ours = np.mean([cosine_variance(one, 8) for one in series])
    assert ours == pytest.approx(np.var(series.mean(axis=1)), rel=0.15)
    assert np.mean([one.var() / one.size for one in series]) < ours / 3


def test_rules_depend_on_report_times_alone() -> None:
    """Days count gaps up to three days; degrees of freedom follow 0.4 T^(2/3) of eight-hour steps, five at least."""
    assert days_of_reports([0.0, 24.0, 24.0 * 50]) == pytest.approx(4.0)
    assert [freedom(days) for days in (7, 10, 14, 29, 60, 89)] == [5, 5, 5, 8, 13, 17]
    week = effective_number([True] * 20, np.linspace(0, 160, 20), range(20))
    assert isinstance(week, Refusal)
    assert said(week) == "reports span 6.7 days where at least 7 are needed"


def test_independent_outcomes_are_worth_a_little_less_than_their_number() -> None:
    """A month of independent sites costs eight degrees of freedom; an outcome is worth no more than its site."""
    rng = np.random.default_rng(4)
    at = np.sort(rng.uniform(0, 24 * 30, 200))
    found = [effective_number(rng.random(200) < 0.6, at, np.arange(200)) for _ in range(60)]
    numbers = [one.number for one in found if not isinstance(one, Refusal)]
    assert 90 < np.median(numbers) < 200
    assert max(numbers) <= 200
    pairs = effective_number(np.repeat(rng.random(100) < 0.6, 2), at, np.repeat(np.arange(100), 2))
    assert not isinstance(pairs, Refusal)
    assert pairs.number <= 100
    assert pairs.freedom == 8
    assert pairs.error > 0.5 / np.sqrt(100)


def test_batches_are_worth_their_bursts_and_intervals_hold_the_process() -> None:
    """Reports decided on together by a queue of 30 h: intervals hold its share where plain ones often do not."""
    rng = np.random.default_rng(5)
    held, plain = [], []
    for _ in range(300):
        at = np.sort(rng.uniform(0, 24 * 30, 150))
        queue = np.sort(rng.uniform(0, 24 * 33, rng.poisson(24 * 33 / 30)))
        gone = np.append(queue, np.inf)[np.searchsorted(queue, at)] - at
        hits, true = gone <= 24, -np.expm1(-24 / 30)
        worth = effective_number(hits, at, np.arange(150))
        assert not isinstance(worth, Refusal)
        for covered, number in ((held, worth.number), (plain, 150)):
            low, high = share_interval(float(hits.mean()), number)
            covered.append(low <= true <= high)
    assert np.mean(held) > 0.92
    assert np.mean(plain) < 0.75


def test_rare_bursts_are_worth_the_blocks() -> None:
    """Where all but a burst were removed, no variance can be relied on: the share is worth the blocks at most."""
    at = np.linspace(0, 24 * 30, 300)
    hits = np.ones(300, bool)
    hits[100:104] = False
    for outcome in (hits, np.ones(300)):
        found = effective_number(outcome, at, np.arange(300))
        assert not isinstance(found, Refusal)
        assert found.number == 20.0


def alternating(rng: np.random.Generator, n: int, days: float, mean: float) -> tuple[Floats, Floats, int]:
    """Outcomes of a desk that is on and off for so many days in the mean, their hours, and the stretches."""
    at = np.sort(rng.uniform(0, 24 * days, n))
    begun = np.cumsum(rng.exponential(mean, 400))
    on = np.searchsorted(begun, at / 24 + rng.choice([0.0, 1e-9])) % 2 == int(rng.integers(2))
    return (rng.random(n) < np.where(on, 0.9, 0.1)).astype(float), at, 1 + int((begun < days).sum())


def test_regimes_are_those_of_the_process() -> None:
    """The number of stretches is found to a third in the middle, and seldom any where outcomes are independent."""
    rng = np.random.default_rng(11)
    drawn = [alternating(rng, 400, 120, 6) for _ in range(60)]
    found = [(regimes(x, at, np.arange(x.size)), true) for x, at, true in drawn]
    ratios = [one.number / true for one, true in found if one]
    assert len(ratios) > 55
    assert 0.67 < np.median(ratios) < 1.33
    none = [regimes(rng.random(150) < 0.5, np.sort(rng.uniform(0, 720, 150)), np.arange(150)) for _ in range(300)]
    assert sum(one is not None for one in none) < 15


def test_the_worth_of_a_process_that_alternates_is_that_of_its_mean() -> None:
    """The variance of the mean of a two-state chain is that of Bayley and Hammersley's number, which regimes give."""
    rng = np.random.default_rng(12)
    days, mean = 200.0, 5.0
    shares = []
    for _ in range(2_000):
        edges = np.concatenate([[0.0], np.cumsum(rng.exponential(mean, 120))])
        lengths = np.diff(np.minimum(edges, days))
        shares.append(lengths[int(rng.integers(2)) :: 2].sum() / days)
    number = 2 * 0.25 * days / (mean / 2)  # 2 p (1 - p) T / t, where t is half a stretch for stretches alike
    assert np.var(shares) == pytest.approx(0.25 / number, rel=0.1)


def test_a_steady_trend_makes_no_regimes_and_a_desk_does() -> None:
    """From 5 to 75% in four weeks a share is worth much more; on and off for weeks it stays worth little."""
    rng = np.random.default_rng(31)
    gains, kept = [], []
    for _ in range(40):
        at = np.sort(rng.uniform(0.0, 28.0 * 24.0, 130))
        drifting = rng.random(130) < 0.05 + 0.7 * at / (28.0 * 24.0)
        bare, around = (effective_number(drifting, at, np.arange(130), drifts=one) for one in (False, True))
        desk, hours, _ = alternating(rng, 130, 28.0, 7.0)
        same, other = (effective_number(desk, hours, np.arange(130), drifts=one) for one in (False, True))
        assert isinstance(bare, Worth)
        assert isinstance(around, Worth)
        assert isinstance(same, Worth)
        assert isinstance(other, Worth)
        assert around.number >= bare.number
        gains.append(around.number / bare.number)
        kept.append(other.number < 40.0)
    assert np.median(gains) > 3.0
    assert np.mean(kept) > 0.75


def test_pairs_of_one_site_show_no_regimes() -> None:
    """Reports of one site that fare alike and come together are dependence within sites, not over time."""
    rng = np.random.default_rng(13)
    at = np.sort(rng.uniform(0, 24 * 30, 60))
    site = np.repeat(np.arange(60), 4)
    shown = [regimes(np.repeat(rng.random(60) < 0.6, 4), np.repeat(at, 4), site) for _ in range(100)]
    assert sum(one is not None for one in shown) < 8


@pytest.mark.filterwarnings("error")
def test_a_few_bursts_of_single_sites_tell_no_time_from_another() -> None:
    """Where no two sites are reported within weeks of each other no pair shows a regime, and nothing breaks."""
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        bursts = np.sort(rng.uniform(0.0, 24.0 * rng.uniform(20.0, 200.0), int(rng.integers(2, 6))))
        site = np.append(np.arange(bursts.size), rng.integers(0, bursts.size, 20))
        at = bursts[site] + rng.uniform(0.0, 6.0, site.size)
        found.append(regimes(rng.random(site.size) < rng.uniform(0.1, 0.9), at, site))
    assert sum(one is not None for one in found) < 30


def test_products_of_residuals_are_those_of_reports_at_different_sites() -> None:
    """By blocks between them, each pair once, as a loop over all pairs has them."""
    rng = np.random.default_rng(14)
    values, site, block = rng.normal(size=70), rng.integers(0, 25, 70), rng.integers(0, 9, 70)
    expected = np.zeros(9)
    for i in range(70):
        for j in range(i):
            if site[i] != site[j]:
                expected[abs(block[i] - block[j])] += values[i] * values[j]
    assert _across(values, site, block, 9) == pytest.approx(expected, abs=1e-12)


def test_outcomes_may_widen_an_interval_and_never_refuse_it() -> None:
    """Regimes leave fewer degrees of freedom; fewer than four are said, and there is an interval all the same."""
    rng = np.random.default_rng(15)
    at = np.sort(rng.uniform(0, 24 * 30, 200))
    changed = effective_number((at > 24 * 15).astype(float), at, np.arange(200))
    assert isinstance(changed, Worth)
    assert changed.binding == "regimes"
    assert changed.freedom == LEAST_TERMS
    assert changed.regimes < FEWEST_REGIMES
    assert changed.number < 3
    even = effective_number((np.arange(200) % 2).astype(float), at, np.arange(200))
    assert isinstance(even, Worth)
    assert even.regimes == np.inf


def customers(rng: np.random.Generator, count: int, n: int, share: float) -> tuple[Floats, Floats, list[int]]:
    """Outcomes decided once for each customer, their hours, and the customers."""
    of = np.concatenate([np.arange(count), rng.integers(0, count, n - count)])
    return (rng.random(count) < share).astype(float)[of], np.sort(rng.uniform(0, 720, n)), of.tolist()


def test_a_label_that_decides_is_what_a_share_is_worth() -> None:
    """Sites of one customer fare alike: by its label the intervals hold, and it is named; without it they do not."""
    rng = np.random.default_rng(16)
    held, plain = [], []
    for _ in range(200):
        hits, at, of = customers(rng, 25, 150, 0.6)
        by_address = effective_number(hits, at, np.arange(150), labels={"address": of})
        without = effective_number(hits, at, np.arange(150))
        assert isinstance(by_address, Worth)
        assert isinstance(without, Worth)
        assert by_address.number <= without.number
        for covered, worth in ((held, by_address), (plain, without)):
            low, high = share_interval(float(hits.mean()), worth.number)
            covered.append(low <= 0.6 <= high)
    assert by_address.binding == "address"
    assert by_address.number < 26
    assert np.mean(held) > 0.92
    assert np.mean(plain) < 0.8


def test_few_values_of_a_label_count_as_far_as_hosters_or_outcomes_show_it() -> None:
    """Six values that say nothing cost nothing; a pooled correlation, or one far beyond chance, counts."""
    rng = np.random.default_rng(17)
    at, site = np.sort(rng.uniform(0, 720, 150)), np.arange(150)
    idle = {"registration": rng.integers(0, 6, 150).tolist()}
    hits = (rng.random(150) < 0.6).astype(float)
    alone = effective_number(hits, at, site)
    assert effective_number(hits, at, site, labels=idle) == alone
    told = effective_number(hits, at, site, labels=idle, pooled={"registration": Correlation(0.5, 0.1, 40)})
    assert isinstance(told, Worth)
    assert told.binding == "registration"
    assert told.number < 10
    weak = effective_number(hits, at, site, labels=idle, pooled={"registration": Correlation(0.5, 0.1, 4)})
    assert weak == alone
    hits, at, of = customers(rng, 6, 150, 0.5)
    while not 0 < hits.mean() < 1:
        hits, at, of = customers(rng, 6, 150, 0.5)
    shown = effective_number(hits, at, site, labels={"registration": of})
    assert isinstance(shown, Worth)
    assert shown.number <= 6


def test_outcomes_all_alike_are_worth_what_hosters_show() -> None:
    """They tell no correlation: the pooled one counts, else the label's values, but for fewer than ten."""
    rng = np.random.default_rng(18)
    at, hits = np.sort(rng.uniform(0, 24 * 90, 160)), np.ones(160)
    many = {"address": (np.arange(160) % 16).tolist()}
    few = {"address": (np.arange(160) % 6).tolist()}
    alike = Correlation(0.01, 0.0, 100)
    numbers = [
        worth.number
        for worth in (
            effective_number(hits, at, np.arange(160)),
            effective_number(hits, at, np.arange(160), labels=many),
            effective_number(hits, at, np.arange(160), labels=few),
            effective_number(hits, at, np.arange(160), labels=many, pooled={"address": alike}),
        )
        if isinstance(worth, Worth)
    ]
    blocks = numbers[0]
    assert blocks > 50
    assert numbers == pytest.approx([blocks, 16, blocks, blocks])


def test_a_label_that_is_the_site_or_is_missing_changes_nothing() -> None:
    """Reports without a label keep their site, and a label that parts reports as another does counts once."""
    rng = np.random.default_rng(19)
    hits, at, site = rng.random(90) < 0.5, np.sort(rng.uniform(0, 720, 90)), np.arange(90) // 2
    plain = effective_number(hits, at, site)
    assert effective_number(hits, at, site, labels={"address": [f"a{one}" for one in site]}) == plain
    assert effective_number(hits, at, site, labels={"address": [None] * 90}) == plain
    with pytest.raises(ValueError, match="one value for each report"):
        effective_number(hits, at, site, labels={"address": [None]})


def test_decisions_for_several_sites_at_once_are_worth_fewer_outcomes() -> None:
    """Given their true size the intervals hold; one site at once is the worth itself."""
    rng = np.random.default_rng(20)
    held = []
    for _ in range(200):
        hits, at, of = customers(rng, 20, 150, 0.5)
        worth = effective_number(hits, at, np.arange(150))
        assert isinstance(worth, Worth)
        assert worth.together(1.0) == worth.number
        size = float(np.square(np.bincount(of)).sum() / 150)
        low, high = share_interval(float(hits.mean()), worth.together(size))
        held.append(low <= 0.5 <= high)
    assert np.mean(held) > 0.9
    with pytest.raises(ValueError, match="one site or more"):
        worth.together(0.5)


def test_the_angle_of_a_share_is_anscombes() -> None:
    """Its error does not depend on the share, also near 1, where arcsin sqrt of few outcomes spreads more or less."""
    rng = np.random.default_rng(21)
    worth = Worth(number=20 * 0.9, freedom=1_000_000)
    for true in (0.5, 0.9):
        shares = rng.binomial(18, true, 20_000) / 18
        spread = np.std([worth.angle(share) for share in shares])
        assert spread == pytest.approx(worth.error, rel=0.08)


def test_bad_input_is_refused() -> None:
    """Lengths must agree, and there must be a report."""
    for bad in (([True], [0.0, 1.0], [1, 2]), ([], [], [])):
        with pytest.raises(ValueError, match="each with a time"):
            effective_number(*bad)


def test_batches_are_the_fewest_instants_that_hold_all_removals() -> None:
    """Intervals that share an instant can be one batch; those that only touch cannot, for they are open below."""
    assert least_batches([0.0, 1.0, 2.0], [3.0, 4.0, 5.0]) == 1
    assert least_batches([0.0, 3.0], [3.0, 5.0]) == 2
    assert least_batches([], []) == 0
    rng = np.random.default_rng(6)
    times = np.repeat([10.0, 40.0, 70.0], 30)
    assert least_batches(times - rng.uniform(0.1, 3, 90), times + rng.uniform(0, 3, 90)) == 3
