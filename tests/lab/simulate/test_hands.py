"""Networks that change hands in simulated routing tables: found, and nothing else."""

import numpy as np

from waterbed.lab.simulate.hands import hands_scores, hands_world, recall_and_precision, scored


def test_successions_are_found_and_hardly_anything_else() -> None:
    """Of known successions among sales, transfers and renumbering 95% are found, and 95% of pairs found are such."""
    recall, precision = recall_and_precision(hands_scores(8, seed=90_211))
    assert recall >= 0.95
    assert precision >= 0.95


def test_the_same_seed_draws_the_same_world() -> None:
    """A world is a function of its seed, and knows pairs whose new AS had nothing before."""
    one, other = (hands_world(np.random.default_rng(3), ases=800) for _ in range(2))
    assert one.successions == other.successions
    assert scored(one, 0.1) == scored(other, 0.1)
    assert not {new for _, new in one.successions} & set(one.before.members.tolist())
