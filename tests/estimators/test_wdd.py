"""Differences, quotients and net effects against printed examples and simulated nulls."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.model.said import said
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.wdd import (
    BUFFER,
    TARGET,
    Difference,
    Interval,
    Windows,
    clustered_difference,
    clustered_net_effect,
    clustered_quotient,
    control_sizes,
    displacement_quotient,
    total_net_effect,
)


def clusters_of(rng, n, *, giant=False):
    """Clusters of about seven events, all of one cluster in one area and one window; no effect."""
    size = rng.geometric(0.15, n)
    if giant:
        size[0] = 13 * size.sum()
    tables = np.zeros((n, 2, 2))
    tables[np.arange(n), rng.integers(0, 2, n), rng.integers(0, 2, n)] = size
    return tables


def alone(counts):
    """Counts in which every event is a cluster of its own."""
    cells = np.ravel(counts)
    tables = np.zeros((cells.sum(), cells.size))
    tables[np.arange(cells.sum()), np.repeat(np.arange(cells.size), cells)] = 1
    return tables.reshape(-1, *np.shape(counts))


@pytest.mark.parametrize(
    ("counts", "lengths", "sizes", "printed", "error"),
    [
        ([[80, 20], [100, 50]], (1, 1), None, -10.0, 15.8),
        ([[80, 20], [100, 50]], (2, 1), None, -20.0, 10.7),
        ([[207, 110], [308, 318]], (1, 1), [1.2, 0.9], -91.9, 31.5),
    ],
    ids=["plain", "weighted by time", "weighted by area"],
)
def test_worked_examples_of_the_difference(counts, lengths, sizes, printed, error):
    """Wheeler and Ratcliffe's three examples: to the printed digit, and their error where events are independent."""
    found = clustered_difference(alone(counts), np.random.default_rng(1), lengths=lengths, sizes=sizes)
    assert round(found.estimate, 1) == printed
    assert found.error == pytest.approx(error, rel=0.06)


def test_worked_example_of_the_quotient():
    """The quotient of the published counts comes out to the printed digit."""
    found = displacement_quotient([[117544, 102676], [27582, 96744], [8257, 52774]])
    assert round(found, 3) == -0.077


def test_what_moved_next_door_cancels():
    """A target that loses 40 to its buffer and nothing else has no difference."""
    found = clustered_difference(alone([[100, 60], [100, 100], [50, 90], [50, 50]]), np.random.default_rng(1))
    assert found.estimate == pytest.approx(0)
    assert found.error == pytest.approx(np.sqrt(600), rel=0.06)
    assert total_net_effect([[100, 60], [100, 100], [50, 90]]) == 0
    assert displacement_quotient([[100, 60], [100, 100], [50, 90]]) == pytest.approx(-1)


def test_controls_have_the_size_of_what_they_stand_for():
    """Eight controls together weigh as much as the target; what moved next door cancels, whatever the buffer's size."""
    tables = alone([[100, 60], [800, 800], [20, 60], [50, 50]])
    sizes = control_sizes(tables)
    assert sizes.tolist() == [1, 10, 1, 100 / 80]
    found = clustered_difference(tables, np.random.default_rng(1), sizes=sizes)
    assert found.estimate == pytest.approx(0)
    assert control_sizes(tables[:, :, ::-1]).tolist() == sizes.tolist(), "exchanging the windows leaves them"
    assert "nothing can be measured" in said(control_sizes(alone([[9, 9], [0, 0]])))
    assert control_sizes(alone([[0, 0], [9, 9]])).tolist() == [1, np.inf]


@pytest.mark.long
@pytest.mark.parametrize("growth", [0.67, 1.0, 1.5])
def test_growth_that_all_areas_share_is_no_difference(growth):
    """One target and eight controls of other sizes all grow alike: the difference rejects near 5% at 5%."""
    rng, worlds, rejected = np.random.default_rng(8), 300, 0
    for _ in range(worlds):
        counts = rng.poisson(np.outer([3.0, 10.0, 2.0, 2.5], [20.0, 7.0 * growth]))
        tables = alone(counts) * rng.geometric(0.5, (counts.sum(), 1, 1))
        sizes = control_sizes(tables)
        rejected += clustered_difference(tables, rng, lengths=(20, 7), sizes=sizes, resamples=199).p <= 0.05
    assert rejected / worlds < 0.085


def test_a_quotient_is_refused_where_nothing_fell():
    """Without a fall of the target against its control there is a reason and no number."""
    assert "did not fall" in said(displacement_quotient([[100, 100], [100, 100], [50, 60]]))
    assert "control is empty" in said(displacement_quotient([[100, 50], [0, 10], [50, 60]]))
    assert isinstance(total_net_effect([[100, 50], [0, 10], [50, 60]]), Refusal)
    assert "buffer has no event" in said(displacement_quotient([[100, 50], [100, 100], [0, 0]]))


def test_areas_chosen_afterwards_are_refused():
    """A declaration that used data from after the event counts nothing."""
    good = Windows(before=(0, 10), after=(12, 22), chosen_until=10)
    tables = good.counted([1, 11, 13, 21.9, 22, 2], [0, 0, 0, 1, 1, -1], [0, 0, 1, 2, 2, 2], roles=2)
    assert tables.shape == (3, 2, 2)
    assert tables[0].tolist() == [[1, 0], [0, 0]]
    assert tables[1].tolist() == [[0, 1], [0, 0]]
    assert tables[2].tolist() == [[0, 0], [0, 1]]
    late = Windows(before=(0, 10), after=(12, 22), chosen_until=22)
    assert "after the event" in said(late.counted([1], [0], [0]))
    with pytest.raises(ValueError, match="follow"):
        Windows(before=(0, 13), after=(12, 22), chosen_until=0)


