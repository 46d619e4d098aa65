"""Communities, and that noise has none."""

import numpy as np

from tests.graphs.hop_makers import sure
from tests.model.said import said
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.network.communities import Communities, communities
from waterbed.graphs.network.moves import Moves, moves_of


def world(rng: np.random.Generator, *, within: float, hops: int = 600, keys: int = 12) -> Moves:
    """Hops among keys in three groups; `within` of them stay in their group, the rest go anywhere."""
    a = rng.integers(0, keys, hops)
    step = np.where(rng.random(hops) < within, 3 * rng.integers(1, keys // 3, hops), rng.integers(1, keys, hops))
    b = (a + step) % keys
    return moves_of(
        [sure(f"h{x:02}", f"h{y:02}", 0, content=str(n)) for n, (x, y) in enumerate(zip(a, b, strict=True))]
    )


def test_groups_that_exchange_content_are_found() -> None:
    """Three groups of four are found as they are, and beat all graphs of the null."""
    found = communities(world(np.random.default_rng(1), within=0.6), np.random.default_rng(2))
    assert isinstance(found, Communities)
    assert {tuple(int(key[1:]) % 3 for key in one) for one in found.members} == {(0,) * 4, (1,) * 4, (2,) * 4}
    assert (found.p, found.smallest_p) == (0.05, 0.05)
    assert found.modularity > found.null_high


def test_noise_is_partitioned_but_not_believed() -> None:
    """Without groups Louvain finds communities all the same; the test rejects about as often as it says."""
    ps = []
    for seed in range(60):
        found = communities(world(np.random.default_rng(seed), within=0.0, hops=200), np.random.default_rng(seed + 999))
        assert isinstance(found, Communities)
        assert len(found.members) > 1
        ps.append(found.p)
    assert np.mean(np.array(ps) <= 0.1) <= 0.2
    assert 0.4 <= np.mean(ps) <= 0.65


def test_few_hops_are_refused_with_the_reason() -> None:
    """Three hops tell nothing of communities."""
    found = communities(moves_of([sure("a", "b", 0), sure("b", "c", 4), sure("c", "a", 9)]), np.random.default_rng(1))
    assert isinstance(found, Refusal)
    assert "3 hops between 3 keys" in said(found)


def test_only_the_busiest_keys_are_considered() -> None:
    """Keys are chosen by their hops, which the null keeps, too."""
    found = communities(world(np.random.default_rng(1), within=0.6), np.random.default_rng(2), largest=6)
    assert isinstance(found, Communities)
    assert found.keys == 6
    assert sum(map(len, found.members)) == 6
