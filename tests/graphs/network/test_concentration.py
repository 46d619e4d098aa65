"""How few the destinations are."""

import numpy as np
import pytest

from tests.graphs.hop_makers import sure
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.network.concentration import concentration
from waterbed.graphs.network.moves import Moves, moves_of


def drawn(shares: list[float], contents: int, rng: np.random.Generator) -> Moves:
    """Hops of many contents, those of one to one destination; a few contents have many."""
    keys = (*"abcdefgh"[: len(shares)], "z")
    size = rng.geometric(0.4, contents)
    content = np.repeat(np.arange(contents), size)
    target = rng.choice(len(shares), contents, p=shares)[content]
    n = content.size
    zero, yes = np.zeros(n), np.ones(n, bool)
    return Moves(
        keys=keys, contents=contents, hop=np.arange(n), content=content, origin=np.full(n, len(shares)),
        destination=target, weight=np.ones(n), certain=yes, possible=yes, left_after=zero, left_before=zero + 1,
        arrived_after=zero + 1, arrived_before=zero + 2,
    )  # fmt: skip


def test_the_index_is_the_sum_of_squared_shares() -> None:
    """Three of four hops to b, one to c: 10/16; one hop a content, so pairs of different ones: 6/12."""
    hops = [sure("a", to, 0, content=str(n)) for n, to in enumerate("bbbc")]
    found = concentration(moves_of(hops), np.random.default_rng(1), top=1)
    assert (found.hhi, found.between, found.top, found.leading) == (0.625, pytest.approx(0.5), 0.75, ("b",))
    assert isinstance(found.between_interval, Refusal)


def test_hops_of_one_content_are_not_taken_for_agreement() -> None:
    """Ten hops of one content to b beside nine contents elsewhere: different contents hardly agree."""
    hops = [sure("a", "b", n, content="x") for n in range(10)]
    hops += [sure("a", to, 0, content=to) for to in "cdefghijk"]
    found = concentration(moves_of(hops), np.random.default_rng(1))
    assert found.hhi > 0.25
    assert found.between == 0.0


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Over 300 clustered worlds the 95% interval of `between` holds the sum of squared true shares in 91 to 98%."""
    shares = [0.4, 0.25, 0.15, 0.1, 0.05, 0.05]
    truth = sum(share**2 for share in shares)
    hits, means = 0, []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        found = concentration(drawn(shares, 120, rng), rng, resamples=200)
        assert not isinstance(found.between_interval, Refusal)
        hits += found.between_interval[0] <= truth <= found.between_interval[1]
        means.append(found.between)
    assert 0.91 <= hits / 300 <= 0.98
    assert np.mean(means) == pytest.approx(truth, abs=0.004)


@pytest.mark.parametrize(("chance", "contents"), [(0.95, 12), (0.8, 12), (0.9, 20)])
def test_intervals_hold_the_truth_where_nearly_all_agree(chance: float, contents: int) -> None:
    """An interval is given in all 200 worlds, of some width, and holds the truth in 88% or more, of both numbers."""
    rng = np.random.default_rng(9)
    same = largest = 0
    for _ in range(200):
        found = concentration(drawn([chance, 1 - chance], contents, rng), rng, resamples=100, top=1)
        assert not isinstance(found.between_interval, Refusal)
        assert not isinstance(found.top_interval, Refusal)
        low, high = found.between_interval
        assert high > low
        same += low <= chance**2 + (1 - chance) ** 2 <= high
        largest += found.top_interval[0] <= chance <= found.top_interval[1]
    assert same / 200 >= 0.88
    assert largest / 200 >= 0.88


def test_contents_of_which_no_two_agree_tell_no_interval() -> None:
    """Twelve contents at twelve destinations: no resample differs, which is said."""
    hops = [sure("a", to, 0, content=to) for to in "bcdefghijklm"]
    found = concentration(moves_of(hops), np.random.default_rng(1))
    assert found.between == 0.0
    assert isinstance(found.between_interval, Refusal)


def test_many_contents_are_resampled_in_groups() -> None:
    """With more contents than groups the interval is about as wide as the spread over worlds."""
    found = [
        concentration(drawn([0.5, 0.3, 0.2], 4000, np.random.default_rng(n)), np.random.default_rng(n))
        for n in range(40)
    ]
    width = np.mean([one.between_interval[1] - one.between_interval[0] for one in found])  # type: ignore[index]
    spread = np.std([one.between for one in found])
    assert width == pytest.approx(2 * 1.96 * spread, rel=0.35)


def test_without_hops_there_is_no_concentration() -> None:
    """Nothing arrived anywhere: no number, and a reason."""
    found = concentration(moves_of([]), np.random.default_rng(1))
    assert np.isnan(found.hhi)
    assert isinstance(found.top_interval, Refusal)
