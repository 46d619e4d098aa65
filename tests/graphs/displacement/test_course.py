"""Periods that are published are long enough to be told."""

import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.graphs.displacement.movements import HEADING, series, world
from waterbed.graphs.displacement.course import ENOUGH, lengthened
from waterbed.graphs.displacement.findings import of_event
from waterbed.model.formatter import EVERYTHING, Disclosure


def test_the_studys_own_people_read_the_declared_periods() -> None:
    """Without a policy, and where all counts can be told, nothing is taken together."""
    made = series(world(1, fall=1 / 3, moved=0.5))
    assert lengthened(made, "not parallel", EVERYTHING) is made
    assert lengthened(made, "not parallel", Disclosure(least=2)).event.period_h == made.event.period_h


@pytest.mark.long
@pytest.mark.parametrize("anticipation", [0, 3])
def test_short_periods_are_told_together(anticipation: int) -> None:
    """Longer ones begin at the event, too, lie within the declared windows, and most of their counts can be told."""
    plain = series(world(1, fall=1 / 3, moved=0.5))
    event = plain.event
    made = replace(
        plain, event=msgspec.structs.replace(event, before=event.before - anticipation, anticipation=anticipation)
    )
    disclosure = Disclosure(least=12)
    found = lengthened(made, "not parallel", disclosure)
    assert found.event.period_h > event.period_h
    assert found.event.at == event.at
    (start, end), (first, last) = found.event.window, made.event.window
    assert first <= start < end <= last
    window = found.window
    assert window.first >= 0
    counts = found.area_counts("not parallel")[window.first : window.event + window.after, :2]
    told = np.mean((counts == 0) | (counts >= 12))
    assert told >= ENOUGH or made.event.before < 16 * found.event.period_h / made.event.period_h
    rows = of_event(made, HEADING, {}, disclosure).periods
    assert {(b.begins_at - a.begins_at) for a, b in itertools.pairwise(rows) if b.age == a.age + 1} == {
        found.event.period
    }
