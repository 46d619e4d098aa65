"""The cycle guard goes on from what it knew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.study.random_studies import Drawn
from waterbed.judging import mass_flips
from waterbed.model.codec import moment
from waterbed.study.conclusions import Conclusions
from waterbed.study.guarded import Guarded, cycle_start, guarded


def guard(its: Conclusions, **how: object) -> Guarded:
    """What the guard makes of a study's looks."""
    return guarded(its.looks, its.attributed, its.facts, its.config, its.rules, **how)  # type: ignore[arg-type]


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_a_guard_that_goes_on_does_what_one_guard_does(seed: int, first: float, second: float) -> None:
    """Stopped at any cycle and begun again there, it holds the same looks and ends the same quarantines."""
    its = Drawn(seed).conclusions()
    if its.looks.span is None:
        return
    begin, end = its.looks.span
    at, later = (cycle_start(int(begin + part * (end - begin)), its.config) for part in sorted((first, second)))
    whole, stopped = guard(its, keep_at=later), guard(its, keep_at=at)
    again = guard(its, before=stopped.kept, keep_at=later)
    assert again.changed.rows.tolist() == whole.changed.rows.tolist()
    assert again.changed.numbers.tolist() == whole.changed.numbers.tolist()
    assert whole.kept is not None
    assert again.kept is not None
    assert again.kept.held.to_pylist() == whole.kept.held.to_pylist()
    assert again.kept.state == whole.kept.state
    assert again.kept.urls.equals(whole.kept.urls)
    assert [one for one in again.quarantines if one not in whole.quarantines] == []
    assert [one for one in whole.quarantines if one.ended_at > moment(at) and one not in again.quarantines] == []


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 99))
def test_how_many_cycles_are_counted_at_once_changes_nothing(seed: int, first: int, most: int) -> None:
    """One cycle after the other, few, or as many as there are: the same looks are held, and the same is known."""
    its = Drawn(seed).conclusions()
    if its.looks.span is None:
        return
    last = cycle_start(its.looks.span[1], its.config)
    usual = guard(its, keep_at=last)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mass_flips, "_FIRST", first)
        patched.setattr(mass_flips, "_MOST", most)
        other = guard(its, keep_at=last)
    assert other.changed.rows.tolist() == usual.changed.rows.tolist()
    assert other.quarantines == usual.quarantines
    assert other.kept is not None
    assert usual.kept is not None
    assert other.kept.state == usual.kept.state
    assert other.kept.urls.equals(usual.kept.urls)