def test_a_buffer_needs_its_own_control():
    """Three areas are no difference, and two no quotient."""
    with pytest.raises(ValueError, match="control of its own"):
        clustered_difference(np.ones((9, 3, 2)), np.random.default_rng(1))
    with pytest.raises(ValueError, match="3 areas"):
        displacement_quotient(np.ones((2, 2)))


def test_clusters_of_one_event_agree_with_the_formula():
    """When every event is a cluster the resampled error is the Poisson one."""
    rng = np.random.default_rng(1)
    counts = np.array([[80, 20], [100, 50]])
    found = clustered_difference(alone(counts), rng)
    assert found.estimate == -10
    assert found.error == pytest.approx(np.sqrt(250), rel=0.06)
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(250), rel=0.08)


def test_clusters_do_not_make_the_bootstrap_reject():
    """Without any effect the resampled clusters reject near 5% at 5%."""
    rng = np.random.default_rng(2)
    rejected = sum(clustered_difference(clusters_of(rng, 60), rng, resamples=199).p <= 0.05 for _ in range(400))
    assert rejected / 400 < 0.085


def test_one_site_with_nearly_everything_keeps_the_level():
    """One cluster with 93% of all events decides nothing by itself."""
    rng = np.random.default_rng(3)
    found = [clustered_difference(clusters_of(rng, 40, giant=True), rng, resamples=199).p for _ in range(300)]
    assert np.mean(np.array(found) <= 0.05) < 0.09


def test_intervals_and_p_values_agree():
    """Nothing is within the interval exactly where p is above one minus the level."""
    rng = np.random.default_rng(4)
    for _ in range(30):
        found = clustered_difference(clusters_of(rng, 15), rng, resamples=199)
        assert isinstance(found, Difference)
        assert (found.low <= 0 <= found.high) == (found.p > 0.05)


def test_few_clusters_are_refused():
    """Nine clusters give no number, however many events they have."""
    tables = clusters_of(np.random.default_rng(5), 9)
    assert "9 clusters" in said(clustered_difference(tables, np.random.default_rng(0)))


def test_a_resampled_quotient_holds_the_truth():
    """Half of what the target lost went to the buffer: the interval holds -0.5, the net effect what was prevented."""
    rng = np.random.default_rng(6)
    held, tries = 0, 60
    for _ in range(tries):
        means = np.array([[200, 100], [200, 200], [100, 150], [100, 100]]) / 4
        tables = np.zeros((4000, 4, 2))
        role, period = rng.integers(0, 4, 4000), rng.integers(0, 2, 4000)
        tables[np.arange(4000), role, period] = rng.poisson(4, 4000) * (
            rng.random(4000) < means[role, period] * 8 / 4000
        )
        found = clustered_quotient(tables, rng, resamples=199)
        effect = clustered_net_effect(tables, rng, resamples=199)
        assert isinstance(effect, Interval)
        assert effect.low < effect.estimate < effect.high
        if isinstance(found, Interval):
            held += found.low <= -0.5 <= found.high
        else:
            held += 1
    assert held / tries > 0.85


def test_an_unsure_fall_is_refused():
    """A target that fell by two events may not have fallen at all."""
    tables = np.zeros((60, 3, 2))
    tables[:16, TARGET, 0], tables[16:30, TARGET, 1] = 1, 1
    tables[30:45, 1, 0], tables[45:60, 1, 1] = 1, 1
    tables[:10, BUFFER, 0] = 1
    assert "not surely fall" in said(clustered_quotient(tables, np.random.default_rng(7)))


def test_a_net_effect_of_nothing_and_a_quotient_of_none_keep_their_level():
    """Without effect the interval of the net effect leaves out 0 in about 5%; so does that of a quotient of 0."""
    rng, worlds, hits, given = np.random.default_rng(8), 300, np.zeros(2), 0
    for _ in range(worlds):
        tables = np.zeros((400, 3, 2))
        tables[np.arange(400), rng.integers(0, 3, 400), rng.integers(0, 2, 400)] = rng.geometric(0.15, 400)
        effect = clustered_net_effect(tables, rng, resamples=199)
        hits[0] += effect.low > 0 or effect.high < 0
        tables[rng.random(400) < 0.9, TARGET, 1] = 0
        found = clustered_quotient(tables, rng, resamples=199)
        if isinstance(found, Interval):
            given += 1
            hits[1] += found.low > 0 or found.high < 0
    assert given > 250
    assert hits[0] / worlds < 0.085
    assert hits[1] / given < 0.085


@pytest.mark.realdata
def test_the_worked_examples_are_those_of_the_oracle():
    """The numbers of the examples are those that the data folder gives as published."""
    told = json.loads((Path(os.environ["WATERBED_REALDATA"]) / "oracles.json").read_text())
    plain, timed, sized = (told["wdd"][name] for name in ("plain", "time_weighted", "area_weighted"))
    for one, lengths, sizes in (
        (plain, (1, 1), None),
        (timed, (timed["years_before"], timed["years_after"]), None),
        (sized, (1, 1), [sized["treated_area"], sized["control_area"]]),
    ):
        tables = alone([one["treated"], one["control"]])
        found = clustered_difference(tables, np.random.default_rng(1), lengths=lengths, sizes=sizes)
        assert round(found.estimate, 1) == one["wdd"]
        assert found.error == pytest.approx(one["se"], rel=0.06)
    counts = told["wdq_iwf_2021"]
    found = displacement_quotient([[counts[f"{row}b"], counts[f"{row}a"]] for row in "RCD"])
    assert round(found, 3) == counts["wdq"]
