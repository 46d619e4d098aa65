"""Grids and fractions of them: nothing twice, the reference first, every choice changed alone."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.model.errors import InputError
from waterbed.questions.sensitivity.design import (
    DIMENSIONS,
    Levels,
    chosen_specs,
    confirmation,
    confirmation_level,
    every_spec,
    size,
    with_reference,
)
from waterbed.questions.sensitivity.variants import same_groups

LEVELS: Levels = {
    "clock": ("reported", "first_seen", "episode_start"),
    "role": ("hoster", "asn"),
    "dedup": ("url", "host", "site"),
    "confirmation": ("3 looks over 2 h", "1 look"),
    "moved": ("competing", "removed", "censored"),
    "unknown": ("censored", "up", "removed"),
    "first_down": ("bounds",),
    "proxy": ("own class",),
    "merges": ("on", "off"),
    "assessment": ("decides",),
    "hoster_word": ("counts",),
}


def test_whole_grid_holds_every_combination_once() -> None:
    """A grid that is not too large is run whole, its first levels first."""
    specs = chosen_specs(LEVELS, size(LEVELS))
    assert specs == list(every_spec(LEVELS))
    assert len(set(specs)) == len(specs) == 3 * 2 * 3 * 2 * 3 * 3 * 2
    assert [specs[0].level(dimension) for dimension in DIMENSIONS] == [LEVELS[d][0] for d in DIMENSIONS]


@pytest.mark.parametrize("most", [16, 64, 200])
def test_fraction_is_of_the_size_asked_for(most: int) -> None:
    """A fraction has as many distinct specifications as asked for, the reference first, the same each time."""
    specs = chosen_specs(LEVELS, most)
    assert len(set(specs)) == len(specs) == most
    assert specs[0] == next(every_spec(LEVELS))
    assert specs == chosen_specs(LEVELS, most)


def test_fraction_is_balanced() -> None:
    """Each level, and each pair of levels, stands nearly as often as if levels were dealt out evenly."""
    most = 128
    specs = chosen_specs(LEVELS, most)
    for dimension in DIMENSIONS:
        counts = Counter(spec.level(dimension) for spec in specs)
        even = most / len(LEVELS[dimension])
        assert all(0.75 * even <= counts[level] <= 1.25 * even for level in LEVELS[dimension]), counts
    for one, other in combinations(DIMENSIONS, 2):
        pairs = Counter((spec.level(one), spec.level(other)) for spec in specs)
        even = most / (len(LEVELS[one]) * len(LEVELS[other]))
        assert len(pairs) == len(LEVELS[one]) * len(LEVELS[other])
        assert all(0.5 * even <= count <= 1.6 * even for count in pairs.values()), pairs


def test_fraction_changes_each_choice_alone() -> None:
    """For each dimension some specifications differ in it alone, the reference's own among them."""
    specs = chosen_specs(LEVELS, 64)
    for dimension in (one for one in DIMENSIONS if len(LEVELS[one]) > 1):
        lines = Counter(tuple(spec.level(other) for other in DIMENSIONS if other != dimension) for spec in specs)
        assert sum(count == len(LEVELS[dimension]) for count in lines.values()) >= 3, dimension
        rest = tuple(specs[0].level(other) for other in DIMENSIONS if other != dimension)
        assert lines[rest] == len(LEVELS[dimension])


@given(st.integers(1, 99), st.integers(0, 9_999 * 36).map(lambda tenth_s: tenth_s / 10 * 36))
def test_confirmations_are_read_as_spelled(looks: int, over_s: float) -> None:
    """What a confirmation is spelled as reads as the same looks and, to a thousandth of an hour, the same time."""
    read = confirmation(confirmation_level(looks, min(over_s, 9_999 * 3600.0)))
    assert read[0] == looks
    assert abs(read[1] - min(over_s, 9_999 * 3600.0)) <= 1.8


def test_declared_levels_must_hold_the_reference() -> None:
    """Levels that leave out what the study itself takes are refused; else that one comes first."""
    assert with_reference("moved", ("removed", "competing"), "competing") == ("competing", "removed")
    with pytest.raises(InputError, match=r"sensitivity\.moved.*'competing'"):
        with_reference("moved", ("removed",), "competing")


def test_groups_are_the_same_if_only_names_differ() -> None:
    """One to one is the same grouping; one to two, or two to one, is another."""
    assert same_groups({("a",): {("1",)}, ("b",): {("2",)}})
    assert not same_groups({("a",): {("1",), ("2",)}})
    assert not same_groups({("a",): {("1",)}, ("b",): {("1",)}})
