"""The complementary log-log regression."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from benchmarks.notices import ratios
from waterbed.estimators.survival.hazard import Undetermined, hazard
from waterbed.estimators.survival.pieces import cut

INF = np.inf
NO_EFFECTS = 1e-4
"""A standard deviation that leaves group effects at 0."""


def rows(rng, n, *, sigma=0.0, groups=1):
    """Looks apart by 2 to 12 hours, hazard 0.03 exp(0.5 x + u), one row a look."""
    group = rng.integers(0, groups, n)
    u = rng.normal(0, sigma, groups)
    x, length = rng.normal(size=n), rng.uniform(2, 12, n)
    ended = rng.random(n) < 1 - np.exp(-length * 0.03 * np.exp(0.5 * x + u[group]))
    return ended, length, np.stack([np.ones(n), x], axis=1), group, u


def test_agrees_with_statsmodels_without_group_effects():
    """Coefficients are statsmodels' to six digits, standard errors to a few per cent (observed for expected)."""
    import statsmodels.api as sm

    ended, length, x, group, _ = rows(np.random.default_rng(1), 3000)
    ours = hazard(ended, length, x, group, sigma=NO_EFFECTS)
    link = sm.families.links.CLogLog()
    theirs = sm.GLM(ended, x, family=sm.families.Binomial(link), offset=np.log(length)).fit(tol=1e-12)
    assert ours.coefficients == pytest.approx(theirs.params, abs=1e-5)
    assert ours.se == pytest.approx(theirs.bse, rel=0.05)
    assert ours.log_likelihood + np.log(NO_EFFECTS) + np.log(1 / NO_EFFECTS**2) / 2 == pytest.approx(
        theirs.llf, abs=1e-3
    )


def test_laplace_is_near_the_integral():
    """For small groups the marginal likelihood is near that by quadrature, and so is the best sigma."""
    ended, length, x, group, _ = rows(np.random.default_rng(2), 600, sigma=0.7, groups=30)
    ours = hazard(ended, length, x, group)

    def marginal(sigma):
        def of_group(u, its):
            eta = x[its] @ ours.coefficients + u
            whole = length[its] * np.exp(eta)
            each = np.where(ended[its], -np.expm1(-whole), np.exp(-whole))
            return each.prod() * stats.norm.pdf(u, 0, sigma)

        return sum(np.log(integrate.quad(of_group, -5, 5, args=(group == g,))[0]) for g in range(30))

    best = optimize.minimize_scalar(
        lambda sigma: -marginal(sigma), bounds=(0.1, 2), method="bounded", options={"xatol": 0.01}
    )
    assert ours.sigma == pytest.approx(best.x, rel=0.05)
    assert ours.log_likelihood == pytest.approx(marginal(ours.sigma), abs=0.5)


def test_shrinks_group_effects_the_more_the_less_is_known():
    """Effects are nearer to 0 than each group's own rate says, and far nearer in a small group."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(21), [10] + [200] * 20)
    u = np.concatenate([[0.9], rng.normal(0, 0.5, 20)])
    ended = rng.random(group.size) < 1 - np.exp(-8 * 0.03 * np.exp(u[group]))
    found = hazard(ended, np.full(group.size, 8.0), np.ones((group.size, 1)), group)
    raw = np.log(-np.log1p(-np.array([ended[group == g].mean() for g in range(21)])) / 8) - found.coefficients[0]
    kept = found.effects / raw
    assert (kept[np.abs(raw) > 0.1] < 1).all()
    assert kept[0] < np.median(kept[1:])
    assert np.corrcoef(found.effects[1:], u[1:])[0, 1] > 0.95


def test_a_notice_acts_from_its_time_on():
    """Clocks whose hazard triples at a notice, known to intervals: the ratio is found, and nothing else is invented."""
    rng = np.random.default_rng(4)
    n, gap = 4000, rng.uniform(3, 12, 4000)
    notice, budget = rng.exponential(20, n), rng.exponential(size=n)
    before = budget < 0.03 * notice
    time = np.where(before, budget / 0.03, notice + (budget - 0.03 * notice) / 0.09)
    left, right = np.floor(time / gap) * gap, np.floor(time / gap) * gap + gap
    left, right = np.minimum(left, 80), np.where(left >= 80, INF, right)
    pieces = cut(left, right, cuts=[24], change=notice)
    x = np.stack([np.ones(pieces.length.size), pieces.band == 1, pieces.after], axis=1).astype(float)
    found = hazard(
        pieces.ended, pieces.length, x, np.zeros(pieces.clock.size), stretch=pieces.stretch, sigma=NO_EFFECTS
    )
    for coefficient, se, truth in zip(found.coefficients, found.se, (np.log(0.03), 0.0, np.log(3.0)), strict=True):
        assert abs(coefficient - truth) < 3 * se
    assert found.se[2] < 0.06


def test_being_noticed_at_all_is_no_effect_of_notices():
    """Without an effect the ratio of a notice is near 1; an indicator that is fixed from the start says far less."""
    in_time, marked = ratios(1.0, np.random.default_rng(5))
    assert in_time == pytest.approx(1, abs=0.12)
    assert marked < 0.6
    assert ratios(2.0, np.random.default_rng(6))[1] < 0.6


def test_without_a_difference_effects_are_small():
    """Forty equal groups get a small standard deviation and effects near 0."""
    ended, length, x, group, _ = rows(np.random.default_rng(6), 4000, groups=40)
    found = hazard(ended, length, x, group)
    assert found.sigma < 0.15
    assert np.abs(found.effects).max() < 0.2


@pytest.mark.parametrize(
    ("ended", "length", "x", "group", "stretch"),
    [
        ([], [], [], [], None),
        ([True], [0.0], [[1.0]], [0], None),
        ([True], [1.0], [1.0], [0], None),
        ([False], [1.0], [[1.0]], [0], None),
        ([True, True], [1.0, 2.0], [[1.0], [1.0]], [0, 0], [0, 0]),
        ([True, False], [1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]], [0, 0], None),
    ],
)
def test_refuses_rows_that_cannot_be(ended, length, x, group, stretch):
    """No rows, no length, no matrix, no end, a stretch without a piece, a covariate twice: refused."""
    with pytest.raises(ValueError):
        hazard(ended, length, x, group, stretch=stretch)


def test_refuses_effects_without_spread():
    """A standard deviation of 0 is refused."""
    with pytest.raises(ValueError):
        hazard([True, False], [1.0, 1.0], [[1.0], [1.0]], [0, 1], sigma=0.0)


def test_robust_errors_are_those_of_statsmodels():
    """Of one piece a stretch and no group effects, the sandwich by clusters is that of a complementary log-log GLM."""
    import statsmodels.api as sm

    rng = np.random.default_rng(8)
    cluster = np.repeat(np.arange(80), 12)
    shared = rng.normal(0, 0.8, 80)[cluster]
    x = np.column_stack([np.ones(cluster.size), rng.random(cluster.size) < 0.5]).astype(float)
    length = rng.uniform(2, 10, cluster.size)
    ended = rng.random(cluster.size) < 1 - np.exp(-length * 0.05 * np.exp(0.5 * x[:, 1] + shared))
    ours = hazard(ended, length, x, np.zeros(cluster.size), sigma=NO_EFFECTS, cluster=cluster)
    model = sm.GLM(ended, x, sm.families.Binomial(sm.families.links.CLogLog()), offset=np.log(length))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False})
    scale = np.sqrt(80 / 79)
    assert ours.coefficients == pytest.approx(theirs.params, abs=1e-4)
    assert ours.se == pytest.approx(theirs.bse * scale, rel=0.03)
    plain = hazard(ended, length, x, np.zeros(cluster.size), sigma=NO_EFFECTS)
    assert ours.se[0] > 1.3 * plain.se[0]
    with pytest.raises(ValueError, match="two clusters"):
        hazard(ended, length, x, np.zeros(cluster.size), sigma=NO_EFFECTS, cluster=np.zeros(cluster.size))


def odd_design(seed):
    """Few or many stretches, lengths of many orders of magnitude, covariates that hardly vary or vary wildly."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 200))
    stretch = np.sort(np.r_[np.arange(n), rng.integers(0, n, int(rng.integers(0, 2 * n)))])
    length = np.exp(rng.normal(0, rng.uniform(0, 4), stretch.size))
    columns = [np.ones(stretch.size)]
    for _ in range(int(rng.integers(0, 4))):
        rare, wild = rng.random(stretch.size) < rng.random(), rng.normal(0, rng.uniform(0.1, 8), stretch.size)
        columns.append(rare.astype(float) if rng.random() < 0.6 else wild)
    group, ended = rng.integers(0, int(rng.integers(1, 8)), n), rng.random(n) < rng.uniform(0.01, 1)
    ended[0] = True
    return (ended, length, np.column_stack(columns), group), stretch, rng.integers(0, max(2, n // 3), n)


def test_odd_designs_settle_or_are_undetermined():
    """Along ridges where rounding decides the next step too: finite coefficients and errors, or the reason."""
    fitted = 0
    for seed in (*range(40), 195, 211, 851):
        design, stretch, cluster = odd_design(seed)
        try:
            found = hazard(*design, stretch=stretch, cluster=cluster)
        except Undetermined:
            continue
        fitted += 1
        assert np.isfinite([found.coefficients, found.se, 1.0 / found.model_se]).all()
    assert fitted >= 35
